use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::support::{
    Reply, Server, client, collect, collect_all, collect_error, config, ready_token,
};
use crate::{ErrorKind, GraphClient};

const DATE: &str = "Mon, 23 Nov 2026 10:00:00 GMT";

/// The time between a 429 with these headers and the next request.
async fn pause_after(headers: &[(&str, &str)]) -> Duration {
    let refusal = headers
        .iter()
        .fold(Reply::status(429), |reply, (name, value)| {
            reply.with(name, value)
        });
    let server = Server::replies(vec![refusal, Reply::page(&["a"], None)]).await;
    let client = client(&server);
    assert_eq!(collect_all(&client).await, ["a"]);
    assert_eq!(client.stats().throttled, 1);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    seen[1].at - seen[0].at
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept_in_every_form() {
    for (headers, at_least, at_most) in [
        (vec![("retry-after", "3")], 3_000, 3_050),
        (vec![("retry-after", "2.128")], 2_128, 2_200),
        (vec![("retry-after", "2,128")], 2_128, 2_200),
        (vec![("retry-after", "1, 4")], 4_000, 4_050),
        (
            vec![
                ("retry-after", "Mon, 23 Nov 2026 10:00:30 GMT"),
                ("date", DATE),
            ],
            30_000,
            30_050,
        ),
        (
            vec![
                ("retry-after", "Mon, 23 Nov 2026 09:00:30 GMT"),
                ("date", DATE),
            ],
            125,
            400,
        ),
        (vec![("retry-after", "a while")], 125, 400),
        (vec![("retry-after", "0")], 125, 400),
        (vec![], 125, 400),
    ] {
        let pause = pause_after(&headers).await.as_millis();
        assert!(
            (at_least..=at_most).contains(&pause),
            "{headers:?}: {pause}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_hint_the_pauses_grow() {
    let mut replies = vec![Reply::status(429); 5];
    replies.push(Reply::page(&["a"], None));
    let server = Server::replies(replies).await;
    collect_all(&client(&server)).await;
    let seen = server.seen();
    let pauses: Vec<_> = seen
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    assert!(pauses[4] > 3 * pauses[0], "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn one_pause_holds_all_workers_and_nothing_is_sent_inside() {
    let refused_at = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&refused_at);
    let server = Server::start(move |seen, index| {
        let reply = Reply::page(&["a"], None).after(Duration::from_millis(10));
        if index != 20 {
            return reply;
        }
        *noted.lock().unwrap() = Some(seen.at + Duration::from_millis(10));
        Reply::status(429)
            .with("retry-after", "7.5")
            .after(Duration::from_millis(10))
    })
    .await;
    let client = client(&server);
    let workers = (0..16).map(|_| {
        let client = client.clone();
        async move {
            for _ in 0..10 {
                assert_eq!(collect_all(&client).await, ["a"]);
            }
        }
    });
    join_all(workers).await;
    let refused_at = refused_at.lock().unwrap().unwrap();
    let pause = refused_at..refused_at + Duration::from_millis(7_500);
    let seen = server.seen();
    // What left together with the refusal was in flight.
    let inside: Vec<_> = seen
        .iter()
        .filter(|request| {
            request.at > pause.start + Duration::from_millis(1) && request.at < pause.end
        })
        .collect();
    assert!(inside.is_empty(), "{inside:?}");
    assert!(seen.iter().any(|request| request.at >= pause.end));
    assert_eq!((seen.len(), client.stats().retried), (161, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_while_it_lasts() {
    let server = Server::replies(vec![
        Reply::status(429).with("retry-after", "60"),
        Reply::page(&[], None),
    ])
    .await;
    let client = client(&server);
    assert_eq!(client.paused_for(), None);
    let asking = tokio::spawn({
        let client = client.clone();
        async move { collect_all(&client).await }
    });
    sleep(Duration::from_secs(20)).await;
    let left = client.paused_for().unwrap().as_secs_f64();
    assert!((39.0..=40.1).contains(&left), "{left}");
    asking.await.unwrap();
    assert_eq!(client.paused_for(), None);
    assert!(client.rate() > 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_past_the_deadline_is_an_error_at_once_for_everybody() {
    for asked in [
        "3601",
        "99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let server = Server::replies(vec![Reply::status(429).with("retry-after", asked)]).await;
        let mut config = config(&server);
        config.deadline = Some(Duration::from_hours(1));
        let client = GraphClient::new(config, ready_token()).unwrap();
        let started = Instant::now();
        for error in join_all((0..4).map(|_| collect_error(&client))).await {
            assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
            assert!(
                error.to_string().contains("longer than it may wait"),
                "{error}"
            );
        }
        assert!(started.elapsed() < Duration::from_secs(1));
        assert!(server.count() <= 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_throttle_is_bounded_by_the_deadline_and_not_by_attempts() {
    let mut replies = vec![Reply::status(429).with("retry-after", "60"); 100];
    replies.push(Reply::page(&["a"], None));
    let server = Server::replies(replies).await;
    assert_eq!(collect_all(&client(&server)).await, ["a"]);
    let server = Server::replies(vec![Reply::status(429).with("retry-after", "60")]).await;
    let client = client(&server);
    let started = Instant::now();
    let error = collect_error(&client).await;
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Throttled, Some(429))
    );
    assert!(started.elapsed() > Duration::from_mins(6 * 60 - 2));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_an_endless_throttle_ends_all_the_same() {
    let server = Server::replies(vec![Reply::status(429).with("retry-after", "1")]).await;
    let mut config = config(&server);
    (config.deadline, config.max_attempts) = (None, 2);
    let error = collect_error(&GraphClient::new(config, ready_token()).unwrap()).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Throttled, 64));
}

#[tokio::test(start_paused = true)]
async fn a_503_with_retry_after_pauses_everybody_too() {
    let server = Server::start(|_, index| match index {
        0 => Reply::status(503).with("retry-after", "30"),
        _ => Reply::page(&["a"], None),
    })
    .await;
    let client = client(&server);
    let first = tokio::spawn({
        let client = client.clone();
        async move { collect(&client).await }
    });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(collect_all(&client).await, ["a"]);
    assert_eq!(first.await.unwrap().0, ["a"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(
        seen[1..]
            .iter()
            .all(|request| request.at - seen[0].at >= Duration::from_secs(30))
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_fifty_is_used_and_hardly_ever_hit() {
    let (mut tokens, mut filled_at) = (50.0_f64, Instant::now());
    let server = Server::start(move |seen, _| {
        let gained = (seen.at - filled_at).as_secs_f64() * 50.0;
        (tokens, filled_at) = ((tokens + gained).min(50.0), seen.at);
        if tokens < 1.0 {
            return Reply::status(429).with("retry-after", "1");
        }
        tokens -= 1.0;
        Reply::page(&["a"], None).after(Duration::from_millis(20))
    })
    .await;
    let mut config = config(&server);
    config.requests_per_second = Some(1000.0);
    let client = GraphClient::new(config, ready_token()).unwrap();
    let started = Instant::now();
    let workers = (0..16).map(|_| async {
        for _ in 0..100 {
            assert_eq!(collect_all(&client).await, ["a"]);
        }
    });
    join_all(workers).await;
    let stats = client.stats();
    assert_eq!(stats.sent, 1600 + stats.throttled);
    assert!(stats.throttled <= 16, "{stats:?}");
    assert!(
        started.elapsed() < Duration::from_secs(34),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn repetitions_pass_the_rate_gate() {
    let server = Server::replies(vec![Reply::status(500)]).await;
    let mut config = config(&server);
    config.requests_per_second = Some(0.5);
    let client = GraphClient::new(config, ready_token()).unwrap();
    let started = Instant::now();
    assert_eq!(collect_error(&client).await.kind(), ErrorKind::Service);
    // Eight requests at one in two seconds, whatever the delays between attempts.
    assert!(
        started.elapsed() >= Duration::from_secs(14),
        "{:?}",
        started.elapsed()
    );
    let seen = server.seen();
    assert!(
        seen.windows(2)
            .all(|pair| pair[1].at - pair[0].at >= Duration::from_millis(1_800))
    );
}
