//! Copies for readers: consistent, unmoved by later exports, and never in the way of one.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lcw_dataset::storage::{LocalStorage, Snapshot, Storage, snapshot};
use lcw_dataset::{DatasetError, ErrorKind, Format, Status};

use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, contents, dataset, export, export_day, folder, formats, head, parquet,
    stored, tail, writer,
};

fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

fn take(root: &Path, into: &Path, keep: usize) -> Snapshot {
    let keep = NonZeroUsize::new(keep).unwrap();
    snapshot(root, into, keep).unwrap().unwrap()
}

fn refused(root: &Path, into: &Path) -> DatasetError {
    snapshot(root, into, NonZeroUsize::MIN).unwrap_err()
}

/// What a dataset holds apart from its locks.
fn without_locks(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = contents(root);
    found.retain(|(name, _)| !["_lock", "_commit.lock"].contains(&name.as_str()));
    found
}

/// Two exports, the first of which is in a snapshot.
struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
    into: PathBuf,
    format: Arc<dyn Format>,
    first: Snapshot,
}

impl Scene {
    fn new(format: Arc<dyn Format>) -> Self {
        let folder = folder();
        let root = folder.path().join("data");
        let into = folder.path().join("deep/snapshots");
        let rows = [row("1", "a"), row("2", "a")];
        export(&root, &format, 1, &rows, &rows);
        let first = take(&root, &into, 2);
        Self {
            _folder: folder,
            root,
            into,
            format,
            first,
        }
    }

    fn export(&self, second: i64, status: &str) {
        let rows = [row("2", status), row("3", status)];
        export(&self.root, &self.format, second, &rows, &rows);
    }

    fn take(&self) -> Snapshot {
        take(&self.root, &self.into, 2)
    }

    fn current(&self) -> PathBuf {
        std::fs::canonicalize(self.into.join("current")).unwrap()
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(&self.into).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let names = entries.map(name).map(|name| name.into_string().unwrap());
        names.filter(|name| name != "_lock").collect()
    }
}

#[test]
fn a_snapshot_is_the_dataset_byte_for_byte_and_stays_so() {
    for format in formats() {
        let scene = Scene::new(format);
        let before = without_locks(&scene.root);
        assert_eq!(without_locks(&scene.first.path), before);
        assert_eq!(scene.first.files, before.len() as u64);
        let bytes: usize = before.iter().map(|(_, content)| content.len()).sum();
        assert_eq!(scene.first.bytes, bytes as u64);
        scene.export(2, "b");
        assert_eq!(without_locks(&scene.first.path), before);
        assert!(scene.current().ends_with(&scene.first.name));
        let found = stored(&dataset(&scene.first.path, &scene.format), RUNS);
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn current_leads_to_the_newest_and_the_oldest_go() {
    let scene = Scene::new(parquet());
    scene.export(2, "b");
    let second = scene.take();
    assert!(second.is_new && second.removed.is_empty());
    scene.export(3, "c");
    let third = scene.take();
    assert_eq!(third.removed, std::slice::from_ref(&scene.first.name));
    assert_eq!(without_locks(&third.path), without_locks(&scene.root));
    assert!(scene.current().ends_with(&third.name));
    let there = [second.name, third.name, "current".to_owned()];
    assert_eq!(scene.names(), BTreeSet::from(there));
}

#[test]
fn what_has_not_changed_is_not_copied_twice() {
    let scene = Scene::new(parquet());
    let again = scene.take();
    assert_eq!(
        again,
        Snapshot {
            is_new: false,
            ..scene.first.clone()
        }
    );
    // Somebody took the name away.
    std::fs::remove_file(scene.into.join("current")).unwrap();
    assert!(!scene.take().is_new);
    assert!(scene.current().ends_with(&scene.first.name));
}

#[test]
fn one_taken_while_an_export_writes_has_whole_days_and_gets_a_successor() {
    let scene = Scene::new(parquet());
    let mut writer = writer(&scene.root, &scene.format);
    let head = head(&writer, 2);
    let id = head.export_id.clone();
    let mut running = writer.begin(head).unwrap();
    let rows = [row("2", "b")];
    export_day(&mut running, DAY, &rows, &rows).unwrap();
    let during = scene.take();
    assert_eq!(during.name, id);
    let tomorrow = DAY.tomorrow().unwrap();
    export_day(&mut running, tomorrow, &rows, &rows).unwrap();
    running.close(tail(Status::Done)).unwrap();
    let after = take(&scene.root, &scene.into, 3);
    assert_eq!(after.name, format!("{id}.2"));
    assert!(scene.current().ends_with(&after.name));
    let days = |path: &Path| {
        let tenant = crate::support::TENANT;
        dataset(path, &scene.format).days(RESULTS, tenant).unwrap()
    };
    assert_eq!(days(&during.path), [DAY]);
    assert_eq!(days(&after.path), [DAY, tomorrow]);
    drop(writer);
    scene.export(3, "c");
    assert_eq!(scene.take().removed, [scene.first.name.clone(), id]);
}

#[test]
fn it_waits_for_a_commit_and_for_nothing_else() {
    let scene = Scene::new(parquet());
    let writer = writer(&scene.root, &scene.format);
    scene.take();
    let held = LocalStorage::new(&scene.root)
        .commit_lock()
        .unwrap()
        .unwrap();
    let is_released = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let taking = scope.spawn(|| {
            scene.take();
            assert!(is_released.load(Ordering::SeqCst));
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        is_released.store(true, Ordering::SeqCst);
        drop(held);
        taking.join().unwrap();
    });
    drop(writer);
}

#[test]
fn rows_of_both_tables_are_of_one_generation_whatever_is_committed_meanwhile() {
    let scene = Scene::new(parquet());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for second in 2..40 {
                scene.export(second, &format!("s{second}"));
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let mut generations = BTreeSet::new();
        while !is_over.load(Ordering::SeqCst) {
            let taken = scene.take();
            let copy = dataset(&taken.path, &scene.format);
            let (runs, results) = (stored(&copy, RUNS), stored(&copy, RESULTS));
            assert_eq!(runs, results, "{}", taken.name);
            generations.insert(format!("{:?}", runs[1].status));
        }
        assert!(generations.len() > 3, "{generations:?}");
    });
}

#[test]
fn quarantined_lines_are_those_that_its_manifests_know_whatever_is_published_meanwhile() {
    let scene = Scene::new(parquet());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for second in 2..30 {
                let mut writer = writer(&scene.root, &scene.format);
                let head = head(&writer, second);
                let mut export = writer.begin(head).unwrap();
                for _ in 0..5 {
                    export.quarantine(RUNS, ["{}"]).unwrap();
                    export.quarantine(RESULTS, ["{}"]).unwrap();
                    // Nothing else is published, so nothing else waits for the snapshot.
                    export.day(Some(DAY)).unwrap().commit().unwrap();
                }
                export.close(tail(Status::Done)).unwrap();
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let mut taken = BTreeSet::new();
        while !is_over.load(Ordering::SeqCst) {
            let snapshot = scene.take();
            let found = crate::audits::findings(&snapshot.path, &scene.format);
            assert_eq!(found, [], "{}", snapshot.name);
            taken.insert(snapshot.name);
        }
        assert!(taken.len() > 3, "{taken:?}");
    });
}

