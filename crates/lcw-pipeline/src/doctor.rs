//! Whether an export would work now, and what to do where it would not.
//!
//! Every check is made, whatever the others said, as far as it can be: a missing permission does
//! not hide a full disk. Nothing is written but a file without a name, and no more is asked of the
//! service than one request per requested table, and a few to find a run.

mod access;
mod check;
mod dataset;
mod folder;
mod permissions;
mod probes;

use jiff::Timestamp;
use lcw_extractor::{GraphClient, TokenClaims};

pub use check::{Check, Diagnosis, Verdict};

use crate::request::Request;
use probes::Probes;

/// Examines everything that an export as `request` asks for needs.
///
/// `client` is a check that says what is wrong where there are no credentials to begin with. Its
/// retries are worth bounding: an export bears an outage that a person does not want to sit out.
pub async fn doctor(request: &Request, client: Result<&GraphClient, Check>) -> Diagnosis {
    let mut checks = Vec::new();
    let tenant = match client {
        Ok(client) => service(request, client, &mut checks).await,
        Err(check) => {
            checks.push(check);
            None
        }
    };
    folder::examine(&request.out, &mut checks);
    let now = Timestamp::now();
    dataset::examine(request, tenant.as_deref(), now, &mut checks);
    Diagnosis::of(checks)
}

/// Token, permissions, clock and requests; the tenant's id, as far as it is known.
async fn service(
    request: &Request,
    client: &GraphClient,
    checks: &mut Vec<Check>,
) -> Option<String> {
    let claims = match client.claims().await {
        Ok(claims) => claims,
        Err(error) => {
            checks.push(Check::refused("token", &error));
            return None;
        }
    };
    checks.push(access::token(claims.as_ref()));
    checks.extend(
        claims
            .as_ref()
            .map(|claims| access::audience(claims, client)),
    );
    let (tenant, check) = access::tenant(request, claims.as_ref());
    checks.push(check);
    checks.extend(
        claims
            .iter()
            .flat_map(|claims: &TokenClaims| permissions::examine(request, claims)),
    );
    let probes = Probes::ask(request, client).await;
    checks.extend(access::clock(client.service_now(), Timestamp::now()));
    checks.extend(probes.into_checks());
    tenant
}
