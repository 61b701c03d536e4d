//! The endpoints that Azure gives to its machines (IMDS) and apps (App Service).

use jiff::Timestamp;
use serde_json::json;

use crate::answer::Answer;
use crate::authority::{Authority, is_graph};
use crate::config::Access;
use crate::query;
use crate::service::Asked;
use crate::ticks::Ticks;
use crate::token::{Grant, Holder, Identity};

/// Which of them is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManagedHost {
    Imds,
    AppService,
}

impl ManagedHost {
    const fn version(self) -> &'static str {
        match self {
            Self::Imds => "2018-02-01",
            Self::AppService => "2019-08-01",
        }
    }

    /// What keeps others out: a header that no forwarded request has, or one that nobody else knows.
    fn admits(self, asked: &Asked, identity: &Identity) -> bool {
        match self {
            Self::Imds => asked.metadata.as_deref() == Some("true") && !asked.is_forwarded,
            Self::AppService => {
                asked.identity_header.as_deref() == Some(identity.app_header.as_str())
            }
        }
    }

    fn refuse(self, status: u16, why: &str) -> Answer {
        let body = match self {
            Self::Imds => json!({ "error": "invalid_request", "error_description": why }),
            Self::AppService => json!({ "statusCode": status, "message": why }),
        };
        Answer::json(status, body.to_string())
    }

    /// Answers a request for a token. Numbers are texts.
    pub(crate) fn token(
        self,
        authority: &mut Authority,
        identity: &Identity,
        access: &Access,
        asked: &Asked,
        now: Ticks,
    ) -> Answer {
        let field = |name: &str| query::value(&asked.query, name);
        if !self.admits(asked, identity) {
            return self.refuse(400, "Required metadata header not specified");
        }
        if field("api-version").as_deref() != Some(self.version()) {
            return self.refuse(400, "The api-version is not supported");
        }
        let Some(audience) = field("resource").filter(|text| is_graph(text, &identity.origin))
        else {
            return self.refuse(400, "The resource principal was not found");
        };
        let client_id = field("client_id");
        if client_id.is_some_and(|id| !id.eq_ignore_ascii_case(&identity.client_id)) {
            return self.refuse(400, "Identity not found");
        }
        let grant = Grant {
            audience: audience.clone(),
            holder: Holder::Application,
        };
        let token = authority.tokens.issue(identity, access, &grant, now);
        let lifetime = i64::try_from(access.token_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
        let mut body = json!({
            "access_token": token,
            "client_id": identity.client_id,
            "expires_on": (Timestamp::now().as_second() + lifetime).to_string(),
            "resource": audience,
            "token_type": "Bearer",
        });
        if self == Self::Imds {
            body["expires_in"] = lifetime.to_string().into();
            body["refresh_token"] = "".into();
        }
        Answer::json(200, body.to_string())
    }
}
