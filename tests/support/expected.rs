//! What the tables have to hold, made from the simulator's objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lcw_simulator::{TrueItem, TrueResult, Truth};
use lcw_transform::Table;
use serde_json::{Map, Value, json};

use crate::dataset::Facts;

/// Microseconds since 1970 of an RFC 3339 text, further digits cut off.
pub fn micros(text: &str) -> i64 {
    let nanos = text.parse::<Timestamp>().unwrap().as_nanosecond();
    i64::try_from(nanos.div_euclid(1_000)).unwrap()
}

/// The rows of `table` that stand for `truth`: Graph's columns, durations and partition, without
/// those of the exporter.
pub fn expected(truth: &Truth, table: Table) -> Facts {
    match table {
        Table::Workflows => truth
            .workflows
            .iter()
            .map(|workflow| (vec![workflow.id.clone()], workflow_row(&workflow.detail)))
            .collect(),
        Table::Runs => truth
            .runs
            .iter()
            .map(|run| {
                (
                    vec![run.workflow_id.clone(), run.id.clone()],
                    run_row(&run.workflow_id, &run.value),
                )
            })
            .collect(),
        Table::UserProcessingResults => below_runs(truth, &truth.results, result_row),
        Table::TaskProcessingResults => below_runs(truth, &truth.task_results, task_row),
        Table::SubjectProcessingResults => {
            below_runs(truth, &truth.subject_results, subject_result_row)
        }
        Table::TaskReports => below_runs(truth, &truth.task_reports, report_row),
        Table::ReprocessedRuns => below_runs(truth, &truth.reprocessed, reprocessed_row),
        Table::WorkflowVersions => items(&truth.versions, version_row),
        Table::Tasks => items(&truth.tasks, workflow_task_row),
        Table::TaskDefinitions => truth
            .task_definitions
            .iter()
            .map(|item| (vec![item.id.clone()], definition_row(&item.value)))
            .collect(),
    }
}

