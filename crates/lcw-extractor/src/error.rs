//! What went wrong, with everything that support will ask for.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::ConfigError;
use crate::graph_error::GraphError;
use crate::permission::Permissions;
use crate::text::presentable;
use crate::token::TokenError;

/// What kind of failure it is, for deciding what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot be used; nothing was sent.
    Config,
    /// No token, or Graph refused the token (401).
    Credentials,
    /// 403: the token lacks a permission.
    Forbidden,
    /// 404 or 410: not there, or no longer.
    NotFound,
    /// 400 or another answer that says the request is wrong.
    Rejected,
    /// Throttled, and the pause asked for ends after the deadline.
    Throttled,
    /// The deadline passed.
    Deadline,
    /// The service failed (5xx), again and again.
    Service,
    /// No connection, or it broke, again and again.
    Network,
    /// A page that cannot be read: damaged again and again, or too large.
    Page,
    /// A page that is whole, but holds what it should not: another type, no date-time.
    Content,
    /// A next link that cannot be followed: foreign, repeated, without end, or no longer known to
    /// the service again and again.
    NextLink,
}

/// Why an extraction failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The configuration or the credential cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No token could be had. Shared by all the workers that waited for it.
    #[error(transparent)]
    Token(Arc<TokenError>),
    /// A request to Graph failed for good.
    #[error(transparent)]
    Request(Box<RequestError>),
}

impl ExtractError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(ConfigError::Certificate(_)) => ErrorKind::Credentials,
            Self::Config(_) => ErrorKind::Config,
            Self::Token(error) => error.kind(),
            Self::Request(error) => error.kind,
        }
    }

    /// The code of the service: Graph's (`Authorization_RequestDenied`) or the
    /// token service's (`invalid_client`).
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Config(_) => None,
            Self::Token(error) => error.code(),
            Self::Request(error) => error.code.as_deref(),
        }
    }

    /// The service's name for the request: Graph's `request-id`, or the token
    /// service's correlation id.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Config(_) => None,
            Self::Token(error) => error.correlation_id(),
            Self::Request(error) => error.request_id.as_deref(),
        }
    }

    /// The HTTP status of the last answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Config(_) => None,
            Self::Token(error) => error.status(),
            Self::Request(error) => error.status,
        }
    }

    /// What the user can do about it; a sentence fragment, never empty.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Config(ConfigError::Certificate(error)) => error.remedy(),
            Self::Config(_) => "correct the setting",
            Self::Token(error) => error.remedy(),
            Self::Request(error) => &error.remedy,
        }
    }
}

/// A request to Graph that failed for good.
///
/// Prints as one line without remedy; never holds a query, a next link, a token
/// or a body.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The HTTP method.
    pub method: &'static str,
    /// The path asked for, below the API version and without query.
    pub path: String,
    /// Which page of the collection, from 0; `None` for a single entity.
    pub page_index: Option<u64>,
    /// The status of the last answer, when there was one.
    pub status: Option<u16>,
    /// Graph's code; `None` when the answer held none.
    pub code: Option<String>,
    /// Graph's message, made presentable.
    pub message: Option<String>,
    /// Graph's name for the last request.
    pub request_id: Option<String>,
    /// Our name for the last request.
    pub client_request_id: String,
    /// How often the request was sent.
    pub attempts: u32,
    /// From the first attempt to the failure.
    pub elapsed: Duration,
    /// What happened.
    pub failure: Failure,
    /// What the user can do about it.
    pub remedy: String,
}

/// What happened to a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// An answer with a status that says no.
    #[error("failed")]
    Status,
    /// No answer, or half of one.
    #[error("got no complete answer from {origin}")]
    Network {
        /// Scheme, host and port of Graph.
        origin: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A body that is not what was asked for.
    #[error("got an answer that cannot be read")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// A body above the cap.
    #[error("got a page larger than {cap_bytes} bytes")]
    TooLarge {
        /// The cap.
        cap_bytes: usize,
    },
    /// The service asks for a pause that ends after the deadline, or in more than a day.
    #[error("must pause for another {} s, which is longer than it may wait", pause.as_secs())]
    PausedPastDeadline {
        /// How long the pause still lasts.
        pause: Duration,
    },
    /// Nothing but 429, with no deadline to end it.
    #[error("is throttled without end")]
    ThrottledWithoutEnd,
    /// The deadline passed.
    #[error("was not done when the deadline passed")]
    Deadline,
    /// A next link to somewhere else.
    #[error("got a next link to {origin}, which is not the Graph it came from")]
    ForeignLink {
        /// Scheme, host and port of the link; nothing else of it.
        origin: String,
    },
    /// A next link that is no absolute URL.
    #[error("got a next link that is not an absolute URL")]
    UnusableLink,
    /// A next link seen before in this collection.
    #[error("got a next link for the second time")]
    RepeatedLink,
    /// More pages than a collection may have.
    #[error("has more than {limit} pages")]
    TooManyPages {
        /// The limit.
        limit: u32,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(index) = self.page_index.filter(|index| *index > 0) {
            write!(f, " (page {})", index + 1)?;
        }
        write!(f, " {}", self.failure)?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " with {status} ({code})")?,
            (Some(status), None) => write!(f, " with {status}")?,
            (None, _) => {}
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        let plural = if self.attempts == 1 { "" } else { "s" };
        write!(
            f,
            " [{} attempt{plural} in {:.1} s",
            self.attempts,
            self.elapsed.as_secs_f64()
        )?;
        if let Some(id) = &self.request_id {
            write!(f, ", request-id {id}")?;
        }
        write!(f, ", client-request-id {}]", self.client_request_id)
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}

