//! Rows leave a file only when somebody has asked to forget them, and then just those.

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use lcw_dataset::{DatasetError, ForgottenRows, MergeStats, Rewritten, Status};

use crate::rows::Row;
use crate::support::{
    DAY, RUNS, TENANT, contents, dataset, export, folder, formats, head, stored, tail, writer,
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
