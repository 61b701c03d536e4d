//! What the dataset already holds of the runs and workflows the service may still have.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError};
use lcw_model::status::is_final;
use lcw_model::time::{format_micros, parse_micros};
use lcw_transform::Table;

use crate::children::{Child, ChildSet, PerChild};
use crate::decide::Reading;
use crate::listing::ListedRun;

/// The stored state of one run.
#[derive(Debug, Clone)]
pub(crate) struct StoredRun {
    /// The day it is stored under, for good.
    pub(crate) day: Date,
    pub(crate) scheduled: Option<i64>,
    /// The same as it is stored; of open runs only.
    pub(crate) scheduled_text: Box<str>,
    pub(crate) last_updated: Option<i64>,
    pub(crate) status: Box<str>,
    pub(crate) settled: bool,
    /// Rows read of each table for this state of the run.
    pub(crate) rows: PerChild<Option<i32>>,
    /// Task reports read for this state of the run.
    pub(crate) report_rows: Option<i32>,
    /// Tables of which the service counted more rows than it returned.
    pub(crate) short: ChildSet,
    pub(crate) is_expired: bool,
}

impl StoredRun {
    /// Whether the service shows the run in the state in which it was stored.
    pub(crate) fn same_state(&self, listed: &ListedRun, settled: bool) -> bool {
        self.last_updated == listed.last_updated
            && self.status == listed.status
            && self.settled == settled
    }

    /// Not final when it was stored, and not given up.
    pub(crate) fn is_open(&self) -> bool {
        !is_final(&self.status) && !self.is_expired
    }

    /// Whether it is asked for by its id when no listing brings it: it was known to be on its way,
    /// or it was final but not yet read for good. Other statuses age out of the lookback.
    pub(crate) fn is_awaited(&self, wanted: Reading) -> bool {
        match &*self.status {
            "queued" | "inProgress" | "canceling" => !self.is_expired,
            status if is_final(status) => !self.settled || self.lacks(wanted),
            _ => false,
        }
    }

    /// Whether something of `wanted` that the service may not refuse was never read.
    pub(crate) fn lacks(&self, wanted: Reading) -> bool {
        let mut required = wanted.children.required().iter();
        required.any(|child| self.rows[child].is_none())
    }

    /// What of `wanted` was not read for this state of the run, or not all of it.
    pub(crate) fn missing(&self, wanted: Reading) -> Reading {
        // Subjects that are not users are counted with the users.
        let is_short = |child| {
            self.short.contains(child)
                || (child == Child::Subjects && self.short.contains(Child::Results))
        };
        let is_missing = |child: &Child| self.rows[*child].is_none() || is_short(*child);
        let children: ChildSet = wanted.children.iter().filter(is_missing).collect();
        // What task reports prove depends on the task results: they are read again together.
        let is_moved = self.report_rows.is_none() || children.contains(Child::Tasks);
        Reading {
            children,
            reports: wanted.reports && is_moved,
        }
    }
}

/// Stored runs by workflow and run id.
#[derive(Debug, Default)]
pub(crate) struct StoredRuns {
    by_workflow: HashMap<Box<str>, HashMap<Box<str>, StoredRun>>,
    /// Tables and days whose rows were read, but whose file is gone.
    gone: BTreeSet<(&'static str, Date)>,
    /// The export with the greatest id of those that wrote a run.
    newest_export: Option<Box<str>>,
}

const RUN_COLUMNS: [&str; 14] = [
    "workflow_id",
    "id",
    "processing_status",
    "scheduled_date_time",
    "last_updated_date_time",
    "_lcw_settled",
    "_lcw_proof",
    "_lcw_task_proof",
    Child::Results.marker(),
    Child::Tasks.marker(),
    Child::Subjects.marker(),
    Child::Reprocessed.marker(),
    "_lcw_report_rows",
    "_lcw_export_id",
];

/// Where the markers stand among the columns read, in the order of [`Child::ALL`].
const FIRST_MARKER: usize = 8;
const REPORT_MARKER: usize = 12;
const EXPORT_ID: usize = 13;

impl StoredRuns {
    /// Reads the runs stored under `from` or a later day.
    pub(crate) fn read(dataset: &Dataset, tenant: &str, from: Date) -> Result<Self, DatasetError> {
        let mut runs = Self::default();
        let days = |table: Table| dataset.days(table.name(), tenant);
        let mut kept = PerChild::default();
        for child in Child::ALL {
            kept[child] = days(child.table())?;
        }
        let with_reports = days(Table::TaskReports)?;
        for day in days(Table::Runs)?.into_iter().filter(|day| *day >= from) {
            if let Some(reader) = dataset.read("runs", tenant, Some(day), Some(&RUN_COLUMNS))? {
                let files = Files {
                    day,
                    of: PerChild::of(|child| kept[child].binary_search(&day).is_ok()),
                    of_reports: with_reports.binary_search(&day).is_ok(),
                };
                for batch in reader {
                    runs.add(&batch?, &files);
                }
            }
        }
        Ok(runs)
    }

