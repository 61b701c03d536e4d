//! `OAuth2` client credentials with a shared secret.

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::application::Application;
use super::{AccessToken, TokenClient, TokenError, TokenSource};
use crate::config::ConfigError;

/// An app registration's client id and secret.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    application: Application,
    secret: SecretString,
}

impl ClientSecret {
    /// `authority` is the origin of the token service (see
    /// [`Cloud::authority_url`](crate::Cloud::authority_url)), `tenant` an id or a domain name.
    ///
    /// # Errors
    /// [`ConfigError`] when the authority is not https (or loopback), or a part is empty.
    pub fn new(
        authority: &str,
        tenant: &str,
        client_id: &str,
        secret: SecretString,
    ) -> Result<Self, ConfigError> {
        let application = Application::new(authority, tenant, client_id)?;
        if secret.expose_secret().is_empty() {
            return Err(ConfigError::Credential {
                problem: "the client secret is empty",
            });
        }
        Ok(Self {
            application,
            secret,
        })
    }
}

impl TokenSource for ClientSecret {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let proof = || {
                let secret = self.secret.expose_secret().to_owned();
                Ok(vec![("client_secret", secret)])
            };
            client.client_credentials(&self.application, &proof).await
        }
        .boxed()
    }
}
