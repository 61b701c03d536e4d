//! What the dataset has to know of a table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::DatasetError;

/// Name of the column that holds the original object, when that is kept.
pub const RAW_COLUMN: &str = "_lcw_raw";

/// Most columns of a table: a row's absent properties are bits of a `u64`.
const MAX_COLUMNS: usize = 64;

/// How a column behaves when a stored row is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Part of the row's key.
    Key,
    /// A property, or a marker of the pipeline: the new value, and a change counts.
    Fact,
    /// Milliseconds between two timestamps of the row.
    Duration {
        /// The column with the start.
        from: &'static str,
        /// The column with the end.
        to: &'static str,
    },
    /// As a fact, but NULL never replaces a value.
    Sticky,
    /// The export that last changed the row.
    ExportId,
    /// When the row was last changed.
    ExtractedAt,
    /// When the row was first stored.
    FirstExtractedAt,
    /// When the object was first seen.
    FirstSeen,
    /// When the object was last seen.
    LastSeen,
    /// Unknown properties.
    Extra,
    /// The original object.
    Raw,
}

impl Role {
    /// Whether a difference in such a column makes a row a changed one.
    /// [`Role::Raw`] is apart: it changes a row only where none was stored.
    pub(crate) fn is_compared(self) -> bool {
        match self {
            Self::Fact | Self::Duration { .. } | Self::Sticky | Self::Extra => true,
            Self::Key
            | Self::ExportId
            | Self::ExtractedAt
            | Self::FirstExtractedAt
            | Self::FirstSeen
            | Self::LastSeen
            | Self::Raw => false,
        }
    }
}

/// What a format may use to store a column well. Never changes what is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Nothing is known.
    Plain,
    /// Hardly a value comes twice: no dictionary, no statistics.
    Unique,
    /// Rows are looked up by single values: worth a filter.
    Lookup,
}

impl Hint {
    /// The hint for a column by its name and role: the id of a row is unique, subjects are
    /// looked up, original objects are long and unique.
    pub fn of(name: &str, role: Role) -> Self {
        match (name, role) {
            ("id", Role::Key) | (_, Role::Raw) => Self::Unique,
            ("subject_id", _) => Self::Lookup,
            _ => Self::Plain,
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpec {
    /// Name, type and nullability.
    pub field: Field,
    /// What a merge does with it.
    pub role: Role,
    /// How a format may store it.
    pub hint: Hint,
}

impl ColumnSpec {
    /// A column with the hint that its name and role suggest.
    pub fn new(field: Field, role: Role) -> Self {
        let hint = Hint::of(field.name(), role);
        Self { field, role, hint }
    }
}

/// How the columns of a table hold timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timestamps {
    /// As `Timestamp(Microsecond, "UTC")`.
    Micros,
    /// As text, exactly as the service sent it.
    AsSent,
}

/// A table: its columns, what identifies a row, and whether it is kept by day.
#[derive(Debug, Clone)]
pub struct TableSpec {
    name: String,
    schema_version: u32,
    by_day: bool,
    columns: Vec<ColumnSpec>,
    schema: SchemaRef,
    keys: Vec<usize>,
    durations: Vec<Option<(usize, usize)>>,
}

impl TableSpec {
    /// Declares a table.
    ///
    /// Types: `Utf8`, `Int32`, `Int64`, `Boolean` and `Timestamp(Microsecond, "UTC")`; keys are
    /// `Utf8` or `Int32`, ascend as bytes or numbers, and are not nullable; durations are `Int64` between two columns that hold timestamps.
    ///
    /// # Errors
    /// [`DatasetError::InvalidTable`] for a declaration that cannot be stored or merged.
    pub fn new(
        name: impl Into<String>,
        schema_version: u32,
        by_day: bool,
        columns: Vec<ColumnSpec>,
    ) -> Result<Self, DatasetError> {
        let name = name.into();
        let parts =
            Parts::check(&name, &columns).map_err(|problem| DatasetError::InvalidTable {
                table: name.clone(),
                problem,
            })?;
        Ok(Self {
            schema: schema_of(&columns),
            keys: parts.keys,
            durations: parts.durations,
            name,
            schema_version,
            by_day,
            columns,
        })
    }

    /// Name, which is also that of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version of the schema; a file with a higher one is refused.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// Whether there is a file per day, or one in all.
    pub fn by_day(&self) -> bool {
        self.by_day
    }

    /// Every column, in the order of the schema.
    pub fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// The schema of its batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Positions of the key columns, most significant first.
    pub fn keys(&self) -> &[usize] {
        &self.keys
    }

    /// Names of the key columns, most significant first.
    pub fn key_names(&self) -> Vec<&str> {
        self.keys
            .iter()
            .map(|&key| self.columns[key].field.name().as_str())
            .collect()
    }

    /// Names of all columns.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns
            .iter()
            .map(|column| column.field.name().as_str())
            .collect()
    }

    /// Position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|spec| spec.field.name() == column)
    }

