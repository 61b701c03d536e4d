//! Manifests, data files and locks that somebody takes away: nothing goes on as if they were there.

use std::fs;
use std::path::{Path, PathBuf};

use lcw_dataset::{AcknowledgedManifest, Audit, Class, DatasetError, ManifestRef, Status};

use crate::audits::{classes, edit, findings, history, name, row};
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, contents, dataset, export, export_day, folder, formats, head,
    parquet, tables, tail, try_writer, without_head, writer,
};

fn part(root: &Path, table: &str) -> PathBuf {
    root.join(format!(
        "{table}/tenant_id={TENANT}/run_date={DAY}/part-0.parquet"
    ))
}

#[test]
fn no_export_goes_on_without_the_newest_manifest_and_nothing_is_changed() {
    for format in formats() {
        let folder = folder();
        let exports = history(folder.path(), &format);
        let good = fs::read(&exports[3].path).unwrap();
        fs::remove_file(&exports[3].path).unwrap();
        let before = contents(folder.path());
        let error = try_writer(folder.path(), &format).unwrap_err();
        assert!(
            matches!(&error, DatasetError::LostHead { export_id, .. } if *export_id == exports[3].export_id),
            "{error}"
        );
        let id = &exports[3].export_id;
        assert!(error.to_string().contains(&format!("--manifest {id}")));
        assert!(contents(folder.path()) == before);
        fs::write(&exports[3].path, &good).unwrap();
        // Another one in its place is as bad.
        edit(&exports[3], |it| it.kind = "x".into());
        let error = try_writer(folder.path(), &format).unwrap_err();
        assert!(matches!(error, DatasetError::LostHead { .. }), "{error}");
        assert_eq!(
            classes(folder.path(), &format),
            [(Class::Changed, name(&exports[3]))]
        );
        fs::write(&exports[3].path, good).unwrap();
        assert_eq!(classes(folder.path(), &format), []);
        drop(writer(folder.path(), &format));
    }
}

#[test]
fn files_of_exports_without_a_manifest_are_for_people_to_judge() {
    for format in formats() {
        for lost in [&[3][..], &[2, 3], &[0, 1, 2, 3]] {
            let folder = folder();
            let exports = history(folder.path(), &format);
            for lost in lost {
                fs::remove_file(&exports[*lost].path).unwrap();
            }
            without_head(folder.path());
            // A version that does not know better goes on with another day.
            let mut writer = writer(folder.path(), &format);
            let head = head(&writer, 9);
            let mut export = writer.begin(head).unwrap();
            export_day(&mut export, DAY.tomorrow().unwrap(), &[row("9", "a")], &[]).unwrap();
            export.close(tail(Status::Done)).unwrap();
            drop(writer);
            let found = findings(folder.path(), &format);
            assert_eq!(found.len(), 2, "{found:#?}");
            for finding in found {
                assert_eq!(finding.class, Class::Unverifiable, "{finding:#?}");
                assert!(finding.expected.contains(&exports[3].export_id));
            }
        }
    }
}

#[test]
fn a_file_without_rows_that_no_manifest_names_is_not_called_stray() {
    for format in formats() {
        let folder = folder();
        let mut first = writer(folder.path(), &format);
        let head_of_first = head(&first, 1);
        let mut export = first.begin(head_of_first).unwrap();
        export.ensure_every_table_has_a_file(&[RUNS], DAY).unwrap();
        let closed = export.close(tail(Status::Done)).unwrap();
        drop(first);
        fs::remove_file(closed.path).unwrap();
        without_head(folder.path());
        let found = classes(folder.path(), &format);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, Class::Unverifiable);
    }
}

/// Says that somebody knows of a manifest that is gone or was changed.
fn acknowledge(root: &Path, lost: &ManifestRef) {
    let format = parquet();
    let audit = Audit::open(root).unwrap().unwrap();
    assert!(audit.is_doubtful(&lost.export_id));
    let found = audit.manifest_digest(&lost.export_id).map(str::to_owned);
    let mut writer = lcw_dataset::Writer::acquire_to_acknowledge(
        root,
        &lcw_dataset::Identity::new(format.as_ref()),
        TENANT,
        std::sync::Arc::clone(&format),
        tables(format.as_ref()),
        std::slice::from_ref(&lost.export_id),
    )
    .unwrap();
    // Before an export begins that follows another one.
    let unknown = findings(root, &format);
    let head = head(&writer, 20);
    let mut export = writer.begin(head).unwrap();
    for finding in unknown {
        if let Some(place) = finding
            .place
            .filter(|_| finding.class == Class::Unverifiable)
        {
            assert!(export.put_on_record(&place).unwrap());
        } else if finding.class == Class::Unverifiable {
            assert!(export.put_lines_on_record(&finding.file).unwrap());
        }
    }
    export.acknowledge(AcknowledgedManifest {
        export_id: lost.export_id.clone(),
        found,
        reason: "the disk failed".into(),
    });
    export.close(tail(Status::Done)).unwrap();
}

