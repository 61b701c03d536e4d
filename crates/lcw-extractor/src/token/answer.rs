//! What token services answer.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::{AccessToken, TokenError, TokenService};
use crate::text::{first_line, presentable, without};

/// A token as every kind of token service gives it.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    expires_on: Option<Number>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// A number, or a text that holds one: managed identities and the older token endpoints.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Plain(f64),
    Text(String),
}

impl Number {
    pub(super) fn value(&self) -> Option<f64> {
        match self {
            Self::Plain(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// What is left until an instant, in seconds since 1970, by this machine's clock.
pub(super) fn time_until(end: f64) -> Option<Duration> {
    let left = end - Timestamp::now().as_duration().as_secs_f64();
    Duration::try_from_secs_f64(left.max(0.0)).ok()
}

impl TokenAnswer {
    /// The token that gets the next access token without asking anybody.
    pub(super) fn take_refresh_token(&mut self) -> Option<SecretString> {
        self.refresh_token.take().map(SecretString::from)
    }
}

impl From<TokenAnswer> for AccessToken {
    fn from(answer: TokenAnswer) -> Self {
        let value = |number: Option<Number>| number.and_then(|number| number.value());
        let lifetime = value(answer.expires_in)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .or_else(|| value(answer.expires_on).and_then(time_until));
        Self {
            secret: SecretString::from(answer.access_token),
            lifetime,
        }
    }
}

/// A token service that says no: `OAuth2`'s words, or those of App Service.
#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
}

impl Refusal {
    /// Reads the beginning of a body; `None` when it is not that of a token service.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let refusal: Self = serde_json::from_slice(body).ok()?;
        (refusal.error.is_some() || refusal.message.is_some()).then_some(refusal)
    }

    /// Whether the service itself says that another attempt may succeed.
    pub(super) fn is_temporary(&self) -> bool {
        self.error.as_deref() == Some("temporarily_unavailable")
    }

    /// The same without the secrets that were sent.
    pub(super) fn without(self, secrets: &[&str]) -> Self {
        let clean = |text: Option<String>| text.map(|text| without(&text, secrets).into_owned());
        Self {
            error: clean(self.error),
            error_description: clean(self.error_description),
            message: clean(self.message),
            correlation_id: clean(self.correlation_id),
        }
    }

    pub(super) fn into_error(
        self,
        service: TokenService,
        url: String,
        status: StatusCode,
    ) -> TokenError {
        let message = self.error_description.or(self.message);
        TokenError::Refused {
            service,
            url,
            status: status.as_u16(),
            code: presentable(self.error.as_deref().unwrap_or("refused")),
            message: first_line(&message.unwrap_or_default()),
            correlation_id: self.correlation_id.as_deref().map(presentable),
        }
    }
}
