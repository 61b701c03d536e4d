//! Where the library reads a file from.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// A file beyond whose end nothing is read, and nothing is made room for.
///
/// The library takes sizes and counts as they are written. It makes room for a column before it
/// looks whether the file is that long. It skips what it does not know of a page's header without
/// asking whether there was anything to skip: a damaged list of two billion numbers took it as many
/// vain reads at the end of the file (parquet 60.1, `ThriftReadInputProtocol::skip_bytes`).
pub(crate) struct Source(pub(crate) File);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Source {
    type T = BufReader<Endless>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(Endless(file)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(
                "a part lies beyond the end of the file".into(),
            ));
        }
        self.0.get_bytes(start, length)
    }
}

/// A reader whose end is an error.
pub(crate) struct Endless(File);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) if !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn source(bytes: &[u8]) -> Source {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Source(file)
    }

    #[test]
    fn what_is_there_is_read() {
        let source = source(b"abc");
        assert_eq!(source.get_bytes(1, 2).unwrap(), "bc");
        let mut text = [0; 2];
        source.get_read(1).unwrap().read_exact(&mut text).unwrap();
        assert_eq!(&text, b"bc");
    }

    #[test]
    fn the_end_is_an_error_before_room_is_made_for_what_is_not_there() {
        let source = source(b"abc");
        for (start, length) in [(1, 3), (4, 0), (0, usize::MAX), (u64::MAX, 1)] {
            source.get_bytes(start, length).unwrap_err();
        }
        let mut reader = source.get_read(1).unwrap();
        let skipped = io::copy(&mut reader.by_ref().take(8), &mut io::sink());
        assert_eq!(skipped.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
