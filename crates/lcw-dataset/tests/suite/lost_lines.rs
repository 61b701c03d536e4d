//! Files of quarantined lines that are lost, or whose manifest is: it stays known until somebody says so.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lcw_dataset::storage::{LocalStorage, Storage};
use lcw_dataset::{
    AcknowledgedManifest, Audit, Class, DatasetError, Export, Format, Identity, Manifest,
    ManifestRef, Status, Writer,
};

use crate::audits::{classes, edit, findings, name, row};
use crate::support::{
    DAY, RUNS, TENANT, export_day, folder, head, parquet, tables, tail, without_head, writer,
};

const ONE: &str = r#"{"id":"1"}"#;
const TWO: &str = r#"{"id":"2"}"#;

fn path(export_id: &str) -> String {
    format!("_quarantine/{export_id}/{RUNS}.ndjson")
}

fn manifest(root: &Path, export_id: &str) -> ManifestRef {
    ManifestRef {
        export_id: export_id.to_owned(),
        sha256: String::new(),
        path: root.join(format!("_manifests/{export_id}.json")),
    }
}

fn read(manifest: &ManifestRef) -> Manifest {
    serde_json::from_slice(&fs::read(&manifest.path).unwrap()).unwrap()
}

/// Publishes two lines with a commit, and counts them.
fn commit(export: &mut Export<'_>) {
    export.quarantine(RUNS, [ONE, ONE]).unwrap();
    export_day(export, DAY, &[row("1", "a")], &[]).unwrap();
}

/// Intends to publish a third one, and no more.
fn intend(root: &Path, export: &mut Export<'_>) {
    let copying = LocalStorage::new(root).commit_lock().unwrap().unwrap();
    export.stop_when(|| true);
    export.quarantine(RUNS, [TWO]).unwrap();
    let staging = export.day(Some(DAY)).unwrap();
    assert!(matches!(staging.commit(), Err(DatasetError::Stopped)));
    drop(copying);
}

