//! A token for one cloud is never sent to another, whatever it comes from.

use lcw_simulator::{Endpoint, Simulator};
use tempfile::NamedTempFile;

use super::{refusal, tenant, try_in};
use crate::{
    ClientCertificate, ClientSecret, Cloud, Credential, DeviceCode, ManagedIdentity, ReadyToken,
    SecretString, WorkloadIdentity,
};

/// Every credential that is not a program.
fn credentials(tenant: &Simulator, file: &NamedTempFile) -> Vec<Credential> {
    let (origin, id, client_id) = (tenant.origin(), tenant.tenant_id(), tenant.client_id());
    let pem = Simulator::client_certificate_pem().as_bytes();
    let secret = tenant.client_secret().into();
    let (header, ready) = (tenant.identity_header(), tenant.issue_token());
    std::fs::write(file.path(), tenant.rotate_federated_token()).unwrap();
    vec![
        ReadyToken::new(&ready.into()).unwrap().into(),
        ClientSecret::new(origin, id, client_id, secret)
            .unwrap()
            .into(),
        ClientCertificate::new(origin, id, client_id, pem, None)
            .unwrap()
            .into(),
        WorkloadIdentity::new(origin, id, client_id, file.path())
            .unwrap()
            .into(),
        ManagedIdentity::imds_at(origin, None).unwrap().into(),
        ManagedIdentity::app_service(&tenant.identity_endpoint(), &header.into(), None)
            .unwrap()
            .into(),
        DeviceCode::new(origin, id, client_id, |_| {})
            .unwrap()
            .into(),
    ]
}

async fn today() -> Simulator {
    let mut config = lcw_simulator::TenantConfig::small(1);
    config.now = jiff::Timestamp::now();
    Simulator::start(config).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_for_this_graph_is_sent_to_it() {
    let (tenant, file) = (today().await, NamedTempFile::new().unwrap());
    for credential in credentials(&tenant, &file) {
        try_in(&tenant, credential).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_for_another_cloud_is_refused_before_graph_is_asked() {
    let (tenant, file) = (today().await, NamedTempFile::new().unwrap());
    for cloud in Cloud::ALL {
        tenant.update_config(|config| {
            config.access.token_audience = Some(cloud.graph_url().to_owned());
        });
        for credential in credentials(&tenant, &file) {
            let error = refusal(&tenant, credential).await;
            assert!(error.to_string().contains(cloud.graph_url()), "{error}");
            assert!(
                error.remedy().contains(&format!("--cloud {cloud}")),
                "{}",
                error.remedy()
            );
        }
    }
}

#[tokio::test]
async fn graphs_application_id_and_opaque_tokens_pass() {
    let tenant = tenant().await;
    let secret = || {
        let secret = SecretString::from(tenant.client_secret());
        ClientSecret::new(
            tenant.origin(),
            tenant.tenant_id(),
            tenant.client_id(),
            secret,
        )
        .unwrap()
    };
    tenant.update_config(|config| {
        config.access.token_audience = Some("00000003-0000-0000-c000-000000000000".to_owned());
    });
    try_in(&tenant, secret()).await.unwrap();
    tenant.update_config(|config| config.access.opaque_tokens = true);
    try_in(&tenant, secret()).await.unwrap();
    assert_eq!(tenant.count(Endpoint::Token), 2);
}
