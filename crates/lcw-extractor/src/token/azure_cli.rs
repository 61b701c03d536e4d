//! Tokens of the Azure CLI.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::answer::{Number, time_until};
use super::{AccessToken, TokenClient, TokenError, TokenSource};
use crate::config::ConfigError;
use crate::text::first_line;

const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };
/// The CLI is slow to start, and may have to renew its own token.
const PATIENCE: Duration = Duration::from_mins(1);
const LOG_IN: &str = "run `az login`; a user's token of the CLI carries no LifecycleWorkflows permission, \
    so sign in as a service principal (az login --service-principal), or use another credential";

/// Secrets of this program's own, which are none of the CLI's business: it signs in by what
/// `az login` left.
const OWN_SECRETS: [&str; 4] = [
    "LCW_ACCESS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "LCW_PSEUDONYM_KEY",
];

/// Whoever is signed in to the Azure CLI on this machine.
///
/// Tokens of users carry no `LifecycleWorkflows` scope, so Graph refuses them with 403; a service
/// principal that is signed in works.
#[derive(Debug, Clone)]
pub struct AzureCli {
    program: PathBuf,
    tenant: Option<String>,
    patience: Duration,
}

impl AzureCli {
    /// `tenant` is an id or a domain name; without it the CLI's current one.
    ///
    /// # Errors
    /// [`ConfigError::Credential`] when the tenant holds what no tenant's name has.
    pub fn new(tenant: Option<&str>) -> Result<Self, ConfigError> {
        let tenant = tenant.map(str::trim).filter(|tenant| !tenant.is_empty());
        let is_name = |text: &str| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            !text.starts_with('-') && text.bytes().all(is_part)
        };
        if !tenant.is_none_or(is_name) {
            return Err(ConfigError::Credential {
                problem: "the tenant id is neither a GUID nor a domain name",
            });
        }
        Ok(Self {
            program: PROGRAM.into(),
            tenant: tenant.map(str::to_owned),
            patience: PATIENCE,
        })
    }

    /// The same with another program, and less patience.
    #[cfg(test)]
    pub(crate) fn run_by(mut self, program: impl Into<PathBuf>, patience: Duration) -> Self {
        (self.program, self.patience) = (program.into(), patience);
        self
    }

    /// The command, without a shell in between.
    fn command(&self, scope: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["account", "get-access-token", "--output", "json", "--scope"])
            .arg(scope)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(tenant) = &self.tenant {
            command.args(["--tenant", tenant]);
        }
        for name in OWN_SECRETS {
            command.env_remove(name);
        }
        command
    }
}

impl TokenSource for AzureCli {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let output = self.command(&client.scope()).output();
            match timeout(self.patience, output).await {
                Ok(Ok(output)) => read(&output),
                Ok(Err(error)) => Err(not_run(&error)),
                Err(_) => Err(refuse(
                    format!("`az` did not answer within {} s", self.patience.as_secs()),
                    "run `az account get-access-token` by hand and see what it waits for",
                )),
            }
        }
        .boxed()
    }
}

/// What `az` prints. `expiresOn` is in local time without a zone, and not used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CliToken {
    access_token: String,
    #[serde(default, rename = "expires_on")]
    expires_on: Option<Number>,
}

fn read(output: &Output) -> Result<AccessToken, TokenError> {
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let token: CliToken = serde_json::from_slice(&output.stdout).map_err(|_| {
        refuse(
            "`az` printed something else than a token".to_owned(),
            "update the Azure CLI (az upgrade)",
        )
    })?;
    let end = token.expires_on.and_then(|end| end.value());
    let end = end.ok_or_else(|| {
        refuse(
            "`az` does not say when its token ends".to_owned(),
            "update the Azure CLI to 2.54 or newer (az upgrade)",
        )
    })?;
    Ok(AccessToken {
        secret: SecretString::from(token.access_token),
        lifetime: time_until(end),
    })
}

fn not_run(error: &std::io::Error) -> TokenError {
    if error.kind() == std::io::ErrorKind::NotFound {
        return refuse(
            "there is no `az` on the PATH".to_owned(),
            "install the Azure CLI and run `az login`, or use another credential",
        );
    }
    refuse(
        format!("`az` cannot be run: {error}"),
        "check the installation of the Azure CLI",
    )
}

/// The first line that says what is wrong: warnings may come before it.
fn failed(stderr: &str) -> TokenError {
    let is_reason = |line: &&str| line.starts_with("ERROR") || line.contains("AADSTS");
    let line = stderr.lines().find(is_reason).unwrap_or(stderr);
    refuse(format!("`az` failed: {}", first_line(line)), LOG_IN)
}

fn refuse(problem: String, remedy: &str) -> TokenError {
    TokenError::Source {
        problem,
        remedy: remedy.to_owned(),
    }
}
