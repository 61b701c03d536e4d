//! Rows of `subject_processing_results`.

use lcw_model::{SubjectProcessingResult, WorkflowSubject};

use crate::batch::{Batch, Nested, of_batch, text};
use crate::{ChildRows, FlattenError, Layout, Lineage, Rows, Table};

/// Flattens subject results of one run into rows of [`Table::SubjectProcessingResults`], one per
/// result.
#[derive(Debug)]
pub struct SubjectResultRows {
    batch: Batch,
}

impl ChildRows for SubjectResultRows {
    type Entity<'a> = SubjectProcessingResult<'a>;

    const TABLE: Table = Table::SubjectProcessingResults;

    fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self {
        Self {
            batch: Batch::of_run(Self::TABLE, layout, lineage, workflow_id, run_id),
        }
    }

    fn append(
        &mut self,
        result: &SubjectProcessingResult<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let id = result.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let scheduled = moment("scheduledDateTime", &result.scheduled_date_time)?;
        let started = moment("startedDateTime", &result.started_date_time)?;
        let completed = moment("completedDateTime", &result.completed_date_time)?;
        let subject = result.subject.as_ref();
        let unprocessed = result.total_unprocessed_tasks_count;
        let parts = Nested {
            name: "subject",
            extra: subject.into_option().map(|subject| &subject.entity.extra),
            knows: WorkflowSubject::knows,
        };

        self.batch
            .row()
            .key("id", id)
            .text(
                "subject_id",
                subject.and_then(|subject| text(&subject.entity.id)),
            )
            .member("subject_type", text(&result.subject_type))
            .member("processing_status", text(&result.processing_status))
            .member(
                "workflow_execution_type",
                text(&result.workflow_execution_type),
            )
            .int("workflow_version", result.workflow_version)
            .moment("scheduled_date_time", scheduled)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .int("total_tasks_count", result.total_tasks_count)
            .int("failed_tasks_count", result.failed_tasks_count)
            .int("total_unprocessed_tasks_count", unprocessed)
            .duration("queue_ms", scheduled, started)
            .duration("processing_ms", started, completed)
            .duration("total_ms", scheduled, completed)
            .json_text("subject", subject.map(|subject| subject.raw))
            .note(parts)
            .extra("_lcw_extra", &result.extra, &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!();
}

#[cfg(test)]
mod tests;
