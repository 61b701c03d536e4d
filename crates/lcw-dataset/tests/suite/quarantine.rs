//! Objects that could not become rows.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lcw_dataset::{
    Class, DatasetError, Export, FileRecord, Format, Identity, Manifest, ManifestRef, Status,
    Writer,
};

use crate::audits::{classes, edit, findings};
use crate::crashes::{Fault, Faulty, Log};
use crate::manifests::sha256;
use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, contents, dataset, export_day, folder, formats, head, merge,
    parquet, stored, tables, tail, writer,
};

const ONE: &str = r#"{"id":"1","x":{"y":[1]}}"#;
const TWO: &str = r#"{"id":"2"}"#;

fn row(id: &str) -> Row {
    Row::new("w", id, "a", "e", 1)
}

fn lines(root: &Path, export_id: &str, table: &str) -> Option<String> {
    fs::read_to_string(root.join(format!("_quarantine/{export_id}/{table}.ndjson"))).ok()
}

fn path(export_id: &str, table: &str) -> String {
    format!("_quarantine/{export_id}/{table}.ndjson")
}

/// What a manifest has to say of a file as it is.
fn record(root: &Path, export_id: &str, table: &str) -> Option<FileRecord> {
    let text = lines(root, export_id, table)?;
    Some(FileRecord {
        sha256: sha256(text.as_bytes()),
        rows: text.lines().count() as u64,
        bytes: text.len() as u64,
    })
}

/// A dataset with one export, which has set lines aside: what its manifest is called.
fn set_aside(root: &Path, format: &Arc<dyn Format>) -> ManifestRef {
    let mut writer = writer(root, format);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE, TWO]).unwrap();
    export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
    export.close(tail(Status::Done)).unwrap()
}

