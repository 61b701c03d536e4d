//! Rows into lines.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use flate2::write::GzEncoder;
use lcw_dataset::{FileSink, FormatError, RowWriter, TableSpec, Values};

use crate::Compression;

/// Level of zstd: its default, which is fast and some seven times smaller than the text.
const ZSTD_LEVEL: i32 = 3;

/// Lines are handed on in pieces of about this size.
const PIECE: usize = 1 << 16;

pub(crate) struct Writer {
    encoder: Encoder,
    /// What comes before each column's value: `{"a":`, `,"b":`.
    names: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    rows: u64,
}

impl Writer {
    pub(crate) fn new(
        sink: FileSink,
        table: &TableSpec,
        compression: Compression,
    ) -> Result<Self, FormatError> {
        let mut names = Vec::new();
        for (position, name) in table.column_names().iter().enumerate() {
            let mut prefix = vec![if position == 0 { b'{' } else { b',' }];
            append_text(&mut prefix, name)?;
            prefix.push(b':');
            names.push(prefix);
        }
        let encoder = Encoder::new(sink, compression).map_err(failure)?;
        Ok(Self {
            encoder,
            names,
            buffer: Vec::with_capacity(2 * PIECE),
            rows: 0,
        })
    }

    fn hand_on(&mut self) -> Result<(), FormatError> {
        self.encoder.write_all(&self.buffer).map_err(failure)?;
        self.buffer.clear();
        Ok(())
    }
}

impl RowWriter for Writer {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let columns = batch
            .columns()
            .iter()
            .map(Values::of)
            .collect::<Option<Vec<_>>>();
        let columns = columns
            .filter(|columns| columns.len() == self.names.len())
            .ok_or_else(|| FormatError::invalid("the batch has another schema"))?;
        for row in 0..batch.num_rows() {
            for (prefix, values) in self.names.iter().zip(&columns) {
                self.buffer.extend_from_slice(prefix);
                append_value(&mut self.buffer, values, row)?;
            }
            self.buffer.extend_from_slice(b"}\n");
            if self.buffer.len() >= PIECE {
                self.hand_on()?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(FileSink, u64), FormatError> {
        self.hand_on()?;
        Ok((self.encoder.finish().map_err(failure)?, self.rows))
    }
}

fn append_value(buffer: &mut Vec<u8>, values: &Values, row: usize) -> Result<(), FormatError> {
    if values.is_null(row) {
        buffer.extend_from_slice(b"null");
        return Ok(());
    }
    match values {
        Values::Text(array) => append_text(buffer, array.value(row)),
        Values::Int32(array) => serialize(buffer, &array.value(row)),
        Values::Int64(array) => serialize(buffer, &array.value(row)),
        Values::Boolean(array) => serialize(buffer, &array.value(row)),
        Values::Micros(array) => {
            append_text(buffer, &lcw_model::time::format_micros(array.value(row)))
        }
    }
}

/// A string with its quotes and escapes.
fn append_text(buffer: &mut Vec<u8>, text: &str) -> Result<(), FormatError> {
    serialize(buffer, text)
}

fn serialize<T: serde::Serialize + ?Sized>(
    buffer: &mut Vec<u8>,
    value: &T,
) -> Result<(), FormatError> {
    serde_json::to_writer(buffer, value).map_err(|error| FormatError::invalid(error.to_string()))
}

fn failure(error: io::Error) -> FormatError {
    FormatError::from_cause(Box::new(error))
}

/// The compression on the way to the file.
enum Encoder {
    Zstd(zstd::Encoder<'static, FileSink>),
    Gzip(GzEncoder<FileSink>),
    None(FileSink),
}

impl Encoder {
    fn new(sink: FileSink, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(sink, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
            // The header gets no time and no name, so that the same rows give the same bytes.
            Compression::Gzip => Self::Gzip(GzEncoder::new(sink, flate2::Compression::default())),
            Compression::None => Self::None(sink),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::None(sink) => sink.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<FileSink> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
            Self::None(sink) => Ok(sink),
        }
    }
}
