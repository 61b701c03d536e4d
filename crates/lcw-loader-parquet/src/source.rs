//! Where the library reads a file from.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::{Buf as _, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// A file as long as this is read at once: page by page it takes more calls than it has kilobytes.
const SMALL_FILE: u64 = 1 << 19;

/// A file beyond whose end nothing is read, and nothing is made room for.
///
/// The library takes sizes and counts as they are written. It makes room for a column before it
/// looks whether the file is that long. It skips what it does not know of a page's header without
/// asking whether there was anything to skip: a damaged list of two billion numbers took it as many
/// vain reads at the end of the file (parquet 60.1, `ThriftReadInputProtocol::skip_bytes`).
pub(crate) enum Source {
    Small(Bytes),
    Large(File),
}

impl Source {
    /// Reads a small file; a large one stays where it is.
    pub(crate) fn of(mut file: File) -> io::Result<Self> {
        if file.metadata()?.len() > SMALL_FILE {
            return Ok(Self::Large(file));
        }
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(Self::Small(bytes.into()))
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::Large(file) => file.len(),
        }
    }
}

impl ChunkReader for Source {
    type T = Endless;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self {
            Self::Small(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                Ok(Endless(Box::new(
                    bytes.slice(start.min(bytes.len())..).reader(),
                )))
            }
            Self::Large(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Endless(Box::new(BufReader::new(file))))
            }
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(
                "a part lies beyond the end of the file".into(),
            ));
        }
        match self {
            Self::Small(bytes) => bytes.get_bytes(start, length),
            Self::Large(file) => file.get_bytes(start, length),
        }
    }
}

/// A reader whose end is an error.
pub(crate) struct Endless(Box<dyn Read>);

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

    /// The same bytes, as each kind of file.
    fn sources(bytes: &[u8]) -> [Source; 2] {
        let file = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            file.rewind().unwrap();
            file
        };
        [Source::of(file()).unwrap(), Source::Large(file())]
    }

    #[test]
    fn a_small_file_is_read_at_once_and_a_large_one_is_not() {
        let [small, _] = sources(b"abc");
        assert!(matches!(small, Source::Small(_)));
        let file = tempfile::tempfile().unwrap();
        file.set_len(SMALL_FILE + 1).unwrap();
        assert!(matches!(Source::of(file).unwrap(), Source::Large(_)));
    }

    #[test]
    fn what_is_there_is_read() {
        for source in sources(b"abc") {
            assert_eq!(source.get_bytes(1, 2).unwrap(), "bc");
            let mut text = [0; 2];
            source.get_read(1).unwrap().read_exact(&mut text).unwrap();
            assert_eq!(&text, b"bc");
        }
    }

    #[test]
    fn the_end_is_an_error_before_room_is_made_for_what_is_not_there() {
        for source in sources(b"abc") {
            for (start, length) in [(1, 3), (4, 0), (0, usize::MAX), (u64::MAX, 1)] {
                source.get_bytes(start, length).unwrap_err();
            }
            for start in [1, 3, 4] {
                let mut reader = source.get_read(start).unwrap();
                let skipped = io::copy(&mut reader.by_ref().take(8), &mut io::sink());
                assert_eq!(skipped.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            }
        }
    }
}
