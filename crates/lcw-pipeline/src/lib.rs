//! Plans what to fetch, exports it day by day, and proves the counts.
//!
//! [`export`] is the whole of it: read the workflows, take the dataset's lock, list every
//! workflow's runs, decide run by run what has to be read, read results side by side, and commit
//! them day by day, oldest first. [`plan`] stops before the first row. [`status`] only looks at
//! the dataset, [`doctor`] at everything that an export needs.
//!
//! The dataset with its manifests is the only state. Nothing here knows HTTP or file formats.

mod catalog;
mod commit;
mod coverage;
mod decide;
mod decode;
mod doctor;
mod draft;
mod error;
pub mod exit;
mod export;
mod fetch;
mod listing;
mod plan;
mod prepare;
mod progress;
mod proof;
mod request;
mod state;
mod status;
mod stored;
mod summary;
mod survey;
mod tables;
mod tenant;
mod trouble;
mod workflows;
mod write;
mod writing_thread;

pub use doctor::{Check, Diagnosis, Verdict, doctor};
pub use error::PipelineError;
pub use export::{Stop, export};
pub use fetch::Way;
pub use plan::{Partition, Plan, plan};
pub use progress::{Glance, Progress};
pub use proof::{ProofSummary, ShortRun};
pub use request::{Backfill, DeletedWorkflows, FileFormat, Kind, NdjsonCompression, Request};
pub use status::{
    DatasetStatus, ExportStatus, RunStatus, StoredShortRun, TableStatus, TenantStatus, status,
};
pub use summary::{
    ErrorSummary, ManifestSummary, Requests, Status, Summary, TableSummary, Ways, Window,
};
pub use survey::RunCounts;
pub use tables::{layout, spec, specs};
pub use trouble::NotCovered;
