//! Dataset files as newline-delimited JSON.
//!
//! One object a line, terminated by a line feed; columns in the order of the schema, NULL as
//! `null`, so that every line has every name. Timestamps are the text that the service sent,
//! columns that hold JSON are a string of JSON text.
//!
//! **Invariant**: the same rows give the same bytes, whichever compression.

mod line;
mod reader;
mod writer;

use std::fs::File;

use lcw_dataset::{
    FileMeta, FileSink, Format, FormatError, RowReader, RowWriter, TableSpec, Timestamps,
};

/// How the lines are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// `part-0.ndjson.zst`, with a checksum.
    #[default]
    Zstd,
    /// `part-0.ndjson.gz`.
    Gzip,
    /// `part-0.ndjson`. A file cut between two lines cannot be told from a whole one by itself,
    /// only by the manifest.
    None,
}

impl Compression {
    /// By its name in a pipeline file.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "zstd" => Some(Self::Zstd),
            "gzip" => Some(Self::Gzip),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// Newline-delimited JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct NdjsonFormat {
    compression: Compression,
}

impl NdjsonFormat {
    /// The format with a compression.
    pub fn new(compression: Compression) -> Self {
        Self { compression }
    }

    /// The format by the name of a compression; `None` for one that it does not have.
    pub fn with_compression(name: &str) -> Option<Self> {
        Compression::from_name(name).map(Self::new)
    }
}

impl Format for NdjsonFormat {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn compression(&self) -> &'static str {
        match self.compression {
            Compression::Zstd => "zstd",
            Compression::Gzip => "gzip",
            Compression::None => "none",
        }
    }

    fn file_name(&self) -> &'static str {
        match self.compression {
            Compression::Zstd => "part-0.ndjson.zst",
            Compression::Gzip => "part-0.ndjson.gz",
            Compression::None => "part-0.ndjson",
        }
    }

    fn timestamps(&self) -> Timestamps {
        Timestamps::AsSent
    }

    /// The format has no place for [`FileMeta`]: rows name their export, and a newer schema shows
    /// by its columns and in `_dataset.json`.
    fn create(
        &self,
        sink: FileSink,
        table: &TableSpec,
        _meta: &FileMeta,
    ) -> Result<Box<dyn RowWriter>, FormatError> {
        Ok(Box::new(writer::Writer::new(
            sink,
            table,
            self.compression,
        )?))
    }

    fn open(
        &self,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Box<dyn RowReader>, FormatError> {
        Ok(Box::new(reader::Reader::open(
            file,
            table,
            columns,
            self.compression,
        )?))
    }
}