#[test]
fn lines_are_published_with_the_next_commit_and_counted() {
    for format in formats() {
        let folder = folder();
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 1);
        let id = head.export_id.clone();
        let mut export = writer.begin(head).unwrap();
        assert_eq!(export.quarantine(RESULTS, [ONE]).unwrap(), 1);
        assert_eq!(export.quarantine(RESULTS, Vec::<String>::new()).unwrap(), 0);
        assert_eq!(
            lines(folder.path(), &id, RESULTS),
            None,
            "nothing is committed"
        );
        export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
        let first = format!("{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RESULTS).as_deref(), Some(&*first));
        // While a day is staged, with a line feed of their own, and for another table.
        let table = export.dataset().table(RUNS).unwrap().clone();
        let mut staging = export.day(DAY.tomorrow().ok()).unwrap();
        merge(&mut staging, &table, &[row("2")]).unwrap();
        staging
            .quarantine(RESULTS, [format!("{TWO}\n"), ONE.to_owned()])
            .unwrap();
        staging.quarantine(RUNS, [TWO]).unwrap();
        staging.commit().unwrap();
        let manifest = export.dataset().manifest(&id).unwrap();
        assert_eq!(manifest.quarantined[RESULTS], 3);
        let recorded = &manifest.quarantine_files[&path(&id, RESULTS)];
        assert_eq!(recorded.after, record(folder.path(), &id, RESULTS));
        assert_eq!(recorded.before, None);
        // Without a commit, at the end.
        export.quarantine(RUNS, [ONE]).unwrap();
        export.close(tail(Status::Done)).unwrap();
        let manifest = writer.previous().unwrap().unwrap();
        let counts = &manifest.quarantined;
        assert_eq!(counts.len(), 2);
        assert_eq!((counts[RUNS], counts[RESULTS]), (2, 3));
        let all = format!("{ONE}\n{TWO}\n{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RESULTS), Some(all));
        let all = format!("{TWO}\n{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RUNS), Some(all));
        assert_eq!(manifest.quarantine_files.len(), 2);
        for (of, change) in &manifest.quarantine_files {
            let table = if *of == path(&id, RUNS) {
                RUNS
            } else {
                RESULTS
            };
            assert_eq!((of, &change.before), (&change.path, &None));
            assert_eq!(change.after, record(folder.path(), &id, table));
            assert_eq!(change.after.as_ref().unwrap().rows, counts[table]);
        }
        assert_eq!(classes(folder.path(), &format), []);
    }
}

#[test]
fn quarantined_lines_are_no_rows_and_outlast_later_exports() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head1 = head(&writer, 1);
    let id = head1.export_id.clone();
    let mut export = writer.begin(head1).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
    export.close(tail(Status::Done)).unwrap();
    drop(writer);
    let mut writer = crate::support::writer(folder.path(), &format);
    let head2 = head(&writer, 2);
    let mut export = writer.begin(head2).unwrap();
    export_day(&mut export, DAY, &[row("2")], &[]).unwrap();
    export.close(tail(Status::Done)).unwrap();
    assert!(writer.previous().unwrap().unwrap().quarantined.is_empty());
    assert_eq!(lines(folder.path(), &id, RUNS), Some(format!("{ONE}\n")));
    let dataset = dataset(folder.path(), &format);
    assert_eq!(stored(&dataset, RUNS).len(), 2);
    assert_eq!(dataset.files(RUNS, TENANT).unwrap().len(), 1);
    // A table's files are below its own folder, and no table can be called like this one.
    let is_outside = |name: &str| name.starts_with("_quarantine/");
    let outside = contents(folder.path()).into_iter().map(|(name, _)| name);
    assert_eq!(outside.filter(|name| is_outside(name)).count(), 1);
}

#[test]
fn only_whole_objects_of_known_tables_are_taken_and_all_or_none() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    for bad in [
        "",
        "\n",
        "secret",
        "[1]",
        "null",
        "{\"secret\":1",
        "{\"a\":\n1}",
        "{\"a\":\r1}",
        "{} {}",
        "{}\n{}\n",
        "{}\n\n",
    ] {
        let error = export.quarantine(RUNS, [ONE, bad]).unwrap_err();
        assert!(matches!(error, DatasetError::InvalidRows { .. }), "{bad:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    for table in ["none", "../runs", ""] {
        assert!(matches!(
            export.quarantine(table, [ONE]),
            Err(DatasetError::InvalidTable { .. })
        ));
    }
    export.close(tail(Status::Done)).unwrap();
    assert!(!folder.path().join("_quarantine").exists());
}

#[test]
fn lines_that_could_not_be_published_wait_for_the_next_commit() {
    for fault in [Fault::Refuses, Fault::RefusesLate] {
        check_refused_lines(fault);
    }
}

/// Lets each step of an export fail once, and tries again: every line is there, and none twice.
fn check_refused_lines(fault: Fault) {
    let format = parquet();
    let probe = Log::default();
    for at in 0.. {
        let folder = folder();
        let (step, log) = if at == 0 {
            (usize::MAX, probe.clone())
        } else {
            (at - 1, Log::default())
        };
        let storage = Arc::new(Faulty::new(folder.path(), log, fault, step));
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        let Ok(mut writer) =
            Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables)
        else {
            continue;
        };
        let head = head(&writer, 1);
        let id = head.export_id.clone();
        let Ok(mut export) = writer.begin(head) else {
            continue;
        };
        let mut more = 0;
        // Once more after a refusal; by then the disk is well again.
        if export.quarantine(RUNS, [ONE, TWO]).is_err() {
            export.quarantine(RUNS, [ONE, TWO]).unwrap();
        }
        let mut day = |export: &mut Export<'_>, day| {
            if export_day(export, day, &[row("1")], &[]).is_err() {
                // And something else that came meanwhile.
                export.quarantine(RUNS, [ONE]).unwrap();
                export_day(export, day, &[row("1")], &[]).unwrap();
                more += 1;
            }
        };
        day(&mut export, DAY);
        let Ok(_) = export.close(tail(Status::Done)) else {
            continue;
        };
        let expected = format!("{ONE}\n{TWO}\n{}", format!("{ONE}\n").repeat(more));
        assert_eq!(lines(folder.path(), &id, RUNS), Some(expected), "step {at}");
        let manifest = writer.previous().unwrap().unwrap();
        assert_eq!(manifest.quarantined[RUNS], 2 + more as u64, "step {at}");
        let change = &manifest.quarantine_files[&path(&id, RUNS)];
        assert_eq!(change.after, record(folder.path(), &id, RUNS), "step {at}");
        assert_eq!(change.before, None, "step {at}");
        assert_eq!(classes(folder.path(), &format), [], "step {at}");
        if at > probe.steps().len() {
            break;
        }
    }
    let steps = probe.steps();
    let position = |prefix: &str| steps.iter().position(|step| step.starts_with(prefix));
    let manifest = position("publish _manifests/");
    let lines = position("publish _quarantine/");
    assert!(
        manifest < lines && lines < position("publish runs/"),
        "{steps:?}"
    );
    assert!(manifest.is_some());
}

#[test]
fn every_flipped_bit_of_a_line_is_found() {
    let format = parquet();
    let folder = folder();
    let id = set_aside(folder.path(), &format).export_id;
    let file = folder.path().join(path(&id, RUNS));
    let good = fs::read(&file).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, bytes).unwrap();
        let found = classes(folder.path(), &format);
        assert_eq!(found, [(Class::Changed, path(&id, RUNS))], "bit {bit}");
    }
    for (left, class) in [
        (Some(&good[..good.len() - 3]), Class::Changed),
        (Some(&b""[..]), Class::Changed),
        (None, Class::Missing),
    ] {
        match left {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert_eq!(classes(folder.path(), &format), [(class, path(&id, RUNS))]);
    }
    fs::write(&file, &good).unwrap();
    assert_eq!(classes(folder.path(), &format), []);
}

