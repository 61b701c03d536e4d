//! The matrix of the count proof: per workflow and day, what the service counts, what the dataset
//! holds, and what that proves.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError};
use lcw_transform::Table;
use serde::Serialize;

use crate::children::Child;
use crate::not_covered::NotCovered;

/// What the service counts beside what the dataset holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What the service counted.
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
    /// Users: `totalUsersCount` beside rows of `user_processing_results`; 0 and 0 for runs of which
    /// the table was not asked for.
    pub users: Cell,
    /// Tasks: `totalTasksCount` beside rows of `task_processing_results`, in the same way.
    pub tasks: Cell,
    /// Task reports: their `totalUsersCount` beside the rows of `task_processing_results` of their
    /// run and task, over those that could be compared; null when there are none.
    pub task_reports: Option<Cell>,
    /// `matched`, `short`, `over`, `open` (something may still come), or `unproven`: among others
    /// when a table that was asked for was not read, or not all of it.
    pub verdict: &'static str,
}

const COLUMNS: [&str; 9] = [
    "workflow_id",
    "id",
    "total_users_count",
    "total_tasks_count",
    "_lcw_result_rows",
    "_lcw_task_rows",
    "_lcw_proof",
    "_lcw_task_proof",
    "_lcw_settled",
];

/// The rows of a tenant's matrix, by day and workflow. `not_covered` is what the newest export
/// could not read.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn matrix(
    dataset: &Dataset,
    tenant: &str,
    not_covered: &[NotCovered],
) -> Result<Vec<MatrixRow>, DatasetError> {
    let names = names(dataset, tenant)?;
    let lacks_users = lacks(not_covered, Child::Results);
    let lacks_tasks = lacks(not_covered, Child::Tasks);
    let mut rows = Vec::new();
    for day in dataset.days(Table::Runs.name(), tenant)? {
        let users = rows_by_run(dataset, tenant, day, Child::Results)?;
        let tasks = rows_by_run(dataset, tenant, day, Child::Tasks)?;
        // A file without rows is there for its columns, whether its table is asked for or not.
        let held = Held {
            asks_users: lacks_users || !users.is_empty(),
            asks_tasks: lacks_tasks || !tasks.is_empty(),
            users,
            tasks,
        };
        let mut reports = reports_by_workflow(dataset, tenant, day)?;
        let mut by_workflow = BTreeMap::<String, Tally>::new();
        let batches = dataset.read(Table::Runs.name(), tenant, Some(day), Some(&COLUMNS))?;
        for batch in batches.into_iter().flatten() {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let run = StoredCounts::read(&batch, row);
                let of_workflow = by_workflow.entry(run.workflow.to_owned());
                of_workflow.or_default().add(&run, &held);
            }
        }
        rows.extend(by_workflow.into_iter().map(|(workflow, tally)| MatrixRow {
            verdict: tally.verdict(),
            workflow: names.get(&workflow).cloned(),
            run_date: day.to_string(),
            task_reports: reports.remove(&workflow),
            workflow_id: workflow,
            ..tally.row
        }));
    }
    Ok(rows)
}

/// Whether the newest export asked for a table and did not get all of it.
fn lacks(not_covered: &[NotCovered], child: Child) -> bool {
    let name = child.table().name();
    let is_it = |entry: &NotCovered| entry.is_partial && entry.table.as_deref() == Some(name);
    not_covered.iter().any(is_it)
}

/// What is below the runs of one day.
struct Held {
    /// Rows by workflow and run.
    users: HashMap<(String, String), i64>,
    tasks: HashMap<(String, String), i64>,
    /// The table is asked for, as far as the day shows.
    asks_users: bool,
    asks_tasks: bool,
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
    settled: bool,
}

impl<'b> StoredCounts<'b> {
    fn read(batch: &'b RecordBatch, row: usize) -> Self {
        let text = |column: usize| {
            let column: &StringArray = batch.column(column).as_string();
            if column.is_valid(row) {
                column.value(row)
            } else {
                ""
            }
        };
        let number = |column: usize| number(batch, column, row);
        let settled: &BooleanArray = batch.column(8).as_boolean();
        Self {
            workflow: text(0),
            id: text(1),
            users: number(2),
            tasks: number(3),
            result_rows: number(4),
            task_rows: number(5),
            proof: text(6),
            task_proof: text(7),
            settled: settled.is_valid(row) && settled.value(row),
        }
    }
}

fn number(batch: &RecordBatch, column: usize, row: usize) -> Option<i32> {
    let column: &Int32Array = batch.column(column).as_primitive::<Int32Type>();
    column.is_valid(row).then(|| column.value(row))
}

/// A row of the matrix as it grows.
#[derive(Default)]
struct Tally {
    row: MatrixRow,
    is_over: bool,
    is_unproven: bool,
}

