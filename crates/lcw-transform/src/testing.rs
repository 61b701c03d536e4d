//! What the tests of this crate share.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use lcw_model::time::{format_micros, parse_micros};
use lcw_model::{Entity, WithRaw, parse_page};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value};

use crate::{
    ChildRows, FlattenError, Layout, Lineage, ReportMarkers, ReprocessedRows, ResultRows, Rows,
    RunMarkers, RunRows, SubjectResultRows, Table, TaskDefinitionRows, TaskReportRows,
    TaskResultRows, TaskRows, Timestamps, VersionRows, WorkflowRows,
};

pub(crate) const MICROS: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: false,
};
pub(crate) const AS_SENT: Layout = Layout {
    timestamps: Timestamps::AsSent,
    keep_raw: false,
};
pub(crate) const WITH_RAW: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: true,
};

pub(crate) const EXTRACTED_AT: &str = "2026-11-24T10:00:00.25Z";

pub(crate) fn lineage() -> Lineage {
    let extracted_at_micros = parse_micros(EXTRACTED_AT).unwrap();
    Lineage {
        export_id: "20261124T100000Z-abc".to_owned(),
        extracted_at_micros,
    }
}

/// So many cases, the same in every test run.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        rng_seed: RngSeed::Fixed(20_261_124),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A documented response.
pub(crate) fn body(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/graph");
    std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()
}

/// The workflow and run of the rows that [`flatten`] makes.
pub(crate) const WORKFLOW: &str = "14879e66-9ea9-48d0-804d-8fea672d0341";
pub(crate) const RUN: &str = "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d";

/// The rows that a page makes in a table.
pub(crate) fn flatten(table: Table, layout: Layout, page: &str) -> Result<Rows, FlattenError> {
    let from = lineage();
    let seen = from.extracted_at_micros;
    macro_rules! rows {
        ($rows:expr $(, $markers:expr)?) => {{
            let mut rows = $rows;
            all(page, |entity, raw| rows.append(entity, raw $(, $markers)?))?;
            Ok(rows.finish())
        }};
    }
    match table {
        Table::Workflows => rows!(WorkflowRows::new(layout, &from, seen)),
        Table::Runs => rows!(
            RunRows::new(layout, &from, WORKFLOW),
            &RunMarkers::default()
        ),
        Table::UserProcessingResults => rows!(ResultRows::new(layout, &from, WORKFLOW, RUN)),
        Table::TaskProcessingResults => rows!(TaskResultRows::new(layout, &from, WORKFLOW, RUN)),
        Table::WorkflowVersions => rows!(VersionRows::new(layout, &from, WORKFLOW, seen)),
        Table::Tasks => rows!(TaskRows::new(layout, &from, WORKFLOW, seen)),
        Table::TaskDefinitions => rows!(TaskDefinitionRows::new(layout, &from, seen)),
        Table::TaskReports => rows!(
            TaskReportRows::new(layout, &from, WORKFLOW),
            &ReportMarkers::default()
        ),
        Table::SubjectProcessingResults => {
            rows!(SubjectResultRows::new(layout, &from, WORKFLOW, RUN))
        }
        Table::ReprocessedRuns => rows!(ReprocessedRows::new(layout, &from, WORKFLOW, RUN)),
    }
}

/// Appends every entity of a page.
fn all<'p, T: Entity<'p>>(
    page: &'p str,
    mut append: impl FnMut(&T, Option<&str>) -> Result<(), FlattenError>,
) -> Result<(), FlattenError> {
    let page = parse_page::<WithRaw<'p, T>>(page).unwrap();
    let mut rows = page.value.iter();
    rows.try_for_each(|row| append(&row.entity, Some(row.raw)))
}

/// A page of these objects.
pub(crate) fn page_of(objects: &str) -> String {
    format!(r#"{{"value":[{objects}]}}"#)
}

/// The entities of a documented response, as JSON values: another way to the same facts.
pub(crate) fn documented_values(body: &str) -> Vec<Map<String, Value>> {
    let mut body: Value = serde_json::from_str(body).unwrap();
    let entities = match body.get_mut("value") {
        Some(value) => value.take().as_array().unwrap().clone(),
        None => vec![body],
    };
    entities
        .into_iter()
        .map(|entity| entity.as_object().unwrap().clone())
        .collect()
}

/// A value of a column as JSON; instants in Graph's style.
pub(crate) fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Timestamp(_, Some(zone)) => {
            assert_eq!(&**zone, "UTC");
            format_micros(array.as_primitive::<TimestampMicrosecondType>().value(row)).into()
        }
        other => panic!("no column has the type {other}"),
    }
}

/// A row with all its columns, the lineage included.
pub(crate) fn whole_row(rows: &Rows, row: usize) -> Map<String, Value> {
    let schema = rows.batch.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    names
        .zip(rows.batch.columns().iter().map(|array| value(array, row)))
        .collect()
}

/// A row without its lineage, which must be that of [`lineage`].
pub(crate) fn row(rows: &Rows, row: usize) -> Value {
    let mut whole = whole_row(rows, row);
    assert_eq!(
        whole.remove("_lcw_export_id"),
        Some("20261124T100000Z-abc".into())
    );
    assert_eq!(whole.remove("_lcw_extracted_at"), Some(EXTRACTED_AT.into()));
    assert_eq!(
        whole.remove("_lcw_first_extracted_at"),
        Some(EXTRACTED_AT.into())
    );
    Value::Object(whole)
}

/// Names of the columns whose properties the answer did not contain.
pub(crate) fn absent_columns(table: Table, rows: &Rows, row: usize) -> Vec<&'static str> {
    let bits = rows.absent.as_ref().map_or(0, |absent| absent[row]);
    let columns = table.columns(true).iter().enumerate();
    columns
        .filter(|(at, _)| bits & (1 << at) != 0)
        .map(|(_, column)| column.name)
        .collect()
}

/// Compares a row with the entity as documented: every column that has a source holds the value of
/// that property, instants cut to microseconds.
pub(crate) fn assert_documented(table: Table, rows: &Rows, at: usize, entity: &Map<String, Value>) {
    let whole = whole_row(rows, at);
    for column in table
        .columns(false)
        .iter()
        .filter(|column| column.source.is_some())
    {
        let pointer = format!("/{}", column.source.unwrap());
        let documented = Value::Object(entity.clone()).pointer(&pointer).cloned();
        let documented = documented.unwrap_or(Value::Null);
        let expected = match (&documented, column.kind) {
            (Value::Null, _) => Value::Null,
            (json, crate::Kind::Json) => {
                let stored = whole[column.name].as_str().unwrap();
                assert_eq!(&serde_json::from_str::<Value>(stored).unwrap(), json);
                assert!(!stored.contains('\n'), "without whitespace: {stored}");
                continue;
            }
            (Value::String(text), crate::Kind::Timestamp) => cut_to_micros(text).into(),
            (other, _) => other.clone(),
        };
        assert_eq!(whole[column.name], expected, "{}", column.name);
    }
}

/// A documented instant with its seventh digit cut off, by its text alone.
fn cut_to_micros(text: &str) -> String {
    let text = text.trim_end_matches('Z');
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction[..fraction.len().min(6)].trim_end_matches('0');
    if fraction.is_empty() {
        format!("{seconds}Z")
    } else {
        format!("{seconds}.{fraction}Z")
    }
}
