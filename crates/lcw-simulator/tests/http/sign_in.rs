//! Device codes, delegated permissions, managed identities.

use std::time::Duration;

use lcw_simulator::{DeviceOutcome, Simulator, TenantConfig, roles, user_roles};
use serde_json::Value;
use tokio::time::advance;

use crate::client::{LW, Reply, send};

fn escaped(text: &str) -> String {
    text.replace(':', "%3A")
        .replace('/', "%2F")
        .replace(' ', "+")
}

async fn post(simulator: &Simulator, endpoint: &str, form: &str) -> Reply {
    let target = format!("/{}/oauth2/v2.0/{endpoint}", simulator.tenant_id());
    let form = format!("client_id={}&{form}", simulator.client_id());
    send(simulator.origin(), "POST", &target, &[], &form)
        .await
        .unwrap()
}

fn scope(simulator: &Simulator) -> String {
    let origin = simulator.origin();
    let scope = format!(
        "{origin}/{} {origin}/{} offline_access",
        roles::REPORTS,
        roles::WORKFLOW_BASIC
    );
    format!("scope={}", escaped(&scope))
}

async fn begin(simulator: &Simulator) -> String {
    let reply = post(simulator, "devicecode", &scope(simulator)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let begun = reply.json();
    assert!(
        begun["message"]
            .as_str()
            .unwrap()
            .contains(begun["user_code"].as_str().unwrap())
    );
    begun["device_code"].as_str().unwrap().to_owned()
}

async fn poll(simulator: &Simulator, code: &str) -> Reply {
    let grant = escaped("urn:ietf:params:oauth:grant-type:device_code");
    post(
        simulator,
        "token",
        &format!("grant_type={grant}&device_code={code}"),
    )
    .await
}

fn error(reply: &Reply) -> String {
    reply.json()["error"].as_str().unwrap().to_owned()
}

async fn signed_in(simulator: &Simulator) -> Value {
    let code = begin(simulator).await;
    for _ in 0..2 {
        advance(Duration::from_secs(5)).await;
        let reply = poll(simulator, &code).await;
        if reply.status == 200 {
            return reply.json();
        }
    }
    panic!("not signed in");
}

async fn read(simulator: &Simulator, token: &Value, path: &str) -> u16 {
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let headers = [("Authorization", bearer.as_str())];
    send(simulator.origin(), "GET", path, &headers, "")
        .await
        .unwrap()
        .status
}

#[tokio::test(start_paused = true)]
async fn a_code_is_pending_then_too_fast_then_accepted_once() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    simulator.update_config(|config| config.access.device.slow_down = 1);
    let code = begin(&simulator).await;
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "slow_down",
        "asked too soon"
    );
    advance(Duration::from_secs(10)).await;
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "authorization_pending"
    );
    advance(Duration::from_secs(10)).await;
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "slow_down",
        "as planned"
    );
    advance(Duration::from_secs(10)).await;
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "slow_down",
        "asked as before"
    );
    advance(Duration::from_secs(20)).await;
    let token = poll(&simulator, &code).await;
    assert_eq!(token.status, 200, "{token:?}");
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "bad_verification_code"
    );
    // What gets another token without anybody.
    let refresh = token.json()["refresh_token"].as_str().unwrap().to_owned();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(post(&simulator, "token", &form).await.status, 200);
    simulator.revoke_sign_ins();
    assert_eq!(
        post(&simulator, "token", &form).await.json()["error_codes"][0],
        700_082
    );
}

