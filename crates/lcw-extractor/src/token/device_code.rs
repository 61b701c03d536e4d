//! A person signs in with a code on another device.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use tracing::{debug, info};

use super::answer::{Number, TokenAnswer};
use super::application::Application;
use super::{AccessToken, TokenClient, TokenError, TokenSource};
use crate::config::ConfigError;
use crate::origin::Origin;
use crate::text::presentable;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What a signed-in user has to allow unless the caller says otherwise: the least that reads
/// workflows and their history.
const PERMISSIONS: [&str; 2] = [
    "LifecycleWorkflows-Workflow.ReadBasic.All",
    "LifecycleWorkflows-Reports.Read.All",
];
/// How often the service wants to be asked when it does not say (RFC 8628, section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// What is added each time the service says that this is too often (section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// How long a code is good when the service does not say.
const LIFETIME: Duration = Duration::from_mins(15);

/// What a person has to do to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// Where to go.
    pub verification_uri: String,
    /// What to type there.
    pub user_code: String,
    /// How long the code is good, from now.
    pub expires_in: Duration,
}

/// Shows a [`DevicePrompt`] to the person in front.
type Show = Arc<dyn Fn(&DevicePrompt) + Send + Sync>;

/// A signed-in user, by the `OAuth2` device authorization grant (RFC 8628).
///
/// The token carries delegated permissions: the user also needs an Entra role, Global Reader or
/// Lifecycle Workflows Administrator. The app registration must allow public client flows. The
/// refresh token stays in memory, so every export of another process asks again.
#[derive(Clone)]
pub struct DeviceCode {
    application: Application,
    permissions: Vec<String>,
    show: Show,
    refresh_token: Arc<Mutex<Option<SecretString>>>,
}

impl DeviceCode {
    /// `show` is called with what the person has to do, for every sign-in.
    ///
    /// # Errors
    /// [`ConfigError`] when the authority is not https (or loopback), or an id is empty.
    pub fn new(
        authority: &str,
        tenant: &str,
        client_id: &str,
        show: impl Fn(&DevicePrompt) + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            application: Application::new(authority, tenant, client_id)?,
            permissions: PERMISSIONS.map(str::to_owned).to_vec(),
            show: Arc::new(show),
            refresh_token: Arc::default(),
        })
    }

    /// The same, for a user who is asked to allow these permissions instead of the least that reads
    /// workflows and their history.
    #[must_use]
    pub fn asking_for(mut self, permissions: &[&str]) -> Self {
        self.permissions = permissions.iter().map(ToString::to_string).collect();
        self
    }

    /// Delegated permissions, and that the sign-in outlives its first token.
    fn scope(&self, graph: &Origin) -> String {
        let permissions = self.permissions.iter();
        let scopes: Vec<String> = permissions.map(|name| format!("{graph}/{name}")).collect();
        format!("{} offline_access", scopes.join(" "))
    }

    /// Gets a token without asking anybody; `None` when somebody has to be asked.
    async fn refresh(&self, client: &TokenClient) -> Result<Option<AccessToken>, TokenError> {
        let Some(refresh_token) = self.held() else {
            return Ok(None);
        };
        let form = || {
            Ok(vec![
                ("client_id", self.application.client_id().to_owned()),
                ("scope", self.scope(client.graph())),
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", refresh_token.expose_secret().to_owned()),
            ])
        };
        let url = self.application.token_url();
        match client.post(&self.application, &url, &form).await {
            Ok(answer) => Ok(Some(self.keep(answer))),
            Err(TokenError::Refused { code, .. }) => {
                debug!(code, "the refresh token is no longer good");
                *self.lock() = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks somebody to sign in, and waits until that is done.
    async fn sign_in(&self, client: &TokenClient) -> Result<AccessToken, TokenError> {
        let form = || {
            Ok(vec![
                ("client_id", self.application.client_id().to_owned()),
                ("scope", self.scope(client.graph())),
            ])
        };
        let url = self.application.device_code_url();
        let pending: Pending = client.post(&self.application, &url, &form).await?;
        (self.show)(&pending.prompt());
        let token = self.poll(client, &pending).await?;
        info!("signed in");
        Ok(token)
    }

    async fn poll(
        &self,
        client: &TokenClient,
        pending: &Pending,
    ) -> Result<AccessToken, TokenError> {
        let form = || {
            Ok(vec![
                ("client_id", self.application.client_id().to_owned()),
                ("grant_type", GRANT.to_owned()),
                ("device_code", pending.device_code.clone()),
            ])
        };
        let url = self.application.token_url();
        let end = Instant::now() + pending.lifetime();
        let mut interval = pending.interval();
        loop {
            client.sleep(interval, &url).await?;
            let refusal = match client.post(&self.application, &url, &form).await {
                Ok(answer) => return Ok(self.keep(answer)),
                Err(refusal) => refusal,
            };
            match refusal.code() {
                Some("authorization_pending") if Instant::now() < end => {}
                Some("slow_down") if Instant::now() < end => interval += SLOWER,
                _ => return Err(refusal),
            }
        }
    }

    fn keep(&self, mut answer: TokenAnswer) -> AccessToken {
        // An answer without another refresh token leaves the old one good.
        if let Some(token) = answer.take_refresh_token() {
            *self.lock() = Some(token);
        }
        answer.into()
    }

    fn held(&self) -> Option<SecretString> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        self.refresh_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenSource for DeviceCode {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            match self.refresh(client).await? {
                Some(token) => Ok(token),
                None => self.sign_in(client).await,
            }
        }
        .boxed()
    }
}

/// Shows no refresh token.
impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

/// A sign-in that has begun.
#[derive(Deserialize)]
struct Pending {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    interval: Option<Number>,
}

impl Pending {
    fn prompt(&self) -> DevicePrompt {
        DevicePrompt {
            verification_uri: presentable(&self.verification_uri),
            user_code: presentable(&self.user_code),
            expires_in: self.lifetime(),
        }
    }

    fn lifetime(&self) -> Duration {
        seconds(self.expires_in.as_ref()).unwrap_or(LIFETIME)
    }

    fn interval(&self) -> Duration {
        seconds(self.interval.as_ref()).unwrap_or(INTERVAL)
    }
}

/// A length of time that is one, and not longer than a day.
fn seconds(number: Option<&Number>) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(number?.value()?).ok()?;
    (!duration.is_zero()).then(|| duration.min(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> DeviceCode {
        DeviceCode::new("https://login.example", "tenant", "client", |_| {}).unwrap()
    }

    #[test]
    fn a_person_is_asked_for_what_the_caller_needs() {
        let graph = Origin::parse("https://graph.example").unwrap();
        assert_eq!(
            device().scope(&graph),
            "https://graph.example/LifecycleWorkflows-Workflow.ReadBasic.All \
             https://graph.example/LifecycleWorkflows-Reports.Read.All offline_access"
        );
        let more = device().asking_for(&["LifecycleWorkflows.Read.All", "User.Read.All"]);
        assert_eq!(
            more.scope(&graph),
            "https://graph.example/LifecycleWorkflows.Read.All \
             https://graph.example/User.Read.All offline_access"
        );
    }
}
