//! Columns of `task_definitions`.

use super::members::TASK_CATEGORIES;
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, FIRST_SEEN, LAST_SEEN, RAW};
use crate::{Column, Kind};

pub(crate) static TASK_DEFINITIONS: [Column; 14] = [
    Column::key("id", "id", "The definition's id, the same in every tenant."),
    Column::member(
        "category",
        "category",
        TASK_CATEGORIES,
        "For which workflows the task is: members of `joiner`, `leaver`, `mover`, `extensibility`, comma-joined where there are several. The service may add values.",
    ),
    Column::new(
        "display_name",
        Kind::Text,
        "displayName",
        "Its name in the portal.",
    ),
    Column::new(
        "description",
        Kind::Text,
        "description",
        "What the task does for a user.",
    ),
    Column::new("version", Kind::Int32, "version", "Number of its version."),
    Column::new(
        "continue_on_error",
        Kind::Boolean,
        "continueOnError",
        "Whether tasks made of it let a user's next task run although they fail.",
    ),
    Column::new(
        "parameters",
        Kind::Json,
        "parameters",
        "The settings it takes: an array of objects with `name`, `values` and `valueType`.",
    ),
    FIRST_SEEN,
    LAST_SEEN,
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
