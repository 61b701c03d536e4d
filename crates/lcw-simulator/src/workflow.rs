//! One workflow and its runs.

use std::collections::HashMap;
use std::time::Duration;

use crate::config::{IdStyle, Outcomes, TenantConfig, WorkflowConfig};
use crate::plan::{Reprocessed, RunPlan};
use crate::random;
use crate::run::{Birth, Run};
use crate::ticks::{self, DAY, SECOND, Ticks};
use crate::version::{self, Version};
use crate::words::{Category, ExecutionType, ProcessingStatus};

/// A workflow, its schedule, and the runs that have come up so far.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) seed: u64,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    pub(crate) category: Category,
    pub(crate) enabled: bool,
    pub(crate) version: i32,
    /// When the current version was made.
    pub(crate) version_created: Ticks,
    /// The versions before the current one, the oldest first.
    pub(crate) past_versions: Vec<Version>,
    pub(crate) tasks: i32,
    pub(crate) created: Ticks,
    pub(crate) modified: Ticks,
    pub(crate) deleted: Option<Ticks>,
    pub(crate) gone: bool,
    pub(crate) forbidden: bool,
    pub(crate) grid: Option<Grid>,
    users: (u32, u32),
    /// By schedule, then by the order in which they came up.
    pub(crate) runs: Vec<Run>,
    places: HashMap<String, (Ticks, u32)>,
    next_ordinal: u32,
}

/// The instants of a schedule.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    first: Ticks,
    every: Ticks,
    pub(crate) until: Option<Ticks>,
    next: u32,
}

impl Grid {
    fn slot(&self, seed: u64, slot: u32) -> Ticks {
        let hash = random::mix(&[seed, 0x51_07, u64::from(slot)]);
        let most = (self.every / 4).clamp(1, 70 * SECOND);
        let jitter = random::below(hash, most.unsigned_abs()).cast_signed();
        let due = self.first + self.every * i64::from(slot) + jitter;
        if hash.is_multiple_of(16) {
            due.div_euclid(SECOND) * SECOND
        } else {
            due
        }
    }

    /// Ends the schedule, if it has not ended before.
    pub(crate) fn end(&mut self, now: Ticks) {
        self.until = Some(self.until.map_or(now, |until| until.min(now)));
    }

    /// The next instant, unless the schedule has ended.
    pub(crate) fn upcoming(&self, seed: u64) -> Option<Ticks> {
        let due = self.slot(seed, self.next);
        self.until.is_none_or(|until| due <= until).then_some(due)
    }
}

impl Workflow {
    pub(crate) fn new(config: &WorkflowConfig, seed: u64, start: Ticks) -> Self {
        let deleted = config
            .deleted
            .map(|before| start - ticks::from_duration(before));
        let created =
            start - 200 * DAY - random::below(seed ^ 0xc, (400 * DAY).unsigned_abs()).cast_signed();
        let modified =
            created + random::below(seed ^ 0xd, (160 * DAY).unsigned_abs()).cast_signed();
        let version = i32::try_from(random::between(seed ^ 0xe, 1, 14)).unwrap_or(1);
        let births = version::births(created, modified, version);
        let mut workflow = Self {
            id: config
                .id
                .clone()
                .unwrap_or_else(|| random::guid_text(random::guid(seed))),
            seed,
            display_name: config.display_name.clone(),
            description: config.description.clone(),
            category: config.category,
            enabled: deleted.is_none(),
            version,
            version_created: births.last().copied().unwrap_or(created),
            past_versions: Vec::new(),
            tasks: i32::try_from(config.tasks.clamp(1, 25)).unwrap_or(1),
            created,
            modified,
            deleted,
            gone: false,
            forbidden: false,
            grid: config.schedule.map(|schedule| Grid {
                first: start - ticks::from_duration(schedule.history),
                every: ticks::from_duration(schedule.every).max(SECOND),
                until: deleted.or_else(|| {
                    schedule
                        .ended
                        .map(|ended| start - ticks::from_duration(ended))
                }),
                next: 0,
            }),
            users: (*config.users_per_run.start(), *config.users_per_run.end()),
            runs: Vec::new(),
            places: HashMap::new(),
            next_ordinal: 0,
        };
        workflow.past_versions = version::past_of(&workflow, &births);
        workflow
    }

    /// Whether a scheduled run has come up that is not among the runs yet.
    pub(crate) fn is_due(&self, now: Ticks) -> bool {
        self.grid
            .as_ref()
            .and_then(|grid| grid.upcoming(self.seed))
            .is_some_and(|due| due <= now)
    }

    /// Lets every scheduled run up to `now` come up.
    pub(crate) fn catch_up(&mut self, config: &TenantConfig, now: Ticks) {
        while let Some(grid) = &mut self.grid
            && let Some(due) = grid.upcoming(self.seed)
            && due <= now
        {
            let slot = grid.next;
            grid.next += 1;
            let plan = self.scheduled_plan(&config.outcomes, due, slot);
            self.add(config, &plan);
        }
    }

