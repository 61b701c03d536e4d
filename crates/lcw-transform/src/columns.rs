//! The columns of every table, in order.

mod results;
mod runs;
mod workflows;

pub(crate) use results::RESULTS;
pub(crate) use runs::RUNS;
pub(crate) use workflows::WORKFLOWS;

use crate::{Column, Kind, Role};

const EXPORT_ID: Column = Column::new(
    "_lcw_export_id",
    Kind::Id,
    "",
    "The export that wrote the row in its present state: the name of its manifest below `_manifests`. A row that did not change keeps the export that wrote it.",
)
.role(Role::ExportId)
.required();

const EXTRACTED_AT: Column = Column::new(
    "_lcw_extracted_at",
    Kind::Timestamp,
    "",
    "When that export read the row from the service, by the clock of the machine it ran on.",
)
.role(Role::ExtractedAt)
.required();

const FIRST_EXTRACTED_AT: Column = Column::new(
    "_lcw_first_extracted_at",
    Kind::Timestamp,
    "",
    "When an export first read a row with this key. Never changes afterwards.",
)
.role(Role::FirstExtractedAt)
.required();

const EXTRA: Column = Column::new(
    "_lcw_extra",
    Kind::Json,
    "",
    "The properties of the answer that have no column of their own, as one JSON object with the service's names and values and its keys in alphabetical order. NULL when there are none.",
)
.role(Role::Extra);

const RAW: Column = Column::new(
    "_lcw_raw",
    Kind::Json,
    "",
    "The whole object as the service sent it, byte for byte. Only in datasets that were made with `keep_raw = true`.",
)
.role(Role::Raw);

#[cfg(test)]
mod tests;
