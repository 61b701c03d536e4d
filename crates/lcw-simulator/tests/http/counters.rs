//! Counters of runs, results and task reports against the task results.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lcw_simulator::{
    Category, IdStyle, Outcomes, ProcessingStatus, RunChange, RunPlan, Simulator, TaskChange,
    TenantConfig, TrueResult, Truth, WorkflowConfig,
};
use serde_json::Value;

use crate::client::{ALL, ALL_CREATED, Client, LW, by_id, segment};

fn number(row: &Value, name: &str) -> i64 {
    row[name]
        .as_i64()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

/// Rows, failed ones, and those that were never processed.
fn counted<'a>(rows: impl Iterator<Item = &'a TrueResult>) -> (i64, i64, i64) {
    rows.fold((0, 0, 0), |(all, failed, unprocessed), row| {
        let is = |status: &str| i64::from(row.value["processingStatus"] == status);
        let waited = i64::from(row.value["startedDateTime"].is_null());
        (
            all + 1,
            failed + is("failed"),
            unprocessed + is("canceled") * waited,
        )
    })
}

fn said(row: &Value) -> (i64, i64, i64) {
    (
        number(row, "totalTasksCount"),
        number(row, "failedTasksCount"),
        number(row, "totalUnprocessedTasksCount"),
    )
}

