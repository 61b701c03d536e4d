//! What the tables have to hold, made from the simulator's objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lcw_simulator::Truth;
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
        Table::UserProcessingResults => {
            let days: BTreeMap<(&str, &str), Value> = truth
                .runs
                .iter()
                .map(|run| ((&*run.workflow_id, &*run.id), day_of(&run.value)))
                .collect();
            truth
                .results
                .iter()
                .map(|result| {
                    let (workflow, run) = (&*result.workflow_id, &*result.run_id);
                    let key = vec![workflow.to_owned(), run.to_owned(), result.id.clone()];
                    let day = days.get(&(workflow, run)).unwrap().clone();
                    (key, result_row(workflow, run, day, &result.value))
                })
                .collect()
        }
        other => panic!("no expectation for {other:?} yet"),
    }
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

fn workflow_row(object: &Value) -> BTreeMap<String, Value> {
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

fn run_row(workflow_id: &str, object: &Value) -> BTreeMap<String, Value> {
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

fn result_row(
    workflow_id: &str,
    run_id: &str,
    day: Value,
    object: &Value,
) -> BTreeMap<String, Value> {
    let mut row = Row::new(object);
    row.set("workflow_id", json!(workflow_id));
    row.set("run_id", json!(run_id));
    row.set("run_date", day);
    row.set("subject_id", object["subject"]["id"].clone());
    row.text("id")
        .text("processingStatus")
        .text("workflowExecutionType")
        .copy("workflowVersion");
    row.copy("totalTasksCount")
        .copy("failedTasksCount")
        .copy("totalUnprocessedTasksCount");
    row.times().take("subject");
    row.rest()
}

fn day_of(run: &Value) -> Value {
    let scheduled = micros(run["scheduledDateTime"].as_str().unwrap());
    let days = scheduled.div_euclid(86_400_000_000);
    let day = Timestamp::from_second(days * 86_400).unwrap();
    json!(day.strftime("%Y-%m-%d").to_string())
}

/// A row in the making: columns so far, and the properties that have not found one.
struct Row<'a> {
    object: &'a Value,
    columns: BTreeMap<String, Value>,
    left: Map<String, Value>,
}

impl<'a> Row<'a> {
    fn new(object: &'a Value) -> Self {
        let mut left = object.as_object().unwrap().clone();
        left.retain(|name, _| !name.contains("@odata."));
        Self {
            object,
            columns: BTreeMap::new(),
            left,
        }
    }

    fn set(&mut self, column: &str, value: Value) {
        self.columns.insert(column.to_owned(), value);
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
            let at = |column: &str| self.columns[column].as_i64();
            let span = at(from)
                .zip(at(to))
                .map_or(Value::Null, |(from, to)| json!((to - from) / 1_000));
            self.set(name, span);
        }
        self
    }

    /// What has no column of its own is kept in `_lcw_extra`.
    fn rest(&mut self) -> BTreeMap<String, Value> {
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
