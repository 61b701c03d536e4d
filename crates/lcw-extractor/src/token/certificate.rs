//! `OAuth2` client credentials with a certificate: a signed assertion instead of a secret.

mod assertion;
mod der;
mod error;
mod identity;
mod pem;
mod pfx;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use secrecy::SecretString;

use super::application::Application;
use super::workload_identity::ASSERTION_TYPE;
use super::{AccessToken, TokenClient, TokenError, TokenSource};
use crate::config::ConfigError;
pub use assertion::AssertionAlgorithm;
pub use error::CertificateError;
use identity::Identity;

/// An app registration's certificate and private key.
///
/// The key never leaves this process: each token is asked for with an assertion that it signs, good
/// for ten minutes and for one request.
#[derive(Clone)]
pub struct ClientCertificate {
    application: Application,
    identity: Arc<Identity>,
    algorithm: AssertionAlgorithm,
}

impl ClientCertificate {
    /// `authority` is the origin of the token service, `tenant` an id or a domain name, `file` the
    /// content of a PEM file with certificate and RSA key in any order (PKCS#8 or PKCS#1, without
    /// password), or of a PFX file. Of a chain, the certificate that belongs to the key is used.
    ///
    /// # Errors
    /// [`ConfigError::Certificate`] when the file cannot be used, another when the authority is not
    /// https (or loopback), or an id is empty.
    pub fn new(
        authority: &str,
        tenant: &str,
        client_id: &str,
        file: &[u8],
        password: Option<&SecretString>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            application: Application::new(authority, tenant, client_id)?,
            identity: Arc::new(Identity::read(file, password)?),
            algorithm: AssertionAlgorithm::default(),
        })
    }

    /// The same with another signature.
    #[must_use]
    pub fn signed_with(mut self, algorithm: AssertionAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }
}

impl TokenSource for ClientCertificate {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let audience = self.application.token_url();
            let client_id = self.application.client_id();
            let proof = || {
                let now = Timestamp::now();
                let assertion =
                    assertion::sign(&self.identity, self.algorithm, &audience, client_id, now)?;
                Ok(vec![
                    (ASSERTION_TYPE.0, ASSERTION_TYPE.1.to_owned()),
                    ("client_assertion", assertion),
                ])
            };
            client.client_credentials(&self.application, &proof).await
        }
        .boxed()
    }
}

/// Shows nothing of the key.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("application", &self.application)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
