//! What is asked for.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::metrics::Condition;
use crate::population::Population;

/// What a report is to be about.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// The dataset's folder.
    pub out: PathBuf,
    /// The tenant's id; may be left out when the dataset has one.
    pub tenant: Option<String>,
    /// Only these workflows, by id or name; all when empty.
    pub workflows: Vec<String>,
    /// Schedule of the first run; `None`: 30 days before the newest data.
    pub from: Option<Timestamp>,
    /// First schedule after the window.
    pub to: Option<Timestamp>,
    /// Within which time a leaver has to be done.
    pub sla: Duration,
    /// For how long an enabled workflow may be without a run.
    pub stale_after: Duration,
    /// Who left and when; without it the clock starts at the run's schedule.
    pub population: Option<Population>,
    /// Conditions to check.
    pub conditions: Vec<Condition>,
    /// What this machine's clock shows.
    pub now: Timestamp,
}

/// A span in microseconds.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