    /// The schema of some of its columns, in the order named.
    ///
    /// # Errors
    /// The first name that is no column.
    pub fn project<'n>(&self, columns: &[&'n str]) -> Result<SchemaRef, &'n str> {
        let fields = columns.iter().map(|name| match self.position(name) {
            Some(position) => Ok(Arc::clone(&self.schema.fields()[position])),
            None => Err(*name),
        });
        Ok(Arc::new(Schema::new(
            fields.collect::<Result<Vec<_>, _>>()?,
        )))
    }

    /// Positions of start and end of a duration column.
    pub(crate) fn duration(&self, column: usize) -> Option<(usize, usize)> {
        self.durations[column]
    }

    pub(crate) fn has_raw(&self) -> bool {
        self.columns.iter().any(|column| column.role == Role::Raw)
    }

    /// The same table with a column for the original object, for files that have one from a time
    /// when it was kept.
    pub(crate) fn with_raw(&self) -> Self {
        let mut table = self.clone();
        if !self.has_raw() {
            let field = Field::new(RAW_COLUMN, DataType::Utf8, true);
            table.columns.push(ColumnSpec::new(json(field), Role::Raw));
            table.durations.push(None);
            table.schema = schema_of(&table.columns);
        }
        table
    }
}

/// A text field with Arrow's canonical extension type for JSON.
pub(crate) fn json(field: Field) -> Field {
    field.with_metadata(HashMap::from([
        ("ARROW:extension:name".to_owned(), "arrow.json".to_owned()),
        ("ARROW:extension:metadata".to_owned(), String::new()),
    ]))
}

fn schema_of(columns: &[ColumnSpec]) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .iter()
            .map(|column| column.field.clone())
            .collect::<Vec<_>>(),
    ))
}

/// What is derived from the columns of a sound declaration.
struct Parts {
    keys: Vec<usize>,
    durations: Vec<Option<(usize, usize)>>,
}

impl Parts {
    fn check(name: &str, columns: &[ColumnSpec]) -> Result<Self, String> {
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            return Err("a name has lower-case letters and _ only".into());
        }
        if name.starts_with('_') {
            return Err("names that begin with _ are the dataset's own".into());
        }
        if columns.len() > MAX_COLUMNS {
            return Err(format!(
                "{} columns, at most {MAX_COLUMNS} are stored",
                columns.len()
            ));
        }
        let mut names = HashSet::new();
        let mut keys = Vec::new();
        let mut durations = Vec::new();
        for (position, column) in columns.iter().enumerate() {
            let field = &column.field;
            check_type(field)?;
            if !names.insert(field.name()) {
                return Err(format!("column {} comes twice", field.name()));
            }
            if column.role == Role::Key {
                check_key(field)?;
                keys.push(position);
            }
            durations.push(duration_of(column, columns)?);
        }
        if keys.is_empty() {
            return Err("no key column".into());
        }
        Ok(Self { keys, durations })
    }
}

