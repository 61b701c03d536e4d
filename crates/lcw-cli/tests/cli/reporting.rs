//! `lcw report`: every figure against one that is made from what the simulated tenant says is true,
//! by code that knows the published columns but nothing of the report's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lcw_simulator::{Category, ProcessingStatus, RunPlan, TenantConfig, Truth, WorkflowConfig};
use lcw_tests::expected::micros;
use serde_json::{Value, json};

use crate::desk::Desk;

const HOUR: i64 = 3_600_000_000;
pub(crate) const DISABLING: [&str; 2] = [
    "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950",
    "8d18588d-9ad3-4c0f-99d0-ec215f0e3dff",
];

/// When the tenant's clock stands.
pub(crate) fn now() -> Timestamp {
    TenantConfig::empty(0).now
}

pub(crate) fn ago(hours: u64) -> Timestamp {
    now() - Duration::from_hours(hours)
}

#[track_caller]
pub(crate) fn report(desk: &Desk, more: &str) -> Value {
    desk.bare(&format!(
        "report --out data --json --from 2026-10-20 {more}"
    ))
    .run()
    .with(0)
    .json()
}

/// A run as the truth has it.
struct Known<'t> {
    workflow: &'t str,
    scheduled: i64,
    is_preview: bool,
    is_settled: bool,
}

/// Runs by workflow and id. A run is settled when it ended and was last touched 15 minutes ago.
fn runs(truth: &Truth) -> BTreeMap<(&str, &str), Known<'_>> {
    let text = |run: &Value, name: &str| run[name].as_str().unwrap_or_default().to_owned();
    let known = truth.runs.iter().map(|run| {
        let is_over = ["completed", "completedWithErrors", "failed", "canceled"]
            .contains(&text(&run.value, "processingStatus").as_str());
        let touched = micros(&text(&run.value, "lastUpdatedDateTime"));
        let known = Known {
            workflow: &run.workflow_id,
            scheduled: micros(&text(&run.value, "scheduledDateTime")),
            is_preview: text(&run.value, "workflowExecutionType") == "preview",
            is_settled: is_over && touched <= now().as_microsecond() - HOUR / 4,
        };
        ((run.workflow_id.as_str(), run.id.as_str()), known)
    });
    known.collect()
}

/// The value at the nearest rank.
fn percentile(mut values: Vec<i64>, percent: usize) -> Value {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values
        .get(rank.wrapping_sub(1))
        .map_or(Value::Null, |value| json!(value))
}

fn maybe(value: &Value) -> Option<i64> {
    value.as_str().map(micros)
}

/// Every user of a settled run that is no dry run: the run and the row.
fn users<'t>(
    truth: &'t Truth,
    runs: &'t BTreeMap<(&str, &str), Known<'t>>,
) -> Vec<(&'t Known<'t>, &'t Value)> {
    let row = |row: &'t lcw_simulator::TrueResult| {
        let run = runs.get(&(row.workflow_id.as_str(), row.run_id.as_str()))?;
        (run.is_settled && !run.is_preview).then_some((run, &row.value))
    };
    truth.results.iter().filter_map(row).collect()
}

