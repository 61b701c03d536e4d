use super::*;
use crate::children::{Child, PerChild};

fn reading(children: &[Child]) -> Reading {
    Reading {
        children: set(children),
        reports: false,
    }
}

fn set(children: &[Child]) -> ChildSet {
    children.iter().copied().collect()
}

fn rules(children: &[Child]) -> Rules {
    Rules {
        wanted: reading(children),
        everything: false,
        trusts_empty: true,
    }
}

fn export() -> Rules {
    rules(&[Child::Results])
}

fn backfill() -> Rules {
    Rules {
        everything: true,
        ..export()
    }
}

fn fetch() -> Decision {
    Decision::Store(reading(&[Child::Results]))
}

fn store_row() -> Decision {
    Decision::Store(Reading::default())
}

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
        short: ChildSet::default(),
        is_expired: false,
    }
}

#[test]
fn a_run_is_skipped_only_when_settled_unchanged_and_read() {
    let run = listed("completed", 5, 2);
    let known = stored(5, true, Some(2));
    assert_eq!(decide(&run, true, Some(&known), export()), Decision::Skip);
    assert_eq!(decide(&run, true, None, export()), fetch(), "not stored");
    for (settled, before) in [
        (false, stored(5, false, Some(2))),
        (true, stored(5, false, Some(2))),
        (true, stored(4, true, Some(2))),
        (true, stored(5, true, None)),
    ] {
        assert_eq!(decide(&run, settled, Some(&before), export()), fetch());
    }
    let short = StoredRun {
        short: set(&[Child::Results]),
        ..stored(5, true, Some(1))
    };
    assert_eq!(decide(&run, true, Some(&short), export()), fetch(), "short");
    assert_eq!(decide(&run, true, Some(&known), backfill()), fetch());
}

#[test]
fn of_a_known_run_only_what_was_not_read_is_asked_for() {
    let run = listed("completed", 5, 2);
    let known = stored(5, true, Some(2));
    let both = Reading {
        children: set(&[Child::Results, Child::Tasks]),
        reports: true,
    };
    let both_wanted = Rules {
        wanted: both,
        ..export()
    };
    let rest = Reading {
        children: set(&[Child::Tasks]),
        reports: true,
    };
    assert_eq!(
        decide(&run, true, Some(&known), both_wanted),
        Decision::Store(rest)
    );
    let changed = stored(4, true, Some(2));
    assert_eq!(
        decide(&run, true, Some(&changed), both_wanted),
        Decision::Store(both)
    );
    let mut read = StoredRun {
        report_rows: Some(3),
        ..known
    };
    read.rows[Child::Tasks] = Some(4);
    assert_eq!(decide(&run, true, Some(&read), both_wanted), Decision::Skip);
    read.short = set(&[Child::Tasks]);
    let again = Decision::Store(Reading {
        reports: true,
        ..reading(&[Child::Tasks])
    });
    assert_eq!(decide(&run, true, Some(&read), both_wanted), again);
}

#[test]
fn an_empty_run_needs_no_request_once_it_is_settled() {
    let run = listed("completed", 5, 0);
    assert_eq!(decide(&run, true, None, export()), store_row());
    assert_eq!(
        decide(&run, false, None, export()),
        fetch(),
        "counters may lag"
    );
    assert_eq!(decide(&run, true, None, backfill()), store_row());
    let doubtful = Rules {
        trusts_empty: false,
        ..export()
    };
    assert_eq!(decide(&run, true, None, doubtful), fetch());
    let canceled = listed("canceled", 5, 0);
    assert_eq!(
        decide(&canceled, true, None, export()),
        fetch(),
        "only completed ones"
    );
}

#[test]
fn without_results_a_row_is_stored_when_its_state_is_new() {
    let run = listed("completed", 5, 2);
    assert_eq!(decide(&run, true, None, rules(&[])), store_row());
    let known = stored(5, true, None);
    assert_eq!(decide(&run, true, Some(&known), rules(&[])), Decision::Skip);
    let changed = stored(4, true, None);
    assert_eq!(decide(&run, true, Some(&changed), rules(&[])), store_row());
    let open = listed("inProgress", 5, 0);
    let known = StoredRun {
        status: "inProgress".into(),
        ..stored(5, false, None)
    };
    assert_eq!(
        decide(&open, false, Some(&known), rules(&[])),
        Decision::Skip
    );
}
