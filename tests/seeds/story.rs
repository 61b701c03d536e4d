//! What happens in one story: a tenant, an exporter, and what befalls both.

use std::time::Duration;

use lcw_pipeline::{FileFormat, Route};
use lcw_simulator::{Endpoint, FaultRule, Limit, Listed, ProcessingStatus, TenantConfig};
use lcw_transform::Table;

/// All of it follows from the seed.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) format: FileFormat,
    /// Besides workflows, runs and user processing results.
    pub(crate) tables: Vec<Table>,
    pub(crate) concurrency: usize,
    pub(crate) config: TenantConfig,
    pub(crate) steps: Vec<Step>,
}

impl Story {
    /// By which route results are read: any story can be told of any.
    pub(crate) fn route(&self) -> Route {
        [Route::Workflow, Route::Auto, Route::Run][usize::try_from(self.seed % 3).unwrap()]
    }
}

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Time passes.
    Wait(Duration),
    /// Something changes in the tenant.
    Change(Change),
    /// The service's clock is set forward or back, by hours.
    SetClock(i64),
    /// The `Date` header is off from now on, by hours: the clocks of service and exporter disagree.
    Skew(i64),
    /// An export, which lists so many days back.
    Export { lookback: u32, trouble: Trouble },
    /// A backfill of days, beginning so many ago.
    Backfill {
        from: u32,
        days: u32,
        trouble: Trouble,
    },
}

/// What an export runs into.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    pub(crate) faults: Vec<Aimed>,
    /// What changes just before the n-th request of a kind is answered.
    pub(crate) meanwhile: Vec<(Endpoint, u64, Change)>,
    /// It is interrupted just before the n-th request of a kind is answered.
    pub(crate) stop: Option<(Endpoint, u64)>,
    pub(crate) limit: Option<Limit>,
    /// A token is refused after so many requests.
    pub(crate) token_uses: Option<u32>,
}

/// A fault, and the run or workflow whose paths alone it hits.
#[derive(Debug, Clone)]
pub(crate) struct Aimed {
    pub(crate) rule: FaultRule,
    pub(crate) at: Option<Aim>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    Workflow(usize),
    Run(usize),
}

/// Something that changes in a tenant. Numbers choose among what is there.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    AddRun {
        workflow: usize,
        users: u32,
        hours_ago: u32,
        working_hours: u32,
        outcome: Outcome,
    },
    /// A run that has settled is processed again: another outcome, more users.
    Reprocess {
        run: usize,
        users: u32,
    },
    /// A row that its run counts appears only so many hours from now.
    LateRow {
        run: usize,
        hours: u32,
    },
    /// The service forgets a run before its time.
    Forget {
        run: usize,
    },
    /// A run shows in listings twice, or once again.
    List {
        run: usize,
        listed: Listed,
    },
    Rename {
        workflow: usize,
    },
    AddWorkflow {
        days: u64,
    },
    Delete {
        workflow: usize,
    },
    Purge {
        workflow: usize,
    },
    Pass(Duration),
}

/// How a run goes that is added.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Ends(ProcessingStatus),
    /// It never ends.
    Stays,
    /// It waits for an administrator.
    Held,
}

impl Trouble {
    /// Nothing is in the export's way, and nothing changes under its hands.
    pub(crate) fn is_none(&self) -> bool {
        self.faults.is_empty()
            && self.meanwhile.is_empty()
            && self.stop.is_none()
            && self.limit.is_none()
            && self.token_uses.is_none()
    }
}
