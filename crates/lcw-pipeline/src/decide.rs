//! Which listed runs need fetching: one pure function.

use crate::listing::ListedRun;
use crate::stored::StoredRun;

/// What is done about a listed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Ask for its results and store both.
    Fetch,
    /// Its row is stored; its results need no request.
    StoreRow,
    /// The dataset holds it already, settled and unchanged.
    SkipSettled,
}

/// What the decision depends on besides the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// `user_processing_results` was asked for.
    pub(crate) wants_results: bool,
    /// Read everything again, whatever the dataset says.
    pub(crate) everything: bool,
}

pub(crate) fn decide(
    listed: &ListedRun,
    settled: bool,
    stored: Option<&StoredRun>,
    rules: Rules,
) -> Decision {
    let unchanged = stored.is_some_and(|stored| stored.same_state(listed, settled));
    let proven = stored.is_some_and(|stored| {
        (stored.result_rows.is_some() || !rules.wants_results) && !stored.is_short
    });
    if settled && unchanged && proven && !rules.everything {
        return Decision::SkipSettled;
    }
    if !rules.wants_results || (settled && listed.is_empty()) {
        let known = unchanged && (proven || !rules.wants_results) && !rules.everything;
        return if known {
            Decision::SkipSettled
        } else {
            Decision::StoreRow
        };
    }
    Decision::Fetch
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: Rules = Rules {
        wants_results: true,
        everything: false,
    };
    const BACKFILL: Rules = Rules {
        wants_results: true,
        everything: true,
    };
    const RUNS_ONLY: Rules = Rules {
        wants_results: false,
        everything: false,
    };

    fn listed(status: &str, last_updated: i64, users: i32) -> ListedRun {
        ListedRun {
            id: "r".into(),
            day: jiff::civil::date(2026, 11, 22),
            scheduled: 0,
            last_updated: Some(last_updated),
            touched: Some(last_updated),
            status: status.into(),
            total_users: Some(users),
            counts_users: true,
            raw: "{}".into(),
        }
    }

    fn stored(last_updated: i64, settled: bool, result_rows: Option<i32>) -> StoredRun {
        StoredRun {
            day: jiff::civil::date(2026, 11, 22),
            scheduled: Some(0),
            scheduled_text: Box::default(),
            last_updated: Some(last_updated),
            status: "completed".into(),
            settled,
            result_rows,
            is_short: false,
            is_expired: false,
        }
    }

    #[test]
    fn a_run_is_skipped_only_when_settled_unchanged_and_read() {
        let run = listed("completed", 5, 2);
        let known = stored(5, true, Some(2));
        assert_eq!(
            decide(&run, true, Some(&known), EXPORT),
            Decision::SkipSettled
        );
        assert_eq!(
            decide(&run, true, None, EXPORT),
            Decision::Fetch,
            "not in the dataset"
        );
        assert_eq!(
            decide(&run, false, Some(&stored(5, false, Some(2))), EXPORT),
            Decision::Fetch
        );
        assert_eq!(
            decide(&run, true, Some(&stored(5, false, Some(2))), EXPORT),
            Decision::Fetch
        );
        assert_eq!(
            decide(&run, true, Some(&stored(4, true, Some(2))), EXPORT),
            Decision::Fetch
        );
        assert_eq!(
            decide(&run, true, Some(&stored(5, true, None)), EXPORT),
            Decision::Fetch
        );
        let short = StoredRun {
            is_short: true,
            ..stored(5, true, Some(1))
        };
        assert_eq!(
            decide(&run, true, Some(&short), EXPORT),
            Decision::Fetch,
            "short"
        );
        assert_eq!(decide(&run, true, Some(&known), BACKFILL), Decision::Fetch);
    }

    #[test]
    fn an_empty_run_needs_no_request_once_it_is_settled() {
        let run = listed("completed", 5, 0);
        assert_eq!(decide(&run, true, None, EXPORT), Decision::StoreRow);
        assert_eq!(
            decide(&run, false, None, EXPORT),
            Decision::Fetch,
            "counters may still lag"
        );
        assert_eq!(decide(&run, true, None, BACKFILL), Decision::StoreRow);
        let canceled = listed("canceled", 5, 0);
        assert_eq!(
            decide(&canceled, true, None, EXPORT),
            Decision::Fetch,
            "only completed ones"
        );
    }

    #[test]
    fn without_results_a_row_is_stored_when_its_state_is_new() {
        let run = listed("completed", 5, 2);
        assert_eq!(decide(&run, true, None, RUNS_ONLY), Decision::StoreRow);
        assert_eq!(
            decide(&run, true, Some(&stored(5, true, None)), RUNS_ONLY),
            Decision::SkipSettled
        );
        assert_eq!(
            decide(&run, true, Some(&stored(4, true, None)), RUNS_ONLY),
            Decision::StoreRow
        );
        let open = listed("inProgress", 5, 0);
        let known = StoredRun {
            status: "inProgress".into(),
            ..stored(5, false, None)
        };
        assert_eq!(
            decide(&open, false, Some(&known), RUNS_ONLY),
            Decision::SkipSettled
        );
    }
}
