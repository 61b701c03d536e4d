//! The program against a machine that fails it: killed at any call, a disk that refuses, a disk
//! that is full, a power cut.
//!
//! The short forms run with all other tests. `LCW_TORTURE=long` in the environment asks for the
//! long ones, `LCW_SEED=n` for one seed of those that are drawn by chance.

mod call;
mod disk;
mod faults;
mod forgetting;
mod full;
mod kills;
mod offline;
mod power;
mod replay;
mod scene;
mod tracer;

/// Tells whoever looks at the output of a test what it did.
#[expect(clippy::print_stderr, reason = "what a test has to tell")]
fn say(what: &str) {
    eprintln!("{what}");
}