/// What an export does in a folder before it dies, and where its lines are.
type Work = fn(&Path, &mut Export<'_>, &Path);

/// An export that dies after `work`, which is told where its lines are.
fn died(root: &Path, work: impl FnOnce(&mut Export<'_>, &Path)) -> String {
    let mut writer = writer(root, &parquet());
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    work(&mut export, &root.join(path(&id)));
    id
}

/// Lets the next writer look after an export that died.
fn reconcile(root: &Path, export_id: &str) -> Manifest {
    drop(writer(root, &parquet()));
    let closed = read(&manifest(root, export_id));
    assert_eq!(closed.status, Status::Interrupted);
    closed
}

#[test]
fn lines_that_were_counted_and_lost_are_missed_before_and_after_the_next_writer() {
    let format = parquet();
    let lost: [(Work, u64); 3] = [
        // Published once.
        (|_, export, _| commit(export), 2),
        // About to have another one.
        (
            |root, export, _| {
                commit(export);
                intend(root, export);
            },
            3,
        ),
        // Lost while it ran, and about to be written anew.
        (
            |root, export, file| {
                commit(export);
                fs::remove_file(file).unwrap();
                intend(root, export);
            },
            3,
        ),
    ];
    for (at, (work, rows)) in lost.into_iter().enumerate() {
        let folder = folder();
        let root = folder.path();
        let id = died(root, |export, file| {
            work(root, export, file);
            fs::remove_file(file).ok();
        });
        let missing = [(Class::Missing, path(&id))];
        assert_eq!(classes(root, &format), missing, "{at}");
        let closed = reconcile(root, &id);
        assert_eq!(closed.quarantined[RUNS], rows, "{at}");
        let change = &closed.quarantine_files[&path(&id)];
        assert_eq!(change.after.as_ref().unwrap().rows, rows, "{at}");
        assert_eq!(classes(root, &format), missing, "{at}");
        // Nor does the one after that forget them.
        crate::support::export(root, &format, 2, &[row("2", "a")], &[]);
        assert_eq!(classes(root, &format), missing, "{at}");
    }
}

#[test]
fn lines_that_are_lost_come_back_from_a_backup_though_a_writer_came_between() {
    let format = parquet();
    let half = format!("{ONE}\n");
    for damage in [None, Some(half)] {
        let folder = folder();
        let root = folder.path();
        let id = died(root, |export, _| commit(export));
        let file = root.join(path(&id));
        let good = fs::read(&file).unwrap();
        match &damage {
            None => fs::remove_file(&file).unwrap(),
            Some(text) => fs::write(&file, text).unwrap(),
        }
        let closed = reconcile(root, &id);
        assert_eq!(closed.quarantined[RUNS], 2, "{damage:?}");
        assert_eq!(classes(root, &format).len(), 1, "{damage:?}");
        fs::write(&file, good).unwrap();
        assert_eq!(classes(root, &format), [], "{damage:?}");
    }
}

#[test]
fn lines_that_are_lost_while_an_export_runs_are_still_what_they_were() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let mut good = Vec::new();
    let id = died(root, |export, file| {
        commit(export);
        good = fs::read(file).unwrap();
        fs::remove_file(file).unwrap();
        intend(root, export);
    });
    fs::write(root.join(path(&id)), good).unwrap();
    assert_eq!(classes(root, &format), []);
    assert_eq!(reconcile(root, &id).quarantined[RUNS], 2);
    assert_eq!(classes(root, &format), []);
}

/// Manifests of older versions say how many lines there are, and nothing else of their files.
#[test]
fn of_an_older_version_s_export_no_fewer_lines_are_counted_than_it_said() {
    let format = parquet();
    for (left, class, counted) in [
        (None, Some(Class::Missing), 2),
        (Some(1), Some(Class::RowCount), 2),
        (Some(2), None, 2),
        // It counted after it had published.
        (Some(3), None, 3),
    ] {
        let folder = folder();
        let root = folder.path();
        let id = died(root, |export, _| commit(export));
        edit(&manifest(root, &id), |it| it.quarantine_files.clear());
        let file = root.join(path(&id));
        match left {
            None => fs::remove_file(&file).unwrap(),
            Some(lines) => fs::write(&file, format!("{ONE}\n").repeat(lines)).unwrap(),
        }
        let closed = reconcile(root, &id);
        assert_eq!(closed.quarantined[RUNS], counted, "{left:?}");
        let expected: Vec<_> = class.map(|it| (it, path(&id))).into_iter().collect();
        assert_eq!(classes(root, &format), expected, "{left:?}");
    }
}

/// An export that sets two lines aside and ends well.
fn set_aside(root: &Path, second: i64) -> ManifestRef {
    let mut writer = writer(root, &parquet());
    let head = head(&writer, second);
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE, TWO]).unwrap();
    export.close(tail(Status::Done)).unwrap()
}

/// Says that somebody knows of a manifest that is gone, and puts on record what it may have told of. Says
/// which files could not be.
fn acknowledge(root: &Path, second: i64, lost: &ManifestRef) -> Vec<String> {
    let format: Arc<dyn Format> = parquet();
    let mut writer = Writer::acquire_to_acknowledge(
        root,
        &Identity::new(format.as_ref()),
        TENANT,
        Arc::clone(&format),
        tables(format.as_ref()),
        std::slice::from_ref(&lost.export_id),
    )
    .unwrap();
    let mut unknown = findings(root, &format);
    unknown.retain(|it| it.class == Class::Unverifiable);
    let head = head(&writer, second);
    let mut export = writer.begin(head).unwrap();
    let files = unknown.into_iter().map(|it| it.file);
    let refused = files.filter(|file| export.put_lines_on_record(file).is_err());
    let refused = refused.collect();
    export.acknowledge(AcknowledgedManifest {
        export_id: lost.export_id.clone(),
        found: None,
        reason: "the disk failed".into(),
    });
    export.close(tail(Status::Done)).unwrap();
    refused
}

