//! The attempts of one request: how many, why, and what was last heard.

use std::time::Duration;

use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

use super::{Step, Stop, Target, Told};
use crate::config::ClientConfig;
use crate::error::{ErrorKind, ExtractError, Failure, RequestError, remedy, root_cause};
use crate::graph_error::GraphError;
use crate::retry::Schedule;
use crate::text::{presentable, without};
use crate::token::Token;

/// Without a deadline, a request answered with 429 is given up after this many
/// times `max_attempts`.
const THROTTLES_PER_ATTEMPT: u32 = 32;

/// A request that meets tokens at their end is given up after this many times
/// `max_attempts`: many workers may use a short-lived token up between them.
const RENEWALS_PER_ATTEMPT: u32 = 8;

/// What a ready token's owner can do about a 401.
const READY_TOKEN_REMEDY: &str = "a ready token cannot be renewed: get a new one for this Graph and put it into \
     LCW_ACCESS_TOKEN, or use a client secret";

/// The attempts of one request.
pub(super) struct Effort<'a> {
    target: &'a Target<'a>,
    started: Instant,
    schedule: Schedule,
    attempts: u32,
    /// Attempts that failed in a way that counts.
    strikes: u32,
    throttles: u32,
    renewals: u32,
    client_request_id: String,
    status: Option<u16>,
    request_id: Option<String>,
    error: Option<GraphError>,
    is_html: bool,
}

impl<'a> Effort<'a> {
    pub(super) fn new(config: &ClientConfig, target: &'a Target<'a>) -> Self {
        Self {
            target,
            started: Instant::now(),
            schedule: Schedule::new(config.retry_initial, config.retry_cap),
            attempts: 0,
            strikes: 0,
            throttles: 0,
            renewals: 0,
            client_request_id: new_id(),
            status: None,
            request_id: None,
            error: None,
            is_html: false,
        }
    }

    /// Begins an attempt; says whether it repeats an earlier one.
    pub(super) fn begin(&mut self) -> bool {
        self.attempts += 1;
        if self.attempts > 1 {
            self.client_request_id = new_id();
        }
        (self.status, self.request_id, self.error, self.is_html) = (None, None, None, false);
        self.attempts > 1
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn client_request_id(&self) -> &str {
        &self.client_request_id
    }

    /// Notes the head of an answer to a request with this token.
    pub(super) fn note(&mut self, status: u16, headers: &HeaderMap, token: &Token) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let sent = token.secret().expose_secret();
        self.status = Some(status);
        self.request_id = text("request-id").map(|id| presentable(&without(id, &[sent])));
        self.is_html = text("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    }

    /// Notes the body of an answer that says no to a request with this token.
    pub(super) fn explain(&mut self, body: &[u8], token: &Token) {
        let path = self.target.path.to_string();
        let error = GraphError::parse(body, &path, token.secret().expose_secret());
        if let Some(id) = error.as_ref().and_then(|error| error.request_id.as_ref()) {
            self.request_id.get_or_insert_with(|| id.clone());
        }
        self.error = error;
    }

    /// How long everybody pauses after a 429.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        asked.unwrap_or_else(|| self.schedule.next_delay(None))
    }

    /// A 429. Bounded by the deadline, and without one by a large number.
    pub(super) fn throttled<T>(
        &mut self,
        config: &ClientConfig,
        pause: Duration,
        has_deadline: bool,
    ) -> Step<T> {
        self.throttles += 1;
        let most = config.max_attempts.saturating_mul(THROTTLES_PER_ATTEMPT);
        if !has_deadline && self.throttles >= most {
            return Step::fail(self, ErrorKind::Throttled, Failure::ThrottledWithoutEnd);
        }
        self.log("throttled: every request pauses", pause, None);
        Step::Again(Duration::ZERO)
    }

    /// A failure that may pass: again after a delay, unless that was the last attempt.
    pub(super) fn again<T>(
        &mut self,
        config: &ClientConfig,
        kind: ErrorKind,
        failure: Failure,
    ) -> Step<T> {
        self.strikes += 1;
        if self.strikes >= config.max_attempts {
            return Step::fail(self, kind, failure);
        }
        // A pause that was asked for is the gate's, for everybody.
        let delay = self.schedule.next_delay(None);
        self.log("asking again", delay, Some(&failure));
        Step::Again(delay)
    }

    /// A 401. A token that was good before has ended, and another will do; one
    /// that was never good gets one replacement.
    pub(super) fn unauthorized<T>(
        &mut self,
        config: &ClientConfig,
        was_good: bool,
        is_renewable: bool,
    ) -> Step<T> {
        let is_first = self.renewals == 0;
        let most = config.max_attempts.saturating_mul(RENEWALS_PER_ATTEMPT);
        self.renewals += 1;
        if is_renewable && (is_first || (was_good && self.renewals < most)) {
            self.log(
                "the token was refused: asking again with a new one",
                Duration::ZERO,
                None,
            );
            return Step::Again(Duration::ZERO);
        }
        let mut error = self.request_error(ErrorKind::Credentials, Failure::Status);
        if !is_renewable {
            READY_TOKEN_REMEDY.clone_into(&mut error.remedy);
        }
        Step::Stop(Stop::Failed(ExtractError::Request(Box::new(error))))
    }

    /// What the last answer was called.
    pub(super) fn told(self) -> Told {
        Told {
            status: self.status,
            request_id: self.request_id,
            client_request_id: self.client_request_id,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
        }
    }

    /// The error that ends the request.
    pub(super) fn fail(&self, kind: ErrorKind, failure: Failure) -> ExtractError {
        ExtractError::Request(Box::new(self.request_error(kind, failure)))
    }

    fn request_error(&self, kind: ErrorKind, failure: Failure) -> RequestError {
        let error = self.error.as_ref();
        let html = || {
            self.is_html
                .then(|| "an HTML page instead of JSON".to_owned())
        };
        RequestError {
            kind,
            method: "GET",
            path: self.target.path.to_string(),
            page_index: self.target.page_index,
            status: self.status,
            code: error.and_then(|error| error.code.clone()),
            message: error.and_then(|error| error.message.clone()).or_else(html),
            request_id: self.request_id.clone(),
            client_request_id: self.client_request_id.clone(),
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
            remedy: remedy(kind, &failure, self.target.permissions, error),
            failure,
        }
    }

    fn log(&self, message: &str, delay: Duration, failure: Option<&Failure>) {
        let code = self.error.as_ref().and_then(|error| error.code.as_deref());
        warn!(
            path = %self.target.path,
            page.index = self.target.page_index,
            http.status = self.status,
            graph.code = code,
            graph.request_id = self.request_id.as_deref(),
            graph.client_request_id = self.client_request_id.as_str(),
            retry.attempt = self.attempts,
            retry.delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            cause = failure.and_then(cause),
            "{message}",
        );
    }
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// The innermost reason of a lost connection. Only of that: what a decoder says
/// may repeat the body.
fn cause(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Network { source, .. } => root_cause(source.as_ref()),
        _ => None,
    }
}
