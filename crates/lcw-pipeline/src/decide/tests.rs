use super::*;
use crate::children::{Child, PerChild};

const RESULTS: Reading = reading(&[Child::Results]);
const EXPORT: Rules = Rules {
    wanted: RESULTS,
    everything: false,
};
const BACKFILL: Rules = Rules {
    wanted: RESULTS,
    everything: true,
};
const RUNS_ONLY: Rules = Rules {
    wanted: reading(&[]),
    everything: false,
};

const fn reading(children: &[Child]) -> Reading {
    Reading {
        children: ChildSet::of(children),
        reports: false,
    }
}

const FETCH: Decision = Decision::Store(RESULTS);
const STORE_ROW: Decision = Decision::Store(reading(&[]));

fn listed(status: &str, last_updated: i64, users: i32) -> ListedRun {
    ListedRun {
        id: "r".into(),
        day: jiff::civil::date(2026, 11, 22),
        scheduled: 0,
        last_updated: Some(last_updated),
        touched: Some(last_updated),
        status: status.into(),
        total_users: Some(users),
        total_tasks: Some(users),
        counts_users: true,
        raw: "{}".into(),
    }
}

fn stored(last_updated: i64, settled: bool, result_rows: Option<i32>) -> StoredRun {
    let mut rows = PerChild::default();
    rows[Child::Results] = result_rows;
    StoredRun {
        day: jiff::civil::date(2026, 11, 22),
        scheduled: Some(0),
        scheduled_text: Box::default(),
        last_updated: Some(last_updated),
        status: "completed".into(),
        settled,
        rows,
        report_rows: None,
        short: ChildSet::NONE,
        is_expired: false,
    }
}

#[test]
fn a_run_is_skipped_only_when_settled_unchanged_and_read() {
    let run = listed("completed", 5, 2);
    let known = stored(5, true, Some(2));
    assert_eq!(decide(&run, true, Some(&known), EXPORT), Decision::Skip);
    assert_eq!(decide(&run, true, None, EXPORT), FETCH, "not stored");
    for (settled, before) in [
        (false, stored(5, false, Some(2))),
        (true, stored(5, false, Some(2))),
        (true, stored(4, true, Some(2))),
        (true, stored(5, true, None)),
    ] {
        assert_eq!(decide(&run, settled, Some(&before), EXPORT), FETCH);
    }
    let short = StoredRun {
        short: ChildSet::of(&[Child::Results]),
        ..stored(5, true, Some(1))
    };
    assert_eq!(decide(&run, true, Some(&short), EXPORT), FETCH, "short");
    assert_eq!(decide(&run, true, Some(&known), BACKFILL), FETCH);
}

#[test]
fn of_a_known_run_only_what_was_not_read_is_asked_for() {
    let run = listed("completed", 5, 2);
    let known = stored(5, true, Some(2));
    let both = Reading {
        children: ChildSet::of(&[Child::Results, Child::Tasks]),
        reports: true,
    };
    let rules = Rules {
        wanted: both,
        ..EXPORT
    };
    let rest = Reading {
        children: ChildSet::of(&[Child::Tasks]),
        reports: true,
    };
    assert_eq!(
        decide(&run, true, Some(&known), rules),
        Decision::Store(rest)
    );
    let changed = stored(4, true, Some(2));
    assert_eq!(
        decide(&run, true, Some(&changed), rules),
        Decision::Store(both)
    );
    let mut read = StoredRun {
        report_rows: Some(3),
        ..known
    };
    read.rows[Child::Tasks] = Some(4);
    assert_eq!(decide(&run, true, Some(&read), rules), Decision::Skip);
    read.short = ChildSet::of(&[Child::Tasks]);
    let again = Decision::Store(reading(&[Child::Tasks]));
    assert_eq!(decide(&run, true, Some(&read), rules), again);
}

#[test]
fn an_empty_run_needs_no_request_once_it_is_settled() {
    let run = listed("completed", 5, 0);
    assert_eq!(decide(&run, true, None, EXPORT), STORE_ROW);
    assert_eq!(decide(&run, false, None, EXPORT), FETCH, "counters may lag");
    assert_eq!(decide(&run, true, None, BACKFILL), STORE_ROW);
    let canceled = listed("canceled", 5, 0);
    assert_eq!(
        decide(&canceled, true, None, EXPORT),
        FETCH,
        "only completed ones"
    );
}

#[test]
fn without_results_a_row_is_stored_when_its_state_is_new() {
    let run = listed("completed", 5, 2);
    assert_eq!(decide(&run, true, None, RUNS_ONLY), STORE_ROW);
    let known = stored(5, true, None);
    assert_eq!(decide(&run, true, Some(&known), RUNS_ONLY), Decision::Skip);
    let changed = stored(4, true, None);
    assert_eq!(decide(&run, true, Some(&changed), RUNS_ONLY), STORE_ROW);
    let open = listed("inProgress", 5, 0);
    let known = StoredRun {
        status: "inProgress".into(),
        ..stored(5, false, None)
    };
    assert_eq!(
        decide(&open, false, Some(&known), RUNS_ONLY),
        Decision::Skip
    );
}
