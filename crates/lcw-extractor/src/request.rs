//! One request to Graph, sent until it is answered or there is no point.

mod effort;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::{RequestBuilder, Response, Url};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, debug_span};

use crate::body::{self, BodyBuffer, BodyError};
use crate::client::Shared;
use crate::config::ConfigError;
use crate::decode::{DecodeError, Decoded, PageDecoder};
use crate::error::{ErrorKind, ExtractError, Failure, is_hopeless};
use crate::limiter::{Closed, Permit};
use crate::path::{CollectionRequest, GraphPath};
use crate::permission::Permissions;
use crate::retry::{Verdict, classify, retry_after};
use crate::token::Token;
use effort::Effort;

/// Asks for enum values that later versions added; the service does not remember
/// it from page to page.
const PREFER: (&str, &str) = ("prefer", "include-unknown-enum-members");
/// Where both are honoured, a bulk export gives way to people.
const PRIORITY: (&str, &str) = ("x-ms-throttle-priority", "low");
/// The share of the limit in use, sent by some services from 0.8 on.
const USAGE: &str = "x-ms-throttle-limit-percentage";

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) url: Url,
    pub(crate) path: &'a GraphPath,
    pub(crate) permissions: Permissions,
    pub(crate) page_index: Option<u64>,
    pub(crate) is_next_link: bool,
}

impl<'a> Target<'a> {
    /// An entity, or the first page of a collection.
    pub(crate) fn first(
        shared: &Shared,
        request: &'a CollectionRequest,
    ) -> Result<Self, ExtractError> {
        let target = request.target(shared.config.api_version.as_str());
        let url = shared.origin.url(&target);
        let url = url.map_err(|problem| ConfigError::Url {
            what: "Graph",
            problem,
        })?;
        Ok(Self {
            url,
            path: request.path(),
            permissions: request.permissions(),
            page_index: None,
            is_next_link: false,
        })
    }
}

/// What an answer was called, for an error about what it said.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<String>,
    pub(crate) client_request_id: String,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

/// Why a request ended without a result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The next link is no longer known; the collection can start again.
    Restart(ExtractError),
    /// For good.
    Failed(ExtractError),
}

impl Stop {
    pub(crate) fn into_error(self) -> ExtractError {
        match self {
            Self::Restart(error) | Self::Failed(error) => error,
        }
    }
}

/// What an attempt came to.
enum Step<T> {
    Done(T),
    /// Ask again: after the gate's pause, and after this delay of its own.
    Again(Duration),
    Stop(Stop),
}

impl<T> Step<T> {
    fn fail(effort: &Effort<'_>, kind: ErrorKind, failure: Failure) -> Self {
        Self::Stop(Stop::Failed(effort.fail(kind, failure)))
    }
}

impl Shared {
    /// Asks until there is a decoded answer or no point in asking again.
    pub(crate) async fn get<D: PageDecoder>(
        &self,
        target: &Target<'_>,
        buffer: &mut BodyBuffer,
        decoder: &mut D,
    ) -> Result<(Decoded<D::Output>, Told), Stop> {
        let mut effort = Effort::new(&self.config, target);
        loop {
            let (token, permit) = self.admit(&effort).await.map_err(Stop::Failed)?;
            self.counters.count_sent(effort.begin());
            let span =
                debug_span!("request", path = %target.path, retry.attempt = effort.attempts());
            let attempt = self.attempt(target, &token, &permit, &mut effort, buffer, decoder);
            match attempt.instrument(span).await {
                Step::Done(page) => return Ok((page, effort.told())),
                Step::Stop(stop) => return Err(stop),
                Step::Again(delay) => self.rest(delay, &effort).await.map_err(Stop::Failed)?,
            }
        }
    }

    /// Waits for a token and for leave to send.
    async fn admit(
        &self,
        effort: &Effort<'_>,
    ) -> Result<(std::sync::Arc<Token>, Permit), ExtractError> {
        loop {
            let token = self.tokens.get().await.map_err(ExtractError::Token)?;
            let permit = self
                .gate
                .pass(self.deadline)
                .await
                .map_err(|closed| match closed {
                    Closed::Paused(pause) => {
                        effort.fail(ErrorKind::Throttled, Failure::PausedPastDeadline { pause })
                    }
                    Closed::Deadline => effort.fail(ErrorKind::Deadline, Failure::Deadline),
                })?;
            // The wait at the gate may have outlived the token, and fetching another
            // takes a while, in which a pause may begin: so pass the gate again.
            if token.is_usable() {
                return Ok((token, permit));
            }
        }
    }

    /// Sleeps before the next attempt, unless the deadline comes first.
    async fn rest(&self, delay: Duration, effort: &Effort<'_>) -> Result<(), ExtractError> {
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() + delay >= deadline)
        {
            return Err(effort.fail(ErrorKind::Deadline, Failure::Deadline));
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
        Ok(())
    }

