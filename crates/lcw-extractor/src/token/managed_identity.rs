//! The identity that Azure gives to a machine or an app.

use std::fmt;
use std::net::IpAddr;

use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::TokenAnswer;
use super::client::Question;
use super::{AccessToken, TokenClient, TokenError, TokenService, TokenSource};
use crate::config::ConfigError;
use crate::origin::describe;

/// Where virtual machines find their identity. Not configurable: whoever could move it would get
/// to know where the identity is asked for, or hand out another.
const IMDS: &str = "http://169.254.169.254";
const IMDS_PATH: &str = "/metadata/identity/oauth2/token";
const IMDS_VERSION: &str = "2018-02-01";
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// The identity of the machine or app that this program runs on: no secret anywhere.
#[derive(Clone)]
pub struct ManagedIdentity {
    endpoint: Url,
    host: Host,
    client_id: Option<String>,
}

/// Who hands out tokens.
#[derive(Clone)]
enum Host {
    /// The instance metadata service of virtual machines, scale sets and AKS nodes.
    Imds,
    /// App Service, Functions and Container Apps, with the header that keeps others out.
    AppService { header: HeaderValue },
}

impl ManagedIdentity {
    /// The identity of a virtual machine. `client_id` names one of several user-assigned ones.
    ///
    /// # Errors
    /// [`ConfigError`], though the address is fixed.
    pub fn imds(client_id: Option<&str>) -> Result<Self, ConfigError> {
        Self::imds_at(IMDS, client_id)
    }

    /// The same at another origin of this machine or its link (`AZURE_POD_IDENTITY_AUTHORITY_HOST`).
    ///
    /// # Errors
    /// [`ConfigError::Credential`] when the origin leads to another machine.
    pub fn imds_at(origin: &str, client_id: Option<&str>) -> Result<Self, ConfigError> {
        let mut endpoint = local(origin)?;
        endpoint.set_path(IMDS_PATH);
        Ok(Self::new(endpoint, Host::Imds, client_id))
    }

    /// The identity of an app, by its `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
    ///
    /// # Errors
    /// [`ConfigError::Credential`] when the endpoint leads to another machine, or the header holds what
    /// no header may hold.
    pub fn app_service(
        endpoint: &str,
        header: &SecretString,
        client_id: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let mut header = HeaderValue::from_str(header.expose_secret()).map_err(|_| {
            let problem = "IDENTITY_HEADER holds characters that no header has";
            ConfigError::Credential { problem }
        })?;
        header.set_sensitive(true);
        let host = Host::AppService { header };
        Ok(Self::new(local(endpoint)?, host, client_id))
    }

    fn new(endpoint: Url, host: Host, client_id: Option<&str>) -> Self {
        let client_id = client_id.map(str::trim).filter(|id| !id.is_empty());
        Self {
            endpoint,
            host,
            client_id: client_id.map(str::to_owned),
        }
    }

    fn request(&self, client: &TokenClient) -> Result<Question, TokenError> {
        let (version, header, value) = match &self.host {
            Host::Imds => (IMDS_VERSION, "metadata", HeaderValue::from_static("true")),
            Host::AppService { header } => {
                (APP_SERVICE_VERSION, "x-identity-header", header.clone())
            }
        };
        let mut url = self.endpoint.clone();
        let resource = client.graph().to_string();
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", version);
        query.append_pair("resource", &resource);
        if let Some(id) = &self.client_id {
            query.append_pair("client_id", id);
        }
        drop(query);
        let secrets = match &self.host {
            Host::Imds => Vec::new(),
            Host::AppService { header } => {
                let header = header.to_str().unwrap_or_default();
                vec![header.to_owned().into()]
            }
        };
        let request = client.local_http(&url)?.get(url).header(header, value);
        Ok(Question { request, secrets })
    }
}

impl TokenSource for ManagedIdentity {
    fn fetch<'a>(
        &'a self,
        client: &'a TokenClient,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let make = || self.request(client);
            let shown = self.endpoint.as_str();
            let answer: TokenAnswer = client
                .ask(TokenService::ManagedIdentity, shown, &make)
                .await?;
            Ok(answer.into())
        }
        .boxed()
    }
}

/// Shows no header.
impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedIdentity")
            .field("endpoint", &describe(&self.endpoint))
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A URL of this machine or of the link it is on, where identities are handed out over plain http.
fn local(text: &str) -> Result<Url, ConfigError> {
    let refused = ConfigError::Credential {
        problem: "a managed identity is asked for on this machine only (loopback or link-local), \
                  at a URL without user name, query and fragment",
    };
    let Ok(url) = Url::parse(text.trim()) else {
        return Err(refused);
    };
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_bare && matches!(url.scheme(), "http" | "https") && is_near(&url) {
        Ok(url)
    } else {
        Err(refused)
    }
}

fn is_near(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_fixed() {
        let identity = ManagedIdentity::imds(Some(" ")).unwrap();
        assert_eq!(
            identity.endpoint.as_str(),
            "http://169.254.169.254/metadata/identity/oauth2/token"
        );
        assert_eq!(identity.client_id, None);
    }

    #[test]
    fn endpoints_are_on_this_machine_or_its_link() {
        for text in [
            "http://127.0.0.1:41056/msi/token/",
            "http://localhost:42356/msi/token",
            "http://169.254.130.2:8081/msi/token",
            "http://[fe80::1]/token",
            "https://[::1]:2377/token",
        ] {
            assert!(local(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "http://10.0.0.1/msi/token",
            "http://168.254.169.254",
            "https://identity.example/token",
            "http://localhost.evil.example/",
            "http://169.254.169.254.evil.example/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1/?resource=other",
            "file:///etc/passwd",
        ] {
            assert!(local(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_header_does_not_print() {
        let make = |header: &str| {
            ManagedIdentity::app_service("http://127.0.0.1:1/t", &SecretString::from(header), None)
        };
        let identity = make("canary").unwrap();
        assert!(!format!("{identity:?}").contains("canary"));
        let error = make("canary\n").unwrap_err();
        assert!(!format!("{error:?}").contains("canary"));
    }
}
