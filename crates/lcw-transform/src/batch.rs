//! The builders of one batch, filled row by row in the order of the columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use lcw_model::time::{format_micros, parse_micros};
use lcw_model::{Extra, Field, Text};
use serde_json::value::RawValue;

use crate::json::{write_compact, write_extra};
use crate::{Column, FlattenError, Kind, Layout, Lineage, Role, Rows, Table, Timestamps};

/// Rows for which builders reserve when the caller does not say.
const DEFAULT_CAPACITY: usize = 128;

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
}

/// The builder of one column, its type decided once.
#[derive(Debug)]
enum Cell {
    Text(StringBuilder),
    Micros(TimestampMicrosecondBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Boolean(BooleanBuilder),
    /// The same text in every row.
    EachText(Box<str>),
    /// The same instant in every row.
    EachMicros(i64),
}

impl Batch {
    /// Builders for about `capacity` rows. `each` are the values of the columns, by name, that are
    /// the same in every row beside the lineage.
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
                None => Cell::new(
                    column.kind,
                    timestamps,
                    DEFAULT_CAPACITY,
                    column.kind.text_width(),
                ),
            },
        };
        Self {
            table,
            columns,
            schema: table.schema(&layout),
            timestamps,
            cells: columns.iter().map(cell).collect(),
            absent: Vec::with_capacity(DEFAULT_CAPACITY),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.absent.len()
    }

    /// Makes room for `rows` rows in all. Rows that are there already stay where they are, so it
    /// only acts while there are none.
    pub(crate) fn reserve(&mut self, rows: usize) {
        if self.absent.is_empty() && rows > self.absent.capacity() {
            self.absent = Vec::with_capacity(rows);
            for (cell, column) in self.cells.iter_mut().zip(self.columns) {
                if !cell.is_each() {
                    *cell = Cell::new(column.kind, self.timestamps, rows, column.kind.text_width());
                }
            }
        }
    }

    /// Starts a row. Its columns are given in their order; those that are the same in every row
    /// are passed over.
    pub(crate) fn row(&mut self) -> Row<'_> {
        Row {
            batch: self,
            at: 0,
            absent: 0,
        }
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

    /// Hands the rows out and starts over with room for as many.
    pub(crate) fn finish(&mut self) -> Rows {
        let rows = self.len();
        let timestamps = self.timestamps;
        let arrays = self
            .cells
            .iter_mut()
            .zip(self.columns)
            .map(|(cell, column)| cell.finish(rows, column.kind, timestamps));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect())
            .expect("every row gives every column a value of its type");
        let fresh = Vec::with_capacity(rows.max(DEFAULT_CAPACITY));
        let absent = std::mem::replace(&mut self.absent, fresh);
        let absent = absent.iter().any(|bits| *bits != 0).then_some(absent);
        Rows { batch, absent }
    }

    /// Capacities of the builders, to show that rows did not make them grow.
    #[cfg(test)]
    pub(crate) fn capacities(&self) -> Vec<usize> {
        let cell = |cell: &Cell| match cell {
            Cell::Text(builder) => builder.values_capacity() + builder.offsets_capacity(),
            Cell::Micros(builder) => builder.capacity(),
            Cell::Int32(builder) => builder.capacity(),
            Cell::Int64(builder) => builder.capacity(),
            Cell::Boolean(builder) => builder.capacity(),
            Cell::EachText(_) | Cell::EachMicros(_) => 0,
        };
        self.cells
            .iter()
            .map(cell)
            .chain([self.absent.capacity()])
            .collect()
    }
}

impl Cell {
    fn new(kind: Kind, timestamps: Timestamps, rows: usize, text_width: usize) -> Self {
        match (kind, timestamps) {
            (Kind::Timestamp, Timestamps::Micros) => {
                Self::Micros(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC"))
            }
            (Kind::Int32, _) => Self::Int32(Int32Builder::with_capacity(rows)),
            (Kind::Milliseconds, _) => Self::Int64(Int64Builder::with_capacity(rows)),
            (Kind::Boolean, _) => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            (Kind::Id | Kind::Enum | Kind::Text | Kind::Json | Kind::Timestamp, _) => {
                Self::Text(StringBuilder::with_capacity(rows, rows * text_width))
            }
        }
    }

    fn is_each(&self) -> bool {
        matches!(self, Self::EachText(_) | Self::EachMicros(_))
    }

    /// The column's array. The builder starts over with room for as many rows of as much text.
    fn finish(&mut self, rows: usize, kind: Kind, timestamps: Timestamps) -> ArrayRef {
        let room = rows.max(DEFAULT_CAPACITY);
        let fresh = |text_bytes: usize| {
            let width = (text_bytes.div_ceil(room)).max(kind.text_width());
            Self::new(kind, timestamps, room, width)
        };
        let (array, next): (ArrayRef, Self) = match self {
            Self::EachText(text) => {
                let mut builder = StringBuilder::with_capacity(rows, rows * text.len());
                builder.append_value_n(text, rows);
                return Arc::new(builder.finish());
            }
            Self::EachMicros(micros) => {
                let values = std::iter::repeat_n(*micros, rows);
                let array = TimestampMicrosecondArray::from_iter_values(values);
                return Arc::new(array.with_timezone("UTC"));
            }
            Self::Text(builder) => {
                let array: StringArray = builder.finish();
                let next = fresh(array.value_data().len());
                (Arc::new(array), next)
            }
            Self::Micros(builder) => (Arc::new(builder.finish()), fresh(0)),
            Self::Int32(builder) => (Arc::new(builder.finish()), fresh(0)),
            Self::Int64(builder) => (Arc::new(builder.finish()), fresh(0)),
            Self::Boolean(builder) => (Arc::new(builder.finish()), fresh(0)),
        };
        *self = next;
        array
    }
}

/// One row being written.
pub(crate) struct Row<'b> {
    batch: &'b mut Batch,
    at: usize,
    absent: u64,
}

