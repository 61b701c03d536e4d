//! SIGTERM and SIGINT in the middle of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::{Endpoint, Fault, FaultRule};
use lcw_tests::{Facts, assert_same, expected, facts};
use lcw_transform::Table;
use serde_json::Value;

use crate::desk::{Desk, data_files};

/// A signal by name, and the exit code that says so.
const SIGNALS: [(&str, i32); 2] = [("TERM", 143), ("INT", 130)];

fn day_of(row: &BTreeMap<String, Value>) -> String {
    row["run_date"].as_str().unwrap().to_owned()
}

fn days(rows: &Facts) -> BTreeSet<String> {
    rows.values().map(day_of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_leaves_whole_days_oldest_first_and_a_true_summary() {
    for (signal, code) in SIGNALS {
        let desk = Desk::new().await;
        let busy = desk.trickle_from(25);
        let line = "export --out data --json --max-concurrency 2";
        let export = desk.lcw(line).start();
        busy.recv_timeout(Duration::from_mins(1)).unwrap();
        let asked = Instant::now();
        export.signal(signal);
        let ended = export.end().with(code);
        assert!(asked.elapsed() < Duration::from_secs(5), "{ended}");
        ended.says(&["stopping at a safe point", "run it again to continue"]);

        let summary = ended.json();
        assert_eq!(summary["status"], "interrupted");
        assert_eq!(summary["exit_code"], code);
        assert_prefix(&desk, &summary);

        desk.tenant.clear_faults();
        desk.export();
        desk.assert_whole(FileFormat::Parquet);
    }
}

/// What is stored are whole days, the oldest ones, and as many rows as the summary says.
fn assert_prefix(desk: &Desk, summary: &Value) {
    let truth = desk.tenant.truth();
    let stored = |table| {
        facts(
            &desk.data(),
            FileFormat::Parquet,
            desk.tenant.tenant_id(),
            table,
        )
    };
    let all_days = days(&expected(&truth, Table::Runs));
    let runs = stored(Table::Runs);
    let committed = days(&runs);
    assert!(committed.len() > 3, "{summary:#}");
    let oldest: BTreeSet<_> = all_days.iter().take(committed.len()).cloned().collect();
    assert_eq!(committed, oldest);
    for table in [Table::Runs, Table::UserProcessingResults] {
        let found = stored(table);
        let mut whole = expected(&truth, table);
        whole.retain(|_, row| committed.contains(&day_of(row)));
        assert_same(table.name(), &found, &whole);
        let told = &summary["tables"][table.name()];
        assert_eq!(told["rows_total"], found.len(), "{table:?}");
        assert_eq!(told["rows_new"], found.len(), "{table:?}");
    }
    let read = runs
        .values()
        .filter(|row| !row["_lcw_result_rows"].is_null());
    let fetched = summary["runs"]["fetched"].as_u64().unwrap();
    assert!(fetched > 0 && usize::try_from(fetched).unwrap() <= read.count());
    let manifest = summary["manifest"]["path"].as_str().unwrap();
    assert!(desk.folder().join(manifest).exists(), "{manifest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_while_runs_are_listed_leaves_no_rows() {
    let desk = Desk::new().await;
    let (heard, busy) = channel();
    let slow = Fault::SlowBytes {
        chunk: 1,
        pause: Duration::from_mins(1),
    };
    let rule = FaultRule::new(slow).on(Endpoint::Runs);
    desk.tenant.inject(rule);
    desk.tenant.before(Endpoint::Runs, 1, move || {
        heard.send(()).unwrap();
    });
    let export = desk.lcw("export --out data --json").start();
    busy.recv_timeout(Duration::from_mins(1)).unwrap();
    export.signal("TERM");
    let ended = export.end().with(143);
    assert_eq!(ended.json()["status"], "interrupted");
    assert!(data_files(&desk.data()).is_empty());
    desk.tenant.clear_faults();
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_ends_at_once() {
    for (signal, code) in SIGNALS {
        let desk = Desk::new().await;
        desk.export();
        desk.tenant.advance(Duration::from_hours(24));
        let before = data_files(&desk.data());
        let held = desk.hold_commits();
        let mut export = desk.lcw("export --out data").start();
        desk.until_a_commit_waits();
        export.signal(signal);
        export.wait_for_log("once more stops at once");
        assert!(!export.has_ended());
        export.signal(signal);
        export.end().with(code);
        assert!(data_files(&desk.data()) == before);
        drop(held);
        desk.export();
        desk.assert_whole(FileFormat::Parquet);
    }
}
