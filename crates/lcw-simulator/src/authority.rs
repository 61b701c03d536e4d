//! The login service: checks what proves an identity, as Entra does, and issues tokens.

mod assertion;
mod device;
mod refusal;
mod scope;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::config::Access;
use crate::query;
use crate::random;
use crate::ticks::Ticks;
use crate::token::{Grant, Holder, Identity, TokenBook};
use device::DeviceBook;
use refusal::{Refusal, refuse};

pub(crate) use assertion::unsigned_jwt;
pub(crate) use scope::is_graph;

/// What the login service remembers.
#[derive(Debug, Default)]
pub(crate) struct Authority {
    pub(crate) tokens: TokenBook,
    /// What the issuer of the federated identity has written into its file last.
    pub(crate) federated_token: Option<String>,
    /// Assertions that have been used: each is good once.
    used_assertions: HashSet<String>,
    devices: DeviceBook,
    /// What each refresh token stands for.
    refresh_tokens: HashMap<String, Grant>,
}

/// One request to the login service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoginAsk<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) access: &'a Access,
    /// The tenant in the path.
    pub(crate) tenant: &'a str,
    pub(crate) form: &'a str,
    pub(crate) now: Ticks,
}

impl LoginAsk<'_> {
    /// A field that has to be there.
    fn field(&self, name: &str) -> Result<String, Refusal> {
        self.optional(name).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            refuse(400, "invalid_request", 900_144, text)
        })
    }

    fn optional(&self, name: &str) -> Option<String> {
        query::value(self.form, name).filter(|value| !value.is_empty())
    }

    fn check_tenant(&self) -> Result<(), Refusal> {
        let known = [&self.identity.tenant_id, &self.access.domain];
        if known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(self.tenant))
        {
            return Ok(());
        }
        let text = format!(
            "Tenant '{}' not found. Check to make sure you have the correct tenant ID.",
            self.tenant
        );
        Err(refuse(400, "invalid_request", 90_002, text))
    }

    fn check_client(&self) -> Result<(), Refusal> {
        let client = self.field("client_id")?;
        if client.eq_ignore_ascii_case(&self.identity.client_id) {
            return Ok(());
        }
        let text =
            format!("Application with identifier '{client}' was not found in the directory.");
        Err(refuse(400, "unauthorized_client", 700_016, text))
    }

    /// Whether the application may sign people in without a secret.
    fn check_public_client(&self) -> Result<(), Refusal> {
        if self.access.public_client {
            return Ok(());
        }
        Err(proof_missing())
    }
}

impl Authority {
    /// Answers a request of the token endpoint.
    pub(crate) fn token(&mut self, ask: &LoginAsk<'_>) -> Answer {
        let granted = self.examine(ask).map(|grant| self.granted(ask, &grant));
        self.finish(ask, granted)
    }

    /// Answers a request of the device code endpoint.
    pub(crate) fn device_code(&mut self, ask: &LoginAsk<'_>) -> Answer {
        let begun = self.begin(ask);
        self.finish(ask, begun)
    }

    fn begin(&mut self, ask: &LoginAsk<'_>) -> Result<Value, Refusal> {
        ask.check_tenant()?;
        ask.check_client()?;
        ask.check_public_client()?;
        let grant = scope::delegated(ask)?;
        Ok(self.devices.begin(ask, grant))
    }

    fn finish(&self, ask: &LoginAsk<'_>, answer: Result<Value, Refusal>) -> Answer {
        plain(match answer {
            Ok(body) => Answer::json(200, body.to_string()),
            Err(refusal) => refusal.answer(ask.identity.seed ^ self.tokens.count(), ask.now),
        })
    }

    /// What a token request is entitled to.
    fn examine(&mut self, ask: &LoginAsk<'_>) -> Result<Grant, Refusal> {
        ask.check_tenant()?;
        let kind = ask.field("grant_type")?;
        match kind.as_str() {
            "client_credentials" => self.application(ask),
            device::GRANT => {
                ask.check_client()?;
                ask.check_public_client()?;
                self.devices.poll(ask)
            }
            "refresh_token" => {
                ask.check_client()?;
                self.refreshed(ask)
            }
            _ => {
                let text = format!("The app requested an unsupported grant type '{kind}'.");
                Err(refuse(400, "unsupported_grant_type", 70_003, text))
            }
        }
    }

    fn application(&mut self, ask: &LoginAsk<'_>) -> Result<Grant, Refusal> {
        ask.check_client()?;
        let audience = scope::application(ask)?;
        let secret = ask.optional("client_secret");
        match (secret, ask.optional("client_assertion")) {
            (Some(secret), _) => check_secret(ask, &secret)?,
            (None, Some(assertion)) => self.check_assertion(ask, &assertion)?,
            (None, None) => return Err(proof_missing()),
        }
        Ok(Grant {
            audience,
            holder: Holder::Application,
        })
    }

    fn refreshed(&self, ask: &LoginAsk<'_>) -> Result<Grant, Refusal> {
        let token = ask.field("refresh_token")?;
        self.refresh_tokens.get(&token).cloned().ok_or_else(|| {
            let text = "The refresh token has expired or was revoked.".to_owned();
            refuse(400, "invalid_grant", 700_082, text)
        })
    }

    /// A token, and what gets the next one where that was asked for.
    fn granted(&mut self, ask: &LoginAsk<'_>, grant: &Grant) -> Value {
        let token = self.tokens.issue(ask.identity, ask.access, grant, ask.now);
        let lifetime = ask.access.token_lifetime.as_secs();
        let mut body = json!({
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        });
        if let Holder::User { scopes } = &grant.holder {
            body["scope"] = scopes.join(" ").into();
            let number = random::mix(&[ask.identity.seed, 0x4e_f4, self.tokens.count()]);
            let refresh_token = format!("sim-refresh-{}", random::guid_text(random::guid(number)));
            self.refresh_tokens
                .insert(refresh_token.clone(), grant.clone());
            body["refresh_token"] = refresh_token.into();
        }
        body
    }

    /// Ends every sign-in of a person: refresh tokens are refused.
    pub(crate) fn revoke_sign_ins(&mut self) {
        self.refresh_tokens.clear();
    }
}

fn check_secret(ask: &LoginAsk<'_>, secret: &str) -> Result<(), Refusal> {
    if secret == ask.identity.client_secret {
        return Ok(());
    }
    let text = "Invalid client secret provided. Ensure the secret being sent in the request is the \
                client secret value, not the client secret ID.";
    Err(refuse(401, "invalid_client", 7_000_215, text.to_owned()))
}

fn proof_missing() -> Refusal {
    let text = "The request body must contain the following parameter: 'client_assertion' or \
                'client_secret'.";
    refuse(401, "invalid_client", 7_000_218, text.to_owned())
}

fn plain(answer: Answer) -> Answer {
    Answer {
        content_type: "application/json; charset=utf-8",
        ..answer
    }
    .with("cache-control", "no-store, no-cache".to_owned())
}
