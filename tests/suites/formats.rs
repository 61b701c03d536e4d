//! Both formats hold the same facts, and the same answers make the same files.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression, layout, spec};
use lcw_simulator::{RunChange, RunPlan, Simulator, TenantConfig, Truth, WorkflowConfig};
use lcw_tests::{Facts, Office, brief, data_files, facts, rows, single};
use lcw_transform::{Role, Table};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

const HOUR: Duration = Duration::from_hours(1);

/// What tells one export from another.
const EXPORT_COLUMNS: [&str; 3] = [
    "_lcw_export_id",
    "_lcw_extracted_at",
    "_lcw_first_extracted_at",
];

const EVERY_FORMAT: [FileFormat; 4] = [
    FileFormat::Parquet,
    FileFormat::Ndjson(NdjsonCompression::Zstd),
    FileFormat::Ndjson(NdjsonCompression::Gzip),
    FileFormat::Ndjson(NdjsonCompression::None),
];

#[tokio::test]
async fn every_format_holds_the_same_facts_also_after_a_merge() {
    let tenant = Simulator::start(brief(11, 4)).await.unwrap();
    let mut offices = EVERY_FORMAT.map(Office::new);
    for _ in 0..2 {
        let mut held = Vec::new();
        for office in &mut offices {
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            held.push(lcw_tests::CORE.map(|table| facts_of(office, &tenant, table)));
        }
        assert!(held.iter().all(|tables| tables == &held[0]));
        let changed = tenant.truth().runs[0].id.clone();
        tenant.change_run(
            &changed,
            &RunChange {
                add_users: 1,
                ..RunChange::default()
            },
        );
        tenant.advance(HOUR);
    }
}

#[tokio::test]
async fn the_same_answers_make_the_same_files_however_many_workers_read_them() {
    let tenant = Simulator::start(brief(12, 4)).await.unwrap();
    for format in EVERY_FORMAT {
        let mut made = Vec::new();
        for workers in [1, 3, 16] {
            let mut office = Office::new(format);
            office.request.max_concurrency = workers;
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let tables = lcw_tests::CORE.map(|table| {
                let mut rows = rows(office.out(), format, tenant.tenant_id(), table, false);
                assert!(rows.is_sorted_by_key(|row| key_in_file(table, row)));
                rows.iter_mut().for_each(without_export_columns);
                rows
            });
            let files = data_files(office.out()).into_keys();
            let texts: BTreeMap<_, _> = files
                .filter(|_| format == FileFormat::Ndjson(NdjsonCompression::None))
                .map(|path| {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let path = path.strip_prefix(office.out()).unwrap().to_owned();
                    (path, without_export_values(&text))
                })
                .collect();
            made.push((tables, texts));
        }
        assert!(made.iter().all(|made_by| made_by == &made[0]), "{format:?}");
    }
}

#[tokio::test]
async fn original_objects_are_kept_on_request_and_stay_when_they_no_longer_are() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(13)).await.unwrap();
        tenant.update_config(|config| config.answers.unknown_property = Some("riskSignal".into()));
        let workflow = tenant.workflow_ids()[0].clone();
        let at = |hours: u32| tenant.now() - hours * HOUR;
        // Both on one day, so that the second export merges into the files of the first.
        tenant.add_run(&workflow, &RunPlan::new(at(5), 3));
        let known = tenant.truth();
        office.request.keep_raw = true;
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
        assert_eq!(originals(&office, &tenant), objects(&known));
        office.assert_holds(&tenant, &known);

        tenant.add_run(&workflow, &RunPlan::new(at(4), 2));
        office.request.keep_raw = false;
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
        let mut expected = objects(&tenant.truth());
        let known = objects(&known);
        for (table, row) in &mut expected {
            row.retain(|key, _| known[table].contains_key(key));
        }
        let mut kept = originals(&office, &tenant);
        for row in kept.values_mut() {
            row.retain(|_, original| !original.is_null());
        }
        assert_eq!(kept, expected);
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn every_table_of_an_empty_tenant_has_a_typed_file_without_rows() {
    let tenant = Simulator::start(TenantConfig::empty(2)).await.unwrap();
    let mut office = Office::new(FileFormat::Parquet);
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    let files = data_files(office.out());
    assert_eq!(files.len(), Table::ALL.len());
    for table in Table::ALL {
        let folder = office.out().join(table.name());
        let path = files.keys().find(|path| path.starts_with(&folder)).unwrap();
        let below = path.strip_prefix(folder).unwrap().to_string_lossy();
        let tenant_folder = format!("tenant_id={}", tenant.tenant_id());
        let day = if table.is_by_day() {
            "/run_date=2026-11-23"
        } else {
            ""
        };
        assert_eq!(below, format!("{tenant_folder}{day}/part-0.parquet"));
        let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let layout = layout(FileFormat::Parquet.loader().as_ref(), false);
        let declared = spec(table, &layout).unwrap();
        let types = |schema: &arrow::datatypes::Schema| -> Vec<_> {
            let fields = schema.fields().iter();
            fields
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect()
        };
        assert_eq!(types(file.schema()), types(declared.schema()));
        assert_eq!(file.metadata().file_metadata().num_rows(), 0);
    }
}

