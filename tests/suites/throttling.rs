//! 429: everybody waits for as long as the service asks, and up to the deadline.

use std::sync::Arc;
use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, RetryAfter, Simulator, When};
use lcw_tests::{Office, compact, contents};
use tokio::time::Instant;

/// Every twentieth request is refused like this.
async fn waits(hint: RetryAfter, at_least: Duration) {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(5)).await.unwrap();
        let refusal = Fault::Throttled(hint.clone());
        tenant.inject(FaultRule::new(refusal).when(When::EveryNth(20)));
        office.client.retry_initial = Duration::from_millis(250);
        let summary = office.export(&tenant).await;

        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.requests.throttled, tenant.fired()[0]);
        assert!(summary.requests.throttled > 2);
        office.assert_holds(&tenant, &tenant.truth());
        let inside = tenant.requests_inside_pauses(Duration::ZERO);
        assert!(inside.is_empty(), "{inside:?}");
        assert_pauses(&tenant, at_least);
    }
}

/// After a refusal, nothing is sent at a later instant for at least so long.
fn assert_pauses(tenant: &Simulator, at_least: Duration) {
    let requests = tenant.requests();
    for refused in requests.iter().filter(|request| request.status == 429) {
        let next = requests.iter().find(|request| request.at > refused.at);
        let pause = next.unwrap().at - refused.at;
        assert!(
            pause >= at_least,
            "{pause:?} after request {}",
            refused.number
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_whole_seconds_is_kept() {
    waits(RetryAfter::seconds(7), Duration::from_secs(7)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_with_a_fraction_is_kept() {
    waits(RetryAfter::fraction(2_128), Duration::from_millis(2_128)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_with_a_decimal_comma_is_kept() {
    waits(RetryAfter::comma(2_128), Duration::from_millis(2_128)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_ends_at_a_date_is_kept() {
    waits(RetryAfter::date(9), Duration::from_secs(9)).await;
}

#[tokio::test(start_paused = true)]
async fn a_date_of_the_past_asks_for_no_more_than_a_short_rest() {
    let past = RetryAfter::Text("Mon, 23 Nov 2015 10:00:00 GMT".to_owned());
    waits(past, Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_word_about_the_pause_the_export_rests_by_itself() {
    waits(RetryAfter::Absent, Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_past_the_deadline_ends_the_export_at_once_with_nothing_lost() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(6)).await.unwrap();
        let refusal = Fault::Throttled(RetryAfter::seconds(1_000_000_000));
        let rule = FaultRule::new(refusal).on(Endpoint::RunResults);
        tenant.inject(rule.when(When::Nth(30)).times(1));
        let started = Instant::now();
        let summary = office.export(&tenant).await;

        assert_eq!(summary.exit_code, 7, "{summary:#?}");
        assert!(
            started.elapsed() < office.client.deadline.unwrap(),
            "it was not waited for"
        );
        let error = summary.error.clone().unwrap();
        assert!(error.message.contains("pause for another"), "{error:?}");
        let days = office.assert_holds_the_oldest_days(&tenant, &tenant.truth());
        assert!(days > 0, "the days before were committed");
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_up_to_the_deadline_the_days_so_far_stay() {
    for mut office in Office::of_each_format() {
        let tenant = Arc::new(Simulator::start(compact(7)).await.unwrap());
        let weak = Arc::downgrade(&tenant);
        tenant.before(Endpoint::RunResults, 30, move || {
            let refusal = Fault::Throttled(RetryAfter::seconds(60));
            weak.upgrade().unwrap().inject(FaultRule::new(refusal));
        });
        office.client.deadline = Some(Duration::from_hours(1));
        let summary = office.export(&tenant).await;

        assert_eq!(summary.exit_code, 7, "{summary:#?}");
        let requests = tenant.requests();
        let (first, last) = (requests[0].at, requests[requests.len() - 1].at);
        assert!(
            last - first <= Duration::from_hours(1),
            "{:?}",
            last - first
        );
        assert!(
            last - first >= Duration::from_mins(50),
            "{:?}",
            last - first
        );
        let inside = tenant.requests_inside_pauses(Duration::ZERO);
        assert!(inside.is_empty(), "{inside:?}");
        let days = office.assert_holds_the_oldest_days(&tenant, &tenant.truth());
        assert!(days > 0, "the days before were committed");
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_from_the_first_request_on_the_dataset_is_untouched() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(8)).await.unwrap();
        office.assert_completes(&tenant).await;
        let before = contents(office.out());
        tenant.inject(FaultRule::new(Fault::Throttled(RetryAfter::seconds(300))));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 7, "{summary:#?}");
        assert_eq!(contents(office.out()), before);
    }
}
