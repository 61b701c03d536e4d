//! Rows of `tasks` and `task_definitions`.

use lcw_model::{Task, TaskDefinition};

use crate::batch::{Batch, of_batch, text};
use crate::{FlattenError, Layout, Lineage, Rows, Table};

/// Flattens tasks of one workflow into rows of [`Table::Tasks`], one per task.
#[derive(Debug)]
pub struct TaskRows {
    batch: Batch,
}

impl TaskRows {
    /// Rows of tasks of this workflow, seen at `seen_at_micros` (microseconds since 1970, UTC).
    pub fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, seen_at_micros: i64) -> Self {
        let each = [("workflow_id", workflow_id)];
        Self {
            batch: Batch::new(Table::Tasks, layout, lineage, &each, Some(seen_at_micros)),
        }
    }

    /// Adds the row of one task. `raw` is its original object, and is dropped unless the layout
    /// keeps it.
    ///
    /// # Errors
    /// None yet: a task has no value that can be unreadable.
    pub fn append(&mut self, task: &Task<'_>, raw: Option<&str>) -> Result<(), FlattenError> {
        self.batch
            .row()
            .key("id", &task.id)
            .member("category", text(&task.category))
            .text("display_name", text(&task.display_name))
            .text("description", text(&task.description))
            .int("execution_sequence", task.execution_sequence)
            .boolean("continue_on_error", task.continue_on_error)
            .boolean("is_enabled", task.is_enabled)
            .text("task_definition_id", text(&task.task_definition_id))
            .json("arguments", task.arguments)
            .extra("_lcw_extra", &task.extra, &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

/// Flattens task definitions into rows of [`Table::TaskDefinitions`], one per definition.
#[derive(Debug)]
pub struct TaskDefinitionRows {
    batch: Batch,
}

impl TaskDefinitionRows {
    /// Rows of definitions seen at `seen_at_micros` (microseconds since 1970, UTC).
    pub fn new(layout: Layout, lineage: &Lineage, seen_at_micros: i64) -> Self {
        let table = Table::TaskDefinitions;
        Self {
            batch: Batch::new(table, layout, lineage, &[], Some(seen_at_micros)),
        }
    }

    /// Adds the row of one definition. `raw` is its original object, and is dropped unless the
    /// layout keeps it.
    ///
    /// # Errors
    /// None yet: a definition has no value that can be unreadable.
    pub fn append(
        &mut self,
        definition: &TaskDefinition<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        self.batch
            .row()
            .key("id", &definition.id)
            .member("category", text(&definition.category))
            .text("display_name", text(&definition.display_name))
            .text("description", text(&definition.description))
            .int("version", definition.version)
            .boolean("continue_on_error", definition.continue_on_error)
            .json("parameters", definition.parameters)
            .extra("_lcw_extra", &definition.extra, &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

#[cfg(test)]
mod tests;
