use std::io::Write as _;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, pin_mut};
use proptest::prelude::*;

use super::support::{
    Delivery, Ids, Reply, Server, TOKEN, client, collect, collect_all, collect_error, config,
    ready_token, runs,
};
use crate::{ErrorKind, Failure, GraphClient, GraphPath, Origin};

const RUNS: &str = "/v1.0/identityGovernance/lifecycleWorkflows/workflows/w/runs";

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn failure(error: &crate::ExtractError) -> &Failure {
    match error {
        crate::ExtractError::Request(error) => &error.failure,
        other => panic!("{other:?}"),
    }
}

/// A server whose pages link as `next` says: the target of the next one, or none.
async fn linked(next: impl Fn(&str, usize) -> Option<String> + Send + 'static) -> Server {
    Server::start(move |seen, index| {
        let host = seen.header("host").unwrap();
        let link = next(&seen.target, index).map(|target| format!("http://{host}{target}"));
        Reply::page(&[&index.to_string()], link.as_deref())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn next_links_are_followed_exactly_as_they_are_whatever_their_path() {
    let links = [
        "/v1.0/IdentityGovernance/workflow('w')/runs/?$skiptoken=a%2Bb%3D&x=c'd,e",
        "/beta/elsewhere/./..//x?$skip=1&$filter=a+b%20c",
        "/?",
    ];
    let server = linked(move |_, index| links.get(index).map(|link| (*link).to_owned())).await;
    assert_eq!(collect_all(&client(&server)).await, ["0", "1", "2", "3"]);
    let targets: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets[0], RUNS);
    assert_eq!(
        targets[1],
        "/v1.0/IdentityGovernance/workflow('w')/runs/?$skiptoken=a%2Bb%3D&x=c%27d,e"
    );
    assert_eq!(targets[2], "/beta//x?$skip=1&$filter=a+b%20c");
    assert_eq!(targets[3], "/?");
}

#[tokio::test(start_paused = true)]
async fn a_next_link_that_leads_back_without_the_filter_is_refused() {
    let server = linked(|_, index| (index == 0).then(|| RUNS.to_owned())).await;
    let request = runs().filtered("scheduledDateTime ge 2026-11-01T00:00:00Z");
    let client = client(&server);
    let mut ids = Ids::default();
    let pages = client.pages(request, &mut ids);
    pin_mut!(pages);
    pages.next().await.unwrap().unwrap();
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(matches!(failure(&error), Failure::RepeatedLink), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_request_says_who_asks_and_what_it_wants() {
    let server = linked(|_, index| (index < 2).then(|| format!("/next?{index}"))).await;
    let client = client(&server);
    collect_all(&client).await;
    client
        .entity(GraphPath::workflow("w"), &mut Ids::default())
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    for request in &seen {
        assert_eq!(request.method, "GET");
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Bearer {TOKEN}"))
        );
        assert_eq!(
            request.header("prefer"),
            Some("include-unknown-enum-members")
        );
        assert_eq!(request.header("x-ms-throttle-priority"), Some("low"));
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
        assert_eq!(
            request.header("user-agent"),
            Some(concat!("lcw/", env!("CARGO_PKG_VERSION")))
        );
        assert_eq!(request.header("referer"), None);
    }
    let ids: std::collections::HashSet<_> = seen
        .iter()
        .map(|request| request.header("client-request-id").unwrap())
        .collect();
    assert_eq!(ids.len(), 4, "a fresh one each time");
    assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_filter_and_an_api_version_are_sent() {
    let server = Server::replies(vec![Reply::page(&[], None)]).await;
    let mut config = config(&server);
    config.api_version = crate::ApiVersion::Beta;
    let client = GraphClient::new(config, ready_token()).unwrap();
    let request = runs().filtered("scheduledDateTime ge 2026-10-23T00:00:00Z");
    let mut decoder = Ids::default();
    let pages = client.pages(request, &mut decoder);
    pin_mut!(pages);
    assert!(pages.next().await.unwrap().unwrap().is_empty());
    let expected = format!(
        "{}?$filter=scheduledDateTime%20ge%202026-10-23T00:00:00Z",
        RUNS.replace("v1.0", "beta"),
    );
    assert_eq!(server.seen()[0].target, expected);
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_next_link_goes_on() {
    let server = Server::start(|seen, index| {
        let link = format!("http://{}/next?{index}", seen.header("host").unwrap());
        let ids: &[&str] = if index == 3 { &["only"] } else { &[] };
        Reply::page(ids, (index < 5).then_some(&link))
    })
    .await;
    assert_eq!(collect_all(&client(&server)).await, ["only"]);
    assert_eq!(server.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn links_that_come_again_end_in_an_error() {
    for period in [1, 2, 50] {
        let server = linked(move |_, index| Some(format!("/next?{}", index % period))).await;
        let (ids, error) = collect(&client(&server)).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::NextLink);
        assert!(matches!(failure(&error), Failure::RepeatedLink), "{error}");
        assert_eq!((ids.len(), server.count()), (period + 1, period + 1));
        assert!(
            error.to_string().starts_with("GET /identityGovernance/"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_back_to_the_first_page_is_a_repeated_one() {
    let server = linked(|_, _| Some(RUNS.to_owned())).await;
    let error = collect_error(&client(&server)).await;
    assert!(matches!(failure(&error), Failure::RepeatedLink), "{error}");
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fragment_does_not_make_a_link_a_new_one() {
    let server = linked(|_, index| Some(format!("/next?same#{index}"))).await;
    let error = collect_error(&client(&server)).await;
    assert!(matches!(failure(&error), Failure::RepeatedLink), "{error}");
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn links_that_grow_for_ever_end_at_the_page_limit() {
    let server = linked(|target, _| {
        Some(format!(
            "{target}{}x",
            if target.contains('?') { "" } else { "?" }
        ))
    })
    .await;
    let mut config = config(&server);
    config.page_limit = 40;
    let client = GraphClient::new(config, ready_token()).unwrap();
    let (ids, error) = collect(&client).await;
    let error = error.unwrap();
    assert!(
        matches!(failure(&error), Failure::TooManyPages { limit: 40 }),
        "{error}"
    );
    assert_eq!((ids.len(), error.kind()), (40, ErrorKind::NextLink));
}

/// Links that must not get a token; `{o}` is the own port, `{p}` that of a foreign server.
const HOSTILE: [&str; 51] = [
    "http://127.0.0.1:{p}/v1.0/x",
    "http://127.0.0.1:{p}",
    "HTTP://127.0.0.1:{p}/",
    "http://localhost:{p}/",
    "http://localhost:{o}/",
    "http://127.0.0.2:{p}/",
    "http://127.0.0.2:{o}/",
    "http://127.1:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://[::1]:{p}/",
    "http://[::ffff:127.0.0.1]:{o}/",
    "http://0.0.0.0:{p}/",
    "https://127.0.0.1:{o}/",
    "https://127.0.0.1:{p}/",
    "ws://127.0.0.1:{o}/",
    "ftp://127.0.0.1:{o}/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,x",
    "mailto:a@b",
    "http://user@127.0.0.1:{o}/",
    "http://user:pass@127.0.0.1:{o}/",
    "http://127.0.0.1:{o}@127.0.0.1:{p}/",
    "http://a:b@127.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\",
    "http:/127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "\\\\127.0.0.1:{p}\\x",
    "/v1.0/relative",
    "v1.0/relative",
    "?$skiptoken=x",
    "#x",
    "",
    " ",
    "http://",
    "http:///",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1.:{p}/",
    "http://127.0.0.1:{p}#@127.0.0.1:{o}/",
    "http://127.0.0.1:{p}?@127.0.0.1:{o}/",
    "ht\ttp://127.0.0.1:{p}/",
    "http://127.0.0.1\n:{p}/",
    "\u{0}http://127.0.0.1:{p}/",
    "http://127.0.0.1%2e:{p}/",
    "http://\u{ff11}27.0.0.1:{p}/",
    "http://evil.example:{o}/",
    "http://127.0.0.1:{o}.evil.example/",
    "http://\u{4f8b}\u{3048}.example/",
];

fn port(server: &Server) -> &str {
    server.url.rsplit(':').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_hostile_link_gets_a_request() {
    let foreign = Server::replies(vec![Reply::page(&["stolen"], None)]).await;
    let next = Arc::new(Mutex::new(String::new()));
    let link = Arc::clone(&next);
    let own = Server::start(move |_, _| Reply::page(&["mine"], Some(&link.lock().unwrap()))).await;
    let client = client(&own);
    for (index, hostile) in HOSTILE.iter().enumerate() {
        let hostile = hostile
            .replace("{o}", port(&own))
            .replace("{p}", port(&foreign));
        next.lock().unwrap().clone_from(&hostile);
        let (ids, error) = collect(&client).await;
        let error = error.unwrap_or_else(|| panic!("{hostile:?} was followed"));
        assert_eq!(error.kind(), ErrorKind::NextLink, "{hostile:?}: {error}");
        assert_eq!(ids, ["mine"], "{hostile:?}");
        assert_eq!(own.count(), index + 1, "{hostile:?}");
    }
    assert_eq!(foreign.count(), 0, "{:?}", foreign.seen());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_only_looks_foreign_stays_at_home() {
    let foreign = Server::replies(vec![Reply::page(&["stolen"], None)]).await;
    let port = port(&foreign).to_owned();
    let own = Server::start(move |seen, index| {
        let own = seen.header("host").unwrap();
        let link =
            format!("http://{own}\\@127.0.0.1:{port}/x?@127.0.0.1:{port}/#@127.0.0.1:{port}/");
        Reply::page(&["mine"], (index == 0).then_some(&link))
    })
    .await;
    assert_eq!(collect_all(&client(&own)).await, ["mine", "mine"]);
    assert_eq!((own.count(), foreign.count()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed() {
    let foreign = Server::replies(vec![Reply::page(&[], None)]).await;
    for status in [301, 302, 303, 307, 308] {
        let own =
            Server::replies(vec![Reply::new(status, "").with("location", &foreign.url)]).await;
        let error = collect_error(&client(&own)).await;
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Rejected, Some(status))
        );
        assert_eq!(own.count(), 1);
    }
    assert_eq!(foreign.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_expired_skiptoken_restarts_the_collection_twice_at_most() {
    for status in [400, 410] {
        for expiries in 0..4_usize {
            let mut left = expiries;
            let server = Server::start(move |seen, _| {
                // The same link again after a restart is no repeated one.
                let link = format!("http://{}/next", seen.header("host").unwrap());
                if seen.path() == "/next" && left > 0 {
                    left -= 1;
                    return Reply::status(status);
                }
                match seen.path() {
                    "/next" => Reply::page(&["b"], None),
                    _ => Reply::page(&["a"], Some(&link)),
                }
            })
            .await;
            let client = client(&server);
            let mut decoder = Ids::default();
            let pages: Vec<_> = client.pages(runs(), &mut decoder).collect().await;
            let (good, bad): (Vec<_>, Vec<_>) = pages.into_iter().partition(Result::is_ok);
            let ids: Vec<_> = good.into_iter().flat_map(Result::unwrap).collect();
            assert_eq!(decoder.restarts as usize, expiries.min(2));
            assert_eq!(client.stats().least, 2, "two pages, however often");
            if expiries <= 2 {
                let expected: Vec<_> = vec!["a"; expiries + 1].into_iter().chain(["b"]).collect();
                assert_eq!(
                    (ids, bad.len()),
                    (expected.iter().map(ToString::to_string).collect(), 0)
                );
            } else {
                assert_eq!((ids, bad.len()), (vec!["a".to_owned(); 3], 1));
                let error = bad[0].as_ref().unwrap_err();
                assert_eq!(
                    (error.kind(), error.status(), error.code()),
                    (
                        ErrorKind::NextLink,
                        Some(status),
                        Some(&*format!("code{status}"))
                    )
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_next_link_failure_of_another_kind_does_not_restart() {
    for status in [403, 404] {
        let server = Server::start(move |seen, _| {
            if seen.path() == "/next" {
                return Reply::status(status);
            }
            let link = format!("http://{}/next?canary", seen.header("host").unwrap());
            Reply::page(&["a"], Some(&link))
        })
        .await;
        let error = collect_error(&client(&server)).await;
        assert_eq!((error.status(), server.count()), (Some(status), 2));
        assert!(error.to_string().contains("(page 2)"), "{error}");
        assert!(!error.to_string().contains("next"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn gzip_chunks_and_a_byte_order_mark_are_read() {
    let page = Reply::page(&["é", "b"], None);
    let packed = Reply {
        body: gzip(&page.body),
        ..page.clone()
    }
    .with("content-encoding", "gzip");
    let marked = Reply {
        body: [b"\xef\xbb\xbf", &page.body[..]].concat(),
        ..page
    };
    for reply in [packed, marked] {
        let server = Server::replies(vec![reply]).await;
        assert_eq!(collect_all(&client(&server)).await, ["é", "b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_beyond_the_cap_ends_there_packed_or_not() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let packed = Reply::new(200, bomb).with("content-encoding", "gzip");
    let plain = Reply::new(200, vec![b' '; 3 << 20]);
    for reply in [packed, plain] {
        let server = Server::replies(vec![reply]).await;
        let mut config = config(&server);
        config.page_cap_bytes = 2 << 20;
        let error = collect_error(&GraphClient::new(config, ready_token()).unwrap()).await;
        assert_eq!(error.kind(), ErrorKind::Page);
        assert!(
            matches!(
                failure(&error),
                Failure::TooLarge {
                    cap_bytes: 2_097_152
                }
            ),
            "{error}"
        );
        assert_eq!(server.count(), 1, "the same page again would be as large");
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_error_body_no_more_than_its_beginning_is_read() {
    let body = |message: usize| {
        let message = "m".repeat(message);
        format!(r#"{{"error": {{"code": "Denied", "message": "{message}"}}}}"#)
    };
    let packed =
        |body: String| Reply::new(403, gzip(body.as_bytes())).with("content-encoding", "gzip");
    for (reply, code) in [
        (Reply::new(403, body(60 << 10)), Some("Denied")),
        (Reply::new(403, body(70 << 10)), None),
        (packed(body(60 << 10)), Some("Denied")),
        (packed(body(64 << 20)), None),
    ] {
        let server = Server::replies(vec![reply]).await;
        let error = collect_error(&client(&server)).await;
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, code));
        assert!(error.to_string().len() < 2_000);
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_page_is_an_error_at_once_and_keeps_its_source() {
    let server = Server::replies(vec![Reply::new(200, r#"{"value": 1}"#)]).await;
    let error = collect_error(&client(&server)).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Content, 1));
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("no array"));
}

#[tokio::test(start_paused = true)]
async fn an_entity_is_read_by_itself() {
    let server = Server::replies(vec![Reply::new(200, r#"{"id":"w 1"}"#)]).await;
    let entity = client(&server)
        .entity(GraphPath::workflow("w 1"), &mut Ids::default())
        .await;
    assert_eq!(entity.unwrap(), ["w 1"]);
    let target = server.seen()[0].target.clone();
    assert_eq!(
        target,
        "/v1.0/identityGovernance/lifecycleWorkflows/workflows/w%201"
    );
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_page_with_a_bad_link_are_delivered_before_the_error() {
    let server = Server::replies(vec![Reply::page(
        &["a", "b"],
        Some("https://evil.example/"),
    )])
    .await;
    let (ids, error) = collect(&client(&server)).await;
    assert_eq!(ids, ["a", "b"]);
    let error = error.unwrap().to_string();
    assert!(error.contains("https://evil.example,"), "{error}");
    assert!(
        error.contains("client-request-id ") && error.contains("1 attempt in "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_cut_is_read_again_and_delivered_once() {
    let page = Reply::page(&["a", "b"], None);
    let server = Server::replies(vec![
        page.clone().delivered(Delivery::CutAfter(9)),
        page.clone().delivered(Delivery::CutChunks),
        page,
    ])
    .await;
    assert_eq!(collect_all(&client(&server)).await, ["a", "b"]);
    assert_eq!(server.count(), 3);
}

proptest! {
    /// Whatever the text: what may be followed has exactly the origin's scheme, host
    /// and port and no user, by the parser that the request uses.
    #[test]
    fn only_the_own_origin_is_owned(
        scheme in "https?|HTTPS|ftp|ws|", slashes in "[:/\\\\]{0,4}", user in "([a-z@:%]{1,4}@)?",
        host in "graph\\.example|GRAPH\\.Example|graph\\.example\\.|evil|graph\\.example\\.evil|\\PC{0,12}",
        port in "(:(443|80|444|[0-9]{0,6}))?", rest in "[/?#\\\\@].{0,12}|",
    ) {
        let origin = Origin::parse("https://graph.example").unwrap();
        let text = format!("{scheme}{slashes}{user}{host}{port}{rest}");
        if let Ok(url) = reqwest::Url::parse(&text) && origin.owns(&url) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.host_str(), Some("graph.example"));
            prop_assert_eq!(url.port(), None);
            prop_assert_eq!((url.username(), url.password()), ("", None));
            prop_assert_eq!(url.origin(), reqwest::Url::parse("https://graph.example").unwrap().origin());
        }
    }
}
