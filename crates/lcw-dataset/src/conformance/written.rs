//! Files of rows in temporary places.

use std::fs::File;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::format::{FileMeta, FileSink, Format, FormatError};
use crate::table::TableSpec;

/// A file in a temporary place.
pub(super) struct Written {
    file: tempfile::NamedTempFile,
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Written {
    pub(super) fn new(format: &dyn Format, table: &TableSpec, batches: &[RecordBatch]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let sink = FileSink::new(file.reopen().expect("a temporary file"));
        let meta = FileMeta {
            schema_version: table.schema_version(),
            export_id: "20261122T101500.000000Z".into(),
        };
        let mut writer = format
            .create(sink, table, &meta)
            .expect("a table that can be stored");
        for batch in batches {
            writer.write(batch).expect("rows of the table");
        }
        let (sink, rows) = writer.finish().expect("a whole file");
        assert_eq!(
            rows,
            batches
                .iter()
                .map(|batch| batch.num_rows() as u64)
                .sum::<u64>()
        );
        let (sha256, size) = sink.finish().expect("a file on the disk");
        Self { file, sha256, size }
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(bytes).expect("a temporary file");
        Self {
            file,
            sha256: String::new(),
            size: bytes.len() as u64,
        }
    }

    pub(super) fn open(&self) -> File {
        self.file.reopen().expect("a temporary file")
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file.path()).expect("a temporary file")
    }

    pub(super) fn is_uncompressed_and_empty(&self) -> bool {
        self.size == 0
    }

    pub(super) fn count(&self, format: &dyn Format, table: &TableSpec) -> Result<u64, FormatError> {
        format.count(self.open(), table)
    }

    pub(super) fn read(
        &self,
        format: &dyn Format,
        table: &TableSpec,
    ) -> Result<RecordBatch, FormatError> {
        let batches = format
            .open(self.open(), table, None)?
            .collect::<Result<Vec<_>, _>>()?;
        for batch in &batches {
            assert_eq!(&batch.schema(), table.schema());
        }
        Ok(concat_batches(table.schema(), &batches)?)
    }
}
