//! The values that filters and orders compare, by kind of row.

use crate::config::DateProperty;
use crate::filter::{Row, Value};
use crate::property::Property;
use crate::random;
use crate::render::Style;
use crate::report::ReportView;
use crate::result::ResultView;
use crate::run::RunView;
use crate::subject::SubjectView;
use crate::task_result::TaskView;
use crate::tasks::{Definition, Task, TaskText};
use crate::ticks::Ticks;
use crate::version::Version;
use crate::words::Category;
use crate::workflow::Workflow;

impl Row for &Workflow {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Id => Value::Text(self.id.as_str().into()),
            Property::Category => Value::Text(self.category.as_str().into()),
            Property::DisplayName => Value::Text(self.display_name.as_str().into()),
            Property::IsEnabled => Value::Boolean(self.enabled),
            Property::IsSchedulingEnabled => Value::Boolean(self.grid.is_some()),
            Property::Version => Value::Number(i64::from(self.version)),
            Property::Created => Value::Instant(Some(self.created)),
            Property::Modified => Value::Instant(Some(self.modified)),
            Property::Deleted => Value::Instant(self.deleted),
            Property::NextRun => {
                Value::Instant(self.grid.as_ref().and_then(|grid| grid.upcoming(self.seed)))
            }
            _ => Value::Missing,
        }
    }
}

impl Row for RunView<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Id => Value::Text(self.run.id.as_str().into()),
            Property::Status => Value::Text(self.status.as_str().into()),
            Property::Execution => Value::Text(self.run.execution.as_str().into()),
            Property::Date(DateProperty::Scheduled) => Value::Instant(Some(self.run.scheduled)),
            Property::Date(DateProperty::Started) => Value::Instant(self.started),
            Property::Date(DateProperty::Completed) => Value::Instant(self.completed),
            Property::Date(DateProperty::LastUpdated) => Value::Instant(Some(self.last_updated)),
            _ => Value::Missing,
        }
    }
}

/// A result with what its id follows from.
pub(crate) struct ResultRow<'a> {
    style: Style<'a>,
    workflow: &'a Workflow,
    view: &'a ResultView<'a>,
}

impl<'a> ResultRow<'a> {
    pub(crate) fn new(style: Style<'a>, workflow: &'a Workflow, view: &'a ResultView<'a>) -> Self {
        Self {
            style,
            workflow,
            view,
        }
    }
}

fn subject(style: Style<'_>, view: &ResultView<'_>) -> Value<'static> {
    let person = style.tenant.person_id(view.person());
    Value::Text(random::guid_text(person).into())
}

impl Row for ResultRow<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        let view = self.view;
        match property {
            Property::Id => Value::Text(self.style.result_id(self.workflow, view).into()),
            Property::Status => Value::Text(view.status.as_str().into()),
            Property::Execution => Value::Text(view.execution().as_str().into()),
            Property::Subject => subject(self.style, view),
            Property::Date(DateProperty::Scheduled) => Value::Instant(Some(view.scheduled)),
            Property::Date(DateProperty::Started) => Value::Instant(view.started),
            Property::Date(DateProperty::Completed) => Value::Instant(view.completed),
            _ => Value::Missing,
        }
    }
}

/// A task result with what its id follows from.
pub(crate) struct TaskRow<'a> {
    style: Style<'a>,
    workflow: &'a Workflow,
    tasks: &'a [TaskText],
    view: &'a TaskView<'a>,
}

impl<'a> TaskRow<'a> {
    pub(crate) fn new(
        style: Style<'a>,
        workflow: &'a Workflow,
        tasks: &'a [TaskText],
        view: &'a TaskView<'a>,
    ) -> Self {
        Self {
            style,
            workflow,
            tasks,
            view,
        }
    }
}

impl Row for TaskRow<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        let view = self.view;
        match property {
            Property::Id => {
                let id = self.style.task_result_id(self.workflow, view, self.tasks);
                Value::Text(id.into())
            }
            Property::Status => Value::Text(view.status.as_str().into()),
            Property::Subject => subject(self.style, &view.result),
            Property::Date(DateProperty::Created) => Value::Instant(Some(view.created)),
            Property::Date(DateProperty::Started) => Value::Instant(view.started),
            Property::Date(DateProperty::Completed) => Value::Instant(view.completed),
            _ => Value::Missing,
        }
    }
}

/// A task report with the tasks of its workflow.
pub(crate) struct ReportRow<'a> {
    pub(crate) view: &'a ReportView<'a>,
    pub(crate) tasks: &'a [Task],
}

impl Row for ReportRow<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        let (view, task) = (self.view, self.view.of(self.tasks));
        let text = |text: Option<&str>| Value::Text(text.unwrap_or_default().to_owned().into());
        match property {
            Property::Id => Value::Text(view.id(self.tasks).into()),
            Property::Status => Value::Text(view.status.as_str().into()),
            Property::Task => text(task.map(|task| task.id.as_str())),
            Property::TaskDefinition => text(task.map(|task| task.definition.id.as_str())),
            Property::SuccessfulUsers => Value::Number(view.tally.successful.into()),
            Property::FailedUsers => Value::Number(view.tally.failed.into()),
            Property::UnprocessedUsers => Value::Number(view.tally.unprocessed.into()),
            Property::TotalUsers => Value::Number(view.tally.total().into()),
            Property::Date(DateProperty::Completed) => Value::Instant(view.run.completed),
            _ => Value::Missing,
        }
    }
}

impl Row for SubjectView<'_> {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Status => Value::Text(self.status.as_str().into()),
            Property::Execution => Value::Text(self.run.execution.as_str().into()),
            _ => Value::Missing,
        }
    }
}

/// A version with the category, which no version changes.
pub(crate) struct VersionRow {
    pub(crate) category: Category,
    pub(crate) version: Version,
}

impl Row for VersionRow {
    fn value(&self, property: Property) -> Value<'_> {
        let instant = |instant: Ticks| Value::Instant(Some(instant));
        match property {
            Property::Category => Value::Text(self.category.as_str().into()),
            Property::DisplayName => Value::Text(self.version.display_name.as_str().into()),
            Property::IsEnabled => Value::Boolean(self.version.enabled),
            Property::IsSchedulingEnabled => Value::Boolean(self.version.scheduling),
            Property::Created => instant(self.version.created),
            Property::Modified => instant(self.version.modified),
            _ => Value::Missing,
        }
    }
}

impl Row for &Definition {
    fn value(&self, property: Property) -> Value<'_> {
        match property {
            Property::Category => Value::Text(self.category.as_str().into()),
            Property::DisplayName => Value::Text(self.display_name.as_str().into()),
            _ => Value::Missing,
        }
    }
}

impl Row for Task {
    fn value(&self, _: Property) -> Value<'_> {
        Value::Missing
    }
}
