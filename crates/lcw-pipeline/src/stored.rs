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
    pub(crate) result_rows: Option<i32>,
    pub(crate) is_short: bool,
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
    pub(crate) fn is_awaited(&self, wants_results: bool) -> bool {
        match &*self.status {
            "queued" | "inProgress" | "canceling" => !self.is_expired,
            status if is_final(status) => {
                !self.settled || (wants_results && self.result_rows.is_none())
            }
            _ => false,
        }
    }
}

/// Stored runs by workflow and run id.
#[derive(Debug, Default)]
pub(crate) struct StoredRuns {
    by_workflow: HashMap<Box<str>, HashMap<Box<str>, StoredRun>>,
    /// Days whose runs were read, but whose file of results is gone.
    gone: BTreeSet<Date>,
}

const RUN_COLUMNS: [&str; 8] = [
    "workflow_id",
    "id",
    "processing_status",
    "scheduled_date_time",
    "last_updated_date_time",
    "_lcw_settled",
    "_lcw_result_rows",
    "_lcw_proof",
];

impl StoredRuns {
    /// Reads the runs stored under `from` or a later day.
    pub(crate) fn read(dataset: &Dataset, tenant: &str, from: Date) -> Result<Self, DatasetError> {
        let mut runs = Self::default();
        let results = dataset.days("user_processing_results", tenant)?;
        for day in dataset
            .days("runs", tenant)?
            .into_iter()
            .filter(|day| *day >= from)
        {
            if let Some(reader) = dataset.read("runs", tenant, Some(day), Some(&RUN_COLUMNS))? {
                let has_results = results.binary_search(&day).is_ok();
                for batch in reader {
                    runs.add(&batch?, day, has_results);
                }
            }
        }
        Ok(runs)
    }

    /// What the operator should know about files that are gone.
    pub(crate) fn warning(&self) -> Option<String> {
        let days: Vec<String> = self.gone.iter().map(Date::to_string).collect();
        (!days.is_empty()).then(|| {
            format!(
                "the results of {} are gone from the dataset: their runs are read again as far as \
                 the service still has them",
                days.join(", ")
            )
        })
    }

    /// Whether runs are stored under this day, and all results that were read for them.
    pub(crate) fn is_whole(&self, day: Date) -> bool {
        let mut runs = self.by_workflow.values().flat_map(HashMap::values);
        !self.gone.contains(&day) && runs.any(|run| run.day == day)
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

    fn add(&mut self, batch: &RecordBatch, day: Date, has_results: bool) {
        let workflow: &StringArray = batch.column(0).as_string();
        let id: &StringArray = batch.column(1).as_string();
        let status: &StringArray = batch.column(2).as_string();
        let scheduled = Instants::new(batch.column(3));
        let last_updated = Instants::new(batch.column(4));
        let settled: &BooleanArray = batch.column(5).as_boolean();
        let result_rows: &Int32Array = batch.column(6).as_primitive::<Int32Type>();
        let proof: &StringArray = batch.column(7).as_string();
        for row in 0..batch.num_rows() {
            let status: Box<str> = if status.is_null(row) {
                "".into()
            } else {
                status.value(row).into()
            };
            let mut read_rows = result_rows.is_valid(row).then(|| result_rows.value(row));
            if !has_results && read_rows.is_some_and(|rows| rows > 0) {
                self.gone.insert(day);
                read_rows = None;
            }
            let run = StoredRun {
                day,
                scheduled: scheduled.at(row),
                scheduled_text: if is_final(&status) {
                    Box::default()
                } else {
                    scheduled.text(row)
                },
                last_updated: last_updated.at(row),
                status,
                settled: settled.is_valid(row) && settled.value(row),
                result_rows: read_rows,
                is_short: proof.is_valid(row) && proof.value(row) == "short",
                is_expired: proof.is_valid(row) && proof.value(row) == "expired",
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
}

/// Reads the stored workflows by id.
pub(crate) fn stored_workflows(
    dataset: &Dataset,
    tenant: &str,
) -> Result<HashMap<String, StoredWorkflow>, DatasetError> {
    const COLUMNS: [&str; 4] = [
        "id",
        "last_modified_date_time",
        "version",
        "deleted_date_time",
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
        for row in 0..batch.num_rows() {
            let workflow = StoredWorkflow {
                last_modified: last_modified.at(row),
                version: version.is_valid(row).then(|| version.value(row)),
                is_deleted: batch.column(3).is_valid(row),
            };
            workflows.insert(id.value(row).to_owned(), workflow);
        }
    }
    Ok(workflows)
}
