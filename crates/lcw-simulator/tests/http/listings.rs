//! Shapes of answers, pages and next links.

use std::collections::BTreeSet;

use lcw_simulator::{
    Category, IdStyle, Order, Paging, RunPlan, ScriptedAnswer, Simulator, TenantConfig,
    WorkflowConfig,
};

use crate::client::{ALL, Client, LW, by_id, ids, rows_of, segment, send};

fn one_workflow(seed: u64) -> TenantConfig {
    TenantConfig {
        workflows: vec![WorkflowConfig::new(Category::Joiner, "Onboard")],
        ..TenantConfig::empty(seed)
    }
}

/// A tenant of one workflow with one run of so many users.
async fn with_users(config: TenantConfig, users: u32) -> (Simulator, String) {
    let plan = RunPlan::new(config.now - std::time::Duration::from_hours(2), users);
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &plan);
    let path = format!(
        "{LW}/workflows/{workflow}/runs/{}/userProcessingResults?{ALL}",
        segment(&run)
    );
    (simulator, path)
}

#[tokio::test(start_paused = true)]
async fn a_list_is_poorer_than_a_single_workflow() {
    let simulator = Simulator::start(TenantConfig::small(2)).await.unwrap();
    let client = Client::new(&simulator);
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let listed = client.rows(&format!("{LW}/workflows")).await.remove(0);
    let id = listed["id"].as_str().unwrap().to_owned();
    let single = client.get(&format!("{LW}/workflows/{id}")).await.json();
    let richer: Vec<String> = keys(&single).difference(&keys(&listed)).cloned().collect();
    assert_eq!(
        richer,
        [
            "@odata.context",
            "createdBy",
            "deletedDateTime",
            "executionConditions",
            "lastModifiedBy",
            "nextScheduleRunDateTime",
            "tasks",
        ]
    );
    assert!(keys(&listed).is_subset(&keys(&single)));
    let truth = simulator.truth();
    let detail = &truth
        .workflows
        .iter()
        .find(|workflow| workflow.id == id)
        .unwrap()
        .detail;
    let mut without_context = single.clone();
    without_context
        .as_object_mut()
        .unwrap()
        .remove("@odata.context");
    assert_eq!(&without_context, detail);
    let deleted = client
        .rows(&format!("{LW}/deletedItems/workflows"))
        .await
        .remove(0);
    assert!(keys(&deleted).contains("deletedDateTime") && !keys(&deleted).contains("isEnabled"));
}

#[tokio::test(start_paused = true)]
async fn single_runs_and_results_are_the_rows_of_their_lists() {
    let simulator = Simulator::start(TenantConfig::small(2)).await.unwrap();
    let client = Client::new(&simulator);
    let truth = simulator.truth();
    let mut seen = 0;
    for result in truth.results.iter().step_by(17).take(12) {
        let run_path = format!(
            "{LW}/workflows/{}/runs/{}",
            result.workflow_id, result.run_id
        );
        let reply = client.get(&run_path).await;
        if reply.status == 404 {
            // The runs of the deleted workflow are elsewhere.
            continue;
        }
        seen += 1;
        let mut run = reply.json();
        run.as_object_mut().unwrap().remove("@odata.context");
        assert_eq!(
            run,
            truth
                .runs
                .iter()
                .find(|run| run.id == result.run_id)
                .unwrap()
                .value
        );
        for parent in [run_path, format!("{LW}/workflows/{}", result.workflow_id)] {
            let single = format!("{parent}/userProcessingResults/{}", result.id);
            let mut value = client.get(&single).await.json();
            value.as_object_mut().unwrap().remove("@odata.context");
            assert_eq!(value, result.value);
        }
    }
    assert!(seen > 5);
}

#[tokio::test(start_paused = true)]
async fn pages_have_the_configured_sizes_and_each_row_once() {
    let mut config = one_workflow(11);
    config.paging.page_size = 2..=5;
    let (simulator, path) = with_users(config, 60).await;
    let client = Client::new(&simulator);
    let pages = client.pages(&path).await;
    let sizes: Vec<usize> = pages
        .iter()
        .map(|page| page["value"].as_array().unwrap().len())
        .collect();
    let (last, others) = sizes.split_last().unwrap();
    assert!(
        others.iter().all(|size| (2..=5).contains(size)) && *last > 0,
        "{sizes:?}"
    );
    assert!(
        others.iter().collect::<BTreeSet<_>>().len() > 1,
        "{sizes:?}"
    );
    let rows = rows_of(&pages);
    assert_eq!(rows.len(), 60);
    assert_eq!(by_id(rows).len(), 60);
}

#[tokio::test(start_paused = true)]
async fn empty_pages_lead_on_and_repeated_rows_come_twice() {
    let mut config = one_workflow(12);
    config.paging = Paging {
        empty_pages: 0.4,
        repeated_rows: 0.5,
        ..Paging::plain(3)
    };
    let (simulator, path) = with_users(config, 40).await;
    let client = Client::new(&simulator);
    let pages = client.pages(&path).await;
    let empty = pages
        .iter()
        .filter(|page| page["value"].as_array().unwrap().is_empty())
        .count();
    assert!(empty > 3, "{empty}");
    let rows = rows_of(&pages);
    assert!(rows.len() > 42, "{}", rows.len());
    assert_eq!(by_id(rows).len(), 40);
}

