//! `OpenLineage` events: which export read what, and which tables it wrote.

use std::path::{self, Path};

use jiff::Timestamp;
use lcw_pipeline::{Summary, exit};
use lcw_transform::{Table, published_schema};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tracing::warn;
use uuid::Uuid;

use crate::delivery::Endpoint;
use crate::measure::Ended;

const SPEC: &str = "https://openlineage.io/spec";
/// Who says so.
const PRODUCER: &str = concat!("urn:lcw:", env!("CARGO_PKG_VERSION"));
/// What is read, below Graph's own address.
const INPUT: &str = "identityGovernance/lifecycleWorkflows";

/// What every event of one export says.
#[derive(Debug, Clone)]
pub struct LineageConfig {
    /// The namespace of the job, as the catalogue knows it.
    pub namespace: String,
    /// What started this program, if that is known there.
    pub parent: Option<Parent>,
    /// The origin of Graph.
    pub graph: String,
    /// The dataset's folder.
    pub out: String,
    /// The tables that are exported.
    pub tables: Vec<Table>,
    /// Whether rows keep their original object, in a column more.
    pub keep_raw: bool,
    /// `export` or `backfill`.
    pub kind: &'static str,
}

/// The run of another job that this one is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    namespace: String,
    job: String,
    run: Uuid,
}

impl Parent {
    /// Reads `namespace/job/run`, as `OPENLINEAGE_PARENT_ID` has it; the run is a UUID.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, run) = text.trim().rsplit_once('/')?;
        let (namespace, job) = rest.rsplit_once('/')?;
        let run = Uuid::parse_str(run).ok()?;
        (!namespace.is_empty() && !job.is_empty()).then(|| Self {
            namespace: namespace.to_owned(),
            job: job.to_owned(),
            run,
        })
    }
}

/// Tells a catalogue about one export: that it starts, and how it ended.
#[derive(Debug)]
pub struct Lineage {
    config: LineageConfig,
    to: Endpoint,
    run: Uuid,
    starting: JoinHandle<bool>,
}

impl Lineage {
    /// Says that an export starts. The export does not wait for the answer.
    pub fn start(config: LineageConfig, to: Endpoint) -> Self {
        let run = Uuid::new_v4();
        let event = start_event(&config, run, Timestamp::now());
        let address = to.clone();
        let starting = tokio::spawn(async move { deliver(&address, &event).await });
        Self {
            config,
            to,
            run,
            starting,
        }
    }

    /// Says how it ended. A catalogue that could not be told of the start has been warned of.
    pub async fn end(self, ended: &Ended<'_>) {
        if matches!(self.starting.await, Ok(true)) {
            deliver(&self.to, &end_event(&self.config, self.run, ended)).await;
        }
    }
}

/// Whether the event was taken. One that was not changes nothing else.
async fn deliver(to: &Endpoint, event: &Value) -> bool {
    let sent = to.send("application/json", event.to_string().into_bytes());
    match sent.await {
        Ok(()) => true,
        Err(error) => {
            warn!(
                to = to.origin(),
                remedy = error.remedy(),
                "lineage was not delivered, which changes nothing else: {error}"
            );
            false
        }
    }
}

fn start_event(config: &LineageConfig, run: Uuid, at: Timestamp) -> Value {
    let outputs = config.tables.iter();
    let outputs: Vec<Value> = outputs.map(|table| output(config, *table, None)).collect();
    event(config, "START", run, at, &run_facets(config), &outputs)
}

fn end_event(config: &LineageConfig, run: Uuid, ended: &Ended<'_>) -> Value {
    let mut facets = run_facets(config);
    if let Some(error) = ended.error {
        let message = json!({ "message": error, "programmingLanguage": "Rust" });
        let facet = facet("1-0-1/ErrorMessageRunFacet", message);
        facets.insert("errorMessage".to_owned(), facet);
    }
    facets.insert("lcw_export".to_owned(), own_facet(ended));
    let outputs = config.tables.iter();
    let outputs: Vec<Value> = outputs
        .map(|table| output(config, *table, ended.summary))
        .collect();
    let how = match ended.exit_code {
        exit::DONE | exit::PARTIAL | exit::UNPROVEN => "COMPLETE",
        exit::INTERRUPTED | exit::TERMINATED | exit::LOCKED => "ABORT",
        _ => "FAIL",
    };
    event(config, how, run, ended.finished_at, &facets, &outputs)
}

