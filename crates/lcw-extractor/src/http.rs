//! The HTTP clients: one for other machines, one for this one, one for plain http, each made once.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, NoProxy, Proxy, Url, redirect};

use crate::config::{ClientConfig, ConfigError};
use crate::origin::Origin;

/// What every request says it is.
const USER_AGENT: &str = concat!("lcw/", env!("CARGO_PKG_VERSION"));

/// Connection pools by the way to who is spoken to.
#[derive(Debug)]
pub(crate) struct Agents {
    config: ClientConfig,
    remote: OnceLock<Client>,
    local: OnceLock<Client>,
    plain: OnceLock<Client>,
}

/// The way to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// TLS to another machine, through a proxy where there is one.
    Remote,
    /// TLS on this machine and the link it is on. It is never proxied.
    Local,
    /// Plain http there. The system's certificates, which take longer to read than a short export
    /// takes for all else, are left unread.
    Plain,
}

impl Agents {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            config,
            remote: OnceLock::new(),
            local: OnceLock::new(),
            plain: OnceLock::new(),
        }
    }

    /// The client for an origin.
    pub(crate) fn for_origin(&self, origin: &Origin) -> Result<Client, ConfigError> {
        if origin.is_plain() {
            self.on(Way::Plain)
        } else if origin.is_loopback() {
            self.on(Way::Local)
        } else {
            self.on(Way::Remote)
        }
    }

    /// The client for a URL of this machine or the link it is on.
    pub(crate) fn near(&self, url: &Url) -> Result<Client, ConfigError> {
        let is_plain = url.scheme() == "http";
        self.on(if is_plain { Way::Plain } else { Way::Local })
    }

    fn on(&self, way: Way) -> Result<Client, ConfigError> {
        let slot = match way {
            Way::Remote => &self.remote,
            Way::Local => &self.local,
            Way::Plain => &self.plain,
        };
        get(slot, || build(&self.config, way))
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
fn build(config: &ClientConfig, way: Way) -> Result<Client, ConfigError> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .https_only(way != Way::Plain)
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout)
        .timeout(config.request_timeout)
        .pool_idle_timeout(Duration::from_mins(1))
        .tcp_keepalive(Duration::from_secs(30));
    if way != Way::Remote {
        builder = builder.no_proxy();
    } else if let Some(proxy) = &config.proxy {
        builder = builder.proxy(explicit_proxy(proxy)?);
    }
    // A file that cannot be used is said, whether it is needed or not.
    let authorities = authorities(config)?;
    builder = match way {
        Way::Remote | Way::Local => builder.tls_certs_merge(authorities),
        Way::Plain => builder.tls_certs_only(authorities),
    };
    builder
        .build()
        .map_err(|error| ConfigError::Http(error.without_url().into()))
}

/// The authorities of `ca_file`; none where there is no such file.
fn authorities(config: &ClientConfig) -> Result<Vec<Certificate>, ConfigError> {
    let Some(path) = &config.ca_file else {
        return Ok(Vec::new());
    };
    let unreadable = |source| ConfigError::CaFile {
        path: path.clone(),
        source,
    };
    let pem = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
    let authorities = Certificate::from_pem_bundle(&pem)
        .map_err(|error| unreadable(error.without_url().into()))?;
    if authorities.is_empty() {
        return Err(unreadable("there is no PEM certificate in it".into()));
    }
    Ok(authorities)
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
