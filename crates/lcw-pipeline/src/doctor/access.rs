//! The token and the clock.

use jiff::{SignedDuration, Timestamp};
use lcw_extractor::{GraphClient, TokenClaims};

use super::Check;
use crate::error::PipelineError;
use crate::exit;
use crate::human;
use crate::request::Request;
use crate::tenant;

/// A clock that is off by more than this is worth a look.
const SKEWED: SignedDuration = SignedDuration::from_mins(1);
/// A clock that is off by more than this makes signed requests and tokens invalid.
const BROKEN: SignedDuration = SignedDuration::from_mins(5);

/// There is a token: what kind of one.
pub(super) fn token(claims: Option<&TokenClaims>) -> Check {
    let Some(claims) = claims else {
        let message = "obtained; it is opaque, so that only the requests below show what it allows";
        return Check::pass("token", message);
    };
    let whose = if claims.is_delegated() {
        "a signed-in user"
    } else {
        "an application"
    };
    let until = claims
        .exp
        .map_or_else(String::new, |exp| format!(", good until {exp}"));
    Check::pass("token", format!("obtained, of {whose}{until}"))
}

/// The token is for this Graph.
pub(super) fn audience(claims: &TokenClaims, client: &GraphClient) -> Check {
    if client.is_for_this_graph(claims) {
        return Check::pass("audience", "the token is for this Graph");
    }
    let message = format!("the token is for {}", claims.aud.join(", "));
    let remedy = "get a token for the Graph of the configured cloud, or correct cloud or graph_url";
    Check::fail(
        "audience",
        exit::CREDENTIALS,
        message,
        Some(remedy.to_owned()),
    )
}

/// The token's tenant is the configured one.
pub(super) fn tenant(request: &Request, claims: Option<&TokenClaims>) -> (Option<String>, Check) {
    let said = claims.and_then(|claims| claims.tid.as_deref());
    match tenant::resolve(request.tenant.as_deref(), said) {
        Ok(tenant) if said.is_none() => {
            let message = format!("{tenant}, as configured: the token does not say");
            (Some(tenant), Check::pass("tenant", message))
        }
        Ok(tenant) => {
            let check = Check::pass("tenant", tenant.clone());
            (Some(tenant), check)
        }
        Err(error) => (None, wrong_tenant(&error)),
    }
}

fn wrong_tenant(error: &PipelineError) -> Check {
    Check::fail(
        "tenant",
        error.exit_code(),
        error.to_string(),
        error.remedy(),
    )
}

/// This machine's clock against the service's; nothing when the service has not answered.
pub(super) fn clock(service: Option<Timestamp>, here: Timestamp) -> Option<Check> {
    let ahead = here.duration_since(service?);
    let off = ahead.abs();
    let by = human::duration(off.as_secs().unsigned_abs());
    let how = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let message = format!("this machine's clock is {by} {how} the service's");
    let remedy = "set the clock, and let a time service (NTP) keep it";
    Some(if off > BROKEN {
        Check::fail("clock", exit::FAILED, message, Some(remedy.to_owned()))
    } else if off > SKEWED {
        Check::warn("clock", message, remedy)
    } else {
        Check::pass("clock", message)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_may_be_a_minute_off_and_must_not_be_five() {
        let here: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (seconds, expected) in [
            (0, Verdict::Pass),
            (60, Verdict::Pass),
            (-61, Verdict::Warn),
            (300, Verdict::Warn),
            (-301, Verdict::Fail),
            (86_400, Verdict::Fail),
        ] {
            let service = here + SignedDuration::from_secs(seconds);
            let check = clock(Some(service), here).unwrap();
            assert_eq!(check.status, expected, "{}", check.message);
            let how = if seconds > 0 { "behind" } else { "ahead of" };
            let by = human::duration(seconds.unsigned_abs());
            let said = format!("{by} {how} the service's");
            assert!(check.message.contains(&said), "{}", check.message);
        }
        assert_eq!(clock(None, here), None);
    }
}
