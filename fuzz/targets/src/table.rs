//! A table with a column of every type and role, and its rows as plain values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimeUnit};
use lcw_dataset::{ColumnSpec, Role, TableSpec, Timestamps, Values};
use lcw_model::time::format_micros;

/// A value of a column; instants are microseconds, or text where the table holds text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Text(String),
}

/// The values of a row, in the order of the columns.
pub(crate) type Row = Vec<Cell>;

const STARTED: &str = "started_date_time";
const COMPLETED: &str = "completed_date_time";

/// The table, with the text that was sent or with microseconds.
pub(crate) fn table(timestamps: Timestamps) -> TableSpec {
    let instant = match timestamps {
        Timestamps::Micros => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Timestamps::AsSent => DataType::Utf8,
    };
    let span = Role::Duration {
        from: STARTED,
        to: COMPLETED,
    };
    let columns = [
        ("workflow_id", DataType::Utf8, Role::Key),
        ("id", DataType::Int32, Role::Key),
        ("processing_status", DataType::Utf8, Role::Fact),
        ("total_users_count", DataType::Int32, Role::Fact),
        ("_lcw_settled", DataType::Boolean, Role::Fact),
        (STARTED, instant.clone(), Role::Fact),
        (COMPLETED, instant.clone(), Role::Fact),
        ("processing_ms", DataType::Int64, span),
        ("subject_mail", DataType::Utf8, Role::Sticky),
        ("_lcw_first_seen", instant.clone(), Role::FirstSeen),
        ("_lcw_last_seen", instant.clone(), Role::LastSeen),
        ("_lcw_export_id", DataType::Utf8, Role::ExportId),
        ("_lcw_extracted_at", instant.clone(), Role::ExtractedAt),
        ("_lcw_first_extracted_at", instant, Role::FirstExtractedAt),
        ("_lcw_extra", DataType::Utf8, Role::Extra),
        ("_lcw_raw", DataType::Utf8, Role::Raw),
    ];
    let columns = columns.map(|(name, data_type, role)| {
        let is_nullable = matches!(
            role,
            Role::Fact | Role::Duration { .. } | Role::Sticky | Role::Extra | Role::Raw
        );
        ColumnSpec::new(Field::new(name, data_type, is_nullable), role)
    });
    TableSpec::new("runs", 1, true, columns.into()).unwrap()
}

/// Rows as a batch of the table.
pub(crate) fn batch(table: &TableSpec, rows: &[Row]) -> RecordBatch {
    let column = |at: usize| array(table.columns()[at].field.data_type(), rows, at);
    let columns = (0..table.columns().len()).map(column).collect();
    RecordBatch::try_new(Arc::clone(table.schema()), columns).unwrap()
}

fn array(data_type: &DataType, rows: &[Row], at: usize) -> ArrayRef {
    let numbers = rows.iter().map(|row| match row[at] {
        Cell::Number(number) => Some(number),
        _ => None,
    });
    match data_type {
        DataType::Utf8 => Arc::new(
            rows.iter()
                .map(|row| text(&row[at]))
                .collect::<StringArray>(),
        ),
        DataType::Int32 => Arc::new(
            numbers
                .map(|number| number.map(|it| i32::try_from(it).unwrap()))
                .collect::<Int32Array>(),
        ),
        DataType::Int64 => Arc::new(numbers.collect::<Int64Array>()),
        DataType::Boolean => Arc::new(
            numbers
                .map(|number| number.map(|it| it != 0))
                .collect::<BooleanArray>(),
        ),
        _ => Arc::new(
            numbers
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
    }
}

/// A number in a column of text is an instant.
fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Number(micros) => Some(format_micros(*micros)),
        Cell::Text(text) => Some(text.clone()),
    }
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Row> {
    let columns: Vec<Values> = batch
        .columns()
        .iter()
        .map(|column| Values::of(column).unwrap())
        .collect();
    let row = |at| columns.iter().map(|column| cell(column, at)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn cell(column: &Values, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column {
        Values::Text(array) => Cell::Text(array.value(row).to_owned()),
        Values::Int32(array) => Cell::Number(array.value(row).into()),
        Values::Int64(array) => Cell::Number(array.value(row)),
        Values::Micros(array) => Cell::Number(array.value(row)),
        Values::Boolean(array) => Cell::Number(array.value(row).into()),
    }
}
