//! The builders of one batch, filled row by row in the order of the columns.

mod cell;
mod row;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use lcw_model::time::{format_micros, parse_micros};
use lcw_model::{Field, Reference, Text};

use crate::{Column, Drift, FlattenError, Layout, Lineage, Role, Rows, Table, Timestamps};
use cell::Cell;

pub(crate) use row::{Nested, Row};

/// The part that every builder of rows has, in an `impl` of a type with a `batch`: `pub` for its
/// own methods, nothing for those of [`ChildRows`](crate::ChildRows).
macro_rules! of_batch {
    ($($vis:tt)?) => {
        /// Says how many rows will come, before the first does: builders make room once, and not
        /// more than they get. Without it they begin with room for a page or so and grow.
        $($vis)? fn reserve(&mut self, rows: usize) {
            self.batch.reserve(rows);
        }

        /// Rows appended since the last [`finish`](Self::finish).
        $($vis)? fn len(&self) -> usize {
            self.batch.len()
        }

        /// Whether there are none.
        $($vis)? fn is_empty(&self) -> bool {
            self.batch.len() == 0
        }

        /// Hands the rows out, in the order appended, and starts over; the next rows find room for
        /// as many. Do so at the latest before a column holds 2 GiB of text, Arrow's limit.
        $($vis)? fn finish(&mut self) -> Rows {
            self.batch.finish()
        }
    };
}

pub(crate) use of_batch;

/// A user inside an entity, of whom the id alone has a column.
pub(crate) fn person<'e>(name: &'static str, user: Field<&'e Reference<'e>>) -> Nested<'e> {
    Nested {
        name,
        extra: user.into_option().map(|user| &user.extra),
        knows: Reference::knows,
    }
}

/// The text of a property.
pub(crate) fn text<'f>(field: &'f Field<Text<'_>>) -> Field<&'f str> {
    field.as_ref().map(Text::as_str)
}

/// Rows to make room for when nobody says how many will come.
const DEFAULT_ROWS: usize = 128;
/// Rows to make room for at most: how many will come is the service's word. Builders grow.
const MAX_RESERVED_ROWS: usize = 65_536;

/// An instant as it was sent, and in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    text: &'a str,
    micros: i64,
}

/// Builders of a table's columns.
#[derive(Debug)]
pub(crate) struct Batch {
    table: Table,
    columns: &'static [Column],
    schema: SchemaRef,
    timestamps: Timestamps,
    cells: Vec<Cell>,
    /// Per row, a bit per column that the answer did not contain.
    absent: Vec<u64>,
    /// What the answers hold that is new.
    drift: Drift,
    /// Rows and, per column, bytes of text per row that the next batch makes room for.
    expected_rows: usize,
    text_widths: Vec<usize>,
    /// Whether the room was made: with the first row, so that a builder that gets none costs none.
    has_room: bool,
}

impl Batch {
    /// Builders without a row. `each` are the texts of the columns, by name, that are the same in
    /// every row beside the lineage.
    pub(crate) fn new(
        table: Table,
        layout: Layout,
        lineage: &Lineage,
        each: &[(&str, &str)],
        seen_at_micros: Option<i64>,
    ) -> Self {
        let columns = table.columns(layout.keep_raw);
        let timestamps = layout.timestamps;
        let instant = |micros| match timestamps {
            Timestamps::Micros => Cell::EachMicros(micros),
            Timestamps::AsSent => Cell::EachText(format_micros(micros).into()),
        };
        let cell = |column: &Column| match (column.role, seen_at_micros) {
            (Role::ExportId, _) => Cell::EachText(lineage.export_id.as_str().into()),
            (Role::ExtractedAt | Role::FirstExtractedAt, _) => instant(lineage.extracted_at_micros),
            (Role::FirstSeen | Role::LastSeen, Some(micros)) => instant(micros),
            _ => match each.iter().find(|(name, _)| *name == column.name) {
                Some((_, text)) => Cell::EachText((*text).into()),
                None => Cell::Nulls(0),
            },
        };
        Self {
            table,
            columns,
            schema: table.schema(&layout),
            timestamps,
            cells: columns.iter().map(cell).collect(),
            absent: Vec::new(),
            drift: Drift::default(),
            expected_rows: DEFAULT_ROWS,
            text_widths: columns
                .iter()
                .map(|column| column.kind.text_width())
                .collect(),
            has_room: false,
        }
    }

