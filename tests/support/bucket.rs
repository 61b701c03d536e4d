//! A service with a token bucket and nothing else: what pacing is measured against.
//!
//! It answers every request with the same page, or with 429 when its bucket is empty, and remembers
//! when. The simulated tenant has a limit as well; this costs a tenth, so that exports of hours fit
//! into a test. It lives on the caller's runtime and on tokio's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

const PAGE: &str = r#"{"value":[]}"#;
/// 2026-11-23T10:00:00Z: what the `Date` header says at first.
const FIRST_DATE: i64 = 1_795_428_000;

/// How a refusal says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// `1`, rounded up.
    Seconds,
    /// `0.128`, rounded up to a millisecond.
    Fraction,
    /// The same as `0,128`.
    Comma,
    /// An HTTP date, rounded up to a second.
    Date,
    /// A date that has passed.
    PastDate,
    /// Whole seconds, and never less than these.
    AtLeast(u64),
    /// Not at all.
    Absent,
}

/// What the service bears, and how it answers.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests at once after a rest.
    pub burst: f64,
    /// From sending a request to having its answer; decided half-way.
    pub latency: Duration,
    /// What refusals say.
    pub hint: Hint,
}

/// A request as the service saw it.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// When it was sent.
    pub at: Instant,
    /// When the answer arrived.
    pub answered_at: Instant,
    /// Whether it was refused.
    pub is_refused: bool,
    /// The pause that the answer asked for.
    pub pause: Option<Duration>,
}

/// The service.
#[derive(Debug)]
pub struct Bucket {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    state: Arc<Mutex<State>>,
    task: AbortHandle,
}

#[derive(Debug)]
struct State {
    terms: Terms,
    tokens: f64,
    filled_at: Instant,
    started: Instant,
    answered: Vec<Answered>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bucket {
    /// Starts one with a full bucket.
    pub async fn start(terms: Terms) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            terms,
            tokens: terms.burst,
            filled_at: Instant::now(),
            started: Instant::now(),
            answered: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
        });
        Self {
            origin,
            state,
            task: task.abort_handle(),
        }
    }

    /// Has other terms from now on; what is in the bucket stays, as far as it holds it.
    pub fn change(&self, terms: Terms) {
        let mut state = lock(&self.state);
        state.fill();
        state.terms = terms;
        state.tokens = state.tokens.min(terms.burst);
    }

    /// The requests so far, in the order of their answers.
    pub fn answered(&self) -> Vec<Answered> {
        lock(&self.state).answered.clone()
    }
}

impl State {
    fn fill(&mut self) {
        let gained = self.filled_at.elapsed().as_secs_f64() * self.terms.per_second;
        self.tokens = (self.tokens + gained).min(self.terms.burst);
        self.filled_at = Instant::now();
    }

    /// Takes a request from the bucket, or says how long until there is one.
    fn take(&mut self) -> Result<(), Duration> {
        self.fill();
        // Sums of fractions may miss a whole by a hair.
        if self.tokens < 1.0 - 1e-9 {
            let wait = (1.0 - self.tokens) / self.terms.per_second;
            return Err(Duration::from_secs_f64(wait));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn date(&self) -> i64 {
        FIRST_DATE + i64::try_from(self.started.elapsed().as_secs()).unwrap()
    }
}

impl Hint {
    /// The pause that it asks for and how it is written, when so much has to be waited for.
    fn say(self, wait: Duration, date: i64) -> (Option<Duration>, Option<String>) {
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap();
        let decimal = |point| format!("{}{point}{:03}", millis / 1_000, millis % 1_000);
        let in_millis = Some(Duration::from_millis(millis));
        let in_seconds = Some(Duration::from_secs(whole));
        match self {
            Self::Seconds => (in_seconds, Some(whole.to_string())),
            Self::Fraction => (in_millis, Some(decimal('.'))),
            Self::Comma => (in_millis, Some(decimal(','))),
            Self::Date => {
                let until = date + i64::try_from(whole).unwrap();
                (in_seconds, Some(http_date(until)))
            }
            Self::PastDate => (None, Some(http_date(date - 3_600))),
            Self::AtLeast(least) => {
                let seconds = whole.max(least);
                (
                    Some(Duration::from_secs(seconds)),
                    Some(seconds.to_string()),
                )
            }
            Self::Absent => (None, None),
        }
    }
}

fn http_date(seconds: i64) -> String {
    let at = Timestamp::from_second(seconds).unwrap();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

async fn serve(mut connection: TcpStream, state: Arc<Mutex<State>>) {
    connection.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while read_head(&mut connection, &mut buffer).await.is_some() {
        let (at, latency) = (Instant::now(), lock(&state).terms.latency);
        sleep(latency / 2).await;
        let (answer, is_refused, pause) = answer(&mut lock(&state));
        sleep(latency / 2).await;
        lock(&state).answered.push(Answered {
            at,
            answered_at: Instant::now(),
            is_refused,
            pause,
        });
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A whole HTTP answer, whether it is a refusal, and the pause that it asks for.
fn answer(state: &mut State) -> (String, bool, Option<Duration>) {
    let date = state.date();
    let head = |status: &str| {
        let date = http_date(date);
        let length = PAGE.len();
        format!(
            "HTTP/1.1 {status}\r\ndate: {date}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n"
        )
    };
    match state.take() {
        Ok(()) => (format!("{}\r\n{PAGE}", head("200 OK")), false, None),
        Err(wait) => {
            let (pause, text) = state.terms.hint.say(wait, date);
            let hint = text.map(|text| format!("retry-after: {text}\r\n"));
            let hint = hint.unwrap_or_default();
            let head = head("429 Too Many Requests");
            (format!("{head}{hint}\r\n{PAGE}"), true, pause)
        }
    }
}

/// Reads the head of a request without a body. `None` at the end of the connection.
async fn read_head(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            buffer.drain(..end + 4);
            return Some(());
        }
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
