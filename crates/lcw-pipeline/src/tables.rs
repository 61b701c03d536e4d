//! Where the transform's tables meet the dataset's: the one place that knows both.

use std::sync::Arc;

use lcw_dataset::{
    ColumnSpec, Dataset, DatasetError, Format, Incoming, Role, TableSpec, Timestamps,
};
use lcw_loader_ndjson::{Compression, NdjsonFormat};
use lcw_loader_parquet::ParquetFormat;
use lcw_transform::{Layout, Rows, Table};

use crate::request::{FileFormat, NdjsonCompression, Request};

impl FileFormat {
    /// The loader of this format.
    pub fn loader(self) -> Arc<dyn Format> {
        match self {
            Self::Parquet => Arc::new(ParquetFormat::new()),
            Self::Ndjson(NdjsonCompression::Zstd) => Arc::new(NdjsonFormat::new(Compression::Zstd)),
            Self::Ndjson(NdjsonCompression::Gzip) => Arc::new(NdjsonFormat::new(Compression::Gzip)),
            Self::Ndjson(NdjsonCompression::None) => Arc::new(NdjsonFormat::new(Compression::None)),
        }
    }

    /// The format of a dataset, from the names it was written with.
    pub fn from_names(format: &str, compression: &str) -> Option<Self> {
        match (format, compression) {
            ("parquet", _) => Some(Self::Parquet),
            ("ndjson", "zstd") => Some(Self::Ndjson(NdjsonCompression::Zstd)),
            ("ndjson", "gzip") => Some(Self::Ndjson(NdjsonCompression::Gzip)),
            ("ndjson", "none") => Some(Self::Ndjson(NdjsonCompression::None)),
            _ => None,
        }
    }
}

/// How rows are laid out for `format`.
pub fn layout(format: &dyn Format, keep_raw: bool) -> Layout {
    let timestamps = match format.timestamps() {
        Timestamps::Micros => lcw_transform::Timestamps::Micros,
        Timestamps::AsSent => lcw_transform::Timestamps::AsSent,
    };
    Layout {
        timestamps,
        keep_raw,
    }
}

/// What the dataset has to know of `table`.
///
/// # Errors
/// When the declaration of the table does not make sense, which no user can cause.
pub fn spec(table: Table, layout: &Layout) -> Result<TableSpec, DatasetError> {
    let schema = table.schema(layout);
    let columns = table
        .columns(layout.keep_raw)
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| ColumnSpec::new(field.as_ref().clone(), role(column.role)))
        .collect();
    TableSpec::new(
        table.name(),
        table.schema_version(),
        table.is_by_day(),
        columns,
    )
}

/// Every table, laid out for `format`.
///
/// # Errors
/// As [`spec`].
pub fn specs(layout: &Layout) -> Result<Vec<TableSpec>, DatasetError> {
    Table::ALL
        .into_iter()
        .map(|table| spec(table, layout))
        .collect()
}

fn role(role: lcw_transform::Role) -> Role {
    use lcw_transform::Role as Declared;
    match role {
        Declared::Key => Role::Key,
        Declared::Fact => Role::Fact,
        Declared::Duration { from, to } => Role::Duration { from, to },
        Declared::Sticky => Role::Sticky,
        Declared::ExportId => Role::ExportId,
        Declared::ExtractedAt => Role::ExtractedAt,
        Declared::FirstExtractedAt => Role::FirstExtractedAt,
        Declared::FirstSeen => Role::FirstSeen,
        Declared::LastSeen => Role::LastSeen,
        Declared::Extra => Role::Extra,
        Declared::Raw => Role::Raw,
    }
}

/// Opens the dataset of an export for reading.
///
/// # Errors
/// What is wrong with the folder, and a dataset that this export cannot add to.
pub(crate) fn open(request: &Request) -> Result<Dataset, DatasetError> {
    let format = request.format.loader();
    let tables = specs(&layout(format.as_ref(), request.keep_raw))?;
    let wanted = request.identity(format.as_ref());
    Dataset::open_as(&request.out, &wanted, format, tables)
}

/// Rows on their way into a merge.
pub(crate) fn incoming(rows: Rows) -> Incoming {
    Incoming {
        batch: rows.batch,
        absent: rows.absent,
    }
}
