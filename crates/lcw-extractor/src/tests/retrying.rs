use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::support::{
    Delivery, Ids, Reply, Server, client, collect_all, collect_error, config, ready_token,
};
use crate::{CollectionRequest, ErrorKind, GraphClient, GraphPath, RequestStats};

fn good() -> Reply {
    Reply::page(&["a"], None)
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_asked_again() {
    let html = "<html><body>Bad gateway canary</body></html>";
    let mut troubles: Vec<_> = [408, 500, 502, 503, 504, 509].map(Reply::status).into();
    troubles.extend([
        Reply {
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            ..Reply::new(502, html)
        },
        Reply::new(503, ""),
        Reply::new(500, [0xff, 0xfe, 0x00]),
        good().delivered(Delivery::Reset),
        good().delivered(Delivery::CutAfter(0)),
        good().delivered(Delivery::CutAfter(5)),
        good().delivered(Delivery::CutChunks),
        good().delivered(Delivery::Silence),
        good().after(Duration::from_secs(61)),
        Reply::new(200, r#"{"value": [{"id": "a"#),
        Reply::new(200, r#"{"error": {"code": "x", "message": "y"}}"#),
        Reply::new(200, b"{\"value\": [{\"id\": \"\xff\"}]}".to_vec()),
        Reply::new(200, ""),
        Reply::new(204, ""),
        Reply::new(200, "not gzip").with("content-encoding", "gzip"),
    ]);
    for trouble in troubles {
        let server = Server::replies(vec![trouble.clone(), trouble.clone(), good()]).await;
        let client = client(&server);
        let started = Instant::now();
        assert_eq!(collect_all(&client).await, ["a"], "{trouble:?}");
        assert_eq!(
            client.stats(),
            RequestStats {
                sent: 3,
                retried: 2,
                throttled: 0,
                least: 1
            },
            "{trouble:?}"
        );
        assert!(
            started.elapsed() >= Duration::from_millis(300),
            "no delay after {trouble:?}"
        );
        let ids: Vec<_> = server
            .seen()
            .iter()
            .map(|seen| seen.header("client-request-id").unwrap().to_owned())
            .collect();
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_of_eight_attempts_is_the_error() {
    let server = Server::replies(vec![Reply::status(503)]).await;
    let client = client(&server);
    let error = collect_error(&client).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Service, 8));
    assert_eq!((error.status(), error.code()), (Some(503), Some("code503")));
    assert_eq!(error.request_id(), Some("graph-request-1"));
    assert!(!error.remedy().is_empty());
    let text = error.to_string();
    let path = "GET /identityGovernance/lifecycleWorkflows/workflows/w/runs failed with 503 (code503): message 503 [8 attempts in ";
    assert!(text.starts_with(path), "{text}");
    assert!(
        text.contains("request-id graph-request-1, client-request-id "),
        "{text}"
    );
    assert_eq!(
        client.stats(),
        RequestStats {
            sent: 8,
            retried: 7,
            throttled: 0,
            least: 1
        }
    );
}

#[tokio::test(start_paused = true)]
async fn what_stays_as_it_is_ends_at_once() {
    for (status, kind) in [
        (400, ErrorKind::Rejected),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Rejected),
        (410, ErrorKind::NotFound),
        (501, ErrorKind::Service),
    ] {
        let server = Server::replies(vec![Reply::status(status)]).await;
        let error = collect_error(&client(&server)).await;
        assert_eq!((error.kind(), server.count()), (kind, 1), "{status}");
        assert!(
            error.to_string().contains(&format!("message {status}")),
            "{error}"
        );
        assert!(error.to_string().contains("[1 attempt in "), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_403_names_the_permission_of_its_path() {
    let server = Server::replies(vec![Reply::status(403)]).await;
    let client = client(&server);
    let remedy = collect_error(&client).await.remedy().to_owned();
    assert!(
        remedy.contains("LifecycleWorkflows-Reports.Read.All"),
        "{remedy}"
    );
    let error = client
        .entity(GraphPath::workflow("w"), &mut Ids::default())
        .await
        .unwrap_err();
    assert!(
        error
            .remedy()
            .contains("LifecycleWorkflows-Workflow.ReadBasic.All"),
        "{}",
        error.remedy()
    );
}

#[tokio::test(start_paused = true)]
async fn an_html_page_is_named_and_not_repeated() {
    let reply = Reply {
        headers: vec![(
            "content-type".to_owned(),
            "text/html; charset=utf-8".to_owned(),
        )],
        ..Reply::new(404, "<html>canary</html>")
    };
    let server = Server::replies(vec![reply]).await;
    let error = collect_error(&client(&server)).await;
    assert!(
        error
            .to_string()
            .contains("404: an HTML page instead of JSON"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(error.code(), None);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_body_that_stays_damaged_is_a_page_error() {
    let server = Server::replies(vec![Reply::new(200, "canary{")]).await;
    let error = collect_error(&client(&server)).await;
    assert_eq!((error.kind(), server.count()), (ErrorKind::Page, 8));
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_a_network_error_after_all_attempts() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let graph_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = crate::ClientConfig {
        graph_url,
        max_attempts: 3,
        ..Default::default()
    };
    let client = GraphClient::new(config, ready_token()).unwrap();
    let error = collect_error(&client).await;
    assert_eq!((error.kind(), client.stats().sent), (ErrorKind::Network, 3));
    assert!(error.remedy().contains("host"));
    assert!(
        error
            .to_string()
            .contains("no complete answer from http://127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_not_tried_again() {
    let server = Server::replies(vec![good()]).await;
    let client = client(&server);
    let id = "漢".repeat(8_000);
    let request = CollectionRequest::new(GraphPath::workflow(&id).runs());
    let mut decoder = Ids::default();
    let mut pages = pin!(client.pages(request, &mut decoder));
    let error = pages.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Network, 0));
    assert!(error.to_string().contains("[1 attempt "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_attempts() {
    let server = Server::replies(vec![Reply::status(503)]).await;
    let mut config = config(&server);
    (config.deadline, config.max_attempts) = (Some(Duration::from_secs(10)), 1000);
    let started = Instant::now();
    let error = collect_error(&GraphClient::new(config, ready_token()).unwrap()).await;
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Deadline, Some(503))
    );
    assert!(started.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_request_that_is_not_answered() {
    let server = Server::replies(vec![good().delivered(Delivery::Silence)]).await;
    let mut config = config(&server);
    config.deadline = Some(Duration::from_secs(7));
    let started = Instant::now();
    let error = collect_error(&GraphClient::new(config, ready_token()).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(
        started.elapsed() <= Duration::from_millis(7_100),
        "{:?}",
        started.elapsed()
    );
}
