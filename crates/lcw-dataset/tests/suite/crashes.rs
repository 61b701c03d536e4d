//! A process that dies, and a disk that refuses, between any two steps of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lcw_dataset::storage::{Entry, LocalStorage, Staged, Storage, StorageLock};
use lcw_dataset::{
    DatasetError, DayState, Export, Format, Identity, Listing, Manifest, Status, Writer,
};

use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, at, contents, copy, dataset, export, export_day, folder, formats,
    head, stored, tables, tail, writer,
};

/// What was asked of a storage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn steps(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing works from there on, as for a process that is killed.
    Dies,
    /// That step fails, the next ones work again.
    Refuses,
    /// The same, but files have their names by then.
    RefusesLate,
}

/// A folder that cannot be changed as often as one likes. Files are published one by one, so that
/// there is a step between any two renames.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: LocalStorage,
    log: Log,
    fault: Fault,
    /// The step that fails, from 0.
    at: usize,
}

impl Faulty {
    pub(crate) fn new(root: &Path, log: Log, fault: Fault, at: usize) -> Self {
        Self {
            inner: LocalStorage::new(root),
            log,
            fault,
            at,
        }
    }

    fn step(&self, name: String) -> Result<(), DatasetError> {
        let mut steps = self.log.0.lock().unwrap();
        let fails = match self.fault {
            Fault::Dies => steps.len() >= self.at,
            Fault::Refuses | Fault::RefusesLate => steps.len() == self.at,
        };
        steps.push(name.clone());
        if fails {
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(DatasetError::Io {
                action: "change",
                path: PathBuf::from(name),
                source,
            });
        }
        Ok(())
    }
}

impl Storage for Faulty {
    fn create(&self) -> Result<(), DatasetError> {
        self.inner.create()
    }

    fn lock(&self) -> Result<Option<StorageLock>, DatasetError> {
        self.inner.lock()
    }

