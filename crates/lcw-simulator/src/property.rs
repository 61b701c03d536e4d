//! The properties that rows of each kind can be filtered and ordered by, as far as they are documented.

use crate::config::DateProperty;

/// What can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    Id,
    Category,
    DisplayName,
    IsEnabled,
    IsSchedulingEnabled,
    Version,
    Created,
    Modified,
    Deleted,
    NextRun,
    Status,
    Execution,
    Subject,
    Task,
    TaskDefinition,
    SuccessfulUsers,
    FailedUsers,
    UnprocessedUsers,
    TotalUsers,
    Date(DateProperty),
}

/// The kind of a collection's rows: each has its own properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    Workflow,
    Version,
    Task,
    TaskDefinition,
    Run,
    Result,
    TaskResult,
    TaskReport,
    SubjectResult,
}

/// What a property can be compared with, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparable {
    Instant,
    /// Text that is only equal or not.
    Text,
    /// Text with an order.
    OrderedText,
    /// Flags that a row has or not.
    Flags,
    Number,
    Boolean,
}

use Comparable::{Boolean, Flags, Instant, Number, OrderedText, Text};

/// A property by which rows of a kind can be filtered.
pub(crate) fn filtered(kind: RowKind, name: &str) -> Option<(Property, Comparable)> {
    match kind {
        RowKind::Workflow => workflow(name).or_else(|| version(name)),
        RowKind::Version => version(name),
        RowKind::Task => None,
        RowKind::TaskDefinition => (name == "category").then_some((Property::Category, Flags)),
        RowKind::Run => run(name),
        RowKind::Result => result(name),
        RowKind::TaskResult => task_result(name),
        RowKind::TaskReport => task_report(name),
        RowKind::SubjectResult => match name {
            "processingStatus" => Some((Property::Status, Text)),
            "workflowExecutionType" => Some((Property::Execution, Text)),
            _ => None,
        },
    }
}

/// A property by which rows of a kind can be ordered: mostly the filtered ones, but no relationships.
pub(crate) fn ordered(kind: RowKind, name: &str) -> Option<Property> {
    let found = match kind {
        RowKind::SubjectResult => None,
        RowKind::TaskDefinition if name == "displayName" => Some(Property::DisplayName),
        _ => filtered(kind, name).map(|(property, _)| property),
    };
    found.filter(|property| {
        let is_run_id = kind == RowKind::Run && *property == Property::Id;
        let is_related = matches!(
            property,
            Property::Subject | Property::Task | Property::TaskDefinition
        );
        !is_run_id && !is_related
    })
}

fn workflow(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "id" => (Property::Id, Text),
        "version" => (Property::Version, Number),
        "deletedDateTime" => (Property::Deleted, Instant),
        "nextScheduleRunDateTime" => (Property::NextRun, Instant),
        _ => return None,
    })
}

fn version(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "category" => (Property::Category, Text),
        "displayName" => (Property::DisplayName, Text),
        "isEnabled" => (Property::IsEnabled, Boolean),
        "isSchedulingEnabled" => (Property::IsSchedulingEnabled, Boolean),
        "createdDateTime" => (Property::Created, Instant),
        "lastModifiedDateTime" => (Property::Modified, Instant),
        _ => return None,
    })
}

/// What runs, results, task results and task reports share.
fn row(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "id" => (Property::Id, Text),
        "processingStatus" => (Property::Status, Text),
        "completedDateTime" => (Property::Date(DateProperty::Completed), Instant),
        _ => return None,
    })
}

fn run(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "workflowExecutionType" => (Property::Execution, Text),
        "scheduledDateTime" => (Property::Date(DateProperty::Scheduled), Instant),
        "startedDateTime" => (Property::Date(DateProperty::Started), Instant),
        "lastUpdatedDateTime" => (Property::Date(DateProperty::LastUpdated), Instant),
        _ => return row(name),
    })
}

fn result(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "workflowExecutionType" => (Property::Execution, OrderedText),
        "subject/id" => (Property::Subject, Text),
        "scheduledDateTime" => (Property::Date(DateProperty::Scheduled), Instant),
        "startedDateTime" => (Property::Date(DateProperty::Started), Instant),
        _ => return row(name),
    })
}

fn task_result(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "subject/id" => (Property::Subject, Text),
        "createdDateTime" => (Property::Date(DateProperty::Created), Instant),
        "startedDateTime" => (Property::Date(DateProperty::Started), Instant),
        _ => return row(name),
    })
}

fn task_report(name: &str) -> Option<(Property, Comparable)> {
    Some(match name {
        "task/id" => (Property::Task, Text),
        "taskDefinition/id" => (Property::TaskDefinition, Text),
        "successfulUsersCount" => (Property::SuccessfulUsers, Number),
        "failedUsersCount" => (Property::FailedUsers, Number),
        "unprocessedUsersCount" => (Property::UnprocessedUsers, Number),
        "totalUsersCount" => (Property::TotalUsers, Number),
        _ => return row(name),
    })
}
