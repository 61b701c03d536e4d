//! One batch of a side, with its columns' types decided.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};

use crate::table::TableSpec;
use crate::values::{Values, compare_keys};

/// A batch whose rows can be compared.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) batch: RecordBatch,
    pub(crate) values: Vec<Values>,
    absent: Option<Vec<u64>>,
}

impl Chunk {
    /// Checks that a batch has the table's schema. A widened one lacks the last column.
    pub(crate) fn new(
        table: &TableSpec,
        batch: RecordBatch,
        absent: Option<Vec<u64>>,
        is_widened: bool,
    ) -> Result<Self, String> {
        let rows = batch.num_rows();
        if let Some(absent) = &absent
            && absent.len() != rows
        {
            return Err(format!("{} absent bits for {rows} rows", absent.len()));
        }
        let schema = table.schema();
        let (given, mut columns, _) = batch.into_parts();
        let expected = schema.fields().len() - usize::from(is_widened);
        if given.fields().len() != expected {
            return Err(format!(
                "{} columns instead of {expected}",
                given.fields().len()
            ));
        }
        for (field, wanted) in given.fields().iter().zip(schema.fields()) {
            if field.name() != wanted.name() || field.data_type() != wanted.data_type() {
                return Err(format!(
                    "column {} of type {} instead of {} of type {}",
                    field.name(),
                    field.data_type(),
                    wanted.name(),
                    wanted.data_type()
                ));
            }
        }
        if is_widened {
            columns.push(new_null_array(schema.field(expected).data_type(), rows));
        }
        let batch =
            RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| error.to_string())?;
        let values = batch
            .columns()
            .iter()
            .map(Values::of)
            .collect::<Option<Vec<_>>>();
        let values = values.ok_or("a column of an unsupported type")?;
        Ok(Self {
            batch,
            values,
            absent,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The bits of the columns that are absent in a row.
    pub(crate) fn absent(&self, row: usize) -> u64 {
        self.absent.as_ref().map_or(0, |absent| absent[row])
    }

    /// Order of a row of this batch and one of another, by key.
    pub(crate) fn compare(
        &self,
        row: usize,
        other: &Self,
        other_row: usize,
        keys: &[usize],
    ) -> Ordering {
        let keys = keys
            .iter()
            .map(|&key| (&self.values[key], &other.values[key]));
        compare_keys(keys, row, other_row)
    }

    /// Whether keys strictly ascend from row to row.
    pub(crate) fn is_ascending(&self, keys: &[usize]) -> bool {
        (1..self.rows()).all(|row| self.compare(row - 1, self, row, keys).is_lt())
    }
}
