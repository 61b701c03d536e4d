//! Asking a token service, with the same patience as Graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use tracing::warn;
use uuid::Uuid;

use super::{AccessToken, TokenError};
use crate::body;
use crate::config::ClientConfig;
use crate::error::{is_hopeless, root_cause};
use crate::http::Agents;
use crate::origin::Origin;
use crate::path::segment;
use crate::retry::{Schedule, Verdict, classify, retry_after};
use crate::service_clock::date_of;
use crate::text::{first_line, presentable};

/// Sends requests to token services: retried, with a deadline, without redirects.
///
/// They do not pass Graph's rate gate: another service, with limits of its own.
#[derive(Debug, Clone)]
pub struct TokenClient {
    agents: Arc<Agents>,
    graph: Origin,
    config: Arc<ClientConfig>,
    deadline: Option<Instant>,
    was_answered: Arc<AtomicBool>,
}

impl TokenClient {
    pub(crate) fn new(
        agents: Arc<Agents>,
        graph: Origin,
        config: Arc<ClientConfig>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            agents,
            graph,
            config,
            deadline,
            was_answered: Arc::default(),
        }
    }

    /// The scope to ask for: the Graph origin and `/.default`.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.graph)
    }

    /// The origin that tokens are for.
    pub fn graph(&self) -> &Origin {
        &self.graph
    }

    /// Posts a token request to `{authority}/{tenant}/oauth2/v2.0/token`.
    ///
    /// # Errors
    /// [`TokenError`]: at once when the service refuses, after `max_attempts`
    /// when it fails or cannot be reached, and when the deadline passes.
    pub async fn request(
        &self,
        authority: &Origin,
        tenant: &str,
        form: &[(&str, &str)],
    ) -> Result<AccessToken, TokenError> {
        let path = format!("/{}/oauth2/v2.0/token", segment(tenant));
        let mut asking = Asking {
            url: format!("{authority}{path}"),
            started: Instant::now(),
            attempts: 0,
            schedule: Schedule::new(self.config.retry_initial, self.config.retry_cap),
        };
        let http = self.agents.for_origin(authority)?;
        loop {
            asking.attempts += 1;
            let request = http
                .post(&asking.url)
                .header("client-request-id", Uuid::new_v4().to_string())
                .form(form)
                .send();
            let trouble = match request.await {
                Ok(answer) => self.read(answer, &asking).await?,
                Err(error) => Answer::Trouble(Trouble::Lost(error.without_url())),
            };
            match trouble {
                Answer::Token(token) => return Ok(token),
                Answer::Trouble(trouble) => self.wait(&mut asking, trouble).await?,
            }
        }
    }

    /// Reads an answer; an error when there is no point in asking again.
    async fn read(&self, answer: Response, asking: &Asking) -> Result<Answer, TokenError> {
        self.was_answered.store(true, Ordering::Relaxed);
        let status = answer.status();
        let now = date_of(answer.headers()).unwrap_or_else(jiff::Timestamp::now);
        let asked = retry_after(answer.headers(), now);
        let body = body::start_of(answer).await;
        if status == StatusCode::OK {
            return Ok(match serde_json::from_slice::<TokenAnswer>(&body) {
                Ok(token) => Answer::Token(token.into()),
                Err(_) => Answer::Trouble(Trouble::Unreadable(status)),
            });
        }
        let refusal = serde_json::from_slice::<Refusal>(&body).ok();
        let is_transient = matches!(
            classify(status.as_u16(), false),
            Verdict::Again(_) | Verdict::Throttled
        ) || refusal
            .as_ref()
            .is_some_and(|refusal| refusal.error == "temporarily_unavailable");
        match refusal {
            _ if is_transient => Ok(Answer::Trouble(Trouble::Failed(status, asked))),
            Some(refusal) => Err(refusal.into_error(asking.url.clone(), status)),
            None => Err(asking.failed(status, "the answer is not that of a token service")),
        }
    }

    /// Waits before the next attempt; an error when there is none.
    async fn wait(&self, asking: &mut Asking, trouble: Trouble) -> Result<(), TokenError> {
        let asked = if let Trouble::Failed(_, asked) = trouble {
            asked
        } else {
            None
        };
        let was_answered = self.was_answered.load(Ordering::Relaxed);
        let is_final = matches!(
            &trouble,
            Trouble::Lost(error) if is_hopeless(error, asking.attempts, was_answered)
        );
        if is_final || asking.attempts >= self.config.max_attempts {
            return Err(asking.exhausted(trouble));
        }
        let delay = asking.schedule.next_delay(asked);
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() + delay > deadline)
        {
            return Err(TokenError::Deadline {
                url: asking.url.clone(),
            });
        }
        warn!(
            url = asking.url,
            http.status = trouble.status().map(|status| status.as_u16()),
            cause = trouble.cause(),
            retry.attempt = asking.attempts,
            retry.delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "asking the token service again",
        );
        sleep(delay).await;
        Ok(())
    }
}

enum Answer {
    Token(AccessToken),
    Trouble(Trouble),
}

enum Trouble {
    Lost(reqwest::Error),
    Failed(StatusCode, Option<Duration>),
    Unreadable(StatusCode),
}

impl Trouble {
    fn cause(&self) -> Option<String> {
        match self {
            Self::Lost(error) => root_cause(error),
            Self::Failed(..) | Self::Unreadable(_) => None,
        }
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Lost(_) => None,
            Self::Failed(status, _) | Self::Unreadable(status) => Some(*status),
        }
    }
}

/// One token request and its attempts so far.
struct Asking {
    url: String,
    started: Instant,
    attempts: u32,
    schedule: Schedule,
}

impl Asking {
    fn failed(&self, status: StatusCode, problem: &'static str) -> TokenError {
        TokenError::Answer {
            url: self.url.clone(),
            status: status.as_u16(),
            problem,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
        }
    }

    fn exhausted(&self, trouble: Trouble) -> TokenError {
        match trouble {
            Trouble::Failed(status, _) => self.failed(status, "the token service failed"),
            Trouble::Unreadable(status) => self.failed(status, "the answer holds no token"),
            Trouble::Lost(error) => TokenError::Network {
                url: self.url.clone(),
                attempts: self.attempts,
                elapsed: self.started.elapsed(),
                source: error.into(),
            },
        }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// A number, or a text that holds one (the older token endpoints).
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl From<TokenAnswer> for AccessToken {
    fn from(answer: TokenAnswer) -> Self {
        let seconds = match answer.expires_in {
            Some(Seconds::Number(seconds)) => Some(seconds),
            Some(Seconds::Text(text)) => text.trim().parse().ok(),
            None => None,
        };
        let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self {
            secret: SecretString::from(answer.access_token),
            lifetime,
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    correlation_id: Option<String>,
}

impl Refusal {
    fn into_error(self, url: String, status: StatusCode) -> TokenError {
        TokenError::Refused {
            url,
            status: status.as_u16(),
            code: presentable(&self.error),
            message: first_line(&self.error_description),
            correlation_id: self.correlation_id.as_deref().map(presentable),
        }
    }
}
