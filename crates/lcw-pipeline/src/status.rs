//! What a dataset holds, read offline.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use jiff::Timestamp;
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, Manifest, Status};
use lcw_model::status::is_final;
use lcw_model::time::{date_of, parse_micros};
use lcw_transform::Table;
use serde::Serialize;

use crate::acknowledge;
use crate::children::Child;
use crate::coverage::RETENTION;
use crate::error::PipelineError;
use crate::forget;
use crate::matrix::{MatrixRow, matrix};
use crate::not_covered::NotCovered;
use crate::proof::null_when_empty;
use crate::request::FileFormat;
use crate::retention::Retention;
use crate::state::{Acknowledged, State};
use crate::tables::{layout, specs};

/// What a dataset holds, its gaps and its open runs.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetStatus {
    /// The dataset's folder.
    pub out: String,
    /// `parquet` or `ndjson`.
    pub format: String,
    /// Compression of its files.
    pub compression: String,
    /// The filter that leaves out users; null when there is none. The number of the rows of a
    /// filtered dataset proves nothing.
    pub filter: Option<String>,
    /// The properties that were asked for; null when all were.
    pub select: Option<String>,
    /// The related objects that were asked for.
    pub expand: Option<String>,
    /// The id of the key that its pseudonyms are made with; null when it holds people's ids.
    pub pseudonymisation: Option<String>,
    /// One entry per tenant.
    pub tenants: Vec<TenantStatus>,
}

/// What a dataset holds of one tenant.
#[derive(Debug, Clone, Serialize)]
pub struct TenantStatus {
    /// The tenant.
    pub tenant_id: String,
    /// By table name.
    pub tables: BTreeMap<String, TableStatus>,
    /// Runs by what is known of them.
    pub runs: RunStatus,
    /// Runs and task reports that hold fewer rows than the service counted, and workflows of which
    /// it counts more than there is.
    pub short_runs: Vec<StoredShortRun>,
    /// What the service counts and what the dataset holds, by day and workflow.
    pub matrix: Vec<MatrixRow>,
    /// What the newest export could not cover.
    pub not_covered: Vec<NotCovered>,
    /// What the service had added to its contract, as of the newest export.
    pub drift: serde_json::Value,
    /// What somebody has acknowledged, oldest first.
    pub acknowledged: Vec<Acknowledged>,
    /// How many people were forgotten.
    pub forgotten: u64,
    /// Whether some of them may be there still: `lcw forget` was stopped before its end.
    pub unfinished_forget: bool,
    /// How close the dataset is to the end of the service's memory, by this machine's clock.
    pub retention: Retention,
    /// Days that the service forgot before they were exported, or after which their files vanished.
    pub lost_days: Vec<String>,
    /// Days between the first and the last that hold no run at all; often a weekend.
    pub days_without_runs: Vec<String>,
    /// The newest export, whatever became of it.
    pub last_export: Option<ExportStatus>,
    /// The newest export that reached its end and lacked nothing but what somebody has acknowledged.
    pub last_complete_export: Option<ExportStatus>,
}

/// One table of a tenant.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TableStatus {
    /// Files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Oldest day with a file.
    pub first_day: Option<String>,
    /// Newest day with a file.
    pub last_day: Option<String>,
}

/// Stored runs by what is known of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunStatus {
    /// All runs.
    pub total: u64,
    /// Not final when last seen, and not given up.
    pub open: u64,
    /// Final, but touched by the service shortly before they were read.
    pub unsettled: u64,
    /// Final, but their results were not read in this state, or their file is gone.
    pub without_results: u64,
    /// Settled, with as many rows as the service counted.
    pub matched: u64,
    /// Settled, with fewer rows than the service counted.
    pub short: u64,
    /// Settled, with more rows than the service counted.
    pub over: u64,
    /// Forgotten by the service before they were final.
    pub expired: u64,
    /// Settled, with as many task results as the service counted.
    pub tasks_matched: u64,
    /// Settled, with fewer task results than the service counted.
    pub tasks_short: u64,
    /// Settled, with more task results than the service counted.
    pub tasks_over: u64,
}

/// Something stored with fewer rows than the service counted.
#[derive(Debug, Clone, Serialize)]
pub struct StoredShortRun {
    /// The table that lacks rows.
    pub table: String,
    /// The workflow.
    pub workflow_id: String,
    /// The run; empty, and null in JSON, when it is the workflow as a whole that is short.
    #[serde(serialize_with = "null_when_empty")]
    pub run_id: String,
    /// The day under which it is stored; empty, and null in JSON, as before.
    #[serde(serialize_with = "null_when_empty")]
    pub run_date: String,
    /// What the service counted.
    pub counted: Option<i64>,
    /// Rows fetched in the last reading.
    pub fetched: Option<i64>,
    /// Why somebody has acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<String>,
}

