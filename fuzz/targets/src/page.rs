//! Answers of the service: pages of every entity, their rows, and refusals.

use std::fmt::Debug;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lcw_dataset::Incoming;
use lcw_dataset::fuzzing::merge;
use lcw_model::time::parse_micros;
use lcw_model::{
    Entity, Page, PageError, Run, Summary, Task, TaskDefinition, TaskReport, Text, WithRaw,
    Workflow, WorkflowVersion, parse_entity, parse_error, parse_page, parse_raw_page,
};
use lcw_pipeline::spec;
use lcw_transform::{
    ChildRows, FlattenError, Kind, Layout, Lineage, ReportMarkers, ReprocessedRows, ResultRows,
    Role, Rows, RunMarkers, RunRows, SubjectResultRows, Table, TaskDefinitionRows, TaskReportRows,
    TaskResultRows, TaskRows, Timestamps, VersionRows, WorkflowRows,
};
use serde_json::Value;
use serde_json::value::RawValue;

/// A text as a page of each entity, as one entity, and as a refusal.
pub fn page(data: &[u8]) {
    if let Some(error) = parse_error(data) {
        let texts = [error.most_specific_code(), &error.message];
        assert!(!texts.concat().chars().any(char::is_control), "{error:?}");
    }
    let Ok(body) = std::str::from_utf8(data) else {
        return;
    };
    let raw = parse_raw_page(body);
    envelope(body, &raw);
    entity::<Summary<'_>>(body);
    let body = Body { text: body, raw };
    body.child::<ResultRows>();
    body.child::<TaskResultRows>();
    body.child::<SubjectResultRows>();
    body.child::<ReprocessedRows>();
    body.of::<Run<'_>>(Table::Runs, |page, layout| {
        let mut rows = RunRows::new(layout, &lineage(), "w");
        for row in page {
            rows.append(&row.entity, Some(row.raw), &RunMarkers::default())?;
        }
        Ok(rows.finish())
    });
    body.of::<TaskReport<'_>>(Table::TaskReports, |page, layout| {
        let mut rows = TaskReportRows::new(layout, &lineage(), "w");
        for row in page {
            rows.append(&row.entity, Some(row.raw), &ReportMarkers::default())?;
        }
        Ok(rows.finish())
    });
    macro_rules! undated {
        ($($table:ident of $Entity:ident: $new:expr;)*) => {
            $(body.of::<$Entity<'_>>(Table::$table, |page, layout| {
                let mut rows = $new(layout);
                for row in page {
                    rows.append(&row.entity, Some(row.raw))?;
                }
                Ok(rows.finish())
            });)*
        };
    }
    undated! {
        Workflows of Workflow: |layout| WorkflowRows::new(layout, &lineage(), 1);
        WorkflowVersions of WorkflowVersion: |layout| VersionRows::new(layout, &lineage(), "w", 1);
        Tasks of Task: |layout| TaskRows::new(layout, &lineage(), "w", 1);
        TaskDefinitions of TaskDefinition: |layout| TaskDefinitionRows::new(layout, &lineage(), 1);
    }
}

fn lineage() -> Lineage {
    Lineage {
        export_id: "20261122T101500.000000Z".to_owned(),
        extracted_at_micros: 1_795_342_500_000_000,
    }
}

const fn layout(timestamps: Timestamps) -> Layout {
    Layout {
        timestamps,
        keep_raw: true,
    }
}

/// What the envelope is read as, against a tree of the whole body.
fn envelope(body: &str, raw: &Result<Page<'_, &str>, PageError>) {
    let (Ok(page), Ok(tree)) = (raw, serde_json::from_str::<Value>(body)) else {
        return;
    };
    let elements = tree["value"].as_array().expect("a page has an array");
    assert_eq!(page.value.len(), elements.len());
    for (text, element) in page.value.iter().zip(elements) {
        assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), element);
    }
    let links = ["@odata.nextLink", "@nextLink"].map(|name| tree[name].as_str());
    let link = page.next_link.as_ref().map(Text::as_str);
    assert_eq!(link, links[0].or(links[1]));
    assert!(tree["error"].is_null(), "an error was passed over");
}

fn entity<'a, T: Entity<'a>>(body: &'a str) -> Option<T> {
    let entity = parse_entity::<T>(body).ok()?;
    assert!(body.trim_start().starts_with('{'), "{body:?} is an entity");
    Some(entity)
}

struct Body<'a> {
    text: &'a str,
    raw: Result<Page<'a, &'a str>, PageError>,
}

