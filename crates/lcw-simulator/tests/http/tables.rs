//! Whole tables over HTTP against the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use lcw_simulator::{Simulator, TenantConfig};
use serde_json::Value;

use crate::client::{ALL, ALL_CREATED, Client, LW, by_id, segment};

/// Kind, workflow or run, and id.
type Place = (String, String, String);

/// Reads everything that can be read on v1.0, as a patient client would.
pub(crate) async fn everything(client: &Client<'_>) -> BTreeMap<Place, Value> {
    let mut rows = BTreeMap::new();
    for row in client.rows(&format!("{LW}/taskDefinitions")).await {
        put(&mut rows, "definition", "", [("id", row)]);
    }
    for (list, subtree) in [
        ("workflows", LW.to_owned()),
        ("deletedItems/workflows", format!("{LW}/deletedItems")),
    ] {
        for (id, workflow) in by_id(client.rows(&format!("{LW}/{list}")).await) {
            rows.insert(("workflow".into(), id.clone(), String::new()), workflow);
            let path = format!("{subtree}/workflows/{}", segment(&id));
            of_workflow(client, &path, &id, &mut rows).await;
        }
    }
    rows
}

fn put(
    rows: &mut BTreeMap<Place, Value>,
    kind: &str,
    owner: &str,
    new: impl IntoIterator<Item = (&'static str, Value)>,
) {
    for (key, row) in new {
        let id = row[key].as_str().map(str::to_owned);
        let id = id.unwrap_or_else(|| row[key].to_string());
        rows.insert((kind.to_owned(), owner.to_owned(), id), row);
    }
}

async fn of_workflow(client: &Client<'_>, path: &str, id: &str, rows: &mut BTreeMap<Place, Value>) {
    for version in client.rows(&format!("{path}/versions")).await {
        let detail = client
            .get(&format!("{path}/versions/{}", version["versionNumber"]))
            .await;
        put(
            rows,
            "version",
            id,
            [("versionNumber", without_context(detail.json()))],
        );
    }
    for row in client.rows(&format!("{path}/tasks")).await {
        put(rows, "task", id, [("id", row)]);
    }
    // Nothing that is documented lifts the window for reports that have not come to their end.
    let reports = format!("{path}/taskReports?$expand=task");
    let old = format!("{reports}&$filter=completedDateTime%20ge%202020-01-01T00:00:00Z");
    for list in [reports, old] {
        for row in client.rows(&list).await {
            put(
                rows,
                "report",
                row["runId"].as_str().unwrap(),
                [("id", row.clone())],
            );
        }
    }
    for (run_id, run) in by_id(client.rows(&format!("{path}/runs?{ALL}")).await) {
        put(rows, "run", id, [("id", run)]);
        let below = format!("{path}/runs/{}", segment(&run_id));
        for (kind, list) in [
            ("result", format!("userProcessingResults?{ALL}")),
            (
                "task result",
                format!("taskProcessingResults?{ALL_CREATED}"),
            ),
        ] {
            for row in client.rows(&format!("{below}/{list}")).await {
                put(rows, kind, &run_id, [("id", row)]);
            }
        }
    }
}

fn without_context(mut value: Value) -> Value {
    value.as_object_mut().unwrap().remove("@odata.context");
    value
}

/// The same from the truth.
pub(crate) fn truth(simulator: &Simulator) -> BTreeMap<Place, Value> {
    let truth = simulator.truth();
    let workflows = truth
        .workflows
        .into_iter()
        .map(|row| (("workflow".to_owned(), row.id, String::new()), row.listed));
    let runs = truth
        .runs
        .into_iter()
        .map(|row| (("run".to_owned(), row.workflow_id, row.id), row.value));
    let below_runs = [
        ("result", truth.results),
        ("task result", truth.task_results),
        ("report", truth.task_reports),
    ];
    let below_runs = below_runs.into_iter().flat_map(|(kind, rows)| {
        rows.into_iter()
            .map(move |row| ((kind.to_owned(), row.run_id, row.id), row.value))
    });
    let items = [
        ("version", truth.versions),
        ("task", truth.tasks),
        ("definition", truth.task_definitions),
    ];
    let items = items.into_iter().flat_map(|(kind, items)| {
        items
            .into_iter()
            .map(move |item| ((kind.to_owned(), item.workflow_id, item.id), item.value))
    });
    workflows
        .chain(runs)
        .chain(below_runs)
        .chain(items)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_page_together_is_the_truth_for_many_seeds_and_times() {
    for seed in 0..4 {
        let simulator = Simulator::start(TenantConfig::small(seed)).await.unwrap();
        for hours in [0, 7, 50] {
            simulator.advance(Duration::from_secs(hours * 3_600 + 61));
            let client = Client::new(&simulator);
            let expected = truth(&simulator);
            assert!(expected.len() > 200, "seed {seed}: {}", expected.len());
            let read = everything(&client).await;
            assert!(read.keys().eq(expected.keys()), "seed {seed}, {hours} h");
            for (place, row) in &expected {
                assert_eq!(&read[place], row, "seed {seed}, {hours} h, {place:?}");
            }
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
