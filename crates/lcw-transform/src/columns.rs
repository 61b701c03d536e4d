//! The columns of every table, in order.

mod definitions;
mod members;
mod reports;
mod reprocessed;
mod results;
mod runs;
mod subject_results;
mod task_results;
mod tasks;
mod versions;
mod workflows;

pub(crate) use definitions::TASK_DEFINITIONS;
pub(crate) use reports::TASK_REPORTS;
pub(crate) use reprocessed::REPROCESSED_RUNS;
pub(crate) use results::RESULTS;
pub(crate) use runs::RUNS;
pub(crate) use subject_results::SUBJECT_RESULTS;
pub(crate) use task_results::TASK_RESULTS;
pub(crate) use tasks::TASKS;
pub(crate) use versions::VERSIONS;
pub(crate) use workflows::WORKFLOWS;

use crate::{Column, Kind, Role};

const WORKFLOW_ID: Column = Column::key(
    "workflow_id",
    "",
    "The workflow. Not in the service's answer: it comes from the request. Joins to `workflows.id`.",
);

const FIRST_SEEN: Column = Column::new(
    "_lcw_first_seen",
    Kind::Timestamp,
    "",
    "When an export first saw the row's object.",
)
.role(Role::FirstSeen)
.required();

const LAST_SEEN: Column = Column::new(
    "_lcw_last_seen",
    Kind::Timestamp,
    "",
    "When an export that wrote this table last saw the row's object. It lags behind while nothing else in the table changes.",
)
.role(Role::LastSeen)
.required();

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
.role(Role::Extra)
.may_name_people();

const RAW: Column = Column::new(
    "_lcw_raw",
    Kind::Json,
    "",
    "The whole object as the service sent it, byte for byte. Only in datasets that were made with `keep_raw = true`.",
)
.role(Role::Raw)
.may_name_people();

#[cfg(test)]
mod tests;
