//! A limit that the service does not tell is found, used and kept.
//!
//! The clock is paused: what is measured is when requests were sent, by tokio's clock.

use std::sync::Arc;
use std::time::Duration;

use lcw_pipeline::FileFormat::{self, Ndjson, Parquet};
use lcw_pipeline::{NdjsonCompression, Summary};
use lcw_simulator::{
    Category, Endpoint, Form, Limit, Paging, RequestRecord, Schedule, Simulator, TenantConfig,
    WorkflowConfig,
};
use lcw_tests::Office;
use tokio::time::Instant;

const DAY: Duration = Duration::from_hours(24);

/// Eight runs of pages of two rows, so many requests altogether.
fn taking(requests: u32) -> TenantConfig {
    let users = requests / 4;
    let workflow = WorkflowConfig::new(Category::Joiner, "Onboard")
        .scheduled(Schedule::past(DAY, 8), users..=users);
    TenantConfig {
        workflows: vec![workflow],
        paging: Paging::plain(2),
        ..TenantConfig::empty(11)
    }
}

/// An exporter with a ceiling far above every limit here.
fn office(format: FileFormat) -> Office {
    let mut office = Office::new(format);
    office.client.requests_per_second = Some(1_000.0);
    office
}

fn assert_whole_and_polite(tenant: &Simulator, office: &Office, summary: &Summary) {
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    office.assert_holds(tenant, &tenant.truth());
    // Requests that were sent together with the refused one were in flight: no time had passed.
    let inside = tenant.requests_inside_pauses(Duration::ZERO);
    assert!(
        inside.is_empty(),
        "{} requests inside a pause: {:?}",
        inside.len(),
        inside[0]
    );
}

fn is_refused(request: &RequestRecord) -> bool {
    request.status == 429
}

/// Requests that the service bore, per second, between two instants.
fn borne(requests: &[RequestRecord], from: Instant, until: Instant) -> f64 {
    let inside = requests
        .iter()
        .filter(|request| request.at >= from && request.at < until);
    let count = inside.filter(|request| !is_refused(request)).count();
    f64::from(u32::try_from(count).unwrap()) / (until - from).as_secs_f64()
}

fn share_of_refusals(requests: &[RequestRecord]) -> f64 {
    let refused = requests
        .iter()
        .filter(|request| is_refused(request))
        .count();
    f64::from(u32::try_from(refused).unwrap()) / f64::from(u32::try_from(requests.len()).unwrap())
}

async fn uses_and_keeps(limit: f64, requests: u32, format: FileFormat) {
    let tenant = Simulator::start(taking(requests)).await.unwrap();
    tenant.set_limit(Some(Limit::per_second(limit)));
    let mut office = office(format);
    let summary = office.export(&tenant).await;
    assert_whole_and_polite(&tenant, &office, &summary);

    let requests = tenant.requests();
    let refused = share_of_refusals(&requests);
    assert!(refused < 0.01, "{refused:.4} of the requests were refused");
    let (first, last) = (requests[0].at, requests[requests.len() - 1].at);
    let steady = first + (last - first) / 3;
    let used = borne(&requests, steady, last) / limit;
    assert!(
        used >= 0.95,
        "{used:.3} of the limit was used once it was known"
    );
}

#[tokio::test(start_paused = true)]
async fn of_twenty_requests_a_second_95_percent_are_used_and_under_1_percent_refused() {
    uses_and_keeps(20.0, 3_000, Parquet).await;
}

#[tokio::test(start_paused = true)]
async fn of_fifty_requests_a_second_95_percent_are_used_and_under_1_percent_refused() {
    uses_and_keeps(50.0, 3_600, Ndjson(NdjsonCompression::Zstd)).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_requests_a_second_95_percent_are_used_and_under_1_percent_refused() {
    uses_and_keeps(100.0, 4_400, Parquet).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_in_mid_export_is_followed_down_and_up() {
    let tenant = Arc::new(Simulator::start(taking(4_000)).await.unwrap());
    // A limit may have at most half a second saved up.
    let limited = |per_second, burst| {
        let limit = Limit::per_second(per_second);
        Some(Limit { burst, ..limit })
    };
    tenant.set_limit(limited(40.0, 20));
    for (nth, limit, burst) in [(500, 10.0, 5), (1_200, 30.0, 15)] {
        let weak = Arc::downgrade(&tenant);
        tenant.before(Endpoint::RunResults, nth, move || {
            let tenant = weak.upgrade().unwrap();
            tenant.set_limit(limited(limit, burst));
        });
    }
    let mut office = office(Parquet);
    let summary = office.export(&tenant).await;
    assert_whole_and_polite(&tenant, &office, &summary);

    let requests = tenant.requests();
    let refused = share_of_refusals(&requests);
    assert!(refused < 0.01, "{refused:.4} of the requests were refused");
    let results: Vec<Instant> = requests
        .iter()
        .filter(|request| request.endpoint == Endpoint::RunResults)
        .map(|request| request.at)
        .collect();
    // A limit that rose shows only once the rate has been carefully raised past it.
    for (limit, from, until) in [(10.0, 800, 1_200), (30.0, 2_900, 3_900)] {
        let used = borne(&requests, results[from], results[until]) / limit;
        assert!(used >= 0.93, "{used:.3} of {limit} a second used");
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_is_sent_inside_a_pause_however_it_is_asked_for() {
    for form in [Form::Seconds, Form::Fraction, Form::Comma, Form::Date] {
        let tenant = Simulator::start(taking(300)).await.unwrap();
        tenant.set_limit(Some(Limit {
            form: Some(form),
            shortest_pause: Duration::from_millis(2_128),
            ..Limit::per_second(20.0)
        }));
        let mut office = office(Parquet);
        let summary = office.export(&tenant).await;
        assert_whole_and_polite(&tenant, &office, &summary);
        assert!(summary.requests.throttled > 0, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_never_says_when_to_come_back_is_kept_too() {
    let tenant = Simulator::start(taking(1_200)).await.unwrap();
    tenant.set_limit(Some(Limit {
        form: None,
        ..Limit::per_second(50.0)
    }));
    let mut office = office(Parquet);
    office.client.retry_initial = Duration::from_millis(250);
    let summary = office.export(&tenant).await;
    assert_whole_and_polite(&tenant, &office, &summary);
    let refused = share_of_refusals(&tenant.requests());
    assert!(refused < 0.02, "{refused:.4} of the requests were refused");
}

#[tokio::test(start_paused = true)]
async fn a_configured_rate_is_never_exceeded_in_any_second() {
    let tenant = Simulator::start(taking(400)).await.unwrap();
    let mut office = Office::new(Parquet);
    office.client.requests_per_second = Some(10.0);
    let summary = office.export(&tenant).await;
    assert_whole_and_polite(&tenant, &office, &summary);
    let sent: Vec<Instant> = tenant
        .requests()
        .iter()
        .filter(|request| request.endpoint.is_graph())
        .map(|request| request.at)
        .collect();
    for (nth, at) in sent.iter().enumerate() {
        let within = sent[nth..]
            .iter()
            .take_while(|later| **later < *at + Duration::from_secs(1));
        assert!(within.count() <= 11, "in the second after request {nth}");
    }
}
