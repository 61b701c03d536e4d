//! The body of a refusal.

use serde_json::{Map, Value};

/// Codes that Graph documents, and those its directory and gateway are known to send. An inner
/// code that is not here (a bare status number, mostly) says less than the code around it.
/// In lower case: their spelling differs between the services behind Graph.
const KNOWN_CODES: [&str; 41] = [
    "accessdenied",
    "activitylimitreached",
    "authentication_expiredtoken",
    "authorization_identitynotfound",
    "authorization_requestdenied",
    "badrequest",
    "directory_expiredpagetoken",
    "directorypagetokennotfoundexception",
    "forbidden",
    "gatewaytimeout",
    "generalexception",
    "internalservererror",
    "invalidauthenticationtoken",
    "invalidrange",
    "invalidrequest",
    "itemnotfound",
    "malwaredetected",
    "namealreadyexists",
    "notallowed",
    "notfound",
    "notsupported",
    "quotalimitreached",
    "request_badrequest",
    "request_resourcenotfound",
    "request_throttledtemporarily",
    "request_unsupportedquery",
    "resourcemodified",
    "resourcenotfound",
    "resyncrequired",
    "service_internalservererror",
    "servicenotavailable",
    "serviceunavailable",
    "syncstatenotfound",
    "tokenexpired",
    "tokennotfound",
    "toomanyredirects",
    "toomanyrequests",
    "unauthenticated",
    "unauthorized",
    "unknownerror",
    "unsupportedquery",
];

/// Inner errors nest; more levels than this are not looked at.
const MAX_DEPTH: usize = 16;
/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 1000;

/// What Graph says about a request that it refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ODataError {
    /// The outer code; may be empty. Branch on [`most_specific_code`](Self::most_specific_code).
    pub code: String,
    /// For people, in one line; may change at any time.
    pub message: String,
    /// `request-id`: what Microsoft's support asks for.
    pub request_id: Option<String>,
    /// `client-request-id`: what the client sent.
    pub client_request_id: Option<String>,
    /// `date` of the inner error, as sent.
    pub date: Option<String>,
    /// Codes of the inner errors, outermost first.
    pub inner_codes: Vec<String>,
}

impl ODataError {
    /// The innermost code that is a known one; else the outer code; else the first inner one;
    /// empty when there is none at all.
    pub fn most_specific_code(&self) -> &str {
        let known = |code: &&String| {
            KNOWN_CODES
                .iter()
                .any(|known| code.eq_ignore_ascii_case(known))
        };
        if let Some(code) = self.inner_codes.iter().rev().find(known) {
            return code;
        }
        if self.code.is_empty() {
            return self.inner_codes.first().map_or("", String::as_str);
        }
        &self.code
    }
}

/// Reads the body of a refusal, `{"error": {"code", "message", "innerError" | "innererror"}}`.
///
/// `None` for everything else: a gateway's HTML page, an empty body, bytes that are no text.
pub fn parse_error(body: &[u8]) -> Option<ODataError> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?.as_object()?;
    let mut parsed = ODataError {
        code: text(error, "code").unwrap_or_default(),
        message: text(error, "message").unwrap_or_default(),
        ..ODataError::default()
    };
    let mut level = error;
    for _ in 0..MAX_DEPTH {
        let Some(inner) = inner_error(level) else {
            break;
        };
        parsed
            .inner_codes
            .extend(text(inner, "code").filter(|code| !code.is_empty()));
        parsed.request_id = parsed.request_id.or_else(|| text(inner, "request-id"));
        parsed.client_request_id = parsed
            .client_request_id
            .or_else(|| text(inner, "client-request-id"));
        parsed.date = parsed.date.or_else(|| text(inner, "date"));
        if parsed.message.is_empty() {
            parsed.message = text(inner, "message").unwrap_or_default();
        }
        level = inner;
    }
    Some(parsed)
}

fn inner_error(error: &Map<String, Value>) -> Option<&Map<String, Value>> {
    ["innerError", "innererror"]
        .iter()
        .find_map(|name| error.get(*name)?.as_object())
}

/// A string or number as one line of text.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) => {
            let one_line = text
                .chars()
                .map(|char| if char.is_control() { ' ' } else { char });
            Some(one_line.take(MAX_MESSAGE).collect())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
