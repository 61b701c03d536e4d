//! The published contract of a table.

use serde::Serialize;

use crate::{Column, Kind, Privacy, Role, Table};

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
    pub r#type: &'static str,
    /// Unit of its numbers.
    pub unit: Option<&'static str>,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// The property of Microsoft Graph that it comes from, with `/` inside objects.
    #[serde(rename = "source_property")]
    pub source: Option<&'static str>,
    /// The two columns that a duration is derived from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<[&'static str; 2]>,
    /// For an enumeration its known members; where several hold at once, the column holds them
    /// comma-joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'static [&'static str]>,
    /// For an enumeration whether other values can come: the service may add them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_are_open: Option<bool>,
    /// Whether its values are about people, where they are or may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
    /// Meaning.
    pub description: &'static str,
}

impl PublishedColumn {
    fn of(column: &Column) -> Self {
        let is_enum = column.kind == Kind::Enum;
        Self {
            name: column.name,
            r#type: column.kind.sql_type(),
            unit: column.unit,
            nullable: column.nullable,
            source: column.source,
            derived_from: match column.role {
                Role::Duration { from, to } => Some([from, to]),
                _ => None,
            },
            values: is_enum.then_some(column.values),
            values_are_open: is_enum.then_some(column.source.is_some()),
            privacy: Some(column.privacy).filter(|it| *it != Privacy::Impersonal),
            description: column.doc,
        }
    }

    fn partition(name: &'static str, sql_type: &'static str, description: &'static str) -> Self {
        Self {
            name,
            r#type: sql_type,
            unit: None,
            nullable: false,
            source: None,
            derived_from: None,
            values: None,
            values_are_open: None,
            privacy: None,
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

/// The contract of a table, for the files below `schemas/`: serialise it.
///
/// JSON: `table`, `description`, `schema_version`, `key`, `partition_columns` and `columns`; each
/// column with `name`, `type`, `unit`, `nullable`, `source_property`, `description` and, for
/// durations, `derived_from`, for enumerations `values` and `values_are_open`, for what is or may be
/// about people `privacy`.
pub fn published_schema(table: Table, keep_raw: bool) -> PublishedSchema {
    PublishedSchema {
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

#[cfg(test)]
mod tests;
