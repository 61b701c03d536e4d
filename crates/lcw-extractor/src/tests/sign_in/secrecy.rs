//! No secret, assertion, token or key in any log line or error, whatever is signed in with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lcw_simulator::{DeviceOutcome, Endpoint, Fault, FaultRule, Simulator};
use tempfile::NamedTempFile;

use super::super::quiet::{Everything, everything_of};
use super::{config, read, tenant};
use crate::{
    ClientCertificate, Credential, DeviceCode, GraphClient, ManagedIdentity, SecretString,
    WorkloadIdentity,
};

/// Credentials, good and bad, and what must not be seen of them.
fn credentials(tenant: &Simulator, file: &NamedTempFile) -> (Vec<Credential>, Vec<String>) {
    let (origin, id, client_id) = (tenant.origin(), tenant.tenant_id(), tenant.client_id());
    let password = SecretString::from(Simulator::client_certificate_password());
    let pfx = Simulator::client_certificate_pfx();
    let federated = tenant.rotate_federated_token();
    std::fs::write(file.path(), &federated).unwrap();
    let certificate =
        |file: &[u8]| ClientCertificate::new(origin, id, client_id, file, Some(&password)).unwrap();
    let app = |header: &str| {
        ManagedIdentity::app_service(&tenant.identity_endpoint(), &header.into(), None).unwrap()
    };
    let credentials = vec![
        certificate(pfx).into(),
        certificate(Simulator::strange_certificate_pem().as_bytes()).into(),
        WorkloadIdentity::new(origin, id, client_id, file.path())
            .unwrap()
            .into(),
        WorkloadIdentity::new(origin, id, "canary-free", file.path())
            .unwrap()
            .into(),
        app(tenant.identity_header()).into(),
        app("canary-header").into(),
        ManagedIdentity::imds_at(origin, None).unwrap().into(),
        DeviceCode::new(origin, id, client_id, |_| {})
            .unwrap()
            .into(),
    ];
    let mut canaries = vec![
        "canary-header".to_owned(),
        tenant.identity_header().to_owned(),
        federated.rsplit('.').nth(1).unwrap().to_owned(),
        Simulator::client_certificate_password().to_owned(),
        // The device code and the refresh token; the beginning of every JWT, assertions included.
        "sim-device-".to_owned(),
        "sim-refresh-".to_owned(),
        "eyJ".to_owned(),
    ];
    let keys = [
        Simulator::client_certificate_pem(),
        Simulator::strange_certificate_pem(),
    ];
    let lines = keys.iter().flat_map(|pem| pem.lines());
    canaries.extend(lines.filter(|line| line.len() == 64).map(str::to_owned));
    (credentials, canaries)
}

/// What signing in, reading, renewing and printing everything gives to see.
async fn outcome(tenant: &Simulator, credential: Credential) -> String {
    let mut printed = format!("{credential:?} {credential:#?}\n");
    let mut config = config(tenant);
    config.max_attempts = 3;
    let client = GraphClient::new(config, credential).unwrap();
    for _ in 0..2 {
        if let Err(error) = read(tenant, &client).await {
            printed.push_str(&everything_of(&error));
        }
        tenant.revoke_tokens();
    }
    write!(printed, "{client:?}").unwrap();
    printed
}

#[tokio::test(start_paused = true)]
async fn no_canary_of_any_credential_shows_anywhere() {
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (tenant, file) = (tenant().await, NamedTempFile::new().unwrap());
    let (mut printed, mut canaries) = (String::new(), BTreeSet::new());
    let ways = [
        Endpoint::Token,
        Endpoint::DeviceCode,
        Endpoint::ManagedIdentity,
    ];
    let faults = [
        None,
        Some(Fault::status(503)),
        Some(Fault::status(400)),
        Some(Fault::MalformedJson),
        Some(Fault::TruncatedBody),
        Some(Fault::ConnectionReset),
    ];
    for fault in faults {
        // A test beside this one may have met a callsite just before there was anybody to listen.
        tracing::callsite::rebuild_interest_cache();
        for outcome_of_sign_in in [DeviceOutcome::Accepted, DeviceOutcome::Declined] {
            tenant.update_config(|config| config.access.device.outcome = outcome_of_sign_in);
            let (credentials, more) = credentials(&tenant, &file);
            canaries.extend(more);
            for credential in credentials {
                for endpoint in ways {
                    if let Some(fault) = &fault {
                        tenant.inject(FaultRule::new(fault.clone()).on(endpoint).times(4));
                    }
                }
                printed += &outcome(&tenant, credential).await;
                tenant.clear_faults();
            }
        }
    }
    let log = log.lines.lock().unwrap().clone();
    assert!(log.contains("asking the token service again") && log.contains("signed in"));
    assert!(canaries.len() > 60, "{}", canaries.len());
    for (line, canary) in log
        .lines()
        .chain(printed.lines())
        .flat_map(|line| canaries.iter().map(move |canary| (line, canary)))
    {
        assert!(!line.contains(canary.as_str()), "{canary}: {line}");
    }
}
