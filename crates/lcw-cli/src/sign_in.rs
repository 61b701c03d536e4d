//! Finds the credential. Secrets come from the environment or a file, never from the command line.

pub(crate) mod files;
mod prompt;

use std::path::Path;

use lcw_extractor::{
    AzureCli, ClientCertificate, ClientSecret, ConfigError, Credential, DeviceCode, DevicePrompt,
    ExtractError, ManagedIdentity, ReadyToken, SecretString, WorkloadIdentity,
};
use lcw_pipeline::PipelineError;

use crate::choice::{Auth, Choice};
use crate::failure::Failure;
use crate::settings::{SignIn, env};
pub(crate) use prompt::prompt;

const HOW: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or \
    client_secret_file in the pipeline file), a certificate or a federated token file instead of the \
    secret, or LCW_ACCESS_TOKEN; name managed-identity, azure-cli or device-code with --auth; \
    `lcw demo` needs none of them";

const TENANT: &str = "the tenant (AZURE_TENANT_ID)";
const CLIENT_ID: &str = "the client id (AZURE_CLIENT_ID)";

impl SignIn {
    /// The credential that is asked for, or the first that is there. `show` tells a person how to sign
    /// in, who is asked to allow `permissions`: the token of anything else carries what was granted.
    pub(crate) fn credential(
        &self,
        permissions: &[&str],
        show: impl Fn(&DevicePrompt) + Send + Sync + 'static,
    ) -> Result<Credential, Failure> {
        match self.auth {
            Auth::Auto => self.found(),
            Auth::Token => Self::token(),
            Auth::Secret => self.client_secret(),
            Auth::Certificate => self.certificate(),
            Auth::Federated => self.federated(),
            Auth::ManagedIdentity => self.managed_identity(),
            Auth::AzureCli => Ok(AzureCli::new(self.tenant.as_deref())
                .map_err(refused)?
                .into()),
            Auth::DeviceCode => self.device_code(permissions, show),
        }
    }

    /// The first that is there, in the order that the README promises. Nothing on this machine or
    /// around it is asked unless it is named.
    fn found(&self) -> Result<Credential, Failure> {
        let is_secret = env("AZURE_CLIENT_SECRET").is_some() || self.client_secret_file.is_some();
        if env("LCW_ACCESS_TOKEN").is_some() {
            Self::token()
        } else if is_secret {
            self.client_secret()
        } else if self.certificate_path.is_some() {
            self.certificate()
        } else if self.federated_token_file.is_some() {
            self.federated()
        } else {
            self.client_secret()
        }
    }

    fn token() -> Result<Credential, Failure> {
        let token = env("LCW_ACCESS_TOKEN").map(SecretString::from);
        let token = token.ok_or_else(|| {
            Failure::credentials("auth is `token`, but LCW_ACCESS_TOKEN is not set", HOW)
        })?;
        Ok(ReadyToken::new(&token).map_err(no_token)?.into())
    }

    fn client_secret(&self) -> Result<Credential, Failure> {
        let secret = match (env("AZURE_CLIENT_SECRET"), &self.client_secret_file) {
            (Some(secret), _) => Some(secret.into()),
            (None, Some(path)) => Some(files::secret("client_secret_file", path)?),
            (None, None) => None,
        };
        let name = "the client secret (AZURE_CLIENT_SECRET)";
        let (tenant, client_id, secret) = self.complete(secret, name)?;
        let credential = ClientSecret::new(&self.authority_url, tenant, client_id, secret);
        Ok(credential.map_err(refused)?.into())
    }

    fn certificate(&self) -> Result<Credential, Failure> {
        let name = "the certificate (AZURE_CLIENT_CERTIFICATE_PATH)";
        let path = self.certificate_path.as_deref();
        let (tenant, client_id, path) = self.complete(path, name)?;
        let file = files::bytes("certificate_path", path)?;
        let password = self.certificate_password()?;
        let credential = ClientCertificate::new(
            &self.authority_url,
            tenant,
            client_id,
            &file,
            password.as_ref(),
        );
        let credential = credential.map_err(|error| unusable(path, error))?;
        Ok(credential.signed_with(self.certificate_algorithm).into())
    }

