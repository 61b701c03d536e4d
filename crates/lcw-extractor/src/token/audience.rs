//! Whom a token is for: a token for one cloud is never sent to another.

use super::{TokenError, jwt};
use crate::config::Cloud;
use crate::origin::Origin;
use crate::text::presentable;

/// Graph's application id, which tokens may name instead of its origin. The same in every cloud.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// Refuses a token that says it is for somebody else than this Graph.
///
/// Opaque tokens, and tokens that do not say, pass: the service decides.
///
/// # Errors
/// [`TokenError::Audience`].
pub(super) fn check(token: &str, graph: &Origin) -> Result<(), TokenError> {
    let Some(claims) = jwt::claims(token) else {
        return Ok(());
    };
    let audiences = claims.audiences();
    let refused = audiences.first().filter(|_| !fits(audiences, graph));
    let Some(first) = refused else {
        return Ok(());
    };
    Err(TokenError::Audience {
        audience: presentable(first),
        graph: graph.to_string(),
        remedy: remedy(first, graph),
    })
}

/// Whether a token with these audiences is for this Graph, or does not say for whom it is.
pub(super) fn fits(audiences: &[String], graph: &Origin) -> bool {
    audiences.is_empty() || audiences.iter().any(|audience| is_for(audience, graph))
}

fn is_for(audience: &str, graph: &Origin) -> bool {
    audience.eq_ignore_ascii_case(GRAPH_APP)
        || Origin::parse(audience)
            .is_ok_and(|origin| origin == *graph || origin.is_same_loopback(graph))
}

fn remedy(audience: &str, graph: &Origin) -> String {
    let other = Origin::parse(audience)
        .ok()
        .and_then(|origin| Cloud::of_graph(&origin));
    match other {
        Some(cloud) => format!(
            "it was not sent: set cloud = \"{cloud}\" (--cloud {cloud}), or get a token for {graph}"
        ),
        None => format!("it was not sent: get a token with the scope {graph}/.default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.x", jwt::encode_base64url(claims.as_bytes()))
    }

    fn check_at(graph: &str, claims: &str) -> Result<(), TokenError> {
        check(&token(claims), &Origin::parse(graph).unwrap())
    }

    #[test]
    fn a_token_for_this_graph_passes_however_it_is_spelled() {
        for cloud in Cloud::ALL {
            let graph = cloud.graph_url();
            for audience in [
                format!("\"{graph}\""),
                format!("\"{graph}/\""),
                format!("\"{}\"", graph.to_uppercase()),
                format!("\"{GRAPH_APP}\""),
                format!("[\"api://other\",\"{graph}\"]"),
            ] {
                let claims = format!("{{\"aud\":{audience}}}");
                assert!(check_at(graph, &claims).is_ok(), "{claims}");
            }
        }
        let claims = r#"{"aud":"http://localhost:8365/"}"#;
        assert!(check_at("http://127.0.0.1:8365", claims).is_ok());
    }

    #[test]
    fn a_token_that_does_not_say_passes() {
        let graph = Origin::parse(Cloud::Global.graph_url()).unwrap();
        for token in ["opaque".to_owned(), token("{}"), token(r#"{"aud":7}"#)] {
            assert!(check(&token, &graph).is_ok(), "{token}");
        }
    }

    #[test]
    fn a_token_of_another_cloud_is_refused_with_the_name_of_its_cloud() {
        for cloud in Cloud::ALL {
            for other in Cloud::ALL.into_iter().filter(|other| *other != cloud) {
                let claims = format!("{{\"aud\":\"{}/\"}}", other.graph_url());
                let error = check_at(cloud.graph_url(), &claims).unwrap_err();
                assert!(error.remedy().contains(&format!("--cloud {other}")));
                assert!(error.to_string().contains(cloud.graph_url()), "{error}");
            }
        }
    }

    #[test]
    fn a_token_for_another_service_is_refused() {
        for audience in [
            "https://management.azure.com",
            "https://graph.microsoft.com.evil.example",
            "http://graph.microsoft.com",
            "https://graph.microsoft.com/v1.0",
            "00000002-0000-0000-c000-000000000000",
            "",
        ] {
            let claims = format!("{{\"aud\":\"{audience}\"}}");
            let error = check_at("https://graph.microsoft.com", &claims).unwrap_err();
            assert!(
                error
                    .remedy()
                    .contains("https://graph.microsoft.com/.default")
            );
        }
        let claims = r#"{"aud":"http://127.0.0.1:8365"}"#;
        assert!(check_at("http://127.0.0.1:8366", claims).is_err());
    }
}
