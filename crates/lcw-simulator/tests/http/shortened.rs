//! Answers that lack rows without a sign, and values of another type than documented.

use std::time::Duration;

use lcw_simulator::{
    ChangedType, Endpoint, Fault, FaultRule, Pages, RunPlan, Simulator, TenantConfig, When,
};

use crate::client::{ALL, ALL_CREATED, Client, LW, by_id, segment};

/// A run of 25 users with three tasks each, in pages of 10.
async fn three_pages() -> (Simulator, String) {
    let mut config = TenantConfig::bench(1, 0, 0);
    config.paging.page_size = 10..=10;
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &RunPlan::new(now - Duration::from_hours(2), 25));
    let path = format!("{LW}/workflows/{workflow}/runs/{}", segment(&run));
    (simulator, path)
}

#[tokio::test(start_paused = true)]
async fn a_dropped_page_is_empty_and_its_link_leads_on_behind_it() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    let list = format!("{path}/userProcessingResults?{ALL}");
    let rule = FaultRule::new(Fault::DroppedPage).on(Endpoint::RunResults);
    simulator.inject(rule.pages(Pages::Further).when(When::Nth(1)));
    let pages = client.pages(&list).await;
    let sizes: Vec<usize> = pages
        .iter()
        .map(|page| page["value"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [10, 0, 5]);
    assert_eq!(simulator.requests()[1].fault, Some("dropped-page"));
    assert_eq!(client.rows(&list).await.len(), 25, "only once");
}

#[tokio::test(start_paused = true)]
async fn a_cut_collection_ends_early_without_a_sign() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    let list = format!("{path}/taskProcessingResults?{ALL_CREATED}");
    simulator.inject(
        FaultRule::new(Fault::CutCollection)
            .on(Endpoint::TaskResults)
            .when(When::Nth(3)),
    );
    let pages = client.pages(&list).await;
    assert_eq!(pages.len(), 3);
    assert!(pages[2].get("@odata.nextLink").is_none());
    assert_eq!(simulator.requests()[2].fault, Some("cut-collection"));
    assert_eq!(simulator.requests()[2].status, 200);
    assert_eq!(by_id(client.rows(&list).await).len(), 75, "only once");
}

#[tokio::test(start_paused = true)]
async fn a_property_can_have_another_type_on_some_rows_of_one_kind() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    let changed = |endpoint, property: &str, json: &str| {
        let changed = ChangedType {
            endpoint,
            property: property.to_owned(),
            json: json.to_owned(),
        };
        simulator.update_config(|config| config.answers.changed_type = Some(changed));
    };
    let tasks = format!("{path}/taskProcessingResults?{ALL_CREATED}");
    let results = format!("{path}/userProcessingResults?{ALL}");
    let truth = simulator.truth();
    changed(Endpoint::TaskResults, "failureReason", "{\"code\":5}");
    let rows = client.rows(&tasks).await;
    let odd = rows.iter().filter(|row| row["failureReason"]["code"] == 5);
    // Of ten rows the first, fourth, seventh and tenth; of five the first and fourth.
    assert_eq!(odd.count(), 7 * 4 + 2);
    assert_eq!(client.rows(&results).await[0], truth.results[0].value);

    changed(Endpoint::RunResults, "subject/id", "7");
    assert_eq!(client.rows(&results).await[0]["subject"]["id"], 7);
    changed(Endpoint::Run, "totalUsersCount", "no JSON");
    assert_eq!(client.get(&path).await.json()["totalUsersCount"], "no JSON");
    changed(Endpoint::Run, "nonsense", "1");
    assert_eq!(client.get(&path).await.json()["totalUsersCount"], 25);
    assert_eq!(simulator.truth(), truth, "the truth stays what it is");
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_row_can_have_a_property_that_nobody_documents() {
    let mut config = TenantConfig::small(3);
    config.outcomes.non_users = 0.5;
    let simulator = Simulator::start(config).await.unwrap();
    let truth = simulator.truth();
    let results = [
        &truth.results,
        &truth.task_results,
        &truth.task_reports,
        &truth.subject_results,
    ];
    for rows in results {
        let odd = rows
            .iter()
            .filter(|row| row.value.get("riskSignal").is_some());
        let odd = odd.count();
        assert!(odd > 0 && odd < rows.len(), "{:?}", rows.first());
    }
    for items in [&truth.versions, &truth.task_definitions, &truth.tasks] {
        assert!(
            items
                .iter()
                .any(|item| item.value.get("riskSignal").is_some())
        );
    }
}
