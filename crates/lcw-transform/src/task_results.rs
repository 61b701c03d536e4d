//! Rows of `task_processing_results`.

use lcw_model::{InlinedTask, TaskProcessingResult};

use crate::batch::{Batch, Nested, of_batch, person, text};
use crate::{ChildRows, FlattenError, Layout, Lineage, Rows, Table};

/// Flattens task results of one run into rows of [`Table::TaskProcessingResults`], one per task
/// result.
///
/// The task's properties without a column, its arguments among them, are in `_lcw_extra` below
/// `task`, those of the user below `subject`.
#[derive(Debug)]
pub struct TaskResultRows {
    batch: Batch,
}

impl ChildRows for TaskResultRows {
    type Entity<'a> = TaskProcessingResult<'a>;

    const TABLE: Table = Table::TaskProcessingResults;

    fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self {
        Self {
            batch: Batch::of_run(Self::TABLE, layout, lineage, workflow_id, run_id),
        }
    }

    fn append(
        &mut self,
        result: &TaskProcessingResult<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let id = result.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let created = moment("createdDateTime", &result.created_date_time)?;
        let started = moment("startedDateTime", &result.started_date_time)?;
        let completed = moment("completedDateTime", &result.completed_date_time)?;
        let subject = result.subject.as_ref();
        let task = result.task.as_ref();
        let nested = [
            person("subject", subject),
            Nested {
                name: "task",
                extra: task.into_option().map(|task| &task.extra),
                knows: InlinedTask::knows,
            },
        ];

        self.batch
            .row()
            .key("id", id)
            .text("subject_id", subject.and_then(|user| text(&user.id)))
            .task(task)
            .member("processing_status", text(&result.processing_status))
            .text("failure_reason", text(&result.failure_reason))
            .text("processing_info", text(&result.processing_info))
            .moment("created_date_time", created)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .duration("queue_ms", created, started)
            .duration("processing_ms", started, completed)
            .extra("_lcw_extra", &result.extra, &nested)
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!();
}

#[cfg(test)]
mod tests;
