use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::support::{
    Reply, Server, TOKEN, client, collect_all, collect_error, config, ready_token,
};
use crate::{ApiVersion, ClientConfig, Cloud, ErrorKind, GraphClient};

#[test]
fn every_cloud_has_its_origins() {
    for cloud in Cloud::ALL {
        assert_eq!(cloud.name().parse(), Ok(cloud));
        let config = ClientConfig {
            graph_url: cloud.graph_url().to_owned(),
            ..Default::default()
        };
        GraphClient::new(config, ready_token()).unwrap();
        crate::Origin::parse(cloud.authority_url()).unwrap();
    }
    assert!(
        "mars"
            .parse::<Cloud>()
            .unwrap_err()
            .to_string()
            .contains("usgov-dod")
    );
    assert_eq!("beta".parse(), Ok(ApiVersion::Beta));
    assert_eq!("v1.0".parse(), Ok(ApiVersion::V1));
    assert!("v2".parse::<ApiVersion>().is_err());
}

#[test]
fn numbers_out_of_range_are_refused() {
    let broken: [fn(&mut ClientConfig); 6] = [
        |config| config.requests_per_second = Some(0.0),
        |config| config.requests_per_second = Some(f64::NAN),
        |config| config.requests_per_second = Some(f64::INFINITY),
        |config| config.max_attempts = 0,
        |config| config.page_cap_bytes = 0,
        |config| config.page_limit = 0,
    ];
    for spoil in broken {
        let mut config = ClientConfig::default();
        spoil(&mut config);
        let error = GraphClient::new(config, ready_token()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn certificate_authorities_that_cannot_be_read_are_named() {
    for (name, content) in [
        ("missing.pem", None),
        ("empty.pem", Some("")),
        ("text.pem", Some("hello")),
    ] {
        let path = std::env::temp_dir().join(format!("lcw-{}-{name}", std::process::id()));
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let config = ClientConfig {
            ca_file: Some(PathBuf::from(&path)),
            ..Default::default()
        };
        let error = GraphClient::new(config, ready_token()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        if content.is_some() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_proxy_password_is_never_shown() {
    let proxy = Some("http://user:canary@proxy.example:8080".to_owned());
    let config = ClientConfig {
        proxy,
        ..Default::default()
    };
    assert!(!format!("{config:?}").contains("canary"));
    let client = GraphClient::new(config, ready_token()).unwrap();
    assert!(!format!("{client:?}").contains("canary"));
    assert!(!format!("{client:?}").contains(TOKEN));
    let proxy = Some("canary proxy://".to_owned());
    let error = GraphClient::new(
        ClientConfig {
            proxy,
            ..Default::default()
        },
        ready_token(),
    );
    assert!(!format!("{:?}", error.unwrap_err()).contains("canary"));
}

/// A proxy that notes the head of the first request and hangs up.
async fn proxy() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_buf(&mut head).await.unwrap();
        }
        connection
            .write_all(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(head).unwrap()
    });
    (url, head)
}

#[tokio::test(start_paused = true)]
async fn a_proxy_tunnels_https_and_sees_no_token() {
    let (url, head) = proxy().await;
    let config = ClientConfig {
        graph_url: "https://graph.example".to_owned(),
        proxy: Some(url),
        max_attempts: 1,
        ..Default::default()
    };
    let error = collect_error(&GraphClient::new(config, ready_token()).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::Network);
    let head = head.await.unwrap();
    assert!(head.starts_with("CONNECT graph.example:443 "), "{head}");
    assert!(
        !head.contains(TOKEN) && !head.to_lowercase().contains("\nauthorization"),
        "{head}"
    );
}

#[tokio::test(start_paused = true)]
async fn loopback_is_never_proxied() {
    let (url, _head) = proxy().await;
    let server = Server::replies(vec![Reply::page(&["a"], None)]).await;
    let mut config = config(&server);
    config.proxy = Some(url);
    let client = GraphClient::new(config, ready_token()).unwrap();
    assert_eq!(collect_all(&client).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn the_services_clock_goes_on_between_answers() {
    let dated = |date: &str| Reply::page(&[], None).with("date", date);
    let server = Server::replies(vec![
        dated("Mon, 23 Nov 2026 10:00:00 GMT"),
        Reply::page(&[], None).with("date", "nonsense"),
        Reply::status(404).with("date", "Mon, 23 Nov 2026 12:00:00 GMT"),
    ])
    .await;
    let client = client(&server);
    assert_eq!(client.service_now(), None);
    collect_all(&client).await;
    let start = "2026-11-23T10:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let since = |date: jiff::Timestamp| {
        client
            .service_now()
            .unwrap()
            .duration_since(date)
            .as_secs_f64()
    };
    assert!((0.0..0.1).contains(&since(start)));
    sleep(Duration::from_secs(90)).await;
    assert!((90.0..90.1).contains(&since(start)));
    collect_all(&client).await;
    assert!((90.0..90.2).contains(&since(start)));
    collect_error(&client).await;
    let later = "2026-11-23T12:00:00Z".parse().unwrap();
    assert!(
        (0.0..0.1).contains(&since(later)),
        "an answer that says no has a date, too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_works_from_any_thread() {
    fn is_shareable<T: Send + Sync + Clone>(_: &T) {}
    fn is_sendable<T: Send>(_: &T) {}
    let server = Server::replies(vec![Reply::page(&[], None)]).await;
    let client = client(&server);
    is_shareable(&client);
    let mut decoder = super::support::Ids::default();
    is_sendable(&client.pages(super::support::runs(), &mut decoder));
    is_sendable(&client.tenant_id());
}
