//! Rows of `workflow_versions`.

use lcw_model::{Field, WorkflowVersion};

use crate::batch::{Batch, of_batch, person, text};
use crate::{FlattenError, Layout, Lineage, Rows, Table};

/// Flattens versions of one workflow into rows of [`Table::WorkflowVersions`], one per version.
#[derive(Debug)]
pub struct VersionRows {
    batch: Batch,
}

impl VersionRows {
    /// Rows of versions of this workflow, seen at `seen_at_micros` (microseconds since 1970, UTC).
    pub fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, seen_at_micros: i64) -> Self {
        Self {
            batch: Batch::new(
                Table::WorkflowVersions,
                layout,
                lineage,
                &[("workflow_id", workflow_id)],
                Some(seen_at_micros),
            ),
        }
    }

    /// Adds the row of one version, as listed or with its details. `raw` is its original object,
    /// and is dropped unless the layout keeps it.
    ///
    /// # Errors
    /// A date-time that cannot be read. No row is added then.
    pub fn append(
        &mut self,
        version: &WorkflowVersion<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let table = Table::WorkflowVersions.name();
        let Field::Value(number) = version.version_number else {
            return Err(FlattenError::missing(table, "", "versionNumber"));
        };
        let id = number.to_string();
        let moment = |property, field| self.batch.moment(&id, property, field);
        let created = moment("createdDateTime", &version.created_date_time)?;
        let last_modified = moment("lastModifiedDateTime", &version.last_modified_date_time)?;
        let created_by = version.created_by.as_ref();
        let last_modified_by = version.last_modified_by.as_ref();
        let nested = [
            person("createdBy", created_by),
            person("lastModifiedBy", last_modified_by),
        ];

        self.batch
            .row()
            .int("version_number", Field::Value(number))
            .member("category", text(&version.category))
            .text("display_name", text(&version.display_name))
            .text("description", text(&version.description))
            .boolean("is_enabled", version.is_enabled)
            .boolean("is_scheduling_enabled", version.is_scheduling_enabled)
            .moment("created_date_time", created)
            .moment("last_modified_date_time", last_modified)
            .text("created_by_id", created_by.and_then(|by| text(&by.id)))
            .text(
                "last_modified_by_id",
                last_modified_by.and_then(|by| text(&by.id)),
            )
            .json("execution_conditions", version.execution_conditions)
            .json("tasks", version.tasks)
            .extra("_lcw_extra", &version.extra, &nested)
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!(pub);
}

#[cfg(test)]
mod tests;
