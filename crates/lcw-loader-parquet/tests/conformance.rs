//! The suite that every format runs, and what is Parquet's own.

#![allow(clippy::unwrap_used, reason = "the helpers of tests may fail them")]

use std::fs::File;
use std::io::Write;

use lcw_dataset::conformance::{self, many_rows, sample_rows, sample_table};
use lcw_dataset::{FileMeta, FileSink, Format, FormatError, TableSpec, Timestamps};
use lcw_loader_parquet::{EXPORT_ID_KEY, ParquetFormat, ROW_GROUP_ROWS, SCHEMA_VERSION_KEY};
use parquet::basic::{Compression, Encoding, LogicalType};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

fn write(table: &TableSpec, rows: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let meta = FileMeta {
        schema_version: table.schema_version(),
        export_id: "e1".into(),
    };
    let sink = FileSink::new(file.reopen().unwrap());
    let mut writer = ParquetFormat::new().create(sink, table, &meta).unwrap();
    writer.write(&many_rows(table, rows)).unwrap();
    writer.finish().unwrap().0.finish().unwrap();
    file
}

fn footer(file: &tempfile::NamedTempFile) -> SerializedFileReader<File> {
    SerializedFileReader::new(file.reopen().unwrap()).unwrap()
}

#[test]
fn it_conforms() {
    conformance::run(&ParquetFormat::new());
}

#[test]
fn it_has_zstd_only() {
    assert_eq!(
        ParquetFormat::with_compression("zstd").unwrap().file_name(),
        "part-0.parquet"
    );
    assert!(ParquetFormat::with_compression("gzip").is_none());
}

#[test]
fn the_footer_names_schema_version_export_and_order() {
    let table = sample_table(Timestamps::Micros, 3);
    let reader = footer(&write(&table, 10));
    let metadata = reader.metadata().file_metadata();
    let entries: Vec<_> = metadata
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_deref().unwrap()))
        .collect();
    assert_eq!(entries, [(SCHEMA_VERSION_KEY, "3"), (EXPORT_ID_KEY, "e1")]);
    assert_eq!(metadata.version(), 1);
    let sorting = reader.metadata().row_group(0).sorting_columns().unwrap();
    assert_eq!(
        sorting
            .iter()
            .map(|column| column.column_idx)
            .collect::<Vec<_>>(),
        [0, 1]
    );
}

#[test]
fn a_newer_schema_is_refused_and_an_older_one_is_read() {
    let file = write(&sample_table(Timestamps::Micros, 3), 10);
    let open = |version| {
        let table = sample_table(Timestamps::Micros, version);
        let format = ParquetFormat::new();
        let opened = format
            .open(file.reopen().unwrap(), &table, Some(&["id"]))
            .map(|_| ());
        opened.and_then(|()| format.count(file.reopen().unwrap(), &table))
    };
    assert!(matches!(
        open(2),
        Err(FormatError::NewerSchema { has: 3, knows: 2 })
    ));
    assert_eq!(open(3).unwrap(), 10);
    assert_eq!(open(4).unwrap(), 10);
}

#[test]
fn columns_are_stored_as_measured_best() {
    let table = sample_table(Timestamps::Micros, 1);
    let reader = footer(&write(&table, 2_000));
    let group = reader.metadata().row_group(0);
    let chunk = |name: &str| -> &ColumnChunkMetaData {
        group
            .columns()
            .iter()
            .find(|column| column.column_path().string() == name)
            .unwrap()
    };
    for column in group.columns() {
        assert!(matches!(column.compression(), Compression::ZSTD(_)));
    }
    let id = chunk("id");
    assert_eq!(id.dictionary_page_offset(), None);
    assert!(id.statistics().is_none());
    let is_encoded = |column: &ColumnChunkMetaData, encoding| {
        column.encodings().any(|encoded| encoded == encoding)
    };
    assert!(is_encoded(id, Encoding::DELTA_BYTE_ARRAY));
    let at = chunk("at");
    assert_eq!(at.dictionary_page_offset(), None);
    assert!(is_encoded(at, Encoding::DELTA_BINARY_PACKED));
    assert!(chunk("workflow_id").dictionary_page_offset().is_some());
    assert!(chunk("workflow_id").statistics().is_some());
    let filtered = group
        .columns()
        .iter()
        .filter(|column| column.bloom_filter_offset().is_some());
    assert_eq!(
        filtered
            .map(|c| c.column_path().string())
            .collect::<Vec<_>>(),
        ["subject_id"]
    );
}

#[test]
fn timestamps_and_json_have_their_logical_types() {
    let reader = footer(&write(&sample_table(Timestamps::Micros, 1), 10));
    let schema = reader.metadata().file_metadata().schema_descr();
    let logical = |name: &str| {
        let columns = schema.columns();
        let column = columns.iter().find(|column| column.name() == name).unwrap();
        column.logical_type_ref().cloned()
    };
    assert_eq!(logical("_lcw_extra"), Some(LogicalType::Json));
    assert_eq!(logical("note"), Some(LogicalType::String));
    match logical("at") {
        Some(LogicalType::Timestamp(at)) => {
            assert!(at.is_adjusted_to_u_t_c);
            assert_eq!(at.unit, parquet::basic::TimeUnit::MICROS);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn row_groups_are_bounded() {
    let table = sample_table(Timestamps::Micros, 1);
    let reader = footer(&write(&table, ROW_GROUP_ROWS + 1));
    let rows: Vec<_> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(rows, [i64::try_from(ROW_GROUP_ROWS).unwrap(), 1]);
}

#[test]
fn a_parquet_file_of_somebody_else_is_refused() {
    let table = sample_table(Timestamps::Micros, 1);
    let rows = sample_rows(&table);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    file.write_all(&bytes).unwrap();
    let error = ParquetFormat::new()
        .open(file.reopen().unwrap(), &table, None)
        .map(|_| ());
    assert!(error.unwrap_err().to_string().contains("not a file of lcw"));
}
