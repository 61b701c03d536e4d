//! What a row costs on the disk.

#![allow(clippy::unwrap_used, reason = "the helpers of tests may fail them")]

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use lcw_dataset::{ColumnSpec, FileMeta, FileSink, Format, Role, TableSpec};
use lcw_loader_parquet::ParquetFormat;

/// Numbers without a pattern, the same every time (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn guid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

fn text(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn times(values: &[i64]) -> ArrayRef {
    Arc::new(
        TimestampMicrosecondArray::from_iter_values(values.iter().copied()).with_timezone("UTC"),
    )
}

const USERS: usize = 200;
const WORKFLOW: &str = "b1a6a1c0-0000-0000-0000-000000000000";

/// The ids of results, which is the service's choice.
#[derive(Clone, Copy)]
enum Ids {
    Guids,
    /// Of workflow, version, run and user.
    Composed,
}

/// User processing results as they come: runs of 200 users out of 4,000, sorted by id.
fn results(rows: usize, kind: Ids) -> (TableSpec, RecordBatch) {
    let mut random = Random(7);
    let people: Vec<String> = (0..4_000).map(|_| random.guid()).collect();
    let runs: Vec<String> = (0..rows.div_ceil(USERS)).map(|_| random.guid()).collect();
    let mut keys: Vec<(String, String)> = (0..rows)
        .map(|row| {
            let person = people[usize::try_from(random.below(4_000)).unwrap()].clone();
            let id = match kind {
                Ids::Guids => random.guid(),
                Ids::Composed => format!("{WORKFLOW}_3_{WORKFLOW}_{}_{person}", runs[row / USERS]),
            };
            (id, person)
        })
        .collect();
    keys.chunks_mut(USERS).for_each(<[_]>::sort);
    let (ids, subjects): (Vec<String>, Vec<String>) = keys.into_iter().unzip();
    let scheduled: Vec<i64> = (0..rows)
        .map(|row| 1_795_342_200_000_000 + i64::try_from(row / USERS).unwrap() * 60_000_000)
        .collect();
    let started: Vec<i64> = scheduled
        .iter()
        .map(|at| at + random.below(1 << 25).cast_signed())
        .collect();
    let ended: Vec<i64> = started
        .iter()
        .map(|at| at + random.below(1 << 25).cast_signed())
        .collect();
    let between = |from: &[i64], to: &[i64]| -> ArrayRef {
        let spans = from.iter().zip(to).map(|(from, to)| (to - from) / 1000);
        Arc::new(Int64Array::from_iter_values(spans))
    };
    let count = |value: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![value; rows])) };
    let same = |value: &str| text((0..rows).map(|_| value.to_owned()));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let span = |from, to| Role::Duration { from, to };
    let columns: Vec<(&str, Role, ArrayRef)> = vec![
        ("workflow_id", Role::Key, same(WORKFLOW)),
        (
            "run_id",
            Role::Key,
            text((0..rows).map(|row| runs[row / USERS].clone())),
        ),
        ("id", Role::Key, text(ids.into_iter())),
        ("subject_id", Role::Fact, text(subjects.into_iter())),
        ("processing_status", Role::Fact, same("completed")),
        ("workflow_version", Role::Fact, count(3)),
        ("scheduled_date_time", Role::Fact, times(&scheduled)),
        ("started_date_time", Role::Fact, times(&started)),
        ("completed_date_time", Role::Fact, times(&ended)),
        ("total_tasks_count", Role::Fact, count(4)),
        ("failed_tasks_count", Role::Fact, count(0)),
        (
            "queue_ms",
            span("scheduled_date_time", "started_date_time"),
            between(&scheduled, &started),
        ),
        (
            "processing_ms",
            span("started_date_time", "completed_date_time"),
            between(&started, &ended),
        ),
        (
            "total_ms",
            span("scheduled_date_time", "completed_date_time"),
            between(&scheduled, &ended),
        ),
        (
            "_lcw_export_id",
            Role::ExportId,
            same("20261122T101000.000000Z"),
        ),
        (
            "_lcw_extracted_at",
            Role::ExtractedAt,
            times(&vec![1_795_342_200_000_000; rows]),
        ),
    ];
    let specs = columns.iter().map(|(name, role, array)| {
        let data_type = if matches!(array.data_type(), DataType::Timestamp(..)) {
            time.clone()
        } else {
            array.data_type().clone()
        };
        ColumnSpec::new(Field::new(*name, data_type, *role != Role::Key), *role)
    });
    let table = TableSpec::new("user_processing_results", 1, true, specs.collect()).unwrap();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(table.schema()), arrays).unwrap();
    (table, batch)
}

/// Bytes a row of a file of results.
fn bytes_a_row(rows: usize, ids: Ids) -> f64 {
    let (table, rows) = results(rows, ids);
    let file = tempfile::NamedTempFile::new().unwrap();
    let meta = FileMeta {
        schema_version: 1,
        export_id: "e".into(),
    };
    let sink = FileSink::new(file.reopen().unwrap());
    let mut writer = ParquetFormat::new().create(sink, &table, &meta).unwrap();
    for start in (0..rows.num_rows()).step_by(8192) {
        let length = (rows.num_rows() - start).min(8192);
        writer.write(&rows.slice(start, length)).unwrap();
    }
    let (_, bytes) = writer.finish().unwrap().0.finish().unwrap();
    let [bytes, rows] = [bytes, rows.num_rows() as u64].map(|it| u32::try_from(it).unwrap());
    f64::from(bytes) / f64::from(rows)
}

#[test]
fn a_result_takes_little() {
    for (rows, ids, at_most) in [
        (131_072, Ids::Guids, 35.0),
        (131_072, Ids::Composed, 24.0),
        (36_000, Ids::Composed, 26.5),
    ] {
        let bytes = bytes_a_row(rows, ids);
        assert!(bytes <= at_most, "{bytes} bytes for each of {rows} rows");
    }
}
