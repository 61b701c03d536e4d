//! The evolvable enums of the service, and which of their values hide behind `unknownFutureValue`.

/// What a value is called when the request did not ask for unknown enum members.
pub(crate) const SENTINEL: &str = "unknownFutureValue";

/// `processingStatus` of runs and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProcessingStatus {
    /// Waiting to start.
    Queued,
    /// Started and not finished.
    InProgress,
    /// Every task of every user succeeded.
    Completed,
    /// A task failed that allowed the others to go on, or some users failed.
    CompletedWithErrors,
    /// Stopped before or while it was processed.
    Canceled,
    /// A task failed and ended the processing.
    Failed,
    /// About to be canceled. Hidden without `Prefer: include-unknown-enum-members`.
    Canceling,
    /// Held back by an execution limit. Hidden without `Prefer: include-unknown-enum-members`.
    Quarantined,
    /// A status that no documentation names. Hidden like the newest ones.
    Other(&'static str),
}

impl ProcessingStatus {
    /// Those that documented runs end with.
    pub(crate) const FINAL: [Self; 4] = [
        Self::Completed,
        Self::CompletedWithErrors,
        Self::Canceled,
        Self::Failed,
    ];

    /// Graph's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "inProgress",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completedWithErrors",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Canceling => "canceling",
            Self::Quarantined => "quarantined",
            Self::Other(text) => text,
        }
    }

    /// The spelling that an answer uses.
    pub(crate) const fn shown(self, unknown_members: bool) -> &'static str {
        match self {
            Self::Canceling | Self::Quarantined | Self::Other(_) if !unknown_members => SENTINEL,
            _ => self.as_str(),
        }
    }
}

/// `workflowExecutionType` of runs and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecutionType {
    /// Started by the workflow's schedule.
    Scheduled,
    /// Started by an administrator for chosen users.
    OnDemand,
    /// Reprocesses an earlier run. Hidden without `Prefer: include-unknown-enum-members`.
    ActivatedWithScope,
    /// A dry run. Hidden without `Prefer: include-unknown-enum-members`.
    Preview,
    /// Started for subjects that are no users. Only beta has it, and hides it like the other late ones.
    ExtensibilityOnDemand,
}

impl ExecutionType {
    /// Graph's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::OnDemand => "onDemand",
            Self::ActivatedWithScope => "activatedWithScope",
            Self::Preview => "preview",
            Self::ExtensibilityOnDemand => "extensibilityOnDemand",
        }
    }

    /// The spelling that an answer uses.
    pub(crate) const fn shown(self, unknown_members: bool, beta: bool) -> &'static str {
        match self {
            Self::ActivatedWithScope | Self::Preview if !unknown_members => SENTINEL,
            Self::ExtensibilityOnDemand if !unknown_members || !beta => SENTINEL,
            _ => self.as_str(),
        }
    }
}

/// `category` of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// Before and on the first day.
    Joiner,
    /// Change of job or group. Hidden without `Prefer: include-unknown-enum-members`.
    Mover,
    /// Around and after the last day.
    Leaver,
    /// Subjects that are no users. Only beta has it, and hides it like [`Category::Mover`].
    Extensibility,
}

impl Category {
    /// Graph's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joiner => "joiner",
            Self::Mover => "mover",
            Self::Leaver => "leaver",
            Self::Extensibility => "extensibility",
        }
    }

    /// The spelling that an answer uses.
    pub(crate) const fn shown(self, unknown_members: bool, beta: bool) -> &'static str {
        match self {
            Self::Mover if !unknown_members => SENTINEL,
            Self::Extensibility if !unknown_members || !beta => SENTINEL,
            _ => self.as_str(),
        }
    }
}
