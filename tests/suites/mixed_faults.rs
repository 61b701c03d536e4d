//! Everything goes wrong at once.

use std::time::Duration;

use lcw_simulator::{
    Endpoint, Fault, FaultBody, FaultRule, Form, Limit, RetryAfter, Simulator, When,
};
use lcw_tests::{Eavesdropper, Office, compact};

/// Every fault that passes, each with a small probability.
fn passing(seed: u64) -> Vec<FaultRule> {
    let hint = [
        RetryAfter::seconds(2),
        RetryAfter::fraction(1_128),
        RetryAfter::comma(700),
        RetryAfter::date(3),
        RetryAfter::Absent,
    ];
    let throttled = hint.into_iter().map(Fault::Throttled);
    let bodies = [FaultBody::Json, FaultBody::Html, FaultBody::Empty];
    let status = [408, 500, 502, 503, 504, 509]
        .into_iter()
        .zip(bodies.into_iter().cycle());
    let failed = status.map(|(status, body)| Fault::Status {
        status,
        body,
        retry_after: if status == 503 {
            RetryAfter::seconds(1)
        } else {
            RetryAfter::Absent
        },
    });
    let slow = Fault::SlowBytes {
        chunk: 100,
        pause: Duration::from_millis(300),
    };
    let others = [
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::CutGzip,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        slow,
        Fault::RespelledNextLink,
        Fault::RepeatedRow,
        Fault::OversizedPage { bytes: 100_000 },
    ];
    let mut rules: Vec<FaultRule> = throttled
        .chain(failed)
        .chain(others)
        .zip(0..)
        .map(|(fault, nth)| {
            FaultRule::new(fault)
                .when(When::Chance(0.02))
                .seed(seed * 100 + nth)
        })
        .collect();
    for status in [400, 410] {
        let rule = FaultRule::new(Fault::ExpiredSkipToken { status }).on(Endpoint::RunResults);
        rules.push(rule.times(1));
    }
    rules.push(FaultRule::new(Fault::Unauthorized).when(When::Nth(50)));
    rules
}

/// Faults that leave something out.
fn lasting(tenant: &Simulator, elsewhere: &Eavesdropper, seed: u64) -> Vec<FaultRule> {
    let truth = tenant.truth();
    let run = |nth: usize| truth.results[truth.results.len() * nth / 7].run_id.clone();
    let origin = format!("http://127.0.0.1:{}", elsewhere.port());
    let on_run = |fault: Fault, nth| {
        FaultRule::new(fault)
            .on(Endpoint::RunResults)
            .path_contains(run(nth))
    };
    let mut rules = vec![
        on_run(Fault::NotFound, 0),
        on_run(Fault::Forbidden, 1),
        on_run(Fault::NextLinkLoop { period: 1 }, 2),
        on_run(Fault::ForeignNextLink { origin }, 3),
        on_run(Fault::EndlessPages, 4),
        on_run(Fault::ExpiredSkipToken { status: 400 }, 5),
        on_run(Fault::status(500), 6),
    ];
    let first = usize::try_from(seed).unwrap() % rules.len();
    rules.rotate_left(first);
    rules.truncate(4);
    rules
}

fn patient(office: &mut Office) {
    // What passes strikes one request in four: twenty times in a row it does not.
    office.client.max_attempts = 20;
    office.client.page_limit = 60;
    office.client.retry_initial = Duration::from_millis(200);
}

#[tokio::test(start_paused = true)]
async fn with_every_fault_that_passes_the_tables_are_the_whole_truth() {
    for seed in 1..=5 {
        for mut office in Office::of_each_format() {
            let mut config = compact(seed);
            config.access.token_uses = Some(40);
            let tenant = Simulator::start(config).await.unwrap();
            for rule in passing(seed) {
                tenant.inject(rule);
            }
            tenant.set_limit(Some(Limit {
                form: Some(Form::Fraction),
                ..Limit::per_second(40.0)
            }));
            patient(&mut office);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "seed {seed}: {summary:#?}");
            assert!(tenant.fired().iter().filter(|fired| **fired > 0).count() > 15);
            office.assert_holds(&tenant, &tenant.truth());
            let inside = tenant.requests_inside_pauses(Duration::ZERO);
            assert!(inside.is_empty(), "seed {seed}: {inside:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_every_kind_of_fault_what_is_stored_is_true_and_the_next_export_completes_it() {
    let elsewhere = Eavesdropper::start().await;
    for seed in 11..=17 {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(seed)).await.unwrap();
            for rule in lasting(&tenant, &elsewhere, seed) {
                tenant.inject(rule);
            }
            for rule in passing(seed) {
                tenant.inject(rule);
            }
            let usual = office.client.clone();
            patient(&mut office);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "seed {seed}: {summary:#?}");
            assert!(
                summary
                    .not_covered
                    .iter()
                    .all(|left_out| left_out.is_partial)
            );
            office.assert_nothing_false(&tenant, &tenant.truth());
            assert_eq!(elsewhere.heard(), Vec::<String>::new());
            office.client = usual;
            office.assert_completes(&tenant).await;
        }
    }
}
