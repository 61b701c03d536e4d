//! Tokens of the Azure CLI, played by a script.

#![cfg(unix)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lcw_simulator::Simulator;
use tempfile::TempDir;

use super::{refusal, tenant, try_in};
use crate::AzureCli;

/// An `az` that does this.
struct Az {
    folder: TempDir,
}

impl Az {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let az = Self { folder };
        std::fs::write(az.program(), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(az.program(), Permissions::from_mode(0o700)).unwrap();
        az
    }

    /// One that is signed in.
    fn signed_in(tenant: &Simulator, more: &str) -> Self {
        let token = tenant.issue_token();
        Self::new(&format!("echo '{{\"accessToken\": \"{token}\"{more}}}'"))
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("az")
    }

    fn credential(&self, tenant: Option<&str>) -> AzureCli {
        let patience = Duration::from_secs(20);
        AzureCli::new(tenant)
            .unwrap()
            .run_by(self.program(), patience)
    }
}

/// An hour from now, as the CLI says it.
fn end() -> String {
    let end = jiff::Timestamp::now().as_second() + 3_600;
    format!(", \"expiresOn\": \"2020-01-01 00:00:00.000000\", \"expires_on\": {end}")
}

#[tokio::test]
async fn whoever_is_signed_in_to_the_cli_reads() {
    let tenant = tenant().await;
    let az = Az::signed_in(&tenant, &end());
    try_in(&tenant, az.credential(None)).await.unwrap();
}

#[tokio::test]
async fn the_cli_is_asked_for_this_graph_and_this_tenant() {
    let tenant = tenant().await;
    let az = Az::new("echo \"$@\" > \"$(dirname \"$0\")/asked\"; exit 1");
    refusal(&tenant, az.credential(Some("contoso.example"))).await;
    let asked = std::fs::read_to_string(az.folder.path().join("asked")).unwrap();
    let origin = tenant.origin();
    let expected = format!(
        "account get-access-token --output json --scope {origin}/.default --tenant contoso.example\n"
    );
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_tenant_is_a_name_and_not_another_option() {
    for name in ["--query", "a b", "a;b", "$(x)", "a/b"] {
        assert!(AzureCli::new(Some(name)).is_err(), "{name}");
    }
    assert!(AzureCli::new(Some(" ")).is_ok());
}

#[tokio::test]
async fn a_cli_that_gives_no_token_says_why() {
    let tenant = tenant().await;
    let log_in = "echo 'WARNING: old' >&2; echo 'ERROR: Please run '\"'\"'az login'\"'\"' to setup account.' >&2; exit 1";
    for (az, message, remedy) in [
        (
            Az::new(log_in),
            "ERROR: Please run 'az login'",
            "LifecycleWorkflows",
        ),
        (
            Az::new("echo canary-output"),
            "something else than a token",
            "az upgrade",
        ),
        (Az::signed_in(&tenant, ""), "does not say when", "2.54"),
    ] {
        let error = refusal(&tenant, az.credential(None)).await;
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.remedy().contains(remedy), "{}", error.remedy());
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_cli_that_is_missing_or_hangs_is_not_waited_for() {
    let tenant = tenant().await;
    let missing = AzureCli::new(None).unwrap();
    let missing = missing.run_by("/nowhere/az", Duration::from_secs(20));
    let error = refusal(&tenant, missing).await;
    assert!(
        error.to_string().contains("there is no `az` on the PATH"),
        "{error}"
    );
    let az = Az::new("exec sleep 60");
    let started = Instant::now();
    let hanging = az
        .credential(None)
        .run_by(az.program(), Duration::from_millis(300));
    let error = refusal(&tenant, hanging).await;
    assert!(error.to_string().contains("did not answer"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_token_of_the_cli_for_another_service_is_not_sent() {
    let tenant = tenant().await;
    tenant.update_config(|config| {
        config.access.token_audience = Some("https://management.core.windows.net/".to_owned());
    });
    let az = Az::signed_in(&tenant, &end());
    let error = refusal(&tenant, az.credential(None)).await;
    assert!(
        error
            .to_string()
            .contains("https://management.core.windows.net/"),
        "{error}"
    );
}