#[tokio::test(start_paused = true)]
async fn next_links_carry_the_options_and_are_good_for_nothing_else() {
    let mut config = one_workflow(13);
    config.paging = Paging::plain(10);
    let (simulator, path) = with_users(config, 25).await;
    let client = Client::new(&simulator);
    let first = client.get(&format!("{path}&$count=true")).await.json();
    assert_eq!(first["@odata.count"], 25);
    let link = first["@odata.nextLink"].as_str().unwrap().to_owned();
    assert!(link.contains(ALL) && link.contains("$count=true") && link.contains("$skiptoken="));
    let second = client.get(client.target_of(&link)).await.json();
    assert!(second.get("@odata.count").is_none());
    assert_ne!(second["@odata.nextLink"], first["@odata.nextLink"]);
    let token = link.split_once("$skiptoken=").unwrap().1;
    let lifted = client.get(&format!("{path}&$skiptoken={token}")).await;
    assert_eq!(
        lifted.status, 400,
        "the token belongs to a request with $count"
    );
    assert_eq!(
        client
            .get(&format!("{path}&$skiptoken=nonsense"))
            .await
            .status,
        400
    );
}

#[tokio::test(start_paused = true)]
async fn rows_come_in_the_configured_order() {
    for (order, ascending) in [(Order::OldestFirst, true), (Order::NewestFirst, false)] {
        let mut config = TenantConfig::bench(1, 20, 1);
        config.paging = Paging {
            order,
            ..Paging::plain(3)
        };
        let simulator = Simulator::start(config).await.unwrap();
        let client = Client::new(&simulator);
        let id = simulator.workflow_ids().remove(0);
        let rows = client
            .rows(&format!("{LW}/workflows/{id}/runs?{ALL}"))
            .await;
        let times: Vec<_> = rows
            .iter()
            .map(|row| row["scheduledDateTime"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(times.len(), 20);
        assert_eq!(times.is_sorted(), ascending);
        assert_eq!(times.iter().rev().is_sorted(), !ascending);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_does_not_support_is_a_400() {
    let (simulator, path) = with_users(one_workflow(1), 3).await;
    let client = Client::new(&simulator);
    let plain = path.split_once('?').unwrap().0;
    for query in [
        "$top=5",
        "$skip=5",
        "$filter=nonsense%20eq%205",
        "$filter=id%20has%20'x'",
        "$filter=scheduledDateTime%20ge%20yesterday",
        "$expand=taskProcessingResults",
    ] {
        let reply = client.get(&format!("{plain}?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.error_code(), "BadRequest");
    }
    assert_eq!(client.get("/v1.0/users").await.status, 400);
    let reply = client.get(&format!("{LW}/workflows/none")).await;
    assert_eq!(reply.status, 404);
    let post = send(simulator.origin(), "POST", plain, &[], "")
        .await
        .unwrap();
    assert_eq!(post.status, 405);
}

#[tokio::test(start_paused = true)]
async fn select_and_expand_change_the_rows() {
    let (simulator, path) = with_users(one_workflow(1), 3).await;
    let client = Client::new(&simulator);
    let rows = client
        .rows(&format!("{path}&$select=id,processingStatus,subject"))
        .await;
    let keys: Vec<_> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "processingStatus", "subject"]);
    let rows = client.rows(&format!("{path}&$expand=subject")).await;
    assert!(
        rows.iter()
            .all(|row| row["subject"]["displayName"].is_string())
    );
}

#[tokio::test(start_paused = true)]
async fn ids_are_composite_guids_or_both() {
    for (style, composite) in [
        (IdStyle::Composite, Some(true)),
        (IdStyle::Guid, Some(false)),
        (IdStyle::Mixed, None),
    ] {
        let mut config = TenantConfig::bench(1, 30, 1);
        config.ids = style;
        let simulator = Simulator::start(config).await.unwrap();
        let truth = simulator.truth();
        let long: Vec<bool> = truth.runs.iter().map(|run| run.id.contains('_')).collect();
        match composite {
            Some(expected) => assert!(long.iter().all(|long| *long == expected)),
            None => assert!(long.contains(&true) && long.contains(&false)),
        }
        for (run, result) in truth.runs.iter().zip(&truth.results) {
            if run.id.contains('_') {
                let subject = result.value["subject"]["id"].as_str().unwrap();
                let version = &result.value["workflowVersion"];
                let expected = format!("{}_{version}_{}_{subject}", run.workflow_id, run.id);
                assert_eq!(result.id, expected);
            } else {
                assert_eq!((run.id.len(), result.id.len()), (36, 36));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ids_that_need_escaping_can_be_asked_for() {
    let mut config = one_workflow(1);
    config.workflows[0].id = Some("a/b ü'?#".to_owned());
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let plan = RunPlan::new(now - std::time::Duration::from_hours(1), 2).named("..");
    simulator.add_run("a/b ü'?#", &plan);
    let client = Client::new(&simulator);
    let runs = format!("{LW}/workflows/{}/runs", segment("a/b ü'?#"));
    assert_eq!(ids(&client.rows(&runs).await), [".."]);
    let results = client
        .rows(&format!("{runs}/%2E%2E/userProcessingResults"))
        .await;
    assert_eq!(results.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn values_added_later_hide_unless_they_are_asked_for() {
    let mut config = one_workflow(1);
    config.workflows[0].category = Category::Mover;
    config.paging = Paging::plain(1);
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let before = |minutes: u64| now - std::time::Duration::from_secs(minutes * 60);
    let quarantined = RunPlan::new(before(90), 1)
        .ending(lcw_simulator::ProcessingStatus::Quarantined)
        .never_starting();
    simulator.add_run(&workflow, &quarantined);
    let again = RunPlan::new(before(60), 1).reprocessing(lcw_simulator::Reprocessed::Previous);
    simulator.add_run(&workflow, &again);
    let client = Client::new(&simulator);
    let runs = format!("{LW}/workflows/{workflow}/runs");
    let shown = client.rows(&runs).await;
    assert_eq!(shown[0]["processingStatus"], "quarantined");
    assert_eq!(shown[1]["workflowExecutionType"], "activatedWithScope");
    assert_eq!(
        client.rows(&format!("{LW}/workflows")).await[0]["category"],
        "mover"
    );

    let hidden = client
        .try_get(&format!("{LW}/workflows"), &[])
        .await
        .unwrap()
        .json();
    assert_eq!(hidden["value"][0]["category"], "unknownFutureValue");
    // The link does not remember the header: the second page hides its value again.
    let first = client.get(&runs).await.json();
    let link = client.target_of(first["@odata.nextLink"].as_str().unwrap());
    let second = client.try_get(link, &[]).await.unwrap().json();
    assert_eq!(
        second["value"][0]["workflowExecutionType"],
        "unknownFutureValue"
    );
    assert_eq!(second["value"][0]["processingStatus"], "completed");
}

#[tokio::test(start_paused = true)]
async fn headers_say_who_when_and_how() {
    let mut config = one_workflow(1);
    config.answers.date_skew_seconds = -90;
    let (simulator, path) = with_users(config, 30).await;
    let client = Client::new(&simulator);
    let headers = [("client-request-id", "abc-1"), ("Accept-Encoding", "gzip")];
    let reply = client.try_get(&path, &headers).await.unwrap();
    assert_eq!(reply.header("date"), Some("Mon, 23 Nov 2026 11:58:30 GMT"));
    assert_eq!(reply.header("client-request-id"), Some("abc-1"));
    assert_eq!(reply.header("request-id").unwrap().len(), 36);
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(reply.inflated().unwrap(), client.get(&path).await.body);
    let record = simulator.requests().remove(0);
    assert!(record.authorized && record.client_request_id.as_deref() == Some("abc-1"));
    assert_eq!((record.status, record.method.as_str()), (200, "GET"));
}

#[tokio::test(start_paused = true)]
async fn scripted_answers_are_served_word_for_word() {
    let path = format!("{LW}/workflows");
    let simulator = Simulator::scripted(vec![
        ScriptedAnswer::new(&path, "{ \"a\": 1 }").when_query_contains("skiptoken"),
        ScriptedAnswer::new(&path, "{ \"b\":\n2 }"),
        ScriptedAnswer::new("/v1.0/x", "no").status(410),
    ])
    .await
    .unwrap();
    let client = Client::new(&simulator);
    assert_eq!(client.get(&path).await.body, b"{ \"b\":\n2 }");
    assert_eq!(
        client.get(&format!("{path}?$skiptoken=1")).await.body,
        b"{ \"a\": 1 }"
    );
    assert_eq!(client.get("/v1.0/x").await.status, 410);
    assert_eq!(client.get(&format!("{path}/1")).await.status, 404);
    let bare = send(simulator.origin(), "GET", &path, &[], "")
        .await
        .unwrap();
    assert_eq!(bare.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_cached_body_is_the_same_and_forgets_when_something_changes() {
    let mut config = TenantConfig::bench(1, 3, 50);
    config.answers.cache_bytes = 1 << 20;
    let simulator = Simulator::start(config).await.unwrap();
    let client = Client::new(&simulator);
    let workflow = simulator.workflow_ids().remove(0);
    let path = format!("{LW}/workflows/{workflow}");
    let first = client.get(&path).await.body;
    assert_eq!(client.get(&path).await.body, first);
    let hidden = client.try_get(&path, &[]).await.unwrap();
    assert_eq!(hidden.status, 200);
    simulator.rename_workflow(&workflow, "Another name");
    assert_eq!(
        client.get(&path).await.json()["displayName"],
        "Another name"
    );
}
