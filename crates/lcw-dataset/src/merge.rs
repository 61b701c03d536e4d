//! A streaming merge of new rows into the sorted rows of a file.
//!
//! Both sides come in batches sorted by key; what leaves is sorted by key too. At any moment the
//! merge holds the current batch of each side and those that the next output batch takes rows
//! from, so that memory does not depend on the size of either side.

mod chunk;
mod compose;
mod cursor;
mod output;

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::BATCH_ROWS;
use crate::error::DatasetError;
use crate::table::TableSpec;
use chunk::Chunk;
use compose::Composer;
use cursor::Cursor;
use output::{Output, Pick};

/// New rows of a table, strictly ascending by key within and across batches.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Rows in the table's schema.
    pub batch: RecordBatch,
    /// Per row, a bit per column (bit 0 is the first column) that the answer did not contain: the
    /// stored value stays. `None`: nothing is absent anywhere.
    pub absent: Option<Vec<u64>>,
}

/// What a merge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// Rows that were not there before.
    pub rows_new: u64,
    /// Rows that replaced an older state of theirs.
    pub rows_replaced: u64,
    /// Rows of the partition after the merge.
    pub rows_total: u64,
    /// Rows in the staged file; 0 when no row changed and nothing was staged.
    pub rows_written: u64,
}

/// Why a merge stopped.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The new rows failed to come.
    Rows(E),
    /// The old rows failed to come.
    Stored(DatasetError),
    /// The old rows are not what this program writes.
    Old(String),
    /// The new rows do not fit the table.
    New(String),
}

impl<E> From<ArrowError> for Failure<E> {
    fn from(error: ArrowError) -> Self {
        Self::New(error.to_string())
    }
}

/// The state of a merge between two output batches.
pub(crate) struct Merge<'t> {
    table: &'t TableSpec,
    composer: Composer<'t>,
    /// The new batches lack the table's last column, which only the old file has.
    is_widened: bool,
    old: Cursor,
    new: Cursor,
    output: Output,
    /// Whether a side was filled since a whole rest was last looked for.
    is_rest_likely: bool,
    stats: MergeStats,
}

impl<'t> Merge<'t> {
    pub(crate) fn new(table: &'t TableSpec, is_widened: bool) -> Self {
        Self {
            table,
            composer: Composer::new(table),
            is_widened,
            old: Cursor::default(),
            new: Cursor::default(),
            output: Output::default(),
            is_rest_likely: true,
            stats: MergeStats::default(),
        }
    }

    pub(crate) fn stats(&self) -> MergeStats {
        self.stats
    }

    /// The next rows of the merged file; `None` after the last.
    pub(crate) fn next_batch<E>(
        &mut self,
        old: &mut impl Iterator<Item = Result<RecordBatch, DatasetError>>,
        new: &mut impl Iterator<Item = Result<Incoming, E>>,
    ) -> Result<Option<RecordBatch>, Failure<E>> {
        loop {
            self.fill(old, new)?;
            if self.is_rest_likely {
                if let Some(rest) = self.whole_rest() {
                    // Rows picked before come first.
                    return if self.output.is_empty() {
                        Ok(Some(self.take_rest(rest)))
                    } else {
                        self.flush()
                    };
                }
                self.is_rest_likely = false;
            }
            if !self.step()? || self.output.len() >= BATCH_ROWS {
                return self.flush();
            }
        }
    }

    /// Makes sure that each side has a row, unless it has ended.
    fn fill<E>(
        &mut self,
        old: &mut impl Iterator<Item = Result<RecordBatch, DatasetError>>,
        new: &mut impl Iterator<Item = Result<Incoming, E>>,
    ) -> Result<(), Failure<E>> {
        while self.old.is_hungry() {
            self.is_rest_likely = true;
            let batch = old.next().transpose().map_err(Failure::Stored)?;
            let chunk = batch.map(|batch| Chunk::new(self.table, batch, None, false));
            let chunk = chunk.transpose().map_err(Failure::Old)?;
            self.old
                .feed(chunk, self.table.keys())
                .map_err(Failure::Old)?;
        }
        while self.new.is_hungry() {
            self.is_rest_likely = true;
            let rows = new.next().transpose().map_err(Failure::Rows)?;
            let chunk = rows
                .map(|rows| Chunk::new(self.table, rows.batch, rows.absent, self.is_widened))
                .transpose()
                .map_err(Failure::New)?;
            self.new
                .feed(chunk, self.table.keys())
                .map_err(Failure::New)?;
        }
        Ok(())
    }

    /// The side whose current batch comes as a whole before the other side's next row.
    fn whole_rest(&self) -> Option<Side> {
        let keys = self.table.keys();
        let precedes = |chunk: &Chunk, (other, row): (&Arc<Chunk>, usize)| {
            chunk.compare(chunk.rows() - 1, other, row, keys) == Ordering::Less
        };
        match (self.old.current(), self.new.current()) {
            (Some(_), None) => Some(Side::Old),
            (None, Some(_)) => Some(Side::New),
            (Some((old, _)), Some(new)) if precedes(old, new) => Some(Side::Old),
            (Some(old), Some((new, _))) if precedes(new, old) => Some(Side::New),
            _ => None,
        }
    }

    fn take_rest(&mut self, side: Side) -> RecordBatch {
        let cursor = match side {
            Side::Old => &mut self.old,
            Side::New => &mut self.new,
        };
        let rest = cursor.take_rest();
        let rows = rest.num_rows() as u64;
        self.stats.rows_total += rows;
        if side == Side::New {
            self.stats.rows_new += rows;
        }
        rest
    }

    /// Picks one row; `false` when both sides have ended.
    fn step<E>(&mut self) -> Result<bool, Failure<E>> {
        let keys = self.table.keys();
        let order = match (self.old.current(), self.new.current()) {
            (None, None) => return Ok(false),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, i)), Some((new, j))) => old.compare(i, new, j, keys),
        };
        match order {
            Ordering::Less => {
                let place = self.old.place(&mut self.output);
                self.output.pick(Pick::only_old(place));
                self.old.advance();
            }
            Ordering::Greater => {
                let place = self.new.place(&mut self.output);
                self.output.pick(Pick::only_new(place));
                self.new.advance();
                self.stats.rows_new += 1;
            }
            Ordering::Equal => self.step_both()?,
        }
        self.stats.rows_total += 1;
        Ok(true)
    }

    /// Picks the columns of a row that both sides have.
    fn step_both<E>(&mut self) -> Result<(), Failure<E>> {
        let (Some((old, i)), Some((new, j))) = (self.old.current(), self.new.current()) else {
            return Ok(());
        };
        let composed = self
            .composer
            .compose(old, i, new, j)
            .map_err(|error| Failure::Old(error.to_string()))?;
        let (old, new) = (
            self.old.place(&mut self.output),
            self.new.place(&mut self.output),
        );
        for (column, value) in composed.durations {
            self.output.compute(column, value);
        }
        self.output.pick(Pick {
            old,
            new,
            from_old: composed.from_old,
        });
        self.stats.rows_replaced += u64::from(composed.is_changed);
        self.old.advance();
        self.new.advance();
        Ok(())
    }

    fn flush<E>(&mut self) -> Result<Option<RecordBatch>, Failure<E>> {
        // The next row may open a whole rest: it was not looked for across the flushed rows.
        self.is_rest_likely = true;
        Ok(self.output.flush(self.table)?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}
