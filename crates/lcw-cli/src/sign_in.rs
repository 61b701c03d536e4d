//! Finds the credential: a ready token, else a client secret. Secrets come from the environment
//! or a file, never from the command line.

use std::path::{Path, PathBuf};

use lcw_extractor::{
    ClientSecret, ConfigError, Credential, ExtractError, ReadyToken, SecretString,
};
use lcw_pipeline::PipelineError;

use crate::choice::Auth;
use crate::failure::Failure;
use crate::settings::{SignIn, env};

const HOW: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or \
    client_secret_file in the pipeline file), or LCW_ACCESS_TOKEN; `lcw demo` needs none of them";

impl SignIn {
    pub(crate) fn credential(&self) -> Result<Credential, Failure> {
        let token = env("LCW_ACCESS_TOKEN").map(SecretString::from);
        match (self.auth, token) {
            (Auth::Auto | Auth::Token, Some(token)) => {
                Ok(ReadyToken::new(&token).map_err(refused)?.into())
            }
            (Auth::Token, None) => Err(Failure::credentials(
                "auth is `token`, but LCW_ACCESS_TOKEN is not set",
                HOW,
            )),
            (Auth::Auto | Auth::Secret, _) => self.client_secret(),
        }
    }

    fn client_secret(&self) -> Result<Credential, Failure> {
        let secret = self.secret()?;
        let missing: Vec<&str> = [
            (self.tenant.is_none(), "the tenant (AZURE_TENANT_ID)"),
            (self.client_id.is_none(), "the client id (AZURE_CLIENT_ID)"),
            (secret.is_none(), "the client secret (AZURE_CLIENT_SECRET)"),
        ]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
        match (&self.tenant, &self.client_id, secret) {
            (Some(tenant), Some(client_id), Some(secret)) => {
                let credential = ClientSecret::new(&self.authority_url, tenant, client_id, secret);
                Ok(credential.map_err(refused)?.into())
            }
            _ => Err(Failure::credentials(
                format!("no credentials: missing {}", missing.join(", ")),
                HOW,
            )),
        }
    }

    fn secret(&self) -> Result<Option<SecretString>, Failure> {
        if let Some(secret) = env("AZURE_CLIENT_SECRET") {
            return Ok(Some(secret.into()));
        }
        let Some(path) = &self.client_secret_file else {
            return Ok(None);
        };
        let path = in_credentials_directory(path);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::credentials(
                format!("cannot read client_secret_file {}: {error}", path.display()),
                "check the path and that this user may read it",
            )
        })?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            let message = format!("client_secret_file {} is empty", path.display());
            return Err(Failure::credentials(
                message,
                "write the client secret into it",
            ));
        }
        Ok(Some(secret.into()))
    }
}

fn refused(error: ConfigError) -> Failure {
    Failure::from(&PipelineError::from(ExtractError::from(error)))
}

/// systemd hands a unit its secrets in a folder of their own.
fn in_credentials_directory(path: &Path) -> PathBuf {
    env("CREDENTIALS_DIRECTORY")
        .map(|folder| Path::new(&folder).join(path))
        .filter(|candidate| path.is_relative() && candidate.exists())
        .unwrap_or_else(|| path.to_owned())
}
