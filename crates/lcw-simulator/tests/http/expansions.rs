//! `$expand` and `$select`.

use std::collections::BTreeSet;

use lcw_simulator::{
    DeletedSubject, Expand, Reading, RunPlan, Simulator, TenantConfig, TrueResult, roles,
};
use serde_json::Value;

use crate::client::{ALL, ALL_CREATED, Client, LW, by_id, segment};

const NAMED: &str = "displayName,userPrincipalName,mail,department,jobTitle,employeeId,\
    employeeHireDate,employeeLeaveDateTime,accountEnabled,givenName,surname,businessPhones";

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A settled run of 40 users, some of them deleted, and the path below which its rows are.
async fn forty_users() -> (Simulator, String) {
    let mut config = TenantConfig::bench(1, 0, 0);
    config.deleted_people = 0.3;
    let plan = RunPlan::new(config.now - std::time::Duration::from_hours(2), 40);
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &plan);
    let path = format!("{LW}/workflows/{workflow}/runs/{}", segment(&run));
    (simulator, path)
}

fn lists(path: &str) -> [String; 2] {
    [
        format!("{path}/userProcessingResults?{ALL}"),
        format!("{path}/taskProcessingResults?{ALL_CREATED}"),
    ]
}

async fn assert_read(client: &Client<'_>, list: &str, truth: &[TrueResult]) -> Vec<Value> {
    let rows = client.rows(list).await;
    let read = by_id(rows.clone());
    assert_eq!(read.len(), truth.len());
    for row in truth {
        assert_eq!(read[&row.id], row.value);
    }
    rows.into_iter().map(|row| row["subject"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_expanded_subject_has_the_default_properties_or_the_selected_ones() {
    let (simulator, path) = forty_users().await;
    let client = Client::new(&simulator);
    for (expand, option, department) in [
        (Expand::Subject, "$expand=subject".to_owned(), false),
        (
            Expand::SubjectSelecting(NAMED.split(',').map(str::to_owned).collect()),
            format!("$expand=subject($select={NAMED})"),
            true,
        ),
    ] {
        let truth = simulator.truth_as(&Reading {
            expand,
            ..Reading::default()
        });
        let [results, task_results] = lists(&path);
        let subjects = assert_read(&client, &format!("{results}&{option}"), &truth.results).await;
        assert_read(
            &client,
            &format!("{task_results}&{option}"),
            &truth.task_results,
        )
        .await;
        let is_alone = |subject: &&Value| subject.get("displayName").is_none();
        let deleted: Vec<&Value> = subjects.iter().filter(is_alone).collect();
        assert!((4..20).contains(&deleted.len()), "{}", deleted.len());
        for subject in &deleted {
            assert!(
                subject["id"].is_string() && keys(subject).len() <= 2,
                "{subject}"
            );
        }
        for subject in subjects.iter().filter(|subject| !is_alone(subject)) {
            assert!(subject["businessPhones"].is_array());
            assert_eq!(subject.get("department").is_some(), department);
            assert_eq!(subject.get("preferredLanguage").is_some(), !department);
        }
        let values = |name: &str| -> BTreeSet<String> {
            let values = subjects.iter().filter_map(|subject| subject.get(name));
            values.map(Value::to_string).collect()
        };
        assert!(values("mail").contains("null") && values("mail").len() > 5);
        assert!(!department || values("accountEnabled").len() == 2);
    }
    simulator.update_config(|config| config.deleted_subject = DeletedSubject::Null);
    let rows = client
        .rows(&format!("{}&$expand=subject", lists(&path)[1]))
        .await;
    assert!(rows.iter().any(|row| row["subject"].is_null()));
}

#[tokio::test(start_paused = true)]
async fn only_documented_relationships_expand_and_one_at_a_time() {
    let (simulator, path) = forty_users().await;
    let client = Client::new(&simulator);
    let workflow = path.split_once("/runs").unwrap().0;
    for target in [
        format!("{workflow}/runs?$expand=subject"),
        format!("{workflow}/taskReports?$expand=subject"),
        format!("{workflow}/taskReports?$expand=task,taskDefinition"),
        format!("{workflow}/taskReports?$expand=taskProcessingResults"),
        format!("{path}/userProcessingResults?$expand=task"),
        format!("{path}/taskProcessingResults?$expand=task"),
        format!("{path}/userProcessingResults?$expand=subject($select=shoeSize)"),
        format!("{LW}/taskDefinitions?$expand=task"),
    ] {
        assert_eq!(client.get(&target).await.status, 400, "{target}");
    }
    let nested = format!("{path}/userProcessingResults?$expand=subject($select=mail)");
    assert_eq!(client.get(&nested).await.status, 200);
    simulator.update_config(|config| config.answers.nested_select = false);
    assert_eq!(client.get(&nested).await.status, 400);
    let plain = format!("{path}/userProcessingResults?$expand=subject");
    assert_eq!(client.get(&plain).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn expanding_subjects_needs_a_permission_for_users() {
    let (simulator, path) = forty_users().await;
    for (role, needed, status) in [
        (None, true, 403),
        (Some(roles::EVERYTHING), true, 403),
        (Some(roles::USER), true, 200),
        (Some(roles::USER_BASIC), true, 200),
        (None, false, 200),
    ] {
        simulator.update_config(|config| {
            let granted = [Some(roles::REPORTS), role].into_iter().flatten();
            config.access.roles = granted.map(str::to_owned).collect();
            config.access.expand_needs_user_read = needed;
        });
        let client = Client::new(&simulator);
        for list in lists(&path) {
            let expanded = client.get(&format!("{list}&$expand=subject")).await;
            assert_eq!(expanded.status, status, "{role:?}");
            assert_eq!(client.get(&list).await.status, 200);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_brings_its_task_or_its_definition_when_asked() {
    let (simulator, path) = forty_users().await;
    let client = Client::new(&simulator);
    let list = format!("{}/taskReports", path.split_once("/runs").unwrap().0);
    let plain = client.rows(&list).await;
    assert!(plain.iter().all(|row| row.get("task").is_none()));
    let tasks = client.rows(&format!("{list}?$expand=task")).await;
    let definitions = client.rows(&format!("{list}?$expand=taskDefinition")).await;
    let truth = simulator.truth();
    assert_eq!(tasks.len(), 3);
    for (row, definition) in tasks.iter().zip(&definitions) {
        let known = truth
            .task_reports
            .iter()
            .find(|known| row["id"] == known.id);
        assert_eq!(known.unwrap().value, *row);
        let task = truth.tasks.iter().find(|task| row["task"]["id"] == task.id);
        assert_eq!(task.unwrap().value, row["task"]);
        let id = definition["taskDefinition"]["id"].as_str().unwrap();
        assert_eq!(row["task"]["taskDefinitionId"], id);
        let known = truth.task_definitions.iter().find(|known| known.id == id);
        assert_eq!(known.unwrap().value, definition["taskDefinition"]);
        assert!(definition.get("task").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_selection_is_obeyed_but_for_what_comes_unasked() {
    let (simulator, path) = forty_users().await;
    let client = Client::new(&simulator);
    let [results, task_results] = lists(&path);
    let first = async |target: String| client.rows(&target).await.remove(0);
    let row = first(format!("{results}&$select=processingStatus")).await;
    assert_eq!(keys(&row), ["id", "processingStatus", "subject"]);
    let row = first(format!("{task_results}&$select=failureReason")).await;
    assert_eq!(keys(&row), ["failureReason", "id", "subject", "task"]);
    let workflow = path.split_once("/runs").unwrap().0;
    let row = first(format!("{workflow}/taskReports?$select=runId,task")).await;
    assert_eq!(keys(&row), ["id", "runId"]);
    let row = first(format!("{workflow}/versions?$select=versionNumber")).await;
    assert_eq!(keys(&row), ["versionNumber"]);
}
