//! SIGTERM and SIGINT in the middle of an export.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON, data_files};
use crate::program::{Running, until};
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
        // Readers are ahead of what is written.
        until("five days", || {
            let files = data_files(&desk.data()).into_keys();
            files.filter(|path| path.starts_with("runs")).count() > 4
        });
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

/// A disk that does not answer: another process holds a lease on the file, and whoever opens it
/// waits for as long as this lives, or for the 45 seconds after which the system takes it away.
#[cfg(target_os = "linux")]
pub(crate) struct Hung {
    holder: std::process::Child,
    says: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

#[cfg(target_os = "linux")]
impl Hung {
    pub(crate) fn of(path: &std::path::Path) -> Self {
        const HOLD: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print('asked', flush=True))
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";
        let mut python = Command::new("python3");
        python.args(["-c", HOLD]).arg(path);
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = python.spawn().expect("python3 holds the file");
        let says = BufReader::new(holder.stdout.take().unwrap()).lines();
        let mut hung = Self { holder, says };
        hung.wait_for("held");
        hung
    }

    /// Until somebody waits for the file.
    pub(crate) fn until_asked(&mut self) {
        self.wait_for("asked");
    }

    fn wait_for(&mut self, word: &str) {
        assert_eq!(self.says.next().unwrap().unwrap(), word);
    }
}

#[cfg(target_os = "linux")]
impl Drop for Hung {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// An export that waits for a disk which does not answer.
#[cfg(target_os = "linux")]
async fn waiting_for_the_disk() -> (Desk, Hung, Running) {
    let desk = Desk::new().await;
    desk.lcw("export --out data --format ndjson").run().with(0);
    desk.tenant.advance(Duration::from_hours(24));
    let files = data_files(&desk.data()).into_keys();
    let mut results = files.filter(|path| path.starts_with("user_processing_results"));
    let mut hung = Hung::of(&desk.data().join(results.next_back().unwrap()));
    let export = desk.lcw("export --out data --format ndjson").start();
    hung.until_asked();
    (desk, hung, export)
}

#[cfg(target_os = "linux")]
fn heal(desk: &Desk) {
    desk.lcw("export --out data --format ndjson").run().with(0);
    desk.assert_whole(NDJSON);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_ends_at_once() {
    for (first, second) in [(0, 1), (1, 0)] {
        let (desk, hung, mut export) = waiting_for_the_disk().await;
        export.signal(SIGNALS[first].0);
        export.wait_for_log("once more stops at once");
        assert!(!export.has_ended());
        export.signal(SIGNALS[second].0);
        // The code of the second: it was not the first that came to its end.
        export.end().with(SIGNALS[second].1);
        drop(hung);
        heal(&desk);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_signal_is_enough_where_the_disk_does_not_answer() {
    for (signal, code) in SIGNALS {
        let (desk, hung, export) = waiting_for_the_disk().await;
        export.signal(signal);
        // Long before the system takes the file away from who holds it.
        export.end_within(Duration::from_secs(20)).with(code);
        drop(hung);
        heal(&desk);
    }
}
