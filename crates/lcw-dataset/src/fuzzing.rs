//! The merge without its files: for the fuzz targets alone, and no part of the interface.

use std::convert::Infallible;

use arrow::array::RecordBatch;

use crate::merge::{Failure, Merge};
use crate::{Incoming, MergeStats, TableSpec};

/// Merges new rows into stored ones: the rows of the merged file, and what was done.
///
/// # Errors
/// Why either side is refused.
pub fn merge(
    table: &TableSpec,
    old: Vec<RecordBatch>,
    new: Vec<Incoming>,
) -> Result<(Vec<RecordBatch>, MergeStats), String> {
    let mut merge = Merge::new(table, false);
    let mut old = old.into_iter().map(Ok);
    let mut new = new.into_iter().map(Ok::<_, Infallible>);
    let mut merged = Vec::new();
    loop {
        match merge.next_batch(&mut old, &mut new) {
            Ok(Some(batch)) => merged.push(batch),
            Ok(None) => return Ok((merged, merge.stats())),
            Err(Failure::Old(problem) | Failure::New(problem)) => return Err(problem),
            Err(Failure::Stored(error)) => return Err(error.to_string()),
            Err(Failure::Rows(never)) => match never {},
        }
    }
}
