//! The published contract of a table.

use serde::Serialize;

use crate::{Column, Role, Table};

/// What readers of a table can rely on: its key, its partitions, and each column with its type.
///
/// Serialises in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedSchema {
    /// Name of the table.
    pub table: &'static str,
    /// What a row is.
    pub description: &'static str,
    /// Version of the columns.
    pub schema_version: u32,
    /// Columns of which no two rows of a tenant share the values.
    pub key: Vec<&'static str>,
    /// Columns that come from the names of folders, not from the files.
    pub partition_columns: Vec<PublishedColumn>,
    /// Columns of the files, in their order.
    pub columns: Vec<PublishedColumn>,
}

/// What readers of a column can rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedColumn {
    /// Name of the column.
    pub name: &'static str,
    /// Its type in SQL, as `DuckDB` calls it.
    #[serde(rename = "type")]
    pub sql_type: &'static str,
    /// Unit of its numbers.
    pub unit: Option<&'static str>,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// The property of Microsoft Graph that it comes from, with `/` inside objects.
    pub source_property: Option<&'static str>,
    /// The two columns that a duration is derived from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<[&'static str; 2]>,
    /// Meaning.
    pub description: &'static str,
}

impl PublishedSchema {
    /// The contract of a table.
    pub fn of(table: Table, keep_raw: bool) -> Self {
        Self {
            table: table.name(),
            description: table.description(),
            schema_version: table.schema_version(),
            key: table.key(),
            partition_columns: partition_columns(table),
            columns: table
                .columns(keep_raw)
                .iter()
                .map(PublishedColumn::of)
                .collect(),
        }
    }
}

impl PublishedColumn {
    fn of(column: &Column) -> Self {
        Self {
            name: column.name,
            sql_type: column.kind.sql_type(),
            unit: column.unit,
            nullable: column.nullable,
            source_property: column.source,
            derived_from: match column.role {
                Role::Duration { from, to } => Some([from, to]),
                _ => None,
            },
            description: column.doc,
        }
    }

    fn partition(name: &'static str, sql_type: &'static str, description: &'static str) -> Self {
        Self {
            name,
            sql_type,
            unit: None,
            nullable: false,
            source_property: None,
            derived_from: None,
            description,
        }
    }
}

fn partition_columns(table: Table) -> Vec<PublishedColumn> {
    let tenant = PublishedColumn::partition(
        "tenant_id",
        "VARCHAR",
        "The tenant that was exported, as a GUID in lower case.",
    );
    let day = PublishedColumn::partition(
        "run_date",
        "DATE",
        "The day of the run: the UTC date of its `scheduledDateTime`, also for rows of its children. A run keeps the day under which it was first stored.",
    );
    if table.is_by_day() {
        vec![tenant, day]
    } else {
        vec![tenant]
    }
}

/// The contract of a table as a JSON value, for the files below `schemas/`.
///
/// An object with `table`, `description`, `schema_version`, `key`, `partition_columns` and
/// `columns`; each column with `name`, `type`, `unit`, `nullable`, `source_property`,
/// `description` and, for durations, `derived_from`. A value does not keep the order of its keys:
/// serialise [`PublishedSchema`] itself for a file that people read.
///
/// # Panics
/// Never: names and texts always make a JSON value.
pub fn published_schema(table: Table, keep_raw: bool) -> serde_json::Value {
    serde_json::to_value(PublishedSchema::of(table, keep_raw)).expect("texts make a JSON value")
}

#[cfg(test)]
mod tests;