/// The rows of a table below runs, under the days of their runs.
fn below_runs(truth: &Truth, rows: &[TrueResult], make: fn(Row<'_>) -> Columns) -> Facts {
    let days: BTreeMap<(&str, &str), Value> = truth
        .runs
        .iter()
        .map(|run| ((&*run.workflow_id, &*run.id), day_of(&run.value)))
        .collect();
    let fact = |row: &TrueResult| {
        let (workflow, run) = (&*row.workflow_id, &*row.run_id);
        let key = vec![workflow.to_owned(), run.to_owned(), row.id.clone()];
        let mut columns = Row::new(&row.value);
        columns.set("workflow_id", json!(workflow));
        columns.set("run_id", json!(run));
        // A test may have taken the run out of the truth, and everything below it.
        columns.set("run_date", days.get(&(workflow, run))?.clone());
        Some((key, make(columns)))
    };
    rows.iter().filter_map(fact).collect()
}

/// The rows of a table below workflows.
fn items(items: &[TrueItem], make: fn(Row<'_>) -> Columns) -> Facts {
    let fact = |item: &TrueItem| {
        let key = vec![item.workflow_id.clone(), item.id.clone()];
        let mut columns = Row::new(&item.value);
        columns.set("workflow_id", json!(item.workflow_id));
        (key, make(columns))
    };
    items.iter().map(fact).collect()
}

/// Compares whole tables, column by column, over the columns that `expected` has. A difference is
/// shown by row and column.
pub fn assert_same(what: &str, found: &Facts, expected: &Facts) {
    let missing: Vec<_> = expected
        .keys()
        .filter(|key| !found.contains_key(*key))
        .collect();
    assert!(
        missing.is_empty(),
        "{what}: {} rows are missing: {:?}",
        missing.len(),
        missing[0]
    );
    let extra: Vec<_> = found
        .keys()
        .filter(|key| !expected.contains_key(*key))
        .collect();
    assert!(
        extra.is_empty(),
        "{what}: {} rows too many: {:?}",
        extra.len(),
        extra[0]
    );
    for (key, row) in expected {
        for (column, value) in row {
            let stored = &found[key][column];
            assert_eq!(stored, value, "{what}: column {column} of row {key:?}");
        }
    }
}

fn workflow_row(object: &Value) -> Columns {
    let mut row = Row::new(object);
    row.text("id")
        .text("category")
        .text("displayName")
        .text("description");
    row.copy("isEnabled")
        .copy("isSchedulingEnabled")
        .copy("version")
        .copy("executionConditions");
    row.instant("createdDateTime")
        .instant("lastModifiedDateTime")
        .instant("deletedDateTime");
    row.instant("nextScheduleRunDateTime");
    row.set("created_by_id", object["createdBy"]["id"].clone());
    row.set(
        "last_modified_by_id",
        object["lastModifiedBy"]["id"].clone(),
    );
    row.take("createdBy").take("lastModifiedBy").rest()
}

fn run_row(workflow_id: &str, object: &Value) -> Columns {
    let mut row = Row::new(object);
    row.set("workflow_id", json!(workflow_id));
    row.set("run_date", day_of(object));
    row.text("id")
        .text("processingStatus")
        .text("workflowExecutionType")
        .copy("activatedOnScope");
    row.copy("totalUsersCount")
        .copy("successfulUsersCount")
        .copy("failedUsersCount");
    row.copy("totalTasksCount")
        .copy("failedTasksCount")
        .copy("totalUnprocessedTasksCount");
    row.times().instant("lastUpdatedDateTime");
    row.rest()
}

fn result_row(mut row: Row<'_>) -> Columns {
    row.text("id")
        .text("processingStatus")
        .text("workflowExecutionType")
        .copy("workflowVersion");
    row.copy("totalTasksCount")
        .copy("failedTasksCount")
        .copy("totalUnprocessedTasksCount");
    row.times();
    let mut subject = row.inside("subject", "subject_");
    subject
        .text("id")
        .text("displayName")
        .text("userPrincipalName")
        .text("mail")
        .text("department")
        .text("jobTitle")
        .text("employeeId")
        .instant("employeeHireDate")
        .instant("employeeLeaveDateTime")
        .copy("accountEnabled");
    let (columns, left) = subject.parts();
    row.unite("subject", columns, left);
    row.rest()
}

fn task_row(mut row: Row<'_>) -> Columns {
    row.text("id")
        .text("processingStatus")
        .text("failureReason")
        .text("processingInfo");
    row.instant("createdDateTime")
        .instant("startedDateTime")
        .instant("completedDateTime");
    row.span("queue_ms", "created_date_time", "started_date_time");
    row.span("processing_ms", "started_date_time", "completed_date_time");
    let mut subject = row.inside("subject", "subject_");
    subject.text("id");
    let (columns, left) = subject.parts();
    row.unite("subject", columns, left);
    row.task();
    row.rest()
}

fn report_row(mut row: Row<'_>) -> Columns {
    row.text("id").take("runId").text("processingStatus");
    row.copy("totalUsersCount")
        .copy("successfulUsersCount")
        .copy("failedUsersCount")
        .copy("unprocessedUsersCount");
    row.instant("startedDateTime")
        .instant("completedDateTime")
        .instant("lastUpdatedDateTime");
    row.span("processing_ms", "started_date_time", "completed_date_time");
    row.task();
    row.rest()
}

fn subject_result_row(mut row: Row<'_>) -> Columns {
    row.set("subject_id", row.object["subject"]["id"].clone());
    row.text("id")
        .text("subjectType")
        .text("processingStatus")
        .text("workflowExecutionType")
        .copy("workflowVersion");
    row.copy("totalTasksCount")
        .copy("failedTasksCount")
        .copy("totalUnprocessedTasksCount")
        .copy("subject");
    row.times();
    row.rest()
}

fn reprocessed_row(mut row: Row<'_>) -> Columns {
    row.text("id")
        .text("processingStatus")
        .text("workflowExecutionType")
        .instant("scheduledDateTime");
    // What the run's own row holds is not said again.
    for property in [
        "startedDateTime",
        "completedDateTime",
        "lastUpdatedDateTime",
        "totalUsersCount",
        "successfulUsersCount",
        "failedUsersCount",
        "totalTasksCount",
        "failedTasksCount",
        "totalUnprocessedTasksCount",
        "activatedOnScope",
        "reprocessedRuns",
    ] {
        row.take(property);
    }
    row.rest()
}

fn version_row(mut row: Row<'_>) -> Columns {
    row.copy("versionNumber")
        .text("category")
        .text("displayName")
        .text("description");
    row.copy("isEnabled")
        .copy("isSchedulingEnabled")
        .copy("executionConditions")
        .copy("tasks");
    row.instant("createdDateTime")
        .instant("lastModifiedDateTime");
    row.set("created_by_id", row.object["createdBy"]["id"].clone());
    let modified_by = row.object["lastModifiedBy"]["id"].clone();
    row.set("last_modified_by_id", modified_by);
    row.take("createdBy").take("lastModifiedBy").rest()
}

fn workflow_task_row(mut row: Row<'_>) -> Columns {
    row.text("id")
        .text("category")
        .text("displayName")
        .text("description");
    row.copy("executionSequence")
        .copy("continueOnError")
        .copy("isEnabled");
    row.text("taskDefinitionId").copy("arguments").rest()
}

fn definition_row(object: &Value) -> Columns {
    let mut row = Row::new(object);
    row.text("id")
        .text("category")
        .text("displayName")
        .text("description");
    row.copy("version")
        .copy("continueOnError")
        .copy("parameters")
        .rest()
}

fn day_of(run: &Value) -> Value {
    let scheduled = micros(run["scheduledDateTime"].as_str().unwrap());
    let days = scheduled.div_euclid(86_400_000_000);
    let day = Timestamp::from_second(days * 86_400).unwrap();
    json!(day.strftime("%Y-%m-%d").to_string())
}

type Columns = BTreeMap<String, Value>;

/// A row in the making: columns so far, and the properties that have not found one.
struct Row<'a> {
    object: &'a Value,
    prefix: &'static str,
    columns: Columns,
    left: Map<String, Value>,
}

impl<'a> Row<'a> {
    fn new(object: &'a Value) -> Self {
        let mut left = object.as_object().cloned().unwrap_or_default();
        left.retain(|name, _| !name.contains("@odata."));
        Self {
            object,
            prefix: "",
            columns: BTreeMap::new(),
            left,
        }
    }

    fn set(&mut self, column: &str, value: Value) {
        let column = format!("{}{column}", self.prefix);
        self.columns.insert(column, value);
    }

    /// The object that a property holds, whose columns begin with a word of their own.
    fn inside(&self, property: &str, prefix: &'static str) -> Self {
        Self {
            prefix,
            ..Self::new(&self.object[property])
        }
    }

    fn parts(self) -> (Columns, Map<String, Value>) {
        (self.columns, self.left)
    }

    /// Takes over the columns of the object that `property` holds; the rest of it is left.
    fn unite(&mut self, property: &str, columns: Columns, left: Map<String, Value>) {
        self.columns.extend(columns);
        self.take(property);
        if !left.is_empty() {
            self.left.insert(property.to_owned(), Value::Object(left));
        }
    }

    /// The columns that say which task it was.
    fn task(&mut self) {
        let mut named = self.inside("task", "task_");
        named.text("id").text("displayName").text("category");
        let (columns, left) = named.parts();
        self.columns.extend(columns);
        let left = Value::Object(left);
        let mut plain = Row::new(&left);
        plain
            .text("taskDefinitionId")
            .copy("executionSequence")
            .copy("continueOnError");
        let (columns, left) = plain.parts();
        self.unite("task", columns, left);
    }

    /// Whole milliseconds between two instants.
    fn span(&mut self, name: &str, from: &str, to: &str) {
        let at = |column: &str| self.columns[column].as_i64();
        let span = at(from)
            .zip(at(to))
            .map_or(Value::Null, |(from, to)| json!((to - from) / 1_000));
        self.set(name, span);
    }

    fn take(&mut self, property: &str) -> &mut Self {
        self.left.remove(property);
        self
    }

    fn copy(&mut self, property: &str) -> &mut Self {
        self.set(
            &snake(property),
            without_annotations(&self.object[property]),
        );
        self.take(property)
    }

    fn text(&mut self, property: &str) -> &mut Self {
        self.copy(property)
    }

    fn instant(&mut self, property: &str) -> &mut Self {
        let value = self.object[property]
            .as_str()
            .map_or(Value::Null, |text| json!(micros(text)));
        self.set(&snake(property), value);
        self.take(property)
    }

    /// The three instants that runs and results share, and the durations between them.
    fn times(&mut self) -> &mut Self {
        self.instant("scheduledDateTime")
            .instant("startedDateTime")
            .instant("completedDateTime");
        for (name, from, to) in [
            ("queue_ms", "scheduled_date_time", "started_date_time"),
            ("processing_ms", "started_date_time", "completed_date_time"),
            ("total_ms", "scheduled_date_time", "completed_date_time"),
        ] {
            self.span(name, from, to);
        }
        self
    }

    /// What has no column of its own is kept in `_lcw_extra`.
    fn rest(&mut self) -> Columns {
        let left = std::mem::take(&mut self.left);
        let extra = if left.is_empty() {
            Value::Null
        } else {
            Value::Object(left)
        };
        self.set("_lcw_extra", without_annotations(&extra));
        std::mem::take(&mut self.columns)
    }
}

/// JSON columns keep `@odata.type`, which says what the object is; `_lcw_extra` drops such names
/// at its first level only, which [`Row::new`] has done.
fn without_annotations(value: &Value) -> Value {
    value.clone()
}

/// `totalUsersCount` → `total_users_count`.
fn snake(property: &str) -> String {
    let mut name = String::new();
    for letter in property.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
