//! Why there is no token.

use std::error::Error;
use std::time::Duration;

use super::{TokenService, remedy};
use crate::config::ConfigError;
use crate::error::ErrorKind;

/// Why no token could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token service said no.
    #[error("no token from {url}: {message} ({code}, {status}{})", correlation(correlation_id.as_ref()))]
    Refused {
        /// What kind of service.
        service: TokenService,
        /// Where the token was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The OAuth error, such as `invalid_client`.
        code: String,
        /// The first line of the description, `AADSTS…`.
        message: String,
        /// The token service's name for the request.
        correlation_id: Option<String>,
    },
    /// The token service failed, again and again, or answered something else.
    #[error("no token from {url}: {problem} with {status} [{} in {:.1} s]", counted(*attempts), elapsed.as_secs_f64())]
    Answer {
        /// What kind of service.
        service: TokenService,
        /// Where the token was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        problem: &'static str,
        /// How often it was asked.
        attempts: u32,
        /// From the first attempt to the failure.
        elapsed: Duration,
    },
    /// The token service could not be reached.
    #[error("no token from {url}: got no complete answer [{} in {:.1} s]", counted(*attempts), elapsed.as_secs_f64())]
    Network {
        /// What kind of service.
        service: TokenService,
        /// Where the token was asked for.
        url: String,
        /// How often it was asked.
        attempts: u32,
        /// From the first attempt to the failure.
        elapsed: Duration,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The deadline passed before there was a token, or the service asked for a pause of more than a day.
    #[error("no token from {url} in time")]
    Deadline {
        /// Where the token was asked for.
        url: String,
    },
    /// The ready token has ended, and cannot be renewed.
    #[error("the ready access token has expired")]
    Expired,
    /// The token is for another service, or for Graph in another cloud. It was not sent anywhere.
    #[error("the access token is for {audience}, but would go to {graph}")]
    Audience {
        /// Whom the token says it is for.
        audience: String,
        /// The configured Graph.
        graph: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// The source cannot be used as configured.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another source failed.
    #[error("no token: {problem}")]
    Source {
        /// What happened.
        problem: String,
        /// What the user can do about it.
        remedy: String,
    },
}

fn counted(attempts: u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        more => format!("{more} attempts"),
    }
}

fn correlation(id: Option<&String>) -> String {
    id.map(|id| format!(", correlation id {id}"))
        .unwrap_or_default()
}

impl TokenError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Answer { status: 500.., .. } => ErrorKind::Service,
            Self::Answer { status: 429, .. } => ErrorKind::Throttled,
            Self::Refused { .. }
            | Self::Answer { .. }
            | Self::Expired
            | Self::Audience { .. }
            | Self::Source { .. } => ErrorKind::Credentials,
            Self::Network { .. } => ErrorKind::Network,
            Self::Deadline { .. } => ErrorKind::Deadline,
            Self::Config(_) => ErrorKind::Config,
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        if let Self::Refused { code, .. } = self {
            Some(code)
        } else {
            None
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        if let Self::Refused { correlation_id, .. } = self {
            correlation_id.as_deref()
        } else {
            None
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Refused {
                service,
                status,
                code,
                message,
                ..
            } => remedy::of_refusal(*service, *status, code, message),
            Self::Answer {
                service, status, ..
            } => remedy::of_answer(*service, *status),
            Self::Network {
                service, source, ..
            } => remedy::of_network(*service, source.as_ref()),
            Self::Deadline { .. } => "allow a later deadline, or try again later",
            Self::Expired => {
                "a ready token cannot be renewed: get a new one and put it into LCW_ACCESS_TOKEN, or use a client secret"
            }
            Self::Config(_) => "correct the setting",
            Self::Audience { remedy, .. } | Self::Source { remedy, .. } => remedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_is_singular() {
        let failed = |attempts| {
            let error = TokenError::Answer {
                service: TokenService::Login,
                url: "https://login.example".to_owned(),
                status: 500,
                problem: "failed",
                attempts,
                elapsed: Duration::from_secs(1),
            };
            error.to_string()
        };
        assert!(failed(1).ends_with("[1 attempt in 1.0 s]"));
        assert!(failed(2).ends_with("[2 attempts in 1.0 s]"));
    }
}
