//! The count proof: what was fetched for a run against what the service counts for it.

use serde::Serialize;

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
    /// The run's counter does not speak of user rows, or is not there.
    NotCounted,
}

/// Compares the rows fetched for a run with its `totalUsersCount`.
pub(crate) fn verdict(
    is_final: bool,
    counts_users: bool,
    total: Option<i32>,
    rows: usize,
) -> Verdict {
    let Some(total) = total.filter(|_| counts_users) else {
        return if is_final {
            Verdict::NotCounted
        } else {
            Verdict::Open
        };
    };
    if !is_final {
        return Verdict::Open;
    }
    match i64::try_from(rows)
        .unwrap_or(i64::MAX)
        .cmp(&i64::from(total))
    {
        std::cmp::Ordering::Equal => Verdict::Matched,
        std::cmp::Ordering::Less => Verdict::Short,
        std::cmp::Ordering::Greater => Verdict::Over,
    }
}

/// The proofs of one export.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ProofSummary {
    /// Settled runs whose rows are as many as the service counts.
    pub matched: u64,
    /// Settled runs with fewer rows than the service counts.
    pub short: u64,
    /// Settled runs with more rows than the service counts.
    pub over: u64,
    /// Settled runs whose subjects are not users: counted by the service, without user rows.
    pub non_user_subjects: u64,
    /// The runs that are short.
    pub short_runs: Vec<ShortRun>,
}

/// A run for which the service counts more users than it returned.
#[derive(Debug, Clone, Serialize)]
pub struct ShortRun {
    /// The run's workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// The day under which it is stored.
    pub run_date: String,
    /// The service's `totalUsersCount`.
    pub counted: i32,
    /// Rows the service returned, all ways of asking united.
    pub fetched: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_final_runs_with_a_user_counter_get_a_verdict() {
        assert_eq!(verdict(false, true, Some(0), 5), Verdict::Open);
        assert_eq!(verdict(true, true, Some(2), 2), Verdict::Matched);
        assert_eq!(verdict(true, true, Some(2), 1), Verdict::Short);
        assert_eq!(verdict(true, true, Some(2), 3), Verdict::Over);
        assert_eq!(verdict(true, false, Some(2), 0), Verdict::NotCounted);
        assert_eq!(verdict(true, true, None, 3), Verdict::NotCounted);
    }
}
