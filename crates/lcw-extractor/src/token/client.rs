//! Asking a token service, with the same patience as Graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tracing::warn;
use uuid::Uuid;

use super::answer::{Refusal, TokenAnswer};
use super::application::Application;
use super::{AccessToken, TokenError};
use crate::body;
use crate::config::ClientConfig;
use crate::error::{is_hopeless, root_cause};
use crate::http::Agents;
use crate::limiter::LONGEST_PAUSE;
use crate::origin::Origin;
use crate::retry::{Schedule, Verdict, classify, retry_after};
use crate::service_clock::date_of;

/// The fields of a form that is posted.
pub(super) type Form = Vec<(&'static str, String)>;

/// Fields that prove an identity.
const SECRET_FIELDS: [&str; 4] = [
    "client_secret",
    "client_assertion",
    "device_code",
    "refresh_token",
];

/// A request, and what of it must not come back in a message.
pub(super) struct Question {
    pub(super) request: RequestBuilder,
    pub(super) secrets: Vec<SecretString>,
}

/// How often an endpoint is tried that refuses connections and has never answered: most likely
/// this machine has none.
const FIRST_CONTACTS: u32 = 3;
/// How long a managed identity may answer 410: it is being updated, which takes up to 70 seconds.
const GONE: Duration = Duration::from_secs(75);

/// The kind of a token service: what is worth another attempt, and what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenService {
    /// Entra's login service.
    Login,
    /// The same, asked with the token of another issuer.
    Federation,
    /// The endpoint that Azure gives to its machines and apps.
    ManagedIdentity,
}

