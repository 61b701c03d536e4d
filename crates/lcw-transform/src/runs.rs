//! Rows of `runs`.

use lcw_model::{Field, Run};

use crate::batch::{Batch, of_batch, text};
use crate::{FlattenError, Layout, Lineage, Proof, Rows, RunMarkers, Table};

/// Flattens runs of one workflow into rows.
///
/// Shape: one row per appended run, with the columns of [`Table::Runs`]. Units and NULLs as in
/// [`ResultRows`](crate::ResultRows).
#[derive(Debug)]
pub struct RunRows {
    batch: Batch,
}

impl RunRows {
    /// Rows of runs of this workflow.
    pub fn new(layout: Layout, lineage: &Lineage, workflow_id: &str) -> Self {
        let each = [("workflow_id", workflow_id)];
        Self {
            batch: Batch::new(Table::Runs, layout, lineage, &each, None),
        }
    }

    /// Adds the row of one run. `raw` is its original object, and is dropped unless the layout
    /// keeps it.
    ///
    /// # Errors
    /// A date-time that cannot be read, or no `scheduledDateTime`: such a run has no day to be
    /// stored under. No row is added then.
    pub fn append(
        &mut self,
        run: &Run<'_>,
        raw: Option<&str>,
        markers: &RunMarkers,
    ) -> Result<(), FlattenError> {
        let id = run.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let scheduled = moment("scheduledDateTime", &run.scheduled_date_time)?;
        match scheduled {
            Field::Value(_) => {}
            Field::Null => return Err(FlattenError::null("runs", id, "scheduledDateTime")),
            Field::Absent => return Err(FlattenError::missing("runs", id, "scheduledDateTime")),
        }
        let started = moment("startedDateTime", &run.started_date_time)?;
        let completed = moment("completedDateTime", &run.completed_date_time)?;
        let last_updated = moment("lastUpdatedDateTime", &run.last_updated_date_time)?;
        let status = text(&run.processing_status);
        let execution_type = text(&run.workflow_execution_type);

        self.batch
            .row()
            .key("id", id)
            .member("processing_status", status)
            .member("workflow_execution_type", execution_type)
            .moment("scheduled_date_time", scheduled)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .moment("last_updated_date_time", last_updated)
            .int("total_users_count", run.total_users_count)
            .int("successful_users_count", run.successful_users_count)
            .int("failed_users_count", run.failed_users_count)
            .int("total_tasks_count", run.total_tasks_count)
            .int("failed_tasks_count", run.failed_tasks_count)
            .int(
                "total_unprocessed_tasks_count",
                run.total_unprocessed_tasks_count,
            )
            .json("activated_on_scope", run.activated_on_scope)
            .duration("queue_ms", scheduled, started)
            .duration("processing_ms", started, completed)
            .duration("total_ms", scheduled, completed)
            .boolean("_lcw_settled", Field::Value(markers.settled))
            .int("_lcw_result_rows", markers.result_rows.into_field())
            .text("_lcw_proof", markers.proof.into_field().map(Proof::as_str))
            .int("_lcw_task_rows", markers.task_rows.into_field())
            .text(
                "_lcw_task_proof",
                markers.task_proof.into_field().map(Proof::as_str),
            )
            .int("_lcw_subject_rows", markers.subject_rows.into_field())
            .int("_lcw_report_rows", markers.report_rows.into_field())
            .int(
                "_lcw_reprocessed_rows",
                markers.reprocessed_rows.into_field(),
            )
            .extra("_lcw_extra", &run.extra, &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

#[cfg(test)]
mod tests;
