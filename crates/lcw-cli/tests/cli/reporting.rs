//! `lcw report`: every figure against one that is made from what the simulated tenant says is true,
//! by code that knows the published columns but nothing of the report's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lcw_simulator::{
    Category, ProcessingStatus, Reprocessed, ResultChange, RunChange, RunPlan, Schedule,
    TaskChange, TenantConfig, Truth, WorkflowConfig,
};
use lcw_tests::expected::micros;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::program::Ended;

const HOUR: i64 = 3_600_000_000;
const DISABLING: [&str; 2] = [
    "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950",
    "8d18588d-9ad3-4c0f-99d0-ec215f0e3dff",
];

/// When the tenant's clock stands.
fn now() -> Timestamp {
    TenantConfig::empty(0).now
}

fn ago(hours: u64) -> Timestamp {
    now() - Duration::from_hours(hours)
}

#[track_caller]
fn report(desk: &Desk, more: &str) -> Value {
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

/// The outcome of each leaver, by the subject's id.
fn outcomes(report: &Value) -> BTreeMap<String, String> {
    let cases = report["leavers"]["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases
        .map(|case| (text(&case["subject_id"]), text(&case["outcome"])))
        .collect()
}

/// A tenant with one leaver workflow, whose single run ten days ago had these users.
async fn one_leaver_run(users: u32, change: impl Fn(&mut RunPlan)) -> (Desk, Vec<String>) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn leavers_of_a_population_are_each_accounted_for() {
    let (desk, ids) = one_leaver_run(4, |_| {}).await;
    let change = |status| ResultChange {
        status: Some(status),
        ..ResultChange::default()
    };
    desk.tenant
        .change_result("r", 1, &change(ProcessingStatus::Failed));
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let late = ago(240 + 30).to_string();
    let lines = [
        format!("{},{}", ids[0], ago(239)),
        format!("{},{}", ids[1], ago(240)),
        format!("{},{late}", ids[2]),
        format!("00000000-0000-0000-0000-00000000000a,{}", ago(200)),
        format!("00000000-0000-0000-0000-00000000000b,{}", ago(3)),
        "00000000-0000-0000-0000-00000000000c,2026-09-01".to_owned(),
    ];
    desk.write(
        "leavers.csv",
        format!("subject_id,leave_date\n{}\n", lines.join("\n")),
    );
    let found = report(&desk, "--population leavers.csv --sla 24h");
    let expected = [
        (ids[0].as_str(), "met"),
        (ids[1].as_str(), "failed"),
        (ids[2].as_str(), "missed"),
        ("00000000-0000-0000-0000-00000000000a", "never_processed"),
        ("00000000-0000-0000-0000-00000000000b", "not_evaluable"),
        ("00000000-0000-0000-0000-00000000000c", "not_evaluable"),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(id, it)| (id.to_owned(), it.to_owned()))
        .into();
    assert_eq!(outcomes(&found), expected);
    let statement = found["leavers"]["statement"].as_str().unwrap();
    assert!(
        statement.contains("leave date") && statement.contains("disabled is not shown"),
        "{statement}"
    );
    assert_eq!(found["metrics"]["leaver_sla_misses"], 3.0);
    assert_eq!(found["metrics"]["failing_tasks"], Value::Null);
    // Who is missing in a run that is short may have been in it.
    desk.tenant.report_users("r", Some(9));
    desk.tenant.change_run("r", &RunChange::default());
    desk.lcw("backfill --out data --table user_processing_results --from T-400d --to T")
        .run();
    let wide = report(&desk, "--population leavers.csv --sla 60h");
    assert_eq!(
        outcomes(&wide)["00000000-0000-0000-0000-00000000000a"],
        "not_evaluable"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_leaver_whose_account_was_disabled_in_time_is_met_although_a_later_task_failed() {
    let mut config = TenantConfig::empty(5);
    let mut workflow = WorkflowConfig::new(Category::Leaver, "Offboard");
    workflow.tasks = 12;
    config.workflows = vec![workflow];
    config.runs = vec![(0, RunPlan::new(ago(240), 2).named("r"))];
    let desk = Desk::of(config).await;
    let truth = desk.tenant.truth();
    let user = |nth: usize| {
        truth.results[nth].value["subject"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let is_disabling = |row: &lcw_simulator::TrueResult| {
        DISABLING.contains(&row.value["task"]["taskDefinitionId"].as_str().unwrap())
    };
    let of_first = truth
        .task_results
        .iter()
        .filter(|row| row.value["subject"]["id"] == user(0).as_str());
    let failing = TaskChange {
        status: Some(ProcessingStatus::Failed),
        failure_reason: Some("no".to_owned()),
        ..TaskChange::default()
    };
    let tasks = |wanted: bool| -> Vec<(u32, TaskChange)> {
        let all = of_first.clone().zip(0..);
        all.filter(|(row, _)| is_disabling(row) == wanted)
            .map(|(_, nth)| (nth, failing.clone()))
            .collect()
    };
    assert!(!tasks(true).is_empty() && !tasks(false).is_empty());
    let change = |status, tasks| ResultChange {
        status: Some(status),
        tasks,
        ..ResultChange::default()
    };
    desk.tenant
        .change_result("r", 0, &change(ProcessingStatus::Failed, tasks(false)));
    desk.tenant
        .change_result("r", 1, &change(ProcessingStatus::Completed, tasks(true)));
    desk.lcw("export --out data").run().with(0);
    let found = report(&desk, "");
    let expected = BTreeMap::from([(user(0), "met".to_owned()), (user(1), "failed".to_owned())]);
    assert_eq!(outcomes(&found), expected);
    assert_eq!(found["leavers"]["measured_by_task"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_clock_that_starts_before_the_window_is_not_started_anew_in_it() {
    let (desk, _) = one_leaver_run(2, |plan| plan.outcome = ProcessingStatus::Failed).await;
    let workflow = desk.tenant.workflow_ids().remove(0);
    let again = RunPlan::new(ago(100), 2).reprocessing(Reprocessed::Run("r".to_owned()));
    desk.tenant.add_run(&workflow, &again);
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let leavers = |more: String| {
        let line = format!("report --out data --json {more}");
        let found = desk.bare(&line).run().with(0).json()["leavers"].clone();
        ["total", "met", "missed", "failed"].map(|key| found[key].as_u64().unwrap())
    };
    assert_eq!(leavers("--from 2026-10-20".to_owned()), [2, 0, 2, 0]);
    assert_eq!(leavers(format!("--from {}", ago(120))), [0, 0, 0, 0]);
    // What happened after the window stops a clock that started in it.
    let to = ago(200);
    assert_eq!(
        leavers(format!("--from 2026-10-20 --to {to} --sla 150h")),
        [2, 2, 0, 0]
    );
    assert_eq!(
        leavers(format!("--from 2026-10-20 --to {to}")),
        [2, 0, 0, 2]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conditions_make_the_exit_code() {
    let (desk, _) = one_leaver_run(3, |_| {}).await;
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let with = |condition: &str, code: i32| -> Ended {
        desk.bare("report --out data --fail-on")
            .arg(condition)
            .run()
            .with(code)
    };
    assert!(
        with("users>=3", 6)
            .stdout
            .contains("FAIL      users>=3 (it is 3)")
    );
    assert!(
        with("users > 3", 0)
            .stdout
            .contains("ok        users>3 (it is 3)")
    );
    with("users>3", 0);
    with("success_rate_percent<100", 0);
    with("failing_tasks>0", 6).says(&["cannot say"]);
    with("leaver_sla_miss>0", 2).says(&["did you mean leaver_sla_misses?"]);
    with("users", 2).says(&["one of > >= < <= == !="]);
    let both = desk
        .bare("report --out data --json --fail-on users>9 --fail-on users==3")
        .run()
        .with(6);
    let met: Vec<_> = both.json()["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["is_met"].clone())
        .collect();
    assert_eq!(met, [json!(false), json!(true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn workflows_without_a_recent_run_are_named() {
    let mut config = TenantConfig::empty(5);
    let day = Duration::from_hours(24);
    let rested = Schedule {
        every: day,
        history: 12 * day,
        ended: Some(9 * day),
    };
    let named = |name: &str| WorkflowConfig::new(Category::Joiner, name);
    config.workflows = vec![
        named("Rests").scheduled(rested, 1..=2),
        named("Runs").scheduled(Schedule::ongoing(day, 12), 1..=2),
        named("On demand"),
    ];
    let desk = Desk::of(config).await;
    desk.export();
    let stale = |more: &str| -> Vec<String> {
        let found = report(&desk, more);
        let lines = found["workflows"].as_array().unwrap().iter();
        let stale = lines.filter(|it| it["is_stale"] == true);
        stale
            .map(|it| it["workflow"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(stale(""), ["Rests"]);
    assert!(stale("--stale-after 11d").is_empty());
    let line = "report --out data --json --from 2026-11-21 --stale-after 11d";
    let before = desk.bare(line).run().with(0).json();
    let last = |name: &str| {
        let lines = before["workflows"].as_array().unwrap().iter();
        let mut of_name = lines.filter(|it| it["workflow"] == name);
        of_name.next().unwrap().clone()
    };
    assert_eq!(
        last("Rests")["is_stale"],
        false,
        "a run before the window is one"
    );
    assert_eq!(last("Rests")["runs"], 0);
    let truth = desk.tenant.truth();
    let id = &truth.workflows[0].id;
    let runs = truth
        .runs
        .iter()
        .filter(|run| run.workflow_id == *id)
        .count();
    let line = desk.bare("report --out data --workflow").arg("rests");
    let one = line.words("--json --from 2026-10-20").run().with(0).json();
    assert_eq!(one["totals"]["runs"], runs);
    assert_eq!(one["window"]["workflow_ids"], json!([id]));
    let wrong = desk.bare("report --out data --workflow").arg("Restz");
    wrong.run().with(2).says(&["did you mean \"Rests\"?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bad_questions_are_told_and_nothing_is_written() {
    let (desk, ids) = one_leaver_run(2, |_| {}).await;
    desk.export();
    desk.write(
        "bad.csv",
        format!("{},2026-11-01\nanna@contoso.com,2026-11-01\nx\n", ids[0]),
    );
    desk.write("bytes.csv", [0xff, 0xfe]);
    let before = desk.contents();
    let refused = |line: &str, said: &[&str]| desk.bare(line).run().with(2).says(said);
    refused(
        "report --out data --population bad.csv",
        &["line 2", "line 3", "object id"],
    );
    refused("report --out data --population bytes.csv", &["not UTF-8"]);
    refused("report --out data --population none.csv", &["cannot read"]);
    refused(
        "report --out data --from 2026-11-02 --to 2026-11-02",
        &["window is empty"],
    );
    refused(
        "report --out data --html data/report.html",
        &["inside the dataset"],
    );
    refused("report --out nowhere", &["no dataset"]);
    refused("report --out data --tenant-id x", &["no such tenant"]);
    refused("report --out data --csv leaver", &["leavers"]);
    refused("report --out data --sla soon", &["15m"]);
    for line in [
        "report --out data",
        "report --out data --json",
        "report --out data --csv days",
    ] {
        desk.bare(line).run().with(0);
    }
    assert_eq!(desk.contents(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn snapshots_and_empty_datasets_have_reports_and_the_folder_is_only_read() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::of(TenantConfig::empty(5)).await;
    desk.export();
    let found = report(&desk, "");
    assert_eq!(found["totals"]["runs"], 0);
    assert_eq!(found["proof"]["verdict"], "no_runs");
    desk.bare("report --out data --html empty.html")
        .run()
        .with(0);
    let (desk, _) = one_leaver_run(2, |_| {}).await;
    desk.export();
    desk.bare("snapshot snapshots --out data").run().with(0);
    let line = "report --json --from 2026-10-20 --out";
    let of = |out: &str| desk.bare(&format!("{line} {out}")).run().with(0).json();
    let (one, other) = (of("data"), of("snapshots/current"));
    for key in ["totals", "leavers", "days", "workflows"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    let folder = desk.data();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o550)).unwrap();
    of("data");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o750)).unwrap();
}

/// A leaver workflow, a task and a subject that are called what nobody should be.
fn hostile() -> TenantConfig {
    let mut config = TenantConfig::empty(5);
    let name = "=HYPERLINK(\"http://evil.example\",\"<script>alert(1)</script>\")\u{1b}[31m\u{202e}&'\r\nx";
    config.workflows = vec![WorkflowConfig::new(Category::Leaver, name)];
    let plan = RunPlan::new(ago(240), 2)
        .named("r")
        .ending(ProcessingStatus::Failed);
    config.runs = vec![(0, plan)];
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hostile_names_are_words_and_nothing_else() {
    let desk = Desk::of(hostile()).await;
    let reason = "@SUM(1)\u{9b}<img src=x onerror=alert(1)>\u{2028}\"';--";
    let failing = TaskChange {
        status: Some(ProcessingStatus::Failed),
        failure_reason: Some(reason.to_owned()),
        ..TaskChange::default()
    };
    desk.tenant.change_task_result("r", 0, 0, failing);
    desk.export();
    let text = desk
        .bare("report --out data --from 2026-10-20 --html report.html")
        .run()
        .with(0);
    let html = std::fs::read_to_string(desk.folder().join("report.html")).unwrap();
    for shown in [&text.stdout, &html] {
        let hidden = |it: char| (it.is_control() && it != '\n') || "\u{202e}\u{2028}".contains(it);
        assert!(!shown.contains(hidden), "{shown:?}");
        assert!(
            shown.contains("HYPERLINK") && shown.contains("SUM"),
            "{shown}"
        );
    }
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    for section in [
        "leavers",
        "failing-tasks",
        "failed-users",
        "workflows",
        "days",
        "short",
        "metrics",
    ] {
        let csv = desk
            .bare(&format!(
                "report --out data --from 2026-10-20 --csv {section}"
            ))
            .run()
            .with(0)
            .stdout;
        let mut lines = csv.lines();
        let columns = lines.next().unwrap().split(',').count();
        for line in lines {
            let cells = cells(line);
            assert_eq!(cells.len(), columns, "{section}: {line}");
            let is_formula = |cell: &String| cell.starts_with(['=', '+', '@', '\t', '\r']);
            assert!(!cells.iter().any(is_formula), "{section}: {line}");
        }
    }
}

/// The cells of a line, as any reader of CSV sees them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_several_tenants_one_is_named() {
    let (desk, _) = one_leaver_run(2, |_| {}).await;
    desk.export();
    let mut other = TenantConfig::empty(6);
    other.workflows = vec![WorkflowConfig::new(Category::Joiner, "Welcome")];
    other.runs = vec![(0, RunPlan::new(ago(100), 5))];
    let other = Desk::of(other).await;
    let data = desk.data();
    other.lcw("export").arg("--out").arg(&data).run().with(0);
    desk.bare("report --out data")
        .run()
        .with(2)
        .says(&["several tenants", "--tenant-id"]);
    let users = |tenant: &str| {
        let line = format!("--tenant-id {}", tenant.to_uppercase());
        report(&desk, &line)["totals"]["users"]["total"].clone()
    };
    assert_eq!(users(desk.tenant.tenant_id()), 2);
    assert_eq!(users(other.tenant.tenant_id()), 5);
}
