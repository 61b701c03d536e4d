//! What the suites share: exporting from a simulated tenant, and comparing whole tables.
//!
//! The expectation is made from the simulator's own objects by [`expected()`], which knows the
//! published columns but nothing of the code that fills them.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "what goes wrong here fails the test that asked for it"
)]

pub mod aftermath;
pub mod archive;
pub mod asked;
pub mod bucket;
pub mod by_seed;
pub mod canaries;
pub mod damage;
pub mod dataset;
pub mod days;
pub mod dice;
pub mod eavesdropper;
pub mod expected;
pub mod impostor;
pub mod markers;
pub mod meddler;
pub mod office;
pub mod options;
pub mod pages;
pub mod tenants;
pub mod torture;
pub mod weeks;

pub use aftermath::contents;
pub use archive::Archive;
pub use asked::{asked, listings, runs_looked_for, runs_read};
pub use bucket::{Answered, Bucket, Hint, Terms};
pub use dataset::{Facts, data_files, facts, rows};
pub use dice::Dice;
pub use eavesdropper::Eavesdropper;
pub use expected::{assert_same, expected};
pub use impostor::{Heard, Impostor};
pub use meddler::{Good, Meddler, Reply};
pub use office::{CORE, Office, compact, provable};
pub use options::{Asked, first_pages_of_results, option};
pub use tenants::{brief, mend, mistype, quiet, single};
