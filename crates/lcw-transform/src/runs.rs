//! Rows of `runs`.

use lcw_model::{Field, Run, Text};

use crate::batch::Batch;
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

    /// Says how many rows will come, before the first does: builders make room once, and not more
    /// than they get. Without it they begin with room for a page or so and grow.
    pub fn reserve(&mut self, rows: usize) {
        self.batch.reserve(rows);
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
        let status = run.processing_status.as_ref().map(Text::as_str);
        let execution_type = run.workflow_execution_type.as_ref().map(Text::as_str);

        self.batch
            .row()
            .key("id", id)
            .text("processing_status", status)
            .text("workflow_execution_type", execution_type)
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
            .extra("_lcw_extra", &run.extra, &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    /// Rows appended since the last [`finish`](Self::finish).
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands the rows out, in the order appended, and starts over; the next rows find room for as
    /// many. Do so at the latest before a column holds 2 GiB of text, Arrow's limit.
    pub fn finish(&mut self) -> Rows {
        self.batch.finish()
    }
}

#[cfg(test)]
mod tests;