    /// Builders of a table that is read run by run.
    pub(crate) fn of_run(
        table: Table,
        layout: Layout,
        lineage: &Lineage,
        workflow_id: &str,
        run_id: &str,
    ) -> Self {
        let each = [("workflow_id", workflow_id), ("run_id", run_id)];
        Self::new(table, layout, lineage, &each, None)
    }

    pub(crate) fn len(&self) -> usize {
        self.absent.len()
    }

    /// Says how many rows will come. Without effect once the first is there.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.expected_rows = rows.min(MAX_RESERVED_ROWS);
    }

    /// Starts a row. Its columns are given in their order; those that are the same in every row
    /// are passed over.
    pub(crate) fn row(&mut self) -> Row<'_> {
        if !self.has_room {
            self.make_room();
        }
        Row::new(self)
    }

    fn make_room(&mut self) {
        let rows = self.expected_rows;
        for at in 0..self.cells.len() {
            if !self.cells[at].is_each() {
                self.cells[at] = if self.columns[at].nullable {
                    Cell::Nulls(0)
                } else {
                    self.builder(at)
                };
            }
        }
        self.absent.reserve(rows);
        self.has_room = true;
    }

    /// A builder for a column, with room for the rows that are expected.
    fn builder(&self, at: usize) -> Cell {
        let (kind, width) = (self.columns[at].kind, self.text_widths[at]);
        Cell::new(kind, self.timestamps, self.expected_rows, width)
    }

    /// The cell of a column that gets a value.
    fn cell_with_builder(&mut self, at: usize) -> &mut Cell {
        if let Cell::Nulls(rows) = self.cells[at] {
            self.cells[at] = self.builder(at);
            // A builder keeps no bits until there is a row without a value.
            if rows > 0 {
                self.cells[at].append_nulls(rows);
            }
        }
        &mut self.cells[at]
    }

    /// Reads a property that holds a date-time.
    pub(crate) fn moment<'a>(
        &self,
        row_id: &str,
        property: &'static str,
        field: &'a Field<Text<'_>>,
    ) -> Result<Field<Moment<'a>>, FlattenError> {
        match field {
            Field::Absent => Ok(Field::Absent),
            Field::Null => Ok(Field::Null),
            Field::Value(text) => match parse_micros(text) {
                Ok(micros) => Ok(Field::Value(Moment { text, micros })),
                Err(_) => Err(FlattenError::date_time(
                    self.table.name(),
                    row_id,
                    property,
                    text,
                )),
            },
        }
    }

    /// Hands the rows out and starts over; the next batch makes room for as many.
    pub(crate) fn finish(&mut self) -> Rows {
        let rows = self.len();
        if rows > 0 {
            self.reserve(rows);
            for (cell, width) in self.cells.iter().zip(&mut self.text_widths) {
                *width = cell.text_bytes().div_ceil(rows).max(*width);
            }
        }
        let cells = self.cells.iter_mut().zip(self.schema.fields());
        let arrays: Vec<ArrayRef> = cells
            .map(|(cell, field)| cell.finish(rows, field.data_type()))
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .expect("every row gives every column a value of its type");
        let absent = std::mem::take(&mut self.absent);
        let absent = absent.iter().any(|bits| *bits != 0).then_some(absent);
        self.has_room = false;
        Rows {
            batch,
            absent,
            drift: std::mem::take(&mut self.drift),
        }
    }

    /// Room in the builders, to show that rows do not make them grow.
    #[cfg(test)]
    fn capacities(&self) -> Vec<usize> {
        self.cells
            .iter()
            .map(Cell::capacity)
            .chain([self.absent.capacity()])
            .collect()
    }
}

#[cfg(test)]
mod tests;
