//! What a report says: the object that `lcw report --json` prints.
//!
//! Counts are whole numbers, spans of time are `*_ms`, instants are RFC 3339 in UTC, days are
//! `2026-11-22`. Keys are only ever added. `docs/report.md` defines every figure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::Checked;
use crate::spread::Quantiles;

/// The answers, for one tenant and window.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of this object's keys.
    pub report_version: u32,
    /// The tenant.
    pub tenant_id: String,
    /// The dataset's folder.
    pub out: String,
    /// When the report was made, by this machine's clock.
    pub generated_at: String,
    /// What was looked at.
    pub window: Window,
    /// What the report cannot say, in sentences.
    pub notes: Vec<String>,
    /// Runs and users of the window.
    pub totals: Totals,
    /// Leavers against the clock.
    pub leavers: Leavers,
    /// Failing tasks by what they say.
    pub failing_tasks: FailingTasks,
    /// Users that a workflow failed, and whether it completed them later.
    pub failed_users: FailedUsers,
    /// One line per workflow, by name.
    pub workflows: Vec<WorkflowLine>,
    /// How long users waited, over the window.
    pub queue: Quantiles,
    /// How long processing took, over the window.
    pub processing: Quantiles,
    /// One line per day that has runs.
    pub days: Vec<DayLine>,
    /// What is missing, and what is proven.
    pub proof: Proof,
    /// The figures that `--fail-on` knows, null where the dataset cannot say.
    pub metrics: BTreeMap<&'static str, Option<f64>>,
    /// The conditions of `--fail-on`, and what became of them.
    pub conditions: Vec<Checked>,
}

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Window {
    /// First schedule of a run that counts.
    pub from: String,
    /// First schedule that does not count any more; null without a bound.
    pub to: Option<String>,
    /// Up to when the dataset knows: when the newest export listed the runs, by the service's clock,
    /// else the schedule of the newest run. Null without runs.
    pub as_of: Option<String>,
    /// The workflows that were named, by id; empty when all count.
    pub workflow_ids: Vec<String>,
}

/// Users by how their processing ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub total: u64,
    /// `completed`.
    pub completed: u64,
    /// `completedWithErrors`: a task failed that may fail.
    pub completed_with_errors: u64,
    /// `failed`.
    pub failed: u64,
    /// `canceled`.
    pub canceled: u64,
    /// Any other status, although their run is over.
    pub unfinished: u64,
}

/// Runs and users of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Settled runs that are no dry runs: the ones that rates are made of.
    pub runs: u64,
    /// Runs that are open or not settled; in no rate.
    pub open_runs: u64,
    /// Dry runs; in no rate.
    pub preview_runs: u64,
    /// Of the settled runs, those whose users were not read or cannot be counted on.
    pub runs_without_users: u64,
    /// Of the settled runs, those whose task results were not read.
    pub runs_without_tasks: u64,
    /// Users of the settled runs.
    pub users: Outcomes,
    /// `completed` among those that were completed, completed with errors or failed, in percent;
    /// canceled and unfinished users are left out. Null without such users.
    pub success_rate_percent: Option<f64>,
}

/// Leavers against the clock.
#[derive(Debug, Clone, Serialize)]
pub struct Leavers {
    /// The bound, in milliseconds.
    pub sla_ms: i64,
    /// What starts the clock: `run_schedule` or `leave_date`.
    pub clock: &'static str,
    /// The same, and what stops it, in sentences.
    pub statement: String,
    /// All leavers; the five below add up to it.
    pub total: u64,
    /// Done within the bound.
    pub met: u64,
    /// Done late, or begun and not done when the bound had passed.
    pub missed: u64,
    /// The newest attempt failed, was canceled, or had errors, and nothing completed since.
    pub failed: u64,
    /// No attempt, or none that began, when the bound had passed.
    pub never_processed: u64,
    /// The dataset cannot say; each says why.
    pub not_evaluable: u64,
    /// Of those done, the ones whose account was disabled or deleted by a task that says so.
    pub measured_by_task: u64,
    /// Of those done, the ones of which only the whole processing is known.
    pub measured_by_result: u64,
    /// How long it took those that are done.
    pub elapsed: Quantiles,
    /// Each leaver, the ones that met the bound last.
    pub cases: Vec<LeaverCase>,
}

