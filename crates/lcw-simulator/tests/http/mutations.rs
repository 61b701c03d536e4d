//! What a test changes shows in the next answer.

use std::sync::Arc;
use std::time::Duration;

use lcw_simulator::{
    Category, Endpoint, Listed, ProcessingStatus, ResultChange, RunChange, RunPlan, Schedule,
    Simulator, TenantConfig, WorkflowConfig,
};

use crate::client::{ALL, Client, LW, by_id, ids, segment};
use crate::tables::{everything, truth};

const HOUR: Duration = Duration::from_hours(1);

/// A workflow with one settled run of six users.
async fn settled() -> (Simulator, String, String) {
    let config = TenantConfig {
        workflows: vec![WorkflowConfig::new(Category::Joiner, "Onboard")],
        ..TenantConfig::empty(21)
    };
    let plan = RunPlan::new(config.now - 5 * HOUR, 6);
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &plan);
    (simulator, workflow, run)
}

#[tokio::test(start_paused = true)]
async fn a_settled_run_can_change_and_its_other_rows_stay() {
    let (simulator, _, run) = settled().await;
    let before = simulator.truth();
    simulator.advance(HOUR);
    let change = ResultChange {
        status: Some(ProcessingStatus::Failed),
        failed_tasks: Some(2),
        ..ResultChange::default()
    };
    simulator.change_run(
        &run,
        &RunChange {
            outcome: Some(ProcessingStatus::CompletedWithErrors),
            add_users: 2,
            results: vec![(1, change)],
            ..RunChange::default()
        },
    );
    let after = simulator.truth();
    let row = &after.runs[0].value;
    assert_eq!(row["processingStatus"], "completedWithErrors");
    assert_eq!(row["totalUsersCount"], 8);
    let updated: jiff::Timestamp = row["lastUpdatedDateTime"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(updated, simulator.now());
    assert_eq!(after.results.len(), 8);
    assert_eq!(after.results[1].value["failedTasksCount"], 2);
    for row in [0, 2, 3, 4, 5] {
        assert_eq!(after.results[row], before.results[row]);
    }
    assert_eq!(
        everything(&Client::new(&simulator)).await,
        truth(&simulator)
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_can_come_late_and_go_early() {
    let (simulator, _, run) = settled().await;
    simulator.delay_result(&run, 2, simulator.now() + HOUR);
    let row = simulator.truth().runs.remove(0).value;
    assert_eq!(row["totalUsersCount"], 6);
    assert_eq!(simulator.truth().results.len(), 5);
    simulator.advance(HOUR);
    assert_eq!(simulator.truth().results.len(), 6);
    let gone = ResultChange {
        dropped: true,
        ..ResultChange::default()
    };
    simulator.change_result(&run, 0, &gone);
    assert_eq!(simulator.truth().results.len(), 5);
    assert_eq!(simulator.truth_of_everything_ever().results.len(), 6);
    let unchanged = simulator.truth().runs.remove(0).value;
    assert_eq!(unchanged["lastUpdatedDateTime"], row["lastUpdatedDateTime"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_count_other_users_than_it_has() {
    let (simulator, _, run) = settled().await;
    simulator.report_users(&run, Some(9));
    assert_eq!(simulator.truth().runs[0].value["totalUsersCount"], 9);
    assert_eq!(simulator.truth().results.len(), 6);
    simulator.report_users(&run, None);
    assert_eq!(simulator.truth().runs[0].value["totalUsersCount"], 6);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_listed_twice_with_an_old_copy_first_or_last() {
    let (simulator, workflow, run) = settled().await;
    let client = Client::new(&simulator);
    simulator.update_config(|config| config.paging.page_size = 1..=1);
    let path = format!("{LW}/workflows/{workflow}/runs?{ALL}");
    for (listed, expected) in [
        (Listed::Twice, vec!["completed", "completed"]),
        (Listed::StaleFirst, vec!["inProgress", "completed"]),
        (Listed::StaleLast, vec!["completed", "inProgress"]),
        (Listed::Once, vec!["completed"]),
    ] {
        simulator.list_run(&run, listed);
        let rows = client.rows(&path).await;
        let statuses: Vec<_> = rows
            .iter()
            .map(|row| row["processingStatus"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, expected);
        assert!(ids(&rows).iter().all(|id| *id == run));
        let newest = rows
            .iter()
            .max_by_key(|row| row["lastUpdatedDateTime"].to_string())
            .unwrap();
        assert_eq!(newest, &simulator.truth().runs[0].value);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_workflow_moves_and_its_open_runs_are_canceled() {
    let (simulator, workflow, settled) = settled().await;
    let open = RunPlan::new(simulator.now() - HOUR / 4, 12).working_for(HOUR);
    let open = simulator.add_run(&workflow, &open);
    simulator.delete_workflow(&workflow);
    simulator.advance(HOUR);
    let client = Client::new(&simulator);
    assert!(client.rows(&format!("{LW}/workflows")).await.is_empty());
    let deleted = client.rows(&format!("{LW}/deletedItems/workflows")).await;
    assert_eq!(ids(&deleted), [workflow.as_str()]);
    assert!(deleted[0]["deletedDateTime"].is_string());
    let path = format!("{LW}/deletedItems/workflows/{workflow}/runs?{ALL}");
    let runs = by_id(client.rows(&path).await);
    assert_eq!(runs[&settled]["processingStatus"], "completed");
    assert_eq!(runs[&open]["processingStatus"], "canceled");
    assert_eq!(everything(&client).await, truth(&simulator));
    simulator.purge_workflow(&workflow);
    assert!(
        client
            .rows(&format!("{LW}/deletedItems/workflows"))
            .await
            .is_empty()
    );
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(simulator.truth_of_everything_ever().runs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn history_and_single_runs_can_vanish() {
    let (simulator, workflow, run) = settled().await;
    let client = Client::new(&simulator);
    let second = simulator.add_run(&workflow, &RunPlan::new(simulator.now() - 2 * HOUR, 1));
    simulator.drop_run(&run);
    let list = format!("{LW}/workflows/{workflow}/runs?{ALL}");
    assert_eq!(ids(&client.rows(&list).await), [second.as_str()]);
    let single = format!("{LW}/workflows/{workflow}/runs/{}", segment(&run));
    assert_eq!(client.get(&single).await.status, 404);
    simulator.drop_history(&workflow);
    assert!(client.rows(&list).await.is_empty());
    assert_eq!(simulator.truth_of_everything_ever().results.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn workflows_can_be_added_and_renamed() {
    let (simulator, workflow, _) = settled().await;
    let before = simulator.truth().workflows.remove(0).listed;
    simulator.rename_workflow(&workflow, "Onboarding 2.0");
    let after = simulator.truth().workflows.remove(0).listed;
    assert_eq!(after["displayName"], "Onboarding 2.0");
    assert_eq!(
        after["version"].as_i64(),
        before["version"].as_i64().map(|version| version + 1)
    );
    assert_ne!(
        after["lastModifiedDateTime"],
        before["lastModifiedDateTime"]
    );
    assert_eq!(after["createdDateTime"], before["createdDateTime"]);
    let daily = Schedule::ongoing(24 * HOUR, 3);
    let added = WorkflowConfig::new(Category::Mover, "Move").scheduled(daily, 2..=2);
    let added = simulator.add_workflow(&added);
    assert_ne!(added, workflow);
    assert!((3..=4).contains(&simulator.run_ids(&added).len()));
    assert_eq!(simulator.truth().workflows.len(), 2);
    simulator.advance(24 * HOUR);
    assert_eq!(
        everything(&Client::new(&simulator)).await,
        truth(&simulator)
    );
}

#[tokio::test(start_paused = true)]
async fn something_can_happen_between_two_pages() {
    let (simulator, workflow, run) = settled().await;
    let simulator = Arc::new(simulator);
    simulator.update_config(|config| config.paging.page_size = 2..=2);
    let held = Arc::downgrade(&simulator);
    let id = run.clone();
    simulator.before(Endpoint::RunResults, 3, move || {
        if let Some(simulator) = held.upgrade() {
            simulator.change_run(
                &id,
                &RunChange {
                    add_users: 3,
                    ..RunChange::default()
                },
            );
        }
    });
    let client = Client::new(&simulator);
    let path = format!(
        "{LW}/workflows/{workflow}/runs/{}/userProcessingResults?{ALL}",
        segment(&run)
    );
    assert_eq!(client.rows(&path).await.len(), 9);
    assert_eq!(client.rows(&path).await.len(), 9, "it happens once");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_planned_when_its_workflow_was_deleted_never_was() {
    let (simulator, workflow, _) = settled().await;
    let planned = simulator.add_run(&workflow, &RunPlan::new(simulator.now() + HOUR, 3));
    simulator.delete_workflow(&workflow);
    simulator.advance(2 * HOUR);
    let ever = simulator.truth_of_everything_ever();
    assert!(ever.runs.iter().all(|run| run.id != planned));
    let path = format!(
        "{LW}/deletedItems/workflows/{workflow}/runs/{}",
        segment(&planned)
    );
    assert_eq!(Client::new(&simulator).get(&path).await.status, 404);
}