/// Appends a field to a builder and marks the column when the answer did not contain it.
macro_rules! append {
    ($row:ident, $name:ident, $Cell:ident, $field:expr, $value:expr) => {{
        let (cell, bit) = $row.next($name);
        let Cell::$Cell(builder) = cell else {
            mismatch($name)
        };
        match $field {
            Field::Value(value) => builder.append_value($value(value)),
            Field::Null => builder.append_null(),
            Field::Absent => {
                builder.append_null();
                $row.absent |= bit;
            }
        }
        $row
    }};
}

impl Row<'_> {
    /// The next column's builder and its bit. The name is the declared one: the order of the calls
    /// is the order of the declaration.
    fn next(&mut self, name: &str) -> (&mut Cell, u64) {
        while self.batch.cells[self.at].is_each() {
            self.at += 1;
        }
        let at = self.at;
        self.at += 1;
        debug_assert_eq!(
            self.batch.columns[at].name, name,
            "columns are given in their order"
        );
        (&mut self.batch.cells[at], 1 << at)
    }

    /// Text that is always there.
    pub(crate) fn key(&mut self, name: &str, value: &str) -> &mut Self {
        append!(self, name, Text, Field::Value(value), |value| value)
    }

    /// An id, a member of an enumeration, or text.
    pub(crate) fn text(&mut self, name: &str, field: Field<&str>) -> &mut Self {
        append!(self, name, Text, field, |value| value)
    }

    /// A count or number.
    pub(crate) fn int(&mut self, name: &str, field: Field<i32>) -> &mut Self {
        append!(self, name, Int32, field, |value| value)
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &str, field: Field<bool>) -> &mut Self {
        append!(self, name, Boolean, field, |value| value)
    }

    /// An instant, in the layout's way.
    pub(crate) fn moment(&mut self, name: &str, field: Field<Moment<'_>>) -> &mut Self {
        match self.batch.timestamps {
            Timestamps::Micros => append!(self, name, Micros, field, |it: Moment<'_>| it.micros),
            Timestamps::AsSent => self.text(name, field.map(|it| it.text)),
        }
    }

    /// Whole milliseconds between two instants, truncated towards zero; NULL unless both are there,
    /// absent when either is absent.
    pub(crate) fn duration(
        &mut self,
        name: &str,
        from: Field<Moment<'_>>,
        to: Field<Moment<'_>>,
    ) -> &mut Self {
        let span = match (from, to) {
            (Field::Value(from), Field::Value(to)) => {
                Field::Value((to.micros - from.micros) / 1000)
            }
            (Field::Absent, _) | (_, Field::Absent) => Field::Absent,
            _ => Field::Null,
        };
        append!(self, name, Int64, span, |value| value)
    }

    /// A JSON value.
    pub(crate) fn json(&mut self, name: &str, field: Field<&RawValue>) -> &mut Self {
        let compact = field
            .map(|json| Composed(|out: &mut StringBuilder| write_compact(out, json.get()).is_ok()));
        self.composed(name, compact)
    }

    /// The properties without a column. An answer without any says nothing about stored ones.
    pub(crate) fn extra(
        &mut self,
        name: &str,
        extra: &Extra<'_>,
        nested: &[(&str, Option<&Extra<'_>>)],
    ) -> &mut Self {
        let compose =
            Composed(|out: &mut StringBuilder| write_extra(out, extra, nested).unwrap_or_default());
        self.composed(name, Field::Value(compose))
    }

    /// Text that is put together in the builder itself; absent when nothing is written.
    fn composed<F: Fn(&mut StringBuilder) -> bool>(
        &mut self,
        name: &str,
        field: Field<Composed<F>>,
    ) -> &mut Self {
        let (cell, bit) = self.next(name);
        let Cell::Text(builder) = cell else {
            mismatch(name)
        };
        match field {
            Field::Value(Composed(write)) if write(builder) => builder.append_value(""),
            Field::Null => builder.append_null(),
            Field::Value(_) | Field::Absent => {
                builder.append_null();
                self.absent |= bit;
            }
        }
        self
    }

    /// The original object, where the layout keeps it.
    pub(crate) fn raw(&mut self, name: &str, raw: Option<&str>) -> &mut Self {
        let is_kept = self
            .batch
            .columns
            .last()
            .is_some_and(|column| column.role == Role::Raw);
        if is_kept {
            self.text(name, raw.map_or(Field::Absent, Field::Value))
        } else {
            self
        }
    }

    /// Completes the row.
    pub(crate) fn end(&mut self) {
        debug_assert_eq!(self.at, self.batch.cells.len(), "every column is given");
        self.batch.absent.push(self.absent);
    }
}

/// How a text is put together.
struct Composed<F>(F);

/// The declaration of a column and the code that fills it disagree: an error of this crate.
fn mismatch(column: &str) -> ! {
    unreachable!("column {column} is filled with values of another type than it declares")
}