/// What became of a leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done late, or not done when the bound had passed.
    Missed,
    /// The newest attempt failed.
    Failed,
    /// Nothing began.
    NeverProcessed,
    /// The dataset cannot say.
    NotEvaluable,
    /// Done within the bound.
    Met,
}

impl Outcome {
    /// The name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Failed => "failed",
            Self::NeverProcessed => "never_processed",
            Self::NotEvaluable => "not_evaluable",
            Self::Met => "met",
        }
    }
}

/// One leaver: with the clock of the run's schedule, one per workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaverCase {
    /// The leaver's object id.
    pub subject_id: String,
    /// The workflow that did it, or tried last; null when none did.
    pub workflow_id: Option<String>,
    /// Its name.
    pub workflow: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// When the clock started.
    pub clock_start: String,
    /// When the bound is reached.
    pub deadline: String,
    /// When it was done.
    pub done_at: Option<String>,
    /// From start to done; negative when it was done before the leave date.
    pub elapsed_ms: Option<i64>,
    /// What says that it is done: `disable_task` or `result`.
    pub measured_by: Option<&'static str>,
    /// Why, where the outcome does not say it.
    pub reason: Option<&'static str>,
}

/// Failing tasks by what they say.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FailingTasks {
    /// Whether task results are in the dataset for the window: without them nothing is known here.
    pub known: bool,
    /// Failed executions of tasks.
    pub failures: u64,
    /// Failures by task and reason, most frequent first.
    pub fingerprints: Vec<Fingerprint>,
    /// Failures whose fingerprint came after the thousand that are kept.
    pub failures_left_out: u64,
}

/// Failures of one task for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Twelve hexadecimal digits, the same in every report.
    pub fingerprint: String,
    /// The task's name.
    pub task: String,
    /// The reason, with ids, numbers and addresses replaced.
    pub reason: String,
    /// Failed executions.
    pub failures: u64,
    /// Different users among them.
    pub users: u64,
    /// Workflows among them, by name or id.
    pub workflows: Vec<String>,
    /// When the first one ended.
    pub first_seen: String,
    /// When the last one ended.
    pub last_seen: String,
}

/// Users that a workflow failed, and whether it completed them later.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FailedUsers {
    /// Failures in a row of a user in a workflow count once.
    pub total: u64,
    /// Of those, completed later by the same workflow.
    pub fixed_later: u64,
    /// Of those, not.
    pub not_fixed: u64,
    /// From the first failure to the completion.
    pub time_to_fix: Quantiles,
    /// Those that are not fixed, the oldest failure first.
    pub open_cases: Vec<FailedUser>,
}

/// A user that a workflow failed and has not completed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedUser {
    /// The user's object id.
    pub subject_id: String,
    /// The workflow.
    pub workflow_id: String,
    /// Its name.
    pub workflow: Option<String>,
    /// When the first failure in the row ended.
    pub first_failed: String,
    /// When the last one ended.
    pub last_failed: String,
    /// Failures in the row.
    pub attempts: u64,
}

/// One workflow.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowLine {
    /// Its id.
    pub workflow_id: String,
    /// Its name, where the dataset has it.
    pub workflow: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Whether it can run at all; null for workflows that were deleted before they were seen.
    pub is_enabled: Option<bool>,
    /// Whether it runs on its schedule.
    pub is_scheduling_enabled: Option<bool>,
    /// When it was deleted; null for live ones.
    pub deleted_at: Option<String>,
    /// Schedule of its newest run that is no dry run, in the window or before.
    pub last_run: Option<String>,
    /// Enabled and scheduled, and yet without a run for longer than `--stale-after`.
    pub is_stale: bool,
    /// Settled runs that are no dry runs.
    pub runs: u64,
    /// Runs that are open or not settled.
    pub open_runs: u64,
    /// Dry runs.
    pub preview_runs: u64,
    /// Users of the settled runs.
    pub users: Outcomes,
    /// As in the totals.
    pub success_rate_percent: Option<f64>,
}

