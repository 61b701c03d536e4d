//! Small batches on their way into a file, gathered until they are worth a call.
//!
//! A file format looks at every column of every batch, however few rows it has, and many runs have a
//! handful of users. What is gathered is bounded by the memory that it takes, because a row can be
//! anything from a few hundred bytes to the largest object that the service sends.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;

/// Memory that is gathered before it is written: some two thousand rows of results.
const ENOUGH_BYTES: usize = 1 << 20;

/// Rows that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Gathered {
    /// Adds rows after those that are there; all of them, once they are enough.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch.clone());
        if self.bytes < ENOUGH_BYTES {
            return Ok(None);
        }
        self.take()
    }

    /// What is left; `None` when nothing is.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        match batches.as_slice() {
            [] => Ok(None),
            // Nothing is copied of what comes alone.
            [only] => Ok(Some(only.clone())),
            [first, ..] => concat_batches(first.schema_ref(), &batches).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn rows(first: i64, count: i64, text: &str) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("number", DataType::Int64, false),
            Field::new("text", DataType::Utf8, true),
        ]);
        let numbers = Int64Array::from_iter_values(first..first + count);
        let texts: StringArray = (0..count)
            .map(|row| (row % 3 > 0).then_some(text))
            .collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(numbers), Arc::new(texts)]).unwrap()
    }

    #[test]
    fn small_batches_become_one_in_their_order() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.add(&rows(0, 5, "a")).unwrap(), None);
        assert_eq!(gathered.add(&rows(5, 7, "b")).unwrap(), None);
        let all = concat_batches(
            &rows(0, 0, "").schema(),
            &[rows(0, 5, "a"), rows(5, 7, "b")],
        );
        assert_eq!(gathered.take().unwrap(), Some(all.unwrap()));
        assert_eq!(gathered.take().unwrap(), None);
    }

    #[test]
    fn what_is_gathered_is_bounded_by_its_memory_whatever_its_rows() {
        let wide = "x".repeat(100_000);
        for (batch, most) in [(rows(0, 1_000, "short"), 100_000), (rows(0, 2, &wide), 30)] {
            let mut gathered = Gathered::default();
            for added in 1.. {
                let (bytes, enough) = (gathered.bytes, gathered.add(&batch).unwrap());
                assert!(bytes < ENOUGH_BYTES);
                if let Some(enough) = enough {
                    assert_eq!(enough.num_rows(), added * batch.num_rows());
                    assert!(enough.num_rows() < most, "{}", enough.num_rows());
                    break;
                }
            }
            assert_eq!(gathered.take().unwrap(), None);
        }
    }

    #[test]
    fn a_large_batch_passes_without_being_copied() {
        let large = rows(0, 200_000, "a text");
        let passed = Gathered::default().add(&large).unwrap().unwrap();
        assert!(Arc::ptr_eq(passed.column(0), large.column(0)));
    }
}
