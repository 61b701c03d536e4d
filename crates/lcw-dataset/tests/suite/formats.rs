//! Formats that make things harder.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use lcw_dataset::{
    FileMeta, FileSink, Format, FormatError, RowReader, RowWriter, TableSpec, Timestamps,
};

/// A format whose readers give batches of a few rows.
#[derive(Debug)]
pub(crate) struct Choppy {
    pub(crate) inner: Arc<dyn Format>,
    pub(crate) piece: usize,
}

impl Format for Choppy {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn compression(&self) -> &str {
        self.inner.compression()
    }

    fn file_name(&self) -> &str {
        self.inner.file_name()
    }

    fn timestamps(&self) -> Timestamps {
        self.inner.timestamps()
    }

    fn create(
        &self,
        sink: FileSink,
        table: &TableSpec,
        meta: &FileMeta,
    ) -> Result<Box<dyn RowWriter>, FormatError> {
        self.inner.create(sink, table, meta)
    }

    fn open(
        &self,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Box<dyn RowReader>, FormatError> {
        let piece = self.piece;
        let batches = self.inner.open(file, table, columns)?;
        Ok(Box::new(batches.flat_map(move |batch| match batch {
            Ok(batch) => pieces(&batch, piece).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })))
    }
}

fn pieces(batch: &RecordBatch, piece: usize) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    // With an empty one in between, which readers may give.
    std::iter::once(batch.slice(0, 0))
        .chain(
            (0..rows)
                .step_by(piece)
                .map(|row| batch.slice(row, piece.min(rows - row))),
        )
        .collect()
}

/// What a [`Tampering`] format does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Says that the disk is full after some rows.
    DiskFull,
    /// Drops the first row of every batch.
    LosesRows,
    /// Counts a row too many.
    Miscounts,
}

/// A format whose writers fail once they are told to.
#[derive(Debug)]
pub(crate) struct Tampering {
    pub(crate) inner: Arc<dyn Format>,
    pub(crate) fault: Fault,
    /// Rows that go well before the fault; `u64::MAX` for never.
    pub(crate) good_rows: Arc<AtomicU64>,
}

impl Format for Tampering {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn compression(&self) -> &str {
        self.inner.compression()
    }

    fn file_name(&self) -> &str {
        self.inner.file_name()
    }

    fn timestamps(&self) -> Timestamps {
        self.inner.timestamps()
    }

    fn create(
        &self,
        sink: FileSink,
        table: &TableSpec,
        meta: &FileMeta,
    ) -> Result<Box<dyn RowWriter>, FormatError> {
        let inner = self.inner.create(sink, table, meta)?;
        let good_rows = self.good_rows.load(Ordering::Relaxed);
        Ok(Box::new(TamperingWriter {
            inner,
            fault: self.fault,
            good_rows,
            rows: 0,
        }))
    }

    fn open(
        &self,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Box<dyn RowReader>, FormatError> {
        self.inner.open(file, table, columns)
    }
}

struct TamperingWriter {
    inner: Box<dyn RowWriter>,
    fault: Fault,
    good_rows: u64,
    rows: u64,
}

impl RowWriter for TamperingWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        self.rows += batch.num_rows() as u64;
        if self.rows <= self.good_rows {
            return self.inner.write(batch);
        }
        match self.fault {
            Fault::DiskFull => Err(FormatError::Io(io::ErrorKind::StorageFull.into())),
            Fault::LosesRows => self.inner.write(&batch.slice(1, batch.num_rows() - 1)),
            Fault::Miscounts => self.inner.write(batch),
        }
    }

    fn finish(self: Box<Self>) -> Result<(FileSink, u64), FormatError> {
        let (sink, rows) = self.inner.finish()?;
        let is_wrong = self.fault == Fault::Miscounts && self.rows > self.good_rows;
        // Who loses rows does not know it.
        Ok((sink, self.rows.max(rows) + u64::from(is_wrong)))
    }
}
