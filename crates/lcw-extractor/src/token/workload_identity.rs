//! `OAuth2` client credentials with a token of another issuer: workload identity federation.

use std::path::{Path, PathBuf};

use futures_util::future::{BoxFuture, FutureExt as _};

use super::application::Application;
use super::{AccessToken, TokenClient, TokenError, TokenService, TokenSource};
use crate::config::ConfigError;

/// Says to Entra that a client assertion is a JWT.
pub(super) const ASSERTION_TYPE: (&str, &str) = (
    "client_assertion_type",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
);
/// Tokens are a few kilobytes; a larger file is another.
const LARGEST_FILE: u64 = 64 << 10;

/// An app registration that trusts the issuer of a token file: a Kubernetes projected volume, a CI
/// system, another cloud.
///
/// The file is read for every token, because its issuer replaces it every now and then.
#[derive(Debug, Clone)]
pub struct WorkloadIdentity {
    application: Application,
    token_file: PathBuf,
}

impl WorkloadIdentity {
    /// `authority` is the origin of the token service, `tenant` an id or a domain name. The file is
    /// not read yet.
    ///
    /// # Errors
    /// [`ConfigError`] when the authority is not https (or loopback), or a part is empty.
    pub fn new(
        authority: &str,
        tenant: &str,
        client_id: &str,
        token_file: impl Into<PathBuf>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            application: Application::new(authority, tenant, client_id)?,
            token_file: token_file.into(),
        })
    }
}

impl TokenSource for WorkloadIdentity {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let proof = || {
                Ok(vec![
                    (ASSERTION_TYPE.0, ASSERTION_TYPE.1.to_owned()),
                    ("client_assertion", read(&self.token_file)?),
                ])
            };
            let answer = client.client_credentials(&self.application, &proof).await;
            answer.map_err(of_federation)
        }
        .boxed()
    }
}

/// The same refusal, told from that of a secret or certificate: something else is to be done.
fn of_federation(mut error: TokenError) -> TokenError {
    if let TokenError::Refused { service, .. } = &mut error {
        *service = TokenService::Federation;
    }
    error
}

/// The token in the file. Nothing of the file's content gets into an error.
fn read(path: &Path) -> Result<String, TokenError> {
    let refuse = |problem: &str, remedy: &str| TokenError::Source {
        problem: format!("the federated token file {} {problem}", path.display()),
        remedy: remedy.to_owned(),
    };
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    if size > LARGEST_FILE {
        return Err(refuse("is too large", "name the file that holds the token"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        refuse(
            &format!("cannot be read: {error}"),
            "check the path and that this user may read it",
        )
    })?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let remedy = "its issuer has to write one JSON web token into it";
        return Err(refuse("does not hold a token", remedy));
    }
    Ok(token.to_owned())
}
