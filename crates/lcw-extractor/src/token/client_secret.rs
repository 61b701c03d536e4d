//! `OAuth2` client credentials with a shared secret.

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::{AccessToken, TokenClient, TokenError, TokenSource};
use crate::config::ConfigError;
use crate::origin::Origin;

/// An app registration's client id and secret.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    authority: Origin,
    tenant: String,
    client_id: String,
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
        let authority = Origin::parse(authority).map_err(|problem| ConfigError::Url {
            what: "authority",
            problem,
        })?;
        let (tenant, client_id) = (tenant.trim().to_owned(), client_id.trim().to_owned());
        let missing = [
            (tenant.is_empty(), "the tenant id is missing"),
            (client_id.is_empty(), "the client id is missing"),
            (
                secret.expose_secret().is_empty(),
                "the client secret is empty",
            ),
        ];
        if let Some((_, problem)) = missing.into_iter().find(|(is_missing, _)| *is_missing) {
            return Err(ConfigError::Credential { problem });
        }
        Ok(Self {
            authority,
            tenant,
            client_id,
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
            let scope = client.scope();
            let form = [
                ("client_id", self.client_id.as_str()),
                ("scope", scope.as_str()),
                ("client_secret", self.secret.expose_secret()),
                ("grant_type", "client_credentials"),
            ];
            client.request(&self.authority, &self.tenant, &form).await
        }
        .boxed()
    }
}
