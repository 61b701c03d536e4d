//! One run: what is decided about it, and what of that can be seen at an instant.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::plan::{Listed, RunPlan};
use crate::random;
use crate::report::{self, Tally};
use crate::result;
use crate::ticks::{self, SECOND, Ticks};
use crate::words::{ExecutionType, ProcessingStatus};

/// A run with all its instants; the clock decides which of them have come.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) ordinal: u32,
    pub(crate) seed: u64,
    pub(crate) guid_ids: bool,
    pub(crate) scheduled: Ticks,
    pub(crate) started: Option<Ticks>,
    pub(crate) completed: Option<Ticks>,
    pub(crate) settled: Ticks,
    pub(crate) changed: Option<Ticks>,
    pub(crate) outcome: ProcessingStatus,
    pub(crate) execution: ExecutionType,
    pub(crate) version: i32,
    pub(crate) tasks: i32,
    pub(crate) users: u32,
    pub(crate) failing: Failing,
    pub(crate) non_users: u32,
    pub(crate) reported_users: Option<i32>,
    pub(crate) reported_tasks: Option<i32>,
    pub(crate) first_person: u64,
    /// The id of the run that it reprocesses.
    pub(crate) reprocesses: Option<String>,
    pub(crate) listed: Listed,
    pub(crate) dropped: bool,
    pub(crate) edits: BTreeMap<u32, Edit>,
    pub(crate) totals: OnceLock<Totals>,
    /// How each task ended for the users, by execution sequence.
    pub(crate) tallies: OnceLock<Vec<Tally>>,
}

/// Which rows fail: `count` of the first `of` ones, beginning at `from` and going round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failing {
    pub(crate) from: u32,
    pub(crate) count: u32,
    pub(crate) of: u32,
}

impl Failing {
    pub(crate) const fn contains(self, row: u32) -> bool {
        row < self.of && (row + self.from) % self.of < self.count
    }
}

/// What a test changed of a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) status: Option<ProcessingStatus>,
    pub(crate) failed_tasks: Option<i32>,
    pub(crate) completed: Option<Ticks>,
    pub(crate) appears: Option<Ticks>,
    pub(crate) dropped: bool,
    pub(crate) tasks: BTreeMap<u32, TaskEdit>,
}

/// What a test changed of a task result.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskEdit {
    pub(crate) status: Option<ProcessingStatus>,
    pub(crate) failure_reason: Option<String>,
    pub(crate) appears: Option<Ticks>,
    pub(crate) dropped: bool,
}

/// The counters of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) users: i32,
    pub(crate) successful: i32,
    pub(crate) failed: i32,
    pub(crate) tasks: i32,
    pub(crate) failed_tasks: i32,
    pub(crate) unprocessed: i32,
}

/// What can be seen of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunView<'a> {
    pub(crate) run: &'a Run,
    pub(crate) status: ProcessingStatus,
    pub(crate) started: Option<Ticks>,
    pub(crate) completed: Option<Ticks>,
    pub(crate) last_updated: Ticks,
    pub(crate) totals: Totals,
}

/// What a run needs to know of where it belongs.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    pub(crate) workflow_id: &'a str,
    pub(crate) seed: u64,
    pub(crate) ordinal: u32,
    pub(crate) guid_ids: bool,
    pub(crate) version: i32,
    pub(crate) tasks: i32,
    pub(crate) people: u32,
    pub(crate) reprocesses: Option<String>,
}

impl Run {
    pub(crate) fn new(plan: &RunPlan, birth: Birth<'_>) -> Self {
        let scheduled = ticks::from_timestamp(plan.scheduled);
        let started = plan
            .queue
            .map(|queue| scheduled + ticks::from_duration(queue));
        let completed = plan
            .processing
            .map(|work| started.unwrap_or(scheduled) + ticks::from_duration(work));
        let settled = completed.unwrap_or(scheduled) + ticks::from_duration(plan.settling);
        Self {
            id: plan
                .id
                .clone()
                .unwrap_or_else(|| made_up_id(&birth, scheduled)),
            ordinal: birth.ordinal,
            seed: birth.seed,
            guid_ids: birth.guid_ids,
            scheduled,
            started,
            completed,
            settled,
            changed: None,
            outcome: plan.outcome,
            execution: plan.execution,
            version: birth.version,
            tasks: birth.tasks,
            users: plan.users,
            failing: failing(plan, birth.seed),
            non_users: plan.non_users,
            reported_users: plan.reported_users,
            reported_tasks: plan.reported_tasks,
            first_person: random::below(birth.seed ^ 0xfeed, u64::from(birth.people)),
            reprocesses: birth.reprocesses,
            listed: Listed::Once,
            dropped: false,
            edits: BTreeMap::new(),
            totals: OnceLock::new(),
            tallies: OnceLock::new(),
        }
    }

