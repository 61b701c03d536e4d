//! Dataset files as Parquet.
//!
//! What is chosen here was measured on files of user processing results: zstd at level 1, and
//! instants and spans as differences. Splitting their bytes instead would save one byte a row, and
//! `DuckDB` 1.1 and 1.4 do not read that. Ids have no dictionary, which for what is unique is the
//! costliest default. They ascend, so that each is stored as what differs from the one before, and
//! that at level 3: a user who comes again in the next run is further away than level 1 looks.
//! Ids that are composed of run and user take 7 bytes in a file of 36,000 rows, instead of 14 as
//! plain text at level 1; of GUIDs, which are 16 bytes of pure chance, little can be saved. Other
//! columns gain nothing at higher levels. Pages are of version 1, which every reader knows.
//!
//! **Invariant**: a file holds nothing but its rows, its schema and [`FileMeta`]; the same rows
//! written by the same export give the same bytes.

mod batch;
mod reader;
mod source;
mod writer;

use std::fs::File;

use lcw_dataset::{
    FileMeta, FileSink, Format, FormatError, RowReader, RowWriter, TableSpec, Timestamps,
};
use parquet::errors::ParquetError;

/// Rows of a row group: what a reader has to hold of a column at once.
pub const ROW_GROUP_ROWS: usize = 131_072;

/// Key of the schema version in a file's metadata.
pub const SCHEMA_VERSION_KEY: &str = "lcw.schema_version";

/// Key of the export's id in a file's metadata.
pub const EXPORT_ID_KEY: &str = "lcw.export_id";

/// Parquet with zstd.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct ParquetFormat;

impl ParquetFormat {
    /// The format with its one compression.
    pub fn new() -> Self {
        Self
    }

    /// The format by the name of a compression; `None` for one that it does not have.
    pub fn with_compression(name: &str) -> Option<Self> {
        (name == "zstd").then_some(Self)
    }
}

impl Format for ParquetFormat {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn compression(&self) -> &'static str {
        "zstd"
    }

    fn file_name(&self) -> &'static str {
        "part-0.parquet"
    }

    fn timestamps(&self) -> Timestamps {
        Timestamps::Micros
    }

    fn create(
        &self,
        sink: FileSink,
        table: &TableSpec,
        meta: &FileMeta,
    ) -> Result<Box<dyn RowWriter>, FormatError> {
        Ok(Box::new(writer::Writer::new(sink, table, meta)?))
    }

    fn open(
        &self,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Box<dyn RowReader>, FormatError> {
        Ok(Box::new(reader::Reader::open(file, table, columns)?))
    }

    fn count(&self, file: File, table: &TableSpec) -> Result<u64, FormatError> {
        reader::count(file, table)
    }

    fn stated_rows(&self, file: File, table: &TableSpec) -> Result<Option<u64>, FormatError> {
        reader::count(file, table).map(Some)
    }
}

/// Takes the operating system's refusal out of an error of the Parquet library, which may have
/// turned it into a text.
pub(crate) fn failure(error: ParquetError) -> FormatError {
    match error {
        ParquetError::External(cause) => FormatError::from_cause(cause),
        other => FormatError::invalid(other.to_string()),
    }
}
