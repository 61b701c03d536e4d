//! The token endpoint, and the tokens that it has issued.

use std::collections::HashMap;

use serde_json::json;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::base64;
use crate::config::Access;
use crate::query;
use crate::random;
use crate::ticks::{self, SECOND, Ticks};

/// Origins of Graph whose `/.default` scope is taken besides the simulator's own.
const GRAPH_ORIGINS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Who may have a token.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) seed: u64,
    pub(crate) origin: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
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
    roles: Vec<String>,
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

/// An error of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
}

impl TokenBook {
    /// Makes a token with the roles that the configuration names now.
    pub(crate) fn issue(&mut self, identity: &Identity, access: &Access, now: Ticks) -> String {
        self.count += 1;
        let number = random::mix(&[identity.seed, 0x70_6e, self.count]);
        let token = if access.opaque_tokens {
            format!("opaque-{}", random::guid_text(random::guid(number)))
        } else {
            jwt(identity, access, now, number)
        };
        let expires = Instant::now() + access.token_lifetime;
        let roles = access.roles.clone();
        self.issued.insert(
            token.clone(),
            Issued {
                expires,
                used: 0,
                roles,
            },
        );
        token
    }

    /// Checks the `Authorization` header and says the token's roles.
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
        Ok(issued.roles.clone())
    }

    /// Forgets every token.
    pub(crate) fn revoke(&mut self) {
        self.issued.clear();
    }

    /// Answers a request of the token endpoint.
    pub(crate) fn answer(
        &mut self,
        identity: &Identity,
        access: &Access,
        tenant: &str,
        form: &str,
        now: Ticks,
    ) -> Answer {
        match examine(identity, access, tenant, form) {
            Ok(()) => {
                let token = self.issue(identity, access, now);
                let lifetime = access.token_lifetime.as_secs();
                let body = json!({
                    "token_type": "Bearer",
                    "expires_in": lifetime,
                    "ext_expires_in": lifetime,
                    "access_token": token,
                });
                plain(Answer::json(200, body.to_string()))
            }
            Err(refusal) => plain(refusal.answer(identity.seed ^ self.count, now)),
        }
    }
}

fn plain(answer: Answer) -> Answer {
    Answer {
        content_type: "application/json; charset=utf-8",
        ..answer
    }
    .with("cache-control", "no-store, no-cache".to_owned())
}

impl Refusal {
    fn answer(&self, seed: u64, now: Ticks) -> Answer {
        let trace = random::guid_text(random::guid(seed));
        let correlation = random::guid_text(random::guid(seed ^ 1));
        let instant = ticks::instant_text(now.div_euclid(SECOND) * SECOND).replace('T', " ");
        let body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {instant}",
                self.code, self.text,
            ),
            "error_codes": [self.code],
            "timestamp": instant,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        Answer::json(self.status, body.to_string())
    }
}

fn refuse(status: u16, error: &'static str, code: u32, text: String) -> Refusal {
    Refusal {
        status,
        error,
        code,
        text,
    }
}

fn field(form: &str, name: &str) -> Result<String, Refusal> {
    query::value(form, name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            refuse(400, "invalid_request", 900_144, text)
        })
}

fn examine(identity: &Identity, access: &Access, tenant: &str, form: &str) -> Result<(), Refusal> {
    if ![&identity.tenant_id, &access.domain]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(tenant))
    {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        );
        return Err(refuse(400, "invalid_request", 90_002, text));
    }
    let grant = field(form, "grant_type")?;
    if grant != "client_credentials" {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(refuse(400, "unsupported_grant_type", 70_003, text));
    }
    let client = field(form, "client_id")?;
    if !client.eq_ignore_ascii_case(&identity.client_id) {
        let text =
            format!("Application with identifier '{client}' was not found in the directory.");
        return Err(refuse(400, "unauthorized_client", 700_016, text));
    }
    let scope = field(form, "scope")?;
    if !is_known_scope(&scope, &identity.origin) {
        let text = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        return Err(refuse(400, "invalid_scope", 70_011, text));
    }
    if field(form, "client_secret")? != identity.client_secret {
        let text = "Invalid client secret provided. Ensure the secret being sent in the request is the \
                    client secret value, not the client secret ID.";
        return Err(refuse(401, "invalid_client", 7_000_215, text.to_owned()));
    }
    Ok(())
}

fn is_known_scope(scope: &str, origin: &str) -> bool {
    let known = |audience: &str| {
        let audience = audience.trim_end_matches('/');
        audience == origin
            || audience == origin.replace("127.0.0.1", "localhost")
            || GRAPH_ORIGINS.contains(&audience)
    };
    scope.strip_suffix("/.default").is_some_and(known)
}

fn jwt(identity: &Identity, access: &Access, now: Ticks, number: u64) -> String {
    let seconds = now.div_euclid(SECOND);
    let lifetime = i64::try_from(access.token_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "lcw-simulator" });
    let claims = json!({
        "aud": identity.origin,
        "iss": format!("https://sts.windows.net/{}/", identity.tenant_id),
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + lifetime,
        "appid": identity.client_id,
        "app_displayname": "lcw",
        "idtyp": "app",
        "tid": identity.tenant_id,
        "roles": access.roles,
        "uti": random::guid_text(random::guid(number)),
        "ver": "1.0",
    });
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
