//! Lines into rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use flate2::bufread::MultiGzDecoder;
use lcw_dataset::{BATCH_BYTES, BATCH_ROWS, FormatError, TableSpec};

use crate::Compression;
use crate::line::{Columns, parse};

/// Longest line that is read: more is not one of ours, and memory is finite.
const LONGEST_LINE: u64 = 256 << 20;

pub(crate) struct Reader {
    lines: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
    columns: Columns,
    has_ended: bool,
    /// The first line, which is looked at when the file is opened.
    is_line_read: bool,
}

impl Reader {
    pub(crate) fn open(
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
        compression: Compression,
    ) -> Result<Self, FormatError> {
        let columns = Columns::new(table, columns)?;
        let lines = decoder(file, compression).map_err(failure)?;
        let mut reader = Self {
            lines,
            line: Vec::new(),
            number: 0,
            columns,
            has_ended: false,
            is_line_read: false,
        };
        // Every line has every name, so the first one says whether the table knows them all.
        if reader.read_line()? {
            reader.is_line_read = true;
            reader
                .columns
                .check_names(reader.number, text(reader.number, &reader.line)?)?;
        }
        Ok(reader)
    }

    /// Reads the next line into `self.line`; `false` at the end.
    fn read_line(&mut self) -> Result<bool, FormatError> {
        if std::mem::take(&mut self.is_line_read) {
            return Ok(true);
        }
        if self.has_ended {
            return Ok(false);
        }
        self.line.clear();
        self.number += 1;
        let mut limited = (&mut self.lines).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut self.line).map_err(failure)?;
        if read == 0 {
            self.has_ended = true;
            return Ok(false);
        }
        if self.line.pop() != Some(b'\n') {
            return Err(FormatError::at_line(self.number, "it is cut"));
        }
        Ok(true)
    }

    fn read_batch(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES && self.read_line()? {
            parse(
                &mut self.columns,
                self.number,
                text(self.number, &self.line)?,
            )?;
            rows += 1;
            bytes += self.line.len();
        }
        if rows == 0 {
            return Ok(None);
        }
        let (schema, columns) = self.columns.finish();
        let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
        Ok(Some(batch))
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.read_batch();
        // What follows an error is not to be trusted.
        self.has_ended |= batch.is_err();
        batch.transpose()
    }
}

fn text(number: u64, line: &[u8]) -> Result<&str, FormatError> {
    std::str::from_utf8(line).map_err(|_| FormatError::at_line(number, "it is not UTF-8"))
}

fn decoder(file: File, compression: Compression) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER: usize = 1 << 17;
    let mut file = BufReader::with_capacity(BUFFER, file);
    if compression != Compression::None && file.fill_buf()?.is_empty() {
        // Even no rows take some bytes; the decoders would take this for the end of an archive.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(match compression {
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(file)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        Compression::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
        Compression::None => Box::new(file),
    })
}

fn failure(error: io::Error) -> FormatError {
    FormatError::from_cause(Box::new(error))
}
