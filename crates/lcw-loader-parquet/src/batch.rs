//! How many rows of a file are read at once.

use lcw_dataset::{BATCH_BYTES, BATCH_ROWS};
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

/// Rows of a batch of the columns of `mask`, by what the footer says of the row group whose rows are
/// the largest.
pub(crate) fn rows(metadata: &ParquetMetaData, mask: &ProjectionMask) -> usize {
    let groups = metadata.row_groups().iter();
    let row_bytes = groups.map(|group| row_bytes(group, mask)).max();
    let rows = BATCH_BYTES as u64 / row_bytes.unwrap_or(1).max(1);
    usize::try_from(rows).map_or(BATCH_ROWS, |rows| rows.clamp(1, BATCH_ROWS))
}

/// Bytes of the values of a row, rounded up.
fn row_bytes(group: &RowGroupMetaData, mask: &ProjectionMask) -> u64 {
    let columns = group.columns().iter().enumerate();
    let bytes = columns
        .filter(|(leaf, _)| mask.leaf_included(*leaf))
        .map(|(_, column)| bytes(column));
    let total = bytes.fold(0, u64::saturating_add);
    total.div_ceil(u64::try_from(group.num_rows()).unwrap_or(0).max(1))
}

/// Text is as long as its values are, however often a dictionary spares them.
fn bytes(column: &ColumnChunkMetaData) -> u64 {
    let text = column.unencoded_byte_array_data_bytes();
    let bytes = text.unwrap_or_else(|| column.uncompressed_size());
    u64::try_from(bytes).unwrap_or(0)
}
