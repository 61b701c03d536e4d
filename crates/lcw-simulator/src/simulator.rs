//! The handle by which a caller starts, asks and steers a simulated tenant.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::config::TenantConfig;
use crate::faults::FaultRule;
use crate::limit::Limit;
use crate::random;
use crate::record::{Endpoint, RequestRecord};
use crate::scripted::ScriptedAnswer;
use crate::server;
use crate::service::Service;
use crate::tenant::Tenant;
use crate::ticks;
use crate::token::Identity;
use crate::truth::{self, Reading, Truth};

/// A tenant on a loopback port, served by tasks of the caller's tokio runtime until this is dropped.
///
/// It works under tokio's paused clock, as long as client and simulator share one current-thread runtime.
#[derive(Debug)]
pub struct Simulator {
    pub(crate) service: Arc<Service>,
    task: AbortHandle,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Simulator {
    /// Starts a tenant on a free port.
    ///
    /// # Errors
    /// When no port of 127.0.0.1 can be bound.
    pub async fn start(config: TenantConfig) -> io::Result<Self> {
        Self::start_on(0, config).await
    }

    /// Starts a tenant on this port; 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, config: TenantConfig) -> io::Result<Self> {
        Self::listen(port, config, None).await
    }

    /// Serves nothing but these bodies, and the token endpoint; every other path is 404.
    ///
    /// # Errors
    /// When no port of 127.0.0.1 can be bound.
    pub async fn scripted(answers: Vec<ScriptedAnswer>) -> io::Result<Self> {
        Self::scripted_on(0, TenantConfig::empty(0), answers).await
    }

    /// The same with a port and a configuration, whose clock, tokens and answers apply.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn scripted_on(
        port: u16,
        config: TenantConfig,
        answers: Vec<ScriptedAnswer>,
    ) -> io::Result<Self> {
        Self::listen(port, config, Some(answers)).await
    }

    async fn listen(
        port: u16,
        config: TenantConfig,
        scripted: Option<Vec<ScriptedAnswer>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let identity = identity(&config, origin);
        let service = Arc::new(Service::new(Tenant::new(config), identity, scripted));
        let task = tokio::spawn(server::serve(listener, Arc::clone(&service))).abort_handle();
        Ok(Self { service, task })
    }

    /// `http://127.0.0.1:PORT`, for Graph and for the token endpoint alike.
    pub fn origin(&self) -> &str {
        &self.service.identity.origin
    }

    /// The tenant's GUID.
    pub fn tenant_id(&self) -> &str {
        &self.service.identity.tenant_id
    }

    /// The application's GUID.
    pub fn client_id(&self) -> &str {
        &self.service.identity.client_id
    }

    /// The application's secret.
    pub fn client_secret(&self) -> &str {
        &self.service.identity.client_secret
    }

    /// What time the service has (its `Date` header may be skewed).
    pub fn now(&self) -> Timestamp {
        ticks::to_timestamp(self.service.clock().now())
    }

    /// Moves the service's clock on.
    pub fn advance(&self, by: Duration) {
        self.service.advance(by);
    }

    /// Sets the service's clock.
    pub fn set_now(&self, now: Timestamp) {
        self.service.clock().set(ticks::from_timestamp(now));
    }

    /// The requests so far, in the order in which they arrived; those of the control surface too.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.records().all()
    }

    /// How many requests of a kind have been answered, whatever with.
    pub fn count(&self, endpoint: Endpoint) -> u64 {
        let counts = self.counts();
        counts
            .iter()
            .filter(|((kind, _), _)| *kind == endpoint)
            .map(|(_, count)| count)
            .sum()
    }

    /// How many requests for resources of Graph have been answered, whatever with.
    pub fn graph_count(&self) -> u64 {
        let counts = self.counts();
        counts
            .iter()
            .filter(|((kind, _), _)| kind.is_graph())
            .map(|(_, count)| count)
            .sum()
    }

    /// How many requests of each kind were answered with each status (0: the connection was reset).
    pub fn counts(&self) -> BTreeMap<(Endpoint, u16), u64> {
        self.service.records().counts()
    }

    /// Requests that arrived inside a pause which an answer had demanded more than `grace` before.
    pub fn requests_inside_pauses(&self, grace: Duration) -> Vec<RequestRecord> {
        let mut records = self.requests();
        records.retain(|record| record.inside_pause.is_some_and(|since| since > grace));
        records
    }

    /// Forgets the requests so far. Rules of faults go on counting.
    pub fn reset_requests(&self) {
        self.service.records().reset();
    }

    /// Adds a rule behind the others.
    pub fn inject(&self, rule: FaultRule) {
        self.service.faults().add(rule);
    }

    /// Removes every rule.
    pub fn clear_faults(&self) {
        self.service.faults().clear();
    }

    /// How often each rule has fired, in the order of injection.
    pub fn fired(&self) -> Vec<u64> {
        let rules = self.service.faults().state().into_iter();
        rules.map(|(_, _, fired)| fired).collect()
    }

    /// How many requests each rule could have hit, in the order of injection: those that it matches, at
    /// the moment when its fault comes in, unless a rule before it has hit them.
    pub fn matched(&self) -> Vec<u64> {
        let rules = self.service.faults().state().into_iter();
        rules.map(|(_, matched, _)| matched).collect()
    }

    /// Runs `action` just before the `nth` request of a kind, counted from 1 and from now on, is answered: for
    /// what changes while a client is reading. Faults and refusals count as requests too. An action that
    /// changes the tenant needs the simulator itself: let it hold a [`std::sync::Weak`] to it.
    pub fn before(&self, endpoint: Endpoint, nth: u64, action: impl FnOnce() + Send + 'static) {
        self.service.hooks().add(endpoint, nth, Box::new(action));
    }

    /// Limits the rate of requests from now on; `None` lifts the limit.
    pub fn set_limit(&self, limit: Option<Limit>) {
        self.service.gate().set(limit);
    }

    /// Every row that the service stands for now, deleted workflows included, as a page of v1.0 would show it
    /// to a request that asks for unknown enum members and expands nothing.
    pub fn truth(&self) -> Truth {
        self.truth_as(&Reading::default())
    }

    /// The same as pages show it to another way of reading.
    pub fn truth_as(&self, reading: &Reading) -> Truth {
        let (tenant, now) = self.service.tenant();
        truth::current(&tenant, now, reading)
    }

    /// The same as [`Simulator::truth`] with everything that has aged out, was dropped or belongs to a workflow
    /// that is gone, in its final state.
    pub fn truth_of_everything_ever(&self) -> Truth {
        self.truth_of_everything_ever_as(&Reading::default())
    }

    /// The same as pages would show it to another way of reading.
    pub fn truth_of_everything_ever_as(&self, reading: &Reading) -> Truth {
        let (tenant, now) = self.service.tenant();
        truth::everything(&tenant, now, reading)
    }
}

fn identity(config: &TenantConfig, origin: String) -> Identity {
    let guid = |salt: u64| random::guid_text(random::guid(random::mix(&[config.seed, salt])));
    Identity {
        seed: config.seed,
        origin,
        tenant_id: config
            .access
            .tenant_id
            .clone()
            .unwrap_or_else(|| guid(0x7e_4a)),
        client_id: guid(0xc1_1e),
        client_secret: format!("sim8Q~{}", guid(0x5e_c2).replace('-', "_")),
        app_header: guid(0x1d_e4),
    }
}
