//! Rows of `user_processing_results`.

use lcw_model::{Text, UserProcessingResult};

use crate::batch::Batch;
use crate::{FlattenError, Layout, Lineage, Rows, Table};

/// Flattens results of one run into rows.
///
/// Shape: one row per appended result, with the columns of [`Table::UserProcessingResults`].
/// Units: instants in UTC at microseconds (or as sent), durations in whole milliseconds, negative
/// if the service's clocks disagree. Absent and null are NULL; [`Rows::absent`] tells them apart.
#[derive(Debug)]
pub struct ResultRows {
    batch: Batch,
}

impl ResultRows {
    /// Rows of the results of this run.
    pub fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self {
        let each = [("workflow_id", workflow_id), ("run_id", run_id)];
        let batch = Batch::new(Table::UserProcessingResults, layout, lineage, &each, None);
        Self { batch }
    }

    /// Says how many rows will come, before the first does: builders make room once, and not more
    /// than they get. Without it they begin with room for a page or so and grow.
    pub fn reserve(&mut self, rows: usize) {
        self.batch.reserve(rows);
    }

    /// Adds the row of one result. `raw` is its original object, and is dropped unless the layout
    /// keeps it.
    ///
    /// # Errors
    /// A date-time that cannot be read. No row is added then.
    pub fn append(
        &mut self,
        result: &UserProcessingResult<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let id = result.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let scheduled = moment("scheduledDateTime", &result.scheduled_date_time)?;
        let started = moment("startedDateTime", &result.started_date_time)?;
        let completed = moment("completedDateTime", &result.completed_date_time)?;
        let subject = result.subject.as_ref();
        let subject_id = subject.and_then(|subject| subject.id.as_ref().map(Text::as_str));
        let subject_extra = subject.into_option().map(|subject| &subject.extra);
        let status = result.processing_status.as_ref().map(Text::as_str);
        let execution_type = result.workflow_execution_type.as_ref().map(Text::as_str);

        self.batch
            .row()
            .key("id", id)
            .text("subject_id", subject_id)
            .text("processing_status", status)
            .text("workflow_execution_type", execution_type)
            .int("workflow_version", result.workflow_version)
            .moment("scheduled_date_time", scheduled)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .int("total_tasks_count", result.total_tasks_count)
            .int("failed_tasks_count", result.failed_tasks_count)
            .int(
                "total_unprocessed_tasks_count",
                result.total_unprocessed_tasks_count,
            )
            .duration("queue_ms", scheduled, started)
            .duration("processing_ms", started, completed)
            .duration("total_ms", scheduled, completed)
            .extra("_lcw_extra", &result.extra, &[("subject", subject_extra)])
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
