//! What a column is.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::{Privacy, Timestamps};

/// A column of a table: everything that is said about it, said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Graph's property name in snake case, or `_lcw_…` for what the exporter adds.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it is in its row, and so how a merge treats it.
    pub role: Role,
    /// Unit of its numbers.
    pub unit: Option<&'static str>,
    /// The property it comes from, with `/` inside objects; `None` for what is not in the answer.
    pub source: Option<&'static str>,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// For an enumeration its known members. A column that comes from the service can hold others,
    /// and, where several members hold at once, a comma-joined list.
    pub values: &'static [&'static str],
    /// Whether its values are about people, and so what a pseudonymised dataset holds instead.
    pub privacy: Privacy,
    /// Meaning, for the data dictionary: full sentences.
    pub doc: &'static str,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An opaque identifier.
    Id,
    /// A member of an open enumeration, as the service spells it.
    Enum,
    /// Text for people.
    Text,
    /// An instant.
    Timestamp,
    /// A count or number.
    Int32,
    /// A span of time in whole milliseconds.
    Milliseconds,
    /// True or false.
    Boolean,
    /// JSON text without insignificant whitespace.
    Json,
}

/// What a column is in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Part of the key.
    Key,
    /// From Graph, or a marker of the exporter.
    Fact,
    /// Whole milliseconds from the column `from` to the column `to`.
    Duration {
        /// The column with the earlier instant.
        from: &'static str,
        /// The column with the later instant.
        to: &'static str,
    },
    /// A fact that a null never takes back.
    Sticky,
    /// The export that wrote the row.
    ExportId,
    /// When that export read it.
    ExtractedAt,
    /// When any export first read a row with this key.
    FirstExtractedAt,
    /// When the row's object was first seen.
    FirstSeen,
    /// When it was last seen.
    LastSeen,
    /// Properties without a column.
    Extra,
    /// The original object.
    Raw,
}

impl Kind {
    /// The Arrow type of the column.
    pub fn data_type(self, timestamps: Timestamps) -> DataType {
        match (self, timestamps) {
            (Self::Timestamp, Timestamps::Micros) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            (Self::Id | Self::Enum | Self::Text | Self::Json | Self::Timestamp, _) => {
                DataType::Utf8
            }
            (Self::Int32, _) => DataType::Int32,
            (Self::Milliseconds, _) => DataType::Int64,
            (Self::Boolean, _) => DataType::Boolean,
        }
    }

    /// The type in SQL, as `DuckDB` calls it.
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Id | Self::Enum | Self::Text => "VARCHAR",
            Self::Timestamp => "TIMESTAMP WITH TIME ZONE",
            Self::Int32 => "INTEGER",
            Self::Milliseconds => "BIGINT",
            Self::Boolean => "BOOLEAN",
            Self::Json => "JSON",
        }
    }

    /// Bytes of text that a value takes, about: for the first reservation of a builder.
    pub(crate) fn text_width(self) -> usize {
        match self {
            Self::Id => 40,
            Self::Enum => 12,
            Self::Text => 32,
            Self::Timestamp => 28,
            Self::Json => 8,
            Self::Int32 | Self::Milliseconds | Self::Boolean => 0,
        }
    }
}

impl Column {
    /// The Arrow field. JSON columns carry the canonical extension type `arrow.json`.
    pub fn field(&self, timestamps: Timestamps) -> Field {
        let field = Field::new(self.name, self.kind.data_type(timestamps), self.nullable);
        if self.kind == Kind::Json {
            // `arrow` does not export its extension types; these are their two keys.
            field.with_metadata(HashMap::from([
                ("ARROW:extension:name".to_owned(), "arrow.json".to_owned()),
                ("ARROW:extension:metadata".to_owned(), String::new()),
            ]))
        } else {
            field
        }
    }
}

/// The starting points of a declaration: each is nullable and comes from `source`.
impl Column {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        source: &'static str,
        doc: &'static str,
    ) -> Self {
        let source = if source.is_empty() {
            None
        } else {
            Some(source)
        };
        Self {
            name,
            kind,
            role: Role::Fact,
            unit: None,
            source,
            nullable: true,
            values: &[],
            privacy: Privacy::Impersonal,
            doc,
        }
    }

    /// Part of the key, and so never NULL.
    pub(crate) const fn key(name: &'static str, source: &'static str, doc: &'static str) -> Self {
        Self {
            role: Role::Key,
            ..Self::new(name, Kind::Id, source, doc).required()
        }
    }

    /// Milliseconds between two columns.
    pub(crate) const fn duration(
        name: &'static str,
        from: &'static str,
        to: &'static str,
        doc: &'static str,
    ) -> Self {
        let column = Self::new(name, Kind::Milliseconds, "", doc).unit("ms");
        Self {
            role: Role::Duration { from, to },
            ..column
        }
    }

    /// A member of an open enumeration.
    pub(crate) const fn member(
        name: &'static str,
        source: &'static str,
        values: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self {
            values,
            ..Self::new(name, Kind::Enum, source, doc)
        }
    }

    pub(crate) const fn required(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }

    pub(crate) const fn unit(self, unit: &'static str) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }

    pub(crate) const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Its values are a person, or say something about one.
    pub(crate) const fn personal(self) -> Self {
        Self {
            privacy: Privacy::Personal,
            ..self
        }
    }

    /// Its values can speak of people.
    pub(crate) const fn may_name_people(self) -> Self {
        Self {
            privacy: Privacy::MayNamePeople,
            ..self
        }
    }
}
