//! Requests as an export sends them, and what the service saw of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use lcw_extractor::{
    ClientConfig, DecodeError, Decoded, GraphClient, GraphPath, PageDecoder, ReadyToken,
    SecretString,
};
use lcw_tests::{Answered, Bucket, Terms};
use tokio::time::Instant;

/// So many requests by so many workers, who always have one more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Export {
    pub(super) requests: u32,
    pub(super) workers: u32,
    pub(super) ceiling: Option<f64>,
}

/// Takes any page.
struct Any;

impl PageDecoder for Any {
    type Output = ();

    fn decode(&mut self, _: &str) -> Result<Decoded<()>, DecodeError> {
        Ok(Decoded {
            output: (),
            rows: 0,
            next_link: None,
        })
    }
}

impl Export {
    /// Sixteen workers under a ceiling far above every limit here.
    pub(super) fn of(requests: u32) -> Self {
        Self {
            requests,
            workers: 16,
            ceiling: Some(2_000.0),
        }
    }

    pub(super) fn client(&self, bucket: &Bucket) -> GraphClient {
        let config = ClientConfig {
            graph_url: bucket.origin.clone(),
            requests_per_second: self.ceiling,
            deadline: None,
            ..ClientConfig::default()
        };
        let token = ReadyToken::new(&SecretString::from("token")).unwrap();
        GraphClient::new(config, token).unwrap()
    }

    /// Exports from a service of its own.
    pub(super) async fn run(&self, terms: Terms) -> Seen {
        let bucket = Bucket::start(terms).await;
        let started = Instant::now();
        self.run_with(&self.client(&bucket)).await;
        Seen::of(&bucket, started)
    }

    /// Exports with a client that is there already.
    pub(super) async fn run_with(&self, client: &GraphClient) {
        self.run_between(&[client]).await;
    }

    /// Shares the requests out between clients, to whoever is free.
    pub(super) async fn run_between(&self, clients: &[&GraphClient]) {
        let left = AtomicU32::new(self.requests);
        let take = || {
            let next = |left: u32| left.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        };
        let work = |client: GraphClient| async move {
            while take().is_ok() {
                let workflow = GraphPath::workflow("w");
                client.entity(workflow, &mut Any).await.unwrap();
            }
        };
        let workers = (0..self.workers).flat_map(|_| clients);
        join_all(workers.map(|client| work((*client).clone()))).await;
    }
}

/// What the service saw of an export.
#[derive(Debug)]
pub(super) struct Seen {
    /// From the start to the last answer.
    pub(super) seconds: f64,
    pub(super) sent: u32,
    pub(super) refused: u32,
    /// Refusals but for those that were in flight together.
    pub(super) refusals_apart: u32,
    /// Sent after the answer that asked for a pause, before its end.
    pub(super) inside_pauses: u32,
}

impl Seen {
    pub(super) fn of(bucket: &Bucket, started: Instant) -> Self {
        let answered = bucket.answered();
        let last = answered.iter().map(|request| request.answered_at).max();
        let refused = answered.iter().filter(|request| request.is_refused);
        Self {
            seconds: (last.unwrap() - started).as_secs_f64(),
            sent: count(answered.iter()),
            refused: count(refused),
            refusals_apart: refusals_apart(&answered),
            inside_pauses: inside_pauses(&answered),
        }
    }

    /// The time as a multiple of the least: (requests - burst) / limit, and an answer's latency.
    pub(super) fn ratio(&self, requests: u32, terms: &Terms) -> f64 {
        let least = (f64::from(requests) - terms.burst) / terms.per_second;
        self.seconds / (least + terms.latency.as_secs_f64())
    }

    pub(super) fn share_refused(&self) -> f64 {
        f64::from(self.refused) / f64::from(self.sent)
    }
}

fn count<'a>(requests: impl Iterator<Item = &'a Answered>) -> u32 {
    u32::try_from(requests.count()).unwrap()
}

/// In the order of their answers, those sent after the pause before them began.
fn refusals_apart(answered: &[Answered]) -> u32 {
    let mut last: Option<Instant> = None;
    let mut apart = 0;
    for request in answered.iter().filter(|request| request.is_refused) {
        if last.is_none_or(|last| request.at > last) {
            apart += 1;
            last = Some(request.answered_at);
        }
    }
    apart
}

fn inside_pauses(answered: &[Answered]) -> u32 {
    let mut by_time: Vec<Instant> = answered.iter().map(|request| request.at).collect();
    by_time.sort_unstable();
    let pauses = answered.iter().filter_map(|request| {
        let pause = request.pause.filter(|pause| *pause > Duration::ZERO)?;
        Some((request.answered_at, request.answered_at + pause))
    });
    let inside = pauses.map(|(from, until)| {
        let first = by_time.partition_point(|at| *at <= from);
        let end = by_time.partition_point(|at| *at < until);
        end.saturating_sub(first)
    });
    u32::try_from(inside.sum::<usize>()).unwrap()
}
