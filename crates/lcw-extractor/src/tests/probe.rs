//! Asking only to see what comes of it.

use super::support::{Reply, Server, client, ready_token, runs};
use crate::{ClientConfig, ErrorKind, GraphClient};

#[tokio::test(start_paused = true)]
async fn the_first_page_is_asked_for_and_no_more() {
    let page = r#"{"value":[{"id":"a"},{"name":"without"},{"id":"b"}],"@odata.nextLink":"https://elsewhere.example"}"#;
    let server = Server::replies(vec![Reply::new(200, page)]).await;
    let probe = client(&server).probe(&runs()).await;
    assert!(probe.error.is_none());
    assert_eq!(
        (probe.ids.as_slice(), probe.status()),
        (["a".to_owned(), "b".to_owned()].as_slice(), Some(200))
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer() {
    let server = Server::replies(vec![Reply::status(403)]).await;
    let probe = client(&server).probe(&runs()).await;
    let error = probe.error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(
        error
            .remedy()
            .contains("LifecycleWorkflows-Reports.Read.All")
    );
    assert_eq!((probe.status(), probe.ids.len()), (Some(403), 0));
}

#[tokio::test(start_paused = true)]
async fn no_answer_at_all_has_no_status() {
    let config = ClientConfig {
        graph_url: "http://127.0.0.1:9".to_owned(),
        max_attempts: 2,
        ..ClientConfig::default()
    };
    let client = GraphClient::new(config, ready_token()).unwrap();
    let probe = client.probe(&runs()).await;
    assert_eq!(probe.status(), None);
    assert_eq!(probe.error.unwrap().kind(), ErrorKind::Network);
    assert_eq!(client.claims().await.unwrap(), None);
}