#[test]
fn what_is_acknowledged_stays_visible_and_harms_no_more() {
    let format = parquet();
    for lost in [&[3][..], &[0, 1, 2, 3]] {
        let folder = folder();
        let exports = history(folder.path(), &format);
        for lost in lost {
            fs::remove_file(&exports[*lost].path).unwrap();
        }
        acknowledge(folder.path(), &exports[3]);
        let note = [(Class::Acknowledged, name(&exports[3]))];
        assert_eq!(classes(folder.path(), &format), note);
        // Exports go on, also in the files of which the lost manifest told.
        export(
            folder.path(),
            &format,
            30,
            &[row("1", "new")],
            &[row("1", "new")],
        );
        assert_eq!(classes(folder.path(), &format), note);
    }
    // One that was changed, in the middle: that content, and no other.
    let folder = folder();
    let exports = history(folder.path(), &format);
    edit(&exports[1], |it| it.kind = "x".into());
    assert_eq!(
        classes(folder.path(), &format),
        [(Class::Changed, name(&exports[1]))]
    );
    acknowledge(folder.path(), &exports[1]);
    let found = findings(folder.path(), &format);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].class, Class::Acknowledged);
    assert!(found[0].found.contains("the disk failed"));
    edit(&exports[1], |it| it.kind = "y".into());
    assert_eq!(
        classes(folder.path(), &format),
        [(Class::Changed, name(&exports[1]))]
    );
}

#[test]
fn lines_that_a_lost_manifest_told_of_are_put_on_record() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let write = |second, lines: &dyn Fn(&mut lcw_dataset::Export<'_>)| {
        let mut writer = writer(root, &format);
        let head = head(&writer, second);
        let mut export = writer.begin(head).unwrap();
        lines(&mut export);
        export.close(tail(Status::Done)).unwrap()
    };
    let first = write(1, &|export| {
        export.quarantine(RUNS, ["{\"a\":1}"]).unwrap();
    });
    let other = |_: &str| Some("{}".to_owned());
    let lost = write(2, &|export| {
        export.rewrite_quarantine(other).unwrap();
    });
    let path = format!("_quarantine/{}/{RUNS}.ndjson", first.export_id);
    fs::remove_file(&lost.path).unwrap();
    // Nothing else names the newest manifest, but `_lock.json`.
    let gone = (Class::Missing, name(&lost));
    let unknown = (Class::Unverifiable, path.clone());
    assert_eq!(classes(root, &format), [gone, unknown]);
    acknowledge(root, &lost);
    let note = [(Class::Acknowledged, name(&lost))];
    assert_eq!(classes(root, &format), note);
    // From now on it is as it is now.
    fs::write(root.join(&path), "{\"b\":1}\n").unwrap();
    let changed = (Class::Changed, path);
    assert_eq!(classes(root, &format), [note[0].clone(), changed]);
}

#[test]
fn rows_that_leave_between_two_exports_are_found() {
    let format = parquet();
    let folder = folder();
    let root = folder.path();
    let rows = [row("1", "a"), row("2", "a")];
    export(root, &format, 1, &rows, &rows);
    assert_eq!(dataset(root, &format).missing_files(TENANT).unwrap(), []);
    fs::remove_file(part(root, RUNS)).unwrap();
    let missing = dataset(root, &format).missing_files(TENANT).unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(
        (&*missing[0].table, missing[0].day, missing[0].rows),
        (RUNS, Some(DAY), 2)
    );
    export(root, &format, 2, &[row("1", "a")], &[]);
    let found = findings(root, &format);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].class, Class::RowsGone);
    assert!(found[0].expected.contains("2 rows") && found[0].found.contains("1 rows since"));
    // Read again, as it is when damage is repaired.
    export(root, &format, 3, &[row("2", "a")], &[]);
    assert_eq!(classes(root, &format), []);
}

#[test]
fn a_file_that_was_exchanged_between_two_exports_is_found() {
    let format = parquet();
    let folder = folder();
    let exports = history(folder.path(), &format);
    edit(&exports[3], |it| {
        let mut files = it.days.values_mut().flat_map(|day| day.files.values_mut());
        files.next().unwrap().before.as_mut().unwrap().sha256 = "0".repeat(64);
    });
    let mut found = classes(folder.path(), &format);
    found.retain(|(class, _)| *class == Class::BrokenChain);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.ends_with(".parquet"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn an_export_whose_lock_was_taken_away_publishes_nothing_more() {
    for by_another in [false, true] {
        let format = parquet();
        let folder = folder();
        let root = folder.path();
        history(root, &format);
        let mut first = writer(root, &format);
        let of_first = head(&first, 8);
        let mut export = first.begin(of_first).unwrap();
        fs::remove_file(root.join("_lock")).unwrap();
        let second = by_another.then(|| writer(root, &format));
        let before = fs::read(part(root, RESULTS)).unwrap();
        let error = export_day(&mut export, DAY, &[row("7", "a")], &[row("7", "a")]).unwrap_err();
        assert!(matches!(error, DatasetError::LostLock { .. }), "{error}");
        let error = export.close(tail(Status::Done)).unwrap_err();
        assert!(matches!(error, DatasetError::LostLock { .. }), "{error}");
        assert!(fs::read(part(root, RESULTS)).unwrap() == before);
        drop((first, second));
        crate::support::export(root, &format, 9, &[row("1", "new")], &[]);
        assert_eq!(classes(root, &format), []);
    }
}
