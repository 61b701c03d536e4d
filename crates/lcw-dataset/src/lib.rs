//! The dataset on disk: partitions, merge, staged commits, lock and manifests.
//!
//! A dataset is a folder of partitions, one file per table, tenant and day, that only ever moves
//! forward: every file is replaced as a whole by a rename, and no row leaves it, unless somebody has
//! asked to forget whom it is about.
//!
//! ```text
//! <root>/<table>/tenant_id=<id>/run_date=2026-11-22/part-0.<ext>   tables kept by day
//! <root>/<table>/tenant_id=<id>/part-0.<ext>                       undated tables
//! <root>/_dataset.json                                             what this dataset is
//! <root>/_manifests/<export_id>.json                               what an export did
//! <root>/_quarantine/<export_id>/<table>.ndjson                     objects that became no rows
//! <root>/_damaged/…                                                files that somebody moved away
//! <root>/_staging/<export_id>/…                                    files not yet published
//! <root>/_lock, _lock.json, _commit.lock
//! ```
//!
//! - [`Dataset`] reads; it needs no lock, because a file is old or new and never part of one.
//! - [`Writer`] holds the lock. [`Writer::begin`] starts an [`Export`], [`Export::day`] a
//!   [`Staging`] of one day, whose [`Staging::merge`] streams new rows into staged files and
//!   whose [`Staging::commit`] publishes them: intent in the manifest first, then the child
//!   tables, then `runs`.
//! - [`Audit`] compares every file with the manifests, and needs no lock either.
//! - [`Format`] is what a loader implements. [`conformance`] is the suite that every loader runs.
//!
//! A table may gain nullable columns, anywhere but in its key, with a higher schema version. Older
//! files are read as if they had them, with NULL, and stay as they are until one of their rows
//! changes: then the whole file is written with the table's present columns. Rewriting them only
//! for their schema would say nothing new, and would touch every day of a dataset at once. A
//! required column that an older file lacks is refused when the file is read. Files of a newer
//! version are never merged.
//!
//! **Invariant**: [`storage`] is the only module of the project that renames files.

mod asked;
mod audit;
mod check;
pub mod conformance;
mod dataset;
mod error;
mod export;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod gather;
mod history;
mod identity;
mod layout;
mod lock;
mod manifest;
mod merge;
mod missing;
mod quarantine;
mod recover;
mod seal;
mod staging;
pub mod storage;
mod table;
mod values;
mod writer;

pub use audit::{Audit, Class, Examiner, Finding, Place, Seen, Unit};
pub use dataset::{Dataset, PartitionFile, Rows};
pub use error::{DatasetError, ErrorKind, MergeError};
pub use export::Export;
pub use format::{FileMeta, FileSink, Format, FormatError, RowReader, RowWriter, digest_of};
pub use identity::Identity;
pub use layout::DAMAGED;
pub use manifest::{
    AcknowledgedManifest, DayRecord, DayState, FileChange, FileRecord, ForgottenRows, Listing,
    Manifest, ManifestHead, ManifestLink, ManifestRef, ManifestTail, ProofCounts, RequestCounts,
    RunCounts, Status, TableCounts, Window,
};
pub use merge::{Incoming, MergeStats};
pub use missing::MissingFile;
pub use staging::{Committed, Rewritten, Staging};
pub use table::{ColumnSpec, Hint, RAW_COLUMN, Role, TableSpec, Timestamps};
pub use values::Values;
pub use writer::Writer;

/// Rows of a batch that is read or merged at once, at most.
pub const BATCH_ROWS: usize = 8192;

/// Memory of a batch that is read: rows whose values are so large come in smaller batches.
pub const BATCH_BYTES: usize = 16 << 20;
