//! Weeks of a tenant, as a cron job meets them: workflows come and go, runs age out, the service has
//! its troubles.

use std::time::Duration;

use jiff::Timestamp;
use lcw_simulator::{
    Category, Contents, Fault, FaultRule, Outcomes, Reading, RetryAfter, Schedule, Simulator,
    TenantConfig, When, WorkflowConfig,
};
use lcw_transform::Table;

use crate::dataset::Facts;
use crate::dice::Dice;
use crate::expected::{assert_same, expected};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Workflows are deleted for good this long after they were deleted.
const UNTIL_PURGED: Duration = Duration::from_hours(60);

/// How large the tenant is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Live workflows.
    pub workflows: u32,
    /// Days that have passed already.
    pub history: u32,
    /// From one run of a workflow to its next.
    pub every: Duration,
    /// Users of each run.
    pub users: u32,
}

/// A tenant's story, the same for the same seed.
#[derive(Debug)]
pub struct Weeks {
    size: Size,
    dice: Dice,
    made: u32,
    struck: u32,
    live: Vec<String>,
    deleted: Vec<(String, Timestamp)>,
}

impl Weeks {
    /// The story of a tenant that began as [`Weeks::config`] says.
    pub fn new(seed: u64, size: Size, tenant: &Simulator) -> Self {
        Self {
            size,
            dice: Dice::new(seed),
            made: 0,
            struck: 0,
            live: tenant.workflow_ids(),
            deleted: Vec::new(),
        }
    }

    /// How it begins. Every run can be proven, and has settled by an hour after it was due.
    pub fn config(seed: u64, size: Size) -> TenantConfig {
        let schedule = Schedule {
            every: size.every,
            history: DAY * size.history + HOUR,
            ended: None,
        };
        let workflow = |nth| {
            let workflow = WorkflowConfig::new(Category::Joiner, format!("From the start {nth}"));
            workflow.scheduled(schedule, size.users..=size.users)
        };
        TenantConfig {
            workflows: (0..size.workflows).map(workflow).collect(),
            people: 2_000,
            outcomes: Outcomes {
                with_errors: 0.05,
                failed: 0.02,
                canceled: 0.02,
                empty: 0.05,
                on_demand: 0.1,
                ..Outcomes::GOOD
            },
            ..TenantConfig::empty(seed)
        }
    }

    /// Time passes. A workflow may be deleted, and another take its place; of what is deleted for good
    /// an export that ended well has read everything after the last run.
    pub fn pass(&mut self, tenant: &Simulator, by: Duration, last_whole: Timestamp) {
        tenant.advance(by);
        if self.dice.once_in(6) {
            let nth = self.dice.below(self.live.len());
            let id = self.live.swap_remove(nth);
            tenant.delete_workflow(&id);
            self.deleted.push((id, tenant.now()));
            let id = self.add(tenant);
            self.live.push(id);
        }
        if self.dice.once_in(5) {
            let nth = self.dice.below(self.live.len());
            let id = &self.live[nth];
            tenant.rename_workflow(id, &format!("As of {}", tenant.now()));
        }
        let is_read = |deleted: Timestamp| last_whole > deleted + UNTIL_PURGED;
        for (id, _) in self.deleted.extract_if(.., |(_, at)| is_read(*at)) {
            tenant.purge_workflow(&id);
        }
    }

    fn add(&mut self, tenant: &Simulator) -> String {
        self.made += 1;
        let schedule = Schedule {
            every: self.size.every,
            history: HOUR,
            ended: None,
        };
        let workflow = WorkflowConfig::new(Category::Leaver, format!("Later {}", self.made));
        tenant.add_workflow(&workflow.scheduled(schedule, self.size.users..=self.size.users))
    }

    /// The service has one of its days: what it refuses or garbles now comes right when it is asked
    /// again.
    pub fn strike(&mut self, tenant: &Simulator) {
        let faults = [
            Fault::status(503),
            Fault::gateway(502),
            Fault::status(500),
            Fault::ConnectionReset,
            Fault::TruncatedBody,
            Fault::CutGzip,
            Fault::MalformedJson,
            Fault::RepeatedRow,
        ];
        for (fault, nth) in faults.into_iter().zip(0..) {
            let rule = FaultRule::new(fault).when(When::Chance(0.01));
            tenant.inject(rule.seed((self.dice.roll() >> 32) + nth));
        }
        self.struck += 1;
        if self.struck.is_multiple_of(8) {
            let throttled = Fault::Throttled(RetryAfter::fraction(150));
            let nth = self.dice.within(1..=20).into();
            tenant.inject(FaultRule::new(throttled).when(When::Nth(nth)));
        }
    }
}

/// A table of a dataset that was exported all along holds every row that ever was, as it was last.
pub fn assert_holds_everything_ever(tenant: &Simulator, table: Table, found: &Facts) {
    let contents = match table {
        Table::Workflows | Table::Runs => Contents::Listings,
        Table::UserProcessingResults => Contents::Core,
        _ => Contents::All,
    };
    let truth = tenant.truth_of_everything_ever_as(&Reading::of(contents));
    let mut everything = expected(&truth, table);
    for row in everything.values_mut() {
        // As of the workflow's last change, like the rest of its row.
        row.remove("next_schedule_run_date_time");
    }
    assert_same(table.name(), found, &everything);
}
