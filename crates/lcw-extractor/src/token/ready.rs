//! A token that was got elsewhere.

use std::time::Duration;

use futures_util::future::{self, BoxFuture, FutureExt as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{AccessToken, TokenClient, TokenError, TokenSource, jwt};
use crate::config::ConfigError;

/// A ready bearer token (`LCW_ACCESS_TOKEN`). It cannot be renewed.
#[derive(Debug, Clone)]
pub struct ReadyToken {
    secret: SecretString,
}

impl ReadyToken {
    /// Takes a token; white space around it, and the word `Bearer`, are dropped.
    ///
    /// # Errors
    /// [`ConfigError::Credential`] when it is empty or holds what no header may hold.
    pub fn new(token: &SecretString) -> Result<Self, ConfigError> {
        let text = token.expose_secret().trim();
        let text = match text.split_once(char::is_whitespace) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        };
        if text.is_empty() {
            return Err(ConfigError::Credential {
                problem: "the access token is empty",
            });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem =
                "the access token holds a line break or another character that no token has";
            return Err(ConfigError::Credential { problem });
        }
        Ok(Self {
            secret: SecretString::from(text),
        })
    }
}

impl TokenSource for ReadyToken {
    fn fetch<'a>(&'a self, _: &'a TokenClient) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        let lifetime = lifetime(self.secret.expose_secret(), Timestamp::now());
        let token = match lifetime {
            Some(left) if left.is_zero() => Err(TokenError::Expired),
            lifetime => Ok(AccessToken {
                secret: self.secret.clone(),
                lifetime,
            }),
        };
        future::ready(token).boxed()
    }

    fn is_renewable(&self) -> bool {
        false
    }
}

/// What is left of a token's time, by its own `exp`; zero when it has passed.
fn lifetime(token: &str, now: Timestamp) -> Option<Duration> {
    let end = jwt::claims(token)?.exp?;
    let left = end - now.as_duration().as_secs_f64();
    Duration::try_from_secs_f64(left.max(0.0)).ok()
}
