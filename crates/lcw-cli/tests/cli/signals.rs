//! SIGTERM and SIGINT in the middle of an export.

use std::process::Command;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON, data_files};
use crate::stopped::Before;

/// A signal by name, and the exit code that says so.
pub(crate) const SIGNALS: [(&str, i32); 2] = [("TERM", 143), ("INT", 130)];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_leaves_whole_days_oldest_first_and_a_true_summary() {
    for (signal, code) in SIGNALS {
        let desk = Desk::new().await;
        let busy = desk.trickle_from(40);
        let before = Before::of(&desk, &Table::DEFAULT);
        let line = "export --out data --json --max-concurrency 2";
        let export = desk.lcw(line).start();
        busy.recv_timeout(Duration::from_mins(1)).unwrap();
        let asked = Instant::now();
        export.signal(signal);
        let ended = export.end().with(code);
        assert!(asked.elapsed() < Duration::from_secs(5), "{ended}");
        ended.says(&["stopping at a safe point", "run it again to continue"]);

        let summary = ended.json();
        let committed = before.assert_prefix(&desk, &summary, code);
        assert!(committed > 3, "{summary:#}");
        assert!(summary["runs"]["fetched"].as_u64().unwrap() > 0);

        desk.tenant.clear_faults();
        desk.export();
        desk.assert_whole(FileFormat::Parquet);
    }
}

/// A disk that does not answer: whoever reads this file waits for as long as it is open elsewhere.
pub(crate) fn hang(path: &std::path::Path) {
    std::fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_ends_at_once() {
    for (signal, code) in SIGNALS {
        let desk = Desk::new().await;
        desk.lcw("export --out data --format ndjson").run().with(0);
        desk.tenant.advance(Duration::from_hours(24));
        let files = data_files(&desk.data()).into_keys();
        let mut results = files.filter(|path| path.starts_with("user_processing_results"));
        let hung = desk.data().join(results.next_back().unwrap());
        hang(&hung);
        let mut export = desk.lcw("export --out data --format ndjson").start();
        // Opening it to write succeeds once the export has opened it to read.
        let held = std::fs::OpenOptions::new().write(true).open(&hung).unwrap();
        export.signal(signal);
        export.wait_for_log("once more stops at once");
        assert!(!export.has_ended());
        export.signal(signal);
        export.end().with(code);
        drop(held);
        std::fs::remove_file(&hung).unwrap();
        let line = "backfill --out data --format ndjson --from 2026-10-01 --to 2026-12-01";
        desk.lcw(line).run().with(0);
        desk.assert_whole(NDJSON);
    }
}
