//! Subjects that are no users, and runs that reprocess others.

use std::time::Duration;

use lcw_simulator::{
    Category, IdStyle, Reading, Reprocessed, ReprocessedRuns, RunPlan, Schedule, Simulator,
    TenantConfig, WorkflowConfig,
};
use serde_json::Value;

use crate::client::{ALL, Client, LW, by_id, segment};

const DAY: Duration = Duration::from_hours(24);

async fn extensible(ids: IdStyle) -> (Simulator, String, Vec<String>) {
    let schedule = Schedule::past(DAY, 4);
    let workflow = WorkflowConfig::new(Category::Extensibility, "Groups from HR");
    let config = TenantConfig {
        workflows: vec![workflow.scheduled(schedule, 3..=3)],
        ids,
        ..TenantConfig::empty(8)
    };
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let runs = simulator.run_ids(&workflow);
    simulator.advance(Duration::from_hours(1));
    (simulator, workflow, runs)
}

#[tokio::test(start_paused = true)]
async fn beta_has_the_subjects_of_workflows_without_users_and_hides_what_is_new() {
    let (simulator, workflow, runs) = extensible(IdStyle::Composite).await;
    let client = Client::new(&simulator);
    let v1 = format!("{LW}/workflows/{workflow}");
    let beta = v1.replacen("v1.0", "beta", 1);
    let subjects = format!(
        "/runs/{}/subjectProcessingResults?{}",
        segment(&runs[0]),
        ""
    );

    let reply = client.get(&format!("{v1}{subjects}")).await;
    assert_eq!(reply.status, 400);
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains("subjectProcessingResults"), "{message}");

    let rows = client.rows(&format!("{beta}{subjects}")).await;
    assert_eq!(rows.len(), 3);
    let truth = simulator.truth_as(&Reading {
        beta: true,
        ..Reading::default()
    });
    for row in &rows {
        assert_eq!(row["workflowExecutionType"], "extensibilityOnDemand");
        assert_eq!(row["subjectType"], "provisioningObject");
        assert_eq!(row["totalTasksCount"], 2);
        let kind = row["subject"]["@odata.type"].as_str().unwrap();
        assert!(kind.ends_with(".provisioningObjectWorkflowSubject"));
        assert!(row["subject"]["attributeSetEntries"].is_array());
        let known = truth
            .subject_results
            .iter()
            .find(|known| row["id"] == known.id);
        assert_eq!(known.unwrap().value, *row);
    }
    assert_eq!(simulator.truth().subject_results, truth.subject_results);
    assert_eq!(truth.subject_results.len(), 4 * 3);
    assert!(truth.results.is_empty());
    assert!(
        truth
            .runs
            .iter()
            .all(|run| run.value["totalUsersCount"] == 3)
    );

    let status = "$filter=processingStatus%20eq%20'queued'";
    assert!(
        client
            .rows(&format!("{beta}{subjects}{status}"))
            .await
            .is_empty()
    );

    let category = async |target: &str, prefer: bool| {
        let prefer: &[_] = if prefer {
            &[crate::client::PREFER]
        } else {
            &[]
        };
        let reply = client.try_get(target, prefer).await.unwrap();
        reply.json()["category"].as_str().unwrap().to_owned()
    };
    assert_eq!(category(&beta, true).await, "extensibility");
    assert_eq!(category(&beta, false).await, "unknownFutureValue");
    assert_eq!(category(&v1, true).await, "unknownFutureValue");
    let runs = client.rows(&format!("{v1}/runs?{ALL}")).await;
    assert_eq!(runs[0]["workflowExecutionType"], "unknownFutureValue");

    simulator.update_config(|config| config.answers.subject_results_on_v1 = true);
    assert_eq!(client.rows(&format!("{v1}{subjects}")).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn subjects_follow_their_run_and_older_rows_lack_the_type() {
    let (simulator, workflow, _) = extensible(IdStyle::Guid).await;
    let plan = RunPlan::new(simulator.now(), 0).with_non_users(2);
    let run = simulator.add_run(&workflow, &plan);
    let client = Client::new(&simulator);
    let path = format!("{LW}/workflows/{workflow}/runs/{run}/subjectProcessingResults");
    let path = path.replacen("v1.0", "beta", 1);
    let statuses = async || -> Vec<Value> {
        let rows = client.rows(&path).await;
        assert!(rows.iter().all(|row| row.get("subjectType").is_none()));
        rows.iter()
            .map(|row| row["processingStatus"].clone())
            .collect()
    };
    assert_eq!(statuses().await, ["queued", "queued"]);
    simulator.advance(Duration::from_secs(20));
    assert_eq!(statuses().await, ["inProgress", "inProgress"]);
    simulator.advance(Duration::from_mins(3));
    assert_eq!(statuses().await, ["completed", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_names_those_that_reprocess_it_where_that_can_be_read() {
    let config = TenantConfig::bench(1, 10, 3);
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let old = simulator.run_ids(&workflow).remove(4);
    let again: Vec<String> = [3, 2]
        .map(|hours| {
            let plan = RunPlan::new(now - Duration::from_hours(hours), 1);
            let plan = plan.reprocessing(Reprocessed::Run(old.clone()));
            simulator.add_run(&workflow, &plan)
        })
        .to_vec();
    let client = Client::new(&simulator);
    let path = |run: &str| format!("{LW}/workflows/{workflow}/runs/{run}/reprocessedRuns");
    for (readable, status) in [
        (ReprocessedRuns::Forbidden, 403),
        (ReprocessedRuns::NotFound, 404),
        (ReprocessedRuns::Readable, 200),
    ] {
        simulator.update_config(|config| config.reprocessed_runs = readable);
        assert_eq!(client.get(&path(&old)).await.status, status);
    }
    let rows = by_id(client.rows(&path(&old)).await);
    let truth = simulator.truth();
    assert_eq!(rows.len(), 2);
    for id in &again {
        assert_eq!(rows[id]["activatedOnScope"]["run"]["id"], *old);
        let known = truth
            .reprocessed
            .iter()
            .find(|known| known.id == *id)
            .unwrap();
        assert_eq!((&known.run_id, &known.value), (&old, &rows[id]));
        assert!(client.rows(&path(id)).await.is_empty());
    }
    assert_eq!(truth.reprocessed.len(), 2);

    // An old run that has aged out is no row's parent any more.
    simulator.advance(20 * DAY);
    assert!(simulator.truth().reprocessed.is_empty());
    assert_eq!(simulator.truth_of_everything_ever().reprocessed.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_ready_made_tenants_have_a_run_that_reprocesses_another() {
    for config in [
        TenantConfig::small(0),
        TenantConfig::small(9),
        TenantConfig::demo(),
    ] {
        let simulator = Simulator::start(config).await.unwrap();
        assert_eq!(simulator.truth().reprocessed.len(), 1);
    }
}
