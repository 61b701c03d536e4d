//! The next batch that leaves a merge: where each of its rows comes from.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::interleave;
use arrow::error::ArrowError;

use super::chunk::Chunk;
use crate::table::TableSpec;

/// A row of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) source: u32,
    pub(super) row: usize,
}

/// A row: each column comes from the old or the new place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    pub(super) old: Place,
    pub(super) new: Place,
    /// A bit per column that comes from the old place.
    pub(super) from_old: u64,
}

impl Pick {
    pub(super) fn only_old(place: Place) -> Self {
        Self {
            old: place,
            new: place,
            from_old: u64::MAX,
        }
    }

    pub(super) fn only_new(place: Place) -> Self {
        Self {
            old: place,
            new: place,
            from_old: 0,
        }
    }
}

/// Rows picked so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    sources: Vec<Arc<Chunk>>,
    picks: Vec<Pick>,
    /// Values that neither side has: column, row, value.
    computed: Vec<(usize, usize, Option<i64>)>,
    generation: u64,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.picks.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.picks.len()
    }

    /// Counts flushes: sources are known until the next one.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn add_source(&mut self, chunk: &Arc<Chunk>) -> u32 {
        self.sources.push(Arc::clone(chunk));
        u32::try_from(self.sources.len() - 1).expect("a batch has fewer sources than rows")
    }

    pub(super) fn pick(&mut self, pick: Pick) {
        self.picks.push(pick);
    }

    /// Sets a column of the row that is picked next.
    pub(super) fn compute(&mut self, column: usize, value: Option<i64>) {
        self.computed.push((column, self.picks.len(), value));
    }

    /// The rows picked since the last flush; `None` when there are none.
    pub(super) fn flush(&mut self, table: &TableSpec) -> Result<Option<RecordBatch>, ArrowError> {
        if self.picks.is_empty() {
            return Ok(None);
        }
        let columns = (0..table.columns().len()).map(|column| self.column(column));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.sources.clear();
        self.picks.clear();
        self.computed.clear();
        self.generation += 1;
        RecordBatch::try_new(Arc::clone(table.schema()), columns).map(Some)
    }

    fn column(&self, column: usize) -> Result<ArrayRef, ArrowError> {
        let mut arrays: Vec<&dyn Array> = self
            .sources
            .iter()
            .map(|source| source.batch.column(column).as_ref())
            .collect();
        let bit = 1 << column;
        let place = |pick: &Pick| {
            let place = if pick.from_old & bit == 0 {
                pick.new
            } else {
                pick.old
            };
            (place.source as usize, place.row)
        };
        let mut places: Vec<(usize, usize)> = self.picks.iter().map(place).collect();
        let computed = self.computed.iter().filter(|(of, ..)| *of == column);
        let mut values = Vec::new();
        for (_, row, value) in computed {
            places[*row] = (arrays.len(), values.len());
            values.push(*value);
        }
        let values = Int64Array::from(values);
        if !values.is_empty() {
            arrays.push(&values);
        }
        interleave(&arrays, &places)
    }
}
