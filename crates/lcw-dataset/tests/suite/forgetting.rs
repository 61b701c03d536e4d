//! Rows leave a file only when somebody has asked to forget them, and then just those.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use lcw_dataset::{
    Class, DatasetError, ForgottenRows, Format, Identity, Manifest, MergeStats, Rewritten, Status,
    Writer,
};

use crate::crashes::{Fault, Faulty, Log};
use crate::manifests::sha256;
use crate::rows::Row;
use crate::support::{
    DAY, RUNS, TENANT, contents, dataset, export, folder, formats, head, stored, tables, tail,
    writer,
};

fn row(number: usize) -> Row {
    Row::new("w", &format!("r{number:06}"), "a", "e", 1)
}

fn number(batch: &RecordBatch, row: usize) -> usize {
    let id = batch.column(1).as_string::<i32>().value(row);
    id[1..].parse().unwrap()
}

/// What is left of a batch without the rows of these numbers.
fn without(batch: &RecordBatch, gone: impl Fn(usize) -> bool) -> Option<Rewritten> {
    let left = (0..batch.num_rows()).filter(|row| !gone(number(batch, *row)));
    let left = UInt64Array::from_iter_values(left.map(|row| row as u64));
    let removed = (batch.num_rows() - left.len()) as u64;
    (removed > 0).then(|| Rewritten {
        batch: take_record_batch(batch, &left).unwrap(),
        removed,
        changed: 0,
    })
}

#[test]
fn rows_that_are_to_go_go_and_the_others_stay() {
    for format in formats() {
        let folder = folder();
        let rows: Vec<Row> = (0..20_000).map(row).collect();
        export(folder.path(), &format, 1, &rows, &[]);
        let is_gone = |number: usize| number.is_multiple_of(7) || number > 19_990;
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        let stats = staging
            .rewrite(RUNS, |batch| without(batch, is_gone))
            .unwrap();
        let left = (0..20_000).filter(|number| !is_gone(*number)).count();
        assert_eq!(
            stats,
            MergeStats {
                rows_total: left as u64,
                rows_written: left as u64,
                ..MergeStats::default()
            }
        );
        staging.note_forgotten(ForgottenRows {
            table: RUNS.to_owned(),
            workflow_id: "w".to_owned(),
            run_id: "r".to_owned(),
            removed: 1,
            ..ForgottenRows::default()
        });
        staging.commit().unwrap();
        export.close(tail(Status::Done)).unwrap();
        drop(writer);
        let dataset = dataset(folder.path(), &format);
        let expected: Vec<Row> = rows
            .into_iter()
            .enumerate()
            .filter(|(number, _)| !is_gone(*number))
            .map(|(_, row)| row)
            .collect();
        assert_eq!(stored(&dataset, RUNS), expected);
        let newest = dataset.manifests().unwrap().next().unwrap().unwrap();
        assert_eq!(newest.forgotten[0].day, DAY.to_string());
    }
}

#[test]
fn a_file_can_be_left_without_rows() {
    for format in formats() {
        let folder = folder();
        export(folder.path(), &format, 1, &[row(1)], &[]);
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        staging
            .rewrite(RUNS, |batch| without(batch, |_| true))
            .unwrap();
        staging.commit().unwrap();
        export.close(tail(Status::Done)).unwrap();
        drop(writer);
        let dataset = dataset(folder.path(), &format);
        assert_eq!(dataset.count(RUNS, TENANT, Some(DAY)).unwrap(), Some(0));
    }
}