/// One export, from its manifest.
#[derive(Debug, Clone, Serialize)]
pub struct ExportStatus {
    /// Its id.
    pub export_id: String,
    /// `export` or `backfill`.
    pub kind: String,
    /// `running`, `done`, `partial`, `interrupted` or `failed`.
    pub status: Status,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339; null when it did not end by itself.
    pub finished_at: Option<String>,
}

pub(crate) fn no_dataset(out: &Path) -> PipelineError {
    PipelineError::Usage {
        message: format!("there is no dataset in {}", out.display()),
        remedy: "name the folder that `lcw export` writes to with --out".to_owned(),
    }
}

/// Reads the state of the dataset in `out`.
///
/// # Errors
/// When there is no dataset, or one of its files cannot be read.
pub fn status(out: &Path) -> Result<DatasetStatus, PipelineError> {
    let identity = Dataset::inspect(out)?.ok_or_else(|| no_dataset(out))?;
    let format = FileFormat::from_names(&identity.format, &identity.compression)
        .ok_or_else(|| no_dataset(out))?
        .loader();
    let tables = specs(&layout(format.as_ref(), false))?;
    let dataset = Dataset::open(out, format, tables)?;
    let tenants = identity
        .tenants
        .iter()
        .map(|tenant| tenant_status(&dataset, tenant))
        .collect::<Result<_, DatasetError>>()?;
    Ok(DatasetStatus {
        out: out.display().to_string(),
        format: identity.format,
        compression: identity.compression,
        filter: identity.filter,
        select: identity.select,
        expand: identity.expand,
        pseudonymisation: identity.pseudonymisation,
        tenants,
    })
}

fn tenant_status(dataset: &Dataset, tenant: &str) -> Result<TenantStatus, DatasetError> {
    let mut tables = BTreeMap::new();
    for table in Table::ALL {
        tables.insert(
            table.name().to_owned(),
            table_status(dataset, tenant, table)?,
        );
    }
    let record = Record::read(dataset, tenant)?;
    let state = record.state;
    let (runs, mut short_runs) = run_status(dataset, tenant)?;
    short_runs.extend(short_reports(dataset, tenant)?);
    short_runs.extend(doubts(&state));
    for short in &mut short_runs {
        short.acknowledged = state.reason_for_stored(short).map(str::to_owned);
    }
    let oldest = match record.listed_at {
        Some(listed_at) => oldest_run(dataset, tenant, listed_at - RETENTION)?,
        None => None,
    };
    let lost = state.all_lost_days();
    let now = Timestamp::now().as_microsecond();
    Ok(TenantStatus {
        tenant_id: tenant.to_owned(),
        tables,
        runs,
        short_runs,
        matrix: matrix(dataset, tenant, &record.not_covered)?,
        not_covered: record.not_covered,
        drift: record.drift,
        acknowledged: state.acknowledged.clone(),
        forgotten: state
            .tombstones
            .as_ref()
            .map_or(0, |them| them.len() as u64),
        unfinished_forget: state.unfinished_forget().is_some(),
        retention: Retention::new(now, oldest, record.last_good, lost.clone()),
        lost_days: lost,
        days_without_runs: days_without_runs(&dataset.days(Table::Runs.name(), tenant)?),
        last_export: record.last_export,
        last_complete_export: record.last_complete,
    })
}

/// What the manifests of a tenant say.
#[derive(Default)]
struct Record {
    state: State,
    last_export: Option<ExportStatus>,
    last_complete: Option<ExportStatus>,
    /// When the newest incremental export that reached its end began, complete or not, in
    /// microseconds.
    last_good: Option<i64>,
    /// When it listed the runs, by the service's clock.
    listed_at: Option<i64>,
    not_covered: Vec<NotCovered>,
    drift: serde_json::Value,
}

