//! What is read of a file when columns are named.

#![allow(clippy::unwrap_used, reason = "the helpers of tests may fail them")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use arrow::array::RecordBatch;
use lcw_dataset::conformance::{many_rows, sample_table};
use lcw_dataset::{FileMeta, FileSink, Format, TableSpec, Timestamps};
use lcw_loader_parquet::{ParquetFormat, ROW_GROUP_ROWS};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

const WANTED: [&str; 2] = ["workflow_id", "is_final"];

fn write(table: &TableSpec, rows: &RecordBatch) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let meta = FileMeta {
        schema_version: table.schema_version(),
        export_id: "e1".into(),
    };
    let sink = FileSink::new(file.reopen().unwrap());
    let mut writer = ParquetFormat::new().create(sink, table, &meta).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap().0.finish().unwrap();
    file
}

/// Start and length of every column chunk, with whether it is wanted.
fn chunks(file: File) -> Vec<(u64, u64, bool)> {
    let reader = SerializedFileReader::new(file).unwrap();
    let groups = reader.metadata().row_groups().iter();
    groups
        .flat_map(RowGroupMetaData::columns)
        .map(|column| {
            let (start, length) = column.byte_range();
            let name = column.column_path().string();
            (start, length, WANTED.contains(&name.as_str()))
        })
        .collect()
}

fn read(file: File, table: &TableSpec) -> Vec<RecordBatch> {
    let reader = ParquetFormat::new()
        .open(file, table, Some(&WANTED))
        .unwrap();
    reader.map(Result::unwrap).collect()
}

/// Bytes that this thread has asked the operating system for; `None` where it does not count them.
fn bytes_read() -> Option<u64> {
    let mut text = String::new();
    let mut counts = File::open("/proc/thread-self/io").ok()?;
    counts.read_to_string(&mut text).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: "))?;
    line.parse().ok()
}

#[test]
fn columns_that_are_not_named_are_not_looked_at() {
    let table = sample_table(Timestamps::Micros, 1);
    let rows = many_rows(&table, ROW_GROUP_ROWS + 1_000);
    let file = write(&table, &rows);
    let mut broken = file.reopen().unwrap();
    for (start, length, is_wanted) in chunks(file.reopen().unwrap()) {
        if !is_wanted {
            broken.seek(SeekFrom::Start(start)).unwrap();
            broken
                .write_all(&vec![0xff; usize::try_from(length).unwrap()])
                .unwrap();
        }
    }
    let batches = read(file.reopen().unwrap(), &table);
    let read: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(read, rows.num_rows());
    let mut start = 0;
    for batch in batches {
        for name in WANTED {
            let expected = rows.column_by_name(name).unwrap();
            let expected = expected.slice(start, batch.num_rows());
            assert_eq!(batch.column_by_name(name).unwrap(), &expected, "{name}");
        }
        start += batch.num_rows();
    }
}

#[test]
fn the_bytes_that_are_read_are_those_of_the_named_columns() {
    let table = sample_table(Timestamps::Micros, 1);
    let file = write(&table, &many_rows(&table, 2 * ROW_GROUP_ROWS));
    let chunks = chunks(file.reopen().unwrap());
    let size = file.as_file().metadata().unwrap().len();
    let named: u64 = chunks
        .iter()
        .filter_map(|(_, length, is_wanted)| is_wanted.then_some(length))
        .sum();
    let Some(before) = bytes_read() else {
        return;
    };
    read(file.reopen().unwrap(), &table);
    let bytes = bytes_read().unwrap() - before;
    // The footer, and 8 KiB that are read ahead for the header of each page, come on top.
    assert!(bytes < 2 * named, "{bytes} of {size}, {named} named");
    assert!(2 * named < size / 2, "{named} of {size}");
}
