//! The `lcw` command line.
fn main() {}