/// One day of runs.
#[derive(Debug, Clone, Serialize)]
pub struct DayLine {
    /// The UTC date of the runs' schedules.
    pub run_date: String,
    /// Settled runs that are no dry runs.
    pub runs: u64,
    /// Runs that are open or not settled.
    pub open_runs: u64,
    /// Dry runs.
    pub preview_runs: u64,
    /// Users of the settled runs.
    pub users: Outcomes,
    /// How long they waited.
    pub queue: Quantiles,
    /// How long processing took.
    pub processing: Quantiles,
    /// The worst verdict of the day's count proofs: `matched`, `over`, `open`, `unproven`, `short`.
    pub verdict: &'static str,
}

/// What is missing, and what is proven.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Proof {
    /// `proven`, `open` (something may still come), `not_proven`, or `no_runs`.
    pub verdict: &'static str,
    /// Days of the window by the worst verdict of their runs.
    pub days: BTreeMap<&'static str, u64>,
    /// Runs, task reports and workflows with fewer rows than the service counts, acknowledged or not.
    pub short: Vec<Short>,
    /// Of those, the ones that nobody has acknowledged.
    pub short_unacknowledged: u64,
    /// Days between the first and the last of the window that have no run at all.
    pub days_without_runs: Vec<String>,
    /// Days that the service forgot before they were exported, in all the dataset's life.
    pub lost_days: Vec<String>,
    /// Days that no complete export has covered and the service will soon forget.
    pub days_at_risk: Vec<String>,
    /// What the newest export could not read, in words.
    pub not_covered: Vec<String>,
    /// The newest export: kind, id and how it ended.
    pub last_export: Option<String>,
    /// When the last complete export began.
    pub last_complete_export: Option<String>,
    /// Hours since the last good export began, by this machine's clock.
    pub hours_since_last_good_export: Option<i64>,
}

/// Something with fewer rows than the service counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Short {
    /// The table that lacks rows.
    pub table: String,
    /// The workflow.
    pub workflow_id: String,
    /// The run; null when it is the workflow as a whole.
    pub run_id: Option<String>,
    /// The day of the run.
    pub run_date: Option<String>,
    /// What the service counts.
    pub counted: Option<i64>,
    /// Rows there are.
    pub held: Option<i64>,
    /// Why somebody has acknowledged it.
    pub acknowledged: Option<String>,
}

impl Outcomes {
    /// Adds one user whose processing has this status.
    pub(crate) fn count(&mut self, status: &str) {
        self.total += 1;
        *match status {
            "completed" => &mut self.completed,
            "completedWithErrors" => &mut self.completed_with_errors,
            "failed" => &mut self.failed,
            "canceled" => &mut self.canceled,
            _ => &mut self.unfinished,
        } += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.completed += other.completed;
        self.completed_with_errors += other.completed_with_errors;
        self.failed += other.failed;
        self.canceled += other.canceled;
        self.unfinished += other.unfinished;
    }

    /// `completed` among those that came to an end of their own, in percent.
    pub(crate) fn success_rate(&self) -> Option<f64> {
        let ended = self.completed + self.completed_with_errors + self.failed;
        share(self.completed, ended)
    }

    /// Users whose processing failed, in whole or in part.
    pub fn not_good(&self) -> u64 {
        self.completed_with_errors + self.failed
    }
}

/// A part of a whole in percent, cut to hundredths, so that 100 means all; none of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    let hundredths = (u128::from(part) * 10_000).checked_div(u128::from(whole))?;
    let hundredths = u32::try_from(hundredths).ok()?;
    Some(f64::from(hundredths) / 100.0)
}
