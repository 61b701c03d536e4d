//! Versions, tasks and task definitions.

use std::time::Duration;

use lcw_simulator::{DeletedHistory, Simulator, TenantConfig};
use serde_json::Value;

use crate::client::{Client, LW, ids};

fn numbers(rows: &[Value]) -> Vec<i64> {
    rows.iter()
        .map(|row| row["versionNumber"].as_i64().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn versions_come_newest_first_and_one_has_more_than_its_row() {
    let mut config = TenantConfig::bench(1, 0, 0);
    config.paging.page_size = 2..=2;
    let simulator = Simulator::start(config).await.unwrap();
    let client = Client::new(&simulator);
    let workflow = simulator.workflow_ids().remove(0);
    let path = format!("{LW}/workflows/{workflow}");
    let current = client.get(&path).await.json();
    let rows = client.rows(&format!("{path}/versions")).await;
    let count = current["version"].as_i64().unwrap();
    assert!(count > 2, "{count}");
    assert_eq!(numbers(&rows), (1..=count).rev().collect::<Vec<_>>());
    for pair in rows.windows(2) {
        let instant = |row: &Value, name: &str| {
            let text = row[name].as_str().unwrap();
            text.parse::<jiff::Timestamp>().unwrap()
        };
        let (newer, older) = (&pair[0], &pair[1]);
        assert!(instant(older, "createdDateTime") < instant(newer, "createdDateTime"));
        assert!(instant(older, "lastModifiedDateTime") < instant(newer, "createdDateTime"));
    }
    assert_eq!(
        rows[0]["lastModifiedDateTime"],
        current["lastModifiedDateTime"]
    );
    assert_eq!(
        rows.last().unwrap()["createdDateTime"],
        current["createdDateTime"]
    );
    assert!(rows.iter().all(|row| row.get("id").is_none()));

    let single = client.get(&format!("{path}/versions/{count}")).await.json();
    for name in [
        "executionConditions",
        "tasks",
        "createdBy",
        "lastModifiedBy",
    ] {
        assert!(rows[0].get(name).is_none(), "{name}");
        assert!(!single[name].is_null(), "{name}");
    }
    assert_eq!(single["tasks"], current["tasks"]);
    for (name, value) in rows[0].as_object().unwrap() {
        assert_eq!(single[name], *value, "{name}");
    }
    let status = async |key: &str| client.get(&format!("{path}/versions/{key}")).await.status;
    assert_eq!(status("1").await, 200);
    assert_eq!(status("0").await, 404);
    assert_eq!(status("99").await, 404);
    assert_eq!(status("latest").await, 400);
}

#[tokio::test(start_paused = true)]
async fn a_rename_makes_a_version_and_the_old_one_keeps_its_name() {
    let simulator = Simulator::start(TenantConfig::bench(1, 0, 0))
        .await
        .unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let before = simulator.truth().versions;
    simulator.advance(Duration::from_hours(2));
    simulator.rename_workflow(&workflow, "Second name");
    simulator.rename_workflow(&workflow, "Third name");
    let after = simulator.truth().versions;
    assert_eq!(after.len(), before.len() + 2);
    let names: Vec<_> = after
        .iter()
        .take(3)
        .map(|version| version.value["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Third name", "Second name", "Workflow 1"]);
    assert_eq!(
        after[0].id,
        simulator.truth().workflows[0].listed["version"].to_string()
    );
    assert_eq!(after[3..], before[1..], "older ones stay as they were");
    let now = simulator.now().to_string();
    assert_eq!(after[0].value["createdDateTime"], now);
    // The current version is changed until the next one begins.
    let old = after[2].value["lastModifiedDateTime"].as_str().unwrap();
    assert_ne!(old, before[0].value["lastModifiedDateTime"]);
    assert!(old < now.as_str());
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_workflow_are_those_of_its_results_and_fit_its_category() {
    let simulator = Simulator::start(TenantConfig::small(3)).await.unwrap();
    let client = Client::new(&simulator);
    let truth = simulator.truth();
    for workflow in truth.workflows.iter().filter(|workflow| !workflow.deleted) {
        let path = format!("{LW}/workflows/{}", workflow.id);
        let rows = client.rows(&format!("{path}/tasks")).await;
        assert_eq!(
            rows.len(),
            workflow.detail["tasks"].as_array().unwrap().len()
        );
        let category = workflow.listed["category"].as_str().unwrap();
        for (row, inlined) in rows
            .iter()
            .zip(workflow.detail["tasks"].as_array().unwrap())
        {
            let mut row = row.clone();
            row.as_object_mut().unwrap().remove("riskSignal");
            assert_eq!(row, *inlined);
            assert!(
                row["category"].as_str().unwrap().contains(category),
                "{row}"
            );
        }
        for result in truth
            .task_results
            .iter()
            .filter(|row| row.workflow_id == workflow.id)
        {
            assert!(ids(&rows).contains(&result.value["task"]["id"].as_str().unwrap()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn flags_that_came_later_hide_behind_one_unknown_value() {
    let simulator = Simulator::start(TenantConfig::bench(1, 0, 0))
        .await
        .unwrap();
    let client = Client::new(&simulator);
    let category = async |version: &str, prefer: &[(&str, &str)]| {
        let list = format!("{LW}/taskDefinitions").replacen("v1.0", version, 1);
        let page = client.try_get(&list, prefer).await.unwrap().json();
        let rows = page["value"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 16);
        let custom = rows
            .iter()
            .find(|row| row["displayName"] == "Run a Custom Task Extension");
        custom.unwrap()["category"].as_str().unwrap().to_owned()
    };
    let all = &[crate::client::PREFER][..];
    assert_eq!(
        category("v1.0", &[]).await,
        "joiner,leaver,unknownFutureValue"
    );
    assert_eq!(
        category("v1.0", all).await,
        "joiner,leaver,mover,unknownFutureValue"
    );
    assert_eq!(
        category("beta", all).await,
        "joiner,leaver,mover,extensibility"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_below_a_deleted_workflow_is_as_readable_as_its_history() {
    let simulator = Simulator::start(TenantConfig::small(3)).await.unwrap();
    let client = Client::new(&simulator);
    let deleted = simulator.workflow_ids().remove(3);
    for (history, status) in [
        (DeletedHistory::Readable, 200),
        (DeletedHistory::Forbidden, 403),
        (DeletedHistory::NotFound, 404),
    ] {
        simulator.update_config(|config| config.deleted_history = history);
        for below in ["versions", "versions/1", "tasks", "taskReports"] {
            let target = format!("{LW}/deletedItems/workflows/{deleted}/{below}");
            assert_eq!(client.get(&target).await.status, status, "{target}");
            let live = target.replacen("deletedItems/", "", 1);
            assert_eq!(client.get(&live).await.status, 404, "{live}");
        }
    }
    let truth = simulator.truth();
    let own = |id: &String| *id == deleted;
    assert!(truth.versions.iter().any(|row| own(&row.workflow_id)));
    let kept = truth.without_deleted_history();
    assert!(!kept.versions.iter().any(|row| own(&row.workflow_id)));
    assert!(!kept.tasks.iter().any(|row| own(&row.workflow_id)));
    assert!(!kept.task_results.iter().any(|row| own(&row.workflow_id)));
    assert!(!kept.task_reports.iter().any(|row| own(&row.workflow_id)));
}