impl TokenService {
    /// Whether an answer with this status may be another the next time.
    fn is_transient(self, status: StatusCode) -> bool {
        let verdict = classify(status.as_u16(), false);
        matches!(verdict, Verdict::Again(_) | Verdict::Throttled)
            || self == Self::ManagedIdentity
                && matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }
}

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

    /// Asks for a token with what proves the application's identity, made anew for every attempt.
    pub(super) async fn client_credentials(
        &self,
        application: &Application,
        proof: &(dyn Fn() -> Result<Form, TokenError> + Send + Sync),
    ) -> Result<AccessToken, TokenError> {
        let form = || {
            let mut form = vec![
                ("client_id", application.client_id().to_owned()),
                ("scope", self.scope()),
            ];
            form.extend(proof()?);
            form.push(("grant_type", "client_credentials".to_owned()));
            Ok(form)
        };
        let answer: TokenAnswer = self
            .post(application, &application.token_url(), &form)
            .await?;
        Ok(answer.into())
    }

    /// Posts a form, made anew for every attempt, to the application's token service.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        application: &Application,
        url: &str,
        form: &(dyn Fn() -> Result<Form, TokenError> + Send + Sync),
    ) -> Result<T, TokenError> {
        let http = self.agents.for_origin(application.authority())?;
        let make = || {
            let form = form()?;
            let request = http.post(url).form(&form);
            let secrets = form
                .into_iter()
                .filter(|(name, _)| SECRET_FIELDS.contains(name));
            let secrets = secrets.map(|(_, value)| value.into()).collect();
            Ok(Question { request, secrets })
        };
        self.ask(TokenService::Login, url, &make).await
    }

    /// The HTTP client for an endpoint of this machine: without a proxy.
    pub(super) fn local_http(&self, endpoint: &Url) -> Result<Client, TokenError> {
        Ok(self.agents.near(endpoint)?)
    }

    /// Sends a request, made anew for every attempt, until it is answered or there is no point.
    /// Errors name `url`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        service: TokenService,
        url: &str,
        make: &(dyn Fn() -> Result<Question, TokenError> + Send + Sync),
    ) -> Result<T, TokenError> {
        let mut asking = Asking {
            service,
            url: url.to_owned(),
            started: Instant::now(),
            attempts: 0,
            schedule: Schedule::new(self.config.retry_initial, self.config.retry_cap),
        };
        loop {
            asking.attempts += 1;
            let Question { request, secrets } = make()?;
            let request = request.header("client-request-id", Uuid::new_v4().to_string());
            let answer = match request.send().await {
                Ok(answer) => self.read(answer, &asking, &secrets).await?,
                Err(error) => Answer::Trouble(Trouble::Lost(error.without_url())),
            };
            match answer {
                Answer::Good(answer) => return Ok(answer),
                Answer::Trouble(trouble) => self.wait(&mut asking, trouble).await?,
            }
        }
    }

    /// Reads an answer; an error when there is no point in asking again.
    async fn read<T: DeserializeOwned>(
        &self,
        answer: Response,
        asking: &Asking,
        secrets: &[SecretString],
    ) -> Result<Answer<T>, TokenError> {
        self.was_answered.store(true, Ordering::Relaxed);
        let status = answer.status();
        let now = date_of(answer.headers()).unwrap_or_else(jiff::Timestamp::now);
        let asked = retry_after(answer.headers(), now);
        let body = body::start_of(answer).await;
        if status == StatusCode::OK {
            return Ok(match serde_json::from_slice(&body) {
                Ok(answer) => Answer::Good(answer),
                Err(_) => Answer::Trouble(Trouble::Unreadable(status)),
            });
        }
        let refusal = Refusal::read(&body);
        let is_transient = asking.service.is_transient(status)
            || refusal.as_ref().is_some_and(Refusal::is_temporary);
        match refusal {
            _ if is_transient => Ok(Answer::Trouble(Trouble::Failed(status, asked))),
            Some(refusal) => {
                let sent: Vec<&str> = secrets.iter().map(SecretString::expose_secret).collect();
                let refusal = refusal.without(&sent);
                Err(refusal.into_error(asking.service, asking.url.clone(), status))
            }
            None => Err(asking.failed(status, "the answer is not that of a token service")),
        }
    }

    /// Waits before the next attempt; an error when there is none.
    async fn wait(&self, asking: &mut Asking, trouble: Trouble) -> Result<(), TokenError> {
        let asked = trouble.asked();
        if self.is_final(asking, &trouble) {
            return Err(asking.exhausted(trouble));
        }
        let delay = asking.schedule.next_delay(asked);
        warn!(
            url = asking.url,
            http.status = trouble.status().map(|status| status.as_u16()),
            cause = trouble.cause(),
            retry.attempt = asking.attempts,
            retry.delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "asking the token service again",
        );
        self.sleep(delay, &asking.url).await
    }

    fn is_final(&self, asking: &Asking, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Failed(StatusCode::GONE, _) => asking.started.elapsed() > GONE,
            Trouble::Lost(error) => {
                let was_answered = self.was_answered.load(Ordering::Relaxed);
                let is_absent = asking.service == TokenService::ManagedIdentity
                    && !was_answered
                    && asking.attempts >= FIRST_CONTACTS;
                is_absent
                    || is_hopeless(error, asking.attempts, was_answered)
                    || asking.attempts >= self.config.max_attempts
            }
            _ => asking.attempts >= self.config.max_attempts,
        }
    }

    /// Sleeps, unless the deadline comes first, or the pause is longer than any that is waited for.
    ///
    /// # Errors
    /// [`TokenError::Deadline`] at once, naming `url`.
    pub(super) async fn sleep(&self, delay: Duration, url: &str) -> Result<(), TokenError> {
        let is_past = |deadline| Instant::now() + delay > deadline;
        if delay > LONGEST_PAUSE || self.deadline.is_some_and(is_past) {
            return Err(TokenError::Deadline {
                url: url.to_owned(),
            });
        }
        sleep(delay).await;
        Ok(())
    }
}

enum Answer<T> {
    Good(T),
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

    /// How long the service asks to wait.
    fn asked(&self) -> Option<Duration> {
        match self {
            Self::Failed(_, asked) => *asked,
            Self::Lost(_) | Self::Unreadable(_) => None,
        }
    }
}

/// One token request and its attempts so far.
struct Asking {
    service: TokenService,
    url: String,
    started: Instant,
    attempts: u32,
    schedule: Schedule,
}

impl Asking {
    fn failed(&self, status: StatusCode, problem: &'static str) -> TokenError {
        TokenError::Answer {
            service: self.service,
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
                service: self.service,
                url: self.url.clone(),
                attempts: self.attempts,
                elapsed: self.started.elapsed(),
                source: error.into(),
            },
        }
    }
}