#[tokio::test]
async fn a_run_much_larger_than_the_others_flows_through() {
    const LARGE: u32 = 34_000;
    for mut office in Office::of_each_format() {
        let mut config = single(14);
        config.paging = lcw_simulator::Paging::plain(2_000);
        config.people = 40_000;
        config.workflows.push(WorkflowConfig::new(
            lcw_simulator::Category::Joiner,
            "Onboard",
        ));
        let tenant = Simulator::start(config).await.unwrap();
        for workflow in tenant.workflow_ids() {
            for hours in 1..5 {
                let plan = RunPlan::new(tenant.now() - hours * HOUR, 3);
                tenant.add_run(&workflow, &plan);
            }
        }
        let plan = RunPlan::new(tenant.now() - 2 * HOUR, LARGE);
        tenant.add_run(&tenant.workflow_ids()[0], &plan);
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.proof.matched),
            (0, 9),
            "{summary:#?}"
        );
        let results = &summary.tables["user_processing_results"];
        assert_eq!(results.rows_total, u64::from(LARGE) + 8 * 3);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

/// A table without the columns that tell exports apart.
fn facts_of(office: &Office, tenant: &Simulator, table: Table) -> Facts {
    let mut facts = facts(
        office.out(),
        office.request.format,
        tenant.tenant_id(),
        table,
    );
    facts.values_mut().for_each(without_export_columns);
    facts
}

fn without_export_columns(row: &mut BTreeMap<String, Value>) {
    row.retain(|column, _| !EXPORT_COLUMNS.contains(&&**column));
}

/// Where a row stands: by day, and in its file by key.
fn key_in_file(table: Table, row: &BTreeMap<String, Value>) -> Vec<String> {
    let day = table.is_by_day().then_some("run_date");
    let columns = day.into_iter().chain(table.key());
    columns
        .map(|column| row[column].as_str().unwrap().to_owned())
        .collect()
}

/// The text of an NDJSON file without the values of these columns.
fn without_export_values(text: &str) -> String {
    let mut text = text.to_owned();
    for column in EXPORT_COLUMNS {
        let name = format!("\"{column}\":\"");
        let parts = text.split(&name).enumerate();
        text = parts
            .map(|(at, part)| match part.split_once('"') {
                Some((_, rest)) if at > 0 => rest,
                _ => part,
            })
            .collect::<Vec<_>>()
            .join(&name);
    }
    text
}

type ByTableAndKey = BTreeMap<&'static str, BTreeMap<Vec<String>, Value>>;

/// `_lcw_raw` of every row, parsed; null where there is none.
fn originals(office: &Office, tenant: &Simulator) -> ByTableAndKey {
    let of = |table: Table| {
        let rows = rows(
            office.out(),
            office.request.format,
            tenant.tenant_id(),
            table,
            true,
        );
        let raw = table
            .columns(true)
            .iter()
            .find(|column| column.role == Role::Raw);
        let raw = raw.unwrap().name;
        let original = |row: &BTreeMap<String, Value>| {
            let key = table.key().into_iter();
            let key = key.map(|column| row[column].as_str().unwrap().to_owned());
            let mut raw = match &row[raw] {
                Value::String(text) => serde_json::from_str(text).unwrap(),
                parsed => parsed.clone(),
            };
            // Says where an answer comes from, not what it is about.
            if let Value::Object(properties) = &mut raw {
                properties.remove("@odata.context");
            }
            (key.collect(), raw)
        };
        (table.name(), rows.iter().map(original).collect())
    };
    lcw_tests::CORE.map(of).into_iter().collect()
}

/// The objects as the service shows them.
fn objects(truth: &Truth) -> ByTableAndKey {
    let workflows = truth.workflows.iter();
    let runs = truth.runs.iter();
    let results = truth.results.iter();
    BTreeMap::from([
        (
            Table::Workflows.name(),
            workflows
                .map(|workflow| (vec![workflow.id.clone()], workflow.detail.clone()))
                .collect(),
        ),
        (
            Table::Runs.name(),
            runs.map(|run| {
                (
                    vec![run.workflow_id.clone(), run.id.clone()],
                    run.value.clone(),
                )
            })
            .collect(),
        ),
        (
            Table::UserProcessingResults.name(),
            results
                .map(|result| {
                    let (workflow, run) = (result.workflow_id.clone(), result.run_id.clone());
                    (vec![workflow, run, result.id.clone()], result.value.clone())
                })
                .collect(),
        ),
    ])
}