fn assert_consistent(truth: &Truth, now: jiff::Timestamp) {
    let mut settled = 0;
    for run in &truth.runs {
        let updated: jiff::Timestamp = run.value["lastUpdatedDateTime"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let is_over = !run.value["completedDateTime"].is_null();
        if !is_over || now.duration_since(updated) < jiff::SignedDuration::from_mins(6) {
            continue;
        }
        settled += 1;
        let rows = truth.task_results.iter().filter(|row| row.run_id == run.id);
        assert_eq!(counted(rows), said(&run.value), "{}", run.value);
        for result in truth.results_of(&run.id) {
            let subject = &result.value["subject"];
            let own = truth.task_results.iter().filter(|row| row.run_id == run.id);
            let own = own.filter(|row| row.value["subject"] == *subject);
            assert_eq!(counted(own), said(&result.value), "{}", result.value);
        }
        for report in truth.task_reports.iter().filter(|row| row.run_id == run.id) {
            let task = &report.value["task"]["id"];
            let own = truth.task_results.iter().filter(|row| row.run_id == run.id);
            let (all, failed, unprocessed) =
                counted(own.filter(|row| row.value["task"]["id"] == *task));
            assert_eq!(number(&report.value, "totalUsersCount"), all);
            assert_eq!(number(&report.value, "failedUsersCount"), failed);
            assert_eq!(number(&report.value, "unprocessedUsersCount"), unprocessed);
            let successful = all - failed - unprocessed;
            assert_eq!(number(&report.value, "successfulUsersCount"), successful);
        }
    }
    assert!(settled > 60, "{settled}");
}

#[tokio::test(start_paused = true)]
async fn counters_of_settled_runs_agree_with_their_task_results_for_many_seeds() {
    for seed in 0..8 {
        let mut config = TenantConfig::small(seed);
        // A null subject could not be told from another one.
        config.deleted_people = 0.0;
        config.workflows[1].tasks = 5;
        config.workflows[2].tasks = 1;
        let simulator = Simulator::start(config).await.unwrap();
        for hours in [0, 31] {
            simulator.advance(Duration::from_hours(hours));
            assert_consistent(&simulator.truth(), simulator.now());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_are_in_order_and_failures_say_why() {
    let mut config = TenantConfig::small(4);
    config.workflows[0].tasks = 4;
    config.outcomes = Outcomes {
        with_errors: 0.3,
        failed: 0.3,
        canceled: 0.1,
        ..Outcomes::GOOD
    };
    let simulator = Simulator::start(config).await.unwrap();
    let truth = simulator.truth();
    let mut reasons = BTreeSet::new();
    for row in &truth.task_results {
        let instant = |name: &str| {
            row.value[name]
                .as_str()
                .map(|text| text.parse::<jiff::Timestamp>().unwrap())
        };
        let created = instant("createdDateTime").expect("never null");
        let (started, completed) = (instant("startedDateTime"), instant("completedDateTime"));
        assert!(started.is_none_or(|started| started >= created), "{row:?}");
        assert!(
            completed.is_none_or(|completed| Some(completed) >= started),
            "{row:?}"
        );
        let reason = row.value["failureReason"].as_str();
        assert_eq!(reason.is_some(), row.value["processingStatus"] == "failed");
        reasons.extend(reason.map(str::to_owned));
        assert!(row.value["task"]["taskDefinitionId"].is_string());
    }
    assert!(reasons.iter().any(|reason| reason.contains('"')));
    assert!(reasons.iter().any(|reason| reason.contains('\n')));
    assert!(reasons.iter().any(|reason| !reason.is_ascii()));
    let infos: Vec<_> = truth
        .task_results
        .iter()
        .map(|row| row.value.get("processingInfo"))
        .collect();
    assert!(infos.contains(&None), "the property came late");
    assert!(infos.contains(&Some(&Value::Null)));
    assert!(infos.iter().flatten().any(|info| info.is_string()));
}

async fn one_run(tasks: u32, users: u32, ids: IdStyle) -> (Simulator, String, String) {
    let mut workflow = WorkflowConfig::new(Category::Leaver, "Offboard");
    workflow.tasks = tasks;
    let config = TenantConfig {
        workflows: vec![workflow],
        ids,
        ..TenantConfig::empty(5)
    };
    let plan = RunPlan::new(config.now, users).working_for(Duration::from_mins(40));
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &plan);
    (simulator, workflow, run)
}

#[tokio::test(start_paused = true)]
async fn task_results_go_from_queued_over_in_progress_to_completed() {
    let (simulator, _, _) = one_run(3, 30, IdStyle::Composite).await;
    let mut seen = BTreeSet::new();
    let mut ids: Option<Vec<String>> = None;
    for _ in 0..30 {
        let truth = simulator.truth();
        let now: Vec<String> = truth
            .task_results
            .iter()
            .map(|row| row.id.clone())
            .collect();
        assert_eq!(now.len(), 90, "rows are there from the beginning");
        assert_eq!(ids.get_or_insert_with(|| now.clone()), &now);
        let statuses: BTreeSet<String> = truth
            .task_results
            .iter()
            .map(|row| row.value["processingStatus"].as_str().unwrap().to_owned())
            .collect();
        seen.insert(statuses);
        simulator.advance(Duration::from_mins(2));
    }
    let all = |wanted: &[&str]| wanted.iter().map(|&text| text.to_owned()).collect();
    assert!(seen.contains(&all(&["queued"])));
    assert!(seen.contains(&all(&["queued", "inProgress", "completed"])));
    assert!(seen.contains(&all(&["completed"])));
}

#[tokio::test(start_paused = true)]
async fn ids_follow_the_style_of_their_run() {
    let (simulator, workflow, run) = one_run(2, 3, IdStyle::Composite).await;
    for (row, report) in simulator
        .truth()
        .task_results
        .iter()
        .zip(&simulator.truth().task_reports)
    {
        let subject = row.value["subject"]["id"].as_str().unwrap();
        let task = row.value["task"]["id"].as_str().unwrap();
        assert!(row.id.starts_with(&format!("{workflow}_")));
        assert!(
            row.id.ends_with(&format!("_{run}_{subject}_{task}")),
            "{}",
            row.id
        );
        assert!(report.id.starts_with(&format!("{run}_")), "{}", report.id);
    }
    let (simulator, _, _) = one_run(2, 3, IdStyle::Guid).await;
    let truth = simulator.truth();
    let ids: BTreeSet<&str> = truth
        .task_results
        .iter()
        .map(|row| row.id.as_str())
        .collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| id.len() == 36));
    assert!(truth.task_reports.iter().all(|row| row.id.len() == 36));
}

#[tokio::test(start_paused = true)]
async fn the_task_results_of_one_user_are_those_of_its_run() {
    let simulator = Simulator::start(TenantConfig::small(2)).await.unwrap();
    let client = Client::new(&simulator);
    let truth = simulator.truth();
    let mut seen = 0;
    for result in truth.results.iter().rev().step_by(29) {
        let workflow = format!("{LW}/workflows/{}", segment(&result.workflow_id));
        let run = format!("{workflow}/runs/{}", segment(&result.run_id));
        for parent in [&workflow, &run] {
            let own = format!(
                "{parent}/userProcessingResults/{}/taskProcessingResults?{ALL_CREATED}",
                segment(&result.id)
            );
            let reply = client.get(&own).await;
            if reply.status == 404 {
                continue;
            }
            seen += 1;
            let rows = by_id(client.rows(&own).await);
            let count = number(&result.value, "totalTasksCount");
            assert!(i64::try_from(rows.len()).unwrap() >= count, "{own}");
            for (id, row) in rows {
                let known = truth.task_results.iter().find(|known| known.id == id);
                assert_eq!(known.unwrap().value, row);
                assert_eq!(row["subject"], result.value["subject"]);
            }
        }
    }
    assert!(seen > 6, "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_task_result_can_change_while_no_counter_does() {
    let (simulator, workflow, run) = one_run(3, 4, IdStyle::Composite).await;
    simulator.advance(Duration::from_hours(2));
    let client = Client::new(&simulator);
    let list = format!("{LW}/workflows/{workflow}/runs/{run}/taskProcessingResults?{ALL_CREATED}");
    let before = client.rows(&list).await;
    let truth_of_runs = simulator.truth().runs;

    let odd = TaskChange {
        status: Some(ProcessingStatus::Other("postponed")),
        failure_reason: Some("\"later\"".to_owned()),
        ..TaskChange::default()
    };
    simulator.change_task_result(&run, 1, 2, odd);
    let dropped = TaskChange {
        dropped: true,
        ..TaskChange::default()
    };
    simulator.change_task_result(&run, 0, 0, dropped);
    let late = TaskChange {
        appears: Some(simulator.now() + Duration::from_hours(1)),
        ..TaskChange::default()
    };
    simulator.change_task_result(&run, 3, 1, late);

    let after = by_id(client.rows(&list).await);
    assert_eq!((before.len(), after.len()), (12, 10));
    let changed = &after[before[5]["id"].as_str().unwrap()];
    assert_eq!(changed["processingStatus"], "postponed");
    assert_eq!(changed["failureReason"], "\"later\"");
    assert!(!after.contains_key(before[0]["id"].as_str().unwrap()));
    assert!(!after.contains_key(before[10]["id"].as_str().unwrap()));
    let hidden = client.try_get(&list, &[]).await.unwrap().json();
    assert!(
        hidden["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["processingStatus"] == "unknownFutureValue")
    );
    assert_eq!(simulator.truth().runs, truth_of_runs);
    assert_eq!(simulator.truth_of_everything_ever().task_results.len(), 11);
    simulator.advance(Duration::from_hours(1));
    assert_eq!(client.rows(&list).await.len(), 11);

    simulator.report_tasks(&run, Some(99));
    assert_eq!(simulator.truth().runs[0].value["totalTasksCount"], 99);
    let again = RunChange {
        reported_tasks: Some(None),
        ..RunChange::default()
    };
    simulator.change_run(&run, &again);
    assert_eq!(simulator.truth().runs[0].value["totalTasksCount"], 12);
}

#[tokio::test(start_paused = true)]
async fn task_reports_settle_minutes_after_their_run() {
    let (simulator, workflow, run) = one_run(2, 9, IdStyle::Composite).await;
    let client = Client::new(&simulator);
    let list = format!("{LW}/workflows/{workflow}/taskReports");
    let reports = client.rows(&list).await;
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|row| {
        row["processingStatus"] == "queued"
            && row["totalUsersCount"] == 0
            && row["runId"] == run
            && row["lastUpdatedDateTime"].is_string()
            && row.get("task").is_none()
    }));
    simulator.advance(Duration::from_mins(41));
    let lagging = client.rows(&list).await;
    assert_eq!(lagging[0]["processingStatus"], "completed");
    assert_ne!(lagging[0]["totalUsersCount"], 9);
    simulator.advance(Duration::from_mins(5));
    let settled = client.rows(&list).await.remove(0);
    assert_eq!(settled["totalUsersCount"], 9);
    let instant = |name: &str| {
        let text = settled[name].as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap()
    };
    let lag = instant("lastUpdatedDateTime").duration_since(instant("completedDateTime"));
    assert!((270..=305).contains(&lag.as_secs()), "{lag}");
}

#[tokio::test(start_paused = true)]
async fn a_run_can_settle_hours_late_and_nothing_tells() {
    let config = TenantConfig {
        workflows: vec![WorkflowConfig::new(Category::Joiner, "Onboard")],
        ..TenantConfig::empty(3)
    };
    let plan = RunPlan::new(config.now, 8).settling_after(Duration::from_hours(6));
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    simulator.add_run(&workflow, &plan);
    let run = || simulator.truth().runs.remove(0).value;
    simulator.advance(Duration::from_hours(5));
    let unsettled = run();
    assert_eq!(unsettled["processingStatus"], "completed");
    assert_eq!(
        unsettled["lastUpdatedDateTime"],
        unsettled["completedDateTime"]
    );
    assert!(number(&unsettled, "totalUsersCount") < 8);
    simulator.advance(Duration::from_hours(2));
    assert_eq!(run()["totalUsersCount"], 8);

    // The same for a share of the scheduled runs.
    let mut config = TenantConfig::bench(1, 28, 4);
    config.outcomes.settling_late = 1.0;
    let simulator = Simulator::start(config).await.unwrap();
    for run in simulator.truth().runs.iter().rev().skip(1) {
        let instant = |name: &str| {
            let text = run.value[name].as_str().unwrap();
            text.parse::<jiff::Timestamp>().unwrap()
        };
        let lag = instant("lastUpdatedDateTime").duration_since(instant("completedDateTime"));
        assert!((3..=9).contains(&lag.as_hours()), "{lag}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_of_task_results_has_the_documented_properties() {
    let mut config = TenantConfig::small(1);
    config.answers.unknown_property = None;
    let simulator = Simulator::start(config).await.unwrap();
    let keys = |rows: &[TrueResult]| -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for row in rows {
            for key in row.value.as_object().unwrap().keys() {
                *keys.entry(key.clone()).or_default() += 1;
            }
        }
        keys
    };
    let truth = simulator.truth();
    let always = |rows: &[TrueResult]| -> Vec<String> {
        let keys = keys(rows);
        let all = keys.iter().filter(|(_, count)| **count == rows.len());
        all.map(|(key, _)| key.clone()).collect()
    };
    assert_eq!(
        always(&truth.task_results),
        [
            "completedDateTime",
            "createdDateTime",
            "failureReason",
            "id",
            "processingStatus",
            "startedDateTime",
            "subject",
            "task"
        ]
    );
    assert_eq!(
        always(&truth.task_reports),
        [
            "completedDateTime",
            "failedUsersCount",
            "id",
            "lastUpdatedDateTime",
            "processingStatus",
            "runId",
            "startedDateTime",
            "successfulUsersCount",
            "task",
            "totalUsersCount",
            "unprocessedUsersCount"
        ]
    );
    assert_eq!(
        always(&truth.results),
        keys(&truth.results).into_keys().collect::<Vec<_>>(),
        "{ALL}"
    );
}
