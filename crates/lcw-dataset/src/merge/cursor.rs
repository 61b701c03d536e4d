//! Where a merge stands in one of its sides.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::chunk::Chunk;
use super::output::{Output, Place};

/// The current row of a side that comes in batches.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    chunk: Option<Arc<Chunk>>,
    row: usize,
    has_ended: bool,
    /// Where the chunk is among an output's sources, with that output's generation.
    source: Option<(u64, u32)>,
}

impl Cursor {
    /// Whether the next batch is needed to go on.
    pub(super) fn is_hungry(&self) -> bool {
        !self.has_ended && self.current().is_none()
    }

    /// Goes on with the next batch, or with nothing at the end of the side.
    ///
    /// # Errors
    /// When its keys do not follow those before.
    pub(super) fn feed(&mut self, next: Option<Chunk>, keys: &[usize]) -> Result<(), String> {
        let Some(next) = next else {
            self.has_ended = true;
            self.chunk = None;
            return Ok(());
        };
        if next.rows() == 0 {
            return Ok(());
        }
        let follows = self
            .chunk
            .as_ref()
            .is_none_or(|last| last.compare(last.rows() - 1, &next, 0, keys).is_lt());
        if !follows || !next.is_ascending(keys) {
            return Err("keys are not unique and ascending".into());
        }
        (self.chunk, self.row, self.source) = (Some(Arc::new(next)), 0, None);
        Ok(())
    }

    pub(super) fn current(&self) -> Option<(&Arc<Chunk>, usize)> {
        let chunk = self.chunk.as_ref()?;
        (self.row < chunk.rows()).then_some((chunk, self.row))
    }

    pub(super) fn advance(&mut self) {
        self.row += 1;
    }

    /// All rows from the current one on, without copying them.
    pub(super) fn take_rest(&mut self) -> RecordBatch {
        let chunk = self
            .chunk
            .as_ref()
            .expect("a side with a current row has a chunk");
        let rest = chunk.batch.slice(self.row, chunk.rows() - self.row);
        self.row = chunk.rows();
        rest
    }

    /// The current row's place among the sources of the next output batch.
    pub(super) fn place(&mut self, output: &mut Output) -> Place {
        let source = match self.source {
            Some((generation, source)) if generation == output.generation() => source,
            _ => {
                let chunk = self
                    .chunk
                    .as_ref()
                    .expect("a side with a current row has a chunk");
                let source = output.add_source(chunk);
                self.source = Some((output.generation(), source));
                source
            }
        };
        Place {
            source,
            row: self.row,
        }
    }
}
