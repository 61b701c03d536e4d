//! Rows into a file.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use lcw_dataset::{ColumnSpec, FileMeta, FileSink, FormatError, Hint, Role, RowWriter, TableSpec};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use crate::{EXPORT_ID_KEY, ROW_GROUP_ROWS, SCHEMA_VERSION_KEY, failure};

/// Share of subjects that a filter wrongly says a row group may hold.
const FALSE_POSITIVES: f64 = 0.01;

/// Ids are compressed a page at a time, and a larger page has more of what they have in common: most
/// days are a page.
const ID_PAGE_ROWS: usize = 65_536;
const ID_PAGE_BYTES: usize = 8 << 20;

pub(crate) struct Writer {
    inner: ArrowWriter<Slot>,
    rows: u64,
}

impl Writer {
    pub(crate) fn new(
        sink: FileSink,
        table: &TableSpec,
        meta: &FileMeta,
    ) -> Result<Self, FormatError> {
        // Arrow's own copy of the schema would say nothing that the Parquet schema does not.
        let options = ArrowWriterOptions::new()
            .with_skip_arrow_metadata(true)
            .with_schema_root(table.name().to_owned())
            .with_properties(properties(table, meta)?);
        let schema = Arc::clone(table.schema());
        let inner = ArrowWriter::try_new_with_options(Slot(Some(sink)), schema, options)
            .map_err(failure)?;
        Ok(Self { inner, rows: 0 })
    }
}

impl RowWriter for Writer {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        self.inner.write(batch).map_err(failure)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(FileSink, u64), FormatError> {
        self.inner.finish().map_err(failure)?;
        // `into_inner` would turn a full disk into a text.
        self.inner
            .sync()
            .map_err(|error| FormatError::from_cause(Box::new(error)))?;
        let sink = self.inner.inner_mut().0.take();
        let sink = sink.ok_or_else(|| FormatError::invalid("the file is complete already"))?;
        Ok((sink, self.rows))
    }
}

/// A sink that can be taken back once everything has arrived in it.
struct Slot(Option<FileSink>);

impl Write for Slot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(sink) => sink.write(bytes),
            None => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), FileSink::flush)
    }
}

fn properties(table: &TableSpec, meta: &FileMeta) -> Result<WriterProperties, FormatError> {
    let metadata = vec![
        KeyValue::new(
            SCHEMA_VERSION_KEY.to_owned(),
            meta.schema_version.to_string(),
        ),
        KeyValue::new(EXPORT_ID_KEY.to_owned(), meta.export_id.clone()),
    ];
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(zstd(1)?)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_sorting_columns(Some(sorting(table)?))
        .set_key_value_metadata(Some(metadata));
    for column in table.columns() {
        builder = column_properties(builder, column)?;
    }
    Ok(builder.build())
}

fn column_properties(
    builder: WriterPropertiesBuilder,
    column: &ColumnSpec,
) -> Result<WriterPropertiesBuilder, FormatError> {
    let path = ColumnPath::from(column.field.name().as_str());
    // Instants and spans hardly repeat: a dictionary of them is larger than their differences.
    let is_time = matches!(column.field.data_type(), DataType::Timestamp(..))
        || matches!(column.role, Role::Duration { .. });
    let is_text = *column.field.data_type() == DataType::Utf8;
    Ok(match column.hint {
        _ if is_time => builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        Hint::Unique => {
            let builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            if is_text {
                let pages = match column.role {
                    // Original objects are long, and a page is held several times while it is
                    // compressed: pages as large as those of ids would take 50 MiB.
                    Role::Raw => builder,
                    _ => builder
                        .set_column_data_page_row_count_limit(path.clone(), ID_PAGE_ROWS)
                        .set_column_data_page_size_limit(path.clone(), ID_PAGE_BYTES),
                };
                pages
                    .set_column_encoding(path.clone(), Encoding::DELTA_BYTE_ARRAY)
                    .set_column_compression(path, zstd(3)?)
            } else {
                builder
            }
        }
        Hint::Lookup => builder
            .set_column_bloom_filter_fpp(path.clone(), FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64),
        Hint::Plain => builder,
    })
}

fn zstd(level: i32) -> Result<Compression, FormatError> {
    let level = ZstdLevel::try_new(level).map_err(failure)?;
    Ok(Compression::ZSTD(level))
}

/// Says that rows are sorted by key.
fn sorting(table: &TableSpec) -> Result<Vec<SortingColumn>, FormatError> {
    let sorted = |&key: &usize| {
        let column_idx =
            i32::try_from(key).map_err(|error| FormatError::invalid(error.to_string()))?;
        Ok(SortingColumn {
            column_idx,
            descending: false,
            nulls_first: false,
        })
    };
    table.keys().iter().map(sorted).collect()
}
