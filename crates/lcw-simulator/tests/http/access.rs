//! Tokens and permissions.

use std::time::Duration;

use lcw_simulator::{DeletedHistory, Simulator, TenantConfig, roles};

use crate::client::{Client, LW, Reply, send};

async fn token(simulator: &Simulator, tenant: &str, form: &[(&str, &str)]) -> Reply {
    let form: Vec<String> = form
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let target = format!("/{tenant}/oauth2/v2.0/token");
    send(
        simulator.origin(),
        "POST",
        &target,
        &headers,
        &form.join("&"),
    )
    .await
    .unwrap()
}

fn form(simulator: &Simulator) -> Vec<(&'static str, String)> {
    let scope = format!("{}/.default", simulator.origin());
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", simulator.client_id().to_owned()),
        (
            "client_secret",
            simulator.client_secret().replace('~', "%7E"),
        ),
        ("scope", scope.replace(':', "%3A").replace('/', "%2F")),
    ]
}

async fn asked_with(simulator: &Simulator, key: &str, value: &str) -> Reply {
    let form = form(simulator);
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, own)| (*name, if *name == key { value } else { own.as_str() }))
        .collect();
    token(simulator, simulator.tenant_id(), &form).await
}

#[tokio::test(start_paused = true)]
async fn the_right_secret_gives_a_token_that_opens_the_api() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    for tenant in [simulator.tenant_id(), "contoso.onmicrosoft.com"] {
        let fields = form(&simulator);
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let reply = token(&simulator, tenant, &fields).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let answer = reply.json();
        assert_eq!(answer["expires_in"], 3_599);
        assert_eq!(answer["token_type"], "Bearer");
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        let headers = [("Authorization", bearer.as_str())];
        let list = format!("{LW}/workflows");
        let reply = send(simulator.origin(), "GET", &list, &headers, "")
            .await
            .unwrap();
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_say_tenant_application_roles_and_expiry() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let token = simulator.issue_token();
    let payload = token.split('.').nth(1).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&base64url(payload)).unwrap();
    assert_eq!(claims["tid"], simulator.tenant_id());
    assert_eq!(claims["appid"], simulator.client_id());
    assert_eq!(claims["roles"].as_array().unwrap().len(), 5);
    assert_eq!(
        claims["exp"].as_i64().unwrap(),
        simulator.now().as_second() + 3_599
    );
    assert_ne!(token, simulator.issue_token());
}

fn base64url(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits: Vec<usize> = text
        .bytes()
        .map(|byte| alphabet.iter().position(|letter| *letter == byte).unwrap())
        .collect();
    let mut out = Vec::new();
    for chunk in digits.chunks(4) {
        let word = chunk.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - chunk.len()));
        out.extend(
            (1..chunk.len()).map(|place| u8::try_from(word >> (24 - 8 * place) & 0xff).unwrap()),
        );
    }
    out
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_refused_in_the_words_of_the_service() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    for (key, value, status, error, code) in [
        ("client_secret", "wrong", 401, "invalid_client", 7_000_215),
        ("client_id", "0f0f", 400, "unauthorized_client", 700_016),
        (
            "scope",
            "https%3A%2F%2Ffoo%2F.default",
            400,
            "invalid_scope",
            70_011,
        ),
        (
            "grant_type",
            "password",
            400,
            "unsupported_grant_type",
            70_003,
        ),
        ("grant_type", "", 400, "invalid_request", 900_144),
    ] {
        let reply = asked_with(&simulator, key, value).await;
        assert_eq!(reply.status, status, "{key}");
        let answer = reply.json();
        assert_eq!(answer["error"], error, "{key}");
        assert_eq!(answer["error_codes"][0], code, "{key}");
        let description = answer["error_description"].as_str().unwrap();
        assert!(
            description.starts_with(&format!("AADSTS{code}: ")),
            "{description}"
        );
        assert!(answer["correlation_id"].is_string() && answer["trace_id"].is_string());
    }
    let reply = token(
        &simulator,
        "elsewhere",
        &[("grant_type", "client_credentials")],
    )
    .await;
    assert_eq!(reply.json()["error_codes"][0], 90_002);
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_with_time_with_use_and_when_revoked() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let list = format!("{LW}/workflows");
    let client = Client::new(&simulator);
    assert_eq!(client.get(&list).await.status, 200);
    // The service's own clock has no part in it.
    simulator.advance(Duration::from_hours(24));
    assert_eq!(client.get(&list).await.status, 200);
    tokio::time::advance(Duration::from_hours(1)).await;
    let reply = client.get(&list).await;
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (401, "InvalidAuthenticationToken")
    );
    assert!(reply.header("www-authenticate").is_some());

    simulator.update_config(|config| config.access.token_uses = Some(2));
    let client = Client::new(&simulator);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.get(&list).await.status);
    }
    assert_eq!(statuses, [200, 200, 401]);

    simulator.update_config(|config| config.access.opaque_tokens = true);
    assert!(!simulator.issue_token().contains('.'));
    let client = Client::new(&simulator);
    assert_eq!(client.get(&list).await.status, 200);
    simulator.revoke_tokens();
    assert_eq!(client.get(&list).await.status, 401);
    let bare = send(simulator.origin(), "GET", &list, &[], "")
        .await
        .unwrap();
    assert_eq!(bare.status, 401);
}

