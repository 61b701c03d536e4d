//! Whole tables over HTTP against the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use lcw_simulator::{Simulator, TenantConfig};
use serde_json::Value;

use crate::client::{ALL, Client, LW, by_id, segment};

/// Reads everything that can be read, as a patient client would.
pub(crate) async fn everything(client: &Client<'_>) -> BTreeMap<(String, String, String), Value> {
    let mut rows = BTreeMap::new();
    for (list, subtree) in [
        ("workflows", LW.to_owned()),
        ("deletedItems/workflows", format!("{LW}/deletedItems")),
    ] {
        for (id, workflow) in by_id(client.rows(&format!("{LW}/{list}")).await) {
            rows.insert(("workflow".into(), id.clone(), String::new()), workflow);
            let runs = format!("{subtree}/workflows/{}/runs", segment(&id));
            for (run_id, run) in by_id(client.rows(&format!("{runs}?{ALL}")).await) {
                rows.insert(("run".into(), id.clone(), run_id.clone()), run);
                let results = format!("{runs}/{}/userProcessingResults?{ALL}", segment(&run_id));
                for (result_id, result) in by_id(client.rows(&results).await) {
                    rows.insert(("result".into(), run_id.clone(), result_id), result);
                }
            }
        }
    }
    rows
}

/// The same from the truth.
pub(crate) fn truth(simulator: &Simulator) -> BTreeMap<(String, String, String), Value> {
    let truth = simulator.truth();
    let workflows = truth
        .workflows
        .into_iter()
        .map(|row| (("workflow".to_owned(), row.id, String::new()), row.listed));
    let runs = truth
        .runs
        .into_iter()
        .map(|row| (("run".to_owned(), row.workflow_id, row.id), row.value));
    let results = truth
        .results
        .into_iter()
        .map(|row| (("result".to_owned(), row.run_id, row.id), row.value));
    workflows.chain(runs).chain(results).collect()
}

#[tokio::test(start_paused = true)]
async fn every_page_together_is_the_truth_for_many_seeds_and_times() {
    for seed in 0..6 {
        let simulator = Simulator::start(TenantConfig::small(seed)).await.unwrap();
        for hours in [0, 7, 50] {
            simulator.advance(Duration::from_secs(hours * 3_600 + 61));
            let client = Client::new(&simulator);
            let expected = truth(&simulator);
            assert!(expected.len() > 200, "seed {seed}: {}", expected.len());
            assert_eq!(
                everything(&client).await,
                expected,
                "seed {seed}, {hours} h"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_clock_and_mutations_give_the_same_tenant() {
    let one = Simulator::start(TenantConfig::small(3)).await.unwrap();
    let other = Simulator::start(TenantConfig::small(3)).await.unwrap();
    assert_eq!(one.truth(), other.truth());
    // One gets there in many steps and is asked on the way, the other jumps.
    for _ in 0..40 {
        one.advance(Duration::from_hours(3));
        one.truth();
    }
    other.advance(Duration::from_hours(120));
    assert_eq!(one.truth(), other.truth());
    assert_eq!(one.client_secret(), other.client_secret());
    let third = Simulator::start(TenantConfig::small(4)).await.unwrap();
    assert_ne!(one.truth(), third.truth());
}

#[tokio::test(start_paused = true)]
async fn the_demo_company_is_as_large_as_promised() {
    let simulator = Simulator::start(TenantConfig::demo()).await.unwrap();
    let truth = simulator.truth();
    assert_eq!(truth.workflows.len(), 8);
    assert_eq!(
        truth
            .workflows
            .iter()
            .filter(|workflow| workflow.deleted)
            .count(),
        1
    );
    assert!(
        (2_000..6_000).contains(&truth.results.len()),
        "{}",
        truth.results.len()
    );
    let has = |status: &str| {
        truth
            .runs
            .iter()
            .any(|run| run.value["processingStatus"] == status)
    };
    for status in [
        "completed",
        "completedWithErrors",
        "failed",
        "inProgress",
        "quarantined",
    ] {
        assert!(has(status), "{status}");
    }
    let reprocessed: Vec<_> = truth
        .runs
        .iter()
        .filter(|run| !run.value["activatedOnScope"].is_null())
        .collect();
    assert_eq!(reprocessed.len(), 1);
    let old = reprocessed[0].value["activatedOnScope"]["run"]["id"]
        .as_str()
        .unwrap();
    assert!(truth.runs.iter().any(|run| run.id == old));
}

#[tokio::test(start_paused = true)]
async fn the_benchmark_tenant_has_exactly_the_rows_that_were_asked_for() {
    let simulator = Simulator::start(TenantConfig::bench(3, 25, 12))
        .await
        .unwrap();
    let truth = simulator.truth();
    assert_eq!(truth.runs.len(), 3 * 25);
    assert_eq!(truth.results.len(), 3 * 25 * 12);
    assert!(truth.runs.iter().all(|run| {
        run.value["processingStatus"] == "completed" && run.value["totalUsersCount"] == 12
    }));
    // Nothing comes later.
    simulator.advance(Duration::from_hours(3));
    assert_eq!(simulator.truth().runs.len(), 3 * 25);
}

#[tokio::test(start_paused = true)]
async fn rows_that_aged_out_are_still_known_to_the_truth_of_everything_ever() {
    let simulator = Simulator::start(TenantConfig::small(5)).await.unwrap();
    let before = simulator.truth();
    simulator.advance(Duration::from_hours(480));
    let (now, ever) = (simulator.truth(), simulator.truth_of_everything_ever());
    assert!(ever.runs.len() > now.runs.len());
    for run in before.runs.iter().chain(&now.runs) {
        assert!(
            ever.runs.iter().any(|known| known.id == run.id),
            "{}",
            run.id
        );
    }
    // The deleted workflow was deleted 24 days ago: it is still there, and gone after 30.
    assert_eq!(now.workflows.len(), 4);
    simulator.advance(Duration::from_hours(168));
    assert_eq!(simulator.truth().workflows.len(), 3);
    assert_eq!(simulator.truth_of_everything_ever().workflows.len(), 4);
}
