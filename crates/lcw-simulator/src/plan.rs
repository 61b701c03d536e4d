//! What a caller asks of a run or a result.

use std::time::Duration;

use jiff::Timestamp;

use crate::words::{ExecutionType, ProcessingStatus};

/// A run to be added. What of it can be seen depends on the clock: queued, in progress, completed, settled.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// When it is (or was) due. It is invisible before.
    pub scheduled: Timestamp,
    /// How long it waits; `None`: it never starts.
    pub queue: Option<Duration>,
    /// How long it works once started (or after its schedule when it never starts); `None`: it never ends.
    pub processing: Option<Duration>,
    /// How long after its end the counters and `lastUpdatedDateTime` settle.
    pub settling: Duration,
    /// Its final status.
    pub outcome: ProcessingStatus,
    /// What made it run.
    pub execution: ExecutionType,
    /// How many users it has, each with one result row.
    pub users: u32,
    /// How many of them fail; `None`: as the outcome suggests.
    pub failed_users: Option<u32>,
    /// Subjects that are no users: counted in `totalUsersCount`, without a user processing result. beta shows
    /// them as subject processing results.
    pub non_users: u32,
    /// `totalUsersCount` once settled, when it shall disagree with the rows.
    pub reported_users: Option<i32>,
    /// `totalTasksCount` once settled, when it shall disagree with the rows.
    pub reported_tasks: Option<i32>,
    /// The run that it reprocesses.
    pub reprocesses: Option<Reprocessed>,
    /// Its id; made by the tenant's style when `None`. Any text is allowed.
    pub id: Option<String>,
}

/// Which run another one reprocesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reprocessed {
    /// The one with this id.
    Run(String),
    /// The last one of the workflow that was scheduled before and did not complete; else the last one.
    Previous,
}

impl RunPlan {
    /// A run that waits 3 s, works for 90 s, settles 290 s later and completes.
    pub fn new(scheduled: Timestamp, users: u32) -> Self {
        Self {
            scheduled,
            queue: Some(Duration::from_millis(3_250)),
            processing: Some(Duration::from_secs(90)),
            settling: Duration::from_secs(290),
            outcome: ProcessingStatus::Completed,
            execution: ExecutionType::Scheduled,
            users,
            failed_users: None,
            non_users: 0,
            reported_users: None,
            reported_tasks: None,
            reprocesses: None,
            id: None,
        }
    }

    /// The same run with another end.
    #[must_use]
    pub fn ending(mut self, outcome: ProcessingStatus) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same run, working for this long.
    #[must_use]
    pub fn working_for(mut self, processing: Duration) -> Self {
        self.processing = Some(processing);
        self
    }

    /// The same run, whose counters and `lastUpdatedDateTime` settle this long after its end. Until then its
    /// counters are zero or half of what they will be, and nothing says so.
    #[must_use]
    pub fn settling_after(mut self, settling: Duration) -> Self {
        self.settling = settling;
        self
    }

    /// The same run, with subjects that are no users.
    #[must_use]
    pub fn with_non_users(mut self, non_users: u32) -> Self {
        self.non_users = non_users;
        self
    }

    /// The same run, which never ends.
    #[must_use]
    pub fn never_ending(mut self) -> Self {
        self.processing = None;
        self
    }

    /// The same run, which stays queued.
    #[must_use]
    pub fn never_starting(mut self) -> Self {
        self.queue = None;
        self.processing = None;
        self
    }

    /// The same run, reprocessing another one.
    #[must_use]
    pub fn reprocessing(mut self, run: Reprocessed) -> Self {
        self.reprocesses = Some(run);
        self.execution = ExecutionType::ActivatedWithScope;
        self
    }

    /// The same run with an id of the caller's.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// A change of a run that has happened already. It moves `lastUpdatedDateTime` to now.
#[derive(Debug, Clone, Default)]
pub struct RunChange {
    /// Another final status.
    pub outcome: Option<ProcessingStatus>,
    /// So many further users, with rows.
    pub add_users: u32,
    /// Another `totalUsersCount` than the rows say; `Some(None)` makes it agree again.
    pub reported_users: Option<Option<i32>>,
    /// Another `totalTasksCount` than the rows say; `Some(None)` makes it agree again.
    pub reported_tasks: Option<Option<i32>>,
    /// Changes of single results: the row's index and the change.
    pub results: Vec<(u32, ResultChange)>,
}

/// A change of one result.
#[derive(Debug, Clone, Default)]
pub struct ResultChange {
    /// Another final status.
    pub status: Option<ProcessingStatus>,
    /// Another `failedTasksCount`.
    pub failed_tasks: Option<i32>,
    /// Another `completedDateTime`.
    pub completed: Option<Timestamp>,
    /// The row is not there before this instant, although its run counts it.
    pub appears: Option<Timestamp>,
    /// The service no longer shows the row.
    pub dropped: bool,
    /// Changes of its task results: the task's index, from 0, and the change. The counters do not follow.
    pub tasks: Vec<(u32, TaskChange)>,
}

/// A change of one task result. Counters of the result and of the run stay as they are; the counts of the task's
/// report follow the status.
#[derive(Debug, Clone, Default)]
pub struct TaskChange {
    /// Another final status.
    pub status: Option<ProcessingStatus>,
    /// Another `failureReason`.
    pub failure_reason: Option<String>,
    /// The row is not there before this instant, although its run counts it.
    pub appears: Option<Timestamp>,
    /// The service no longer shows the row, although its run counts it.
    pub dropped: bool,
}

/// How a run that is listed twice shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Once, as usual.
    Once,
    /// The same row twice.
    Twice,
    /// First as it was while in progress, then as it is.
    StaleFirst,
    /// First as it is, then as it was while in progress.
    StaleLast,
}