#[tokio::test(start_paused = true)]
async fn each_resource_needs_its_permission() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let truth = simulator.truth();
    let run = truth
        .runs
        .iter()
        .find(|run| run.workflow_id == truth.workflows[0].id)
        .unwrap();
    let gone = truth
        .workflows
        .iter()
        .find(|workflow| workflow.deleted)
        .unwrap();
    let targets = [
        format!("{LW}/workflows"),
        format!("{LW}/workflows/{}", run.workflow_id),
        format!("{LW}/workflows/{}/runs", run.workflow_id),
        format!("{LW}/workflows/{}/runs/{}", run.workflow_id, run.id),
        format!(
            "{LW}/workflows/{}/runs/{}/userProcessingResults",
            run.workflow_id, run.id
        ),
        format!("{LW}/workflows/{}/userProcessingResults", run.workflow_id),
        format!("{LW}/deletedItems/workflows"),
        format!("{LW}/deletedItems/workflows/{}", gone.id),
        format!("{LW}/deletedItems/workflows/{}/runs", gone.id),
    ];
    for (granted, expected) in [
        (vec![], "FFFFFFFFF"),
        (vec![roles::WORKFLOW_BASIC], "ttFFFFFFF"),
        (vec![roles::REPORTS], "FFttttFFF"),
        (vec![roles::WORKFLOW], "ttFFFFttF"),
        (vec![roles::WORKFLOW, roles::REPORTS], "ttttttttt"),
        (vec![roles::EVERYTHING], "ttttttttt"),
    ] {
        simulator.update_config(|config| {
            config.access.roles = granted.iter().map(|role| (*role).to_owned()).collect();
        });
        let client = Client::new(&simulator);
        let mut answers = String::new();
        for target in &targets {
            let reply = client.get(target).await;
            if reply.status == 403 {
                assert_eq!(reply.error_code(), "Authorization_RequestDenied");
            }
            answers.push(if reply.status == 200 { 't' } else { 'F' });
        }
        assert_eq!(answers, expected, "{granted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn history_of_deleted_workflows_can_be_closed_and_single_workflows_too() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let client = Client::new(&simulator);
    let ids = simulator.workflow_ids();
    let live_path = format!("{LW}/workflows/{}/runs", ids[3]);
    assert_eq!(client.get(&live_path).await.status, 404);
    let path = format!("{LW}/deletedItems/workflows/{}/runs", ids[3]);
    for (history, status) in [
        (DeletedHistory::Readable, 200),
        (DeletedHistory::Forbidden, 403),
        (DeletedHistory::NotFound, 404),
    ] {
        simulator.update_config(|config| config.deleted_history = history);
        assert_eq!(client.get(&path).await.status, status);
        let single = format!("{LW}/deletedItems/workflows/{}", ids[3]);
        assert_eq!(client.get(&single).await.status, 200);
    }
    simulator.forbid_workflow(&ids[0], true);
    assert_eq!(
        client
            .get(&format!("{LW}/workflows/{}/runs", ids[0]))
            .await
            .status,
        403
    );
    assert_eq!(
        client
            .get(&format!("{LW}/workflows/{}/runs", ids[1]))
            .await
            .status,
        200
    );
    assert_eq!(client.rows(&format!("{LW}/workflows")).await.len() % 3, 0);
    simulator.forbid_workflow(&ids[0], false);
    assert_eq!(
        client
            .get(&format!("{LW}/workflows/{}/runs", ids[0]))
            .await
            .status,
        200
    );
}
