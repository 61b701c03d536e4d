//! What is fuzzed: one function per target. Each takes any bytes, and panics when something does
//! not hold that has to hold for whatever the bytes are.
//!
//! Two callers feed them: cargo-fuzz (the crate in the folder above), guided by coverage for as long
//! as one lets it, and `tests/smoke.rs`, which mutates the kept inputs on a stable toolchain.
//!
//! Targets that compare have a reference of their own: slow, plain, and not made from the code that
//! it checks.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a panic is how a target says what does not hold"
)]

mod dates;
mod files;
mod filter;
mod manifest;
mod merge;
mod next_link;
mod page;
mod pipeline_file;
mod retry_after;
mod table;

pub use dates::dates;
pub use files::{archives, ndjson, parquet_file};
pub use filter::filter;
pub use manifest::manifest;
pub use merge::merge;
pub use next_link::next_link;
pub use page::page;
pub use pipeline_file::pipeline_file;
pub use retry_after::retry_after;

/// A target: what it makes of any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder of kept inputs.
pub const TARGETS: [(&str, Target); 10] = [
    ("dates", dates),
    ("filter", filter),
    ("manifest", manifest),
    ("merge", merge),
    ("ndjson", ndjson),
    ("next_link", next_link),
    ("page", page),
    ("parquet_file", parquet_file),
    ("pipeline_file", pipeline_file),
    ("retry_after", retry_after),
];
