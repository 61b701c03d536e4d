//! The suite that every format runs, and what is NDJSON's own.

#![allow(clippy::unwrap_used, reason = "the helpers of tests may fail them")]

use std::io::{Read, Write};

use lcw_dataset::conformance::{self, sample_rows, sample_table};
use lcw_dataset::{FileMeta, FileSink, Format, FormatError, TableSpec, Timestamps};
use lcw_loader_ndjson::{Compression, NdjsonFormat};

fn write(format: NdjsonFormat, table: &TableSpec) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let meta = FileMeta {
        schema_version: 1,
        export_id: "e1".into(),
    };
    let mut writer = format
        .create(FileSink::new(file.reopen().unwrap()), table, &meta)
        .unwrap();
    writer.write(&sample_rows(table)).unwrap();
    writer.finish().unwrap().0.finish().unwrap();
    file
}

fn read(text: &str, columns: Option<&[&str]>) -> Result<usize, FormatError> {
    let table = sample_table(Timestamps::AsSent, 1);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let format = NdjsonFormat::new(Compression::None);
    let mut rows = 0;
    for batch in format.open(file.reopen().unwrap(), &table, columns)? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

fn problem(text: &str) -> String {
    read(text, None).unwrap_err().to_string()
}

#[test]
fn zstd_conforms() {
    conformance::run(&NdjsonFormat::new(Compression::Zstd));
}

#[test]
fn gzip_conforms() {
    conformance::run(&NdjsonFormat::new(Compression::Gzip));
}

#[test]
fn none_conforms() {
    conformance::run(&NdjsonFormat::new(Compression::None));
}

#[test]
fn every_compression_holds_the_same_lines() {
    let table = sample_table(Timestamps::AsSent, 1);
    let plain = std::fs::read(write(NdjsonFormat::new(Compression::None), &table).path()).unwrap();
    let gzip = write(NdjsonFormat::new(Compression::Gzip), &table)
        .reopen()
        .unwrap();
    let zstd = write(NdjsonFormat::new(Compression::Zstd), &table)
        .reopen()
        .unwrap();
    let mut lines = Vec::new();
    flate2::read::GzDecoder::new(gzip)
        .read_to_end(&mut lines)
        .unwrap();
    assert_eq!(lines, plain);
    assert_eq!(zstd::decode_all(zstd).unwrap(), plain);
}

#[test]
fn a_line_has_every_column_in_order() {
    let table = sample_table(Timestamps::AsSent, 1);
    let file = write(NdjsonFormat::new(Compression::None), &table);
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(
        text.lines().nth(3).unwrap(),
        r#"{"workflow_id":"0000","id":"00000003_7963307307","subject_id":"two\nlines\r\nand a tab\t","count":-1,"span_ms":-1,"is_final":false,"at":"1970-01-01T00:00:00Z","note":"two\nlines\r\nand a tab\t","_lcw_extra":"{\"a\":[3,\"\\u00e9\\n\"]}"}"#
    );
    assert!(text.contains(r#""count":null"#));
    assert!(text.ends_with("}\n"));
}

#[test]
fn timestamp_columns_are_written_in_the_service_s_style() {
    let table = sample_table(Timestamps::Micros, 1);
    let file = write(NdjsonFormat::new(Compression::None), &table);
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(text.contains(r#""at":"2026-11-22T10:10:00.5Z""#));
    let format = NdjsonFormat::new(Compression::None);
    let mut reader = format.open(file.reopen().unwrap(), &table, None).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), sample_rows(&table));
}

#[test]
fn names_may_come_in_any_order_and_be_missing() {
    let text = "{\"id\":\"1\",\"workflow_id\":\"a\"}\n{\"note\":\"x\",\"workflow_id\":\"b\",\"id\":\"1\"}\n";
    assert_eq!(read(text, None).unwrap(), 2);
}

#[test]
fn damage_names_the_line_and_the_column_and_no_value() {
    let good = "{\"workflow_id\":\"a\",\"id\":\"1\"}\n";
    let second = |line: &str| problem(&format!("{good}{line}\n"));
    assert!(second("").starts_with("line 2: "));
    assert_eq!(second("\"secret\""), "line 2: it is not an object");
    for line in [
        r#"{"workflow_id":"a","id":"2","count":"secret"}"#,
        r#"{"workflow_id":"a","id":"2","count":{"secret":1}}"#,
        r#"{"workflow_id":"a","id":"2","count":["secret"]}"#,
        r#"{"workflow_id":"a","id":"2","count":1.5}"#,
        r#"{"workflow_id":"a","id":"2","count":2147483648}"#,
        r#"{"workflow_id":"a","id":"2","count":18446744073709551615}"#,
        r#"{"workflow_id":"a","id":"2","count":true}"#,
    ] {
        let problem = second(line);
        assert!(
            problem.starts_with("line 2: column count holds "),
            "{problem}"
        );
        assert!(!problem.contains("secret"), "{problem}");
    }
    let problem = second(r#"{"workflow_id":"a","id":"2","count":1,"count":2}"#);
    assert!(problem.contains("column count comes twice"), "{problem}");
    assert!(second(r#"{"workflow_id":"a","id":"2"} {}"#).contains("line 2: trailing"));
}

#[test]
fn a_key_that_is_null_or_missing_is_damage() {
    assert!(problem("{\"workflow_id\":null,\"id\":\"1\"}\n").contains("workflow_id"));
    assert!(problem("{\"workflow_id\":\"a\"}\n").contains("id"));
}

#[test]
fn an_unknown_name_on_a_later_line_is_found_too() {
    let text =
        "{\"workflow_id\":\"a\",\"id\":\"1\"}\n{\"workflow_id\":\"a\",\"id\":\"2\",\"later\":1}\n";
    assert!(
        matches!(read(text, None), Err(FormatError::UnknownColumn { name }) if name == "later")
    );
    assert_eq!(read(text, Some(&["id"])).unwrap(), 2);
}

#[test]
fn compressions_have_names() {
    for (name, file) in [
        ("zstd", "part-0.ndjson.zst"),
        ("gzip", "part-0.ndjson.gz"),
        ("none", "part-0.ndjson"),
    ] {
        let format = NdjsonFormat::with_compression(name).unwrap();
        assert_eq!((format.compression(), format.file_name()), (name, file));
    }
    assert!(NdjsonFormat::with_compression("brotli").is_none());
}