    /// What the operator should know about files that are gone.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let of_table = |rows: &[&(&'static str, Date)]| {
            let days: Vec<String> = rows.iter().map(|(_, day)| day.to_string()).collect();
            format!(
                "rows of {} of {} are gone from the dataset: their runs are read again as far as \
                 the service still has them",
                rows[0].0,
                days.join(", ")
            )
        };
        let gone: Vec<_> = self.gone.iter().collect();
        gone.chunk_by(|a, b| a.0 == b.0).map(of_table).collect()
    }

    /// Whether a warning tells of a table's rows of a day.
    pub(crate) fn is_gone(&self, table: &str, day: Date) -> bool {
        self.gone.iter().any(|gone| *gone == (table, day))
    }

    /// The export with the greatest id of those that wrote a run.
    pub(crate) fn newest_export(&self) -> Option<&str> {
        self.newest_export.as_deref()
    }

    /// Whether runs are stored under this day, and all results that were read for them.
    pub(crate) fn is_whole(&self, day: Date) -> bool {
        let mut runs = self.by_workflow.values().flat_map(HashMap::values);
        !self.gone.iter().any(|(_, gone)| *gone == day) && runs.any(|run| run.day == day)
    }

    pub(crate) fn get(&self, workflow: &str, run: &str) -> Option<&StoredRun> {
        self.by_workflow.get(workflow)?.get(run)
    }

    /// Every stored run with its workflow's id and its own.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, &StoredRun)> {
        self.by_workflow.iter().flat_map(|(workflow, runs)| {
            runs.iter().map(move |(id, run)| (&**workflow, &**id, run))
        })
    }

    fn add(&mut self, batch: &RecordBatch, files: &Files) {
        let workflow: &StringArray = batch.column(0).as_string();
        let id: &StringArray = batch.column(1).as_string();
        let status: &StringArray = batch.column(2).as_string();
        let scheduled = Instants::new(batch.column(3));
        let last_updated = Instants::new(batch.column(4));
        let settled: &BooleanArray = batch.column(5).as_boolean();
        let proof: &StringArray = batch.column(6).as_string();
        let task_proof: &StringArray = batch.column(7).as_string();
        let export_id: &StringArray = batch.column(EXPORT_ID).as_string();
        let newest = export_id.iter().flatten().max();
        if newest > self.newest_export.as_deref() {
            self.newest_export = newest.map(Into::into);
        }
        for row in 0..batch.num_rows() {
            let status: Box<str> = if status.is_null(row) {
                "".into()
            } else {
                status.value(row).into()
            };
            let says =
                |proof: &StringArray, verdict| proof.is_valid(row) && proof.value(row) == verdict;
            let short = [(Child::Results, proof), (Child::Tasks, task_proof)];
            let run = StoredRun {
                day: files.day,
                scheduled: scheduled.at(row),
                scheduled_text: if is_final(&status) {
                    Box::default()
                } else {
                    scheduled.text(row)
                },
                last_updated: last_updated.at(row),
                status,
                settled: settled.is_valid(row) && settled.value(row),
                rows: PerChild::of(|child| {
                    let marker = batch.column(FIRST_MARKER + child as usize);
                    self.rows_read(marker, row, files.of[child], child.table(), files.day)
                }),
                report_rows: {
                    let marker = batch.column(REPORT_MARKER);
                    let table = Table::TaskReports;
                    self.rows_read(marker, row, files.of_reports, table, files.day)
                },
                short: short
                    .into_iter()
                    .filter_map(|(child, proof)| says(proof, "short").then_some(child))
                    .collect(),
                is_expired: says(proof, "expired"),
            };
            if !self.by_workflow.contains_key(workflow.value(row)) {
                self.by_workflow
                    .insert(workflow.value(row).into(), HashMap::new());
            }
            if let Some(runs) = self.by_workflow.get_mut(workflow.value(row)) {
                runs.insert(id.value(row).into(), run);
            }
        }
    }

    /// How many rows of a table the run's row says were read; none when their file is gone.
    fn rows_read(
        &mut self,
        marker: &dyn Array,
        row: usize,
        has_file: bool,
        table: Table,
        day: Date,
    ) -> Option<i32> {
        let marker: &Int32Array = marker.as_primitive::<Int32Type>();
        let rows = marker.is_valid(row).then(|| marker.value(row))?;
        if !has_file && rows > 0 {
            self.gone.insert((table.name(), day));
            return None;
        }
        Some(rows)
    }
}

