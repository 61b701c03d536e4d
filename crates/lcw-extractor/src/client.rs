//! The client: one service, one credential, any number of workers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use reqwest::Client;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use crate::body::BodyBuffer;
use crate::config::{ClientConfig, ConfigError};
use crate::decode::PageDecoder;
use crate::error::ExtractError;
use crate::http::Agents;
use crate::limiter::RateGate;
use crate::origin::Origin;
use crate::pages;
use crate::path::{CollectionRequest, GraphPath};
use crate::probe::{self, Probe};
use crate::request::{Stop, Target};
use crate::service_clock::ServiceClock;
use crate::stats::{Counters, RequestStats};
use crate::token::{Credential, TokenCache, TokenClaims, TokenClient, jwt_tenant};

/// Reads Microsoft Graph. Clones are cheap and share everything: connections,
/// token, rate, pause, counters.
#[derive(Debug, Clone)]
pub struct GraphClient {
    pub(crate) shared: Arc<Shared>,
}

/// What the clones of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) origin: Origin,
    pub(crate) http: Client,
    pub(crate) tokens: TokenCache,
    pub(crate) gate: RateGate,
    pub(crate) counters: Counters,
    pub(crate) clock: ServiceClock,
    pub(crate) deadline: Option<Instant>,
}

impl GraphClient {
    /// Makes a client. Sends nothing; the deadline counts from here. Needs a tokio runtime
    /// only once it is used.
    ///
    /// # Errors
    /// [`ExtractError::Config`] when a URL is neither https nor loopback, a number is out of
    /// range, the file of certificate authorities cannot be read, or TLS cannot be set up.
    pub fn new(
        config: ClientConfig,
        credential: impl Into<Credential>,
    ) -> Result<Self, ExtractError> {
        config.check()?;
        let origin = Origin::parse(&config.graph_url).map_err(|problem| ConfigError::Url {
            what: "Graph",
            problem,
        })?;
        let agents = Arc::new(Agents::new(config.clone()));
        let http = agents.for_origin(&origin)?;
        let config = Arc::new(config);
        let deadline = config
            .deadline
            .and_then(|limit| Instant::now().checked_add(limit));
        let token_client = TokenClient::new(agents, origin.clone(), Arc::clone(&config), deadline);
        let tokens = TokenCache::new(credential.into().into_source(), token_client);
        let gate = RateGate::new(config.requests_per_second);
        let (counters, clock) = (Counters::default(), ServiceClock::default());
        let shared = Shared {
            config,
            origin,
            http,
            tokens,
            gate,
            counters,
            clock,
            deadline,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The tenant's id, in lower case: the `tid` claim of the token, read without verifying it.
    /// `None` when the token is opaque or names no tenant.
    ///
    /// # Errors
    /// [`ExtractError::Token`] when there is no token to be had.
    pub async fn tenant_id(&self) -> Result<Option<String>, ExtractError> {
        let token = self
            .shared
            .tokens
            .get()
            .await
            .map_err(ExtractError::Token)?;
        Ok(jwt_tenant(token.secret().expose_secret()))
    }

    /// What the token says about itself, read without verifying it. `None` when it is opaque.
    ///
    /// # Errors
    /// [`ExtractError::Token`] when there is no token to be had.
    pub async fn claims(&self) -> Result<Option<TokenClaims>, ExtractError> {
        let token = self
            .shared
            .tokens
            .get()
            .await
            .map_err(ExtractError::Token)?;
        Ok(TokenClaims::read(token.secret().expose_secret()))
    }

    /// Whether a token with these claims is for this Graph, or does not say for whom it is.
    pub fn is_for_this_graph(&self, claims: &TokenClaims) -> bool {
        claims.fits(&self.shared.origin)
    }

    /// Asks for the first page of a collection, only to see what comes of it.
    pub async fn probe(&self, request: &CollectionRequest) -> Probe {
        probe::ask(&self.shared, request).await
    }

    /// The pages of a collection, one after the other, each as its decoder made it.
    ///
    /// The stream ends where the service says that the collection ends, or with an
    /// error, after which there is nothing more. Pages may be empty. The same row may
    /// come twice: by drift between pages, or because the collection had to start
    /// again (see [`PageDecoder::restarted`]).
    pub fn pages<'a, D: PageDecoder>(
        &'a self,
        request: CollectionRequest,
        decoder: &'a mut D,
    ) -> impl Stream<Item = Result<D::Output, ExtractError>> + 'a {
        pages::stream(&self.shared, request, decoder)
    }

    /// One entity, as its decoder made it.
    ///
    /// # Errors
    /// [`ExtractError`]; its kind is `NotFound` when there is no such entity.
    pub async fn entity<D: PageDecoder>(
        &self,
        path: GraphPath,
        decoder: &mut D,
    ) -> Result<D::Output, ExtractError> {
        let request = CollectionRequest::new(path);
        let target = Target::first(&self.shared, &request)?;
        let mut buffer = BodyBuffer::default();
        let (page, _) = self
            .shared
            .get(&target, &mut buffer, decoder)
            .await
            .map_err(Stop::into_error)?;
        Ok(page.output)
    }

    /// What was sent so far.
    pub fn stats(&self) -> RequestStats {
        self.shared.counters.snapshot()
    }

    /// How long the pause that the service asked for still lasts; `None` outside of one.
    pub fn paused_for(&self) -> Option<Duration> {
        self.shared.gate.paused_for()
    }

    /// The rate at which requests may be sent at present, in requests a second.
    pub fn rate(&self) -> f64 {
        self.shared.gate.rate()
    }

    /// The service's own time: the last `Date` header plus the time since. `None` before
    /// the first answer. At most about a second behind.
    pub fn service_now(&self) -> Option<jiff::Timestamp> {
        self.shared.clock.now()
    }
}
