//! How somebody may sign in, for the configuration of a tenant.

use std::time::Duration;

/// What becomes of a sign-in by device code.
#[derive(Debug, Clone)]
pub struct DeviceSignIn {
    /// How often the code may be asked about. Who asks sooner is told to slow down.
    pub interval: Duration,
    /// How long the code is good.
    pub lifetime: Duration,
    /// How often the answer is that nobody has signed in yet.
    pub pending: u32,
    /// How often, after that, the answer is to slow down.
    pub slow_down: u32,
    /// What the person does in the end.
    pub outcome: DeviceOutcome,
}

impl Default for DeviceSignIn {
    /// Signed in after two questions, five seconds apart.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            lifetime: Duration::from_mins(15),
            pending: 1,
            slow_down: 0,
            outcome: DeviceOutcome::Accepted,
        }
    }
}

/// What a person does with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceOutcome {
    /// Signs in.
    Accepted,
    /// Says no.
    Declined,
    /// Nothing.
    Forgotten,
}

/// The external identity that the application trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedIdentity {
    /// Who issues its tokens.
    pub issuer: String,
    /// Whose tokens they are.
    pub subject: String,
}

impl Default for FederatedIdentity {
    /// A service account of a Kubernetes cluster.
    fn default() -> Self {
        Self {
            issuer: "https://oidc.example/cluster".to_owned(),
            subject: "system:serviceaccount:lcw:exporter".to_owned(),
        }
    }
}

/// What federated tokens are for.
pub(crate) const FEDERATED_AUDIENCE: &str = "api://AzureADTokenExchange";

/// Entra roles that let a signed-in user read Lifecycle Workflows, by the id of their template.
pub mod user_roles {
    /// Global Reader.
    pub const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
    /// Lifecycle Workflows Administrator.
    pub const LIFECYCLE_WORKFLOWS_ADMINISTRATOR: &str = "59d46f88-662b-457b-bceb-5c3809e5908f";

    /// Whether one of these lets somebody read.
    pub(crate) fn may_read(held: &[String]) -> bool {
        let reading = [GLOBAL_READER, LIFECYCLE_WORKFLOWS_ADMINISTRATOR];
        held.iter().any(|role| reading.contains(&role.as_str()))
    }
}