/// The remedy of a failed request.
pub(crate) fn remedy(
    kind: ErrorKind,
    failure: &Failure,
    permissions: Permissions,
    error: Option<&GraphError>,
) -> String {
    let fixed = match kind {
        ErrorKind::Forbidden => return permissions.remedy(),
        ErrorKind::Config => "correct the setting",
        ErrorKind::Credentials => {
            "get a new token; check that tenant, cloud and Graph URL belong together"
        }
        ErrorKind::NotFound => {
            "it was deleted or has aged out of the service's 30 days; if not, check the id, the Graph URL and \
             the API version"
        }
        ErrorKind::Rejected if error.is_none() => {
            "check that the Graph URL is that of a Microsoft Graph, without a proxy or sign-in page in between"
        }
        ErrorKind::Rejected => {
            "the service does not accept this request; check the API version and any filter"
        }
        ErrorKind::Throttled => "try again later, at a lower rate, or with a later deadline",
        ErrorKind::Deadline => "allow a later deadline, or export a smaller window",
        ErrorKind::Service => {
            "the service is failing; try again later and give its support the request-id"
        }
        ErrorKind::Network => network_remedy(failure),
        ErrorKind::Page => {
            "give the service's support the request-id; a proxy in between may also garble answers"
        }
        ErrorKind::Content => {
            "the service sent what its contract does not allow; a newer version of lcw may know it, and \
             its support may want the request-id"
        }
        ErrorKind::NextLink if matches!(failure, Failure::Status) => {
            "the service forgets its own next links; try again later and give its support the request-id"
        }
        ErrorKind::NextLink => "nothing was sent to it; give the service's support the request-id",
    };
    fixed.to_owned()
}

fn network_remedy(failure: &Failure) -> &'static str {
    match failure {
        Failure::Network { source, .. } if mentions_certificate(source.as_ref()) => {
            "the server's certificate is not trusted; a proxy that inspects TLS needs its authority in ca_file"
        }
        _ => "check the name of the host, the connection, the proxy and the firewall",
    }
}

/// How often a host is asked for that nobody knows, while nothing has ever come from it: a typing
/// error, most likely. Later its name is as good as any, and asked for as often.
const FIRST_CONTACTS: u32 = 3;

/// How the resolvers of the platforms say that there is no such name.
const UNKNOWN_HOST: [&str; 4] = [
    "Name or service not known",
    "Name does not resolve",
    "nodename nor servname provided",
    "No such host is known",
];

/// Whether a lost connection stays lost however often it is tried.
pub(crate) fn is_hopeless(
    error: &(dyn Error + 'static),
    attempts: u32,
    was_ever_answered: bool,
) -> bool {
    let is_unknown = || UNKNOWN_HOST.iter().any(|words| mentions(error, words));
    mentions_certificate(error)
        || (attempts >= FIRST_CONTACTS && !was_ever_answered && is_unknown())
}

/// Whether a chain of errors speaks of a certificate: a refusal that no repetition changes.
pub(crate) fn mentions_certificate(error: &(dyn Error + 'static)) -> bool {
    mentions(error, "invalid peer certificate")
}

fn mentions(error: &(dyn Error + 'static), words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(words))
}

/// The innermost reason of a lost connection, for the log.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error)
        .last()
        .map(|cause| presentable(&cause.to_string()))
}

fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + 'a {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_host_is_hopeless_until_something_has_come_from_it() {
        let lost = |text: &str| std::io::Error::other(std::io::Error::other(text.to_owned()));
        let unknown = lost("failed to lookup address information: Name or service not known");
        assert!(!is_hopeless(&unknown, 2, false));
        assert!(is_hopeless(&unknown, 3, false));
        assert!(!is_hopeless(&unknown, 7, true));
        let refused = lost("Connection refused (os error 111)");
        assert!(!is_hopeless(&refused, 7, false));
        let certificate = lost("invalid peer certificate: UnknownIssuer");
        assert!(is_hopeless(&certificate, 1, true));
    }
}
