//! Columns of `task_reports`.

use super::members::{PROOFS, STATUSES, TASK_CATEGORIES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind, Role};

pub(crate) static TASK_REPORTS: [Column; 25] = [
    WORKFLOW_ID,
    Column::key("run_id", "runId", "The run that the report is about. Joins with `workflow_id` to `runs`."),
    Column::key("id", "id", "The report's id, unique within its workflow. Opaque."),
    Column::new("task_id", Kind::Id, "task/id", "The task. Joins with `workflow_id` to `tasks`. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::new("task_definition_id", Kind::Id, "task/taskDefinitionId", "The built-in task that the task makes use of, the same in every tenant. Joins to `task_definitions.id`. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::new("task_display_name", Kind::Text, "task/displayName", "The task's name in the portal when the row was read. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::member("task_category", "task/category", TASK_CATEGORIES, "For which workflows the task is: members of `joiner`, `leaver`, `mover`, `extensibility`, comma-joined where there are several. The service may add values. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::new("execution_sequence", Kind::Int32, "task/executionSequence", "The task's place among the tasks of the workflow, as of the reading. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::new("continue_on_error", Kind::Boolean, "task/continueOnError", "Whether the user's next task runs although this one fails, as of the reading. NULL unless reports were asked for with their tasks.").role(Role::Sticky),
    Column::member("processing_status", "processingStatus", STATUSES, "How far the task is over all users of the run: `queued`, `inProgress`, `completed`, `completedWithErrors`, `failed`, `canceled` and further statuses. The service may add values."),
    Column::new("total_users_count", Kind::Int32, "totalUsersCount", "Users that the task is for. 0 while the run is under way.").unit("users"),
    Column::new("successful_users_count", Kind::Int32, "successfulUsersCount", "Users that the task succeeded for.").unit("users"),
    Column::new("failed_users_count", Kind::Int32, "failedUsersCount", "Users that the task failed for.").unit("users"),
    Column::new("unprocessed_users_count", Kind::Int32, "unprocessedUsersCount", "Users that the task was not executed for.").unit("users"),
    Column::new("started_date_time", Kind::Timestamp, "startedDateTime", "When the task started for the first user. NULL while queued."),
    Column::new("completed_date_time", Kind::Timestamp, "completedDateTime", "When it ended for the last user. NULL until the status is final."),
    Column::new("last_updated_date_time", Kind::Timestamp, "lastUpdatedDateTime", "When the service last changed the report, its counters included."),
    Column::duration("processing_ms", "started_date_time", "completed_date_time", "How long the task took over all users: from started to completed. NULL when either is NULL."),
    Column::new("_lcw_task_rows", Kind::Int32, "", "Rows of `task_processing_results` of this run and task that the service returned. NULL when they were not fetched for this state of the run.").unit("rows"),
    Column::member("_lcw_proof", "", PROOFS, "What comparing these rows with `total_users_count` says, with the values of `runs._lcw_proof`. NULL when there was nothing to compare."),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
