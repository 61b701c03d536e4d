//! Failures that pass: asked again, the table is the whole truth.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultBody, FaultRule, RetryAfter, Simulator, When};
use lcw_tests::{Office, compact};

/// Lets these rules strike an export of each format, which ends whole all the same.
async fn endures(rules: &[FaultRule]) {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(21)).await.unwrap();
        for rule in rules {
            tenant.inject(rule.clone());
        }
        let summary = office.export(&tenant).await;
        let fired = tenant.fired();
        assert!(fired.iter().all(|times| *times > 2), "{fired:?}");
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.not_covered.is_empty(), "{:?}", summary.not_covered);
        assert_eq!(summary.requests.retried, fired.iter().sum::<u64>());
        office.assert_holds(&tenant, &tenant.truth());
    }
}

/// Every seventh request, whatever it asks for.
fn often(fault: Fault) -> FaultRule {
    FaultRule::new(fault).when(When::EveryNth(7))
}

async fn endures_the_status(status: u16) {
    let with = |body, nth| {
        let fault = Fault::Status {
            status,
            body,
            retry_after: RetryAfter::Absent,
        };
        FaultRule::new(fault).when(When::EveryNth(nth))
    };
    endures(&[
        with(FaultBody::Json, 11),
        with(FaultBody::Html, 13),
        with(FaultBody::Empty, 17),
    ])
    .await;
}

#[tokio::test]
async fn a_request_timeout_passes() {
    endures_the_status(408).await;
}

#[tokio::test]
async fn an_internal_error_passes() {
    endures_the_status(500).await;
}

#[tokio::test]
async fn a_bad_gateway_passes() {
    endures_the_status(502).await;
}

#[tokio::test]
async fn an_unavailable_service_passes() {
    endures_the_status(503).await;
}

#[tokio::test]
async fn a_gateway_timeout_passes() {
    endures_the_status(504).await;
}

#[tokio::test]
async fn a_bandwidth_limit_passes() {
    endures_the_status(509).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_error_that_asks_for_a_pause_gets_it() {
    for status in [503, 504] {
        let fault = Fault::Status {
            status,
            body: FaultBody::Html,
            retry_after: RetryAfter::fraction(4_500),
        };
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(22)).await.unwrap();
            tenant.inject(FaultRule::new(fault.clone()).when(When::EveryNth(25)));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert!(tenant.fired()[0] > 2);
            let inside = tenant.requests_inside_pauses(Duration::ZERO);
            assert!(inside.is_empty(), "{inside:?}");
            office.assert_holds(&tenant, &tenant.truth());
        }
    }
}

#[tokio::test]
async fn a_reset_connection_passes() {
    endures(&[often(Fault::ConnectionReset)]).await;
}

#[tokio::test]
async fn half_a_body_is_not_taken_for_a_page() {
    endures(&[often(Fault::TruncatedBody)]).await;
}

#[tokio::test]
async fn a_gzip_stream_that_ends_early_is_not_taken_for_a_page() {
    endures(&[often(Fault::CutGzip)]).await;
}

#[tokio::test]
async fn half_a_json_text_with_200_is_not_taken_for_a_page() {
    endures(&[often(Fault::MalformedJson)]).await;
}

#[tokio::test]
async fn an_error_object_with_200_is_not_taken_for_an_empty_page() {
    endures(&[often(Fault::ErrorWithOk)]).await;
}

#[tokio::test]
async fn a_sign_in_page_with_200_is_not_taken_for_an_empty_page() {
    endures(&[often(Fault::HtmlWithOk)]).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_in_drops_is_waited_for() {
    let slow = Fault::SlowBytes {
        chunk: 40,
        pause: Duration::from_secs(2),
    };
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(23)).await.unwrap();
        tenant.inject(FaultRule::new(slow.clone()).when(When::EveryNth(4)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.requests.retried, 0);
        assert!(tenant.fired()[0] > 10);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Lets an answer of each kind come like this, to whoever waits so long for the next bytes and for
/// the whole of it.
async fn is_asked_for_again(slow: Fault, read_timeout: Duration, request_timeout: Duration) {
    let deadlines = [None, Some(2 * DAY)];
    for (mut office, deadline) in Office::of_each_format().into_iter().zip(deadlines) {
        office.client.read_timeout = read_timeout;
        office.client.request_timeout = request_timeout;
        office.client.deadline = deadline;
        let tenant = Simulator::start(compact(24)).await.unwrap();
        for endpoint in [Endpoint::Workflows, Endpoint::Runs, Endpoint::RunResults] {
            tenant.inject(FaultRule::new(slow.clone()).on(endpoint).times(1));
        }
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.requests.retried, 3);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_falls_silent_is_asked_for_again() {
    let silent = Fault::SlowBytes {
        chunk: 100,
        pause: Duration::from_mins(30),
    };
    is_asked_for_again(silent, Duration::from_mins(1), DAY).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_never_silent_and_never_ends_is_asked_for_again() {
    let endless = Fault::SlowBytes {
        chunk: 10,
        pause: Duration::from_secs(10),
    };
    is_asked_for_again(endless, DAY, Duration::from_mins(5)).await;
}
