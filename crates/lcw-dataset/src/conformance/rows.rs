//! Rows with every kind of value.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::table::{ColumnSpec, Role, TableSpec, Timestamps, json};

/// Texts that a format could get wrong.
const TEXTS: [&str; 8] = [
    "",
    "plain",
    "Zoë Ångström, 部門 🚀",
    "two\nlines\r\nand a tab\t",
    "\"quoted\" and \\ and /",
    "\u{0}\u{1}\u{1f}\u{7f}\u{2028}\u{feff}",
    "null",
    "{\"not\":[\"an object\"]}",
];

/// Timestamps in microseconds and as text: the ends of the calendar, before 1970, a fraction.
const TIMES: [(i64, &str); 5] = [
    (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
    (253_402_300_799_999_999, "9999-12-31T23:59:59.9999999Z"),
    (-1, "1969-12-31T23:59:59.999999Z"),
    (0, "1970-01-01T00:00:00Z"),
    (1_795_342_200_500_000, "2026-11-22T10:10:00.5000000Z"),
];

/// A table with a column of every kind.
///
/// # Panics
/// Never: the declaration is sound.
pub fn sample_table(timestamps: Timestamps, schema_version: u32) -> TableSpec {
    let time = match timestamps {
        Timestamps::Micros => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Timestamps::AsSent => DataType::Utf8,
    };
    let key = |name: &str| ColumnSpec::new(Field::new(name, DataType::Utf8, false), Role::Key);
    let fact = |name: &str, data_type: DataType| {
        ColumnSpec::new(Field::new(name, data_type, true), Role::Fact)
    };
    let columns = vec![
        key("workflow_id"),
        key("id"),
        fact("subject_id", DataType::Utf8),
        fact("count", DataType::Int32),
        fact("span_ms", DataType::Int64),
        fact("is_final", DataType::Boolean),
        fact("at", time),
        fact("note", DataType::Utf8),
        ColumnSpec::new(
            json(Field::new("_lcw_extra", DataType::Utf8, true)),
            Role::Extra,
        ),
    ];
    TableSpec::new("samples", schema_version, true, columns).expect("a sound declaration")
}

/// A table whose key ends with a number.
pub(super) fn numbered_table() -> TableSpec {
    let key =
        |name: &str, data_type| ColumnSpec::new(Field::new(name, data_type, false), Role::Key);
    let columns = vec![
        key("workflow_id", DataType::Utf8),
        key("version_number", DataType::Int32),
        ColumnSpec::new(Field::new("note", DataType::Utf8, true), Role::Fact),
    ];
    TableSpec::new("numbered", 1, false, columns).expect("a sound declaration")
}

/// Rows of [`numbered_table`] in the order of their keys.
pub(super) fn numbered_rows(table: &TableSpec) -> RecordBatch {
    let numbers = [i32::MIN, -10, -2, 0, 2, 10, i32::MAX];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(numbers.iter().map(|_| "w"))),
        Arc::new(Int32Array::from_iter_values(numbers)),
        Arc::new(StringArray::from_iter_values(TEXTS.iter().take(7))),
    ];
    RecordBatch::try_new(Arc::clone(table.schema()), columns).expect("rows of the table")
}

/// A few rows of a table like [`sample_table`], with the odd values: every third one NULL.
///
/// # Panics
/// Never: the rows fit the table.
pub fn sample_rows(table: &TableSpec) -> RecordBatch {
    rows(table, 17, |row| TEXTS[row % TEXTS.len()].to_owned())
}

/// Many rows of a table like [`sample_table`].
///
/// # Panics
/// Never: the rows fit the table.
pub fn many_rows(table: &TableSpec, count: usize) -> RecordBatch {
    rows(table, count, |row| format!("text {}", row * 7919 % 1009))
}

/// Rows of a table like [`sample_table`] with texts of 20 kB, of which there are three.
pub(super) fn wide_rows(table: &TableSpec, count: usize) -> RecordBatch {
    rows(table, count, |row| ["a", "b", "c"][row % 3].repeat(20_000))
}

fn rows(table: &TableSpec, count: usize, text: impl Fn(usize) -> String) -> RecordBatch {
    let column = |spec: &ColumnSpec| column(spec, count, &text);
    let columns = table.columns().iter().map(column).collect();
    RecordBatch::try_new(Arc::clone(table.schema()), columns).expect("rows of the table")
}

fn column(spec: &ColumnSpec, count: usize, text: &impl Fn(usize) -> String) -> ArrayRef {
    let name = spec.field.name().as_str();
    let is_null = |row: usize| (row + name.len()).is_multiple_of(3);
    let some = |row: usize| (!is_null(row)).then_some(row);
    let every = || (0..count).map(some);
    match (name, spec.field.data_type()) {
        ("workflow_id", _) => Arc::new(StringArray::from_iter_values(
            (0..count).map(|row| format!("{:04}", row / 5)),
        )),
        ("id", _) => {
            Arc::new(StringArray::from_iter_values((0..count).map(|row| {
                format!("{row:08}_{}", (row as u64).wrapping_mul(0x9e37_79b9))
            })))
        }
        ("at", DataType::Utf8) => {
            let value = |row: usize| TIMES[row % TIMES.len()].1;
            Arc::new(every().map(|row| row.map(value)).collect::<StringArray>())
        }
        (_, DataType::Int32) => {
            let value = |row: usize| [0, i32::MIN, i32::MAX, -1, 7][row % 5];
            Arc::new(every().map(|row| row.map(value)).collect::<Int32Array>())
        }
        (_, DataType::Int64) => {
            let value = |row: usize| [0, i64::MIN, i64::MAX, -1, 86_400_000][row % 5];
            Arc::new(every().map(|row| row.map(value)).collect::<Int64Array>())
        }
        (_, DataType::Boolean) => {
            let value = |row: usize| row.is_multiple_of(2);
            Arc::new(every().map(|row| row.map(value)).collect::<BooleanArray>())
        }
        (_, DataType::Timestamp(..)) => {
            let value = |row: usize| TIMES[row % TIMES.len()].0;
            let times = every()
                .map(|row| row.map(value))
                .collect::<TimestampMicrosecondArray>();
            Arc::new(times.with_timezone("UTC"))
        }
        ("_lcw_extra", _) => {
            let value = |row: usize| format!("{{\"a\":[{row},\"\\u00e9\\n\"]}}");
            Arc::new(every().map(|row| row.map(value)).collect::<StringArray>())
        }
        _ => Arc::new(every().map(|row| row.map(text)).collect::<StringArray>()),
    }
}
