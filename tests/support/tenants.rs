//! Small tenants, quick enough to be exported again and again.

use std::time::Duration;

use lcw_simulator::{Category, Schedule, TenantConfig, WorkflowConfig};

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
