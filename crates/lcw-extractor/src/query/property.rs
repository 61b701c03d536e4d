//! The properties of `userProcessingResult`, and what each can be asked for.

use std::fmt;

use super::error::{QueryError, hint};
use super::filter::Operator;

/// A property of `userProcessingResult`, in the order of the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// `id`, a string that is never null.
    Id,
    /// `completedDateTime`, null until then.
    CompletedDateTime,
    /// `failedTasksCount`, an integer.
    FailedTasksCount,
    /// `processingStatus`, an enumeration.
    ProcessingStatus,
    /// `scheduledDateTime`, never null.
    ScheduledDateTime,
    /// `startedDateTime`, null until then.
    StartedDateTime,
    /// `totalTasksCount`, an integer.
    TotalTasksCount,
    /// `totalUnprocessedTasksCount`, an integer.
    TotalUnprocessedTasksCount,
    /// `workflowExecutionType`, an enumeration.
    WorkflowExecutionType,
    /// `workflowVersion`, an integer.
    WorkflowVersion,
    /// `subject`, the user; filters say `subject/id`.
    Subject,
}

/// What a property is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    DateTime,
    Enum(&'static [&'static str]),
}

/// Every operator, in the order in which the reference lists them.
const ORDERED: &[Operator] = &[
    Operator::Lt,
    Operator::Le,
    Operator::Gt,
    Operator::Ge,
    Operator::Eq,
    Operator::Ne,
];
const EQUALITY: &[Operator] = &[Operator::Eq, Operator::Ne];

/// `lifecycleWorkflowProcessingStatus`.
const STATUSES: &[&str] = &[
    "queued",
    "inProgress",
    "completed",
    "completedWithErrors",
    "canceled",
    "failed",
    "unknownFutureValue",
    "canceling",
    "quarantined",
];
/// `workflowExecutionType`.
const EXECUTION_TYPES: &[&str] = &[
    "scheduled",
    "onDemand",
    "unknownFutureValue",
    "activatedWithScope",
    "preview",
    "extensibilityOnDemand",
];
/// What results link to.
const RELATIONSHIPS: [&str; 2] = ["reprocessedRuns", "taskProcessingResults"];

impl Property {
    /// Every property, in the order of the metadata.
    pub const ALL: [Self; 11] = [
        Self::Id,
        Self::CompletedDateTime,
        Self::FailedTasksCount,
        Self::ProcessingStatus,
        Self::ScheduledDateTime,
        Self::StartedDateTime,
        Self::TotalTasksCount,
        Self::TotalUnprocessedTasksCount,
        Self::WorkflowExecutionType,
        Self::WorkflowVersion,
        Self::Subject,
    ];

    /// Its name in Graph.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CompletedDateTime => "completedDateTime",
            Self::FailedTasksCount => "failedTasksCount",
            Self::ProcessingStatus => "processingStatus",
            Self::ScheduledDateTime => "scheduledDateTime",
            Self::StartedDateTime => "startedDateTime",
            Self::TotalTasksCount => "totalTasksCount",
            Self::TotalUnprocessedTasksCount => "totalUnprocessedTasksCount",
            Self::WorkflowExecutionType => "workflowExecutionType",
            Self::WorkflowVersion => "workflowVersion",
            Self::Subject => "subject",
        }
    }

    /// Its name in a filter: that of the subject is `subject/id`.
    pub fn filter_name(self) -> &'static str {
        match self {
            Self::Subject => "subject/id",
            _ => self.name(),
        }
    }

    /// The operators that a filter may use on it; none: it cannot be filtered.
    pub(super) fn operators(self) -> &'static [Operator] {
        match self {
            Self::CompletedDateTime
            | Self::ScheduledDateTime
            | Self::StartedDateTime
            | Self::WorkflowExecutionType => ORDERED,
            Self::Id | Self::ProcessingStatus | Self::Subject => EQUALITY,
            Self::FailedTasksCount
            | Self::TotalTasksCount
            | Self::TotalUnprocessedTasksCount
            | Self::WorkflowVersion => &[],
        }
    }

    /// Whether rows can be ordered by it.
    pub fn is_sortable(self) -> bool {
        !self.operators().is_empty() && self != Self::Subject
    }

    /// Whether it can be null, so that a filter may compare it with `null`.
    pub fn is_nullable(self) -> bool {
        matches!(self, Self::CompletedDateTime | Self::StartedDateTime)
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Id | Self::Subject => Kind::Text,
            Self::CompletedDateTime | Self::ScheduledDateTime | Self::StartedDateTime => {
                Kind::DateTime
            }
            Self::FailedTasksCount
            | Self::TotalTasksCount
            | Self::TotalUnprocessedTasksCount
            | Self::WorkflowVersion => Kind::Integer,
            Self::ProcessingStatus => Kind::Enum(STATUSES),
            Self::WorkflowExecutionType => Kind::Enum(EXECUTION_TYPES),
        }
    }

    /// The property of that name, whatever its casing.
    ///
    /// # Errors
    /// [`QueryError::UnknownProperty`] with the names that are `allowed`.
    pub(super) fn find(
        name: &str,
        option: &'static str,
        allowed: impl FnOnce() -> Vec<&'static str>,
    ) -> Result<Self, QueryError> {
        let same = |known: &Self| known.name().eq_ignore_ascii_case(name);
        if let Some(property) = Self::ALL.into_iter().find(same) {
            return Ok(property);
        }
        if let Some(name) = relationship(name) {
            return Err(QueryError::Relationship { option, name });
        }
        let allowed = allowed();
        Err(QueryError::UnknownProperty {
            option,
            name: name.to_owned(),
            hint: hint(name, allowed.iter().copied()),
            allowed,
        })
    }
}

/// The relationship of that name, whatever its casing.
pub(super) fn relationship(name: &str) -> Option<&'static str> {
    RELATIONSHIPS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// The names of the properties that have a quality, for a message.
pub(super) fn names(allowed: impl Fn(Property) -> bool) -> Vec<&'static str> {
    let all = Property::ALL.into_iter();
    all.filter(|property| allowed(*property))
        .map(Property::name)
        .collect()
}

/// The names of the properties that can be filtered, as a filter writes them.
pub(super) fn filter_names() -> Vec<&'static str> {
    let all = Property::ALL.into_iter();
    all.filter(|property| !property.operators().is_empty())
        .map(Property::filter_name)
        .collect()
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
