//! The limiter finds a limit that nobody tells it, and holds it.
//!
//! The real client against a service with a token bucket, under a paused clock: what is measured is
//! simulated time. The bar for each cell of the matrix: at most 1.05 times the least time, which is
//! (requests - burst) / limit; under one request in a hundred refused; nothing sent inside a pause
//! but what was in flight. `LCW_TORTURE=long` runs every cell, and prints the table of
//! `docs/performance.md`.

mod chart;
mod export;
mod matrix;

use std::time::Duration;

use lcw_tests::{Bucket, Hint, Terms};
use tokio::time::{Instant, sleep};

use export::{Export, Seen};

const fn terms(per_second: f64, burst: f64) -> Terms {
    Terms {
        per_second,
        burst,
        latency: Duration::from_millis(50),
        hint: Hint::Seconds,
    }
}

/// A client that lives as long as many exports, once in a while with one refusal that has nothing
/// to do with its rate.
#[tokio::test(start_paused = true)]
async fn a_stray_refusal_slows_the_next_export_of_the_same_client_by_its_pause_only() {
    let free = terms(10_000.0, 10_000.0);
    let bucket = Bucket::start(free).await;
    let mut export = Export::of(750);
    export.ceiling = Some(50.0);
    let client = export.client(&bucket);
    export.run_with(&client).await;
    for nth in 0..3 {
        sleep(Duration::from_mins(30)).await;
        // Nothing left for a moment: one request is refused, whatever the rate.
        bucket.change(Terms { burst: 0.0, ..free });
        let refused = client.stats().throttled;
        let started = Instant::now();
        let watch = async {
            while client.stats().throttled == refused {
                sleep(Duration::from_millis(1)).await;
            }
            bucket.change(free);
        };
        tokio::join!(export.run_with(&client), watch);
        let seconds = started.elapsed().as_secs_f64();
        // Fifteen seconds of requests, one of pause.
        assert!(seconds < 1.05 * 16.0, "export {nth}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn two_exports_that_share_one_quota_use_all_of_it_between_them() {
    let limit = terms(20.0, 20.0);
    let bucket = Bucket::start(limit).await;
    let export = Export::of(4_000);
    let (one, other) = (export.client(&bucket), export.client(&bucket));
    let started = Instant::now();
    export.run_between(&[&one, &other]).await;
    let seen = Seen::of(&bucket, started);
    // The pauses are each client's own: the other does not know of them.
    assert!(seen.ratio(4_000, &limit) <= 1.05, "{seen:?}");
    assert!(seen.share_refused() < 0.015, "{seen:?}");
}

/// How long the export takes, at the least, after the change.
const SECONDS_AFTER: f64 = 600.0;

/// The limit changes while the export runs, and what is left is done at the new one.
async fn changes(from: f64, to: f64) -> (f64, Seen) {
    let (before, after) = (terms(from, from), terms(to, to));
    let bucket = Bucket::start(before).await;
    let requests = 120.0 * from + SECONDS_AFTER * to;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "thousands"
    )]
    let export = Export::of(requests as u32);
    let client = export.client(&bucket);
    let started = Instant::now();
    let change = async {
        sleep(Duration::from_mins(2)).await;
        bucket.change(after);
    };
    tokio::join!(export.run_with(&client), change);
    let seen = Seen::of(&bucket, started);
    (seen.seconds / (120.0 + SECONDS_AFTER), seen)
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_falls_in_mid_export_is_found_again() {
    let (ratio, seen) = changes(20.0, 4.0).await;
    assert!(ratio <= 1.05, "{ratio}: {seen:?}");
    assert!(seen.share_refused() < 0.01, "{seen:?}");
    assert_eq!(seen.inside_pauses, 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_rises_in_mid_export_is_found_again() {
    let (ratio, seen) = changes(2.0, 5.0).await;
    // That it has risen shows only once the rate has been carefully raised past the old one.
    assert!(ratio <= 1.25, "{ratio}: {seen:?}");
    assert!(seen.share_refused() < 0.01, "{seen:?}");
    assert_eq!(seen.inside_pauses, 0);
}

#[tokio::test(start_paused = true)]
async fn every_form_of_a_pause_is_kept_and_costs_no_more_than_it_says() {
    for hint in [
        Hint::Seconds,
        Hint::Fraction,
        Hint::Comma,
        Hint::Date,
        Hint::PastDate,
        Hint::Absent,
    ] {
        let limit = Terms {
            hint,
            ..terms(10.0, 10.0)
        };
        let seen = Export::of(1_200).run(limit).await;
        assert_eq!(seen.inside_pauses, 0, "{hint:?}: {seen:?}");
        assert!(seen.refused > 0, "{hint:?}: {seen:?}");
        assert!(seen.ratio(1_200, &limit) <= 1.05, "{hint:?}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_of_minutes_are_kept_and_are_nearly_all_that_they_cost() {
    let limit = Terms {
        hint: Hint::AtLeast(300),
        ..terms(10.0, 10.0)
    };
    let seen = Export::of(2_000).run(limit).await;
    assert_eq!(seen.inside_pauses, 0, "{seen:?}");
    let paused = 300.0 * f64::from(seen.refusals_apart);
    assert!(seen.seconds - paused < 1.6 * 200.0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn sixteen_requests_in_flight_fill_a_latency_of_fifty_milliseconds() {
    let free = terms(100_000.0, 100_000.0);
    let mut export = Export::of(4_000);
    export.ceiling = None;
    let seen = export.run(free).await;
    let least = 4_000.0 * 0.05 / 16.0;
    assert!(seen.seconds <= 1.10 * least, "{seen:?}");
    assert_eq!(seen.refused, 0);
}
