//! The course, the ids and the changes of task results and task reports.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lcw_simulator::{
    Category, IdStyle, ProcessingStatus, RunChange, RunPlan, Simulator, TaskChange, TenantConfig,
    TrueResult, WorkflowConfig,
};

use crate::client::{ALL_CREATED, Client, LW, by_id, segment};
use crate::counters::number;

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
}

#[tokio::test(start_paused = true)]
async fn a_run_can_say_another_number_of_tasks_than_its_rows() {
    let (simulator, _, run) = one_run(3, 4, IdStyle::Composite).await;
    simulator.advance(Duration::from_hours(2));
    let said = || simulator.truth().runs[0].value["totalTasksCount"].clone();
    simulator.report_tasks(&run, Some(99));
    assert_eq!(said(), 99);
    let again = RunChange {
        reported_tasks: Some(None),
        ..RunChange::default()
    };
    simulator.change_run(&run, &again);
    assert_eq!(said(), 12);
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
    let truth = simulator.truth();
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
}

/// The properties that each of the rows has.
fn always(rows: &[TrueResult]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        for key in row.value.as_object().unwrap().keys() {
            *counts.entry(key.clone()).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count == rows.len());
    counts.into_keys().collect()
}
