//! A limit that limits, and the pauses that are kept or broken.

use std::sync::Arc;
use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, Form, Limit, RetryAfter, Simulator, TenantConfig};
use tokio::time::{Instant, sleep};

use crate::client::{Client, LW};

#[tokio::test(start_paused = true)]
async fn a_steady_client_under_the_limit_is_never_refused_and_one_above_it_is() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let limit = Limit {
        burst: 1,
        form: Some(Form::Fraction),
        ..Limit::per_second(10.0)
    };
    simulator.set_limit(Some(limit));
    let client = Client::new(&simulator);
    let list = format!("{LW}/workflows");
    for _ in 0..20 {
        assert_eq!(client.get(&list).await.status, 200);
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(client.get(&list).await.status, 200);
    let refused = client.get(&list).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("0.1"));
    assert!(refused.header("x-ms-throttle-scope").is_some());
    simulator.set_limit(None);
    assert_eq!(client.get(&list).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn requests_inside_a_demanded_pause_are_counted() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let throttled = Fault::Throttled(RetryAfter::seconds(3));
    simulator.inject(FaultRule::new(throttled).on(Endpoint::Workflows).times(1));
    let client = Client::new(&simulator);
    let list = format!("{LW}/workflows");
    assert_eq!(client.get(&list).await.status, 429);
    assert_eq!(client.get(&list).await.status, 200);
    assert!(
        simulator.requests_inside_pauses(Duration::ZERO).is_empty(),
        "no time has passed"
    );
    sleep(Duration::from_secs(1)).await;
    client.get(&list).await;
    let early = simulator.requests_inside_pauses(Duration::ZERO);
    assert_eq!(early.len(), 1);
    assert!(early[0].inside_pause.unwrap() >= Duration::from_secs(1));
    assert!(
        simulator
            .requests_inside_pauses(Duration::from_secs(2))
            .is_empty()
    );
    sleep(Duration::from_secs(2)).await;
    client.get(&list).await;
    assert_eq!(simulator.requests_inside_pauses(Duration::ZERO).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn records_say_when_on_tokios_clock() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let client = Client::new(&simulator);
    let start = Instant::now();
    for _ in 0..3 {
        client.get(&format!("{LW}/workflows")).await;
        sleep(Duration::from_secs(10)).await;
    }
    let seconds: Vec<u64> = simulator
        .requests()
        .iter()
        .map(|record| (record.at - start).as_secs())
        .collect();
    assert_eq!(seconds, [0, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn no_request_times_out_on_the_paused_clock() {
    let simulator = Arc::new(Simulator::start(TenantConfig::small(1)).await.unwrap());
    let start = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let simulator = Arc::clone(&simulator);
        workers.spawn(async move {
            let client = Client::new(&simulator);
            for _ in 0..120 {
                let list = format!("{LW}/workflows");
                let reply = tokio::time::timeout(Duration::from_secs(30), client.get(&list)).await;
                assert_eq!(reply.unwrap().status, 200);
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    assert_eq!(simulator.count(Endpoint::Workflows), 960);
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "nobody waited for anything"
    );
}
