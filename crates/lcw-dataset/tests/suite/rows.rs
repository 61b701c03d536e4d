//! Rows of the tests' tables, to and from batches.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimeUnit};
use lcw_dataset::{ColumnSpec, Incoming, Role, TableSpec, Timestamps, Values};
use lcw_model::time::{format_micros, parse_micros};

/// A row with a column of every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: (String, String),
    pub(crate) status: Option<String>,
    pub(crate) count: Option<i32>,
    pub(crate) is_final: Option<bool>,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) span_ms: Option<i64>,
    pub(crate) mail: Option<String>,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
    pub(crate) export: String,
    pub(crate) extracted: i64,
    pub(crate) first_extracted: i64,
    pub(crate) extra: Option<String>,
    pub(crate) raw: Option<String>,
}

/// Bits of the columns that may be absent, by position in [`table`].
pub(crate) mod bits {
    pub(crate) const STATUS: u64 = 1 << 2;
    pub(crate) const COUNT: u64 = 1 << 3;
    pub(crate) const IS_FINAL: u64 = 1 << 4;
    pub(crate) const STARTED: u64 = 1 << 5;
    pub(crate) const ENDED: u64 = 1 << 6;
    pub(crate) const SPAN: u64 = 1 << 7;
    pub(crate) const MAIL: u64 = 1 << 8;
    pub(crate) const EXTRA: u64 = 1 << 14;
    pub(crate) const RAW: u64 = 1 << 15;
}

/// A table for [`Row`]s.
pub(crate) fn table(name: &str, by_day: bool, timestamps: Timestamps, keep_raw: bool) -> TableSpec {
    TableSpec::new(name, 1, by_day, columns(timestamps, keep_raw)).unwrap()
}

/// A table for [`Row`]s whose ids are numbers.
pub(crate) fn numbered_table(name: &str, timestamps: Timestamps, keep_raw: bool) -> TableSpec {
    let mut columns = columns(timestamps, keep_raw);
    columns[1].field.set_data_type(DataType::Int32);
    TableSpec::new(name, 1, true, columns).unwrap()
}

fn columns(timestamps: Timestamps, keep_raw: bool) -> Vec<ColumnSpec> {
    let time = match timestamps {
        Timestamps::Micros => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Timestamps::AsSent => DataType::Utf8,
    };
    let column = |name: &str, data_type: &DataType, nullable, role| {
        ColumnSpec::new(Field::new(name, data_type.clone(), nullable), role)
    };
    let duration = Role::Duration {
        from: "started_date_time",
        to: "completed_date_time",
    };
    let text = &DataType::Utf8;
    let mut columns = vec![
        column("workflow_id", text, false, Role::Key),
        column("id", text, false, Role::Key),
        column("processing_status", text, true, Role::Fact),
        column("total_users_count", &DataType::Int32, true, Role::Fact),
        column("_lcw_settled", &DataType::Boolean, true, Role::Fact),
        column("started_date_time", &time, true, Role::Fact),
        column("completed_date_time", &time, true, Role::Fact),
        column("processing_ms", &DataType::Int64, true, duration),
        column("subject_mail", text, true, Role::Sticky),
        column("_lcw_first_seen", &time, false, Role::FirstSeen),
        column("_lcw_last_seen", &time, false, Role::LastSeen),
        column("_lcw_export_id", text, false, Role::ExportId),
        column("_lcw_extracted_at", &time, false, Role::ExtractedAt),
        column(
            "_lcw_first_extracted_at",
            &time,
            false,
            Role::FirstExtractedAt,
        ),
        column("_lcw_extra", text, true, Role::Extra),
    ];
    if keep_raw {
        columns.push(column("_lcw_raw", text, true, Role::Raw));
    }
    columns
}

impl Row {
    /// A row of an export at a time, finished after a second.
    pub(crate) fn new(workflow: &str, id: &str, status: &str, export: &str, at: i64) -> Self {
        Self {
            key: (workflow.into(), id.into()),
            status: Some(status.into()),
            count: Some(1),
            is_final: None,
            started: Some(1_000_000),
            ended: Some(2_000_000),
            span_ms: Some(1_000),
            mail: None,
            first_seen: at,
            last_seen: at,
            export: export.into(),
            extracted: at,
            first_extracted: at,
            extra: None,
            raw: None,
        }
    }
}