impl Record {
    fn read(dataset: &Dataset, tenant: &str) -> Result<Self, DatasetError> {
        let mut record = Self::default();
        let mut is_newest = true;
        for manifest in dataset.manifests()? {
            let manifest = manifest?;
            if manifest.tenant_id != tenant {
                continue;
            }
            if std::mem::take(&mut is_newest) {
                record.state = State::of(&manifest);
            }
            if [acknowledge::KIND, forget::KIND].contains(&&*manifest.kind) {
                continue;
            }
            if record.last_export.is_none() {
                record.last_export = Some(export_status(&manifest));
                let missing = manifest.not_covered.clone();
                record.not_covered = serde_json::from_value(missing).unwrap_or_default();
                record.drift = manifest.drift.clone();
            }
            let is_over = matches!(manifest.status, Status::Done | Status::Partial);
            if manifest.kind != "export" || !is_over {
                continue;
            }
            if record.last_good.is_none() {
                record.last_good = Some(manifest.started_at.as_microsecond());
                let listings = manifest.listings.values();
                record.listed_at = listings.map(|it| it.listed_at.as_microsecond()).max();
            }
            if record.state.is_complete(&manifest) {
                record.last_complete = Some(export_status(&manifest));
                break;
            }
        }
        Ok(record)
    }
}

impl State {
    /// Whether an export that reached its end lacked nothing but what has been acknowledged since.
    fn is_complete(&self, export: &Manifest) -> bool {
        let is_run = |known: &&Acknowledged| {
            known.table == Table::UserProcessingResults.name() && !known.run_id.is_empty()
        };
        // The manifest has the number of its short runs, not their names.
        let acknowledged = self.acknowledged.iter().filter(is_run).count();
        let is_known = |short: StoredShortRun| self.reason_for_stored(&short).is_some();
        export.status == Status::Done
            && export.proof.short <= acknowledged as u64
            && doubts(&Self::of(export)).all(is_known)
    }
}

/// Schedule of the oldest stored run that is scheduled at or after `from`, in microseconds.
fn oldest_run(dataset: &Dataset, tenant: &str, from: i64) -> Result<Option<i64>, DatasetError> {
    let table = Table::Runs.name();
    let days = dataset.days(table, tenant)?.into_iter();
    for day in days.filter(|day| *day >= date_of(from)) {
        let columns = Some(&["scheduled_date_time"][..]);
        let mut oldest: Option<i64> = None;
        for batch in dataset
            .read(table, tenant, Some(day), columns)?
            .into_iter()
            .flatten()
        {
            let batch = batch?;
            let instants = (0..batch.num_rows()).filter_map(|row| instant(batch.column(0), row));
            oldest = oldest
                .into_iter()
                .chain(instants.filter(|at| *at >= from))
                .min();
        }
        if oldest.is_some() {
            return Ok(oldest);
        }
    }
    Ok(None)
}

/// A point in time, whichever way the dataset's format stores it.
fn instant(column: &dyn Array, row: usize) -> Option<i64> {
    if !column.is_valid(row) {
        return None;
    }
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(micros) => Some(micros.value(row)),
        None => parse_micros(column.as_string::<i32>().value(row)).ok(),
    }
}

/// Task reports with fewer task results than they count.
fn short_reports(dataset: &Dataset, tenant: &str) -> Result<Vec<StoredShortRun>, DatasetError> {
    const COLUMNS: [&str; 5] = [
        "workflow_id",
        "run_id",
        "_lcw_proof",
        "total_users_count",
        "_lcw_task_rows",
    ];
    let table = Table::TaskReports.name();
    let mut short = Vec::new();
    for day in dataset.days(table, tenant)? {
        let batches = dataset.read(table, tenant, Some(day), Some(&COLUMNS))?;
        for batch in batches.into_iter().flatten() {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let values = Values { batch: &batch, row };
                if values.text(2) == "short" {
                    short.push(StoredShortRun {
                        table: table.to_owned(),
                        workflow_id: values.text(0).to_owned(),
                        run_id: values.text(1).to_owned(),
                        run_date: day.to_string(),
                        counted: values.number(3).map(i64::from),
                        fetched: values.number(4).map(i64::from),
                        acknowledged: None,
                    });
                }
            }
        }
    }
    Ok(short)
}

/// Workflows of which the service counts more than there is.
fn doubts(state: &State) -> impl Iterator<Item = StoredShortRun> + '_ {
    state.doubted.iter().flat_map(|(workflow, doubts)| {
        doubts.iter().map(|doubt| StoredShortRun {
            table: doubt.table.clone(),
            workflow_id: workflow.clone(),
            run_id: String::new(),
            run_date: String::new(),
            counted: Some(doubt.counted),
            fetched: Some(doubt.held),
            acknowledged: None,
        })
    })
}

/// One row of a batch whose columns were chosen by the caller.
#[derive(Clone, Copy)]
struct Values<'b> {
    batch: &'b RecordBatch,
    row: usize,
}

