//! One process that exports a tenant for weeks, as its faults come and go: what it takes of memory,
//! descriptors, threads and files does not grow, and neither does what it asks of the service.
//!
//! The tenant lives here; the process that exports is this program again, started with [`EXPORTER`],
//! so that its figures are its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what goes wrong here fails the test, and its figures are worth reading"
)]

mod exporter;
mod figures;
mod story;

/// Counts the bytes that are held.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Set in the process that exports.
const EXPORTER: &str = "LCW_SOAK_EXPORTER";

fn main() {
    if std::env::var_os(EXPORTER).is_some() {
        return exporter::serve();
    }
    // As other tests do, it runs unless names were given and none is its own.
    let mut names = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let is_listed = std::env::args().any(|word| word == "--list");
    let is_meant = names.next().is_none_or(|name| "soak".contains(&name));
    if is_meant && !is_listed {
        story::tell();
    }
}
