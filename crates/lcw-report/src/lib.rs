//! Answers from an exported history: which leavers were done in time, which tasks fail and why, who
//! was failed and fixed later, what has stopped running, how long users wait, and what is proven.
//!
//! [`report`] reads a dataset day by day and returns a [`Report`], which is the object of
//! `lcw report --json`; [`render`] makes text, CSV and HTML of it. Memory grows with the largest day,
//! with the leavers and with the users that failed, not with the rows.
//!
//! Rates are made of *settled* runs that are no dry runs. What is open, not settled or a `preview` is
//! counted beside them.
//!
//! **Invariant**: nothing here writes, prints, or asks the service. A day's files are of one moment:
//! a day that is replaced meanwhile is read again.

mod batch;
mod day;
mod error;
mod failed_users;
mod failing_tasks;
mod fingerprint;
mod leavers;
mod metrics;
mod model;
mod plain;
mod population;
mod proof;
pub mod render;
mod report;
mod request;
mod source;
mod spread;
mod subject;
mod workflows;

pub use error::ReportError;
pub use metrics::{Checked, Condition, METRICS, Metric};
pub use model::{
    DayLine, FailedUser, FailedUsers, FailingTasks, Fingerprint, LeaverCase, Leavers, Outcome,
    Outcomes, Proof, Report, Short, Totals, Window, WorkflowLine,
};
pub use population::Population;
pub use report::report;
pub use request::ReportRequest;
pub use spread::Quantiles;