fn assert_totals(truth: &Truth, report: &Value) {
    let runs = runs(truth);
    let is = |wanted: fn(&Known<'_>) -> bool| runs.values().filter(|run| wanted(run)).count();
    assert_eq!(
        report["totals"]["runs"],
        json!(is(|it| it.is_settled && !it.is_preview))
    );
    assert_eq!(
        report["totals"]["open_runs"],
        json!(is(|it| !it.is_settled && !it.is_preview))
    );
    assert_eq!(
        report["totals"]["preview_runs"],
        json!(is(|it| it.is_preview))
    );
    let users = users(truth, &runs);
    let mut counts = BTreeMap::<&str, u64>::new();
    for (_, row) in &users {
        *counts
            .entry(row["processingStatus"].as_str().unwrap())
            .or_default() += 1;
    }
    let count = |status: &str| counts.get(status).copied().unwrap_or(0);
    let found = &report["totals"]["users"];
    assert_eq!(found["total"], json!(users.len()));
    for (key, status) in [
        ("completed", "completed"),
        ("completed_with_errors", "completedWithErrors"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ] {
        assert_eq!(found[key], json!(count(status)), "{key}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand users")]
    let rate = count("completed") as f64
        / (count("completed") + count("completedWithErrors") + count("failed")) as f64;
    let said = report["totals"]["success_rate_percent"].as_f64().unwrap();
    assert!(
        (-1e-9..0.000_101).contains(&(rate - said / 100.0)),
        "{said} {rate}"
    );
    for (key, from, to) in [
        ("queue", "scheduledDateTime", "startedDateTime"),
        ("processing", "startedDateTime", "completedDateTime"),
    ] {
        let span = |row: &Value| Some((maybe(&row[to])? - maybe(&row[from])?) / 1_000);
        let spans: Vec<i64> = users.iter().filter_map(|(_, row)| span(row)).collect();
        assert_eq!(report[key]["count"], json!(spans.len()), "{key}");
        assert_eq!(
            report[key]["p50_ms"],
            percentile(spans.clone(), 50),
            "{key}"
        );
        assert_eq!(report[key]["p95_ms"], percentile(spans, 95), "{key}");
    }
}

fn assert_days_and_workflows(truth: &Truth, report: &Value) {
    let runs = runs(truth);
    let users = users(truth, &runs);
    let day = |run: &Known<'_>| {
        let at = Timestamp::from_microsecond(run.scheduled).unwrap();
        at.strftime("%Y-%m-%d").to_string()
    };
    let mut by_day = BTreeMap::<String, (u64, u64)>::new();
    let mut by_workflow = BTreeMap::<&str, (u64, u64)>::new();
    for run in runs
        .values()
        .filter(|run| run.is_settled && !run.is_preview)
    {
        by_day.entry(day(run)).or_default().0 += 1;
        by_workflow.entry(run.workflow).or_default().0 += 1;
    }
    for (run, _) in &users {
        by_day.entry(day(run)).or_default().1 += 1;
        by_workflow.entry(run.workflow).or_default().1 += 1;
    }
    let pairs = |rows: &Value, key: &str| -> BTreeMap<String, (u64, u64)> {
        let pair = |row: &Value| {
            let count = (
                row["runs"].as_u64().unwrap(),
                row["users"]["total"].as_u64().unwrap(),
            );
            (row[key].as_str().unwrap().to_owned(), count)
        };
        let some = rows.as_array().unwrap().iter().map(pair);
        some.filter(|(_, count)| *count != (0, 0)).collect()
    };
    assert_eq!(pairs(&report["days"], "run_date"), by_day);
    let by_workflow: BTreeMap<String, _> = by_workflow
        .into_iter()
        .map(|(id, count)| (id.to_owned(), count))
        .collect();
    assert_eq!(pairs(&report["workflows"], "workflow_id"), by_workflow);
}

/// Failed tasks: how many, of how many users, by the task's name.
fn assert_failing_tasks(truth: &Truth, report: &Value) {
    let runs = runs(truth);
    let mut failures = BTreeMap::<String, u64>::new();
    for row in &truth.task_results {
        let run = &runs[&(row.workflow_id.as_str(), row.run_id.as_str())];
        if run.is_settled && !run.is_preview && row.value["processingStatus"] == "failed" {
            let task = row.value["task"]["displayName"].as_str().unwrap();
            *failures.entry(task.to_owned()).or_default() += 1;
        }
    }
    let found = &report["failing_tasks"];
    assert_eq!(found["known"], true);
    assert_eq!(found["failures"], json!(failures.values().sum::<u64>()));
    let mut by_task = BTreeMap::<String, u64>::new();
    for kind in found["fingerprints"].as_array().unwrap() {
        let task = kind["task"].as_str().unwrap().to_owned();
        *by_task.entry(task).or_default() += kind["failures"].as_u64().unwrap();
        assert!(
            kind["users"].as_u64() <= kind["failures"].as_u64(),
            "{kind}"
        );
        assert!(
            kind["first_seen"].as_str() <= kind["last_seen"].as_str(),
            "{kind}"
        );
    }
    assert_eq!(by_task, failures);
}

/// Users failed and completed later, or not: all rows of a user and workflow in the order of their
/// runs.
fn assert_failed_users(truth: &Truth, report: &Value) {
    let runs = runs(truth);
    let mut rows: Vec<_> = users(truth, &runs);
    rows.sort_by_key(|(run, _)| run.scheduled);
    let mut failing = BTreeSet::new();
    let mut fixed = 0;
    for (run, row) in rows {
        let key = (run.workflow, row["subject"]["id"].as_str().unwrap());
        match row["processingStatus"].as_str().unwrap() {
            "failed" | "completedWithErrors" => {
                failing.insert(key);
            }
            "completed" => fixed += u64::from(failing.remove(&key)),
            _ => {}
        }
    }
    let found = &report["failed_users"];
    assert_eq!(found["fixed_later"], json!(fixed));
    assert_eq!(found["not_fixed"], json!(failing.len()));
    let pair = |case: &Value| {
        (
            case["workflow_id"].as_str().unwrap().to_owned(),
            case["subject_id"].as_str().unwrap().to_owned(),
        )
    };
    let cases: BTreeSet<_> = found["open_cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(pair)
        .collect();
    let expected: BTreeSet<_> = failing
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect();
    assert_eq!(cases, expected);
}

/// When accounts were disabled, by run and user: of those for whom there is such a task.
fn disabled(truth: &Truth) -> BTreeMap<(&str, &str), Option<i64>> {
    let mut found = BTreeMap::<_, Vec<i64>>::new();
    for row in &truth.task_results {
        let definition = row.value["task"]["taskDefinitionId"].as_str().unwrap();
        if DISABLING.contains(&definition) {
            let user = row.value["subject"]["id"].as_str().unwrap();
            let times = found.entry((row.run_id.as_str(), user)).or_default();
            if row.value["processingStatus"] == "completed" {
                times.extend(maybe(&row.value["completedDateTime"]));
            }
        }
    }
    let first = |times: Vec<i64>| times.into_iter().min();
    found
        .into_iter()
        .map(|(key, times)| (key, first(times)))
        .collect()
}

/// Met and missed by the clock of the run's schedule, made from settled runs of leaver workflows in
/// the order of their schedules.
fn assert_done_leavers(truth: &Truth, report: &Value, sla: i64) {
    let leaver: BTreeSet<&str> = truth
        .workflows
        .iter()
        .filter(|it| it.detail["category"] == "leaver")
        .map(|it| it.id.as_str())
        .collect();
    let runs = runs(truth);
    let mut rows: Vec<_> = truth
        .results
        .iter()
        .filter(|row| leaver.contains(row.workflow_id.as_str()))
        .collect();
    rows.retain(|row| !runs[&(row.workflow_id.as_str(), row.run_id.as_str())].is_preview);
    rows.sort_by_key(|row| runs[&(row.workflow_id.as_str(), row.run_id.as_str())].scheduled);
    let disabled = disabled(truth);
    let mut clocks = BTreeMap::new();
    let (mut met, mut missed, mut elapsed) = (0, 0, Vec::new());
    for row in rows {
        let run = &runs[&(row.workflow_id.as_str(), row.run_id.as_str())];
        let user = row.value["subject"]["id"].as_str().unwrap();
        let key = (row.workflow_id.as_str(), user);
        let start = *clocks.entry(key).or_insert(run.scheduled);
        let is_completed = row.value["processingStatus"] == "completed";
        let ended = maybe(&row.value["completedDateTime"]);
        let by_task = disabled.get(&(row.run_id.as_str(), user)).copied();
        let done = by_task.unwrap_or(ended.filter(|_| is_completed));
        if let Some(done) = done.filter(|_| run.is_settled) {
            clocks.remove(&key);
            elapsed.push((done - start) / 1_000);
            *(if done - start <= sla {
                &mut met
            } else {
                &mut missed
            }) += 1;
        }
    }
    let found = &report["leavers"];
    assert!(!elapsed.is_empty());
    assert_eq!(found["met"], json!(met));
    assert_eq!(found["elapsed"]["count"], json!(met + missed));
    assert_eq!(found["elapsed"]["p50_ms"], percentile(elapsed.clone(), 50));
    assert_eq!(found["elapsed"]["p95_ms"], percentile(elapsed, 95));
    // What is left has no done attempt: one case each.
    assert_eq!(found["total"], json!(met + missed + clocks.len()));
    let parts = [
        "met",
        "missed",
        "failed",
        "never_processed",
        "not_evaluable",
    ];
    let sum: u64 = parts
        .iter()
        .map(|part| found[*part].as_u64().unwrap())
        .sum();
    assert_eq!(found["total"], json!(sum));
    assert_eq!(found["cases"].as_array().unwrap().len() as u64, sum);
}

/// A tenant with one leaver workflow, whose single run ten days ago had these users.
pub(crate) async fn one_leaver_run(
    users: u32,
    change: impl Fn(&mut RunPlan),
) -> (Desk, Vec<String>) {
    let mut config = TenantConfig::empty(5);
    config.workflows = vec![WorkflowConfig::new(Category::Leaver, "Offboard")];
    // Every run is of the same people.
    config.people = 1;
    let mut plan = RunPlan::new(ago(240), users).named("r");
    change(&mut plan);
    config.runs = vec![(0, plan)];
    let desk = Desk::of(config).await;
    let truth = desk.tenant.truth();
    let id =
        |row: &lcw_simulator::TrueResult| row.value["subject"]["id"].as_str().unwrap().to_owned();
    let ids = truth.results.iter().map(id).collect();
    (desk, ids)
}

/// The demo's company, and one leaver workflow with every task that there is for leavers.
fn company() -> TenantConfig {
    let mut config = TenantConfig::demo();
    let mut offboard = WorkflowConfig::new(Category::Leaver, "Offboard at once");
    offboard.tasks = 12;
    let place = config.workflows.len();
    config.workflows.push(offboard);
    let failed = RunPlan::new(ago(60), 9).ending(ProcessingStatus::Failed);
    let slow = RunPlan::new(ago(90), 6).working_for(Duration::from_hours(3));
    let mut dry = RunPlan::new(ago(40), 5);
    dry.execution = lcw_simulator::ExecutionType::Preview;
    for plan in [failed, slow, dry] {
        config.runs.push((place, plan));
    }
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_figure_is_what_the_tenant_says() {
    for format in ["parquet", "ndjson"] {
        let desk = Desk::of(company()).await;
        desk.lcw(&format!("export --out data --format {format}"))
            .run()
            .with(0);
        let truth = desk.tenant.truth();
        let found = report(&desk, "--sla 1h");
        assert_totals(&truth, &found);
        assert_days_and_workflows(&truth, &found);
        assert_failing_tasks(&truth, &found);
        assert_failed_users(&truth, &found);
        assert_done_leavers(&truth, &found, HOUR);
        assert!(found["leavers"]["measured_by_task"].as_u64() > Some(0));
        assert!(found["failed_users"]["fixed_later"].as_u64() > Some(0));
        let notes = found["notes"].to_string();
        assert!(
            notes.contains("not settled yet") && notes.contains("dry run"),
            "{notes}"
        );
    }
}
