//! Columns of `workflows`.

use super::members::WORKFLOW_CATEGORIES;
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW};
use crate::{Column, Kind, Role};

pub(crate) static WORKFLOWS: [Column; 21] = [
    Column::key("id", "id", "The workflow's id."),
    Column::member(
        "category",
        "category",
        WORKFLOW_CATEGORIES,
        "What it is for: `joiner`, `mover`, `leaver`, `extensibility`. The service may add values.",
    ),
    Column::new("display_name", Kind::Text, "displayName", "Its name in the portal, as of its last change."),
    Column::new("description", Kind::Text, "description", "What its author says about it.").may_name_people(),
    Column::new("is_enabled", Kind::Boolean, "isEnabled", "Whether it can run at all. NULL for workflows first seen deleted."),
    Column::new(
        "is_scheduling_enabled",
        Kind::Boolean,
        "isSchedulingEnabled",
        "Whether it runs on its schedule, too, and not on demand only. NULL for workflows first seen deleted.",
    ),
    Column::new("version", Kind::Int32, "version", "Number of its current version. Each change of its tasks or conditions makes a new one."),
    Column::new("created_date_time", Kind::Timestamp, "createdDateTime", "When it was made."),
    Column::new("last_modified_date_time", Kind::Timestamp, "lastModifiedDateTime", "When it was last changed."),
    Column::new(
        "deleted_date_time",
        Kind::Timestamp,
        "deletedDateTime",
        "When it was deleted. The service drops deleted workflows for good after 30 days; their row stays here. NULL for live ones.",
    ),
    Column::new(
        "next_schedule_run_date_time",
        Kind::Timestamp,
        "nextScheduleRunDateTime",
        "When it will run next, as of the last reading of its details.",
    ),
    Column::new("created_by_id", Kind::Id, "createdBy/id", "Object id of the user who made it.").personal(),
    Column::new("last_modified_by_id", Kind::Id, "lastModifiedBy/id", "Object id of the user who last changed it.").personal(),
    Column::new(
        "execution_conditions",
        Kind::Json,
        "executionConditions",
        "For whom it runs (scope) and when (trigger), as the service describes it.",
    ).may_name_people(),
    Column::new("_lcw_first_seen", Kind::Timestamp, "", "When an export first saw the workflow.")
        .role(Role::FirstSeen)
        .required(),
    Column::new(
        "_lcw_last_seen",
        Kind::Timestamp,
        "",
        "When an export that wrote this table last saw the workflow. It lags behind while nothing else in the table changes.",
    )
    .role(Role::LastSeen)
    .required(),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