    /// Adds a run and says its id.
    pub(crate) fn add(&mut self, config: &TenantConfig, plan: &RunPlan) -> String {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        let mut plan = plan.clone();
        let seed = random::mix(&[self.seed, 0x2_0b, u64::from(ordinal)]);
        let guid_ids = match config.ids {
            IdStyle::Composite => false,
            IdStyle::Guid => true,
            IdStyle::Mixed => random::chance(seed ^ 0x1d, 0.4),
        };
        let reprocesses = self.reprocessed_run(&plan);
        let run = loop {
            let birth = Birth {
                workflow_id: &self.id,
                seed,
                ordinal,
                guid_ids,
                version: self.version,
                tasks: self.tasks,
                people: config.people,
                reprocesses: reprocesses.clone(),
            };
            let run = Run::new(&plan, birth);
            if plan.id.is_some() || !self.places.contains_key(&run.id) {
                break run;
            }
            plan.scheduled += Duration::from_nanos(100);
        };
        let id = run.id.clone();
        self.places.insert(id.clone(), (run.scheduled, ordinal));
        let place = self.place_of((run.scheduled, ordinal));
        self.runs.insert(place, run);
        id
    }

    fn place_of(&self, key: (Ticks, u32)) -> usize {
        self.runs
            .partition_point(|run| (run.scheduled, run.ordinal) < key)
    }

    pub(crate) fn run(&self, id: &str) -> Option<&Run> {
        let place = self.place_of(*self.places.get(id)?);
        self.runs.get(place).filter(|run| run.id == id)
    }

    pub(crate) fn run_mut(&mut self, id: &str) -> Option<&mut Run> {
        let place = self.place_of(*self.places.get(id)?);
        self.runs.get_mut(place).filter(|run| run.id == id)
    }

    /// The id of the run that a plan reprocesses.
    fn reprocessed_run(&self, plan: &RunPlan) -> Option<String> {
        let scheduled = ticks::from_timestamp(plan.scheduled);
        match plan.reprocesses.as_ref()? {
            Reprocessed::Run(id) => Some(id.clone()),
            Reprocessed::Previous => {
                let before = || {
                    self.runs
                        .iter()
                        .rev()
                        .filter(|run| run.scheduled < scheduled)
                };
                let bad = before().find(|run| run.outcome != ProcessingStatus::Completed);
                Some(bad.or_else(|| before().next())?.id.clone())
            }
        }
    }

    fn scheduled_plan(&self, outcomes: &Outcomes, due: Ticks, slot: u32) -> RunPlan {
        let hash = random::mix(&[self.seed, 0x9_1a, u64::from(slot)]);
        let (low, high) = self.users;
        let users = random::between(hash ^ 0x05e5, u64::from(low), u64::from(high));
        let empty = random::chance(hash ^ 0xe0, outcomes.empty);
        let mut plan = RunPlan::new(
            ticks::to_timestamp(due),
            if empty {
                0
            } else {
                u32::try_from(users).unwrap_or(0)
            },
        );
        plan.queue = Some(Duration::from_nanos(
            random::between(hash ^ 1, 5_000_000, 380_000_000) * 100,
        ));
        plan.processing = Some(Duration::from_nanos(
            random::between(hash ^ 2, 90_000_000, 4_800_000_000) * 100,
        ));
        plan.settling =
            Duration::from_nanos(random::between(hash ^ 3, 2_680_000_000, 3_010_000_000) * 100);
        plan.outcome = if plan.users == 0 || self.category == Category::Extensibility {
            plan.outcome
        } else {
            outcome(outcomes, hash ^ 4)
        };
        if plan.outcome == ProcessingStatus::Quarantined {
            plan = plan.never_starting();
        }
        if plan.outcome == ProcessingStatus::Canceled && hash & 0x100 == 0 {
            plan.queue = None;
        }
        if random::chance(hash ^ 8, outcomes.settling_late) {
            plan.settling = Duration::from_secs(random::between(hash ^ 9, 3, 9) * 3_600);
        }
        plan.execution = if self.category == Category::Extensibility {
            ExecutionType::ExtensibilityOnDemand
        } else if random::chance(hash ^ 5, outcomes.preview) {
            ExecutionType::Preview
        } else if random::chance(hash ^ 6, outcomes.on_demand) {
            ExecutionType::OnDemand
        } else {
            ExecutionType::Scheduled
        };
        plan.non_users = u32::from(random::chance(hash ^ 7, outcomes.non_users)) * 2;
        if self.category == Category::Extensibility {
            (plan.non_users, plan.users) = (plan.users, 0);
        }
        plan
    }
}

fn outcome(outcomes: &Outcomes, hash: u64) -> ProcessingStatus {
    let shares = [
        (outcomes.with_errors, ProcessingStatus::CompletedWithErrors),
        (outcomes.failed, ProcessingStatus::Failed),
        (outcomes.canceled, ProcessingStatus::Canceled),
        (outcomes.quarantined, ProcessingStatus::Quarantined),
    ];
    let mut below = 0.0;
    for (share, status) in shares {
        below += share;
        if random::chance(hash, below) {
            return status;
        }
    }
    ProcessingStatus::Completed
}
