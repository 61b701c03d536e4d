//! The tokens that have been issued.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::base64;
use crate::config::Access;
use crate::random;
use crate::sign_in::user_roles;
use crate::ticks::{SECOND, Ticks};

/// Who may have a token.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) seed: u64,
    pub(crate) origin: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// What keeps others away from the identity of an app.
    pub(crate) app_header: String,
}

/// What a token is for, and who holds it.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// The resource that was asked for.
    pub(crate) audience: String,
    pub(crate) holder: Holder,
}

/// Who holds a token.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// The application itself, with the roles that it has now.
    Application,
    /// A signed-in user, with these delegated permissions.
    User { scopes: Vec<String> },
}

/// The tokens in force.
#[derive(Debug, Default)]
pub(crate) struct TokenBook {
    issued: HashMap<String, Issued>,
    count: u64,
}

#[derive(Debug)]
struct Issued {
    expires: Instant,
    used: u32,
    permissions: Vec<String>,
}

/// Why a request is answered with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    Missing,
    Unknown,
    Expired,
}

impl Unauthorized {
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Missing => "Access token is empty.",
            Self::Unknown => "Access token validation failure. Invalid token.",
            Self::Expired => "Lifetime validation failed, the token is expired.",
        }
    }
}

impl TokenBook {
    /// How many tokens there have been.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Makes a token with the permissions that the configuration names now.
    pub(crate) fn issue(
        &mut self,
        identity: &Identity,
        access: &Access,
        grant: &Grant,
        now: Ticks,
    ) -> String {
        self.count += 1;
        let number = random::mix(&[identity.seed, 0x70_6e, self.count]);
        let token = if access.opaque_tokens {
            format!("opaque-{}", random::guid_text(random::guid(number)))
        } else {
            jwt(identity, access, grant, now, number)
        };
        let issued = Issued {
            expires: Instant::now() + access.token_lifetime,
            used: 0,
            permissions: permissions(access, &grant.holder),
        };
        self.issued.insert(token.clone(), issued);
        token
    }

    /// Checks the `Authorization` header and says what the token permits: application roles and
    /// delegated permissions have the same names.
    pub(crate) fn check(
        &mut self,
        header: Option<&str>,
        access: &Access,
    ) -> Result<Vec<String>, Unauthorized> {
        let token = header
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Unauthorized::Missing)?;
        let issued = self.issued.get_mut(token).ok_or(Unauthorized::Unknown)?;
        let used_up = access.token_uses.is_some_and(|uses| issued.used >= uses);
        if used_up || Instant::now() >= issued.expires {
            return Err(Unauthorized::Expired);
        }
        issued.used += 1;
        Ok(issued.permissions.clone())
    }

    /// Forgets every token.
    pub(crate) fn revoke(&mut self) {
        self.issued.clear();
    }
}

/// A user's delegated permissions are worth nothing without a role in the tenant.
fn permissions(access: &Access, holder: &Holder) -> Vec<String> {
    match holder {
        Holder::Application => access.roles.clone(),
        Holder::User { scopes } if user_roles::may_read(&access.user_roles) => scopes.clone(),
        Holder::User { .. } => Vec::new(),
    }
}

fn jwt(identity: &Identity, access: &Access, grant: &Grant, now: Ticks, number: u64) -> String {
    let seconds = now.div_euclid(SECOND);
    let lifetime = i64::try_from(access.token_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "lcw-simulator" });
    let mut claims = json!({
        "aud": access.token_audience.as_ref().unwrap_or(&grant.audience),
        "iss": format!("https://sts.windows.net/{}/", identity.tenant_id),
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + lifetime,
        "appid": identity.client_id,
        "app_displayname": "lcw",
        "tid": identity.tenant_id,
        "uti": random::guid_text(random::guid(number)),
        "ver": "1.0",
    });
    describe(&mut claims, access, &grant.holder);
    let signature: Vec<u8> = (0..32_u64)
        .flat_map(|word| random::mix(&[number, word]).to_be_bytes())
        .collect();
    format!(
        "{}.{}.{}",
        base64::encode(header.to_string().as_bytes()),
        base64::encode(claims.to_string().as_bytes()),
        base64::encode(&signature)
    )
}

/// Applications have roles; users have scopes, and the ids of their roles in the tenant.
fn describe(claims: &mut Value, access: &Access, holder: &Holder) {
    match holder {
        Holder::Application => {
            claims["idtyp"] = "app".into();
            claims["roles"] = json!(access.roles);
        }
        Holder::User { scopes } => {
            claims["idtyp"] = "user".into();
            claims["scp"] = scopes.join(" ").into();
            claims["wids"] = json!(access.user_roles);
        }
    }
}
