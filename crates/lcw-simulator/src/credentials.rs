//! What a client signs in with, as the handle of a simulated tenant gives it.

use jiff::Timestamp;
use serde_json::json;

use crate::authority::unsigned_jwt;
use crate::certificate;
use crate::sign_in::FEDERATED_AUDIENCE;
use crate::simulator::Simulator;
use crate::token::{Grant, Holder};

impl Simulator {
    /// The application's certificate and private key, as PEM. For tests only: everybody knows it.
    pub const fn client_certificate_pem() -> &'static str {
        certificate::PEM
    }

    /// The same as a PFX file, with [`client_certificate_password`](Self::client_certificate_password).
    pub const fn client_certificate_pfx() -> &'static [u8] {
        certificate::PFX
    }

    /// The password of the PFX file.
    pub const fn client_certificate_password() -> &'static str {
        certificate::PASSWORD
    }

    /// A certificate and private key that no application knows, as PEM.
    pub const fn strange_certificate_pem() -> &'static str {
        certificate::STRANGER
    }

    /// Lets the issuer of the federated identity write another token into its file, and says which. Those
    /// before are refused from now on. Good for an hour by this machine's clock.
    pub fn rotate_federated_token(&self) -> String {
        let access = self.service.tenant().0.config.access.clone();
        let trusted = access.federated.unwrap_or_default();
        let token = self.federated_token_of(&trusted.issuer, &trusted.subject);
        self.service.authority().federated_token = Some(token.clone());
        token
    }

    /// A token of any issuer and subject, which is in nobody's file.
    pub fn federated_token_of(&self, issuer: &str, subject: &str) -> String {
        let now = Timestamp::now();
        let number = now.as_nanosecond();
        let now = now.as_second();
        unsigned_jwt(&json!({
            "iss": issuer,
            "sub": subject,
            "aud": FEDERATED_AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 3_600,
            "jti": number.to_string(),
        }))
    }

    /// What App Service tells its apps as `IDENTITY_ENDPOINT`. The endpoint of virtual machines is below
    /// [`origin`](Self::origin).
    pub fn identity_endpoint(&self) -> String {
        format!("{}/msi/token", self.origin())
    }

    /// What App Service tells its apps as `IDENTITY_HEADER`.
    pub fn identity_header(&self) -> &str {
        &self.service.identity.app_header
    }

    /// A token as the endpoint would issue it now, for callers that bring their own.
    pub fn issue_token(&self) -> String {
        let access = self.service.tenant().0.config.access.clone();
        let now = self.service.clock().now();
        let grant = Grant {
            audience: self.origin().to_owned(),
            holder: Holder::Application,
        };
        let identity = &self.service.identity;
        self.service
            .authority()
            .tokens
            .issue(identity, &access, &grant, now)
    }

    /// Lets every token issued so far be refused.
    pub fn revoke_tokens(&self) {
        self.service.authority().tokens.revoke();
    }

    /// Ends every sign-in of a person: their refresh tokens are refused.
    pub fn revoke_sign_ins(&self) {
        self.service.authority().revoke_sign_ins();
    }
}