    fn commit_lock(&self) -> Result<Option<StorageLock>, DatasetError> {
        self.step("commit lock".into())?;
        self.inner.commit_lock()
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, DatasetError> {
        self.inner.list(folder)
    }

    fn read(&self, path: &str) -> Result<Option<File>, DatasetError> {
        self.inner.read(path)
    }

    fn stage(&self, folder: &str, suffix: &str) -> Result<(Staged, File), DatasetError> {
        self.step(format!("stage {suffix}"))?;
        self.inner.stage(folder, suffix)
    }

    fn publish(&self, files: Vec<(Staged, String)>) -> Result<(), DatasetError> {
        for (staged, target) in files {
            let step = self.step(format!("publish {target}"));
            if self.fault == Fault::RefusesLate {
                self.inner.publish(vec![(staged, target)])?;
                step?;
            } else {
                step?;
                self.inner.publish(vec![(staged, target)])?;
            }
        }
        Ok(())
    }

    fn confirm(&self, path: &str) -> Result<(), DatasetError> {
        self.step(format!("confirm {path}"))?;
        self.inner.confirm(path)
    }

    fn sweep(&self, folder: &str) -> Result<(), DatasetError> {
        self.step(format!("sweep {folder}"))?;
        self.inner.sweep(folder)
    }

    fn locate(&self, path: &str) -> PathBuf {
        self.inner.locate(path)
    }
}

fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

/// What the interrupted export could not make a row of, on each of its days.
const LINE: &str = r#"{"id":"?"}"#;

/// The export that is interrupted: one row replaced, one new, in both tables, on two days.
fn work(export: &mut Export<'_>) -> Result<(), DatasetError> {
    let rows = [row("2", "b"), row("3", "b")];
    export.quarantine(RESULTS, [LINE])?;
    export_day(export, DAY, &rows, &rows)?;
    let listing = Listing {
        from: at(-9),
        listed_at: at(1),
        complete: true,
    };
    export.set_listing("w", listing);
    export.quarantine(RESULTS, [LINE])?;
    export_day(export, DAY.tomorrow().unwrap(), &rows, &rows).map(|_| ())
}

/// Runs it with a fault at a step; `true` when it came to its end before.
fn interrupted(root: &Path, format: &Arc<dyn Format>, fault: Fault, at: usize) -> bool {
    let log = Log::default();
    let storage = Arc::new(Faulty::new(root, log.clone(), fault, at));
    let identity = Identity::new(format.as_ref());
    let tables = tables(format.as_ref());
    let acquired = Writer::acquire_in(storage, &identity, TENANT, Arc::clone(format), tables);
    let Ok(mut writer) = acquired else {
        return false;
    };
    let head = head(&writer, 2);
    let Ok(mut export) = writer.begin(head) else {
        return false;
    };
    let worked = work(&mut export);
    // A process that is alive says how it ended, and can: only one step was refused.
    let status = if worked.is_ok() {
        Status::Done
    } else {
        Status::Failed
    };
    if fault == Fault::Refuses || worked.is_ok() {
        let closed = export.close(tail(status));
        assert!(fault == Fault::Dies || worked.is_ok() || closed.is_ok());
    }
    worked.is_ok() && log.steps().len() <= at
}

fn statuses(root: &Path, format: &Arc<dyn Format>, table: &str) -> Vec<String> {
    stored(&dataset(root, format), table)
        .into_iter()
        .map(|row| format!("{}{}", row.key.1, row.status.unwrap()))
        .collect()
}

/// After a crash: every file is old or new, and `runs` is never ahead of its children.
fn check_state(root: &Path, format: &Arc<dyn Format>) {
    let (old, new) = (["1a", "2a"], ["1a", "2b", "3b"]);
    let runs = statuses(root, format, RUNS);
    let results = statuses(root, format, RESULTS);
    assert!(runs == old || runs == new, "{runs:?}");
    assert!(results == old || results == new, "{results:?}");
    assert!(
        runs == old || results == new,
        "runs are ahead of their results"
    );
    assert_eq!(crate::audits::findings(root, format), []);
}

/// After the next writer: no manifest is open, and each says what is there.
fn check_manifests(root: &Path, format: &Arc<dyn Format>) {
    let dataset = dataset(root, format);
    let manifests: Vec<Manifest> = dataset
        .manifests()
        .unwrap()
        .map(|manifest| manifest.unwrap())
        .collect();
    let mut newest = BTreeMap::new();
    check_quarantine(root, &manifests);
    for manifest in &manifests {
        assert_ne!(manifest.status, Status::Running);
        for day in manifest.days.values() {
            assert_ne!(day.state, DayState::Intended);
            for file in day.files.values() {
                newest
                    .entry(file.path.clone())
                    .or_insert_with(|| file.after.clone());
            }
        }
    }
    for (path, recorded) in newest {
        let bytes = std::fs::read(root.join(&path)).ok();
        let found = bytes.map(|bytes| crate::manifests::sha256(&bytes));
        assert_eq!(recorded.map(|file| file.sha256), found, "{path}");
    }
    assert_eq!(crate::audits::findings(root, format), []);
}

/// Lines are whole, counted, and there for every day that was committed with them.
fn check_quarantine(root: &Path, manifests: &[Manifest]) {
    for manifest in manifests {
        let path = format!("_quarantine/{}/{RESULTS}.ndjson", manifest.export_id);
        let text = std::fs::read_to_string(root.join(&path)).unwrap_or_default();
        let lines = text.lines().inspect(|line| assert_eq!(*line, LINE)).count() as u64;
        assert!(text.is_empty() || text.ends_with('\n'));
        let counted = manifest.quarantined.get(RESULTS).copied();
        assert_eq!(counted.unwrap_or_default(), lines);
        let recorded = manifest.quarantine_files.get(&path);
        let recorded = recorded.and_then(|it| it.after.as_ref());
        let digest = (lines > 0).then(|| crate::manifests::sha256(text.as_bytes()));
        assert_eq!(recorded.map(|it| it.sha256.clone()), digest);
        let days = manifest.days.values();
        let committed = days.filter(|day| day.state == DayState::Committed).count() as u64;
        // The first export had nothing to quarantine.
        assert!(manifest.previous.is_none() || lines >= committed);
    }
    let folders = std::fs::read_dir(root.join("_quarantine")).into_iter();
    let folders = folders.flatten().map(|folder| folder.unwrap().file_name());
    for folder in folders {
        let has_manifest = manifests
            .iter()
            .any(|manifest| *manifest.export_id == *folder);
        assert!(has_manifest, "lines without a manifest");
    }
}

#[test]
fn every_interrupted_export_leaves_good_files_and_is_healed_by_the_next() {
    for format in formats() {
        let start = folder();
        let rows = [row("1", "a"), row("2", "a")];
        export(start.path(), &format, 1, &rows, &rows);
        for fault in [Fault::Dies, Fault::Refuses] {
            let mut at = 0;
            loop {
                let folder = folder();
                copy(start.path(), folder.path());
                let is_done = interrupted(folder.path(), &format, fault, at);
                check_state(folder.path(), &format);
                // What a killed process leaves.
                std::fs::create_dir_all(folder.path().join("_staging/x")).unwrap();
                std::fs::write(folder.path().join("_staging/x/y.parquet"), "cut").unwrap();
                let mut writer = writer(folder.path(), &format);
                assert!(
                    !folder.path().join("_staging/x").exists(),
                    "staging is swept"
                );
                check_manifests(folder.path(), &format);
                let head = head(&writer, 3);
                let mut export = writer.begin(head).unwrap();
                work(&mut export).unwrap();
                export.close(tail(Status::Done)).unwrap();
                drop(writer);
                assert_eq!(statuses(folder.path(), &format, RUNS), ["1a", "2b", "3b"]);
                assert_eq!(
                    statuses(folder.path(), &format, RESULTS),
                    ["1a", "2b", "3b"]
                );
                check_manifests(folder.path(), &format);
                if is_done {
                    break;
                }
                at += 1;
            }
            assert!(at > 20, "only {at} steps were interrupted");
        }
    }
}

/// Killed between a rename and the flush of its folder: the file is there, but a power cut could
/// still take it back, and with it rows that `runs` says were read.
#[test]
fn what_a_killed_export_left_reaches_the_disk_before_it_is_recorded() {
    for format in formats() {
        let start = folder();
        let rows = [row("1", "a"), row("2", "a")];
        export(start.path(), &format, 1, &rows, &rows);
        let mut at = 0;
        let mut confirmed = BTreeSet::new();
        loop {
            let folder = folder();
            copy(start.path(), folder.path());
            let is_done = interrupted(folder.path(), &format, Fault::Dies, at);
            let left = contents(folder.path());
            let log = Log::default();
            let inner = Faulty::new(folder.path(), log.clone(), Fault::Dies, usize::MAX);
            let identity = Identity::new(format.as_ref());
            let tables = tables(format.as_ref());
            let open = Writer::acquire_in;
            let writer = open(
                Arc::new(inner),
                &identity,
                TENANT,
                Arc::clone(&format),
                tables,
            );
            drop(writer.unwrap());
            let steps = log.steps();
            let confirms: BTreeSet<&str> = steps
                .iter()
                .take_while(|step| !step.starts_with("publish _manifests/"))
                .filter_map(|step| step.strip_prefix("confirm "))
                .collect();
            for path in &confirms {
                assert!(left.iter().any(|(name, _)| name == path), "{path}");
            }
            confirmed.extend(confirms.into_iter().map(str::to_owned));
            if is_done {
                break;
            }
            at += 1;
        }
        for table in [RUNS, RESULTS, "_quarantine"] {
            assert!(
                confirmed.iter().any(|path| path.starts_with(table)),
                "{table}"
            );
        }
    }
}

#[test]
fn a_failed_commit_is_recorded_as_it_is() {
    let format = crate::support::parquet();
    let folder = folder();
    let rows = [row("1", "a"), row("2", "a")];
    export(folder.path(), &format, 1, &rows, &rows);
    let log = Log::default();
    // Find the step that publishes `runs`, and stop just before it.
    let probe = crate::support::folder();
    copy(folder.path(), probe.path());
    let storage = Arc::new(Faulty::new(
        probe.path(),
        log.clone(),
        Fault::Dies,
        usize::MAX,
    ));
    let identity = Identity::new(format.as_ref());
    let open = |storage| {
        let tables = tables(format.as_ref());
        Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables).unwrap()
    };
    let mut writer = open(storage);
    let head2 = head(&writer, 2);
    work(&mut writer.begin(head2).unwrap()).unwrap();
    let limit = log
        .steps()
        .iter()
        .position(|step| step.starts_with("publish runs/"))
        .unwrap();
    interrupted(folder.path(), &format, Fault::Dies, limit);
    let writer = crate::support::writer(folder.path(), &format);
    let manifest = writer.previous().unwrap().unwrap();
    assert_eq!(manifest.status, Status::Interrupted);
    assert_eq!(manifest.finished_at, None);
    let day = &manifest.days[&DAY.to_string()];
    assert_eq!(day.state, DayState::Incomplete);
    assert_eq!(day.files[RUNS].after, day.files[RUNS].before);
    assert_ne!(day.files[RESULTS].after, day.files[RESULTS].before);
    assert!(
        manifest.listings.is_empty(),
        "a listing counts from its next commit on"
    );
}

#[test]
fn a_file_that_is_neither_old_nor_intended_stays_suspect() {
    let format = crate::support::parquet();
    let folder = folder();
    let rows = [row("1", "a"), row("2", "a")];
    export(folder.path(), &format, 1, &rows, &rows);
    let before = contents(folder.path()).len();
    let mut limit = 0;
    // Until the intent is published.
    while contents(folder.path()).len() == before {
        interrupted(folder.path(), &format, Fault::Dies, limit);
        limit += 1;
        assert!(limit < 100);
    }
    let path = folder.path().join(format!(
        "runs/tenant_id={TENANT}/run_date={DAY}/part-0.parquet"
    ));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 3);
    let error = work(&mut writer.begin(head).unwrap()).unwrap_err();
    assert!(matches!(error, DatasetError::Unreadable { .. }), "{error}");
}