fn event(
    config: &LineageConfig,
    kind: &str,
    run: Uuid,
    at: Timestamp,
    run_facets: &Map<String, Value>,
    outputs: &[Value],
) -> Value {
    let job_type = json!({ "processingType": "BATCH", "integration": "LCW", "jobType": "EXPORT" });
    json!({
        "eventType": kind,
        "eventTime": at.to_string(),
        "producer": PRODUCER,
        "schemaURL": format!("{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"),
        "run": { "runId": run.to_string(), "facets": run_facets },
        "job": {
            "namespace": config.namespace,
            "name": format!("lcw.{}:{}", config.kind, folder(&config.out)),
            "facets": { "jobType": facet("2-0-4/JobTypeJobFacet", job_type) },
        },
        "inputs": [{ "namespace": config.graph, "name": INPUT, "facets": {} }],
        "outputs": outputs,
    })
}

fn run_facets(config: &LineageConfig) -> Map<String, Value> {
    let version = env!("CARGO_PKG_VERSION");
    let engine = json!({ "version": version, "name": "lcw", "openlineageAdapterVersion": version });
    let mut facets = Map::new();
    let engine = facet("1-1-1/ProcessingEngineRunFacet", engine);
    facets.insert("processing_engine".to_owned(), engine);
    if let Some(parent) = &config.parent {
        let parent = json!({
            "run": { "runId": parent.run.to_string() },
            "job": { "namespace": parent.namespace, "name": parent.job },
        });
        let parent = facet("1-2-0/ParentRunFacet", parent);
        facets.insert("parent".to_owned(), parent);
    }
    facets
}

/// A facet of the standard: which one, in which version, and what it says.
fn facet(version_and_name: &str, mut says: Value) -> Value {
    let name = version_and_name.rsplit('/').next().unwrap_or_default();
    says["_producer"] = PRODUCER.into();
    says["_schemaURL"] = format!("{SPEC}/facets/{version_and_name}.json#/$defs/{name}").into();
    says
}

/// What the standard has no facet for.
fn own_facet(ended: &Ended<'_>) -> Value {
    let mut says = json!({
        "_producer": PRODUCER,
        "_schemaURL": format!("{SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"),
        "exitCode": ended.exit_code,
    });
    if let Some(summary) = ended.summary {
        says["exportId"] = summary.export_id.as_str().into();
        says["status"] = json!(summary.status);
        says["shortfalls"] = summary.proof.short_runs.len().into();
        says["notCovered"] = summary.not_covered.len().into();
        says["lostDays"] = summary.lost_days.len().into();
        says["manifestSha256"] = json!(summary.manifest.as_ref().map(|manifest| &manifest.sha256));
    }
    says
}

/// A table of the dataset, by the naming of files: its folder, on this machine.
fn output(config: &LineageConfig, table: Table, summary: Option<&Summary>) -> Value {
    let name = format!("{}/{}", folder(&config.out), table.name());
    let published = published_schema(table, config.keep_raw);
    let columns = published.columns.iter().chain(&published.partition_columns);
    let fields: Vec<Value> = columns
        .map(|column| {
            json!({ "name": column.name, "type": column.r#type, "description": column.description })
        })
        .collect();
    let source = json!({ "name": "file", "uri": "file:///" });
    let mut dataset = json!({
        "namespace": "file",
        "name": name,
        "facets": {
            "schema": facet("1-2-0/SchemaDatasetFacet", json!({ "fields": fields })),
            "dataSource": facet("1-0-1/DatasourceDatasetFacet", source),
        },
    });
    let written = summary.filter(|summary| summary.manifest.is_some());
    if let Some(counts) = written.and_then(|summary| summary.tables.get(table.name())) {
        let counts = json!({ "rowCount": counts.rows_written, "fileCount": counts.files });
        let facet = facet("1-0-2/OutputStatisticsOutputDatasetFacet", counts);
        dataset["outputFacets"] = json!({ "outputStatistics": facet });
    }
    dataset
}

/// The dataset's folder by its whole name: a catalogue knows no working folder.
fn folder(out: &str) -> String {
    let whole = path::absolute(Path::new(out));
    whole.map_or_else(|_| out.to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_from_the_end() {
        let id = "0190b4f6-7f4b-7b7c-9b8e-0123456789ab";
        let parent = Parent::parse(&format!("https://airflow/prod/dag.task/{id}")).unwrap();
        assert_eq!(parent.namespace, "https://airflow/prod");
        assert_eq!(parent.job, "dag.task");
        assert_eq!(parent.run.to_string(), id);
        for wrong in ["", "a/b/c", &format!("job/{id}"), &format!("//{id}")] {
            assert_eq!(Parent::parse(wrong), None, "{wrong}");
        }
    }
}