fn check_type(field: &Field) -> Result<(), String> {
    match field.data_type() {
        DataType::Utf8 | DataType::Int32 | DataType::Int64 | DataType::Boolean => Ok(()),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => Ok(()),
        other => Err(format!(
            "column {} has the unsupported type {other}",
            field.name()
        )),
    }
}

fn check_key(field: &Field) -> Result<(), String> {
    let is_ordered = matches!(field.data_type(), DataType::Utf8 | DataType::Int32);
    if is_ordered && !field.is_nullable() {
        Ok(())
    } else {
        Err(format!(
            "key column {} has to be text or a 32-bit integer, and not nullable",
            field.name()
        ))
    }
}

fn duration_of(
    column: &ColumnSpec,
    columns: &[ColumnSpec],
) -> Result<Option<(usize, usize)>, String> {
    let Role::Duration { from, to } = column.role else {
        return Ok(None);
    };
    let name = column.field.name();
    if column.field.data_type() != &DataType::Int64 || !column.field.is_nullable() {
        return Err(format!("duration {name} has to be a nullable Int64"));
    }
    let position = |wanted: &str| {
        let found = columns.iter().position(|other| {
            other.field.name() == wanted
                && matches!(
                    other.field.data_type(),
                    DataType::Utf8 | DataType::Timestamp(..)
                )
        });
        found.ok_or_else(|| format!("duration {name} needs a timestamp column {wanted}"))
    };
    Ok(Some((position(from)?, position(to)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ColumnSpec {
        ColumnSpec::new(Field::new("id", DataType::Utf8, false), Role::Key)
    }

    fn problem(name: &str, columns: Vec<ColumnSpec>) -> String {
        TableSpec::new(name, 1, true, columns)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn declarations_that_cannot_be_stored_are_refused() {
        assert!(problem("../x", vec![key()]).contains("lower-case"));
        assert!(problem("_staging", vec![key()]).contains("own"));
        assert!(problem("runs", vec![]).contains("no key"));
        assert!(problem("runs", vec![key(), key()]).contains("twice"));
        let float = ColumnSpec::new(Field::new("x", DataType::Float64, true), Role::Fact);
        assert!(problem("runs", vec![key(), float]).contains("Float64"));
        let nullable = ColumnSpec::new(Field::new("id", DataType::Utf8, true), Role::Key);
        assert!(problem("runs", vec![nullable]).contains("nullable"));
        let nullable = ColumnSpec::new(Field::new("n", DataType::Int32, true), Role::Key);
        assert!(problem("runs", vec![nullable]).contains("nullable"));
        let truth = ColumnSpec::new(Field::new("is", DataType::Boolean, false), Role::Key);
        assert!(problem("runs", vec![truth]).contains("32-bit integer"));
        let duration = ColumnSpec::new(
            Field::new("ms", DataType::Int64, true),
            Role::Duration { from: "a", to: "b" },
        );
        assert!(problem("runs", vec![key(), duration]).contains("column a"));
        let many = (0..65).map(|n| {
            ColumnSpec::new(
                Field::new(format!("c{n}"), DataType::Utf8, true),
                Role::Fact,
            )
        });
        assert!(problem("runs", many.collect()).contains("65 columns"));
    }

    #[test]
    fn hints_follow_name_and_role() {
        assert_eq!(Hint::of("id", Role::Key), Hint::Unique);
        assert_eq!(Hint::of("run_id", Role::Key), Hint::Plain);
        assert_eq!(Hint::of("subject_id", Role::Fact), Hint::Lookup);
        assert_eq!(Hint::of(RAW_COLUMN, Role::Raw), Hint::Unique);
    }

    #[test]
    fn a_projection_keeps_the_order_asked_for() {
        let fact = ColumnSpec::new(Field::new("a", DataType::Int32, true), Role::Fact);
        let table = TableSpec::new("runs", 1, true, vec![key(), fact]).unwrap();
        let schema = table.project(&["a", "id"]).unwrap();
        assert_eq!(schema.field(0).name(), "a");
        assert_eq!(table.project(&["b"]).unwrap_err(), "b");
    }
}
