//! One line into one row, without a tree of values in between.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use lcw_dataset::{FormatError, TableSpec};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The columns that are read, being filled.
pub(crate) struct Columns {
    schema: SchemaRef,
    builders: Vec<Builder>,
    /// Where a name's value goes; `None` for columns of the table that are not read.
    targets: HashMap<String, Option<usize>>,
    /// Names of the columns that are read, in order: mostly the next one is the next in the line.
    names: Vec<String>,
    /// Refuse names that the table does not have.
    is_strict: bool,
    /// The line in which each column was last filled.
    filled: Vec<u64>,
}

impl Columns {
    pub(crate) fn new(table: &TableSpec, columns: Option<&[&str]>) -> Result<Self, FormatError> {
        let schema = match columns {
            Some(columns) => table
                .project(columns)
                .map_err(|name| FormatError::invalid(format!("no column {name:?} to read")))?,
            None => Arc::clone(table.schema()),
        };
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut targets: HashMap<String, Option<usize>> = table
            .column_names()
            .iter()
            .map(|name| ((*name).to_owned(), None))
            .collect();
        for (position, name) in names.iter().enumerate() {
            targets.insert(name.clone(), Some(position));
        }
        let builders = schema
            .fields()
            .iter()
            .map(|field| Builder::new(field.data_type()));
        let builders = builders.collect::<Option<Vec<_>>>();
        let builders = builders.ok_or_else(|| FormatError::invalid("an unsupported type"))?;
        let filled = vec![0; names.len()];
        Ok(Self {
            schema,
            builders,
            targets,
            names,
            is_strict: columns.is_none(),
            filled,
        })
    }

    /// Takes the filled columns and starts anew.
    pub(crate) fn finish(&mut self) -> (&SchemaRef, Vec<ArrayRef>) {
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        (&self.schema, arrays)
    }

    /// Refuses the line of a file with columns that the table does not have, when all columns are
    /// to be read. Rows before such a line would otherwise be read first.
    pub(crate) fn check_names(&self, number: u64, line: &str) -> Result<(), FormatError> {
        if !self.is_strict {
            return Ok(());
        }
        check_object(number, line)?;
        let names = serde_json::from_str::<Names>(line).map_err(|error| damage(number, &error))?;
        match names
            .0
            .into_iter()
            .find(|name| !self.targets.contains_key(name))
        {
            Some(name) => Err(FormatError::UnknownColumn { name }),
            None => Ok(()),
        }
    }

    /// Columns that the line of an older file lacks are NULL, which a required one cannot be.
    fn fill_up(&mut self, number: u64) -> Result<(), FormatError> {
        let columns = self.builders.iter_mut().zip(self.schema.fields());
        for ((builder, field), filled) in columns.zip(&self.filled) {
            if *filled == number {
                continue;
            }
            if !field.is_nullable() {
                let name = field.name();
                let problem = format!("it lacks the required column {name}");
                return Err(FormatError::at_line(number, problem));
            }
            builder.append_null();
        }
        Ok(())
    }

    /// Where the value of a name goes, when `expected` is the column that should come next.
    fn target(&self, name: &str, expected: usize) -> Target {
        if self.names.get(expected).is_some_and(|next| next == name) {
            return Target::Column(expected);
        }
        match self.targets.get(name) {
            Some(Some(position)) => Target::Column(*position),
            None if self.is_strict => Target::Unknown,
            _ => Target::Skip,
        }
    }
}

enum Target {
    Column(usize),
    Skip,
    Unknown,
}

/// Appends the row of a line.
pub(crate) fn parse(columns: &mut Columns, number: u64, line: &str) -> Result<(), FormatError> {
    check_object(number, line)?;
    let mut unknown = None;
    let row = Row {
        columns,
        number,
        unknown: &mut unknown,
    };
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed = row
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(name) = unknown {
        return Err(FormatError::UnknownColumn { name });
    }
    parsed.map_err(|error| damage(number, &error))?;
    columns.fill_up(number)
}

/// The library would quote what it found instead.
fn check_object(number: u64, line: &str) -> Result<(), FormatError> {
    if line.starts_with('{') {
        Ok(())
    } else {
        Err(FormatError::at_line(number, "it is not an object"))
    }
}

/// What is wrong with a line. The library's messages name positions and our own name columns;
/// those that would quote a value do not come up, because every kind of value is expected.
fn damage(number: u64, error: &serde_json::Error) -> FormatError {
    FormatError::at_line(number, format!("{error}"))
}

/// Fills one row of the columns.
struct Row<'c> {
    columns: &'c mut Columns,
    number: u64,
    unknown: &'c mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        loop {
            let find = Name {
                columns: self.columns,
                expected,
            };
            let Some((target, name)) = map.next_key_seed(find)? else {
                return Ok(());
            };
            match target {
                Target::Skip => map.next_value::<IgnoredAny>().map(|_| ())?,
                Target::Unknown => {
                    *self.unknown = name;
                    return Err(Error::custom("an unknown column"));
                }
                Target::Column(position) => {
                    if std::mem::replace(&mut self.columns.filled[position], self.number)
                        == self.number
                    {
                        let name = &self.columns.names[position];
                        return Err(Error::custom(format_args!("column {name} comes twice")));
                    }
                    let builder = &mut self.columns.builders[position];
                    let name = &self.columns.names[position];
                    map.next_value_seed(Value { builder, name })?;
                    expected = position + 1;
                }
            }
        }
    }
}

/// Finds the target of a name without copying it.
struct Name<'c> {
    columns: &'c Columns,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = (Target, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = (Target, Option<String>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let target = self.columns.target(name, self.expected);
        let unknown = matches!(target, Target::Unknown).then(|| name.to_owned());
        Ok((target, unknown))
    }
}

/// Appends one value to its column.
struct Value<'b> {
    builder: &'b mut Builder,
    name: &'b str,
}

impl Value<'_> {
    fn wrong<E: Error>(&self, found: &str) -> E {
        E::custom(format_args!("column {} holds {found}", self.name))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of the column")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.builder {
            Builder::Text(builder) => builder.append_value(text),
            Builder::Micros(builder) => match lcw_model::time::parse_micros(text) {
                Ok(micros) => builder.append_value(micros),
                Err(_) => return Err(self.wrong("a text that is no date-time")),
            },
            _ => return Err(self.wrong("a text")),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        match self.builder {
            Builder::Int64(builder) => builder.append_value(number),
            Builder::Int32(builder) => match i32::try_from(number) {
                Ok(number) => builder.append_value(number),
                Err(_) => return Err(self.wrong("a number out of its range")),
            },
            _ => return Err(self.wrong("a number")),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(self.wrong("a number out of its range")),
        }
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<(), E> {
        Err(self.wrong("a fraction"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.builder {
            Builder::Boolean(builder) => builder.append_value(value),
            _ => return Err(self.wrong("a truth value")),
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.builder.append_null();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _map: A) -> Result<(), A::Error> {
        Err(self.wrong("an object"))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _seq: A) -> Result<(), A::Error> {
        Err(self.wrong("a list"))
    }
}

/// Only the names of an object.
struct Names(Vec<String>);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            self.0.push(name);
        }
        Ok(self)
    }
}

/// The values of one column.
enum Builder {
    Text(StringBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Micros(TimestampMicrosecondBuilder),
    Boolean(BooleanBuilder),
}

impl Builder {
    fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
                let builder = TimestampMicrosecondBuilder::new();
                Self::Micros(builder.with_data_type(data_type.clone()))
            }
            _ => return None,
        })
    }

    fn append_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Micros(builder) => builder.append_null(),
            Self::Boolean(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Micros(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
        }
    }
}