impl<'a> Body<'a> {
    fn child<R: ChildRows>(&self)
    where
        R::Entity<'a>: Debug,
    {
        self.of::<R::Entity<'a>>(R::TABLE, |page, layout| {
            let mut rows = R::new(layout, &lineage(), "w", "r");
            for row in page {
                rows.append(&row.entity, Some(row.raw))?;
            }
            Ok(rows.finish())
        });
    }

    /// The page with and without its original texts, its entities one by one, and their rows.
    fn of<T: Entity<'a> + Debug>(
        &self,
        table: Table,
        flatten: impl Fn(&[WithRaw<'a, T>], Layout) -> Result<Rows, FlattenError>,
    ) {
        let plain = parse_page::<T>(self.text);
        let with_raw = parse_page::<WithRaw<'a, T>>(self.text);
        let (plain, page) = match (plain, with_raw) {
            (Ok(plain), Ok(with_raw)) => (plain, with_raw),
            (Err(a), Err(b)) => {
                return assert_eq!(a.is_damaged(), b.is_damaged(), "{a:?} or {b:?}");
            }
            (plain, with_raw) => panic!("{plain:?} or {with_raw:?}"),
        };
        let raw = self.raw.as_ref().expect("a page of entities is a page");
        let texts: Vec<&str> = page.value.iter().map(|row| row.raw).collect();
        assert_eq!(texts, raw.value);
        assert_eq!(plain.value.len(), texts.len());
        assert_eq!(
            (&plain.next_link, &page.next_link),
            (&raw.next_link, &raw.next_link)
        );
        for text in texts {
            assert!(entity::<T>(text).is_some(), "{text:?} by itself");
        }
        let micros = flatten(&page.value, layout(Timestamps::Micros));
        let as_sent = flatten(&page.value, layout(Timestamps::AsSent));
        match (micros, as_sent) {
            (Ok(micros), Ok(as_sent)) => {
                let is_one_each = table != Table::ReprocessedRuns;
                assert!(!is_one_each || micros.len() == page.value.len());
                same_facts(table, &micros, &as_sent);
                derived(table, &micros);
                merges(table, micros, layout(Timestamps::Micros));
                merges(table, as_sent, layout(Timestamps::AsSent));
            }
            (Err(a), Err(b)) => assert_eq!(a, b),
            (a, b) => panic!("{a:?} or {b:?}"),
        }
    }
}

/// Both formats hold the same facts, at microseconds.
fn same_facts(table: Table, micros: &Rows, as_sent: &Rows) {
    assert_eq!(micros.absent, as_sent.absent);
    assert_eq!(micros.len(), as_sent.len());
    for (at, column) in table.columns(true).iter().enumerate() {
        let (a, b) = (micros.batch.column(at), as_sent.batch.column(at));
        if column.kind != Kind::Timestamp {
            assert_eq!(a, b, "{}", column.name);
            continue;
        }
        let (instants, texts) = (
            a.as_primitive::<TimestampMicrosecondType>(),
            b.as_string::<i32>(),
        );
        for (instant, text) in instants.iter().zip(texts) {
            let read = text.map(|text| parse_micros(text).unwrap());
            assert_eq!(instant, read, "{}", column.name);
        }
    }
}

/// What is made of other columns, and what a row says of what the answer did not contain.
fn derived(table: Table, rows: &Rows) {
    let batch = &rows.batch;
    for (at, column) in table.columns(true).iter().enumerate() {
        let values = batch.column(at);
        for row in 0..batch.num_rows() {
            let is_absent = rows
                .absent
                .as_ref()
                .is_some_and(|bits| bits[row] >> at & 1 == 1);
            assert!(!is_absent || values.is_null(row), "{}", column.name);
        }
        match column.role {
            Role::Duration { from, to } => {
                let (from, to) = (instants(batch, from), instants(batch, to));
                let spans = from.iter().zip(to);
                let spans = spans.map(|(from, to)| Some((to? - (*from)?) / 1_000));
                let values = values.as_primitive::<Int64Type>();
                assert!(values.iter().eq(spans), "{}", column.name);
            }
            Role::Extra => {
                for text in values.as_string::<i32>().iter().flatten() {
                    assert!(text.starts_with('{') && text.len() > 2, "{text:?}");
                    serde_json::from_str::<&RawValue>(text).unwrap();
                }
            }
            _ => {}
        }
    }
}

fn instants(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let column = batch.column_by_name(column).unwrap();
    column
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .collect()
}

/// Whatever becomes rows can be stored, and is the same when it comes again.
fn merges(table: Table, rows: Rows, layout: Layout) {
    let spec = spec(table, &layout).unwrap();
    let rows = rows.sorted_unique(&table.key());
    let incoming = Incoming {
        batch: rows.batch,
        absent: rows.absent,
    };
    let (stored, stats) = merge(&spec, Vec::new(), vec![incoming.clone()]).unwrap();
    assert_eq!(stats.rows_new, incoming.batch.num_rows() as u64);
    let (_, again) = merge(&spec, stored, vec![incoming]).unwrap();
    assert_eq!((again.rows_new, again.rows_replaced), (0, 0));
}
