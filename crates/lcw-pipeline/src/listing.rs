//! What is remembered of a workflow or run between its listing and its commit.

use jiff::civil::Date;
use lcw_model::time::{date_of, parse_micros};
use lcw_model::{Field, Run, Text, Workflow, status};
use lcw_transform::FlattenError;

/// A workflow as listed, with its original object for the `workflows` table.
#[derive(Debug, Clone)]
pub(crate) struct ListedWorkflow {
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) created: Option<i64>,
    pub(crate) last_modified: Option<String>,
    pub(crate) version: Option<i32>,
    pub(crate) raw: Box<str>,
}

impl ListedWorkflow {
    pub(crate) fn new(workflow: &Workflow<'_>, raw: &str) -> Self {
        Self {
            id: workflow.id.as_str().to_owned(),
            category: owned(&workflow.category),
            display_name: owned(&workflow.display_name),
            created: text(&workflow.created_date_time).and_then(|text| parse_micros(text).ok()),
            last_modified: owned(&workflow.last_modified_date_time),
            version: workflow.version.as_option().copied(),
            raw: raw.into(),
        }
    }

    /// Runs of such workflows count subjects that are not users, and so have no user rows.
    pub(crate) fn counts_users(&self) -> bool {
        self.category.as_deref() != Some("extensibility")
    }
}

/// A run as listed: what decides whether it is fetched, and its original object for its row.
#[derive(Debug, Clone)]
pub(crate) struct ListedRun {
    pub(crate) id: Box<str>,
    /// UTC date of `scheduledDateTime`.
    pub(crate) day: Date,
    pub(crate) scheduled: i64,
    pub(crate) last_updated: Option<i64>,
    /// When the service last touched a final run, as far as it says.
    pub(crate) touched: Option<i64>,
    pub(crate) status: Box<str>,
    pub(crate) total_users: Option<i32>,
    pub(crate) total_tasks: Option<i32>,
    /// Its subjects are users; those of other runs are counted, but have no user rows.
    pub(crate) counts_users: bool,
    pub(crate) raw: Box<str>,
}

impl ListedRun {
    /// # Errors
    /// A `scheduledDateTime`, `lastUpdatedDateTime` or `completedDateTime` that is no date-time,
    /// or no `scheduledDateTime` at all: such a run has no day.
    pub(crate) fn new(run: &Run<'_>, raw: &str) -> Result<Self, FlattenError> {
        let scheduled = instant(run, "scheduledDateTime", &run.scheduled_date_time)?
            .ok_or_else(|| FlattenError::missing("runs", run.id.as_str(), "scheduledDateTime"))?;
        let last_updated = instant(run, "lastUpdatedDateTime", &run.last_updated_date_time)?;
        let completed = instant(run, "completedDateTime", &run.completed_date_time)?;
        Ok(Self {
            id: run.id.as_str().into(),
            day: date_of(scheduled),
            scheduled,
            last_updated,
            touched: last_updated.or(completed),
            status: text(&run.processing_status).unwrap_or_default().into(),
            total_users: run.total_users_count.as_option().copied(),
            total_tasks: run.total_tasks_count.as_option().copied(),
            counts_users: text(&run.workflow_execution_type) != Some("extensibilityOnDemand"),
            raw: raw.into(),
        })
    }

    pub(crate) fn is_final(&self) -> bool {
        status::is_final(&self.status)
    }

    /// Final, and left alone by the service for at least `settle_micros` of its own clock.
    pub(crate) fn is_settled(&self, service_now: i64, settle_micros: i64) -> bool {
        self.is_final()
            && self
                .touched
                .is_some_and(|touched| touched <= service_now.saturating_sub(settle_micros))
    }

    /// Settled with nobody in it: there is nothing to ask for.
    pub(crate) fn is_empty(&self) -> bool {
        &*self.status == "completed" && self.total_users == Some(0)
    }
}

fn text<'a>(field: &'a Field<Text<'_>>) -> Option<&'a str> {
    field.as_option().map(Text::as_str)
}

fn owned(field: &Field<Text<'_>>) -> Option<String> {
    text(field).map(str::to_owned)
}

fn instant(
    run: &Run<'_>,
    property: &'static str,
    field: &Field<Text<'_>>,
) -> Result<Option<i64>, FlattenError> {
    text(field)
        .map(|value| {
            parse_micros(value)
                .map_err(|_| FlattenError::date_time("runs", run.id.as_str(), property, value))
        })
        .transpose()
}