    fn certificate_password(&self) -> Result<Option<SecretString>, Failure> {
        if let Some(password) = env("AZURE_CLIENT_CERTIFICATE_PASSWORD") {
            return Ok(Some(password.into()));
        }
        let path = self.certificate_password_file.as_ref();
        path.map(|path| files::secret("certificate_password_file", path))
            .transpose()
    }

    fn federated(&self) -> Result<Credential, Failure> {
        let name = "the federated token file (AZURE_FEDERATED_TOKEN_FILE)";
        let path = self.federated_token_file.as_deref();
        let (tenant, client_id, path) = self.complete(path, name)?;
        let path = files::find(path);
        let credential = WorkloadIdentity::new(&self.authority_url, tenant, client_id, path);
        Ok(credential.map_err(refused)?.into())
    }

    /// Apps are told where to ask by their environment; machines ask at an address that is always the
    /// same. Either is used only when a managed identity is named.
    fn managed_identity(&self) -> Result<Credential, Failure> {
        let client_id = self.client_id.as_deref();
        let identity = match (env("IDENTITY_ENDPOINT"), env("IDENTITY_HEADER")) {
            (Some(endpoint), Some(header)) => {
                ManagedIdentity::app_service(&endpoint, &header.into(), client_id)
            }
            (Some(_), None) => {
                return Err(Failure::credentials(
                    "IDENTITY_ENDPOINT is set without IDENTITY_HEADER, as Azure Arc does, which is not \
                     supported",
                    "use a certificate or a federated token on this machine",
                ));
            }
            (None, _) => match env("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
                Some(origin) => ManagedIdentity::imds_at(&origin, client_id),
                None => ManagedIdentity::imds(client_id),
            },
        };
        Ok(identity.map_err(refused)?.into())
    }

    fn device_code(
        &self,
        permissions: &[&str],
        show: impl Fn(&DevicePrompt) + Send + Sync + 'static,
    ) -> Result<Credential, Failure> {
        let (tenant, client_id, ()) = self.complete(Some(()), "")?;
        let credential = DeviceCode::new(&self.authority_url, tenant, client_id, show);
        let credential = credential.map_err(refused)?;
        Ok(credential.asking_for(permissions).into())
    }

    /// Tenant, client id and what proves the identity; a failure that names all that is missing.
    fn complete<T>(&self, proof: Option<T>, name: &str) -> Result<(&str, &str, T), Failure> {
        let missing: Vec<&str> = [
            (self.tenant.is_none(), TENANT),
            (self.client_id.is_none(), CLIENT_ID),
            (proof.is_none(), name),
        ]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
        match (&self.tenant, &self.client_id, proof) {
            (Some(tenant), Some(client_id), Some(proof)) => Ok((tenant, client_id, proof)),
            _ => Err(Failure::credentials(
                format!(
                    "no credentials (auth = \"{}\"): missing {}",
                    self.auth.name(),
                    missing.join(", ")
                ),
                HOW,
            )),
        }
    }
}

/// A file that was read but holds no usable certificate, by its path.
fn unusable(path: &Path, error: ConfigError) -> Failure {
    match error {
        ConfigError::Certificate(error) => Failure::credentials(
            format!(
                "certificate_path {} cannot be used: {error}",
                path.display()
            ),
            error.remedy(),
        ),
        error => refused(error),
    }
}

/// A variable that is set, but to no token.
fn no_token(error: ConfigError) -> Failure {
    match error {
        ConfigError::Credential { problem } => Failure::credentials(
            format!("LCW_ACCESS_TOKEN cannot be used: {problem}"),
            "put the bare token into it: one line, without quotes or anything else around it",
        ),
        error => refused(error),
    }
}

fn refused(error: ConfigError) -> Failure {
    Failure::from(&PipelineError::from(ExtractError::from(error)))
}
