//! What a token is asked for.

use super::LoginAsk;
use super::refusal::{Refusal, refuse};
use crate::token::{Grant, Holder};

/// Origins of Graph that are taken besides the simulator's own.
const GRAPH_ORIGINS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];
/// What a sign-in may ask for besides permissions of Graph.
const OPENID: [&str; 3] = ["offline_access", "openid", "profile"];

/// Whether this is a Graph, the simulator's own or a real one.
pub(crate) fn is_graph(audience: &str, origin: &str) -> bool {
    let audience = audience.trim_end_matches('/');
    audience == origin
        || audience == origin.replace("127.0.0.1", "localhost")
        || GRAPH_ORIGINS.contains(&audience)
}

/// The resource that an application asks for: `{graph}/.default` and nothing else.
pub(super) fn application(ask: &LoginAsk<'_>) -> Result<String, Refusal> {
    let scope = ask.field("scope")?;
    scope
        .strip_suffix("/.default")
        .filter(|audience| is_graph(audience, &ask.identity.origin))
        .map(str::to_owned)
        .ok_or_else(|| unknown(&scope))
}

/// The delegated permissions that a sign-in asks for: `{graph}/{permission}`, several.
pub(super) fn delegated(ask: &LoginAsk<'_>) -> Result<Grant, Refusal> {
    let asked = ask.field("scope")?;
    let mut grant = Grant {
        audience: ask.identity.origin.clone(),
        holder: Holder::Application,
    };
    let mut scopes = Vec::new();
    for scope in asked.split(' ').filter(|scope| !OPENID.contains(scope)) {
        let (audience, permission) = scope
            .rsplit_once('/')
            .filter(|(audience, _)| is_graph(audience, &ask.identity.origin))
            .ok_or_else(|| unknown(scope))?;
        audience.clone_into(&mut grant.audience);
        scopes.push(permission.to_owned());
    }
    grant.holder = Holder::User { scopes };
    Ok(grant)
}

/// Every delegated permission needs an administrator's consent.
pub(super) fn check_consent(ask: &LoginAsk<'_>, grant: &Grant) -> Result<(), Refusal> {
    let Holder::User { scopes } = &grant.holder else {
        return Ok(());
    };
    if scopes.iter().all(|scope| ask.access.scopes.contains(scope)) {
        return Ok(());
    }
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{}' named 'lcw'.",
        ask.identity.client_id
    );
    Err(refuse(400, "invalid_grant", 65_001, text))
}

fn unknown(scope: &str) -> Refusal {
    let text = format!(
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
    );
    refuse(400, "invalid_scope", 70_011, text)
}
