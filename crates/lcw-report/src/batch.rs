//! Values of a batch, whichever way the dataset's format stores them.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use lcw_model::time::parse_micros;

/// One row of a batch whose columns were chosen by the caller.
#[derive(Clone, Copy)]
pub(crate) struct Row<'b> {
    batch: &'b RecordBatch,
    row: usize,
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> impl Iterator<Item = Row<'_>> {
    (0..batch.num_rows()).map(|row| Row { batch, row })
}

impl<'b> Row<'b> {
    fn column(self, column: usize) -> Option<&'b dyn Array> {
        let column = self.batch.column(column).as_ref();
        column.is_valid(self.row).then_some(column)
    }

    pub(crate) fn text(self, column: usize) -> Option<&'b str> {
        let column = self.column(column)?.as_string_opt::<i32>()?;
        Some(column.value(self.row))
    }

    pub(crate) fn number(self, column: usize) -> Option<i64> {
        let column = self.column(column)?;
        match column.as_primitive_opt::<Int64Type>() {
            Some(wide) => Some(wide.value(self.row)),
            None => Some(
                column
                    .as_primitive_opt::<Int32Type>()?
                    .value(self.row)
                    .into(),
            ),
        }
    }

    pub(crate) fn truth(self, column: usize) -> Option<bool> {
        Some(self.column(column)?.as_boolean_opt()?.value(self.row))
    }

    /// Microseconds since 1970; Parquet stores them, NDJSON the service's own text.
    pub(crate) fn instant(self, column: usize) -> Option<i64> {
        let column = self.column(column)?;
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(micros) => Some(micros.value(self.row)),
            None => parse_micros(column.as_string_opt::<i32>()?.value(self.row)).ok(),
        }
    }
}