impl Tally {
    fn add(&mut self, run: &StoredCounts<'_>, held: &Held) {
        let key = (run.workflow.to_owned(), run.id.to_owned());
        let rows = |held: &HashMap<_, i64>| held.get(&key).copied().unwrap_or(0);
        let (users, tasks) = (rows(&held.users), rows(&held.tasks));
        self.row.runs += 1;
        if run.result_rows.is_some() || held.asks_users {
            self.row.users.add(run.users, users);
        }
        if run.task_rows.is_some() || held.asks_tasks {
            self.row.tasks.add(run.tasks, tasks);
        }
        // A row that counts what is not in the files any more is not to be believed.
        let is_gone =
            |marker: Option<i32>, held: i64| marker.is_some_and(|it| i64::from(it) > held);
        let gone = is_gone(run.result_rows, users) || is_gone(run.task_rows, tasks);
        // Until a run has settled, its counters and so its verdicts are provisional.
        let is_short = gone || (run.settled && run.says("short"));
        let is_final = run.settled || run.proof == "expired";
        let is_unread = (held.asks_users && run.result_rows.is_none())
            || (held.asks_tasks && run.task_rows.is_none());
        let is_unproven = is_final && (run.proof.is_empty() || is_unread);
        self.is_unproven |= is_unproven;
        self.is_over |= is_final && run.says("over");
        self.row.short += u64::from(is_short);
        let is_decided = is_short || (is_final && !is_unproven && run.proof != "open");
        self.row.undecided += u64::from(!is_decided);
    }

    fn verdict(&self) -> &'static str {
        match () {
            () if self.row.short > 0 => "short",
            () if self.is_unproven => "unproven",
            () if self.row.undecided > 0 => "open",
            () if self.is_over => "over",
            () => "matched",
        }
    }
}

impl StoredCounts<'_> {
    /// Whether one of its verdicts is this.
    fn says(&self, verdict: &str) -> bool {
        self.proof == verdict || self.task_proof == verdict
    }
}

impl Cell {
    fn add(&mut self, counted: Option<i32>, held: i64) {
        self.counted += i64::from(counted.unwrap_or(0));
        self.held += held;
    }
}

/// What task reports count and what there is of it, by workflow.
fn reports_by_workflow(
    dataset: &Dataset,
    tenant: &str,
    day: Date,
) -> Result<HashMap<String, Cell>, DatasetError> {
    let mut cells = HashMap::<String, Cell>::new();
    let columns = Some(&["workflow_id", "total_users_count", "_lcw_task_rows"][..]);
    let batches = dataset.read(Table::TaskReports.name(), tenant, Some(day), columns)?;
    for batch in batches.into_iter().flatten() {
        let batch = batch?;
        let workflow: &StringArray = batch.column(0).as_string();
        for row in 0..batch.num_rows() {
            if let Some(held) = number(&batch, 2, row) {
                let cell = cells.entry(workflow.value(row).to_owned()).or_default();
                cell.add(number(&batch, 1, row), i64::from(held));
            }
        }
    }
    Ok(cells)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A settled run on which all agrees.
    const MATCHED: StoredCounts<'_> = StoredCounts {
        workflow: "w",
        id: "r",
        users: Some(2),
        tasks: Some(6),
        result_rows: Some(2),
        task_rows: Some(6),
        proof: "matched",
        task_proof: "matched",
        settled: true,
    };

    fn row_of(run: &StoredCounts<'_>, users: i64, tasks: i64, asks_tasks: bool) -> MatrixRow {
        let key = || ("w".to_owned(), "r".to_owned());
        let held = Held {
            users: HashMap::from([(key(), users)]),
            tasks: HashMap::from([(key(), tasks)]),
            asks_users: true,
            asks_tasks,
        };
        let mut tally = Tally::default();
        tally.add(run, &held);
        MatrixRow {
            verdict: tally.verdict(),
            ..tally.row
        }
    }

    #[test]
    fn verdicts_of_a_run_that_is_not_settled_are_provisional() {
        assert_eq!(row_of(&MATCHED, 2, 6, true).verdict, "matched");
        for proof in ["matched", "short", "over", "open", ""] {
            let run = StoredCounts {
                proof,
                settled: false,
                ..MATCHED
            };
            let row = row_of(&run, 2, 6, true);
            assert_eq!((row.verdict, row.undecided, row.short), ("open", 1, 0));
        }
    }

    #[test]
    fn a_table_that_was_asked_for_and_not_read_is_counted_and_proves_nothing() {
        let run = StoredCounts {
            task_rows: None,
            task_proof: "",
            ..MATCHED
        };
        let row = row_of(&run, 2, 4, true);
        assert_eq!((row.verdict, row.undecided), ("unproven", 1));
        assert_eq!((row.tasks.counted, row.tasks.held), (6, 4));
        let row = row_of(&run, 2, 0, false);
        assert_eq!((row.verdict, row.undecided), ("matched", 0));
        assert_eq!(row.tasks, Cell::default());
    }

    #[test]
    fn short_and_over_are_told_of_either_table_and_files_that_are_gone() {
        let task_proof = |task_proof| StoredCounts {
            task_proof,
            ..MATCHED
        };
        assert_eq!(row_of(&task_proof("short"), 2, 6, true).verdict, "short");
        assert_eq!(row_of(&task_proof("over"), 2, 6, true).verdict, "over");
        assert_eq!(row_of(&MATCHED, 2, 5, true).verdict, "short");
    }
}
