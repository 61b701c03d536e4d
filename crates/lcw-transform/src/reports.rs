//! Rows of `task_reports`.

use lcw_model::{Field, InlinedTask, InlinedTaskDefinition, TaskReport};

use crate::batch::{Batch, Nested, of_batch, text};
use crate::{FlattenError, Layout, Lineage, Proof, ReportMarkers, Rows, Table};

/// Flattens task reports of one workflow, of whichever runs, into rows of [`Table::TaskReports`],
/// one per report.
#[derive(Debug)]
pub struct TaskReportRows {
    batch: Batch,
}

impl TaskReportRows {
    /// Rows of reports of this workflow.
    pub fn new(layout: Layout, lineage: &Lineage, workflow_id: &str) -> Self {
        let each = [("workflow_id", workflow_id)];
        Self {
            batch: Batch::new(Table::TaskReports, layout, lineage, &each, None),
        }
    }

    /// Adds the row of one report. `raw` is its original object, and is dropped unless the layout
    /// keeps it.
    ///
    /// # Errors
    /// A date-time that cannot be read, or no `runId`: the row would have no key. No row is added
    /// then.
    pub fn append(
        &mut self,
        report: &TaskReport<'_>,
        raw: Option<&str>,
        markers: &ReportMarkers,
    ) -> Result<(), FlattenError> {
        let id = report.id.as_str();
        let run_id = run_id(report)?;
        let moment = |property, field| self.batch.moment(id, property, field);
        let started = moment("startedDateTime", &report.started_date_time)?;
        let completed = moment("completedDateTime", &report.completed_date_time)?;
        let last_updated = moment("lastUpdatedDateTime", &report.last_updated_date_time)?;

        self.batch
            .row()
            .key("run_id", run_id)
            .key("id", id)
            .task(report.task.as_ref())
            .member("processing_status", text(&report.processing_status))
            .int("total_users_count", report.total_users_count)
            .int("successful_users_count", report.successful_users_count)
            .int("failed_users_count", report.failed_users_count)
            .int("unprocessed_users_count", report.unprocessed_users_count)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .moment("last_updated_date_time", last_updated)
            .duration("processing_ms", started, completed)
            .int("_lcw_task_rows", markers.task_rows.into_field())
            .text("_lcw_proof", markers.proof.into_field().map(Proof::as_str))
            .extra("_lcw_extra", &report.extra, &nested(report))
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

fn run_id<'r>(report: &'r TaskReport<'_>) -> Result<&'r str, FlattenError> {
    let table = Table::TaskReports.name();
    match text(&report.run_id) {
        Field::Value(run_id) if !run_id.is_empty() => Ok(run_id),
        Field::Null => Err(FlattenError::null(table, &report.id, "runId")),
        Field::Value(_) | Field::Absent => Err(FlattenError::missing(table, &report.id, "runId")),
    }
}

fn nested<'r>(report: &'r TaskReport<'r>) -> [Nested<'r>; 2] {
    [
        Nested {
            name: "task",
            extra: report.task.as_option().map(|task| &task.extra),
            knows: InlinedTask::knows,
        },
        Nested {
            name: "taskDefinition",
            extra: report.task_definition.as_option().map(|it| &it.extra),
            knows: InlinedTaskDefinition::knows,
        },
    ]
}

#[cfg(test)]
mod tests;
