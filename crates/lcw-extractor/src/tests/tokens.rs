use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::support::{
    Delivery, Reply, Seen, Server, client, collect_all, collect_error, config, ready_token,
};
use crate::{
    ClientConfig, ClientSecret, ConfigError, ErrorKind, ExtractError, GraphClient, ReadyToken,
    SecretString,
};

const TENANT: &str = "7F1C0F52-0000-4000-8000-00000000a11c";
const TOKEN_PATH: &str = "/7F1C0F52-0000-4000-8000-00000000a11c/oauth2/v2.0/token";

fn is_token_request(seen: &Seen) -> bool {
    seen.path().ends_with("/oauth2/v2.0/token")
}

fn token(name: &str, expires_in: &str) -> Reply {
    let body =
        format!(r#"{{"token_type":"Bearer","expires_in":{expires_in},"access_token":"{name}"}}"#);
    Reply::new(200, body)
}

fn refusal(error: &str, description: &str) -> Reply {
    let body = serde_json::json!({
        "error": error,
        "error_description": format!("{description}\r\nTrace ID: canary-trace\r\nTimestamp: x"),
        "error_codes": [7_000_215],
        "correlation_id": "c0ffee00-1111-4222-8333-444444444444",
    });
    Reply::new(401, body.to_string())
}

fn secret(server: &Server) -> ClientSecret {
    let secret = SecretString::from("canary-secret&=%");
    ClientSecret::new(&server.url, TENANT, "client-1", secret).unwrap()
}

fn secret_client(server: &Server) -> GraphClient {
    GraphClient::new(config(server), secret(server)).unwrap()
}

fn bearer(seen: &Seen) -> &str {
    seen.header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
}

/// A Graph that takes each token for so many requests, and its token service.
async fn expiring(uses: usize, fetches: Arc<AtomicUsize>) -> Server {
    let mut left = 0;
    Server::start(move |seen, _| {
        if is_token_request(seen) {
            let number = fetches.fetch_add(1, Ordering::SeqCst) + 1;
            left = uses;
            return token(&format!("token-{number}"), "3599").after(Duration::from_millis(50));
        }
        let is_current = bearer(seen) == format!("token-{}", fetches.load(Ordering::SeqCst));
        if is_current && left > 0 {
            left -= 1;
            return Reply::page(&["a"], None).after(Duration::from_millis(20));
        }
        Reply::status(401).after(Duration::from_millis(20))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_posted_as_a_form_to_the_tenants_token_endpoint() {
    let server = Server::start(|seen, _| {
        if is_token_request(seen) {
            token("t", "3599")
        } else {
            Reply::page(&[], None)
        }
    })
    .await;
    collect_all(&secret_client(&server)).await;
    let seen = server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", TOKEN_PATH)
    );
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let scope = format!("{}/.default", server.url)
        .replace(':', "%3A")
        .replace('/', "%2F");
    let form = format!(
        "client_id=client-1&scope={scope}&client_secret=canary-secret%26%3D%25&grant_type=client_credentials"
    );
    assert_eq!(seen[0].body, form);
    assert_eq!(bearer(&seen[1]), "t");
}

#[tokio::test(start_paused = true)]
async fn sixteen_workers_share_one_fetch() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let server = expiring(1000, Arc::clone(&fetches)).await;
    let client = secret_client(&server);
    for ids in join_all((0..16).map(|_| collect_all(&client))).await {
        assert_eq!(ids, ["a"]);
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert_eq!(client.stats().sent, 16, "token requests are not counted");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_in_mid_run_is_replaced_once_for_all_workers() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let server = expiring(20, Arc::clone(&fetches)).await;
    let client = secret_client(&server);
    for ids in join_all((0..16).map(|_| collect_all(&client))).await {
        assert_eq!(ids, ["a"]);
    }
    for ids in join_all((0..16).map(|_| collect_all(&client))).await {
        assert_eq!(ids, ["a"]);
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_for_three_requests_fails_no_run() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let server = expiring(3, Arc::clone(&fetches)).await;
    let client = secret_client(&server);
    let workers = (0..16).map(|_| async {
        for _ in 0..4 {
            assert_eq!(collect_all(&client).await, ["a"]);
        }
    });
    join_all(workers).await;
    assert!(
        (22..=64).contains(&fetches.load(Ordering::SeqCst)),
        "{fetches:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_by_a_number_or_a_text() {
    for lifetime in ["3600", "\"3600\"", "3600.0"] {
        let fetches = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&fetches);
        let server = Server::start(move |seen, _| {
            if is_token_request(seen) {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                return token(&format!("token-{number}"), lifetime);
            }
            Reply::page(&[], None)
        })
        .await;
        let client = secret_client(&server);
        collect_all(&client).await;
        sleep(Duration::from_secs(3200)).await;
        collect_all(&client).await;
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        sleep(Duration::from_secs(200)).await;
        collect_all(&client).await;
        assert_eq!(fetches.load(Ordering::SeqCst), 2, "{lifetime}");
        let used: Vec<_> = server
            .seen()
            .iter()
            .filter(|seen| !is_token_request(seen))
            .map(|seen| bearer(seen).to_owned())
            .collect();
        assert_eq!(used, ["token-1", "token-1", "token-2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_yet_serves_until_its_end() {
    let server = Server::start(|seen, index| match (is_token_request(seen), index) {
        (true, 0) => token("old", "3600"),
        (true, _) => Reply::new(503, ""),
        (false, _) => Reply::page(&["a"], None),
    })
    .await;
    let client = secret_client(&server);
    collect_all(&client).await;
    sleep(Duration::from_secs(3400)).await;
    assert_eq!(collect_all(&client).await, ["a"]);
    sleep(Duration::from_mins(5)).await;
    let error = collect_error(&client).await;
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Service, Some(503))
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_during_a_pause_is_not_sent() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fetches);
    let server = Server::start(move |seen, index| match (is_token_request(seen), index) {
        (true, _) => {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            token(&format!("token-{number}"), "3600").after(Duration::from_secs(1))
        }
        (false, 1) => Reply::status(429).with("retry-after", "7200"),
        (false, _) => Reply::page(&["a"], None),
    })
    .await;
    assert_eq!(collect_all(&secret_client(&server)).await, ["a"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    assert_eq!((bearer(&seen[1]), bearer(&seen[3])), ("token-1", "token-2"));
    assert!(seen[3].at - seen[1].at >= Duration::from_hours(2));
}

#[tokio::test(start_paused = true)]
async fn a_second_401_in_a_row_is_the_end() {
    let server = Server::start(|seen, _| {
        if is_token_request(seen) {
            token("t", "3599")
        } else {
            Reply::status(401)
        }
    })
    .await;
    let error = collect_error(&secret_client(&server)).await;
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Credentials, Some(401), Some("code401"))
    );
    assert_eq!(server.count(), 4, "two tokens, two requests");
}

#[tokio::test(start_paused = true)]
async fn a_refused_ready_token_is_not_tried_twice_and_the_remedy_says_so() {
    let server = Server::replies(vec![Reply::status(401)]).await;
    let error = collect_error(&client(&server)).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Credentials, 1));
    assert!(
        error.remedy().contains("LCW_ACCESS_TOKEN"),
        "{}",
        error.remedy()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_secret_shows_the_first_line_of_the_reason() {
    for (error, text, remedy) in [
        (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
            "secret's value",
        ),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys are expired.",
            "expired",
        ),
        (
            "unauthorized_client",
            "AADSTS700016: Application not found.",
            "client id",
        ),
        (
            "invalid_request",
            "AADSTS90002: Tenant not found.",
            "tenant id",
        ),
        ("something_else", "no code", "check"),
    ] {
        let server = Server::replies(vec![refusal(error, text)]).await;
        let client = secret_client(&server);
        for found in join_all((0..4).map(|_| collect_error(&client))).await {
            assert_eq!(
                (found.kind(), found.code()),
                (ErrorKind::Credentials, Some(error))
            );
            assert_eq!(
                found.request_id(),
                Some("c0ffee00-1111-4222-8333-444444444444")
            );
            let shown = found.to_string();
            assert!(
                shown.contains(text) && shown.contains("correlation id c0ffee00"),
                "{shown}"
            );
            assert!(!format!("{found:?}").contains("canary"), "{found:?}");
            assert!(found.remedy().contains(remedy), "{}", found.remedy());
        }
        assert_eq!(server.count(), 1, "one refusal for all who waited");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_stumbles_is_asked_again() {
    let troubles = [
        Reply::status(500),
        Reply::status(429).with("retry-after", "5"),
        Reply::status(503).with("retry-after", "5"),
        Reply::new(502, "<html>"),
        Reply::new(200, "<html>"),
        refusal("temporarily_unavailable", "AADSTS90033: A transient error."),
        Reply::new(200, "").delivered(Delivery::Reset),
        token("t", "1").delivered(Delivery::CutAfter(10)),
    ];
    for trouble in troubles {
        let first = trouble.clone();
        let server = Server::start(move |seen, index| match index {
            0 => first.clone(),
            _ if is_token_request(seen) => token("t", "3599"),
            _ => Reply::page(&["a"], None),
        })
        .await;
        assert_eq!(
            collect_all(&secret_client(&server)).await,
            ["a"],
            "{trouble:?}"
        );
        let seen = server.seen();
        assert_eq!(seen.len(), 3, "{trouble:?}");
        if trouble
            .headers
            .iter()
            .any(|(name, _)| name == "retry-after")
        {
            assert!(seen[1].at - seen[0].at >= Duration::from_secs(5));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_keeps_failing_is_given_up() {
    for (reply, kind, sent) in [
        (Reply::status(503), ErrorKind::Service, 8),
        (
            Reply::new(200, "").delivered(Delivery::Reset),
            ErrorKind::Network,
            8,
        ),
        (Reply::new(404, "<html>canary"), ErrorKind::Credentials, 1),
        (
            Reply::new(302, "").with("location", "http://127.0.0.1:1/canary"),
            ErrorKind::Credentials,
            1,
        ),
    ] {
        let server = Server::replies(vec![reply]).await;
        let error = collect_error(&secret_client(&server)).await;
        assert_eq!((error.kind(), server.count()), (kind, sent), "{error}");
        assert!(error.to_string().contains(TOKEN_PATH), "{error}");
        assert!(
            !format!("{error:?} {error}").contains("canary"),
            "{error:?}"
        );
        assert!(!error.remedy().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_the_wait_for_a_token() {
    let server = Server::replies(vec![Reply::status(429).with("retry-after", "3600")]).await;
    let mut config = config(&server);
    config.deadline = Some(Duration::from_mins(10));
    let started = Instant::now();
    let error = collect_error(&GraphClient::new(config, secret(&server)).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_years_is_not_waited_for_even_without_a_deadline() {
    let server = Server::replies(vec![Reply::status(429).with("retry-after", "99999999")]).await;
    let mut config = config(&server);
    config.deadline = None;
    let started = Instant::now();
    let error = collect_error(&GraphClient::new(config, secret(&server)).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_tenant_is_read_from_the_token() {
    let server = Server::replies(vec![Reply::page(&[], None)]).await;
    assert_eq!(
        client(&server).tenant_id().await.unwrap(),
        None,
        "an opaque token"
    );
    // {"tid":"7F1C0F52-0000-4000-8000-00000000A11C"}
    let text =
        "eyJhbGciOiJub25lIn0.eyJ0aWQiOiI3RjFDMEY1Mi0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMEExMUMifQ.x";
    let token = ReadyToken::new(&SecretString::from(format!(" Bearer {text}\n"))).unwrap();
    let client = GraphClient::new(config(&server), token).unwrap();
    assert_eq!(
        client.tenant_id().await.unwrap(),
        Some(TENANT.to_lowercase())
    );
    assert_eq!(server.count(), 0);
    collect_all(&client).await;
    assert_eq!(bearer(&server.seen()[0]), text);
}

#[tokio::test(start_paused = true)]
async fn a_ready_token_that_says_it_has_ended_is_not_sent() {
    // {"exp":1600000000}
    let token = ReadyToken::new(&SecretString::from("e30.eyJleHAiOjE2MDAwMDAwMDB9.x")).unwrap();
    let server = Server::replies(vec![Reply::page(&[], None)]).await;
    let error = collect_error(&GraphClient::new(config(&server), token).unwrap()).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Credentials, 0));
    assert!(error.to_string().contains("expired"), "{error}");
    assert!(error.remedy().contains("LCW_ACCESS_TOKEN"));
}

#[test]
fn a_credential_that_lacks_something_is_refused() {
    let make = |authority: &str, tenant: &str, client: &str, secret: &str| {
        ClientSecret::new(authority, tenant, client, SecretString::from(secret))
            .unwrap_err()
            .to_string()
    };
    let authority = "https://login.microsoftonline.com";
    assert!(make(authority, " ", "c", "s").contains("tenant id is missing"));
    assert!(make(authority, "t", "", "s").contains("client id is missing"));
    assert!(make(authority, "t", "c", "").contains("client secret is empty"));
    assert!(make("http://login.example", "t", "c", "s").contains("not https"));
    for token in [
        "",
        "  ",
        "two words",
        "Bearer two words",
        "line\nbreak",
        "é",
    ] {
        assert!(
            ReadyToken::new(&SecretString::from(token)).is_err(),
            "{token:?}"
        );
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    for graph_url in [
        "http://graph.microsoft.com",
        "http://10.0.0.1:80",
        "http://localhost.example",
    ] {
        let config = ClientConfig {
            graph_url: graph_url.to_owned(),
            ..ClientConfig::default()
        };
        let error = GraphClient::new(config, ready_token()).unwrap_err();
        assert!(matches!(
            error,
            ExtractError::Config(ConfigError::Url { what: "Graph", .. })
        ));
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("loopback"), "{error}");
    }
}
