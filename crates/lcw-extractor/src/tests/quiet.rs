//! No secret, token, next link or body in any log line or error, at any level.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::support::{Delivery, Reply, Server, collect, config};
use crate::{ClientSecret, ExtractError, GraphClient, SecretString};

/// Writes down every span and event of every crate, at every level.
#[derive(Clone, Default)]
pub(super) struct Everything {
    pub(super) lines: Arc<Mutex<String>>,
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut lines = self.lines.lock().unwrap();
        write!(lines, "\nSPAN {}", span.metadata().name()).unwrap();
        span.record(&mut Line(&mut lines));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.lines.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut lines = self.lines.lock().unwrap();
        write!(
            lines,
            "\n{} {}",
            event.metadata().level(),
            event.metadata().target()
        )
        .unwrap();
        event.record(&mut Line(&mut lines));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Everything that an error can print, its sources included.
pub(super) fn everything_of(error: &ExtractError) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {}", error.remedy());
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        write!(text, " {source} {source:?}").unwrap();
        cause = source.source();
    }
    text
}

fn token() -> Reply {
    Reply::new(
        200,
        r#"{"access_token":"canary-token","expires_in":"3599"}"#,
    )
}

fn first_page(host: &str, link: &str) -> Reply {
    Reply::page(&["canary-row"], Some(&link.replace("HOST", host)))
}

/// A scripted tenant: the token service, a first page, and then this.
async fn tenant(link: &'static str, then: Reply) -> Server {
    Server::start(move |seen, _| {
        let host = seen.header("host").unwrap();
        if seen.path().ends_with("/token") {
            token()
        } else if seen.target.contains("canary-skiptoken") {
            then.clone()
        } else {
            first_page(host, link)
        }
    })
    .await
}

/// What comes after the first page, in every way that can go wrong.
fn troubles() -> Vec<Reply> {
    let nosy = r#"{"error":{"code":"BadRequest","message":"bad http://h/x?$skiptoken=canary-skiptoken or $skiptoken=canary-skiptoken","innerError":{"request-id":"id-1"}}}"#;
    let row = || Reply::page(&["canary-row"], None);
    let mut troubles = vec![
        row(),
        Reply::page(
            &["canary-row"],
            Some("http://canary-user:canary-pass@h/canary?canary"),
        ),
        Reply::page(&["canary-row"], Some("canary not a link")),
        Reply::new(200, "canary-body {"),
        Reply::new(200, r#"{"value": "canary-body"}"#),
        Reply::new(404, "<html>canary-body</html>"),
        Reply::new(400, nosy),
        Reply::new(403, nosy),
        Reply::new(302, "canary-body").with("location", "http://127.0.0.1:1/canary"),
        Reply::status(401),
        Reply::status(429).with("retry-after", "99999"),
    ];
    for delivery in [
        Delivery::Silence,
        Delivery::Reset,
        Delivery::CutAfter(3),
        Delivery::CutChunks,
    ] {
        troubles.push(row().delivered(delivery));
    }
    troubles.extend([408, 500, 503, 509].map(|status| Reply::new(status, "canary-body")));
    troubles
}

/// What a token service may answer instead of a token.
fn token_troubles() -> [Reply; 4] {
    let refusal =
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: no.\r\ncanary-trace"}"#;
    [
        Reply::new(400, refusal),
        Reply::new(200, "canary-body"),
        Reply::new(200, r#"{"access_token":"canary-token""#),
        Reply::new(500, "canary-body"),
    ]
}

/// Everything that client, credential and error can print.
async fn outcome(server: &Server) -> String {
    let secret = SecretString::from("canary-secret");
    let credential = ClientSecret::new(&server.url, "t", "c", secret).unwrap();
    let mut text = format!("{credential:?}\n");
    let mut config = config(server);
    (config.max_attempts, config.request_timeout) = (3, Duration::from_secs(5));
    let client = GraphClient::new(config, credential).unwrap();
    if let (_, Some(error)) = collect(&client).await {
        text.push_str(&everything_of(&error));
    }
    text + &format!("\n{client:?}\n")
}

#[tokio::test(start_paused = true)]
async fn no_canary_shows_anywhere() {
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let mut printed = String::new();
    for trouble in troubles() {
        // A test beside this one may have met a callsite just before there was anybody to listen.
        tracing::callsite::rebuild_interest_cache();
        printed +=
            &outcome(&tenant("http://HOST/next?$skiptoken=canary-skiptoken", trouble).await).await;
    }
    for trouble in token_troubles() {
        printed += &outcome(&Server::replies(vec![trouble]).await).await;
    }
    let log = log.lines.lock().unwrap().clone();
    assert!(
        log.contains("SPAN request") && log.contains("SPAN page"),
        "the log was not captured"
    );
    assert!(log.contains("retry.attempt") && log.contains("retry.delay_ms"));
    for line in log.lines().chain(printed.lines()) {
        assert!(!line.contains("canary"), "{line}");
        assert!(!line.contains("skiptoken="), "{line}");
    }
}
