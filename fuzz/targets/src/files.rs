//! Data files: damaged ones end with an error, and what is read of the others can be written again.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, Read, Seek, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use lcw_dataset::{BATCH_ROWS, FileMeta, FileSink, Format, FormatError, TableSpec};
use lcw_loader_ndjson::{Compression, NdjsonFormat};
use lcw_loader_parquet::ParquetFormat;
use serde_json::Value;

use crate::table::{Cell, Row, batch, rows as rows_of, table};

/// Batches that are read of a file: a few bytes can stand for rows without end.
const MOST_BATCHES: usize = 4;

/// Bytes as an NDJSON file; the first one says which: `z` for zstd, `g` for gzip, else no archive.
pub fn ndjson(data: &[u8]) {
    let Some((compression, file)) = data.split_first() else {
        return;
    };
    let compression = match compression {
        b'z' => Compression::Zstd,
        b'g' => Compression::Gzip,
        _ => Compression::None,
    };
    let format = NdjsonFormat::new(compression);
    let table = table(format.timestamps());
    match check(&format, &table, file) {
        Ok(Some(all)) => {
            let rows = all.num_rows() as u64;
            assert_eq!(count(&format, &table, file).ok(), Some(rows));
            if compression == Compression::None {
                let expected: Vec<Row> = file.lines().map(|line| as_tree(&table, line)).collect();
                assert_eq!(rows_of(&all), expected);
            }
        }
        Ok(None) => {}
        Err(error) => {
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// A line by way of a tree of its values.
fn as_tree(table: &TableSpec, line: std::io::Result<String>) -> Row {
    let tree: Value = serde_json::from_str(&line.unwrap()).unwrap();
    let cell = |name| match &tree[name] {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Number(i64::from(*value)),
        Value::Number(number) => Cell::Number(number.as_i64().unwrap()),
        Value::String(text) => Cell::Text(text.clone()),
        other => panic!("{other}"),
    };
    table.column_names().into_iter().map(cell).collect()
}

/// Bytes as a Parquet file.
pub fn parquet_file(data: &[u8]) {
    let format = ParquetFormat::new();
    let table = table(format.timestamps());
    let _damaged = check(&format, &table, data);
    let _damaged = count(&format, &table, data);
}

/// Files of two rows and of none in every format but plain text, by target and name.
pub fn archives() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let formats: [(&dyn Format, _, &[u8], _); 3] = [
        (
            &ParquetFormat::new(),
            "parquet_file",
            b"",
            ["two-rows", "no-row"],
        ),
        (
            &NdjsonFormat::new(Compression::Zstd),
            "ndjson",
            b"z",
            ["zstd", "zstd-no-row"],
        ),
        (
            &NdjsonFormat::new(Compression::Gzip),
            "ndjson",
            b"g",
            ["gzip", "gzip-no-row"],
        ),
    ];
    let mut archives = Vec::new();
    for (format, target, prefix, names) in formats {
        let table = table(format.timestamps());
        for (name, rows) in names.into_iter().zip([two_rows(), Vec::new()]) {
            let file = write(format, &table, &batch(&table, &rows), rows.len() as u64);
            archives.push((target, name, [prefix, &file[..]].concat()));
        }
    }
    archives
}

/// One row with every value, and one with as few as there can be.
fn two_rows() -> Vec<Row> {
    let number = Cell::Number;
    let text = |text: &str| Cell::Text(text.to_owned());
    let at = number(1_795_342_500_123_456);
    let lineage = [at.clone(), at.clone(), text("e"), at.clone(), at.clone()];
    let full: [&[Cell]; 4] = [
        &[
            text("w"),
            number(1),
            text("completed"),
            number(3),
            number(1),
        ],
        &[at.clone(), at.clone(), number(0), text("a@example.com")],
        &lineage,
        &[text(r#"{"x":1}"#), text(r#"{"id":"1"}"#)],
    ];
    let empty: [&[Cell]; 4] = [
        &[text("w"), number(2)],
        &[const { Cell::Null }; 7],
        &lineage,
        &[const { Cell::Null }; 2],
    ];
    vec![full.concat(), empty.concat()]
}

/// Reads a file in two ways and writes it again: its rows, when they are not too many.
fn check(
    format: &dyn Format,
    table: &TableSpec,
    bytes: &[u8],
) -> Result<Option<RecordBatch>, FormatError> {
    let file = || scratch(|file| file.write_all(bytes));
    let Some(all) = read(format, table, file(), None)? else {
        return Ok(None);
    };
    let names = table.key_names();
    let keys = read(format, table, file(), Some(&names))?.expect("the same rows");
    let positions: Vec<usize> = table.keys().to_vec();
    assert_eq!(all.project(&positions).unwrap(), keys, "its keys alone");
    let rows = all.num_rows() as u64;
    let written = write(format, table, &all, rows);
    let again = scratch(|file| file.write_all(&written));
    let again = read(format, table, again, None)?.expect("the same rows");
    assert_eq!(again, all, "it was written again");
    Ok(Some(all))
}

fn count(format: &dyn Format, table: &TableSpec, bytes: &[u8]) -> Result<u64, FormatError> {
    format.count(scratch(|file| file.write_all(bytes)), table)
}

/// All rows in one batch; `None` when there are too many.
fn read(
    format: &dyn Format,
    table: &TableSpec,
    file: File,
    columns: Option<&[&str]>,
) -> Result<Option<RecordBatch>, FormatError> {
    let schema = table
        .project(columns.unwrap_or(&table.column_names()))
        .unwrap();
    let mut batches = Vec::new();
    for batch in format.open(file, table, columns)? {
        let batch = batch?;
        assert_eq!(batch.schema(), schema);
        assert!(batch.num_rows() <= BATCH_ROWS, "{} rows", batch.num_rows());
        if batches.len() == MOST_BATCHES {
            return Ok(None);
        }
        batches.push(batch);
    }
    Ok(Some(concat_batches(&schema, &batches).unwrap()))
}

fn write(format: &dyn Format, table: &TableSpec, batch: &RecordBatch, rows: u64) -> Vec<u8> {
    let meta = FileMeta {
        schema_version: table.schema_version(),
        export_id: "20261122T101500.000000Z".into(),
    };
    let file = scratch(|_| Ok(()));
    let mut again = file.try_clone().unwrap();
    let mut writer = format.create(FileSink::new(file), table, &meta).unwrap();
    writer.write(batch).unwrap();
    let (_, written) = writer.finish().unwrap();
    assert_eq!(written, rows);
    let mut bytes = Vec::new();
    again.rewind().unwrap();
    again.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A file, always the same one, with new contents.
fn scratch(fill: impl FnOnce(&mut File) -> std::io::Result<()>) -> File {
    thread_local! {
        static FILE: RefCell<File> = RefCell::new(in_memory());
    }
    FILE.with_borrow_mut(|file| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        fill(file).unwrap();
        file.rewind().unwrap();
        file.try_clone().unwrap()
    })
}

/// A file in memory where there is such a folder.
fn in_memory() -> File {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempfile_in(memory).unwrap()
    } else {
        tempfile::tempfile().unwrap()
    }
}
