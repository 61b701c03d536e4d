//! Rows of `workflows`.

use lcw_model::Workflow;

use crate::batch::{Batch, of_batch, person, text};
use crate::{FlattenError, Layout, Lineage, Rows, Table};

/// Flattens workflows into rows.
///
/// Shape: one row per appended workflow, with the columns of [`Table::Workflows`]. Units and NULLs
/// as in [`ResultRows`](crate::ResultRows).
#[derive(Debug)]
pub struct WorkflowRows {
    batch: Batch,
}

impl WorkflowRows {
    /// Rows of workflows seen at `seen_at_micros` (microseconds since 1970, UTC).
    pub fn new(layout: Layout, lineage: &Lineage, seen_at_micros: i64) -> Self {
        Self {
            batch: Batch::new(Table::Workflows, layout, lineage, &[], Some(seen_at_micros)),
        }
    }

    /// Adds the row of one workflow, as listed or with its details. `raw` is its original object,
    /// and is dropped unless the layout keeps it.
    ///
    /// # Errors
    /// A date-time that cannot be read. No row is added then.
    pub fn append(
        &mut self,
        workflow: &Workflow<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let id = workflow.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let created = moment("createdDateTime", &workflow.created_date_time)?;
        let last_modified = moment("lastModifiedDateTime", &workflow.last_modified_date_time)?;
        let deleted = moment("deletedDateTime", &workflow.deleted_date_time)?;
        let next_run = moment(
            "nextScheduleRunDateTime",
            &workflow.next_schedule_run_date_time,
        )?;
        let created_by = workflow.created_by.as_ref();
        let last_modified_by = workflow.last_modified_by.as_ref();
        let nested = [
            person("createdBy", created_by),
            person("lastModifiedBy", last_modified_by),
        ];

        self.batch
            .row()
            .key("id", id)
            .member("category", text(&workflow.category))
            .text("display_name", text(&workflow.display_name))
            .text("description", text(&workflow.description))
            .boolean("is_enabled", workflow.is_enabled)
            .boolean("is_scheduling_enabled", workflow.is_scheduling_enabled)
            .int("version", workflow.version)
            .moment("created_date_time", created)
            .moment("last_modified_date_time", last_modified)
            .moment("deleted_date_time", deleted)
            .moment("next_schedule_run_date_time", next_run)
            .text("created_by_id", created_by.and_then(|by| text(&by.id)))
            .text(
                "last_modified_by_id",
                last_modified_by.and_then(|by| text(&by.id)),
            )
            .json("execution_conditions", workflow.execution_conditions)
            .extra("_lcw_extra", &workflow.extra, &nested)
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

#[cfg(test)]
mod tests;
