//! Every way to sign in, from the client to the simulated tenant and its login service.

mod azure_cli;
mod certificates;
mod clouds;
mod device_codes;
mod federation;
mod managed_identities;
mod secrecy;

use lcw_simulator::{Endpoint, Simulator, TenantConfig};

use super::support::Ids;
use crate::{ClientConfig, Credential, ErrorKind, ExtractError, GraphClient, GraphPath};

async fn tenant() -> Simulator {
    Simulator::start(TenantConfig::small(1)).await.unwrap()
}

fn config(tenant: &Simulator) -> ClientConfig {
    ClientConfig {
        graph_url: tenant.origin().to_owned(),
        requests_per_second: None,
        ..ClientConfig::default()
    }
}

fn client(tenant: &Simulator, credential: impl Into<Credential>) -> GraphClient {
    GraphClient::new(config(tenant), credential).unwrap()
}

/// Reads one workflow of the tenant: proof that the token is good.
async fn read(tenant: &Simulator, client: &GraphClient) -> Result<(), ExtractError> {
    let id = &tenant.workflow_ids()[0];
    let mut decoder = Ids::default();
    let ids = client.entity(GraphPath::workflow(id), &mut decoder).await?;
    assert_eq!(ids, [id.as_str()]);
    Ok(())
}

/// Signs in and reads.
async fn try_in(tenant: &Simulator, credential: impl Into<Credential>) -> Result<(), ExtractError> {
    read(tenant, &client(tenant, credential)).await
}

/// The error of a sign-in that is refused, before Graph is asked for anything.
async fn refusal(tenant: &Simulator, credential: impl Into<Credential>) -> ExtractError {
    tenant.reset_requests();
    let error = try_in(tenant, credential).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
    assert_eq!(tenant.graph_count(), 0, "{error}");
    assert!(!error.remedy().is_empty());
    error
}

/// The same for a refusal of the login service, with this code and a remedy of these words.
async fn refused_with(
    tenant: &Simulator,
    credential: impl Into<Credential>,
    code: u32,
    remedy: &str,
) {
    let error = refusal(tenant, credential).await;
    let shown = error.to_string();
    assert!(shown.contains(&format!("AADSTS{code}: ")), "{shown}");
    assert!(error.remedy().contains(remedy), "{}", error.remedy());
    assert_eq!(tenant.count(Endpoint::Token), 1, "a refusal is final");
}
