//! What a token says about itself, for whoever wants to explain a refusal.

use jiff::Timestamp;
use serde_json::Value;

use super::{audience, jwt};
use crate::origin::Origin;

/// The claims of an access token, read without verifying them: nothing may be decided by them
/// that the service would not decide again.
///
/// A claim that is missing, or of another type than it should be, is empty. What names the
/// signed-in user is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenClaims {
    /// Whom it is for (`aud`): an origin of Graph, or Graph's application id.
    pub aud: Vec<String>,
    /// The tenant's id, as it was written.
    pub tid: Option<String>,
    /// The permissions of an application.
    pub roles: Vec<String>,
    /// The permissions of an application that acts for a signed-in user.
    pub scp: Vec<String>,
    /// The template ids of the signed-in user's directory roles.
    pub wids: Vec<String>,
    /// The application that it was issued to (`appid`, in newer tokens `azp`).
    pub app_id: Option<String>,
    /// When it ends.
    pub exp: Option<Timestamp>,
}

impl TokenClaims {
    /// The claims of a JSON web token; `None` for anything else (a token may be opaque).
    pub fn read(token: &str) -> Option<Self> {
        let claims: Value = serde_json::from_slice(&jwt::payload(token)?).ok()?;
        claims.as_object()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let words = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect()
        };
        let texts = |name: &str| match claims.get(name) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(texts)) => texts
                .iter()
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        Some(Self {
            aud: texts("aud"),
            tid: text("tid"),
            roles: texts("roles"),
            scp: words("scp"),
            wids: texts("wids"),
            app_id: text("appid").or_else(|| text("azp")),
            exp: claims
                .get("exp")
                .and_then(Value::as_i64)
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        })
    }

    /// Whether an application acts for a signed-in user.
    pub fn is_delegated(&self) -> bool {
        !self.scp.is_empty()
    }

    /// The permissions that it carries.
    pub fn permissions(&self) -> &[String] {
        if self.is_delegated() {
            &self.scp
        } else {
            &self.roles
        }
    }

    /// Whether it is for this Graph, or does not say for whom it is.
    pub(crate) fn fits(&self, graph: &Origin) -> bool {
        audience::fits(&self.aud, graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_token_is_read_without_the_user() {
        // {"aud":"https://graph.microsoft.com","tid":"T","scp":"User.Read LifecycleWorkflows.Read.All",
        //  "wids":["w"],"azp":"a","exp":1790000000,"oid":"canary","upn":"canary@x.example"}
        let token = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20iLCJ0aWQiOiJUIiwic2NwIjoiVXNlci5SZWFkIExpZmVjeWNsZVdvcmtmbG93cy5SZWFkLkFsbCIsIndpZHMiOlsidyJdLCJhenAiOiJhIiwiZXhwIjoxNzkwMDAwMDAwLCJvaWQiOiJjYW5hcnkiLCJ1cG4iOiJjYW5hcnlAeC5leGFtcGxlIn0.s";
        let claims = TokenClaims::read(token).unwrap();
        assert!(claims.is_delegated());
        assert_eq!(
            claims.permissions(),
            ["User.Read", "LifecycleWorkflows.Read.All"]
        );
        assert_eq!(claims.wids, ["w"]);
        assert_eq!(claims.app_id.as_deref(), Some("a"));
        assert_eq!(claims.exp.unwrap().as_second(), 1_790_000_000);
        assert!(!format!("{claims:?}").contains("canary"));
        let origin = |url| Origin::parse(url).unwrap();
        assert!(claims.fits(&origin("https://graph.microsoft.com/")));
        assert!(!claims.fits(&origin("https://graph.microsoft.us")));
        // Like the check before a token is sent, this one knows this machine by all its names.
        let here = TokenClaims {
            aud: vec!["http://localhost:8365/".to_owned()],
            ..claims
        };
        assert!(here.fits(&origin("http://127.0.0.1:8365")));
    }

    #[test]
    fn claims_of_another_type_are_empty_and_an_opaque_token_has_none() {
        // {"aud":7,"roles":"One","scp":["a"],"exp":"soon"}
        let token = "e30.eyJhdWQiOjcsInJvbGVzIjoiT25lIiwic2NwIjpbImEiXSwiZXhwIjoic29vbiJ9.s";
        let claims = TokenClaims::read(token).unwrap();
        assert_eq!(claims.permissions(), ["One"]);
        assert_eq!((claims.exp, claims.aud.len()), (None, 0));
        assert!(claims.fits(&Origin::parse("https://graph.example").unwrap()));
        for token in ["", "opaque-1", "a.b", "e30.W10.s"] {
            assert_eq!(TokenClaims::read(token), None, "{token}");
        }
    }
}
