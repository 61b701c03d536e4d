//! Assertions of a certificate.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator};

use super::{client, read, refused_with, tenant, try_in};
use crate::{AssertionAlgorithm, ClientCertificate, SecretString};

fn certificate_of(tenant: &Simulator, file: &[u8], password: Option<&str>) -> ClientCertificate {
    let password = password.map(SecretString::from);
    let (origin, id, client_id) = (tenant.origin(), tenant.tenant_id(), tenant.client_id());
    ClientCertificate::new(origin, id, client_id, file, password.as_ref()).unwrap()
}

fn certificate(tenant: &Simulator) -> ClientCertificate {
    certificate_of(tenant, Simulator::client_certificate_pem().as_bytes(), None)
}

#[tokio::test]
async fn pem_and_pfx_sign_in_with_either_signature() {
    let tenant = tenant().await;
    let pfx = Simulator::client_certificate_pfx();
    let password = Some(Simulator::client_certificate_password());
    for algorithm in [AssertionAlgorithm::Ps256, AssertionAlgorithm::Rs256] {
        let pem = certificate(&tenant).signed_with(algorithm);
        try_in(&tenant, pem).await.unwrap();
        let pfx = certificate_of(&tenant, pfx, password).signed_with(algorithm);
        try_in(&tenant, pfx).await.unwrap();
    }
    assert_eq!(tenant.count(Endpoint::Token), 4);
}

#[tokio::test]
async fn a_domain_name_is_as_good_as_the_tenants_id() {
    let tenant = tenant().await;
    let pem = Simulator::client_certificate_pem().as_bytes();
    let (origin, client_id) = (tenant.origin(), tenant.client_id());
    let domain = "contoso.onmicrosoft.com";
    let certificate = ClientCertificate::new(origin, domain, client_id, pem, None).unwrap();
    try_in(&tenant, certificate).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_not_registered_is_refused() {
    let tenant = tenant().await;
    let stranger = Simulator::strange_certificate_pem().as_bytes();
    let stranger = certificate_of(&tenant, stranger, None);
    refused_with(&tenant, stranger, 700_027, "upload its public part").await;
}

#[tokio::test]
async fn an_assertion_out_of_its_time_points_at_the_clock() {
    let tenant = tenant().await;
    for skew in [3_600, -3_600] {
        tenant.update_config(|config| config.access.login_skew_seconds = skew);
        refused_with(&tenant, certificate(&tenant), 700_024, "machine's clock").await;
    }
}

#[tokio::test]
async fn an_unknown_application_or_tenant_is_refused() {
    let tenant = tenant().await;
    let pem = Simulator::client_certificate_pem().as_bytes();
    let make = |id: &str, client_id: &str| {
        ClientCertificate::new(tenant.origin(), id, client_id, pem, None).unwrap()
    };
    let other = "00000000-1111-2222-3333-444444444444";
    refused_with(
        &tenant,
        make(tenant.tenant_id(), other),
        700_016,
        "client id",
    )
    .await;
    refused_with(
        &tenant,
        make(other, tenant.client_id()),
        90_002,
        "tenant id",
    )
    .await;
}

/// The login service takes each assertion once.
#[tokio::test(start_paused = true)]
async fn every_attempt_has_an_assertion_of_its_own() {
    let tenant = tenant().await;
    for fault in [
        Fault::TruncatedBody,
        Fault::status(503),
        Fault::MalformedJson,
    ] {
        tenant.inject(FaultRule::new(fault).on(Endpoint::Token).times(2));
    }
    try_in(&tenant, certificate(&tenant)).await.unwrap();
    assert_eq!(tenant.count(Endpoint::Token), 7);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_among_eight_workers_is_fetched_once_more() {
    let tenant = tenant().await;
    tenant.update_config(|config| config.access.token_lifetime = Duration::from_hours(1));
    let client = client(&tenant, certificate(&tenant));
    let work = || async {
        for done in join_all((0..8).map(|_| read(&tenant, &client))).await {
            done.unwrap();
        }
    };
    work().await;
    assert_eq!(tenant.count(Endpoint::Token), 1);
    // Its end comes with time, and by the service's will.
    tokio::time::sleep(Duration::from_mins(56)).await;
    work().await;
    assert_eq!(tenant.count(Endpoint::Token), 2);
    tenant.revoke_tokens();
    work().await;
    assert_eq!(tenant.count(Endpoint::Token), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_in_the_midst_of_eight_busy_workers_is_fetched_once_more() {
    let tenant = Arc::new(tenant().await);
    let client = client(&tenant, certificate(&tenant));
    let tenant_of_hook = Arc::downgrade(&tenant);
    tenant.before(Endpoint::Workflow, 36, move || {
        tenant_of_hook.upgrade().unwrap().revoke_tokens();
    });
    let workers = (0..8).map(|_| async {
        for _ in 0..10 {
            read(&tenant, &client).await.unwrap();
        }
    });
    join_all(workers).await;
    assert_eq!(tenant.count(Endpoint::Token), 2);
    let refused = tenant.counts()[&(Endpoint::Workflow, 401)];
    assert!((1..=8).contains(&refused), "{refused}");
}
