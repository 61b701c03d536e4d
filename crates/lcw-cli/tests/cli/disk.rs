//! Folders that cannot be written to, full disks, damaged files, and two exports at once.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::Endpoint;

use crate::desk::{Desk, contents, data_files};
use crate::program::Lcw;

const DAY: Duration = Duration::from_hours(24);

/// Exports beside the one that holds the dataset.
fn others(desk: &Desk) {
    let mut fastest = Duration::MAX;
    for line in [
        "export --out data",
        "backfill --out data --from T-7d --to T",
    ] {
        for _ in 0..2 {
            let started = Instant::now();
            let ended = desk.lcw(line).run().with(75);
            fastest = fastest.min(started.elapsed());
            assert_eq!(ended.stdout, "");
            ended.says(&[
                "another export holds data (process ",
                "since 2",
                "wait until",
            ]);
        }
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_export_ends_at_once_and_asks_the_service_nothing() {
    let desk = Desk::new().await;
    let busy = desk.trickle_from(10);
    let first = desk.lcw("export --out data").start();
    busy.recv_timeout(Duration::from_mins(1)).unwrap();
    // The holder adds its export's id when it begins to write, so that may still come.
    let holder = || {
        let text = std::fs::read_to_string(desk.data().join("_lock.json")).unwrap();
        let holder: serde_json::Value = serde_json::from_str(&text).unwrap();
        (holder["pid"].clone(), holder["since"].clone())
    };
    let first_holder = holder();
    others(&desk);
    // Whoever wants to ask anything needs a token first.
    assert_eq!(desk.tenant.count(Endpoint::Token), 1);
    assert_eq!(holder(), first_holder);
    // To look is allowed meanwhile.
    desk.lcw("plan export --out data").run().with(0);
    desk.bare("status --out data").run().with(0);
    first.signal("TERM");
    first.end().with(143);
    desk.tenant.clear_faults();
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_export_leaves_everything_as_the_first_has_it() {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(DAY);
    let held = desk.hold_commits();
    let first = desk.lcw("export --out data").start();
    desk.until_a_commit_waits();
    let before = desk.contents();
    others(&desk);
    assert!(desk.contents() == before);
    drop(held);
    first.end().with(0);
    desk.assert_whole(FileFormat::Parquet);
}

/// Without the right to write where the permissions say no, which root has.
fn as_nobody_special(lcw: Lcw, folder: &Path) -> Lcw {
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        return lcw;
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--bounding-set=-dac_override", "--"]);
    lcw.wrapped(setpriv)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dataset_that_may_not_be_written_is_said_before_anything_is_asked() {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(DAY);
    desk.tenant.reset_requests();
    let before = desk.contents();
    let allow = |mode| {
        std::fs::set_permissions(desk.data(), PermissionsExt::from_mode(mode)).unwrap();
    };
    allow(0o555);
    let ended = as_nobody_special(desk.lcw("export --out data"), desk.folder()).run();
    allow(0o750);
    let ended = ended.with(2);
    ended.says(&[
        "cannot make a file in data",
        "permission denied",
        "let this user read and write there",
    ]);
    assert!(desk.contents() == before);
    assert_eq!(desk.tenant.requests().len(), 0);
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_leaves_the_dataset_as_it_was_and_the_next_export_is_whole() {
    let desk = Desk::new().await;
    // In blocks of 512 bytes: room for what is small, not for a table.
    let full = "trap '' XFSZ; ulimit -f 4";
    let say = ["ulimit -f", "cannot write"];
    let lcw = || desk.lcw("export --out data").in_shell(full);
    lcw().run().with(1).says(&say);
    assert!(data_files(&desk.data()).is_empty());
    desk.export();
    desk.assert_whole(FileFormat::Parquet);

    desk.tenant.advance(DAY);
    let before = data_files(&desk.data());
    lcw().run().with(1).says(&say);
    assert!(data_files(&desk.data()) == before);
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
    let staged = contents(&desk.data().join("_staging"));
    assert!(staged.values().all(Option::is_none), "{staged:?}");
}

/// The files of a table by day, oldest first.
fn days(desk: &Desk, table: &str) -> Vec<PathBuf> {
    let files = data_files(&desk.data()).into_keys();
    let files = files.filter(|path| path.starts_with(table));
    files.map(|path| desk.data().join(path)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_partition_is_kept_until_it_is_moved_away_and_backfilled() {
    let desk = Desk::new().await;
    desk.export();
    let results = days(&desk, "user_processing_results");
    let (damaged, later) = (&results[4], &results[8]);
    // A few bytes in the middle, as a bad disk leaves them; a later day that would be made anew.
    let mut bytes = std::fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].fill(0x55);
    std::fs::write(damaged, &bytes).unwrap();
    std::fs::remove_file(later).unwrap();

    let backfill = || {
        desk.lcw("backfill --out data --from 2026-10-01 --to 2026-12-01")
            .run()
    };
    let ended = backfill().with(1);
    let named = damaged.strip_prefix(desk.folder()).unwrap();
    ended.says(&[
        named.to_str().unwrap(),
        "damaged",
        "move it",
        "backfill over its day",
    ]);
    assert!(std::fs::read(damaged).unwrap() == bytes);
    assert!(!later.exists());

    std::fs::copy(damaged, desk.folder().join("kept.parquet")).unwrap();
    std::fs::remove_file(damaged).unwrap();
    backfill().with(0);
    desk.assert_whole(FileFormat::Parquet);
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_partition_of_runs_stops_the_export_before_it_writes() {
    let desk = Desk::new().await;
    desk.export();
    let runs = days(&desk, "runs");
    let whole = std::fs::read(&runs[5]).unwrap();
    std::fs::write(&runs[5], &whole[..whole.len() / 2]).unwrap();
    desk.tenant.advance(DAY);
    let before = data_files(&desk.data());
    let named = runs[5].strip_prefix(desk.folder()).unwrap();
    let ended = desk.lcw("export --out data").run().with(1);
    ended.says(&[named.to_str().unwrap(), "damaged", "backfill over its day"]);
    let ended = desk.bare("status --out data").run().with(1);
    ended.says(&[named.to_str().unwrap(), "damaged"]);
    assert!(data_files(&desk.data()) == before);
}