#[test]
fn lines_of_a_lost_manifest_cannot_be_judged_and_are_watched_once_it_is_acknowledged() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let lost = set_aside(root, 1);
    let lines = path(&lost.export_id);
    fs::remove_file(&lost.path).unwrap();
    let gone = (Class::Missing, name(&lost));
    let unknown = (Class::Unverifiable, lines.clone());
    assert_eq!(classes(root, &format), [gone, unknown.clone()]);
    assert_eq!(acknowledge(root, 2, &lost), Vec::<String>::new());
    let note = [(Class::Acknowledged, name(&lost))];
    assert_eq!(classes(root, &format), note);
    let good = fs::read(root.join(&lines)).unwrap();
    for (left, class) in [
        (Some("{\"id\":\"3\"}\n{\"id\":\"2\"}\n"), Class::Changed),
        (None, Class::Missing),
    ] {
        match left {
            Some(text) => fs::write(root.join(&lines), text).unwrap(),
            None => fs::remove_file(root.join(&lines)).unwrap(),
        }
        let found = classes(root, &format);
        assert_eq!(found, [note[0].clone(), (class, lines.clone())]);
    }
    fs::write(root.join(&lines), &good).unwrap();
    // What comes into the folder later is on no record.
    let other = lines.replace(RUNS, "workflows");
    fs::write(root.join(&other), &good).unwrap();
    let found = classes(root, &format);
    assert_eq!(found, [note[0].clone(), (Class::Unverifiable, other)]);
    let found = findings(root, &format).pop().unwrap();
    assert_eq!(found.written_by, Some(lost.export_id.clone()));
    acknowledge(root, 3, &lost);
    assert_eq!(classes(root, &format), note);
    // What is no file of lines is nothing that an export left.
    let odd = lines.replace(".ndjson", ".txt");
    fs::write(root.join(&odd), &good).unwrap();
    assert_eq!(
        classes(root, &format),
        [note[0].clone(), (Class::Stray, odd)]
    );
}

#[test]
fn lines_of_an_older_export_are_not_known_to_be_gone_with_a_newer_one() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let older = set_aside(root, 1);
    let lost = set_aside(root, 2);
    fs::remove_file(&lost.path).unwrap();
    acknowledge(root, 3, &lost);
    let note = [(Class::Acknowledged, name(&lost))];
    assert_eq!(classes(root, &format), note);
    // Now the older one goes, too.
    fs::remove_file(&older.path).unwrap();
    let found = classes(root, &format);
    assert!(found.contains(&(Class::Missing, name(&older))), "{found:?}");
    let unknown = (Class::Unverifiable, path(&older.export_id));
    assert!(found.contains(&unknown), "{found:?}");
}

#[test]
fn damaged_lines_of_a_lost_manifest_stay_damaged_when_it_is_acknowledged() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let lost = set_aside(root, 1);
    let lines = path(&lost.export_id);
    fs::remove_file(&lost.path).unwrap();
    fs::write(root.join(&lines), format!("{ONE}\n{{\"id\n")).unwrap();
    let unknown = (Class::Unverifiable, lines.clone());
    assert!(classes(root, &format).contains(&unknown));
    assert_eq!(acknowledge(root, 2, &lost), std::slice::from_ref(&lines));
    let found = findings(root, &format);
    let found = found.iter().find(|it| it.file == lines).unwrap();
    assert_eq!(found.class, Class::Stray);
    assert!(found.found.contains("line 2 is not one JSON object"));
}

#[test]
fn lines_of_a_manifest_that_nobody_misses_cannot_be_judged_either() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let lost = set_aside(root, 1);
    fs::remove_file(&lost.path).unwrap();
    without_head(root);
    let found = findings(root, &format);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].class, Class::Unverifiable);
    assert_eq!(found[0].file, path(&lost.export_id));
    assert_eq!(found[0].written_by, Some(lost.export_id.clone()));
    let audit = Audit::open(root).unwrap().unwrap();
    assert!(!audit.is_doubtful(&lost.export_id));
    acknowledge(root, 2, &lost);
    let note = (Class::Acknowledged, name(&lost));
    assert_eq!(classes(root, &format), [note]);
}

/// A manifest that is there and says nothing, of which no other export set anything aside.
#[test]
fn lines_of_a_damaged_manifest_cannot_be_judged() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let damaged = set_aside(root, 1);
    fs::write(&damaged.path, "{").unwrap();
    let found = findings(root, &format);
    let found = found.iter().find(|it| it.file == path(&damaged.export_id));
    let found = found.unwrap();
    assert_eq!(found.class, Class::Unverifiable);
    assert_eq!(found.written_by, None, "its manifest is there");
}
