//! What a dataset holds, read offline.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, Manifest, Status};
use lcw_model::status::is_final;
use lcw_transform::Table;
use serde::Serialize;

use crate::error::PipelineError;
use crate::request::FileFormat;
use crate::state::State;
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
    /// Runs that hold fewer rows than the service counted.
    pub short_runs: Vec<StoredShortRun>,
    /// Days that the service forgot before they were exported.
    pub lost_days: Vec<String>,
    /// Days between the first and the last that hold no run at all; often a weekend.
    pub days_without_runs: Vec<String>,
    /// The newest export, whatever became of it.
    pub last_export: Option<ExportStatus>,
    /// The newest export that reached its end.
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
    /// As many rows as the service counted.
    pub matched: u64,
    /// Fewer rows than the service counted.
    pub short: u64,
    /// More rows than the service counted.
    pub over: u64,
    /// Forgotten by the service before they were final.
    pub expired: u64,
}

/// A stored run with fewer rows than the service counted.
#[derive(Debug, Clone, Serialize)]
pub struct StoredShortRun {
    /// The run's workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// The day under which it is stored.
    pub run_date: String,
    /// The service's `totalUsersCount`.
    pub counted: Option<i32>,
    /// Rows fetched in the last reading.
    pub fetched: Option<i32>,
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

/// Reads the state of the dataset in `out`.
///
/// # Errors
/// When there is no dataset, or one of its files cannot be read.
pub fn status(out: &Path) -> Result<DatasetStatus, PipelineError> {
    let missing = || PipelineError::Usage {
        message: format!("there is no dataset in {}", out.display()),
        remedy: "name the folder that `lcw export` writes to with --out".to_owned(),
    };
    let identity = Dataset::inspect(out)?.ok_or_else(missing)?;
    let format = FileFormat::from_names(&identity.format, &identity.compression)
        .ok_or_else(missing)?
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
    let (mut last_export, mut last_complete, mut state) = (None, None, None);
    for manifest in dataset.manifests()? {
        let manifest = manifest?;
        if manifest.tenant_id != tenant {
            continue;
        }
        state.get_or_insert_with(|| {
            serde_json::from_value::<State>(manifest.state.clone()).unwrap_or_default()
        });
        last_export.get_or_insert_with(|| export_status(&manifest));
        if manifest.kind == "export" && matches!(manifest.status, Status::Done | Status::Partial) {
            last_complete = Some(export_status(&manifest));
            break;
        }
    }
    let (runs, short_runs) = run_status(dataset, tenant)?;
    Ok(TenantStatus {
        tenant_id: tenant.to_owned(),
        tables,
        runs,
        short_runs,
        lost_days: state.unwrap_or_default().lost_days.into_iter().collect(),
        days_without_runs: days_without_runs(&dataset.days(Table::Runs.name(), tenant)?),
        last_export,
        last_complete_export: last_complete,
    })
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

fn run_status(
    dataset: &Dataset,
    tenant: &str,
) -> Result<(RunStatus, Vec<StoredShortRun>), DatasetError> {
    const COLUMNS: [&str; 7] = [
        "workflow_id",
        "id",
        "processing_status",
        "_lcw_settled",
        "_lcw_proof",
        "total_users_count",
        "_lcw_result_rows",
    ];
    let mut status = RunStatus::default();
    let mut short_runs = Vec::new();
    let with_results = dataset.days(Table::UserProcessingResults.name(), tenant)?;
    for day in dataset.days(Table::Runs.name(), tenant)? {
        let has_results = with_results.binary_search(&day).is_ok();
        let Some(batches) = dataset.read(Table::Runs.name(), tenant, Some(day), Some(&COLUMNS))?
        else {
            continue;
        };
        for batch in batches {
            let batch = batch?;
            let text = |column: usize| -> &StringArray { batch.column(column).as_string() };
            let settled: &BooleanArray = batch.column(3).as_boolean();
            let number = |column: usize, row: usize| {
                let column: &Int32Array = batch.column(column).as_primitive::<Int32Type>();
                column.is_valid(row).then(|| column.value(row))
            };
            for row in 0..batch.num_rows() {
                let known = |column: usize| {
                    if text(column).is_valid(row) {
                        text(column).value(row)
                    } else {
                        ""
                    }
                };
                let is_final = is_final(known(2));
                let proof = known(4);
                status.total += 1;
                status.open += u64::from(!is_final && proof != "expired");
                let is_settled = settled.is_valid(row) && settled.value(row);
                status.unsettled += u64::from(is_final && !is_settled);
                // Rows that were read, but whose file somebody took away, are not there.
                let is_gone = !has_results && number(6, row).is_some_and(|rows| rows > 0);
                status.without_results +=
                    u64::from(is_final && (is_gone || number(6, row).is_none()));
                match proof {
                    "matched" | "over" if is_gone => {}
                    "matched" => status.matched += 1,
                    "over" => status.over += 1,
                    "expired" => status.expired += 1,
                    "short" => {
                        status.short += 1;
                        short_runs.push(StoredShortRun {
                            workflow_id: known(0).to_owned(),
                            run_id: known(1).to_owned(),
                            run_date: day.to_string(),
                            counted: number(5, row),
                            fetched: number(6, row),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
    Ok((status, short_runs))
}
