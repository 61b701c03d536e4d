//! The count proof: what was fetched for a run against what the service counts for it.

use lcw_transform::{Marker, Proof, Table};
use serde::{Serialize, Serializer};

use crate::summaries::WorkflowProof;

/// Verdict on one run, as stored in `runs._lcw_proof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The run's status is not final: nothing to prove yet.
    Open,
    /// As many rows as the service counts.
    Matched,
    /// Fewer rows than the service counts.
    Short,
    /// More rows than the service counts.
    Over,
    /// The run's counter does not speak of these rows, or is not there.
    NotCounted,
}

impl Verdict {
    /// What the row says of it.
    pub(crate) fn marker(self) -> Marker<Proof> {
        match self {
            Self::Open => Marker::Value(Proof::Open),
            Self::Matched => Marker::Value(Proof::Matched),
            Self::Short => Marker::Value(Proof::Short),
            Self::Over => Marker::Value(Proof::Over),
            Self::NotCounted => Marker::Null,
        }
    }
}

/// Compares rows with the service's counter, where that speaks of them.
pub(crate) fn verdict(is_final: bool, counted: Option<i32>, rows: usize) -> Verdict {
    if !is_final {
        return Verdict::Open;
    }
    let Some(counted) = counted else {
        return Verdict::NotCounted;
    };
    match i64::try_from(rows)
        .unwrap_or(i64::MAX)
        .cmp(&i64::from(counted))
    {
        std::cmp::Ordering::Equal => Verdict::Matched,
        std::cmp::Ordering::Less => Verdict::Short,
        std::cmp::Ordering::Greater => Verdict::Over,
    }
}

/// The proofs of one export.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProofSummary {
    /// Settled runs whose users are as many as the service counts.
    pub matched: u64,
    /// Settled runs with fewer users than the service counts.
    pub short: u64,
    /// Settled runs with more users than the service counts.
    pub over: u64,
    /// Settled runs whose subjects are not users: counted by the service, without user rows.
    pub non_user_subjects: u64,
    /// The dataset leaves out users by a filter: the number of its rows proves nothing.
    pub filtered: bool,
    /// Settled runs about whose users nothing could be proven.
    pub unproven: u64,
    /// The same for the task results of runs.
    pub tasks: Verdicts,
    /// The same for the task results of task reports.
    pub task_reports: Verdicts,
    /// What the service counts by workflow, for those that something was read of.
    pub workflows: Vec<WorkflowProof>,
    /// Runs, reports and workflows that are short.
    pub short_runs: Vec<ShortRun>,
    /// Shortfalls that nobody has acknowledged: any makes the export unproven (exit 5).
    pub unacknowledged: u64,
}

/// How many were as many as the service counts, fewer, or more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// As many rows as the service counts.
    pub matched: u64,
    /// Fewer rows than the service counts.
    pub short: u64,
    /// More rows than the service counts.
    pub over: u64,
}

impl Verdicts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Matched => self.matched += 1,
            Verdict::Short => self.short += 1,
            Verdict::Over => self.over += 1,
            Verdict::Open | Verdict::NotCounted => {}
        }
    }
}

/// Something of which the service counts more rows than it returned.
#[derive(Debug, Clone, Serialize)]
pub struct ShortRun {
    /// The table that lacks rows.
    pub table: &'static str,
    /// The workflow.
    pub workflow_id: String,
    /// The run; empty, and null in JSON, when it is the workflow as a whole that is short.
    #[serde(serialize_with = "null_when_empty")]
    pub run_id: String,
    /// The day under which it is stored; empty, and null in JSON, as before.
    #[serde(serialize_with = "null_when_empty")]
    pub run_date: String,
    /// What the service counts.
    pub counted: i64,
    /// Rows the service returned, all ways of asking united.
    pub fetched: u64,
    /// Why somebody has acknowledged it: then it does not make the export unproven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<String>,
}

/// What is not there is null in JSON.
pub(crate) fn null_when_empty<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    Some(text).filter(|text| !text.is_empty()).serialize(to)
}

impl ShortRun {
    pub(crate) fn of_run(table: Table, workflow_id: &str, run_id: &str, run_date: &str) -> Self {
        Self {
            table: table.name(),
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            run_date: run_date.to_owned(),
            counted: 0,
            fetched: 0,
            acknowledged: None,
        }
    }

    /// How many rows are missing.
    pub(crate) fn missing(&self) -> i64 {
        let fetched = i64::try_from(self.fetched).unwrap_or(i64::MAX);
        self.counted.saturating_sub(fetched)
    }

    pub(crate) fn counting(mut self, counted: i64, fetched: u64) -> Self {
        self.counted = counted;
        self.fetched = fetched;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_that_is_short_names_no_run() {
        let json = |run, day| {
            let short = ShortRun::of_run(Table::Runs, "w", run, day);
            let json = serde_json::to_value(short).unwrap();
            (json["run_id"].clone(), json["run_date"].clone())
        };
        assert_eq!(
            json("", ""),
            (serde_json::Value::Null, serde_json::Value::Null)
        );
        assert_eq!(json("r", "2026-11-01"), ("r".into(), "2026-11-01".into()));
    }

    #[test]
    fn only_final_runs_with_a_counter_get_a_verdict() {
        assert_eq!(verdict(false, Some(0), 5), Verdict::Open);
        assert_eq!(verdict(false, None, 5), Verdict::Open);
        assert_eq!(verdict(true, Some(2), 2), Verdict::Matched);
        assert_eq!(verdict(true, Some(2), 1), Verdict::Short);
        assert_eq!(verdict(true, Some(2), 3), Verdict::Over);
        assert_eq!(verdict(true, None, 3), Verdict::NotCounted);
    }
}
