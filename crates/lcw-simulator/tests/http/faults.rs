//! Each fault does what its name says, where and as often as its rule says.

use std::time::Duration;

use lcw_simulator::{
    Endpoint, Fault, FaultBody, FaultRule, Form, Pages, RetryAfter, RunPlan, Simulator,
    TenantConfig, When,
};

use crate::client::{ALL, Client, LW, Reply, by_id, send};

/// A workflow of one run with 25 users in pages of 10, and the path of its results.
async fn three_pages() -> (Simulator, String) {
    let mut config = TenantConfig::bench(1, 0, 0);
    config.paging.page_size = 10..=10;
    config.answers.gzip_level = Some(6);
    let now = config.now;
    let simulator = Simulator::start(config).await.unwrap();
    let workflow = simulator.workflow_ids().remove(0);
    let run = simulator.add_run(&workflow, &RunPlan::new(now - Duration::from_hours(2), 25));
    (
        simulator,
        format!("{LW}/workflows/{workflow}/runs/{run}/userProcessingResults?{ALL}"),
    )
}

async fn first_with(fault: Fault) -> Reply {
    let (simulator, path) = three_pages().await;
    simulator.inject(FaultRule::new(fault.clone()).times(1));
    let client = Client::new(&simulator);
    let reply = client.get(&path).await;
    assert_eq!(simulator.requests()[0].fault, Some(fault.name()));
    assert_eq!(
        client.rows(&path).await.len(),
        25,
        "the second try is whole"
    );
    assert_eq!(simulator.fired(), [1]);
    reply
}

#[tokio::test(start_paused = true)]
async fn throttling_asks_to_wait_in_every_form() {
    for (hint, header) in [
        (RetryAfter::seconds(7), Some("7")),
        (RetryAfter::fraction(2_128), Some("2.128")),
        (RetryAfter::comma(2_500), Some("2,5")),
        (RetryAfter::date(10), Some("Mon, 23 Nov 2026 12:00:10 GMT")),
        (RetryAfter::seconds(400_000), Some("400000")),
        (RetryAfter::Text("soon".to_owned()), Some("soon")),
        (RetryAfter::Absent, None),
    ] {
        let reply = first_with(Fault::Throttled(hint)).await;
        assert_eq!(reply.status, 429);
        assert_eq!(reply.header("retry-after"), header);
        assert_eq!(reply.error_code(), "TooManyRequests");
    }
}

