//! What a merge does to a file, and what it leaves alone when it fails.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arrow::array::Array;
use lcw_dataset::{
    BATCH_ROWS, DatasetError, Format, Identity, Incoming, MergeError, MergeStats, Status, Writer,
};
use lcw_loader_parquet::ParquetFormat;

use crate::formats::{Fault, Tampering};
use crate::rows::{Row, batch, bits, incoming, numbered_table, table};
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, contents, dataset, export, export_day, folder, formats, head,
    merge, merge_all, parquet, stored, tail, writer,
};

fn row(number: usize, status: &str, at: i64) -> Row {
    Row::new(
        &format!("w{:03}", number / 1_000),
        &format!("r{number:06}"),
        status,
        "e",
        at,
    )
}

fn names(root: &std::path::Path) -> BTreeSet<String> {
    contents(root).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn many_rows_interleave_with_many() {
    for format in formats() {
        let folder = folder();
        let old: Vec<Row> = (0..30_000)
            .filter(|n| n % 3 != 0)
            .map(|n| row(n, "a", 1))
            .collect();
        export(folder.path(), &format, 1, &old, &[]);
        let new: Vec<Row> = (0..30_000)
            .filter(|n| n % 3 == 0 && *n < 20_000 || (12_000..13_000).contains(n))
            .map(|n| row(n, "b", 2))
            .collect();
        export(folder.path(), &format, 2, &new, &[]);
        let stored = stored(&dataset(folder.path(), &format), RUNS);
        let expected = (0..30_000).filter(|n| n % 3 != 0 || *n < 20_000).map(|n| {
            let is_new = n % 3 == 0 || (12_000..13_000).contains(&n);
            let mut row = row(
                n,
                if is_new { "b" } else { "a" },
                if is_new { 2 } else { 1 },
            );
            if n % 3 != 0 {
                (row.first_seen, row.first_extracted) = (1, 1);
            }
            row
        });
        assert!(stored.into_iter().eq(expected), "{}", format.name());
    }
}

#[test]
fn memory_does_not_depend_on_the_rows_of_either_side() {
    let folder = folder();
    let format = parquet();
    let old: Vec<Row> = (0..30_000).map(|number| row(number, "a", 1)).collect();
    export(folder.path(), &format, 1, &old, &[]);
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 2);
    let mut export = writer.begin(head).unwrap();
    let table = export.dataset().table(RUNS).unwrap().clone();
    let mut alive: Vec<Weak<dyn Array>> = Vec::new();
    let mut most = 0;
    let batches = (0..300).map(|part| {
        let rows: Vec<Row> = (0..100)
            .map(|number| row(part * 100 + number, "b", 2))
            .collect();
        let rows = incoming(&table, &rows);
        alive.push(Arc::downgrade(rows.batch.column(0)));
        most = most.max(
            alive
                .iter()
                .filter(|batch| batch.strong_count() > 0)
                .count(),
        );
        Ok::<_, Infallible>(rows)
    });
    let stats = export.day(Some(DAY)).unwrap().merge(RUNS, batches).unwrap();
    assert_eq!(stats.rows_replaced, 30_000);
    // One output batch takes rows from at most so many incoming ones.
    assert!(most <= BATCH_ROWS / 100 + 2, "{most} batches at once");
}

#[test]
fn rows_that_did_not_change_leave_the_file_alone() {
    for format in formats() {
        let folder = folder();
        let rows = [row(1, "a", 1), row(2, "a", 1)];
        export(folder.path(), &format, 1, &rows, &rows);
        let before = contents(folder.path());
        let again = [row(1, "a", 2), row(2, "a", 2)];
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let (runs, _) = export_day(&mut export, DAY, &again, &again).unwrap();
        let unchanged = MergeStats {
            rows_total: 2,
            ..MergeStats::default()
        };
        assert_eq!(runs, unchanged);
        assert!(export.manifest().is_committed(Some(DAY)));
        assert!(export.manifest().days[&DAY.to_string()].files.is_empty());
        assert_eq!(export.manifest().tables[RUNS].files, 0);
        export.close(tail(Status::Done)).unwrap();
        let after = contents(folder.path());
        assert!(before.iter().all(|file| after.contains(file)));
        assert_eq!(after.len(), before.len() + 1, "only a manifest was added");
    }
}

