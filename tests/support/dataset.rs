//! Reading a dataset back as plain values, whatever its format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use lcw_dataset::Dataset;
use lcw_pipeline::{FileFormat, layout, specs};
use lcw_transform::{Column, Kind, Table};
use serde_json::{Value, json};

/// The rows of a table by key: each a map from column name to value. Timestamps are microseconds
/// since 1970, absent values are null, and partition columns are there like any other.
pub type Facts = BTreeMap<Vec<String>, BTreeMap<String, Value>>;

/// Every row of `table` in the dataset at `out`.
pub fn facts(out: &Path, format: FileFormat, tenant: &str, table: Table) -> Facts {
    let mut facts = Facts::new();
    for values in rows(out, format, tenant, table, false) {
        let key: Vec<String> = table
            .key()
            .into_iter()
            .map(|name| match &values[name] {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            })
            .collect();
        let twice = facts.insert(key.clone(), values);
        assert!(
            twice.is_none(),
            "{}: the key {key:?} comes twice",
            table.name()
        );
    }
    facts
}

/// The rows of `table` as its files have them, oldest day first; with the original objects where
/// they were kept.
pub fn rows(
    out: &Path,
    format: FileFormat,
    tenant: &str,
    table: Table,
    keep_raw: bool,
) -> Vec<BTreeMap<String, Value>> {
    let format = format.loader();
    let tables = specs(&layout(format.as_ref(), keep_raw)).unwrap();
    let dataset = Dataset::open(out, format, tables).unwrap();
    let mut rows = Vec::new();
    for file in dataset.files(table.name(), tenant).unwrap() {
        let batches = dataset.read(table.name(), tenant, file.day, None);
        for batch in batches.unwrap().unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let mut values = row_of(&batch, row, table.columns(keep_raw));
                if let Some(day) = file.day {
                    values.insert("run_date".to_owned(), json!(day.to_string()));
                }
                rows.push(values);
            }
        }
    }
    rows
}

fn row_of(batch: &RecordBatch, row: usize, columns: &[Column]) -> BTreeMap<String, Value> {
    columns
        .iter()
        .zip(batch.columns())
        .map(|(declared, column)| {
            (
                declared.name.to_owned(),
                value(column.as_ref(), row, declared.kind),
            )
        })
        .collect()
}

fn value(column: &dyn Array, row: usize, kind: Kind) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => {
            let text = column.as_string::<i32>().value(row);
            match kind {
                Kind::Timestamp => json!(crate::expected::micros(text)),
                Kind::Json => serde_json::from_str(text).unwrap(),
                _ => json!(text),
            }
        }
        DataType::Int32 => json!(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Timestamp(..) => {
            json!(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => panic!("no such type in the contract: {other}"),
    }
}

/// Every data file below `out` with its size and when it was last written: equal maps mean that no
/// file was rewritten.
pub fn data_files(out: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if entry.file_type().unwrap().is_dir() {
                if !name.to_string_lossy().starts_with('_') {
                    folders.push(entry.path());
                }
            } else if folder != out {
                let metadata = entry.metadata().unwrap();
                files.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
            }
        }
    }
    files
}
