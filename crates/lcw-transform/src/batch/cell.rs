//! The builder of one column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::DataType;

use crate::{Kind, Timestamps};

/// The builder of one column, its type decided once.
#[derive(Debug)]
pub(super) enum Cell {
    Text(StringBuilder),
    Micros(TimestampMicrosecondBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Boolean(BooleanBuilder),
    /// So many rows without a value: what nobody asked for takes no builder.
    Nulls(usize),
    /// The same text in every row.
    EachText(Box<str>),
    /// The same instant in every row.
    EachMicros(i64),
}

impl Cell {
    /// A builder with room for so many rows, each with so many bytes of text.
    pub(super) fn new(kind: Kind, timestamps: Timestamps, rows: usize, text_width: usize) -> Self {
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

    /// Whether every row has the same value.
    pub(super) fn is_each(&self) -> bool {
        matches!(self, Self::EachText(_) | Self::EachMicros(_))
    }

    /// Appends so many rows without a value.
    pub(super) fn append_nulls(&mut self, rows: usize) {
        match self {
            Self::Nulls(before) => *before += rows,
            Self::Text(builder) => builder.append_nulls(rows),
            Self::Micros(builder) => builder.append_nulls(rows),
            Self::Int32(builder) => builder.append_nulls(rows),
            Self::Int64(builder) => builder.append_nulls(rows),
            Self::Boolean(builder) => builder.append_nulls(rows),
            Self::EachText(_) | Self::EachMicros(_) => {}
        }
    }

    /// Bytes of text appended so far.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(builder) => builder.values_slice().len(),
            _ => 0,
        }
    }

    /// The column's array; the builder's room goes with it.
    pub(super) fn finish(&mut self, rows: usize, data_type: &DataType) -> ArrayRef {
        match self {
            Self::Nulls(rows) => new_null_array(data_type, std::mem::take(rows)),
            Self::EachText(text) => {
                let mut builder = StringBuilder::with_capacity(rows, rows * text.len());
                builder.append_value_n(text, rows);
                Arc::new(builder.finish())
            }
            Self::EachMicros(micros) => {
                let values = std::iter::repeat_n(*micros, rows);
                let array = TimestampMicrosecondArray::from_iter_values(values);
                Arc::new(array.with_timezone("UTC"))
            }
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Micros(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
        }
    }

    /// Room in the builder, to show that rows do not make it grow.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Text(builder) => builder.values_capacity() + builder.offsets_capacity(),
            Self::Micros(builder) => builder.capacity(),
            Self::Int32(builder) => builder.capacity(),
            Self::Int64(builder) => builder.capacity(),
            Self::Boolean(builder) => builder.capacity(),
            Self::Nulls(_) | Self::EachText(_) | Self::EachMicros(_) => 0,
        }
    }
}