#[test]
fn no_rows_are_no_change_and_no_file() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    let (runs, results) = export_day(&mut export, DAY, &[], &[]).unwrap();
    assert_eq!(
        (runs, results),
        (MergeStats::default(), MergeStats::default())
    );
    let empty = vec![incoming(export.dataset().table(RUNS).unwrap(), &[])];
    let mut staging = export.day(Some(DAY)).unwrap();
    assert_eq!(
        merge_all(&mut staging, RUNS, empty).unwrap(),
        MergeStats::default()
    );
    staging.commit().unwrap();
    assert!(export.dataset().files(RUNS, TENANT).unwrap().is_empty());
}

#[test]
fn a_table_merged_twice_has_the_rows_of_both() {
    for format in formats() {
        let folder = folder();
        export(folder.path(), &format, 1, &[row(1, "a", 1)], &[]);
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let table = export.dataset().table(RUNS).unwrap().clone();
        let mut staging = export.day(Some(DAY)).unwrap();
        merge(&mut staging, &table, &[row(2, "a", 2)]).unwrap();
        let stats = merge(&mut staging, &table, &[row(2, "b", 2), row(3, "b", 2)]).unwrap();
        assert_eq!(
            (stats.rows_new, stats.rows_replaced, stats.rows_total),
            (1, 1, 3)
        );
        // The same once more changes nothing, and keeps what is staged.
        merge(&mut staging, &table, &[row(3, "b", 2)]).unwrap();
        staging.commit().unwrap();
        let change = &export.manifest().days[&DAY.to_string()].files[RUNS];
        assert_eq!(change.before.as_ref().unwrap().rows, 1);
        assert_eq!(change.after.as_ref().unwrap().rows, 3);
        assert_eq!(stored(export.dataset(), RUNS).len(), 3);
    }
}

