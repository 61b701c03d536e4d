//! The hot path with nothing but the hot path: a page's text into columns, and columns into a Parquet file.
//!
//! It takes for granted what an export may not: that every answer is whole and as documented. A row has the
//! thirteen columns that come from the service, and the file is written with the settings of the dataset's.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use serde::Deserialize;

const ROW_GROUP_ROWS: usize = 131_072;

#[derive(Deserialize)]
pub(crate) struct Page<'a> {
    #[serde(borrow)]
    pub(crate) value: Vec<Row<'a>>,
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row<'a> {
    id: &'a str,
    processing_status: &'a str,
    workflow_execution_type: &'a str,
    workflow_version: i32,
    scheduled_date_time: &'a str,
    started_date_time: Option<&'a str>,
    completed_date_time: Option<&'a str>,
    total_tasks_count: i32,
    failed_tasks_count: i32,
    total_unprocessed_tasks_count: i32,
    #[serde(borrow)]
    subject: Subject<'a>,
}

#[derive(Deserialize)]
struct Subject<'a> {
    id: &'a str,
}

/// Checks the encoding once, so that no string is checked again.
pub(crate) fn parse(body: &[u8]) -> Page<'_> {
    serde_json::from_str(std::str::from_utf8(body).unwrap()).unwrap()
}

/// The rows of one run.
pub(crate) struct Columns {
    schema: SchemaRef,
    text: [StringBuilder; 6],
    times: [TimestampMicrosecondBuilder; 3],
    counts: [Int32Builder; 4],
}

const TEXT: [&str; 6] = [
    "workflow_id",
    "run_id",
    "id",
    "subject_id",
    "processing_status",
    "workflow_execution_type",
];
const TIMES: [&str; 3] = [
    "scheduled_date_time",
    "started_date_time",
    "completed_date_time",
];
const COUNTS: [&str; 4] = [
    "workflow_version",
    "total_tasks_count",
    "failed_tasks_count",
    "total_unprocessed_tasks_count",
];

/// Of every file.
pub(crate) fn schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let text = TEXT.map(|name| Field::new(name, DataType::Utf8, false));
    let times = TIMES.map(|name| Field::new(name, instant.clone(), true));
    let counts = COUNTS.map(|name| Field::new(name, DataType::Int32, false));
    let fields: Vec<Field> = text.into_iter().chain(times).chain(counts).collect();
    Arc::new(Schema::new(fields))
}

impl Columns {
    pub(crate) fn new(schema: &SchemaRef) -> Self {
        Self {
            schema: Arc::clone(schema),
            text: std::array::from_fn(|_| StringBuilder::new()),
            times: std::array::from_fn(|_| TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            counts: std::array::from_fn(|_| Int32Builder::new()),
        }
    }

    pub(crate) fn append(&mut self, workflow: &str, run: &str, row: &Row<'_>) {
        let text = [
            workflow,
            run,
            row.id,
            row.subject.id,
            row.processing_status,
            row.workflow_execution_type,
        ];
        for (column, value) in self.text.iter_mut().zip(text) {
            column.append_value(value);
        }
        let times = [
            Some(row.scheduled_date_time),
            row.started_date_time,
            row.completed_date_time,
        ];
        for (column, value) in self.times.iter_mut().zip(times) {
            column.append_option(value.map(micros));
        }
        let counts = [
            row.workflow_version,
            row.total_tasks_count,
            row.failed_tasks_count,
            row.total_unprocessed_tasks_count,
        ];
        for (column, value) in self.counts.iter_mut().zip(counts) {
            column.append_value(value);
        }
    }

    pub(crate) fn finish(mut self) -> RecordBatch {
        let text = self
            .text
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        let times = self
            .times
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        let counts = self
            .counts
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        RecordBatch::try_new(self.schema, text.chain(times).chain(counts).collect()).unwrap()
    }
}

/// Reads `2026-11-22T23:28:11.1234567Z`, with as many digits of the fraction as there are.
fn micros(text: &str) -> i64 {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    // The year begins in March, so that the day that is there every four years is its last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
    let digits = text.len().saturating_sub(21).min(6);
    let missing = u32::try_from(6 - digits).unwrap();
    seconds * 1_000_000 + number(20, 20 + digits) * 10_i64.pow(missing)
}

/// With the dataset's settings.
pub(crate) fn writer(file: File) -> ArrowWriter<File> {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_column_dictionary_enabled(ColumnPath::from("id"), false)
        .set_column_encoding(ColumnPath::from("id"), Encoding::DELTA_BYTE_ARRAY)
        .set_column_compression(
            ColumnPath::from("id"),
            Compression::ZSTD(ZstdLevel::try_new(3).unwrap()),
        )
        .set_column_data_page_row_count_limit(ColumnPath::from("id"), 65_536)
        .set_column_data_page_size_limit(ColumnPath::from("id"), 8 << 20)
        .set_column_statistics_enabled(ColumnPath::from("id"), EnabledStatistics::None)
        .set_column_bloom_filter_fpp(ColumnPath::from("subject_id"), 0.01)
        .set_column_bloom_filter_max_ndv(ColumnPath::from("subject_id"), ROW_GROUP_ROWS as u64);
    for name in TIMES {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    let options = ArrowWriterOptions::new()
        .with_skip_arrow_metadata(true)
        .with_properties(properties.build());
    ArrowWriter::try_new_with_options(file, schema(), options).unwrap()
}

/// What of the hot path can be wrong and still fast: looked at once, before anything is measured.
pub(crate) fn check() {
    let known = [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T23:59:59.5Z", 951_868_799_500_000),
        ("2026-11-22T23:28:11.1234567Z", 1_795_390_091_123_456),
    ];
    for (text, expected) in known {
        assert_eq!(micros(text), expected, "{text}");
    }
}