    async fn attempt<D: PageDecoder>(
        &self,
        target: &Target<'_>,
        token: &Token,
        permit: &Permit,
        effort: &mut Effort<'_>,
        buffer: &mut BodyBuffer,
        decoder: &mut D,
    ) -> Step<Decoded<D::Output>> {
        let request = match self.authorised(&target.url, token, effort) {
            Ok(request) => request,
            Err(failure) => return Step::fail(effort, ErrorKind::NextLink, failure),
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return self.lost(error.without_url(), effort),
        };
        let date = self.clock.observe(answer.headers());
        effort.note(answer.status().as_u16(), answer.headers(), token);
        match classify(answer.status().as_u16(), target.is_next_link) {
            Verdict::Good => {
                token.prove();
                self.gate.accepted(permit, usage(answer.headers()));
                self.read(answer, effort, buffer, decoder).await
            }
            verdict => {
                self.refused(verdict, answer, date, token, permit, effort)
                    .await
            }
        }
    }

    /// The only place where a token is put into a request: and only towards its origin.
    fn authorised(
        &self,
        url: &Url,
        token: &Token,
        effort: &Effort<'_>,
    ) -> Result<RequestBuilder, Failure> {
        if !self.origin.owns(url) {
            return Err(Failure::ForeignLink {
                origin: crate::origin::describe(url),
            });
        }
        let mut request = self
            .http
            .get(url.clone())
            .bearer_auth(token.secret().expose_secret())
            .header(ACCEPT, "application/json")
            .header(PREFER.0, PREFER.1)
            .header(PRIORITY.0, PRIORITY.1)
            .header("client-request-id", effort.client_request_id());
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request = request.timeout(left.min(self.config.request_timeout));
        }
        Ok(request)
    }

    /// No answer at all.
    fn lost<T>(&self, error: reqwest::Error, effort: &mut Effort<'_>) -> Step<T> {
        let was_answered = self.clock.now().is_some();
        // What cannot be sent, a URL of more than 64 KiB, is not sent by trying again.
        let is_final = error.is_builder() || is_hopeless(&error, effort.attempts(), was_answered);
        let (origin, source) = (self.origin.to_string(), error.into());
        let failure = Failure::Network { origin, source };
        if is_final {
            return Step::fail(effort, ErrorKind::Network, failure);
        }
        effort.again(&self.config, ErrorKind::Network, failure)
    }

    /// Reads and decodes a good answer.
    async fn read<D: PageDecoder>(
        &self,
        answer: Response,
        effort: &mut Effort<'_>,
        buffer: &mut BodyBuffer,
        decoder: &mut D,
    ) -> Step<Decoded<D::Output>> {
        let cap_bytes = self.config.page_cap_bytes;
        match buffer.fill(answer, cap_bytes).await {
            Ok(()) => {}
            Err(BodyError::Cut(error)) => return self.lost(error, effort),
            Err(BodyError::TooLarge) => {
                return Step::fail(effort, ErrorKind::Page, Failure::TooLarge { cap_bytes });
            }
        }
        let result = match buffer.text() {
            Ok(text) => decoder.decode(text),
            Err(error) => Err(DecodeError::damaged(error)),
        };
        buffer.recycle();
        match result {
            Ok(page) => Step::Done(page),
            Err(DecodeError::Damaged(source)) => {
                effort.again(&self.config, ErrorKind::Page, Failure::Body(source))
            }
            Err(DecodeError::Invalid(source)) => {
                Step::fail(effort, ErrorKind::Content, Failure::Body(source))
            }
        }
    }

    /// An answer that says no.
    async fn refused<T>(
        &self,
        verdict: Verdict,
        answer: Response,
        date: Option<Timestamp>,
        token: &Token,
        permit: &Permit,
        effort: &mut Effort<'_>,
    ) -> Step<T> {
        let now = date
            .or_else(|| self.clock.now())
            .unwrap_or_else(Timestamp::now);
        let asked = retry_after(answer.headers(), now);
        if verdict == Verdict::Throttled {
            // The pause begins with the answer, not with the end of its body.
            let pause = effort.pause(asked);
            self.counters.count_throttled();
            self.gate.refused(permit, pause);
            effort.explain(&body::start_of(answer).await, token);
            return effort.throttled(&self.config, pause, self.deadline.is_some());
        }
        if let Some(asked) = asked.filter(|_| matches!(verdict, Verdict::Again(_))) {
            self.gate.pause(asked);
        }
        effort.explain(&body::start_of(answer).await, token);
        match verdict {
            Verdict::Again(kind) => effort.again(&self.config, kind, Failure::Status),
            Verdict::Unauthorized => {
                let was_good = token.refuse();
                effort.unauthorized(&self.config, was_good, self.tokens.is_renewable())
            }
            Verdict::Restart => {
                let error = effort.fail(ErrorKind::NextLink, Failure::Status);
                Step::Stop(Stop::Restart(error))
            }
            Verdict::Fatal(kind) => Step::fail(effort, kind, Failure::Status),
            Verdict::Good | Verdict::Throttled => Step::Again(Duration::ZERO),
        }
    }
}

/// The share of its limit that the service says is in use.
fn usage(headers: &HeaderMap) -> Option<f64> {
    let share: f64 = headers.get(USAGE)?.to_str().ok()?.trim().parse().ok()?;
    Some(share).filter(|share| share.is_finite() && *share > 0.0)
}
