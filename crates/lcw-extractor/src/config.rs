//! What a client is told: where the service is, how fast, how long.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::origin::{Origin, OriginError};
use crate::token::CertificateError;

/// The version of the Graph API, the first segment of every path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ApiVersion {
    /// The stable `v1.0`.
    #[default]
    V1,
    /// `beta`, with subject processing results and extensibility workflows.
    Beta,
}

impl ApiVersion {
    /// The path segment: `v1.0` or `beta`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is none of those on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {expected}")]
pub struct UnknownName {
    expected: &'static str,
}

impl FromStr for ApiVersion {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "v1.0" => Ok(Self::V1),
            "beta" => Ok(Self::Beta),
            _ => Err(UnknownName {
                expected: "v1.0, beta",
            }),
        }
    }
}

/// A national cloud: where its Graph is and where its tokens come from.
///
/// Tokens of one cloud do not work in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cloud {
    /// The worldwide service, GCC included.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (`DoD`).
    UsGovDod,
    /// China, operated by 21Vianet. Older documentation says that Lifecycle Workflows are not there;
    /// the pages of 2026 and the metadata since June 2025 say that they are.
    China,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGov, Self::UsGovDod, Self::China];

    /// The origin of its Graph.
    pub fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The origin of its token service.
    pub fn authority_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// The cloud whose Graph has this origin.
    pub(crate) fn of_graph(origin: &Origin) -> Option<Self> {
        let shown = origin.to_string();
        Self::ALL
            .into_iter()
            .find(|cloud| cloud.graph_url() == shown)
    }

    /// Its name on the command line and in pipeline files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGov => "usgov",
            Self::UsGovDod => "usgov-dod",
            Self::China => "china",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cloud {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.into_iter().find(|cloud| cloud.name() == text);
        known.ok_or(UnknownName {
            expected: "global, usgov, usgov-dod, china",
        })
    }
}

/// How a [`GraphClient`](crate::GraphClient) behaves.
#[derive(Clone)]
pub struct ClientConfig {
    /// The origin of Graph, without the API version: https, or http to loopback.
    pub graph_url: String,
    /// The API version asked for.
    pub api_version: ApiVersion,
    /// The ceiling of the request rate, in requests a second.
    ///
    /// The client starts at five a second and doubles up to this, and stays just
    /// under what the service bears. `None` is for test servers: no ceiling, and
    /// a start at a hundred a second that doubles without waiting.
    pub requests_per_second: Option<f64>,
    /// How often one request is sent before its failure counts, at least 1.
    /// Answers with status 429 are not counted here: the deadline bounds them.
    pub max_attempts: u32,
    /// How long the client may be at work, from its making. `None`: for ever.
    pub deadline: Option<Duration>,
    /// The largest page that is accepted, in decoded bytes.
    pub page_cap_bytes: usize,
    /// The most pages that one collection may have.
    pub page_limit: u32,
    /// The proxy for https, `http://[user:password@]host:port`. `None`: what the
    /// environment says (`HTTPS_PROXY`, `NO_PROXY`). Loopback is never proxied.
    pub proxy: Option<String>,
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long the service may be silent within an answer.
    pub read_timeout: Duration,
    /// How long one request may take in all.
    pub request_timeout: Duration,
    /// The delay before the first repetition (each further one doubles it, with jitter).
    pub retry_initial: Duration,
    /// The longest delay of that kind.
    pub retry_cap: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            graph_url: Cloud::Global.graph_url().to_owned(),
            api_version: ApiVersion::V1,
            requests_per_second: Some(50.0),
            max_attempts: 8,
            deadline: Some(Duration::from_hours(6)),
            page_cap_bytes: 64 << 20,
            page_limit: 100_000,
            proxy: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_mins(5),
            retry_initial: Duration::from_millis(250),
            retry_cap: Duration::from_secs(20),
        }
    }
}

impl ClientConfig {
    /// Checks what the types do not say.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let rate = self.requests_per_second.unwrap_or(1.0);
        if !rate.is_finite() || rate <= 0.0 {
            return Err(ConfigError::Value {
                name: "requests_per_second",
                problem: "must be above 0",
            });
        }
        if self.max_attempts == 0 {
            return Err(ConfigError::Value {
                name: "max_attempts",
                problem: "must be at least 1",
            });
        }
        if self.page_cap_bytes == 0 || self.page_limit == 0 {
            return Err(ConfigError::Value {
                name: "page_cap_bytes, page_limit",
                problem: "must be at least 1",
            });
        }
        Ok(())
    }
}

/// A proxy's URL may hold a password, so it is not printed.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("graph_url", &self.graph_url)
            .field("api_version", &self.api_version)
            .field("requests_per_second", &self.requests_per_second)
            .field("max_attempts", &self.max_attempts)
            .field("deadline", &self.deadline)
            .field("page_cap_bytes", &self.page_cap_bytes)
            .field("page_limit", &self.page_limit)
            .field("proxy", &self.proxy.as_ref().map(|_| "[redacted]"))
            .field("ca_file", &self.ca_file)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("retry_initial", &self.retry_initial)
            .field("retry_cap", &self.retry_cap)
            .finish()
    }
}

/// Why a client cannot be made of a configuration or a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL of Graph or of the authority.
    #[error("the {what} URL cannot be used: {problem}")]
    Url {
        /// `Graph` or `authority`.
        what: &'static str,
        /// What is wrong with it.
        problem: OriginError,
    },
    /// A number out of range.
    #[error("{name} {problem}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A credential that lacks something.
    #[error("the credential cannot be used: {problem}")]
    Credential {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A certificate file that cannot be used.
    #[error("the certificate file cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    /// The proxy's URL; not repeated, it may hold a password.
    #[error("the proxy URL cannot be used, expected http://host:port")]
    Proxy,
    /// The file of certificate authorities.
    #[error("cannot read certificate authorities from {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP client could not be set up (TLS, as a rule).
    #[error("cannot set up the HTTP client")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}