#[test]
fn what_a_manifest_says_of_a_file_besides_its_digest_is_compared_too() {
    let format = parquet();
    for damage in [
        (|it: &mut FileRecord| it.rows += 1) as fn(&mut FileRecord),
        |it| it.bytes -= 1,
    ] {
        let folder = folder();
        let manifest = set_aside(folder.path(), &format);
        crate::support::without_head(folder.path());
        edit(&manifest, |it| {
            let mut files = it.quarantine_files.values_mut();
            damage(files.next().unwrap().after.as_mut().unwrap());
        });
        let expected = [(Class::RowCount, path(&manifest.export_id, RUNS))];
        assert_eq!(classes(folder.path(), &format), expected);
    }
}

#[test]
fn where_a_manifest_has_no_digests_the_lines_are_counted_and_read() {
    let format = parquet();
    let folder = folder();
    let manifest = set_aside(folder.path(), &format);
    crate::support::without_head(folder.path());
    edit(&manifest, |it| it.quarantine_files.clear());
    assert_eq!(classes(folder.path(), &format), []);
    let file = folder.path().join(path(&manifest.export_id, RUNS));
    for (text, class) in [
        (format!("{ONE}\n"), Class::RowCount),
        (format!("{ONE}\n{{\n"), Class::Undecodable),
        (format!("{ONE}\n{TWO}"), Class::Undecodable),
    ] {
        fs::write(&file, text).unwrap();
        let found = classes(folder.path(), &format);
        assert_eq!(found, [(class, path(&manifest.export_id, RUNS))]);
    }
    fs::remove_file(file).unwrap();
    let found = classes(folder.path(), &format);
    assert_eq!(found, [(Class::Missing, path(&manifest.export_id, RUNS))]);
}

/// The newest manifest as it is on the disk.
fn newest(root: &Path) -> Option<Manifest> {
    let folder = fs::read_dir(root.join("_manifests")).ok()?;
    let newest = folder.map(|entry| entry.unwrap().path()).max()?;
    Some(serde_json::from_slice(&fs::read(newest).unwrap()).unwrap())
}

/// Dies before each of its steps: what a file of lines holds was on record before it held it, and
/// stays on record with the right count once the next writer has looked.
#[test]
fn a_killed_export_leaves_lines_that_a_manifest_knows_by_their_digest() {
    let format = parquet();
    let mut seen = std::collections::BTreeSet::new();
    for at in 0.. {
        let folder = folder();
        let log = Log::default();
        let storage = Arc::new(Faulty::new(folder.path(), log.clone(), Fault::Dies, at));
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        let open = || Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables);
        let id = open().ok().map(|mut writer| {
            let head = head(&writer, 1);
            let id = head.export_id.clone();
            if let Ok(mut export) = writer.begin(head) {
                for (day, line) in [(Some(DAY), ONE), (DAY.tomorrow().ok(), TWO)] {
                    let rows = [row("1")];
                    let done = export.quarantine(RUNS, [line]);
                    let day = done.and_then(|_| export_day(&mut export, day.unwrap(), &rows, &[]));
                    if day.is_err() {
                        break;
                    }
                }
            }
            id
        });
        let Some(id) = id else { continue };
        let found = record(folder.path(), &id, RUNS);
        let rows = found.as_ref().map_or(0, |it| it.rows);
        let intent = newest(folder.path()).and_then(|it| {
            let change = it.quarantine_files.get(&path(&id, RUNS))?;
            Some((change.before.clone(), change.after.clone()))
        });
        let is_intended = intent
            .as_ref()
            .is_some_and(|it| it.0 == found || it.1 == found);
        assert!(found.is_none() || is_intended, "step {at}: {intent:?}");
        assert_eq!(findings(folder.path(), &format), [], "step {at}");
        drop(writer(folder.path(), &format));
        if let Some(closed) = newest(folder.path()) {
            let change = closed.quarantine_files.get(&path(&id, RUNS));
            assert_eq!(change.and_then(|it| it.after.clone()), found, "step {at}");
            let counted = closed.quarantined.get(RUNS).copied();
            assert_eq!(counted.unwrap_or(0), rows, "step {at}");
            assert_eq!(closed.status, Status::Interrupted);
        }
        assert_eq!(findings(folder.path(), &format), [], "step {at}");
        // Once it is looked after, only what is there will do.
        seen.insert((rows, intent.and_then(|it| it.1).map(|it| it.rows)));
        if log.steps().len() <= at {
            break;
        }
    }
    // Nothing of it yet; about to be there; there; about to have more; with more.
    let all = [
        (0, None),
        (0, Some(1)),
        (1, Some(1)),
        (1, Some(2)),
        (2, Some(2)),
    ];
    assert_eq!(seen, all.into());
}

