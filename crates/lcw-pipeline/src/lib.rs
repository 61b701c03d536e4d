//! Plans what to fetch, exports it day by day, and proves the counts.
//!
//! [`export`] is the whole of it: read the workflows, take the dataset's lock, list every
//! workflow's runs, decide run by run what has to be read, read what is below them side by side,
//! and commit it day by day, oldest first. [`plan`] stops before the first row. [`status`] only
//! looks at the dataset, [`verify`] compares it with its manifests, [`doctor`] at everything that an export needs, and [`acknowledge`] only
//! writes into the dataset's record.
//!
//! The dataset with its manifests is the only state. Nothing here knows HTTP or file formats.

mod acknowledge;
mod ask_runs;
mod by_workflow;
mod catalog;
mod children;
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
mod forget;
pub mod human;
mod in_turn;
mod listing;
mod matrix;
mod missing_runs;
mod named;
mod not_covered;
mod options;
mod page_sizes;
mod people;
mod plan;
mod prepare;
mod progress;
mod proof;
mod read_run;
mod readers;
mod reports;
mod request;
mod retention;
mod snapshot;
mod state;
mod status;
mod stored;
mod summaries;
mod summary;
mod survey;
mod tables;
mod tenant;
mod tombstones;
mod trouble;
mod undated;
mod unlisted;
mod vanished;
mod verify;
mod ways;
mod workflows;
mod write;
mod writing_thread;
mod written;

pub use acknowledge::{AcknowledgeRequest, Acknowledgement, acknowledge};
pub use doctor::{Check, Diagnosis, Verdict, doctor};
pub use error::PipelineError;
pub use export::{Stop, export};
pub use forget::{
    ForgetRequest, Forgetting, ForgottenFile, QuarantinedLines, TenantForgetting, forget,
};
pub use matrix::{Cell, MatrixRow};
pub use named::{KnownWorkflow, find_workflow, known_workflows};
pub use not_covered::{Cause, NotCovered};
pub use plan::{Partition, Plan, plan};
pub use progress::{Glance, Progress};
pub use proof::{ProofSummary, ShortRun, Verdicts};
pub use readers::{Readable, readable};
pub use request::{
    Backfill, DeletedWorkflows, FileFormat, Kind, NdjsonCompression, OnDrift, Request, Route,
};
pub use retention::{Retention, SERVICE_MEMORY};
pub use snapshot::{SnapshotSummary, Snapshots, snapshot};
pub use state::Acknowledged;
pub use status::{
    DatasetStatus, ExportStatus, RunStatus, StoredShortRun, TableStatus, TenantStatus, status,
};
pub use summaries::{Measure, WorkflowProof};
pub use summary::{
    DriftEntry, ErrorSummary, ManifestSummary, Requests, Status, Summary, TableSummary, Ways,
    Window,
};
pub use survey::RunCounts;
pub use tables::{layout, spec, specs};
pub use verify::{Checked, Head, Problem, Refill, Repair, Verification, VerifyRequest, verify};
pub use ways::Way;