impl<'b> Values<'b> {
    /// Text; empty for NULL.
    fn text(self, column: usize) -> &'b str {
        let column: &StringArray = self.batch.column(column).as_string();
        if column.is_valid(self.row) {
            column.value(self.row)
        } else {
            ""
        }
    }

    fn number(self, column: usize) -> Option<i32> {
        let column: &Int32Array = self.batch.column(column).as_primitive::<Int32Type>();
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    fn is_true(self, column: usize) -> bool {
        let column: &BooleanArray = self.batch.column(column).as_boolean();
        column.is_valid(self.row) && column.value(self.row)
    }
}

fn export_status(manifest: &Manifest) -> ExportStatus {
    ExportStatus {
        export_id: manifest.export_id.clone(),
        kind: manifest.kind.clone(),
        status: manifest.status,
        started_at: manifest.started_at.to_string(),
        finished_at: manifest.finished_at.map(|at| at.to_string()),
    }
}

fn table_status(
    dataset: &Dataset,
    tenant: &str,
    table: Table,
) -> Result<TableStatus, DatasetError> {
    let mut status = TableStatus::default();
    for file in dataset.files(table.name(), tenant)? {
        status.files += 1;
        status.bytes += file.bytes;
        status.rows += dataset.count(table.name(), tenant, file.day)?.unwrap_or(0);
        let day = file.day.map(|day| day.to_string());
        status.first_day = status.first_day.or_else(|| day.clone());
        status.last_day = day;
    }
    Ok(status)
}

fn days_without_runs(days: &[Date]) -> Vec<String> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Vec::new();
    };
    first
        .series(jiff::Span::new().days(1))
        .take_while(|day| day < last)
        .filter(|day| days.binary_search(day).is_err())
        .map(|day| day.to_string())
        .collect()
}

const RUN_COLUMNS: [&str; 10] = [
    "workflow_id",
    "id",
    "processing_status",
    "_lcw_settled",
    "_lcw_proof",
    "total_users_count",
    "_lcw_result_rows",
    "_lcw_task_proof",
    "total_tasks_count",
    "_lcw_task_rows",
];

fn run_status(
    dataset: &Dataset,
    tenant: &str,
) -> Result<(RunStatus, Vec<StoredShortRun>), DatasetError> {
    let mut status = RunStatus::default();
    let mut short_runs = Vec::new();
    let with_results = dataset.days(Table::UserProcessingResults.name(), tenant)?;
    for day in dataset.days(Table::Runs.name(), tenant)? {
        let has_results = with_results.binary_search(&day).is_ok();
        let batches = dataset.read(Table::Runs.name(), tenant, Some(day), Some(&RUN_COLUMNS))?;
        for batch in batches.into_iter().flatten() {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let values = Values { batch: &batch, row };
                status.add(values, has_results);
                short_runs.extend(short_of(values, day));
            }
        }
    }
    Ok((status, short_runs))
}

impl RunStatus {
    fn add(&mut self, run: Values<'_>, has_results: bool) {
        let is_final = is_final(run.text(2));
        let is_settled = run.is_true(3);
        let proof = run.text(4);
        self.total += 1;
        self.open += u64::from(!is_final && proof != "expired");
        self.unsettled += u64::from(is_final && !is_settled);
        // Rows that were read, but whose file somebody took away, are not there.
        let is_gone = !has_results && run.number(6).is_some_and(|rows| rows > 0);
        self.without_results += u64::from(is_final && (is_gone || run.number(6).is_none()));
        self.expired += u64::from(proof == "expired");
        // Until then its verdicts are provisional.
        if !is_settled {
            return;
        }
        match proof {
            "matched" | "over" if is_gone => {}
            "matched" => self.matched += 1,
            "over" => self.over += 1,
            "short" => self.short += 1,
            _ => {}
        }
        match run.text(7) {
            "matched" => self.tasks_matched += 1,
            "over" => self.tasks_over += 1,
            "short" => self.tasks_short += 1,
            _ => {}
        }
    }
}

/// The tables of which a settled run has fewer rows than the service counted.
fn short_of(run: Values<'_>, day: Date) -> impl Iterator<Item = StoredShortRun> {
    let short = |child: Child, proof: usize, counted: usize, fetched: usize| {
        (run.is_true(3) && run.text(proof) == "short").then(|| StoredShortRun {
            table: child.table().name().to_owned(),
            workflow_id: run.text(0).to_owned(),
            run_id: run.text(1).to_owned(),
            run_date: day.to_string(),
            counted: run.number(counted).map(i64::from),
            fetched: run.number(fetched).map(i64::from),
            acknowledged: None,
        })
    };
    [short(Child::Results, 4, 5, 6), short(Child::Tasks, 7, 8, 9)]
        .into_iter()
        .flatten()
}
