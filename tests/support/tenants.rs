//! Small tenants, quick enough to be exported again and again.

use std::time::Duration;

use lcw_simulator::{
    Category, ChangedType, Endpoint, Schedule, Simulator, TenantConfig, WorkflowConfig,
};

use crate::office::provable;

const DAY: Duration = Duration::from_hours(24);

/// Full of traps and provable, with so many days of history; its schedules go on.
pub fn brief(seed: u64, days: u32) -> TenantConfig {
    // The latest runs are still open when the clock starts.
    with_history(seed, DAY * days + Duration::from_mins(6), None)
}

/// The same, but everything has settled and nothing more happens by itself.
pub fn quiet(seed: u64, days: u32) -> TenantConfig {
    let ended = Some(Duration::from_hours(1));
    let mut config = with_history(seed, DAY * days + Duration::from_mins(6), ended);
    config.outcomes.quarantined = 0.0;
    config
}

/// One workflow without any run.
pub fn single(seed: u64) -> TenantConfig {
    TenantConfig {
        workflows: vec![WorkflowConfig::new(Category::Leaver, "Offboard")],
        ..TenantConfig::empty(seed)
    }
}

fn with_history(seed: u64, history: Duration, ended: Option<Duration>) -> TenantConfig {
    let mut config = provable(seed);
    for workflow in &mut config.workflows {
        workflow.schedule = Some(Schedule {
            every: DAY,
            history,
            ended,
        });
    }
    config
}

/// From now on some rows have this JSON in a property, or text where it is none.
pub fn mistype(tenant: &Simulator, endpoint: Endpoint, property: &str, json: &str) {
    tenant.update_config(|config| {
        config.answers.changed_type = Some(ChangedType {
            endpoint,
            property: property.to_owned(),
            json: json.to_owned(),
        });
    });
}

/// Every property has its type again.
pub fn mend(tenant: &Simulator) {
    tenant.update_config(|config| config.answers.changed_type = None);
}
