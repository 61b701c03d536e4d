//! Columns of `workflow_versions`.

use super::members::WORKFLOW_CATEGORIES;
use super::{
    EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, FIRST_SEEN, LAST_SEEN, RAW, WORKFLOW_ID,
};
use crate::{Column, Kind, Role};

pub(crate) static VERSIONS: [Column; 20] = [
    WORKFLOW_ID,
    Column::new("version_number", Kind::Int32, "versionNumber", "Number of the version within its workflow. Joins to `user_processing_results.workflow_version`.")
    .role(Role::Key)
    .required(),
    Column::member("category", "category", WORKFLOW_CATEGORIES, "What the workflow is for: `joiner`, `mover`, `leaver`, `extensibility`. The service may add values."),
    Column::new("display_name", Kind::Text, "displayName", "The workflow's name in the portal in this version."),
    Column::new("description", Kind::Text, "description", "What its author said about it in this version.").may_name_people(),
    Column::new("is_enabled", Kind::Boolean, "isEnabled", "Whether the workflow could run at all in this version."),
    Column::new("is_scheduling_enabled", Kind::Boolean, "isSchedulingEnabled", "Whether it ran on its schedule in this version, too, and not on demand only."),
    Column::new("created_date_time", Kind::Timestamp, "createdDateTime", "When the version was made."),
    Column::new("last_modified_date_time", Kind::Timestamp, "lastModifiedDateTime", "When the workflow was last changed in this version."),
    Column::new("created_by_id", Kind::Id, "createdBy/id", "Object id of the user who made the version.").personal(),
    Column::new("last_modified_by_id", Kind::Id, "lastModifiedBy/id", "Object id of the user who last changed it.").personal(),
    Column::new("execution_conditions", Kind::Json, "executionConditions", "For whom it ran (scope) and when (trigger) in this version, as the service describes it. NULL when only listings were read.").may_name_people(),
    Column::new("tasks", Kind::Json, "tasks", "The tasks of this version, as the service describes them. NULL when only listings were read.").may_name_people(),
    FIRST_SEEN,
    LAST_SEEN,
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
