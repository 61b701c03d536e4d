//! Origins: the unit of trust. A token goes to one origin and to no other.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// Why a text is not an origin that may be spoken to.
///
/// The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The text does not parse as an absolute URL with a host.
    #[error("not an absolute http(s) URL with a host, such as https://graph.microsoft.com")]
    NotAUrl,
    /// There is a path, query or fragment behind the host.
    #[error(
        "{origin} must be given without a path or query (the API version is a setting of its own)"
    )]
    MoreThanAnOrigin {
        /// Scheme, host and port of what was given.
        origin: String,
    },
    /// There is a user name or password in the URL.
    #[error("user name or password in the URL of {origin}")]
    UserInfo {
        /// Scheme, host and port of what was given.
        origin: String,
    },
    /// Plain http to another machine, or another scheme altogether.
    #[error(
        "{origin} is not https, and plain http is for loopback only (127.0.0.0/8, ::1, localhost)"
    )]
    NotSecure {
        /// Scheme, host and port of what was given.
        origin: String,
    },
}

/// Scheme, host and port of a service.
///
/// Only https, or http to loopback. Two origins are equal when scheme, host
/// (in lower case, IDNs in their ASCII form) and effective port are equal.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    root: Url,
}

impl Origin {
    /// Reads `https://host`, `https://host:port` or `http://loopback:port`; one trailing slash is fine.
    ///
    /// # Errors
    /// [`OriginError`] when there is more than an origin, or when it is not secure.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let root = Url::parse(text.trim()).map_err(|_| OriginError::NotAUrl)?;
        if root.host().is_none() {
            return Err(OriginError::NotAUrl);
        }
        let origin = describe(&root);
        if !root.username().is_empty() || root.password().is_some() {
            return Err(OriginError::UserInfo { origin });
        }
        match root.scheme() {
            "https" => {}
            "http" if is_loopback(&root) => {}
            _ => return Err(OriginError::NotSecure { origin }),
        }
        if root.path() != "/" || root.query().is_some() || root.fragment().is_some() {
            return Err(OriginError::MoreThanAnOrigin { origin });
        }
        Ok(Self { root })
    }

    /// Whether this is the own machine: 127.0.0.0/8, `::1` or `localhost`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.root)
    }

    /// Whether it is spoken to without TLS, and so is the own machine.
    pub(crate) fn is_plain(&self) -> bool {
        self.root.scheme() == "http"
    }

    /// Whether both are the own machine, by whatever name, at the same port.
    pub(crate) fn is_same_loopback(&self, other: &Self) -> bool {
        self.is_loopback()
            && other.is_loopback()
            && self.root.port_or_known_default() == other.root.port_or_known_default()
    }

    /// Whether `url` has this scheme, host and port, and names no user.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.scheme() == self.root.scheme()
            && url.host() == self.root.host()
            && url.port_or_known_default() == self.root.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
    }

    /// The URL of an already encoded path and query, which starts with a slash.
    pub(crate) fn url(&self, path_and_query: &str) -> Result<Url, OriginError> {
        let joined = format!("{self}{path_and_query}");
        let url = Url::parse(&joined).map_err(|_| OriginError::NotAUrl)?;
        if self.owns(&url) {
            Ok(url)
        } else {
            Err(OriginError::NotAUrl)
        }
    }
}

/// `scheme://host[:port]`, without a trailing slash.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(&self.root))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

/// Scheme, host and port of a URL, and nothing else of it.
pub(crate) fn describe(url: &Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback_are_origins() {
        for (text, shown) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            (
                "https://GRAPH.microsoft.com:443/",
                "https://graph.microsoft.com",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:99/", "http://[::1]:99"),
            (" http://localhost:1 ", "http://localhost:1"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn everything_else_is_refused_without_repeating_it() {
        for text in [
            "",
            "graph.microsoft.com",
            "http://graph.microsoft.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://[::ffff:127.0.0.1]",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://user:canary@graph.microsoft.com",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com/?canary",
            "https://graph.microsoft.com/#canary",
        ] {
            let error = Origin::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
