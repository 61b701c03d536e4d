//! A file into rows.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use lcw_dataset::{FormatError, TableSpec};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use crate::batch;
use crate::source::Source;
use crate::{SCHEMA_VERSION_KEY, failure};

pub(crate) struct Reader {
    /// `None` after damage: what follows is not to be trusted.
    inner: Option<ParquetRecordBatchReader>,
    schema: SchemaRef,
    /// Where each column of the schema is in a batch of the file; `None` when the file is older
    /// than the column.
    sources: Vec<Option<usize>>,
}

impl Reader {
    pub(crate) fn open(
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Self, FormatError> {
        let builder = builder(file, table)?;
        let stored = Arc::clone(builder.schema());
        if columns.is_none() {
            check_known(&stored, table)?;
        }
        let all = table.column_names();
        let schema = table
            .project(columns.unwrap_or(&all))
            .map_err(|name| FormatError::invalid(format!("no column {name:?} to read")))?;
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        let sources = sources(&stored, &schema)?;
        let rows = batch::rows(builder.metadata(), &mask);
        let build = || builder.with_projection(mask).with_batch_size(rows).build();
        let inner = Some(unharmed(build)?.map_err(failure)?);
        Ok(Self {
            inner,
            schema,
            sources,
        })
    }

    /// The columns of a stored batch in the order of the schema.
    fn arrange(&self, stored: &RecordBatch) -> Result<RecordBatch, FormatError> {
        let rows = stored.num_rows();
        let columns = self.sources.iter().zip(self.schema.fields());
        let columns: Vec<ArrayRef> = columns
            .map(|(source, field)| match source {
                Some(source) => Arc::clone(stored.column(*source)),
                None => new_null_array(field.data_type(), rows),
            })
            .collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.inner.as_mut()?;
        let batch = match unharmed(|| inner.next()) {
            Ok(stored) => stored?.map_err(FormatError::from),
            Err(error) => Err(error),
        };
        let batch = batch.and_then(|stored| self.arrange(&stored));
        if batch.is_err() {
            self.inner = None;
        }
        Some(batch)
    }
}

/// Calls the library, which panics over some kinds of damage (an empty slice, a length that runs
/// over) where it should return an error.
fn unharmed<T>(read: impl FnOnce() -> T) -> Result<T, FormatError> {
    catch_unwind(AssertUnwindSafe(read))
        .map_err(|_| FormatError::invalid("its contents do not fit together"))
}

/// Reads the footer.
fn builder(
    file: File,
    table: &TableSpec,
) -> Result<ParquetRecordBatchReaderBuilder<Source>, FormatError> {
    let source = Source::of(file).map_err(|error| FormatError::from_cause(Box::new(error)))?;
    let open = || ParquetRecordBatchReaderBuilder::try_new(source);
    let builder = unharmed(open)?.map_err(failure)?;
    check_version(builder.metadata(), table)?;
    Ok(builder)
}

/// Rows of a file, as its footer says.
pub(crate) fn count(file: File, table: &TableSpec) -> Result<u64, FormatError> {
    let builder = builder(file, table)?;
    let rows = builder.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(|_| FormatError::invalid("a negative number of rows"))
}

fn check_version(metadata: &ParquetMetaData, table: &TableSpec) -> Result<(), FormatError> {
    let entries = metadata.file_metadata().key_value_metadata();
    let version = entries
        .into_iter()
        .flatten()
        .find(|entry| entry.key == SCHEMA_VERSION_KEY)
        .and_then(|entry| entry.value.as_deref()?.parse().ok());
    let knows = table.schema_version();
    match version {
        Some(has) if has > knows => Err(FormatError::NewerSchema { has, knows }),
        Some(_) => Ok(()),
        None => Err(FormatError::invalid(format!(
            "no {SCHEMA_VERSION_KEY}: not a file of lcw"
        ))),
    }
}

fn check_known(stored: &Schema, table: &TableSpec) -> Result<(), FormatError> {
    let unknown = stored
        .fields()
        .iter()
        .find(|field| table.position(field.name()).is_none());
    match unknown {
        Some(field) => Err(FormatError::UnknownColumn {
            name: field.name().clone(),
        }),
        None => Ok(()),
    }
}

/// A column that the file is older than: NULL, which a required one cannot be.
fn missing(field: &FieldRef) -> Result<Option<usize>, FormatError> {
    if field.is_nullable() {
        return Ok(None);
    }
    let name = field.name();
    Err(FormatError::invalid(format!(
        "it lacks the required column {name}"
    )))
}

/// Positions in the projected batches, which keep the order of the file.
fn sources(stored: &Schema, wanted: &Schema) -> Result<Vec<Option<usize>>, FormatError> {
    let projected: Vec<_> = stored
        .fields()
        .iter()
        .filter(|field| wanted.column_with_name(field.name()).is_some())
        .collect();
    let source = |field: &FieldRef| {
        let Some(position) = projected
            .iter()
            .position(|stored| stored.name() == field.name())
        else {
            return missing(field);
        };
        let (has, wants) = (projected[position].data_type(), field.data_type());
        if has == wants {
            Ok(Some(position))
        } else {
            let name = field.name();
            Err(FormatError::invalid(format!(
                "column {name} has type {has} instead of {wants}"
            )))
        }
    };
    wanted.fields().iter().map(source).collect()
}
