//! A column's values, with the type decided once per column.

use std::cmp::Ordering;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};

/// The values of a column of one of the types that a table may have.
#[derive(Debug, Clone)]
pub enum Values {
    /// Text.
    Text(StringArray),
    /// 32-bit integers.
    Int32(Int32Array),
    /// 64-bit integers.
    Int64(Int64Array),
    /// Microseconds since 1970 in UTC.
    Micros(TimestampMicrosecondArray),
    /// Truth values.
    Boolean(BooleanArray),
}

impl Values {
    /// The values of an array (shared, not copied); `None` for other types.
    pub fn of(array: &ArrayRef) -> Option<Self> {
        if let Some(array) = array.as_string_opt::<i32>() {
            return Some(Self::Text(array.clone()));
        }
        if let Some(array) = array.as_primitive_opt::<Int32Type>() {
            return Some(Self::Int32(array.clone()));
        }
        if let Some(array) = array.as_primitive_opt::<Int64Type>() {
            return Some(Self::Int64(array.clone()));
        }
        if let Some(array) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            return Some(Self::Micros(array.clone()));
        }
        array
            .as_boolean_opt()
            .map(|array| Self::Boolean(array.clone()))
    }

    /// Whether a row's value is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Micros(array) => array.is_null(row),
            Self::Boolean(array) => array.is_null(row),
        }
    }

    /// Whether two columns of the same type hold the same value, or both NULL.
    pub(crate) fn is_same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let null = self.is_null(row);
        if null || other.is_null(other_row) {
            return null && other.is_null(other_row);
        }
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.value(row) == b.value(other_row),
            (Self::Int32(a), Self::Int32(b)) => a.value(row) == b.value(other_row),
            (Self::Int64(a), Self::Int64(b)) => a.value(row) == b.value(other_row),
            (Self::Micros(a), Self::Micros(b)) => a.value(row) == b.value(other_row),
            (Self::Boolean(a), Self::Boolean(b)) => a.value(row) == b.value(other_row),
            _ => false,
        }
    }

    /// Order of two values of a key column: bytes of texts, or numbers. Neither is NULL.
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.value(row).cmp(b.value(other_row)),
            (Self::Int32(a), Self::Int32(b)) => a.value(row).cmp(&b.value(other_row)),
            // No keys: rows that are all the same are refused as not unique.
            _ => Ordering::Equal,
        }
    }

    /// A timestamp in microseconds, from either way of holding it; `Ok(None)` for NULL.
    ///
    /// # Errors
    /// A text that is no date-time.
    pub(crate) fn micros(&self, row: usize) -> Result<Option<i64>, NotATimestamp> {
        if self.is_null(row) {
            return Ok(None);
        }
        match self {
            Self::Micros(array) => Ok(Some(array.value(row))),
            Self::Text(array) => lcw_model::time::parse_micros(array.value(row))
                .map(Some)
                .map_err(|_| NotATimestamp),
            _ => Err(NotATimestamp),
        }
    }
}

/// A stored timestamp that is none.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a stored timestamp is not a date-time")]
pub(crate) struct NotATimestamp;

/// Order of two rows by their key columns, the most significant first.
pub(crate) fn compare_keys<'v>(
    keys: impl IntoIterator<Item = (&'v Values, &'v Values)>,
    row: usize,
    other_row: usize,
) -> Ordering {
    keys.into_iter()
        .map(|(key, other)| key.compare(row, other, other_row))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
