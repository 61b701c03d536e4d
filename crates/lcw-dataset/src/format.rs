//! The loader contract: how a table's rows become a file and rows again.

use std::error::Error;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use sha2::{Digest, Sha256};

use crate::table::{TableSpec, Timestamps};

/// A file format, with its compression.
///
/// What every format has to keep is written down as tests in [`crate::conformance`].
pub trait Format: Send + Sync + Debug {
    /// Name in `_dataset.json` and on the command line, like `parquet`.
    fn name(&self) -> &'static str;

    /// Name of the compression, like `zstd`.
    fn compression(&self) -> &str;

    /// Name of every data file, like `part-0.parquet`.
    fn file_name(&self) -> &str;

    /// How the columns of a table in this format hold timestamps.
    fn timestamps(&self) -> Timestamps;

    /// Starts a file for rows of `table`, which follow in the order of its keys.
    ///
    /// # Errors
    /// When the table has a type that the format cannot store, or the sink fails.
    fn create(
        &self,
        sink: FileSink,
        table: &TableSpec,
        meta: &FileMeta,
    ) -> Result<Box<dyn RowWriter>, FormatError>;

    /// Opens a file of `table`, for all columns or for the named ones in the order named.
    ///
    /// Batches have the table's schema, or that of the named columns, whatever the order of the
    /// file's; a column that an older file lacks is NULL, or damage where it is required. With all columns, a file with a column unknown to the table is refused,
    /// because rewriting it would drop that column; with named ones it is not looked at.
    ///
    /// # Errors
    /// When the file is damaged, not of this format, or of a newer schema version.
    fn open(
        &self,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Box<dyn RowReader>, FormatError>;

    /// Rows of a file.
    ///
    /// # Errors
    /// As [`Format::open`].
    fn count(&self, file: File, table: &TableSpec) -> Result<u64, FormatError> {
        let mut rows = 0;
        for batch in self.open(file, table, Some(&table.key_names()))? {
            rows += batch?.num_rows() as u64;
        }
        Ok(rows)
    }

    /// Rows of a file as it says itself, after its schema version was looked at; `None` where the
    /// format has no place for either.
    ///
    /// # Errors
    /// As [`Format::open`].
    fn stated_rows(&self, file: File, table: &TableSpec) -> Result<Option<u64>, FormatError> {
        // What cannot be known without reading all rows is not read.
        let _ = (file, table);
        Ok(None)
    }
}

/// What a file says about itself, where its format has a place for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// Version of the table's schema.
    pub schema_version: u32,
    /// The export that wrote the file.
    pub export_id: String,
}

/// Writes the rows of one file. Dropped before [`RowWriter::finish`], the file is not complete.
pub trait RowWriter: Send {
    /// Appends rows in the table's schema.
    ///
    /// # Errors
    /// When they cannot be encoded or written.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;

    /// Completes the file: its sink and its rows.
    ///
    /// # Errors
    /// When the rest cannot be encoded or written.
    fn finish(self: Box<Self>) -> Result<(FileSink, u64), FormatError>;
}

/// Reads the rows of one file in the order in which they are stored, in batches of at most
/// [`crate::BATCH_ROWS`] rows, and of fewer where these would take more than some
/// [`crate::BATCH_BYTES`].
pub trait RowReader: Iterator<Item = Result<RecordBatch, FormatError>> + Send {}

impl<T: Iterator<Item = Result<RecordBatch, FormatError>> + Send> RowReader for T {}

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system refused.
    #[error("input or output failed")]
    Io(#[source] io::Error),
    /// The file has a newer schema version.
    #[error("schema version {has} is newer than {knows}")]
    NewerSchema {
        /// The version of the file.
        has: u32,
        /// The version of the table.
        knows: u32,
    },
    /// The file has a column that its table does not have.
    #[error("column {name:?} is unknown")]
    UnknownColumn {
        /// The column.
        name: String,
    },
    /// The file is damaged or not of this format, or the rows cannot be stored in it.
    #[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Invalid {
        /// The line, from 1, in formats that have lines.
        line: Option<u64>,
        /// What is wrong, without values of the file.
        problem: String,
    },
}

impl FormatError {
    /// Damage without a place.
    pub fn invalid(problem: impl Into<String>) -> Self {
        Self::Invalid {
            line: None,
            problem: problem.into(),
        }
    }

    /// Damage in a line, counted from 1.
    pub fn at_line(line: u64, problem: impl Into<String>) -> Self {
        Self::Invalid {
            line: Some(line),
            problem: problem.into(),
        }
    }

    /// The operating system's refusal somewhere in the chain of causes, else damage.
    ///
    /// An unexpected end of the input is damage: the file is cut, the disk is well.
    pub fn from_cause(error: Box<dyn Error + Send + Sync>) -> Self {
        if let Some(kind) = refusal(error.as_ref()) {
            return Self::Io(io::Error::new(kind, error));
        }
        Self::invalid(error.to_string())
    }
}

/// The kind of a refusal by the operating system, in an error or what it was caused by.
fn refusal(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    if let Some(error) = error.downcast_ref::<io::Error>() {
        if let Some(inner) = error.get_ref() {
            // An input or output error does not name what it wraps as its source.
            return refusal(inner);
        }
        let kind = error.kind();
        return (!matches!(kind, InvalidData | InvalidInput | Other | UnexpectedEof))
            .then_some(kind);
    }
    refusal(error.source()?)
}

impl From<ArrowError> for FormatError {
    fn from(error: ArrowError) -> Self {
        Self::from_cause(Box::new(error))
    }
}

/// A staged file that knows the SHA-256 and the size of what was written to it.
///
/// The digest is taken of the bytes on their way to the file: if the disk keeps others, the next
/// reader finds that out instead of trusting what the disk said.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl FileSink {
    /// A sink into an empty file.
    pub fn new(file: File) -> Self {
        Self {
            file,
            digest: Sha256::new(),
            bytes: 0,
        }
    }

    /// Flushes the file to the disk: SHA-256 in lower-case hex, and size in bytes.
    ///
    /// # Errors
    /// When the operating system could not store it; what is on the disk is then unknown.
    pub fn finish(self) -> io::Result<(String, u64)> {
        self.file.sync_all()?;
        Ok((hex(&self.digest.finalize()), self.bytes))
    }
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

/// SHA-256 and size of the rest of a file.
pub(crate) fn digest(file: &mut File) -> io::Result<(String, u64)> {
    use std::io::Read;
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hex(&digest.finalize()), bytes)),
            Ok(read) => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// SHA-256 of bytes, in lower-case hex.
pub fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_digests_what_it_writes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut sink = FileSink::new(file.reopen().unwrap());
        sink.write_all(b"ab").unwrap();
        sink.write_all(b"c").unwrap();
        let (sha256, bytes) = sink.finish().unwrap();
        assert_eq!(
            (sha256.as_str(), bytes),
            (
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                3
            )
        );
        assert_eq!(
            digest(&mut file.reopen().unwrap()).unwrap(),
            (sha256, bytes)
        );
    }

    #[test]
    fn a_refusal_is_found_under_other_errors() {
        let full = io::Error::from_raw_os_error(28);
        let nested = ArrowError::IoError("write".into(), io::Error::other(full));
        assert!(matches!(FormatError::from(nested), FormatError::Io(_)));
        let cut = ArrowError::IoError("read".into(), io::ErrorKind::UnexpectedEof.into());
        assert!(matches!(
            FormatError::from(cut),
            FormatError::Invalid { .. }
        ));
    }
}
