//! Client assertions: signed with the application's certificate, or issued by an identity that it
//! trusts.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::{Refusal, refuse};
use super::{Authority, LoginAsk};
use crate::base64;
use crate::certificate;
use crate::sign_in::FEDERATED_AUDIENCE;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the clocks may differ, in seconds.
const TOLERANCE_S: i64 = 300;

/// A JWT, taken apart.
struct Jwt<'a> {
    signed: &'a str,
    header: Value,
    claims: Value,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&base64::decode(text)?).ok();
        Some(Self {
            signed,
            header: part(header)?,
            claims: part(claims)?,
            signature: base64::decode(signature)?,
        })
    }

    fn claim(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }
}

/// A JWT with these claims, for issuers whose signature is not looked at.
pub(crate) fn unsigned_jwt(claims: &Value) -> String {
    let part = |value: &Value| base64::encode(value.to_string().as_bytes());
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "sim-issuer" });
    format!(
        "{}.{}.{}",
        part(&header),
        part(claims),
        base64::encode(b"sim")
    )
}

impl Authority {
    pub(super) fn check_assertion(
        &mut self,
        ask: &LoginAsk<'_>,
        assertion: &str,
    ) -> Result<(), Refusal> {
        if ask.field("client_assertion_type")? != TYPE {
            let text = "The client assertion type is not supported.".to_owned();
            return Err(refuse(400, "invalid_request", 900_144, text));
        }
        let jwt = Jwt::parse(assertion).ok_or_else(|| invalid("it is not a JSON web token"))?;
        let is_own = jwt
            .claim("iss")
            .eq_ignore_ascii_case(&ask.identity.client_id);
        if is_own {
            self.check_certificate(ask, &jwt)
        } else {
            self.check_federated(ask, assertion, &jwt)
        }
    }

    /// An assertion that the application made itself.
    fn check_certificate(&mut self, ask: &LoginAsk<'_>, jwt: &Jwt<'_>) -> Result<(), Refusal> {
        check_signature(jwt)?;
        if jwt.claim("sub") != jwt.claim("iss") {
            let text =
                "Client assertion application identifier doesn't match 'client_id' parameter.";
            return Err(client(700_021, text.to_owned()));
        }
        let audience = format!("{}/{}/oauth2/v2.0/token", ask.identity.origin, ask.tenant);
        if !jwt.claim("aud").eq_ignore_ascii_case(&audience) {
            let text = "Client assertion audience claim does not match Realm issuer.";
            return Err(client(700_023, text.to_owned()));
        }
        check_time(ask, jwt)?;
        let id = jwt.claim("jti");
        if id.is_empty() || !self.used_assertions.insert(id.to_owned()) {
            return Err(invalid("it has no 'jti', or one that was used before"));
        }
        Ok(())
    }

    /// A token of the identity that the application trusts.
    fn check_federated(
        &self,
        ask: &LoginAsk<'_>,
        assertion: &str,
        jwt: &Jwt<'_>,
    ) -> Result<(), Refusal> {
        let mismatch = |code, what: &str, value: &str| {
            let text = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'."
            );
            Err(client(code, text))
        };
        let Some(trusted) = &ask.access.federated else {
            return mismatch(70_021, "issuer", jwt.claim("iss"));
        };
        for (code, what, name, wanted) in [
            (700_211, "issuer", "iss", trusted.issuer.as_str()),
            (700_213, "subject", "sub", trusted.subject.as_str()),
            (700_212, "audience", "aud", FEDERATED_AUDIENCE),
        ] {
            if jwt.claim(name) != wanted {
                return mismatch(code, what, jwt.claim(name));
            }
        }
        check_time(ask, jwt)?;
        // Its issuer has written another since.
        if self.federated_token.as_deref() != Some(assertion) {
            return Err(out_of_time());
        }
        Ok(())
    }
}

/// The registered certificate, named by its thumbprint, and its signature.
fn check_signature(jwt: &Jwt<'_>) -> Result<(), Refusal> {
    let algorithm: &dyn VerificationAlgorithm = match jwt.header["alg"].as_str() {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(invalid("its algorithm is not supported")),
    };
    let has_thumbprint = |name: &str, hash| {
        let thumbprint = base64::encode(digest::digest(hash, certificate::CERTIFICATE).as_ref());
        jwt.header[name].as_str().map(|named| named == thumbprint)
    };
    let is_known = has_thumbprint("x5t#S256", &SHA256)
        .or_else(|| has_thumbprint("x5t", &SHA1_FOR_LEGACY_USE_ONLY));
    if is_known != Some(true) || jwt.header["typ"] != "JWT" {
        let text = "The certificate with identifier used to sign the client assertion is not registered on \
                    application. [Reason - The key was not found.]";
        return Err(client(700_027, text.to_owned()));
    }
    UnparsedPublicKey::new(algorithm, certificate::PUBLIC_KEY)
        .verify(jwt.signed.as_bytes(), &jwt.signature)
        .map_err(|_| {
            let text = "Client assertion failed signature validation. [Reason - The key was found, but use of \
                        the key to verify the signature failed.]";
            client(700_027, text.to_owned())
        })
}

/// The login service goes by this machine's clock, as its clients do, unless it is told to be off.
fn check_time(ask: &LoginAsk<'_>, jwt: &Jwt<'_>) -> Result<(), Refusal> {
    let now = Timestamp::now().as_second() + ask.access.login_skew_seconds;
    let time = |name: &str| jwt.claims[name].as_i64();
    let has_begun = time("nbf").is_none_or(|begin| begin <= now + TOLERANCE_S);
    let has_ended = time("exp").is_none_or(|end| end <= now - TOLERANCE_S);
    if has_begun && !has_ended {
        return Ok(());
    }
    Err(out_of_time())
}

fn out_of_time() -> Refusal {
    let text = "Client assertion is not within its valid time range.".to_owned();
    client(700_024, text)
}

fn invalid(why: &str) -> Refusal {
    let text = format!("Invalid JWT token: {why}.");
    client(50_027, text)
}

fn client(code: u32, text: String) -> Refusal {
    refuse(401, "invalid_client", code, text)
}