#[tokio::test(start_paused = true)]
async fn server_errors_come_as_json_as_html_or_empty() {
    for status in [408, 500, 502, 503, 504, 509] {
        let reply = first_with(Fault::status(status)).await;
        assert_eq!(reply.status, status);
        assert!(!reply.error_code().is_empty());
        let reply = first_with(Fault::gateway(status)).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("text/html"))
        );
        assert!(reply.body.starts_with(b"<!DOCTYPE html>"));
    }
    let fault = Fault::Status {
        status: 503,
        body: FaultBody::Empty,
        retry_after: RetryAfter::In(Form::Seconds, Duration::from_millis(1_500)),
    };
    let reply = first_with(fault).await;
    assert_eq!(
        (reply.body.len(), reply.header("retry-after")),
        (0, Some("2"))
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_and_redirects_look_real() {
    for (fault, status, code) in [
        (Fault::NotFound, 404, "ResourceNotFound"),
        (Fault::Forbidden, 403, "Authorization_RequestDenied"),
        (Fault::Unauthorized, 401, "InvalidAuthenticationToken"),
        (Fault::ErrorWithOk, 200, "UnknownError"),
    ] {
        let reply = first_with(fault).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (status, code));
    }
    let reply = first_with(Fault::HtmlWithOk).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/html"))
    );
    let reply = first_with(Fault::Redirect {
        origin: "https://elsewhere.example".into(),
    })
    .await;
    assert_eq!(reply.status, 302);
    let location = reply.header("location").unwrap();
    assert!(
        location.starts_with(&format!("https://elsewhere.example{LW}")),
        "{location}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reset_connection_gives_no_answer_at_all() {
    let (simulator, path) = three_pages().await;
    simulator.inject(FaultRule::new(Fault::ConnectionReset).times(1));
    let client = Client::new(&simulator);
    assert!(client.try_get(&path, &[]).await.is_err());
    assert_eq!(simulator.requests()[0].status, 0);
    assert_eq!(client.get(&path).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_shorter_than_promised_and_a_cut_gzip_is_not() {
    let reply = first_with(Fault::TruncatedBody).await;
    assert!(
        reply.cut && reply.body.len() > 1_000,
        "{}",
        reply.body.len()
    );

    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    for fault in [Fault::TruncatedBody, Fault::CutGzip] {
        simulator.inject(FaultRule::new(fault.clone()).times(1));
        let reply = client
            .try_get(&path, &[("Accept-Encoding", "gzip, br")])
            .await
            .unwrap();
        assert_eq!(reply.cut, fault == Fault::TruncatedBody);
        assert!(!reply.body.is_empty() && reply.inflated().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_json_and_oversized_pages_are_whole_answers() {
    let reply = first_with(Fault::MalformedJson).await;
    assert!(!reply.cut && serde_json::from_slice::<serde_json::Value>(&reply.body).is_err());
    let reply = first_with(Fault::OversizedPage { bytes: 300_000 }).await;
    assert_eq!(reply.body.len(), 300_000);
    assert_eq!(reply.json()["value"].as_array().unwrap().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn slow_bytes_take_their_time_on_the_paused_clock() {
    let (simulator, path) = three_pages().await;
    let pause = Duration::from_secs(2);
    simulator.inject(FaultRule::new(Fault::SlowBytes { chunk: 500, pause }).times(1));
    let client = Client::new(&simulator);
    let start = tokio::time::Instant::now();
    let reply = client.get(&path).await;
    let chunks = u32::try_from(reply.body.len().div_ceil(500)).unwrap();
    assert!(
        !reply.cut && start.elapsed() >= pause * (chunks - 1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn next_links_can_loop() {
    for period in [1, 2] {
        let (simulator, path) = three_pages().await;
        let rule = FaultRule::new(Fault::NextLinkLoop { period }).pages(Pages::Further);
        simulator.inject(rule);
        let client = Client::new(&simulator);
        let mut links = vec![path];
        for _ in 0..6 {
            let page = client.get(links.last().unwrap()).await.json();
            links.push(
                client
                    .target_of(page["@odata.nextLink"].as_str().unwrap())
                    .to_owned(),
            );
        }
        let period = usize::from(period);
        // The first page leads to the second; from there it goes round.
        assert_eq!(links[2], links[2 - period], "{links:#?}");
        assert_eq!(links[4], links[4 - period], "{links:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn next_links_can_be_foreign_respelled_or_endless() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    let origin = "https://evil.example:8443".to_owned();
    simulator.inject(FaultRule::new(Fault::ForeignNextLink { origin }).times(1));
    let page = client.get(&path).await.json();
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert!(
        link.starts_with("https://evil.example:8443/v1.0/"),
        "{link}"
    );

    simulator.clear_faults();
    simulator.inject(FaultRule::new(Fault::RespelledNextLink));
    let page = client.get(&path).await.json();
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert!(
        link.contains("/IdentityGovernance/LifecycleWorkflows/workflows('"),
        "{link}"
    );
    assert_eq!(
        by_id(client.rows(&path).await).len(),
        25,
        "both spellings are the same resource"
    );

    simulator.clear_faults();
    simulator.inject(FaultRule::new(Fault::EndlessPages).pages(Pages::Further));
    let mut seen = std::collections::BTreeSet::new();
    let mut target = path;
    for round in 0..20 {
        let page = client.get(&target).await.json();
        assert_eq!(page["value"].as_array().unwrap().is_empty(), round > 0);
        target = client
            .target_of(page["@odata.nextLink"].as_str().unwrap())
            .to_owned();
        assert!(seen.insert(target.clone()), "every link is new");
    }
}

#[tokio::test(start_paused = true)]
async fn skip_tokens_expire_and_rows_repeat() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    for status in [400, 410] {
        simulator.inject(FaultRule::new(Fault::ExpiredSkipToken { status }).times(1));
        let page = client.get(&path).await.json();
        let link = client
            .target_of(page["@odata.nextLink"].as_str().unwrap())
            .to_owned();
        assert_eq!(client.get(&link).await.status, status);
        assert_eq!(client.get(&link).await.status, 200);
    }
    simulator.clear_faults();
    simulator.inject(FaultRule::new(Fault::RepeatedRow));
    let rows = client.rows(&path).await;
    assert_eq!((rows.len(), by_id(rows).len()), (27, 25));
}

#[tokio::test(start_paused = true)]
async fn rules_hit_the_kinds_and_the_requests_that_they_name() {
    let (simulator, path) = three_pages().await;
    let client = Client::new(&simulator);
    simulator.inject(
        FaultRule::new(Fault::status(503))
            .on(Endpoint::Token)
            .times(1),
    );
    simulator.inject(
        FaultRule::new(Fault::status(500))
            .on(Endpoint::RunResults)
            .when(When::EveryNth(3))
            .times(2),
    );
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(client.get(&path).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500, 200, 200, 200, 200]);
    assert_eq!(client.get(&format!("{LW}/workflows")).await.status, 200);
    let token = format!("/{}/oauth2/v2.0/token", simulator.tenant_id());
    let reply = send(simulator.origin(), "POST", &token, &[], "")
        .await
        .unwrap();
    assert_eq!(reply.status, 503);
    assert_eq!(simulator.count(Endpoint::RunResults), 10);
    assert_eq!(simulator.counts()[&(Endpoint::RunResults, 500)], 2);
    assert_eq!(simulator.graph_count(), 11);
    simulator.reset_requests();
    assert_eq!(
        (simulator.graph_count(), simulator.requests().len()),
        (0, 0)
    );
}