#[test]
fn more_or_fewer_rows_than_were_to_go_are_refused() {
    for format in formats() {
        for (lie, words) in [
            (-1, "a row of the old file is missing"),
            (1, "2 rows of the old file are gone instead of 3"),
        ] {
            let folder = folder();
            let rows: Vec<Row> = (0..10).map(row).collect();
            export(folder.path(), &format, 1, &rows, &[]);
            let before = contents(folder.path());
            let mut writer = writer(folder.path(), &format);
            let head = head(&writer, 2);
            let mut export = writer.begin(head).unwrap();
            let mut staging = export.day(Some(DAY)).unwrap();
            let refused = staging.rewrite(RUNS, |batch| {
                let mut left = without(batch, |number| number == 0 || number == 9)?;
                left.removed = left.removed.checked_add_signed(lie).unwrap();
                Some(left)
            });
            let Err(DatasetError::Staged { problem, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(problem, words);
            drop(staging);
            drop(export);
            drop(writer);
            let mut after = contents(folder.path());
            after.retain(|(name, _)| !name.starts_with("_lock"));
            let mut before = before;
            before.retain(|(name, _)| !name.starts_with("_lock"));
            assert_eq!(after, before);
        }
    }
}

#[test]
fn nothing_is_written_where_nobody_is_found() {
    for format in formats() {
        let folder = folder();
        export(folder.path(), &format, 1, &[row(1)], &[]);
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        let stats = staging.rewrite(RUNS, |_| None).unwrap();
        assert_eq!((stats.rows_total, stats.rows_written), (1, 0));
    }
}

#[test]
fn quarantined_lines_are_replaced_and_stay_counted() {
    for format in formats() {
        let folder = folder();
        let mut writer = writer(folder.path(), &format);
        let first = head(&writer, 1);
        let id = first.export_id.clone();
        let mut export = writer.begin(first).unwrap();
        export.quarantine(RUNS, ["{\"a\":1}", "{\"b\":2}"]).unwrap();
        export.close(tail(Status::Done)).unwrap();
        let second = head(&writer, 2);
        let mut export = writer.begin(second).unwrap();
        let other = |line: &str| line.contains('a').then(|| "{\"gone\":null}".to_owned());
        assert_eq!(export.rewrite_quarantine(other).unwrap(), 1);
        assert!(
            export
                .rewrite_quarantine(|_| Some("no object".into()))
                .is_err()
        );
        export.close(tail(Status::Done)).unwrap();
        let path = folder
            .path()
            .join(format!("_quarantine/{id}/{RUNS}.ndjson"));
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "{\"gone\":null}\n{\"b\":2}\n");
    }
}

/// Two exports with lines of their own, and what becomes of a line.
fn set_aside(root: &Path, format: &Arc<dyn Format>) -> [String; 2] {
    [1, 2].map(|second| {
        let mut writer = writer(root, format);
        let head = head(&writer, second);
        let mut export = writer.begin(head).unwrap();
        export.quarantine(RUNS, ["{\"a\":1}", "{\"b\":2}"]).unwrap();
        let closed = export.close(tail(Status::Done)).unwrap();
        format!("_quarantine/{}/{RUNS}.ndjson", closed.export_id)
    })
}

fn without_a(line: &str) -> Option<String> {
    line.contains('a').then(|| "{\"gone\":null}".to_owned())
}

fn digest(path: &Path) -> String {
    sha256(&std::fs::read(path).unwrap())
}

fn forget_lines(root: &Path, format: &Arc<dyn Format>) -> Manifest {
    let mut writer = writer(root, format);
    let head = head(&writer, 3);
    let mut export = writer.begin(head).unwrap();
    export.rewrite_quarantine(without_a).unwrap();
    export.close(tail(Status::Done)).unwrap();
    writer.previous().unwrap().unwrap()
}

#[test]
fn the_new_contents_of_quarantined_lines_are_recorded_and_the_old_ones_are_stale() {
    let format = crate::support::parquet();
    let folder = folder();
    let root = folder.path();
    let paths = set_aside(root, &format);
    let before = paths
        .clone()
        .map(|path| std::fs::read(root.join(path)).unwrap());
    let manifest = forget_lines(root, &format);
    assert_eq!(crate::audits::classes(root, &format), []);
    assert_eq!(manifest.quarantine_files.len(), 2);
    assert!(manifest.quarantined.is_empty());
    for (path, before) in paths.iter().zip(&before) {
        let change = &manifest.quarantine_files[path];
        let [was, is] = [&change.before, &change.after].map(|it| it.clone().unwrap());
        assert_eq!(was.sha256, sha256(before));
        assert_eq!(is.sha256, digest(&root.join(path)));
        assert_eq!((was.rows, is.rows), (2, 2));
    }
    // Whoever puts the old file back brings the forgotten back.
    let file = root.join(&paths[0]);
    std::fs::write(&file, &before[0]).unwrap();
    let stale = crate::audits::classes(root, &format);
    assert_eq!(stale, [(Class::Stale, paths[0].clone())]);
    // It is taken out again, and that the file was another one stays visible.
    forget_lines(root, &format);
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text, "{\"gone\":null}\n{\"b\":2}\n");
    let broken = crate::audits::classes(root, &format);
    assert_eq!(broken, [(Class::BrokenChain, paths[0].clone())]);
}

