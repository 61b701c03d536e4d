//! The assertion that proves possession of the key (RFC 7523, as Entra reads it).

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::identity::Identity;
use crate::token::TokenError;
use crate::token::jwt::encode_base64url;

/// How long an assertion is good, in seconds. Entra advises five to ten minutes.
const LIFETIME_S: i64 = 600;

/// The signature of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AssertionAlgorithm {
    /// RSASSA-PSS with SHA-256, and the SHA-256 thumbprint of the certificate: what Entra asks for.
    #[default]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, and the SHA-1 thumbprint besides: for token services that
    /// know no PSS, such as AD FS of an Azure Stack.
    Rs256,
}

impl AssertionAlgorithm {
    /// Its name in the header of a JWT.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Ps256 => &RSA_PSS_SHA256,
            Self::Rs256 => &RSA_PKCS1_SHA256,
        }
    }
}

/// An assertion for one request to `audience`, from `now` on.
pub(super) fn sign(
    identity: &Identity,
    algorithm: AssertionAlgorithm,
    audience: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<String, TokenError> {
    let now = now.as_second();
    let thumbprint = |hash| encode_base64url(digest::digest(hash, &identity.certificate).as_ref());
    let mut header = json!({
        "alg": algorithm.name(),
        "typ": "JWT",
        "x5t#S256": thumbprint(&SHA256),
    });
    if algorithm == AssertionAlgorithm::Rs256 {
        header["x5t"] = thumbprint(&SHA1_FOR_LEGACY_USE_ONLY).into();
    }
    let claims = json!({
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": Uuid::new_v4().to_string(),
        "nbf": now,
        "iat": now,
        "exp": now + LIFETIME_S,
    });
    let part = |value: &serde_json::Value| encode_base64url(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; identity.key.public_modulus_len()];
    identity
        .key
        .sign(
            algorithm.encoding(),
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| TokenError::Source {
            problem: "the certificate's key cannot sign".to_owned(),
            remedy: "make another certificate with an RSA key".to_owned(),
        })?;
    Ok(format!("{signed}.{}", encode_base64url(&signature)))
}
