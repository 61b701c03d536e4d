//! Access tokens: where they come from, and one for all workers.

mod answer;
mod application;
mod audience;
mod azure_cli;
mod cache;
mod certificate;
mod claims;
mod client;
mod client_secret;
mod device_code;
mod error;
mod jwt;
mod managed_identity;
mod ready;
mod remedy;
mod workload_identity;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

pub use azure_cli::AzureCli;
pub(crate) use cache::{Token, TokenCache};
pub use certificate::{AssertionAlgorithm, CertificateError, ClientCertificate};
pub use claims::TokenClaims;
pub use client::{TokenClient, TokenService};
pub use client_secret::ClientSecret;
pub use device_code::{DeviceCode, DevicePrompt};
pub use error::TokenError;
pub use managed_identity::ManagedIdentity;
pub use ready::ReadyToken;
pub use workload_identity::WorkloadIdentity;

/// A bearer token as its source gave it.
///
/// It cannot be printed: there is no `Display`, and `Debug` shows no token.
///
/// ```
/// use lcw_extractor::{AccessToken, SecretString};
/// let token = AccessToken { secret: SecretString::from("eyJ..."), lifetime: None };
/// assert!(!format!("{token:?}").contains("eyJ"));
/// ```
/// ```compile_fail
/// use lcw_extractor::{AccessToken, SecretString};
/// let token = AccessToken { secret: SecretString::from("eyJ..."), lifetime: None };
/// println!("{token}");
/// ```
/// ```compile_fail
/// use lcw_extractor::SecretString;
/// println!("{}", SecretString::from("a client secret"));
/// ```
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// How long it is good, from now; `None` when the source does not say.
    pub lifetime: Option<Duration>,
}

/// A way to get access tokens for Graph.
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// Gets a token. Called by one worker at a time, for all of them.
    ///
    /// `client` says what the token is for, and sends the requests of the sources of this crate.
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>>;

    /// Whether another call can bring another token. A source that cannot renew
    /// is not asked again when Graph refuses its token.
    fn is_renewable(&self) -> bool {
        true
    }
}

/// Who the client is to Graph: any [`TokenSource`].
#[derive(Clone, Debug)]
pub struct Credential {
    source: Arc<dyn TokenSource>,
}

impl Credential {
    /// A credential of any source.
    pub fn new(source: impl TokenSource + 'static) -> Self {
        Self {
            source: Arc::new(source),
        }
    }

    pub(crate) fn into_source(self) -> Arc<dyn TokenSource> {
        self.source
    }
}

impl<S: TokenSource + 'static> From<S> for Credential {
    fn from(source: S) -> Self {
        Self::new(source)
    }
}

/// The tenant that a token says it is for, in lower case; read without verifying it.
pub(crate) fn jwt_tenant(token: &str) -> Option<String> {
    let tenant = jwt::claims(token)?.tid?.to_ascii_lowercase();
    Some(tenant).filter(|tenant| !tenant.is_empty())
}
