//! An app registration in a tenant, and the token service that knows it.

use crate::config::ConfigError;
use crate::origin::Origin;
use crate::path::segment;

/// What all credentials of an app registration have in common.
#[derive(Debug, Clone)]
pub(super) struct Application {
    authority: Origin,
    tenant: String,
    client_id: String,
}

impl Application {
    /// # Errors
    /// [`ConfigError`] when the authority is not https (or loopback), or an id is empty.
    pub(super) fn new(authority: &str, tenant: &str, client_id: &str) -> Result<Self, ConfigError> {
        let authority = Origin::parse(authority).map_err(|problem| ConfigError::Url {
            what: "authority",
            problem,
        })?;
        let (tenant, client_id) = (tenant.trim().to_owned(), client_id.trim().to_owned());
        for (text, problem) in [
            (&tenant, "the tenant id is missing"),
            (&client_id, "the client id is missing"),
        ] {
            if text.is_empty() {
                return Err(ConfigError::Credential { problem });
            }
        }
        Ok(Self {
            authority,
            tenant,
            client_id,
        })
    }

    pub(super) fn authority(&self) -> &Origin {
        &self.authority
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Where tokens are asked for; the audience of client assertions, too.
    pub(super) fn token_url(&self) -> String {
        self.url("token")
    }

    pub(super) fn device_code_url(&self) -> String {
        self.url("devicecode")
    }

    fn url(&self, endpoint: &str) -> String {
        let tenant = segment(&self.tenant);
        format!("{}/{tenant}/oauth2/v2.0/{endpoint}", self.authority)
    }
}
