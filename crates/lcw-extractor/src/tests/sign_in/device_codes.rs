//! A person who signs in on another device.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use lcw_simulator::{DeviceOutcome, Endpoint, Simulator, roles};
use tokio::time::Instant;

use super::{client, config, read, refusal, tenant, try_in};
use crate::{DeviceCode, DevicePrompt, ErrorKind, GraphClient};

type Shown = Arc<Mutex<Vec<DevicePrompt>>>;

fn device(tenant: &Simulator) -> (DeviceCode, Shown) {
    let shown = Shown::default();
    let desk = Arc::clone(&shown);
    let show = move |prompt: &DevicePrompt| desk.lock().unwrap().push(prompt.clone());
    let (origin, id, client_id) = (tenant.origin(), tenant.tenant_id(), tenant.client_id());
    let device = DeviceCode::new(origin, id, client_id, show).unwrap();
    (device, shown)
}

#[tokio::test(start_paused = true)]
async fn a_person_is_told_where_to_go_and_is_waited_for() {
    let tenant = tenant().await;
    tenant.update_config(|config| {
        (config.access.device.pending, config.access.device.slow_down) = (3, 1);
    });
    let (device, shown) = device(&tenant);
    let started = Instant::now();
    try_in(&tenant, device).await.unwrap();
    let shown = shown.lock().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(
        shown[0].verification_uri,
        "https://microsoft.com/devicelogin"
    );
    assert!(shown[0].user_code.starts_with("SIM"), "{shown:?}");
    assert_eq!(shown[0].expires_in, Duration::from_mins(15));
    // Three times pending, once too often, then ten seconds later: nobody asked sooner than allowed.
    assert_eq!(tenant.count(Endpoint::Token), 5);
    assert_eq!(started.elapsed().as_secs(), 4 * 5 + 10);
}

#[tokio::test(start_paused = true)]
async fn the_refresh_token_gets_the_next_token_without_anybody() {
    let tenant = tenant().await;
    let (device, shown) = device(&tenant);
    let client = client(&tenant, device);
    read(&tenant, &client).await.unwrap();
    for _ in 0..3 {
        tenant.revoke_tokens();
        for done in join_all((0..8).map(|_| read(&tenant, &client))).await {
            done.unwrap();
        }
    }
    assert_eq!(shown.lock().unwrap().len(), 1);
    assert_eq!(tenant.count(Endpoint::Token), 2 + 3);
    // When it is no longer good, somebody has to sign in again.
    tenant.revoke_tokens();
    tenant.revoke_sign_ins();
    read(&tenant, &client).await.unwrap();
    assert_eq!(shown.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_declined_or_forgotten_ends() {
    let tenant = tenant().await;
    for (outcome, code, remedy) in [
        (
            DeviceOutcome::Declined,
            "authorization_declined",
            "accept it",
        ),
        (DeviceOutcome::Forgotten, "expired_token", "in time"),
    ] {
        tenant.update_config(|config| config.access.device.outcome = outcome);
        let error = refusal(&tenant, device(&tenant).0).await;
        assert_eq!(error.code(), Some(code));
        assert!(error.remedy().contains(remedy), "{}", error.remedy());
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_needs_a_secret_or_consent_says_so() {
    let tenant = tenant().await;
    tenant.update_config(|config| config.access.scopes = vec![roles::REPORTS.to_owned()]);
    let error = refusal(&tenant, device(&tenant).0).await;
    assert!(error.to_string().contains("AADSTS65001"), "{error}");
    assert!(
        error.remedy().contains("admin consent"),
        "{}",
        error.remedy()
    );
    tenant.update_config(|config| config.access.public_client = false);
    let (device, shown) = device(&tenant);
    let error = refusal(&tenant, device).await;
    assert!(
        error.remedy().contains("public client flows"),
        "{}",
        error.remedy()
    );
    assert!(shown.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_user_without_a_role_in_the_tenant_is_refused_by_graph() {
    let tenant = tenant().await;
    tenant.update_config(|config| config.access.user_roles.clear());
    let error = try_in(&tenant, device(&tenant).0).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Forbidden, Some(403))
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_the_wait_for_a_person() {
    let tenant = tenant().await;
    tenant.update_config(|config| config.access.device.outcome = DeviceOutcome::Forgotten);
    let mut config = config(&tenant);
    config.deadline = Some(Duration::from_mins(2));
    let client = GraphClient::new(config, device(&tenant).0).unwrap();
    let started = Instant::now();
    let error = read(&tenant, &client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(started.elapsed() <= Duration::from_mins(2));
}