/// Which tables have a file for a day.
struct Files {
    day: Date,
    of: PerChild<bool>,
    of_reports: bool,
}

/// A timestamp column, whichever way the dataset's format stores it.
enum Instants<'a> {
    Micros(&'a TimestampMicrosecondArray),
    AsSent(&'a StringArray),
}

impl<'a> Instants<'a> {
    fn new(column: &'a dyn Array) -> Self {
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(micros) => Self::Micros(micros),
            None => Self::AsSent(column.as_string()),
        }
    }

    fn text(&self, row: usize) -> Box<str> {
        match self {
            Self::Micros(array) if array.is_valid(row) => format_micros(array.value(row)).into(),
            Self::AsSent(array) if array.is_valid(row) => array.value(row).into(),
            Self::Micros(_) | Self::AsSent(_) => Box::default(),
        }
    }

    fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Micros(array) => array.is_valid(row).then(|| array.value(row)),
            Self::AsSent(array) if array.is_valid(row) => parse_micros(array.value(row)).ok(),
            Self::AsSent(_) => None,
        }
    }
}

/// What decides whether a workflow's details are asked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredWorkflow {
    pub(crate) last_modified: Option<i64>,
    pub(crate) version: Option<i32>,
    pub(crate) is_deleted: bool,
    /// When a list last named it.
    pub(crate) last_seen: Option<i64>,
}

/// Reads the stored workflows by id.
pub(crate) fn stored_workflows(
    dataset: &Dataset,
    tenant: &str,
) -> Result<HashMap<String, StoredWorkflow>, DatasetError> {
    const COLUMNS: [&str; 5] = [
        "id",
        "last_modified_date_time",
        "version",
        "deleted_date_time",
        "_lcw_last_seen",
    ];
    let mut workflows = HashMap::new();
    let Some(reader) = dataset.read("workflows", tenant, None, Some(&COLUMNS))? else {
        return Ok(workflows);
    };
    for batch in reader {
        let batch = batch?;
        let id: &StringArray = batch.column(0).as_string();
        let last_modified = Instants::new(batch.column(1));
        let version: &Int32Array = batch.column(2).as_primitive::<Int32Type>();
        let last_seen = Instants::new(batch.column(4));
        for row in 0..batch.num_rows() {
            let workflow = StoredWorkflow {
                last_modified: last_modified.at(row),
                version: version.is_valid(row).then(|| version.value(row)),
                is_deleted: batch.column(3).is_valid(row),
                last_seen: last_seen.at(row),
            };
            workflows.insert(id.value(row).to_owned(), workflow);
        }
    }
    Ok(workflows)
}

/// Reads which versions of workflows are stored with their details.
pub(crate) fn stored_versions(
    dataset: &Dataset,
    tenant: &str,
) -> Result<BTreeSet<(String, i32)>, DatasetError> {
    const COLUMNS: [&str; 3] = ["workflow_id", "version_number", "tasks"];
    let mut versions = BTreeSet::new();
    let table = Table::WorkflowVersions.name();
    let Some(reader) = dataset.read(table, tenant, None, Some(&COLUMNS))? else {
        return Ok(versions);
    };
    for batch in reader {
        let batch = batch?;
        let workflow: &StringArray = batch.column(0).as_string();
        let number: &Int32Array = batch.column(1).as_primitive::<Int32Type>();
        for row in 0..batch.num_rows() {
            // The list of versions does not contain tasks.
            if batch.column(2).is_valid(row) {
                versions.insert((workflow.value(row).to_owned(), number.value(row)));
            }
        }
    }
    Ok(versions)
}
