//! The functions that sum up a time.

use std::time::Duration;

use lcw_simulator::{DateProperty, Simulator, TenantConfig, TrueResult};
use serde_json::Value;

use crate::client::{Client, LW, segment};

const SPAN: &str = "startDateTime=2026-11-05T00:00:00Z,endDateTime=2026-11-20T00:00:00Z";

fn sum<'a>(rows: impl Iterator<Item = &'a Value>, name: &str) -> i64 {
    rows.map(|row| row[name].as_i64().unwrap()).sum()
}

fn inside(row: &Value, property: &str) -> bool {
    row[property].as_str().is_some_and(|text| {
        let (from, until) = ("2026-11-05T00:00:00Z", "2026-11-20T00:00:00Z");
        let parse = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        (parse(from)..=parse(until)).contains(&parse(text))
    })
}

async fn tenant() -> (Simulator, String) {
    let simulator = Simulator::start(TenantConfig::small(7)).await.unwrap();
    simulator.advance(Duration::from_hours(1));
    let workflow = simulator.workflow_ids().remove(0);
    (simulator, workflow)
}

#[tokio::test(start_paused = true)]
async fn runs_results_and_reports_are_summed_up_by_schedule() {
    let (simulator, workflow) = tenant().await;
    let client = Client::new(&simulator);
    let path = format!("{LW}/workflows/{workflow}");
    let truth = simulator.truth();
    let runs: Vec<&Value> = truth
        .runs
        .iter()
        .filter(|run| run.workflow_id == workflow && inside(&run.value, "scheduledDateTime"))
        .map(|run| &run.value)
        .collect();
    assert!(runs.len() > 10);
    for name in ["summary", "microsoft.graph.identityGovernance.summary"] {
        let answer = client
            .get(&format!("{path}/runs/{name}({SPAN})"))
            .await
            .json();
        let count = |status: &str| {
            runs.iter()
                .filter(|run| run["processingStatus"] == status)
                .count()
        };
        assert_eq!(answer["totalRuns"], runs.len());
        assert_eq!(answer["successfulRuns"], count("completed"));
        assert_eq!(answer["failedRuns"], count("failed"));
        let sum = |name: &str| sum(runs.iter().copied(), name);
        assert_eq!(answer["totalUsers"], sum("totalUsersCount"));
        assert_eq!(answer["totalTasks"], sum("totalTasksCount"));
        assert_eq!(answer["failedTasks"], sum("failedTasksCount"));
        let context = answer["@odata.context"].as_str().unwrap();
        assert!(context.ends_with("$metadata#microsoft.graph.identityGovernance.runSummary"));
    }

    let own = |rows: &[TrueResult]| -> Vec<Value> {
        let own = rows.iter().filter(|row| row.workflow_id == workflow);
        own.map(|row| row.value.clone()).collect()
    };
    let mut results = own(&truth.results);
    results.retain(|row| inside(row, "scheduledDateTime"));
    let target = format!("{path}/userProcessingResults/summary({SPAN})");
    let answer = client.get(&target).await.json();
    assert_eq!(answer["totalUsers"], results.len());
    assert_eq!(answer["totalTasks"], sum(results.iter(), "totalTasksCount"));
    assert_eq!(
        answer["failedTasks"],
        sum(results.iter(), "failedTasksCount")
    );
    let good = results
        .iter()
        .filter(|row| row["processingStatus"] == "completed");
    assert_eq!(answer["successfulUsers"], good.count());

    let mut reports = own(&truth.task_reports);
    reports.retain(|report| runs.iter().any(|run| run["id"] == report["runId"]));
    let target = format!("{path}/taskReports/summary({SPAN})");
    let answer = client.get(&target).await.json();
    for (name, column) in [
        ("totalTasks", "totalUsersCount"),
        ("successfulTasks", "successfulUsersCount"),
        ("failedTasks", "failedUsersCount"),
        ("unprocessedTasks", "unprocessedUsersCount"),
    ] {
        assert_eq!(answer[name], sum(reports.iter(), column), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_date_can_decide_what_is_summed_up() {
    let (simulator, workflow) = tenant().await;
    let client = Client::new(&simulator);
    let target = format!("{LW}/workflows/{workflow}/runs/summary({SPAN})");
    for (date, property) in [
        (DateProperty::Started, "startedDateTime"),
        (DateProperty::Completed, "completedDateTime"),
        (DateProperty::LastUpdated, "lastUpdatedDateTime"),
    ] {
        simulator.update_config(|config| config.windows.summaries = date);
        let truth = simulator.truth();
        let runs = truth.runs.iter().filter(|run| run.workflow_id == workflow);
        let runs = runs.filter(|run| inside(&run.value, property)).count();
        let answer = client.get(&target).await.json();
        assert_eq!(answer["totalRuns"], runs, "{property}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_run_has_a_summary_of_its_results() {
    let (simulator, workflow) = tenant().await;
    let client = Client::new(&simulator);
    let truth = simulator.truth();
    let run = truth
        .runs
        .iter()
        .rev()
        .find(|run| run.workflow_id == workflow && inside(&run.value, "completedDateTime"));
    let id = &run.unwrap().id;
    let path = format!("{LW}/workflows/{workflow}/runs/{}", segment(id));
    let target = format!("{path}/userProcessingResults/summary({SPAN})");
    let answer = client.get(&target).await.json();
    assert_eq!(answer["totalUsers"], truth.results_of(id).count());
}

#[tokio::test(start_paused = true)]
async fn both_parameters_are_required() {
    let (simulator, workflow) = tenant().await;
    let client = Client::new(&simulator);
    for collection in ["runs", "userProcessingResults", "taskReports"] {
        for arguments in [
            "",
            "startDateTime=2026-11-05T00:00:00Z",
            "endDateTime=2026-11-05T00:00:00Z",
            "startDateTime=soon,endDateTime=2026-11-05T00:00:00Z",
        ] {
            let target = format!("{LW}/workflows/{workflow}/{collection}/summary({arguments})");
            assert_eq!(client.get(&target).await.status, 400, "{target}");
        }
    }
}
