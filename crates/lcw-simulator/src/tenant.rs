//! The tenant: its workflows, and who may see what of them.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::config::TenantConfig;
use crate::random;
use crate::run::Run;
use crate::ticks::{self, DAY, Ticks};
use crate::workflow::Workflow;

/// How long a soft-deleted workflow stays under `deletedItems`.
const DELETED_FOR: Ticks = 30 * DAY;

/// Live workflows, or those below `deletedItems`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Live,
    Deleted,
}

/// The state that answers are made of.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) config: TenantConfig,
    pub(crate) workflows: Vec<Workflow>,
    /// Goes up with every mutation.
    pub(crate) generation: u64,
    /// The latest time that the service knows of: what has aged out does not come back when its
    /// clock is set back.
    latest: AtomicI64,
}

impl Tenant {
    pub(crate) fn new(config: TenantConfig) -> Self {
        let start = ticks::from_timestamp(config.now);
        let mut workflows: Vec<Workflow> = config
            .workflows
            .iter()
            .zip(0_u64..)
            .map(|(workflow, index)| {
                Workflow::new(workflow, random::mix(&[config.seed, 0x0f_10, index]), start)
            })
            .collect();
        for workflow in &mut workflows {
            workflow.catch_up(&config, start);
        }
        for (index, plan) in &config.runs {
            if let Some(workflow) = workflows.get_mut(*index) {
                workflow.add(&config, plan);
            }
        }
        Self {
            config,
            workflows,
            generation: 0,
            latest: AtomicI64::new(start),
        }
    }

    /// Whether runs have come up that the tenant does not know yet.
    pub(crate) fn is_due(&self, now: Ticks) -> bool {
        self.workflows.iter().any(|workflow| workflow.is_due(now))
    }

    /// Lets every scheduled run up to `now` come up.
    pub(crate) fn catch_up(&mut self, now: Ticks) {
        for workflow in &mut self.workflows {
            workflow.catch_up(&self.config, now);
        }
    }

    /// The workflows that a listing of `scope` shows.
    pub(crate) fn listed(&self, scope: Scope, now: Ticks) -> impl Iterator<Item = &Workflow> {
        self.workflows
            .iter()
            .filter(move |workflow| in_scope(workflow, scope, now))
    }

    /// A workflow that a request of `scope` finds.
    pub(crate) fn find(&self, scope: Scope, id: &str, now: Ticks) -> Option<&Workflow> {
        self.listed(scope, now).find(|workflow| workflow.id == id)
    }

    /// The runs that the service still keeps and that have come up.
    pub(crate) fn kept<'a>(
        &self,
        workflow: &'a Workflow,
        now: Ticks,
    ) -> impl DoubleEndedIterator<Item = &'a Run> + use<'a> {
        let oldest = self.oldest(now);
        let from = workflow.runs.partition_point(|run| run.scheduled <= oldest);
        let to = workflow.runs.partition_point(|run| run.scheduled <= now);
        workflow
            .runs
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter(|run| !run.dropped)
    }

    /// Runs scheduled at or before this instant have aged out.
    pub(crate) fn oldest(&self, now: Ticks) -> Ticks {
        let latest = self.latest.fetch_max(now, Ordering::Relaxed).max(now);
        latest - ticks::from_duration(self.config.windows.retention)
    }

    /// A run that the service still keeps.
    pub(crate) fn kept_run<'a>(
        &self,
        workflow: &'a Workflow,
        id: &str,
        now: Ticks,
    ) -> Option<&'a Run> {
        let run = workflow.run(id)?;
        let kept = run.scheduled > self.oldest(now) && run.scheduled <= now && !run.dropped;
        kept.then_some(run)
    }

    /// Whether a person's account has been deleted.
    pub(crate) fn is_deleted_person(&self, person: u64) -> bool {
        random::chance(
            random::mix(&[self.config.seed, 0x60_4e, person]),
            self.config.deleted_people,
        )
    }

    /// The GUID of a person.
    pub(crate) fn person_id(&self, person: u64) -> u128 {
        random::guid(self.config.seed.rotate_left(17) ^ random::scramble(person))
    }
}

fn in_scope(workflow: &Workflow, scope: Scope, now: Ticks) -> bool {
    if workflow.gone {
        return false;
    }
    match (scope, workflow.deleted) {
        (Scope::Live, deleted) => deleted.is_none_or(|deleted| deleted > now),
        (Scope::Deleted, Some(deleted)) => deleted <= now && now < deleted + DELETED_FOR,
        (Scope::Deleted, None) => false,
    }
}