/// A batch of rows in the schema of a table.
pub(crate) fn batch(table: &TableSpec, rows: &[Row]) -> RecordBatch {
    let text = |value: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let columns = table.columns().iter().map(|column| -> ArrayRef {
        match column.field.name().as_str() {
            "workflow_id" => text(|row| Some(&row.key.0)),
            "id" if column.field.data_type() == &DataType::Int32 => {
                let id = |row: &Row| row.key.1.parse::<i32>().unwrap();
                Arc::new(rows.iter().map(id).collect::<Int32Array>())
            }
            "id" => text(|row| Some(&row.key.1)),
            "processing_status" => text(|row| row.status.as_deref()),
            "total_users_count" => {
                Arc::new(rows.iter().map(|row| row.count).collect::<Int32Array>())
            }
            "_lcw_settled" => Arc::new(
                rows.iter()
                    .map(|row| row.is_final)
                    .collect::<BooleanArray>(),
            ),
            "processing_ms" => Arc::new(rows.iter().map(|row| row.span_ms).collect::<Int64Array>()),
            "subject_mail" => text(|row| row.mail.as_deref()),
            "_lcw_export_id" => text(|row| Some(&row.export)),
            "_lcw_extra" => text(|row| row.extra.as_deref()),
            "_lcw_raw" => text(|row| row.raw.as_deref()),
            name => {
                let times = rows.iter().map(|row| time(row, name));
                if column.field.data_type() == &DataType::Utf8 {
                    Arc::new(
                        times
                            .map(|at| at.map(format_micros))
                            .collect::<StringArray>(),
                    )
                } else {
                    let array = times.collect::<TimestampMicrosecondArray>();
                    Arc::new(array.with_timezone("UTC"))
                }
            }
        }
    });
    let columns = columns.collect();
    RecordBatch::try_new(Arc::clone(table.schema()), columns).unwrap()
}

fn time(row: &Row, column: &str) -> Option<i64> {
    match column {
        "started_date_time" => row.started,
        "completed_date_time" => row.ended,
        "_lcw_first_seen" => Some(row.first_seen),
        "_lcw_last_seen" => Some(row.last_seen),
        "_lcw_extracted_at" => Some(row.extracted),
        "_lcw_first_extracted_at" => Some(row.first_extracted),
        other => panic!("{other}"),
    }
}

/// New rows without anything absent, in one batch.
pub(crate) fn incoming(table: &TableSpec, rows: &[Row]) -> Incoming {
    Incoming {
        batch: batch(table, rows),
        absent: None,
    }
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Row> {
    (0..batch.num_rows())
        .map(|row| Cells { batch, row }.row())
        .collect()
}

/// One row of a batch.
struct Cells<'b> {
    batch: &'b RecordBatch,
    row: usize,
}

impl Cells<'_> {
    fn row(&self) -> Row {
        Row {
            key: (self.text("workflow_id").unwrap(), self.id()),
            status: self.text("processing_status"),
            count: self
                .integer("total_users_count")
                .map(|count| count.try_into().unwrap()),
            is_final: self.boolean("_lcw_settled"),
            started: self.time("started_date_time"),
            ended: self.time("completed_date_time"),
            span_ms: self.integer("processing_ms"),
            mail: self.text("subject_mail"),
            first_seen: self.time("_lcw_first_seen").unwrap(),
            last_seen: self.time("_lcw_last_seen").unwrap(),
            export: self.text("_lcw_export_id").unwrap(),
            extracted: self.time("_lcw_extracted_at").unwrap(),
            first_extracted: self.time("_lcw_first_extracted_at").unwrap(),
            extra: self.text("_lcw_extra"),
            raw: self.text("_lcw_raw"),
        }
    }

    fn value(&self, name: &str) -> Option<Values> {
        let column = self.batch.column_by_name(name)?;
        column
            .is_valid(self.row)
            .then(|| Values::of(column).unwrap())
    }

    fn id(&self) -> String {
        match self.value("id").unwrap() {
            Values::Int32(array) => array.value(self.row).to_string(),
            _ => self.text("id").unwrap(),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Values::Text(array) => Some(array.value(self.row).to_owned()),
            other => panic!("{other:?}"),
        }
    }

    fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Values::Int32(array) => Some(array.value(self.row).into()),
            Values::Int64(array) => Some(array.value(self.row)),
            other => panic!("{other:?}"),
        }
    }

    fn boolean(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Values::Boolean(array) => Some(array.value(self.row)),
            other => panic!("{other:?}"),
        }
    }

    fn time(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Values::Micros(array) => Some(array.value(self.row)),
            Values::Text(array) => Some(parse_micros(array.value(self.row)).unwrap()),
            other => panic!("{other:?}"),
        }
    }
}
