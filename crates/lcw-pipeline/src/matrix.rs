//! The matrix of the count proof: per workflow and day, what the service counts, what the dataset
//! holds, and what that proves.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError};
use lcw_transform::Table;
use serde::Serialize;

use crate::children::Child;

/// What the service counts beside what the dataset holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What the service counted, over the runs that were read.
    pub counted: i64,
    /// Rows in the dataset's files.
    pub held: i64,
}

/// One workflow on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
    /// The workflow.
    pub workflow_id: String,
    /// Its name, as far as it is stored.
    pub workflow: Option<String>,
    /// The day of its runs.
    pub run_date: String,
    /// Runs stored.
    pub runs: u64,
    /// Of those, runs that are open, not settled, or not read: their counts prove nothing yet.
    pub undecided: u64,
    /// Of those, runs that are short.
    pub short: u64,
    /// Users: `totalUsersCount` beside rows of `user_processing_results`, over the runs read.
    pub users: Cell,
    /// Tasks: `totalTasksCount` beside rows of `task_processing_results`, over the runs read.
    pub tasks: Cell,
    /// `matched`, `short`, `over`, `open` (something may still come), or `unproven`.
    pub verdict: &'static str,
}

const COLUMNS: [&str; 8] = [
    "workflow_id",
    "id",
    "total_users_count",
    "total_tasks_count",
    "_lcw_result_rows",
    "_lcw_task_rows",
    "_lcw_proof",
    "_lcw_task_proof",
];

/// The rows of a tenant's matrix, by day and workflow.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn matrix(dataset: &Dataset, tenant: &str) -> Result<Vec<MatrixRow>, DatasetError> {
    let names = names(dataset, tenant)?;
    let mut rows = Vec::new();
    for day in dataset.days(Table::Runs.name(), tenant)? {
        let held = Held {
            users: rows_by_run(dataset, tenant, day, Child::Results)?,
            tasks: rows_by_run(dataset, tenant, day, Child::Tasks)?,
        };
        let mut by_workflow = BTreeMap::<String, MatrixRow>::new();
        let batches = dataset.read(Table::Runs.name(), tenant, Some(day), Some(&COLUMNS))?;
        for batch in batches.into_iter().flatten() {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let run = StoredCounts::read(&batch, row);
                let of_workflow = by_workflow.entry(run.workflow.to_owned());
                of_workflow.or_default().add(&run, &held);
            }
        }
        rows.extend(by_workflow.into_iter().map(|(workflow, mut row)| {
            row.workflow = names.get(&workflow).cloned();
            row.run_date = day.to_string();
            row.verdict = row.verdict();
            row.workflow_id = workflow;
            row
        }));
    }
    Ok(rows)
}

/// Rows of the tables below the runs of one day, by workflow and run.
struct Held {
    users: HashMap<(String, String), i64>,
    tasks: HashMap<(String, String), i64>,
}

/// What one run's row says.
struct StoredCounts<'b> {
    workflow: &'b str,
    id: &'b str,
    users: Option<i32>,
    tasks: Option<i32>,
    result_rows: Option<i32>,
    task_rows: Option<i32>,
    proof: &'b str,
    task_proof: &'b str,
}

impl<'b> StoredCounts<'b> {
    fn read(batch: &'b arrow::array::RecordBatch, row: usize) -> Self {
        let text = |column: usize| {
            let column: &StringArray = batch.column(column).as_string();
            if column.is_valid(row) {
                column.value(row)
            } else {
                ""
            }
        };
        let number = |column: usize| {
            let column: &Int32Array = batch.column(column).as_primitive::<Int32Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        Self {
            workflow: text(0),
            id: text(1),
            users: number(2),
            tasks: number(3),
            result_rows: number(4),
            task_rows: number(5),
            proof: text(6),
            task_proof: text(7),
        }
    }
}

impl MatrixRow {
    fn add(&mut self, run: &StoredCounts<'_>, held: &Held) {
        self.runs += 1;
        let key = (run.workflow.to_owned(), run.id.to_owned());
        let rows = |held: &HashMap<_, i64>| held.get(&key).copied().unwrap_or(0);
        // A row that counts what is not in the files any more is not to be believed.
        let (users, tasks) = (rows(&held.users), rows(&held.tasks));
        let is_gone =
            |marker: Option<i32>, held: i64| marker.is_some_and(|it| i64::from(it) > held);
        let gone = is_gone(run.result_rows, users) || is_gone(run.task_rows, tasks);
        let is_short = run.proof == "short" || run.task_proof == "short" || gone;
        let is_decided = matches!(run.proof, "matched" | "over" | "expired") || is_short;
        self.short += u64::from(is_short);
        self.undecided += u64::from(!is_decided);
        if run.result_rows.is_some() {
            self.users.counted += i64::from(run.users.unwrap_or(0));
            self.users.held += users;
        }
        if run.task_rows.is_some() {
            self.tasks.counted += i64::from(run.tasks.unwrap_or(0));
            self.tasks.held += tasks;
        }
        self.verdict = match run.proof {
            "over" => "over",
            "" if self.verdict.is_empty() => "unproven",
            _ => self.verdict,
        };
    }

    fn verdict(&self) -> &'static str {
        match self.verdict {
            _ if self.short > 0 => "short",
            "unproven" => "unproven",
            _ if self.undecided > 0 => "open",
            "over" => "over",
            _ => "matched",
        }
    }
}

fn rows_by_run(
    dataset: &Dataset,
    tenant: &str,
    day: Date,
    child: Child,
) -> Result<HashMap<(String, String), i64>, DatasetError> {
    let mut rows = HashMap::<(String, String), i64>::new();
    let keys = Some(&["workflow_id", "run_id"][..]);
    let batches = dataset.read(child.table().name(), tenant, Some(day), keys)?;
    for batch in batches.into_iter().flatten() {
        let batch = batch?;
        let workflow: &StringArray = batch.column(0).as_string();
        let run: &StringArray = batch.column(1).as_string();
        // Rows of a run stand together.
        let mut from = 0;
        while from < batch.num_rows() {
            let same = |at: &usize| {
                workflow.value(*at) == workflow.value(from) && run.value(*at) == run.value(from)
            };
            let to = (from..batch.num_rows()).find(|at| !same(at));
            let to = to.unwrap_or(batch.num_rows());
            let key = (workflow.value(from).to_owned(), run.value(from).to_owned());
            *rows.entry(key).or_default() += i64::try_from(to - from).unwrap_or(0);
            from = to;
        }
    }
    Ok(rows)
}

/// Names of workflows by their id.
fn names(dataset: &Dataset, tenant: &str) -> Result<HashMap<String, String>, DatasetError> {
    let mut names = HashMap::new();
    let columns = Some(&["id", "display_name"][..]);
    let batches = dataset.read(Table::Workflows.name(), tenant, None, columns)?;
    for batch in batches.into_iter().flatten() {
        let batch = batch?;
        let id: &StringArray = batch.column(0).as_string();
        let name: &StringArray = batch.column(1).as_string();
        let both = id.iter().zip(name.iter());
        names.extend(both.filter_map(|(id, name)| Some((id?.to_owned(), name?.to_owned()))));
    }
    Ok(names)
}
