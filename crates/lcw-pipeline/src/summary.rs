//! The one object that says what an export did: `--json` prints it, the manifest keeps it.

use std::collections::BTreeMap;

use lcw_extractor::ExtractError;
use serde::Serialize;

use crate::children::Child;
use crate::error::PipelineError;
use crate::not_covered::NotCovered;
use crate::proof::ProofSummary;
use crate::retention::Retention;
use crate::snapshot::SnapshotSummary;
use crate::survey::RunCounts;
use crate::ways::Way;

/// What an export did. Keys are only ever added.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Name of the export and of its manifest.
    pub export_id: String,
    /// `export` or `backfill`.
    pub kind: &'static str,
    /// How it ended.
    pub status: Status,
    /// The exit code of the program.
    pub exit_code: u8,
    /// RFC 3339, this machine's clock.
    pub started_at: String,
    /// RFC 3339, this machine's clock.
    pub finished_at: String,
    /// The tenant, as in the partition names; absent when it did not come to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The dataset's folder.
    pub out: String,
    /// Which runs were listed, by the date of their schedule.
    pub window: Window,
    /// By table name.
    pub tables: BTreeMap<String, TableSummary>,
    /// What was asked of Graph.
    pub requests: Requests,
    /// What was decided about the runs.
    pub runs: RunCounts,
    /// Fetched rows against the service's own counts.
    pub proof: ProofSummary,
    /// Which way of asking brought what was asked for.
    pub ways: Ways,
    /// What was asked for and is not in the dataset.
    pub not_covered: Vec<NotCovered>,
    /// What the service has added to its contract: properties and values that `lcw` does not know.
    pub drift: Vec<DriftEntry>,
    /// Rows that the tables cannot hold, by table: they are in `_quarantine`.
    pub quarantined: BTreeMap<String, u64>,
    /// Days inside the dataset's coverage that the service forgot before this export, or whose files are
    /// gone since it has forgotten them.
    pub lost_days: Vec<String>,
    /// How far the service's memory reaches back, and how close the dataset came to its end.
    pub retention: Retention,
    /// What the operator should know though nothing went wrong.
    pub warnings: Vec<String>,
    /// The manifest, when one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestSummary>,
    /// The copy for readers, when one was asked for and made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotSummary>,
    /// Why the export stopped, when it did not reach its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorSummary>,
}

/// How an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything asked for is in the dataset, and proven.
    Complete,
    /// What is committed is good; some could not be fetched.
    Partial,
    /// Committed, but not proven complete.
    Unproven,
    /// Stopped by an error.
    Failed,
    /// Stopped by a signal.
    Interrupted,
}

/// A half-open window of run schedule dates.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Window {
    /// RFC 3339; null when it did not come to a listing.
    pub from: Option<String>,
    /// RFC 3339; null for the incremental export, which has no upper bound.
    pub to: Option<String>,
}

/// What happened to one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TableSummary {
    /// Rows in the files that were written.
    pub rows_written: u64,
    /// Rows the table did not have before.
    pub rows_new: u64,
    /// Rows that took the place of an older state.
    pub rows_replaced: u64,
    /// Rows of the tenant in the table afterwards.
    pub rows_total: u64,
    /// Files written.
    pub files: u64,
}

/// Something that Microsoft's metadata of August 2026 does not define.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftEntry {
    /// The table.
    pub table: String,
    /// The property, with `/` inside objects. An unknown one is kept in `_lcw_extra`.
    pub property: String,
    /// The unknown value of a known enumeration; absent when the property itself is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What was asked of Graph.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Requests {
    /// Requests sent, retries included.
    pub sent: u64,
    /// Of those, repeated ones.
    pub retried: u64,
    /// Answers 429.
    pub throttled: u64,
    /// The fewest that could have brought the same: each page and each entity once.
    pub least: u64,
}

/// Which way of asking worked.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ways {
    /// Workflows whose runs were asked for by `startedDateTime` too, because the filter on
    /// `scheduledDateTime` brought nothing older than the service's default of 7 days.
    pub runs_asked_again: u64,
    /// Runs that only another way than the first brought.
    pub runs_found_again: u64,
    /// Runs by the way that brought their results, the last one tried.
    pub results: BTreeMap<String, u64>,
    /// Runs by the way that brought their task results, the last one tried.
    pub task_results: BTreeMap<String, u64>,
    /// Workflows by the way that brought their task reports, the last one tried.
    pub task_reports: BTreeMap<String, u64>,
}

impl Ways {
    pub(crate) fn count(&mut self, child: Child, way: Way) {
        let ways = match child {
            Child::Results => &mut self.results,
            Child::Tasks => &mut self.task_results,
            // There is one way to ask for these.
            Child::Subjects | Child::Reprocessed => return,
        };
        *ways.entry(way.name().to_owned()).or_default() += 1;
    }
}

/// Where the manifest is.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestSummary {
    /// Its file, below [`Summary::out`].
    pub path: String,
    /// SHA-256 of the closed manifest, in hex.
    pub sha256: String,
}

/// Why an export stopped.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorSummary {
    /// What was attempted, on what, and what was answered.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Graph's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Graph's `request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl From<&PipelineError> for ErrorSummary {
    fn from(error: &PipelineError) -> Self {
        let extract: Option<&ExtractError> = error.extract();
        Self {
            message: crate::trouble::describe(error),
            remedy: error.remedy(),
            code: extract.and_then(ExtractError::code).map(str::to_owned),
            request_id: extract
                .and_then(ExtractError::request_id)
                .map(str::to_owned),
        }
    }
}
