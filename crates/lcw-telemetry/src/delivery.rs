//! Sending a document to an address that the operator configured.

use std::time::Duration;

use lcw_extractor::{ClientConfig, ConfigError, Origin, OriginError, SecretString, http_client};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use secrecy::ExposeSecret as _;

/// An export waits no longer than this for those who are told about it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an address is none that may be told anything. Its text is not repeated: a password may be in
/// it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is no URL of a service.
    #[error("not an absolute http(s) URL with a host, such as https://collector.example")]
    NotAUrl,
    /// It is none that may be spoken to.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The HTTP client cannot be made.
    #[error("{0}")]
    Client(#[from] ConfigError),
    /// A header cannot be sent.
    #[error("the header {name} cannot be sent: {problem}")]
    Header {
        /// Its name, as far as it may be shown.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Why a document was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("the answer was {0}")]
    Refused(StatusCode),
}

/// An address of a service, with what it wants to be told besides: https, or http to this machine.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    headers: HeaderMap,
    client: Client,
}

impl Endpoint {
    /// Reads a URL; proxy and certificate authorities are those of `config`.
    ///
    /// # Errors
    /// When it is no URL, holds a user, or is plain http to another machine.
    pub fn new(url: &str, config: &ClientConfig) -> Result<Self, EndpointError> {
        let url = Url::parse(url.trim()).map_err(|_| EndpointError::NotAUrl)?;
        let mut root = url.clone();
        root.set_path("");
        root.set_query(None);
        root.set_fragment(None);
        let origin = Origin::parse(root.as_str())?;
        let config = ClientConfig {
            connect_timeout: PATIENCE,
            read_timeout: PATIENCE,
            request_timeout: PATIENCE,
            ..config.clone()
        };
        Ok(Self {
            url,
            headers: HeaderMap::new(),
            client: http_client(&origin, &config)?,
        })
    }

    /// The same with this below its path.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        let base = self.url.path().trim_end_matches('/').to_owned();
        self.url
            .set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        self
    }

    /// The same, showing this key to the service.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn bearing(self, key: &SecretString) -> Result<Self, EndpointError> {
        let value = format!("Bearer {}", key.expose_secret());
        self.header(AUTHORIZATION.as_str(), &value)
    }

    /// The same with a further header, whose value is never shown.
    ///
    /// # Errors
    /// When name or value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let refuse = |problem| EndpointError::Header {
            name: name.to_owned(),
            problem,
        };
        let known = HeaderName::from_bytes(name.as_bytes());
        let known = known.map_err(|_| refuse("this is no name of a header"))?;
        let value = HeaderValue::from_str(value);
        let mut value =
            value.map_err(|_| refuse("its value has letters that no header can hold"))?;
        value.set_sensitive(true);
        self.headers.insert(known, value);
        Ok(self)
    }

    /// Scheme, host and port, which may be shown.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Sends a document, twice when the first try got no answer or 429 or 5xx.
    pub(crate) async fn send(
        &self,
        content: &'static str,
        body: Vec<u8>,
    ) -> Result<(), DeliveryError> {
        match self.once(content, body.clone()).await {
            Err(error) if error.is_passing() => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                self.once(content, body).await
            }
            outcome => outcome,
        }
    }

    async fn once(&self, content: &'static str, body: Vec<u8>) -> Result<(), DeliveryError> {
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, content).body(body);
        let answer = request.send().await;
        let answer = answer.map_err(|error| DeliveryError::Unreachable(innermost(&error)))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(DeliveryError::Refused(status)),
        }
    }
}

/// Without the URL, whose path or query may be a secret.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("not within {} seconds", PATIENCE.as_secs());
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if inner.is::<reqwest::Error>() {
        return "the connection failed".to_owned();
    }
    inner.to_string()
}

impl DeliveryError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }

    /// What whoever runs the program can do.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "look at its address, and whether this machine may reach it",
            Self::Refused(status) => match status.as_u16() {
                401 | 403 => "look at the key that it wants to see",
                404 | 405 => "look at the path in its address",
                300..=399 => "give the address that it redirects to: redirects are not followed",
                _ => "look at the log of that service",
            },
        }
    }
}

/// Header values may be secrets.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({})", self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(url, &ClientConfig::default())
    }

    #[test]
    fn https_anywhere_and_http_on_loopback_may_be_told() {
        for (url, below) in [
            (
                "https://m.example/base/",
                "https://m.example/base/api/v1/lineage",
            ),
            (
                "http://127.0.0.1:5000",
                "http://127.0.0.1:5000/api/v1/lineage",
            ),
        ] {
            let endpoint = endpoint(url).unwrap().below("/api/v1/lineage");
            assert_eq!(endpoint.url.as_str(), below);
        }
    }

    #[test]
    fn everything_else_is_refused_without_repeating_it() {
        for url in [
            "marquez:5000/canary",
            "http://marquez.example/canary",
            "https://user:canary@marquez.example",
            "file:///canary",
            "canary",
        ] {
            let error = endpoint(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let endpoint = endpoint("https://m.example/canary?canary").unwrap();
        let endpoint = endpoint.bearing(&"canary".to_owned().into()).unwrap();
        let endpoint = endpoint.header("x-key", "canary").unwrap();
        assert!(!format!("{endpoint:?} {:?}", endpoint.headers).contains("canary"));
        let error = endpoint.header("x-key", "can\nary").unwrap_err();
        assert!(!error.to_string().contains("ary"), "{error}");
    }
}