    /// Forgets what was counted, because a row has changed.
    pub(crate) fn recount(&mut self) {
        self.totals = OnceLock::new();
        self.tallies = OnceLock::new();
    }

    /// Whether the counters have come to agree with the rows.
    pub(crate) fn is_settled(&self, now: Ticks) -> bool {
        self.completed.is_some_and(|completed| now >= completed) && now >= self.settled
    }

    /// How each task ended for the users, once everything has settled.
    pub(crate) fn final_tallies(&self) -> &[Tally] {
        self.tallies.get_or_init(|| report::tallies_of(self))
    }

    /// Whether the run waits for somebody's decision instead of being processed.
    pub(crate) const fn held(&self) -> bool {
        matches!(self.outcome, ProcessingStatus::Quarantined)
            && self.started.is_none()
            && self.completed.is_none()
    }

    /// What an answer given at `now` says of it.
    pub(crate) fn view(&self, now: Ticks) -> RunView<'_> {
        let jitter = random::below(self.seed ^ 0x10, SECOND.unsigned_abs()).cast_signed();
        if self.completed.is_some_and(|completed| now >= completed) {
            return self.view_of_completed(now);
        }
        if self.held() {
            let totals = Totals {
                users: self.reported(),
                ..Totals::default()
            };
            return self.seen(self.outcome, None, None, self.scheduled + jitter, totals);
        }
        match self.started.filter(|&started| now >= started) {
            Some(started) => self.seen(
                if self.outcome == ProcessingStatus::Canceling {
                    self.outcome
                } else {
                    ProcessingStatus::InProgress
                },
                Some(started),
                None,
                started + jitter,
                Totals::default(),
            ),
            None => self.seen(
                ProcessingStatus::Queued,
                None,
                None,
                self.scheduled + jitter / 20,
                Totals::default(),
            ),
        }
    }

    /// What an old copy of the row says: in progress, and older than whatever is said otherwise. Of a
    /// run that waits there is no older one.
    pub(crate) fn stale_view(&self, now: Ticks) -> RunView<'_> {
        let started = self.started.unwrap_or(self.scheduled);
        if started > now {
            return self.view(now);
        }
        let status = ProcessingStatus::InProgress;
        self.seen(
            status,
            Some(started),
            None,
            started - SECOND,
            Totals::default(),
        )
    }

    fn view_of_completed(&self, now: Ticks) -> RunView<'_> {
        let completed = self.completed.unwrap_or(self.settled);
        if now >= self.settled {
            let last_updated = self.changed.unwrap_or(self.settled);
            return self.seen(
                self.outcome,
                self.started,
                self.completed,
                last_updated,
                self.final_totals(),
            );
        }
        self.seen(
            self.outcome,
            self.started,
            self.completed,
            completed,
            self.lagging_totals(),
        )
    }

    fn seen(
        &self,
        status: ProcessingStatus,
        started: Option<Ticks>,
        completed: Option<Ticks>,
        last_updated: Ticks,
        totals: Totals,
    ) -> RunView<'_> {
        RunView {
            run: self,
            status,
            started,
            completed,
            last_updated,
            totals,
        }
    }

    /// The counters once everything has settled.
    pub(crate) fn final_totals(&self) -> Totals {
        let counted = *self.totals.get_or_init(|| result::totals_of(self));
        Totals {
            users: self.reported_users.unwrap_or(counted.users),
            tasks: self.reported_tasks.unwrap_or(counted.tasks),
            ..counted
        }
    }

    /// Counters shortly after the end: still zero, or half way.
    fn lagging_totals(&self) -> Totals {
        if self.seed & 1 == 0 {
            return Totals::default();
        }
        let last = self.final_totals();
        Totals {
            users: last.users / 2,
            successful: last.successful / 2,
            failed: last.failed / 2,
            tasks: last.tasks / 2,
            failed_tasks: last.failed_tasks / 2,
            unprocessed: last.unprocessed / 2,
        }
    }

    fn reported(&self) -> i32 {
        self.reported_users
            .unwrap_or_else(|| count(self.users + self.non_users))
    }
}

/// A count as Graph's `Int32`.
pub(crate) fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn made_up_id(birth: &Birth<'_>, scheduled: Ticks) -> String {
    if birth.guid_ids {
        random::guid_text(random::guid(birth.seed))
    } else {
        format!("{}_{}", birth.workflow_id, ticks::dotnet(scheduled))
    }
}

fn failing(plan: &RunPlan, seed: u64) -> Failing {
    let of = plan.users;
    let from = u32::try_from(random::below(seed ^ 0xbad, u64::from(of))).unwrap_or(0);
    let suggested = match plan.outcome {
        ProcessingStatus::Failed => of,
        ProcessingStatus::CompletedWithErrors => of.div_ceil(4),
        _ => 0,
    };
    Failing {
        from,
        count: plan.failed_users.unwrap_or(suggested).min(of),
        of,
    }
}
