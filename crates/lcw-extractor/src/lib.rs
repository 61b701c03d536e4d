//! Reads Lifecycle Workflows from Microsoft Graph: credentials, rate limiting,
//! retry, paging. The only crate that knows HTTP.
//!
//! [`GraphClient`] is the way in. Its clones share one connection pool, one
//! token, one rate gate and one pause, so that any number of workers together
//! behave like one polite caller. [`GraphClient::pages`] unfolds a collection
//! into a stream; what a page *means* is up to a [`PageDecoder`].
//!
//! **Invariants.** The bearer token goes to the configured Graph origin and
//! nowhere else. No error and no log line holds a secret, a token, a next link
//! or a body. A collection either ends where the service says it ends or with
//! an error: it is never silently short.

mod body;
mod client;
mod config;
mod decode;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod graph_error;
mod http;
mod limiter;
mod origin;
mod pages;
mod path;
pub mod permission;
mod probe;
pub mod query;
mod request;
mod retry;
mod service_clock;
mod stats;
mod text;
mod token;

pub use client::GraphClient;
pub use config::{ApiVersion, ClientConfig, Cloud, ConfigError, UnknownName};
pub use decode::{DecodeError, Decoded, PageDecoder};
pub use error::{ErrorKind, ExtractError, Failure, RequestError};
pub use http::http_client;
pub use origin::{Origin, OriginError};
pub use path::{CollectionRequest, GraphPath};
pub use probe::Probe;
pub use secrecy::SecretString;
pub use stats::RequestStats;
pub use token::{
    AccessToken, AssertionAlgorithm, AzureCli, CertificateError, ClientCertificate, ClientSecret,
    Credential, DeviceCode, DevicePrompt, ManagedIdentity, ReadyToken, TokenClaims, TokenClient,
    TokenError, TokenService, TokenSource, WorkloadIdentity,
};

#[cfg(test)]
mod tests;
