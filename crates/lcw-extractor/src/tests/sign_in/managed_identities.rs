//! The identity of the machine or app.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, RetryAfter, Simulator};
use tokio::time::Instant;

use super::{client, config, read, refusal, tenant, try_in};
use crate::{ErrorKind, GraphClient, ManagedIdentity, SecretString};

fn machine(tenant: &Simulator, client_id: Option<&str>) -> ManagedIdentity {
    ManagedIdentity::imds_at(tenant.origin(), client_id).unwrap()
}

fn app(tenant: &Simulator, header: &str, client_id: Option<&str>) -> ManagedIdentity {
    let header = SecretString::from(header);
    ManagedIdentity::app_service(&tenant.identity_endpoint(), &header, client_id).unwrap()
}

#[tokio::test]
async fn machines_and_apps_sign_in_with_their_own_or_a_named_identity() {
    let tenant = tenant().await;
    let header = tenant.identity_header();
    for client_id in [None, Some(tenant.client_id())] {
        try_in(&tenant, machine(&tenant, client_id)).await.unwrap();
        try_in(&tenant, app(&tenant, header, client_id))
            .await
            .unwrap();
    }
    let asked = tenant.requests();
    let named = |query: &str| query.contains("client_id=");
    let queries = asked
        .iter()
        .filter(|asked| asked.endpoint == Endpoint::ManagedIdentity);
    assert_eq!(queries.filter(|asked| named(&asked.query)).count(), 2);
}

#[tokio::test]
async fn an_identity_that_is_not_assigned_or_a_wrong_header_is_refused() {
    let tenant = tenant().await;
    let header = tenant.identity_header();
    for identity in [
        machine(&tenant, Some("another")),
        app(&tenant, header, Some("another")),
        app(&tenant, "wrong", None),
    ] {
        let error = refusal(&tenant, identity).await;
        assert!(
            error.remedy().contains("assign a managed identity"),
            "{}",
            error.remedy()
        );
        assert_eq!(tenant.count(Endpoint::ManagedIdentity), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_is_being_updated_or_throttled_is_waited_for() {
    let tenant = tenant().await;
    for fault in [
        Fault::status(410),
        Fault::Throttled(RetryAfter::seconds(3)),
        Fault::status(404),
        Fault::status(500),
    ] {
        tenant.inject(FaultRule::new(fault).on(Endpoint::ManagedIdentity).times(1));
    }
    let started = Instant::now();
    try_in(&tenant, machine(&tenant, None)).await.unwrap();
    assert_eq!(tenant.count(Endpoint::ManagedIdentity), 5);
    assert!(
        started.elapsed() >= Duration::from_secs(3),
        "the pause was kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_410_is_waited_out_for_seventy_seconds() {
    let tenant = tenant().await;
    tenant.inject(FaultRule::new(Fault::status(410)).on(Endpoint::ManagedIdentity));
    let started = Instant::now();
    let identity = client(&tenant, machine(&tenant, None));
    let error = read(&tenant, &identity).await.unwrap_err();
    assert!(
        started.elapsed() >= Duration::from_secs(70),
        "{:?}",
        started.elapsed()
    );
    assert!(
        started.elapsed() <= Duration::from_mins(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Credentials, Some(410))
    );
    tenant.clear_faults();
    // Who asks in the same instant shares the failure.
    tokio::time::sleep(Duration::from_millis(1)).await;
    read(&tenant, &identity).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_404_that_stays_is_given_up() {
    let tenant = tenant().await;
    tenant.inject(FaultRule::new(Fault::status(404)).on(Endpoint::ManagedIdentity));
    let error = refusal(&tenant, machine(&tenant, None)).await;
    assert_eq!(tenant.count(Endpoint::ManagedIdentity), 8);
    assert!(error.remedy().contains("assign a managed identity"));
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_an_endpoint_says_so_soon() {
    let tenant = tenant().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let identity = ManagedIdentity::imds_at(&address, None).unwrap();
    let started = Instant::now();
    let error = try_in(&tenant, identity).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(
        error.remedy().contains("on Azure only"),
        "{}",
        error.remedy()
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_endpoint_is_never_asked_through_a_proxy() {
    let tenant = tenant().await;
    let mut config = config(&tenant);
    config.proxy = Some("http://127.0.0.1:1".to_owned());
    let client = GraphClient::new(config, machine(&tenant, None)).unwrap();
    read(&tenant, &client).await.unwrap();
}

/// The end is a text with the seconds since 1970, and nothing else says it.
#[tokio::test(start_paused = true)]
async fn an_apps_token_is_renewed_before_the_end_it_names() {
    let tenant = tenant().await;
    let client = client(&tenant, app(&tenant, tenant.identity_header(), None));
    read(&tenant, &client).await.unwrap();
    tokio::time::sleep(Duration::from_mins(54)).await;
    read(&tenant, &client).await.unwrap();
    assert_eq!(tenant.count(Endpoint::ManagedIdentity), 1);
    tokio::time::sleep(Duration::from_mins(2)).await;
    read(&tenant, &client).await.unwrap();
    assert_eq!(tenant.count(Endpoint::ManagedIdentity), 2);
}
