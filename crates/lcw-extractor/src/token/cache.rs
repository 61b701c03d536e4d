//! One token for all workers, and one refresh at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{AccessToken, TokenClient, TokenError, TokenSource, audience};

/// A token is renewed this long before it ends, or after four fifths of a short life.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
/// A life of nothing would mean a fetch per request.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// No token lives longer, whatever its source says.
const LONGEST_LIFE: Duration = Duration::from_hours(30 * 24);
/// After a failed renewal of a token that is still good, the next attempt waits this long.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

/// A token in use.
#[derive(Debug)]
pub(crate) struct Token {
    secret: SecretString,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
    /// Graph refused it.
    is_refused: AtomicBool,
    /// Graph accepted it at least once: a refusal then means that it ended.
    is_proven: AtomicBool,
}

impl Token {
    pub(crate) fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Whether it is good for another request, as far as is known here.
    pub(crate) fn is_usable(&self) -> bool {
        !self.is_refused.load(Ordering::Acquire)
            && self.ends_at.is_none_or(|ends_at| Instant::now() < ends_at)
    }

    fn is_fresh(&self) -> bool {
        self.is_usable()
            && self
                .renew_at
                .is_none_or(|renew_at| Instant::now() < renew_at)
    }

    /// Graph accepted it.
    pub(crate) fn prove(&self) {
        self.is_proven.store(true, Ordering::Release);
    }

    /// Graph refused it: the next worker to need one gets another. Says whether
    /// it had been good before, so that its end and not its kind is the reason.
    pub(crate) fn refuse(&self) -> bool {
        self.is_refused.store(true, Ordering::Release);
        self.is_proven.load(Ordering::Acquire)
    }
}

/// The token of one client, shared by all its clones.
#[derive(Debug)]
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    client: TokenClient,
    current: Mutex<Option<Arc<Token>>>,
    /// Held while a token is fetched. Keeps the last failure and when it came,
    /// so that all who waited for that fetch share its outcome.
    fetching: tokio::sync::Mutex<Option<(Instant, Arc<TokenError>)>>,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>, client: TokenClient) -> Self {
        Self {
            source,
            client,
            current: Mutex::new(None),
            fetching: tokio::sync::Mutex::new(None),
        }
    }

    /// Whether a refused token can be replaced by another.
    pub(crate) fn is_renewable(&self) -> bool {
        self.source.is_renewable()
    }

    /// A token that is good for a while.
    pub(crate) async fn get(&self) -> Result<Arc<Token>, Arc<TokenError>> {
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let asked_at = Instant::now();
        let mut failure = self.fetching.lock().await;
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        if let Some((failed_at, error)) = failure.as_ref()
            && *failed_at >= asked_at
        {
            return self.still_usable().ok_or_else(|| Arc::clone(error));
        }
        match self.fetch().await {
            Ok(token) => {
                debug!(
                    lifetime_s = token.lifetime.map(|life| life.as_secs()),
                    "got a token"
                );
                *failure = None;
                Ok(self.store(Token::from(token)))
            }
            Err(error) => {
                let error = Arc::new(error);
                *failure = Some((Instant::now(), Arc::clone(&error)));
                self.put_off_renewal(&error).ok_or(error)
            }
        }
    }

    /// Gets a token that may go to the configured Graph.
    async fn fetch(&self) -> Result<AccessToken, TokenError> {
        let token = self.source.fetch(&self.client).await?;
        audience::check(token.secret.expose_secret(), self.client.graph())?;
        Ok(token)
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        self.current().filter(|token| token.is_fresh())
    }

    fn still_usable(&self) -> Option<Arc<Token>> {
        self.current().filter(|token| token.is_usable())
    }

    /// Goes on with a token whose renewal failed while it is still good.
    fn put_off_renewal(&self, error: &TokenError) -> Option<Arc<Token>> {
        let token = self.still_usable()?;
        warn!(error = %error, "the token could not be renewed yet; going on with the old one");
        let renew_at = Some(Instant::now() + RENEW_AGAIN);
        let is_proven = token.is_proven.load(Ordering::Acquire);
        Some(self.store(Token {
            secret: token.secret.clone(),
            renew_at,
            ends_at: token.ends_at,
            is_refused: AtomicBool::new(false),
            is_proven: AtomicBool::new(is_proven),
        }))
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn store(&self, token: Token) -> Arc<Token> {
        let token = Arc::new(token);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::clone(&token));
        token
    }
}

impl From<AccessToken> for Token {
    fn from(token: AccessToken) -> Self {
        let now = Instant::now();
        let lifetime = token
            .lifetime
            .map(|life| life.clamp(SHORTEST_LIFE, LONGEST_LIFE));
        let renew_after = |life: Duration| life.saturating_sub(RENEW_BEFORE.min(life / 5));
        Self {
            secret: token.secret,
            renew_at: lifetime.map(|life| now + renew_after(life)),
            ends_at: lifetime.map(|life| now + life),
            is_refused: AtomicBool::new(false),
            is_proven: AtomicBool::new(false),
        }
    }
}
