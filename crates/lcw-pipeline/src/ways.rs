//! The ways to ask for what is below a run.

use lcw_model::time::format_micros;
use serde::Serialize;

use crate::children::Child;

/// A way to ask for the rows below a run. Nothing says which of them the service answers in full:
/// where one brings fewer rows than the service counts, the next is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// By `scheduledDateTime`, from a day before the run's schedule.
    ScheduledDateTime,
    /// By `createdDateTime`, from a day before the run's schedule.
    CreatedDateTime,
    /// By `startedDateTime`, from a day before the run's schedule.
    StartedDateTime,
    /// Without a filter.
    Unfiltered,
    /// Together with other runs of its workflow.
    Workflow,
}

impl Way {
    /// The ways to ask for a table, in the order in which they are tried: by a date that every row
    /// has, by the date that Microsoft's own example uses, and without a filter. The page of subject
    /// results names no date to filter on, so the service may refuse it; reprocessed runs take no
    /// option at all.
    pub(crate) fn of(child: Child) -> &'static [Self] {
        match child {
            Child::Results => &[
                Self::ScheduledDateTime,
                Self::StartedDateTime,
                Self::Unfiltered,
            ],
            Child::Tasks => &[
                Self::CreatedDateTime,
                Self::StartedDateTime,
                Self::Unfiltered,
            ],
            Child::Subjects => &[Self::ScheduledDateTime, Self::Unfiltered],
            Child::Reprocessed => &[Self::Unfiltered],
        }
    }

    /// Its name in the summary: the property that is filtered on.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScheduledDateTime => "scheduledDateTime",
            Self::CreatedDateTime => "createdDateTime",
            Self::StartedDateTime => "startedDateTime",
            Self::Unfiltered => "unfiltered",
            Self::Workflow => "workflow",
        }
    }

    /// The filter from this instant on, in microseconds.
    pub(crate) fn filter(self, since: i64) -> Option<String> {
        match self {
            Self::Unfiltered | Self::Workflow => None,
            by => Some(format!("{} ge {}", by.name(), format_micros(since))),
        }
    }
}
