//! Tokens of another issuer, in a file that rotates.

use std::path::Path;

use lcw_simulator::{Endpoint, FederatedIdentity, Simulator};
use tempfile::NamedTempFile;

use super::{client, read, refusal, refused_with, tenant, try_in};
use crate::WorkloadIdentity;

fn workload(tenant: &Simulator, file: &Path) -> WorkloadIdentity {
    let (origin, id, client_id) = (tenant.origin(), tenant.tenant_id(), tenant.client_id());
    WorkloadIdentity::new(origin, id, client_id, file).unwrap()
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn the_file_is_read_again_for_every_token() {
    let tenant = tenant().await;
    let file = file(&format!("{}\n", tenant.rotate_federated_token()));
    let client = client(&tenant, workload(&tenant, file.path()));
    read(&tenant, &client).await.unwrap();
    // The platform rotates it; the access token ends; what was in the file before is refused by now.
    std::fs::write(file.path(), tenant.rotate_federated_token()).unwrap();
    tenant.revoke_tokens();
    read(&tenant, &client).await.unwrap();
    assert_eq!(tenant.count(Endpoint::Token), 2);
}

#[tokio::test]
async fn a_file_that_is_no_longer_renewed_points_at_its_platform() {
    let tenant = tenant().await;
    let file = file(&tenant.rotate_federated_token());
    tenant.rotate_federated_token();
    let old = workload(&tenant, file.path());
    refused_with(&tenant, old, 700_024, "renews the federated token file").await;
}

#[tokio::test]
async fn a_token_of_another_issuer_or_subject_is_refused() {
    let tenant = tenant().await;
    let FederatedIdentity { issuer, subject } = FederatedIdentity::default();
    for (text, code) in [
        (
            tenant.federated_token_of("https://other.example", &subject),
            700_211,
        ),
        (
            tenant.federated_token_of(&issuer, "system:serviceaccount:other"),
            700_213,
        ),
    ] {
        let file = file(&text);
        let workload = workload(&tenant, file.path());
        refused_with(&tenant, workload, code, "issuer, subject and audience").await;
    }
    let file = file(&tenant.rotate_federated_token());
    tenant.update_config(|config| config.access.federated = None);
    refused_with(
        &tenant,
        workload(&tenant, file.path()),
        70_021,
        "federated credential",
    )
    .await;
}

#[tokio::test]
async fn a_file_without_a_token_is_not_sent() {
    let tenant = tenant().await;
    for text in ["", " \n", "two words", "canary\u{7f}", &"x".repeat(70_000)] {
        let file = file(text);
        let error = refusal(&tenant, workload(&tenant, file.path())).await;
        assert_eq!(tenant.count(Endpoint::Token), 0);
        assert!(
            error.to_string().contains("federated token file"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("canary"));
    }
    let error = refusal(&tenant, workload(&tenant, Path::new("/nowhere/token"))).await;
    assert!(
        error.to_string().contains("/nowhere/token cannot be read"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_service_that_stumbles_gets_what_the_file_holds_by_then() {
    let tenant = tenant().await;
    let file = file(&tenant.rotate_federated_token());
    let fault = lcw_simulator::Fault::status(503);
    tenant.inject(
        lcw_simulator::FaultRule::new(fault)
            .on(Endpoint::Token)
            .times(1),
    );
    let (path, next) = (file.path().to_owned(), tenant.rotate_federated_token());
    tenant.before(Endpoint::Token, 1, move || {
        std::fs::write(path, next).unwrap();
    });
    try_in(&tenant, workload(&tenant, file.path()))
        .await
        .unwrap();
    assert_eq!(tenant.count(Endpoint::Token), 2);
}