#[test]
fn original_objects_stay_when_they_are_no_longer_kept() {
    for format in formats() {
        let folder = folder();
        let keeping = |keep_raw| {
            let tables = vec![table(RUNS, true, format.timestamps(), keep_raw)];
            let identity = Identity::new(format.as_ref());
            let format = Arc::clone(&format);
            Writer::acquire(folder.path(), &identity, TENANT, format, tables).unwrap()
        };
        let merge = |writer: &mut Writer, second, rows: &[Row]| {
            let head = head(writer, second);
            let mut export = writer.begin(head).unwrap();
            let table = export.dataset().table(RUNS).unwrap().clone();
            let mut staging = export.day(Some(DAY)).unwrap();
            let stats = merge(&mut staging, &table, rows).unwrap();
            staging.commit().unwrap();
            export.close(tail(Status::Done)).unwrap();
            stats
        };
        let raw = |number| {
            let mut row = row(number, "a", 1);
            row.raw = Some(format!("{{\"id\":{number}}}"));
            row
        };
        merge(&mut keeping(true), 1, &[raw(1), raw(2), raw(3)]);
        // Row 1 is not there, 2 is the same, 3 changed: its object is not that of its state.
        let mut without = keeping(false);
        let stats = merge(
            &mut without,
            2,
            &[row(2, "a", 2), row(3, "b", 2), row(4, "a", 2)],
        );
        assert_eq!((stats.rows_new, stats.rows_replaced), (1, 1));
        assert_eq!(stored(without.dataset(), RUNS).len(), 4);
        drop(without);
        let kept: Vec<_> = stored(keeping(true).dataset(), RUNS)
            .into_iter()
            .map(|row| row.raw.is_some())
            .collect();
        assert_eq!(kept, [true, true, false, false], "{}", format.name());
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_and_nothing_is_left() {
    let folder = folder();
    let format = parquet();
    export(folder.path(), &format, 1, &[row(5, "a", 1)], &[]);
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 2);
    let before = contents(folder.path());
    let mut export = writer.begin(head).unwrap();
    let table = export.dataset().table(RUNS).unwrap().clone();
    let good = incoming(&table, &[row(1, "b", 2)]);
    let other = crate::rows::table(RUNS, true, lcw_dataset::Timestamps::AsSent, false);
    let cases = [
        (
            "unsorted",
            vec![incoming(&table, &[row(2, "b", 2), row(1, "b", 2)])],
        ),
        (
            "twice",
            vec![incoming(&table, &[row(2, "b", 2), row(2, "b", 2)])],
        ),
        ("twice across batches", vec![good.clone(), good.clone()]),
        (
            "another schema",
            vec![good.clone(), incoming(&other, &[row(2, "b", 2)])],
        ),
        (
            "bits",
            vec![Incoming {
                batch: batch(&table, &[row(2, "b", 2)]),
                absent: Some(vec![0, 0]),
            }],
        ),
    ];
    for (case, batches) in cases {
        let mut staging = export.day(Some(DAY)).unwrap();
        let error = merge_all(&mut staging, RUNS, batches).unwrap_err();
        assert!(
            matches!(error, DatasetError::InvalidRows { .. }),
            "{case}: {error}"
        );
        assert!(
            !names(folder.path())
                .iter()
                .any(|name| name.starts_with("_staging/")),
            "{case}"
        );
    }
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn the_error_of_the_rows_comes_back_and_nothing_is_left() {
    let folder = folder();
    let format = parquet();
    export(folder.path(), &format, 1, &[row(5, "a", 1)], &[]);
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 2);
    let before = contents(folder.path());
    let mut export = writer.begin(head).unwrap();
    let good = incoming(export.dataset().table(RUNS).unwrap(), &[row(1, "b", 2)]);
    let mut staging = export.day(Some(DAY)).unwrap();
    let error = staging
        .merge(RUNS, [Ok(good), Err("the service is gone")])
        .unwrap_err();
    assert!(matches!(error, MergeError::Rows("the service is gone")));
    let error = staging.merge(RUNS, [Err("at once")]).unwrap_err();
    assert!(matches!(error, MergeError::Rows("at once")));
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_file_that_is_not_what_was_written_is_not_published() {
    for fault in [Fault::DiskFull, Fault::LosesRows, Fault::Miscounts] {
        let folder = folder();
        let good_rows = Arc::new(AtomicU64::new(u64::MAX));
        let format: Arc<dyn Format> = Arc::new(Tampering {
            inner: Arc::new(ParquetFormat::new()),
            fault,
            good_rows: Arc::clone(&good_rows),
        });
        let rows: Vec<Row> = (0..10).map(|number| row(number * 2, "a", 1)).collect();
        export(folder.path(), &format, 1, &rows, &rows);
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let before = contents(folder.path());
        let mut export = writer.begin(head).unwrap();
        good_rows.store(1, Ordering::Relaxed);
        let error = export_day(&mut export, DAY, &[row(1, "b", 2)], &[]).unwrap_err();
        let text = error.to_string();
        match fault {
            Fault::DiskFull => {
                assert!(text.contains("the disk is full; free some space"), "{text}");
            }
            Fault::LosesRows => assert!(text.contains("row of the old file is missing"), "{text}"),
            Fault::Miscounts => assert!(text.contains("12 rows written instead of 11"), "{text}"),
        }
        assert_eq!(contents(folder.path()), before);
        // The same writer goes on once there is space again.
        good_rows.store(u64::MAX, Ordering::Relaxed);
        export_day(&mut export, DAY, &[row(1, "b", 2)], &[]).unwrap();
        assert_eq!(stored(export.dataset(), RUNS).len(), 11);
    }
}

#[test]
fn durations_are_recomputed_from_stored_timestamps_of_either_kind() {
    for format in formats() {
        let folder = folder();
        export(folder.path(), &format, 1, &[row(1, "a", 1)], &[]);
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 2);
        let mut export = writer.begin(head).unwrap();
        let table = export.dataset().table(RUNS).unwrap().clone();
        let mut again = row(1, "a", 2);
        (again.started, again.ended, again.span_ms) = (None, Some(3_999_999), None);
        let rows = Incoming {
            batch: batch(&table, &[again]),
            absent: Some(vec![bits::STARTED | bits::SPAN]),
        };
        let mut staging = export.day(Some(DAY)).unwrap();
        assert_eq!(
            merge_all(&mut staging, RUNS, vec![rows])
                .unwrap()
                .rows_replaced,
            1
        );
        staging.commit().unwrap();
        let stored = &stored(export.dataset(), RUNS)[0];
        assert_eq!(
            (stored.started, stored.span_ms),
            (Some(1_000_000), Some(2_999))
        );
    }
}

#[test]
fn tables_of_a_day_do_not_touch_each_other() {
    let folder = folder();
    let format = parquet();
    export(
        folder.path(),
        &format,
        1,
        &[row(1, "a", 1)],
        &[row(7, "a", 1)],
    );
    let dataset = dataset(folder.path(), &format);
    assert_eq!(stored(&dataset, RUNS)[0].key.1, "r000001");
    assert_eq!(stored(&dataset, RESULTS)[0].key.1, "r000007");
}

#[test]
fn numbers_are_keys_in_their_own_order() {
    for format in formats() {
        let folder = folder();
        let table = numbered_table(RUNS, format.timestamps(), false);
        let identity = Identity::new(format.as_ref());
        let tables = vec![table.clone()];
        let mut writer = Writer::acquire(
            folder.path(),
            &identity,
            TENANT,
            Arc::clone(&format),
            tables,
        )
        .unwrap();
        let version = |id: &str, status: &str| Row::new("w", id, status, "e", 1);
        let head = head(&writer, 1);
        let mut export = writer.begin(head).unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        let first = [version("-3", "a"), version("2", "a"), version("10", "a")];
        merge(&mut staging, &table, &first).unwrap();
        staging.commit().unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        for [one, other] in [["10", "9"], ["9", "9"]] {
            let rows = [version(one, "b"), version(other, "b")];
            assert!(matches!(
                merge(&mut staging, &table, &rows),
                Err(DatasetError::InvalidRows { .. })
            ));
        }
        let second = [version("9", "b"), version("10", "b"), version("11", "b")];
        let stats = merge(&mut staging, &table, &second).unwrap();
        assert_eq!((stats.rows_new, stats.rows_replaced), (2, 1));
        staging.commit().unwrap();
        let ids: Vec<_> = stored(export.dataset(), RUNS)
            .into_iter()
            .map(|row| format!("{}{}", row.key.1, row.status.unwrap()))
            .collect();
        assert_eq!(ids, ["-3a", "2a", "9b", "10b", "11b"], "{}", format.name());
    }
}

#[test]
fn a_lost_number_is_missed_as_a_lost_text_is() {
    let folder = folder();
    let good_rows = Arc::new(AtomicU64::new(u64::MAX));
    let format: Arc<dyn Format> = Arc::new(Tampering {
        inner: Arc::new(ParquetFormat::new()),
        fault: Fault::LosesRows,
        good_rows: Arc::clone(&good_rows),
    });
    let table = numbered_table(RUNS, format.timestamps(), false);
    let identity = Identity::new(format.as_ref());
    let tables = vec![table.clone()];
    let mut writer = Writer::acquire(
        folder.path(),
        &identity,
        TENANT,
        Arc::clone(&format),
        tables,
    )
    .unwrap();
    let rows = |numbers: std::ops::Range<i32>, status: &str| -> Vec<Row> {
        numbers
            .map(|number| Row::new("w", &number.to_string(), status, "e", 1))
            .collect()
    };
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    let mut staging = export.day(Some(DAY)).unwrap();
    merge(&mut staging, &table, &rows(8..12, "a")).unwrap();
    staging.commit().unwrap();
    good_rows.store(0, Ordering::Relaxed);
    let mut staging = export.day(Some(DAY)).unwrap();
    let error = merge(&mut staging, &table, &rows(12..13, "a")).unwrap_err();
    assert!(
        error.to_string().contains("row of the old file is missing"),
        "{error}"
    );
}
