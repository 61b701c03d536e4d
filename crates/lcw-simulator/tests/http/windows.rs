//! Default windows, what lifts them, and retention.

use std::time::Duration;

use lcw_simulator::{DateProperty, RunPlan, Simulator, TenantConfig, WindowRule};

use crate::client::{ALL, ALL_CREATED, Client, LW, segment};

const DAY: u64 = 86_400;
const STARTED: &str = "$filter=startedDateTime%20ge%202020-01-01T00:00:00Z";

/// One workflow with a run of one user for every day of four weeks; the latest is open and has not started.
async fn four_weeks() -> (Simulator, String) {
    let config = TenantConfig::bench(1, 28, 1);
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    simulator.add_run(
        &workflow,
        &RunPlan::new(now - Duration::from_secs(5), 1).never_starting(),
    );
    (simulator, format!("{LW}/workflows/{workflow}"))
}

#[tokio::test(start_paused = true)]
async fn an_unfiltered_listing_reaches_seven_days_back_and_a_lower_bound_lifts_that() {
    let (simulator, workflow) = four_weeks().await;
    let client = Client::new(&simulator);
    for collection in ["runs", "userProcessingResults"] {
        let list = format!("{workflow}/{collection}");
        let count = async |query: &str| client.rows(&format!("{list}?{query}")).await.len();
        assert_eq!(count("").await, 7, "{collection}");
        assert_eq!(count(ALL).await, 29, "{collection}");
        assert_eq!(count(STARTED).await, 28, "a queued row has not started");
        let upper = "$filter=scheduledDateTime%20le%202030-01-01T00:00:00Z";
        assert_eq!(count(upper).await, 7, "{collection}");
        let other = "$filter=processingStatus%20eq%20'completed'";
        assert_eq!(count(other).await, 6, "{collection}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_aged_out_does_not_come_back_when_the_clock_is_set_back() {
    let (simulator, workflow) = four_weeks().await;
    let client = Client::new(&simulator);
    let list = format!("{workflow}/runs?{ALL}");
    let before = client.rows(&list).await.len();
    let now = simulator.now();
    simulator.set_now(now + Duration::from_secs(4 * DAY));
    client.rows(&list).await;
    simulator.set_now(now);
    assert_eq!(client.rows(&list).await.len(), before - 3);
}

#[tokio::test(start_paused = true)]
async fn the_window_also_holds_below_a_run() {
    let (simulator, workflow) = four_weeks().await;
    let client = Client::new(&simulator);
    let oldest = simulator
        .run_ids(workflow.rsplit('/').next().unwrap())
        .remove(0);
    let list = format!("{workflow}/runs/{}/userProcessingResults", segment(&oldest));
    assert_eq!(client.rows(&list).await.len(), 0);
    assert_eq!(client.rows(&format!("{list}?{ALL}")).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn which_property_lifts_the_window_can_be_chosen_for_runs_and_results() {
    let (simulator, workflow) = four_weeks().await;
    simulator.update_config(|config| {
        config.windows.runs = WindowRule::seven_days_unless(&[DateProperty::Started]);
        config.windows.results = WindowRule::seven_days_unless(&[DateProperty::Scheduled]);
    });
    let client = Client::new(&simulator);
    let (runs, results) = (
        format!("{workflow}/runs"),
        format!("{workflow}/userProcessingResults"),
    );
    assert_eq!(client.rows(&format!("{runs}?{ALL}")).await.len(), 7);
    assert_eq!(client.rows(&format!("{runs}?{STARTED}")).await.len(), 28);
    assert_eq!(client.rows(&format!("{results}?{ALL}")).await.len(), 29);
    assert_eq!(client.rows(&format!("{results}?{STARTED}")).await.len(), 6);
    simulator.update_config(|config| config.windows.runs.default = None);
    assert_eq!(client.rows(&runs).await.len(), 29);
}

#[tokio::test(start_paused = true)]
async fn a_range_is_exact_to_the_tick() {
    let (simulator, workflow) = four_weeks().await;
    let client = Client::new(&simulator);
    let rows = client.rows(&format!("{workflow}/runs?{ALL}")).await;
    let at = rows[10]["scheduledDateTime"].as_str().unwrap();
    let count = async |operator: &str| {
        let filter = format!(
            "$filter=scheduledDateTime%20{operator}%20{at}%20and%20scheduledDateTime%20ge%202020-01-01"
        );
        client
            .rows(&format!("{workflow}/runs?{filter}"))
            .await
            .len()
    };
    assert_eq!(count("lt").await, 10);
    assert_eq!(count("le").await, 11);
    assert_eq!(count("gt").await, 18);
    assert_eq!(count("ge").await, 19);
    assert_eq!(count("eq").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_ages_out_thirty_days_after_its_schedule() {
    let config = TenantConfig::bench(1, 1, 1);
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &RunPlan::new(now - Duration::from_hours(1), 2));
    let path = format!("{LW}/workflows/{workflow}/runs/{}", segment(&run));
    let client = Client::new(&simulator);
    simulator.advance(Duration::from_secs(30 * DAY - 3_601));
    assert_eq!(client.get(&path).await.status, 200);
    simulator.advance(Duration::from_secs(1));
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(
        client
            .get(&format!("{path}/userProcessingResults"))
            .await
            .status,
        404
    );
    let runs = client
        .rows(&format!("{LW}/workflows/{workflow}/runs?{ALL}"))
        .await;
    assert!(runs.is_empty());
    assert!(simulator.truth().runs.is_empty());
    assert_eq!(
        simulator
            .truth_of_everything_ever()
            .results_of(&run)
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn task_results_and_reports_have_windows_of_their_own() {
    let (simulator, workflow) = four_weeks().await;
    let client = Client::new(&simulator);
    let oldest = simulator
        .run_ids(workflow.rsplit('/').next().unwrap())
        .remove(0);
    let tasks = format!("{workflow}/runs/{}/taskProcessingResults", segment(&oldest));
    let reports = format!("{workflow}/taskReports");
    let completed = "$filter=completedDateTime%20ge%202020-01-01T00:00:00Z";
    let count = async |list: &str, query: &str| client.rows(&format!("{list}?{query}")).await.len();
    assert_eq!(count(&tasks, "").await, 0);
    assert_eq!(count(&tasks, ALL_CREATED).await, 3);
    assert_eq!(count(&tasks, STARTED).await, 3);
    assert_eq!(count(&tasks, completed).await, 0);
    assert_eq!(count(&reports, "").await, 7 * 3);
    assert_eq!(
        count(&reports, completed).await,
        28 * 3,
        "an open report is not completed"
    );

    simulator.update_config(|config| {
        config.windows.task_results = WindowRule::seven_days_unless(&[DateProperty::Completed]);
        config.windows.task_reports.default = None;
    });
    assert_eq!(count(&tasks, ALL_CREATED).await, 0);
    assert_eq!(count(&tasks, completed).await, 3);
    assert_eq!(count(&reports, "").await, 29 * 3);
}