#[test]
fn what_a_killed_snapshot_left_is_swept_and_other_things_stay() {
    let scene = Scene::new(parquet());
    let partial = scene.into.join("_partial-x/runs");
    std::fs::create_dir_all(&partial).unwrap();
    std::fs::write(partial.join("a"), "x").unwrap();
    std::os::unix::fs::symlink("nowhere", scene.into.join("_partial-current")).unwrap();
    let theirs = [
        "notes",
        "20200101T000000.000000Z",
        "20200101T000000.000000Z.2",
    ];
    for name in theirs {
        std::fs::create_dir(scene.into.join(name)).unwrap();
    }
    scene.export(2, "b");
    let second = scene.take();
    scene.export(3, "c");
    let third = take(&scene.root, &scene.into, 1);
    assert_eq!(third.removed, [scene.first.name.clone(), second.name]);
    let mut there: BTreeSet<String> = theirs.map(str::to_owned).into();
    there.extend([third.name, "current".to_owned()]);
    assert_eq!(scene.names(), there);
}

#[test]
fn folders_that_would_mislead_readers_are_refused_untouched() {
    let scene = Scene::new(parquet());
    for inside in ["", "snapshots", "runs/deep/er"] {
        let before = contents(&scene.root);
        let error = refused(&scene.root, &scene.root.join(inside));
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("inside the dataset"), "{error}");
        assert_eq!(contents(&scene.root), before);
        assert!(!scene.root.join("snapshots").exists());
    }
    let other = folder();
    let rows = [row("9", "z")];
    export(other.path(), &scene.format, 7, &rows, &rows);
    let error = refused(other.path(), &scene.into);
    assert!(error.to_string().contains("another dataset"), "{error}");
    assert!(scene.current().ends_with(&scene.first.name));
    assert_eq!(scene.names().len(), 2);
}

#[test]
fn a_link_inside_the_dataset_is_not_followed() {
    let scene = Scene::new(parquet());
    let elsewhere = folder();
    std::fs::write(elsewhere.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), scene.root.join("runs/tenant_id=x")).unwrap();
    let error = refused(&scene.root, &scene.into);
    assert!(
        matches!(error, DatasetError::SymbolicLink { .. }),
        "{error}"
    );
    assert_eq!(scene.names().len(), 2);
}

#[test]
fn without_a_dataset_there_is_no_snapshot() {
    let folder = folder();
    let into = folder.path().join("snapshots");
    let root = folder.path().join("data");
    let none = snapshot(&root, &into, NonZeroUsize::MIN).unwrap();
    assert_eq!(none, None);
    assert!(!into.exists());
    drop(writer(&root, &parquet()));
    assert_eq!(snapshot(&root, &into, NonZeroUsize::MIN).unwrap(), None);
    assert!(!into.join("current").exists());
}
