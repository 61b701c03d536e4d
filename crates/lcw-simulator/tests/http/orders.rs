//! `$orderby` and the filters of the further collections.

use lcw_simulator::{Outcomes, Simulator, TenantConfig};
use serde_json::Value;

use crate::client::{ALL, ALL_CREATED, Client, LW, by_id, segment};

/// A tenant whose runs come out in every way, in pages of 4, the path of its first workflow and of a run with
/// several statuses.
async fn mixed() -> (Simulator, String, String) {
    let mut config = TenantConfig::small(6);
    config.outcomes = Outcomes {
        with_errors: 0.4,
        failed: 0.2,
        ..Outcomes::GOOD
    };
    config.paging.page_size = 4..=4;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let truth = simulator.truth();
    let run = truth.runs.iter().find(|run| {
        let failed = run.value["processingStatus"] == "completedWithErrors";
        run.workflow_id == workflow && failed && truth.results_of(&run.id).count() > 4
    });
    let path = format!("{LW}/workflows/{workflow}");
    let run = format!("{path}/runs/{}", segment(&run.unwrap().id));
    (simulator, path, run)
}

/// Values as text with their order: dates drop the zeros at their end, so they are compared as numbers.
fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter()
        .map(|row| {
            let text = row[name].as_str().unwrap_or_default();
            text.parse::<jiff::Timestamp>().map_or_else(
                |_| text.to_owned(),
                |instant| format!("{:030}", instant.as_nanosecond()),
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn rows_come_in_the_order_that_was_asked_for_over_all_pages() {
    let (simulator, workflow, run) = mixed().await;
    let client = Client::new(&simulator);
    for (list, names) in [
        (
            format!("{workflow}/runs?{ALL}"),
            &[
                "processingStatus",
                "completedDateTime",
                "workflowExecutionType",
            ][..],
        ),
        (
            format!("{workflow}/userProcessingResults?{ALL}"),
            &["id", "processingStatus", "startedDateTime"],
        ),
        (
            format!("{run}/taskProcessingResults?{ALL_CREATED}"),
            &[
                "id",
                "processingStatus",
                "createdDateTime",
                "completedDateTime",
            ],
        ),
        (
            format!("{workflow}/taskReports?"),
            &["processingStatus", "id"],
        ),
        (format!("{workflow}/versions?"), &["createdDateTime"]),
        (format!("{LW}/workflows?"), &["displayName", "id"]),
        (format!("{LW}/taskDefinitions?"), &["displayName"]),
    ] {
        let plain = by_id_or_number(client.rows(&list).await);
        assert!(plain.len() > 2, "{list}");
        for name in names {
            let rows = client.rows(&format!("{list}&$orderby={name}")).await;
            let values = column(&rows, name);
            assert!(values.is_sorted(), "{list} by {name}: {values:?}");
            assert_eq!(by_id_or_number(rows), plain);
            let rows = client.rows(&format!("{list}&$orderby={name}%20desc")).await;
            let values = column(&rows, name);
            assert!(
                values.iter().rev().is_sorted(),
                "{list} by {name} desc: {values:?}"
            );
            assert_eq!(by_id_or_number(rows), plain);
        }
    }
}

fn by_id_or_number(rows: Vec<Value>) -> std::collections::BTreeMap<String, Value> {
    if rows.iter().all(|row| row["id"].is_string()) {
        return by_id(rows);
    }
    rows.into_iter()
        .map(|row| (row["versionNumber"].to_string(), row))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn several_keys_decide_one_behind_the_other() {
    let (simulator, workflow, _) = mixed().await;
    let client = Client::new(&simulator);
    let order = "$orderby=processingStatus%20desc,scheduledDateTime";
    let rows = client.rows(&format!("{workflow}/runs?{ALL}&{order}")).await;
    let keys: Vec<(String, String)> = column(&rows, "processingStatus")
        .into_iter()
        .zip(column(&rows, "scheduledDateTime"))
        .collect();
    assert!(keys.is_sorted_by(|one, two| (&two.0, &one.1) <= (&one.0, &two.1)));
}

#[tokio::test(start_paused = true)]
async fn what_no_page_documents_cannot_be_ordered_or_filtered_by() {
    let (simulator, workflow, run) = mixed().await;
    let client = Client::new(&simulator);
    for target in [
        format!("{workflow}/runs?$orderby=totalUsersCount"),
        format!("{workflow}/runs?$orderby=nonsense"),
        format!("{workflow}/userProcessingResults?$orderby=subject/id"),
        format!("{workflow}/tasks?$orderby=displayName"),
        format!("{workflow}/taskReports?$orderby=lastUpdatedDateTime"),
        format!("{workflow}/taskReports?$filter=startedDateTime%20ge%202020-01-01"),
        format!("{workflow}/taskReports?$filter=runId%20eq%20'x'"),
        format!("{workflow}/versions?$filter=versionNumber%20eq%201"),
        format!("{run}/taskProcessingResults?$filter=scheduledDateTime%20ge%202020-01-01"),
        format!("{LW}/taskDefinitions?$filter=category%20eq%20'joiner'"),
    ] {
        assert_eq!(client.get(&target).await.status, 400, "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn task_results_and_reports_are_filtered_by_what_is_documented() {
    let (simulator, workflow, run) = mixed().await;
    let client = Client::new(&simulator);
    let list = format!("{run}/taskProcessingResults?{ALL_CREATED}");
    let all = client.rows(&list).await;
    let subject = all[0]["subject"]["id"].as_str().unwrap();
    let id = all[1]["id"].as_str().unwrap();
    for (filter, expected) in [
        ("processingStatus%20eq%20'failed'".to_owned(), {
            let failed = all.iter().filter(|row| row["processingStatus"] == "failed");
            failed.count()
        }),
        (format!("subject/id%20eq%20'{subject}'"), 2),
        (format!("id%20eq%20'{id}'"), 1),
        ("startedDateTime%20ge%202020-01-01".to_owned(), {
            let started = all.iter().filter(|row| row["startedDateTime"].is_string());
            started.count()
        }),
    ] {
        let rows = client.rows(&format!("{list}%20and%20{filter}")).await;
        let rows = by_id(rows);
        assert_eq!(rows.len(), expected, "{filter}");
        assert!(!rows.is_empty());
    }
    let reports = format!("{workflow}/taskReports");
    let all = by_id(client.rows(&reports).await);
    for name in [
        "successfulUsersCount",
        "failedUsersCount",
        "totalUsersCount",
    ] {
        let above = |row: &&Value| row[name].as_i64().unwrap() >= 1;
        let rows = client
            .rows(&format!("{reports}?$filter={name}%20ge%201"))
            .await;
        assert_eq!(by_id(rows).len(), all.values().filter(above).count());
    }
    let task = &simulator.truth().tasks[0].id;
    let rows = client
        .rows(&format!("{reports}?$filter=task/id%20eq%20'{task}'"))
        .await;
    assert_eq!(by_id(rows).len(), all.len() / 2);
    let leavers = client
        .rows(&format!(
            "{LW}/taskDefinitions?$filter=category%20has%20'leaver'"
        ))
        .await;
    assert!((1..16).contains(&leavers.len()));
}