#[test]
fn lines_are_replaced_once_both_contents_are_on_record() {
    let format = crate::support::parquet();
    let start = folder();
    let paths = set_aside(start.path(), &format);
    let mut seen = std::collections::BTreeSet::new();
    for at in 0.. {
        let folder = folder();
        let root = folder.path();
        crate::support::copy(start.path(), root);
        let log = Log::default();
        let storage = Arc::new(Faulty::new(root, log.clone(), Fault::Dies, at));
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        let open = Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables);
        let begun = open.ok().and_then(|mut writer| {
            let head = head(&writer, 3);
            let id = head.export_id.clone();
            writer.begin(head).ok()?.rewrite_quarantine(without_a).ok();
            Some(id)
        });
        let texts = paths
            .clone()
            .map(|path| std::fs::read_to_string(root.join(path)).unwrap());
        let replaced = texts.iter().filter(|text| text.contains("gone")).count();
        let manifest = begun.as_ref().and_then(|id| {
            let text = std::fs::read(root.join(format!("_manifests/{id}.json"))).ok()?;
            Some(serde_json::from_slice::<Manifest>(&text).unwrap())
        });
        let intended = manifest.as_ref().map_or(0, |it| it.quarantine_files.len());
        assert!(intended >= replaced, "step {at}");
        seen.insert((intended, replaced));
        assert_eq!(crate::audits::findings(root, &format), [], "step {at}");
        let closed = writer(root, &format).previous().unwrap().unwrap();
        for (path, change) in &closed.quarantine_files {
            let after = change.after.as_ref().unwrap();
            assert_eq!(after.sha256, digest(&root.join(path)), "step {at}");
        }
        assert_eq!(crate::audits::findings(root, &format), [], "step {at}");
        if log.steps().len() <= at {
            break;
        }
    }
    let all = [(0, 0), (2, 0), (2, 1), (2, 2)];
    assert_eq!(seen, all.into());
}

/// A flipped bit is no reason to keep somebody: what can be read of a line is taken out, and other lines
/// stay byte for byte.
#[test]
fn damaged_lines_are_replaced_as_far_as_they_can_be_read() {
    let format = crate::support::parquet();
    let folder = folder();
    let root = folder.path();
    let [path, _] = set_aside(root, &format);
    let lines = [
        &b"{\"a\":\"\xff\"}\n"[..],
        b"{\"b\":\"\xfe\"}\r\n",
        b"{\"b\":2",
    ];
    std::fs::write(root.join(&path), lines.concat()).unwrap();
    let mut writer = writer(root, &format);
    let mut seen = Vec::new();
    let each = |_: &str, line: &str| seen.push(line.to_owned());
    writer.dataset().each_quarantined(each).unwrap();
    assert!(
        seen.contains(&"{\"a\":\"\u{fffd}\"}".to_owned()),
        "{seen:?}"
    );
    let head = head(&writer, 3);
    let mut export = writer.begin(head).unwrap();
    assert_eq!(export.rewrite_quarantine(without_a).unwrap(), 2);
    export.close(tail(Status::Done)).unwrap();
    let found = std::fs::read(root.join(&path)).unwrap();
    let expected = [b"{\"gone\":null}\n", lines[1], lines[2]].concat();
    assert_eq!(found, expected);
    let broken = crate::audits::classes(root, &format);
    assert!(broken.contains(&(Class::BrokenChain, path)), "{broken:?}");
}
