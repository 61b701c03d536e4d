//! Copies for readers, by hand and after every export.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lcw_pipeline::FileFormat;
use lcw_transform::Table;

use crate::desk::{DATA, Desk, NDJSON, contents, data_files};

const HOUR: Duration = Duration::from_hours(1);

/// The folders of snapshots, oldest first.
fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_snapshot_is_a_dataset_like_any_other() {
    let desk = Desk::new().await;
    let id = desk.export().json()["export_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ended = desk.bare("snapshot snapshots --out data").run().with(0);
    assert!(
        ended.stdout.contains(&format!("snapshots/{id}: ")),
        "{ended}"
    );
    assert!(
        ended.stdout.contains("snapshots/current leads to it"),
        "{ended}"
    );
    assert_eq!(ended.stderr, "");
    let current = desk.folder().join("snapshots/current");
    desk.assert_holds(&current, FileFormat::Parquet, &Table::DEFAULT);
    desk.bare("status --out snapshots/current").run().with(0);

    let before = contents(&current);
    desk.tenant.advance(24 * HOUR);
    desk.export();
    assert!(contents(&current) == before);
    let made = desk
        .bare("snapshot snapshots --out data --keep 1 --json")
        .run()
        .with(0);
    let made = made.json();
    assert_eq!(made["removed"], serde_json::json!([id]));
    assert_eq!(made["current"], "snapshots/current");
    assert!(data_files(&current) == data_files(&desk.data()));
    assert_eq!(made["is_new"], true);
    let again = desk
        .bare("snapshot snapshots --out data --json")
        .run()
        .with(0);
    assert_eq!(again.json()["is_new"], false);
    assert_eq!(again.json()["path"], made["path"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_pipeline_file_has_one_made_after_every_export() {
    let desk = Desk::new().await;
    desk.write(
        "p.toml",
        "[load]\nformat = \"ndjson\"\nsnapshot = \"deep/snapshots\"\nsnapshot_keep = 2\n",
    );
    let export = || {
        desk.lcw("export p.toml --out data --json")
            .run()
            .with(0)
            .json()
    };
    let folder = desk.folder().join("deep/snapshots");
    for nth in 1..=3 {
        let summary = export();
        let id = summary["export_id"].as_str().unwrap();
        assert_eq!(summary["snapshot"]["name"], id);
        let there = snapshots(&folder);
        assert_eq!(there.len(), nth.min(2));
        assert!(there.last().unwrap().ends_with(id));
        desk.assert_holds(&folder.join("current"), NDJSON, &Table::DEFAULT);
        desk.tenant.advance(HOUR * 24);
    }
    // Also by an export that is partial, but not by one that does not reach its end.
    let ended = desk.lcw("export p.toml --out data").run().with(0);
    assert!(
        ended.stdout.contains("  snapshot  deep/snapshots/"),
        "{ended}"
    );
    let newest = snapshots(&folder).pop();
    desk.tenant.advance(24 * HOUR);
    let busy = desk.trickle_from(1);
    let export = desk.lcw("export p.toml --out data --json").start();
    busy.recv_timeout(Duration::from_mins(1)).unwrap();
    export.signal("TERM");
    assert!(export.end().with(143).json()["snapshot"].is_null());
    assert_eq!(snapshots(&folder).pop(), newest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_whose_snapshot_cannot_be_made_says_so_and_keeps_what_it_committed() {
    let desk = Desk::new().await;
    desk.write("p.toml", "[load]\nsnapshot = \"data/snapshots\"\n");
    let ended = desk.lcw("export p.toml --out data --json").run().with(1);
    ended.says(&[
        "everything is committed, but readers got no snapshot of it",
        "it is inside the dataset",
        "choose another folder",
    ]);
    assert_eq!(ended.json()["status"], "failed");
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_be_a_snapshot_is_refused_in_one_message() {
    let desk = Desk::new().await;
    for (line, code, parts) in [
        (
            "snapshot s --out nowhere",
            2,
            &["there is no dataset in nowhere", "--out"][..],
        ),
        ("snapshot", 2, &["<DIR>"]),
        ("snapshot s --keep 0", 2, &["--keep"]),
    ] {
        let ended = desk.bare(line).run().with(code);
        ended.says(parts);
        assert_eq!(ended.stdout, "");
    }
    assert!(desk.contents().is_empty());
    desk.export();
    let before = data_files(&desk.data());
    desk.write("file", "");
    for (into, code, part) in [
        ("data", 2, "inside the dataset"),
        ("data/runs/../snapshots", 2, "inside the dataset"),
        ("file", 1, "file"),
    ] {
        let ended = desk
            .bare(&format!("snapshot {into} --out data"))
            .run()
            .with(code);
        ended.says(&[part]);
    }
    std::os::unix::fs::symlink(DATA, desk.folder().join("link")).unwrap();
    desk.bare("snapshot link/s --out data")
        .run()
        .with(2)
        .says(&["inside the dataset"]);
    assert!(data_files(&desk.data()) == before);
}

/// Two file systems: the desk's and the one in memory.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn links_do_not_reach_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    let desk = Desk::new().await;
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| std::fs::metadata(path).unwrap().dev();
    assert_ne!(
        device(desk.folder()),
        device(elsewhere.path()),
        "one file system only"
    );
    desk.export();
    let lcw = desk
        .bare("snapshot --out data")
        .arg(elsewhere.path().join("s"));
    lcw.run().with(1).says(&[
        "cannot link",
        "different file systems",
        "choose one on the same",
    ]);
    let left = contents(&elsewhere.path().join("s"));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [Path::new("_lock")]);
}