#[test]
fn lines_that_the_disk_has_changed_are_not_published() {
    let format = parquet();
    let folder = folder();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    let waiting = fs::read_dir(folder.path().join("_staging").join(&id)).unwrap();
    let waiting: Vec<_> = waiting.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(waiting.len(), 1);
    fs::write(&waiting[0], format!("{}\n", ONE.replace('1', "2"))).unwrap();
    let error = export_day(&mut export, DAY, &[row("1")], &[]).unwrap_err();
    assert!(matches!(error, DatasetError::Staged { .. }), "{error}");
    assert_eq!(lines(folder.path(), &id, RUNS), None);
    assert!(newest(folder.path()).is_none(), "nothing is intended");
}

/// What an export sets aside it has without those who are forgotten.
#[test]
fn only_lines_of_earlier_exports_are_written_anew() {
    let format = parquet();
    let folder = folder();
    let earlier = set_aside(folder.path(), &format).export_id;
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 2);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    export_day(&mut export, DAY, &[row("2")], &[]).unwrap();
    let other = |line: &str| (line == ONE).then(|| "{}".to_owned());
    assert_eq!(export.rewrite_quarantine(other).unwrap(), 1);
    export.quarantine(RUNS, [TWO]).unwrap();
    export.close(tail(Status::Done)).unwrap();
    let own = lines(folder.path(), &id, RUNS);
    assert_eq!(own, Some(format!("{ONE}\n{TWO}\n")));
    let theirs = lines(folder.path(), &earlier, RUNS);
    assert_eq!(theirs, Some(format!("{{}}\n{TWO}\n")));
    assert_eq!(classes(folder.path(), &format), []);
}

#[test]
fn lines_are_published_once_no_snapshot_is_being_taken() {
    use lcw_dataset::storage::{LocalStorage, Storage};
    let format = parquet();
    let folder = folder();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    let copying = LocalStorage::new(folder.path()).commit_lock();
    let copying = copying.unwrap().unwrap();
    export.stop_when(|| true);
    let staging = export.day(Some(DAY)).unwrap();
    assert!(matches!(staging.commit(), Err(DatasetError::Stopped)));
    assert_eq!(lines(folder.path(), &id, RUNS), None);
    // The end of an export is no place to stop at: it waits.
    let snapshot = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(copying);
    });
    export.close(tail(Status::Interrupted)).unwrap();
    snapshot.join().unwrap();
    let text = lines(folder.path(), &id, RUNS);
    assert_eq!(text, Some(format!("{ONE}\n")));
    assert_eq!(classes(folder.path(), &format), []);
}

/// Intended twice and published never: nothing is there, as before both.
#[test]
fn an_intent_begins_with_what_is_there_and_not_with_what_was_intended() {
    use lcw_dataset::storage::{LocalStorage, Storage};
    let format = parquet();
    let folder = folder();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    let copying = LocalStorage::new(folder.path()).commit_lock();
    let copying = copying.unwrap().unwrap();
    export.stop_when(|| true);
    for (line, rows) in [(ONE, 1), (TWO, 2)] {
        export.quarantine(RUNS, [line]).unwrap();
        let staging = export.day(Some(DAY)).unwrap();
        assert!(matches!(staging.commit(), Err(DatasetError::Stopped)));
        let intended = newest(folder.path()).unwrap().quarantine_files;
        let change = &intended[&path(&id, RUNS)];
        assert_eq!(change.before, None);
        assert_eq!(change.after.as_ref().unwrap().rows, rows);
        assert_eq!(findings(folder.path(), &format), []);
    }
    drop((export, copying));
    drop(writer);
    drop(crate::support::writer(folder.path(), &format));
    let closed = newest(folder.path()).unwrap();
    assert!(closed.quarantine_files.is_empty() && closed.quarantined.is_empty());
    assert_eq!(findings(folder.path(), &format), []);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_and_permissions_are_the_umask_s() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (outside, folder) = (folder(), folder());
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    symlink(outside.path(), folder.path().join("_quarantine")).unwrap();
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    let refused = export_day(&mut export, DAY, &[row("1")], &[]).unwrap_err();
    assert!(matches!(refused, DatasetError::SymbolicLink { .. }));
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
    fs::remove_file(folder.path().join("_quarantine")).unwrap();
    export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = folder.path().join(format!("_quarantine/{id}/runs.ndjson"));
    assert_eq!(mode(&file), mode(&plain));
}
