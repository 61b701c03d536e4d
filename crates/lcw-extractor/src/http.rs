//! The HTTP clients: one for other machines, one for loopback, each made once.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, NoProxy, Proxy, redirect};

use crate::config::{ClientConfig, ConfigError};
use crate::origin::Origin;

/// What every request says it is.
const USER_AGENT: &str = concat!("lcw/", env!("CARGO_PKG_VERSION"));

/// Connection pools by whether a proxy may stand in between.
#[derive(Debug)]
pub(crate) struct Agents {
    config: ClientConfig,
    remote: OnceLock<Client>,
    loopback: OnceLock<Client>,
}

impl Agents {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            config,
            remote: OnceLock::new(),
            loopback: OnceLock::new(),
        }
    }

    /// The client for an origin. Loopback is never proxied.
    pub(crate) fn for_origin(&self, origin: &Origin) -> Result<Client, ConfigError> {
        if origin.is_loopback() {
            self.local()
        } else {
            get(&self.remote, || build(&self.config, false))
        }
    }

    /// The client for this machine and the link it is on: plain http, without a proxy.
    pub(crate) fn local(&self) -> Result<Client, ConfigError> {
        get(&self.loopback, || build(&self.config, true))
    }
}

/// What a slot holds, made when it is asked for first.
fn get(
    slot: &OnceLock<Client>,
    make: impl FnOnce() -> Result<Client, ConfigError>,
) -> Result<Client, ConfigError> {
    if let Some(client) = slot.get() {
        return Ok(client.clone());
    }
    let client = make()?;
    Ok(slot.get_or_init(|| client).clone())
}

/// A client that follows no redirect, names no referer and repeats nothing by
/// itself: each of these is decided here or not at all.
fn build(config: &ClientConfig, is_loopback: bool) -> Result<Client, ConfigError> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .https_only(!is_loopback)
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout)
        .timeout(config.request_timeout)
        .pool_idle_timeout(Duration::from_mins(1))
        .tcp_keepalive(Duration::from_secs(30));
    if is_loopback {
        builder = builder.no_proxy();
    } else if let Some(proxy) = &config.proxy {
        builder = builder.proxy(explicit_proxy(proxy)?);
    }
    if let Some(path) = &config.ca_file {
        let unreadable = |source| ConfigError::CaFile {
            path: path.clone(),
            source,
        };
        let pem = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
        let roots = Certificate::from_pem_bundle(&pem)
            .map_err(|error| unreadable(error.without_url().into()))?;
        if roots.is_empty() {
            return Err(unreadable("there is no PEM certificate in it".into()));
        }
        builder = builder.tls_certs_merge(roots);
    }
    builder
        .build()
        .map_err(|error| ConfigError::Http(error.without_url().into()))
}

/// The proxy that was asked for, with `NO_PROXY` of the environment still honoured.
fn explicit_proxy(url: &str) -> Result<Proxy, ConfigError> {
    let proxy = Proxy::all(url).map_err(|_| ConfigError::Proxy)?;
    Ok(proxy.no_proxy(NoProxy::from_env()))
}

/// A client for another service than Graph, under the same rules: no redirects, certificates of
/// `ca_file`, the proxy except for loopback. It carries no credential.
///
/// # Errors
/// When the proxy or the file of certificate authorities cannot be used.
pub fn http_client(origin: &Origin, config: &ClientConfig) -> Result<Client, ConfigError> {
    Agents::new(config.clone()).for_origin(origin)
}