#[tokio::test(start_paused = true)]
async fn a_code_is_declined_forgotten_or_not_allowed() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let plan = |outcome| {
        simulator.update_config(|config| {
            (config.access.device.pending, config.access.device.outcome) = (0, outcome);
        });
    };
    plan(DeviceOutcome::Declined);
    let code = begin(&simulator).await;
    advance(Duration::from_secs(5)).await;
    assert_eq!(
        error(&poll(&simulator, &code).await),
        "authorization_declined"
    );
    plan(DeviceOutcome::Forgotten);
    let code = begin(&simulator).await;
    advance(Duration::from_mins(15)).await;
    assert_eq!(error(&poll(&simulator, &code).await), "expired_token");
    plan(DeviceOutcome::Accepted);
    simulator.update_config(|config| config.access.scopes = vec![roles::REPORTS.to_owned()]);
    let code = begin(&simulator).await;
    advance(Duration::from_secs(5)).await;
    assert_eq!(
        poll(&simulator, &code).await.json()["error_codes"][0],
        65_001
    );
    simulator.update_config(|config| config.access.public_client = false);
    let refused = post(&simulator, "devicecode", &scope(&simulator)).await;
    assert_eq!(refused.json()["error_codes"][0], 7_000_218);
}

#[tokio::test(start_paused = true)]
async fn delegated_permissions_need_a_role_in_the_tenant() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let (live, gone) = (
        format!("{LW}/workflows"),
        format!("{LW}/deletedItems/workflows"),
    );
    let admin = user_roles::LIFECYCLE_WORKFLOWS_ADMINISTRATOR;
    for (held, status) in [
        (vec![user_roles::GLOBAL_READER], 200),
        (vec!["62e90394-69f5-4237-9190-012177145e10", admin], 200),
        (vec!["62e90394-69f5-4237-9190-012177145e10"], 403),
        (vec![], 403),
    ] {
        simulator.update_config(|config| {
            config.access.user_roles = held.iter().map(|role| (*role).to_owned()).collect();
        });
        let token = signed_in(&simulator).await;
        assert_eq!(read(&simulator, &token, &live).await, status, "{held:?}");
        assert_eq!(
            read(&simulator, &token, &gone).await,
            403,
            "not among the scopes"
        );
    }
}

async fn managed(
    simulator: &Simulator,
    path: &str,
    query: &str,
    headers: &[(&str, &str)],
) -> Reply {
    let target = format!("{path}?{query}");
    send(simulator.origin(), "GET", &target, headers, "")
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_machine_has_an_identity_for_those_who_ask_as_documented() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let path = "/metadata/identity/oauth2/token";
    let resource = format!("resource={}", escaped(simulator.origin()));
    let good = format!("api-version=2018-02-01&{resource}");
    let header = ("Metadata", "true");
    let token = managed(&simulator, path, &good, &[header]).await;
    assert_eq!(token.status, 200, "{token:?}");
    assert_eq!(token.json()["expires_in"], "3599");
    assert_eq!(
        read(&simulator, &token.json(), &format!("{LW}/workflows")).await,
        200
    );
    let named = format!("{good}&client_id={}", simulator.client_id());
    assert_eq!(
        managed(&simulator, path, &named, &[header]).await.status,
        200
    );
    for (query, headers) in [
        (good.as_str(), &[][..]),
        (&good, &[header, ("X-Forwarded-For", "10.0.0.1")]),
        (&resource, &[header]),
        ("api-version=2018-02-01", &[header]),
        (&format!("{good}&client_id=another"), &[header]),
    ] {
        let refused = managed(&simulator, path, query, headers).await;
        assert_eq!(
            (refused.status, error(&refused).as_str()),
            (400, "invalid_request"),
            "{query}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_has_an_identity_for_those_who_know_its_header() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let endpoint = simulator.identity_endpoint();
    let path = endpoint.strip_prefix(simulator.origin()).unwrap();
    let query = format!(
        "api-version=2019-08-01&resource={}",
        escaped(simulator.origin())
    );
    let header = ("X-IDENTITY-HEADER", simulator.identity_header());
    let token = managed(&simulator, path, &query, &[header]).await;
    assert_eq!(token.status, 200, "{token:?}");
    assert!(token.json()["expires_in"].is_null() && token.json()["expires_on"].is_string());
    let stranger = ("X-IDENTITY-HEADER", "another");
    assert_eq!(
        managed(&simulator, path, &query, &[stranger]).await.status,
        400
    );
}
