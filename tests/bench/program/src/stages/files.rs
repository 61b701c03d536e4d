//! Columns into a file, and a new run into a file that holds a day.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use lcw_dataset::{FileMeta, FileSink};
use lcw_pipeline::{FileFormat, NdjsonCompression, layout, spec};
use lcw_tests::days::merge_into_day;
use lcw_transform::{Rows, Table};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::rows::Made;
use super::{BARE, OURS, Stage, stage};
use crate::bare;

const RESULTS: Table = Table::UserProcessingResults;
const NDJSON: FileFormat = FileFormat::Ndjson(NdjsonCompression::Zstd);

pub(super) fn stages<'a>(scratch: &'a Path, made: &'a Made<'_>) -> Vec<Stage<'a>> {
    let mut day = Day::of(scratch, &made.for_parquet);
    let mut file = bare_file(&made.bare);
    let newest = made.bare.last().unwrap();
    let rows = made.bare.iter().map(RecordBatch::num_rows).sum();
    vec![
        stage("write", "parquet", OURS, || {
            write(FileFormat::Parquet, &made.for_parquet)
        }),
        stage("write", "parquet", BARE, move || {
            bare_file(&made.bare);
            rows
        }),
        stage("write", "ndjson", OURS, || write(NDJSON, &made.for_ndjson)),
        stage("merge", "", OURS, move || day.merge_again()),
        stage("merge", "", BARE, move || {
            let rows;
            (file, rows) = copy_with(&file, newest);
            rows
        }),
    ]
}

fn write(format: FileFormat, runs: &[Rows]) -> usize {
    let loader = format.loader();
    let table = spec(RESULTS, &layout(loader.as_ref(), false)).unwrap();
    let meta = FileMeta {
        schema_version: 1,
        export_id: "20261122T000000.000000Z".into(),
    };
    let sink = FileSink::new(tempfile::tempfile().unwrap());
    let mut writer = loader.create(sink, &table, &meta).unwrap();
    for rows in runs {
        writer.write(&rows.batch).unwrap();
    }
    writer.finish().unwrap();
    runs.iter().map(Rows::len).sum()
}

fn bare_file(runs: &[RecordBatch]) -> File {
    let file = tempfile::tempfile().unwrap();
    let mut writer = bare::writer(file.try_clone().unwrap());
    for batch in runs {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
    file
}

/// What a merge cannot do without: reads every row, writes every row, and those of one more run.
fn copy_with(file: &File, newest: &RecordBatch) -> (File, usize) {
    let copy = tempfile::tempfile().unwrap();
    let mut writer = bare::writer(copy.try_clone().unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().unwrap()).unwrap();
    let mut rows = newest.num_rows();
    for batch in reader.with_batch_size(8_192).build().unwrap() {
        let batch = batch.unwrap();
        rows += batch.num_rows();
        writer.write(&batch).unwrap();
    }
    writer.write(newest).unwrap();
    writer.close().unwrap();
    (copy, rows)
}

/// The same rows as those of a run that sorts behind every other.
fn of_another_run(rows: &Rows, number: u32) -> Rows {
    let batch = &rows.batch;
    let name = format!("~{number:06}");
    let mut columns = batch.columns().to_vec();
    let position = batch.schema().index_of("run_id").unwrap();
    columns[position] = Arc::new(StringArray::from(vec![name.as_str(); rows.len()]));
    Rows {
        batch: RecordBatch::try_new(batch.schema(), columns).unwrap(),
        ..rows.clone()
    }
}

/// A day of a dataset, and a run to make new ones of.
struct Day<'a> {
    folder: &'a Path,
    exports: u32,
    stored: usize,
    newest: Rows,
}

impl<'a> Day<'a> {
    fn of(folder: &'a Path, runs: &'a [Rows]) -> Self {
        let mut day = Self {
            folder,
            exports: 0,
            stored: 0,
            newest: runs.last().unwrap().clone(),
        };
        day.merge(runs);
        day
    }

    /// Merges a run that is new: read, merge, write, check, publish.
    fn merge_again(&mut self) -> usize {
        let newest = of_another_run(&self.newest, self.exports);
        self.merge(&[newest])
    }

    /// Says how many rows the file has afterwards.
    fn merge(&mut self, runs: &[Rows]) -> usize {
        self.exports += 1;
        merge_into_day(&self.folder.join("day"), self.exports, runs);
        self.stored += runs.iter().map(Rows::len).sum::<usize>();
        self.stored
    }
}
