//! Columns of `task_processing_results`.

use super::members::{STATUSES, TASK_CATEGORIES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind, Role};

pub(crate) static TASK_RESULTS: [Column; 23] = [
    WORKFLOW_ID,
    Column::key("run_id", "", "The run. Not in the service's answer: it comes from the request. Joins with `workflow_id` to `runs`."),
    Column::key("id", "id", "The result's id, unique within its run. Opaque.").may_name_people(),
    Column::new("subject_id", Kind::Id, "subject/id", "Object id of the user that the task was executed for. Joins with `workflow_id` and `run_id` to `user_processing_results.subject_id`. A null sent later does not replace an id once known.").personal().role(Role::Sticky),
    Column::new("task_id", Kind::Id, "task/id", "The task. Joins with `workflow_id` to `tasks`."),
    Column::new("task_definition_id", Kind::Id, "task/taskDefinitionId", "The built-in task that the task makes use of, the same in every tenant. Joins to `task_definitions.id`."),
    Column::new("task_display_name", Kind::Text, "task/displayName", "The task's name in the portal when the row was read."),
    Column::member("task_category", "task/category", TASK_CATEGORIES, "For which workflows the task is: members of `joiner`, `leaver`, `mover`, `extensibility`, comma-joined where there are several. The service may add values."),
    Column::new("execution_sequence", Kind::Int32, "task/executionSequence", "The task's place among the tasks of the workflow, as of the reading."),
    Column::new("continue_on_error", Kind::Boolean, "task/continueOnError", "Whether the user's next task runs although this one fails, as of the reading."),
    Column::member("processing_status", "processingStatus", STATUSES, "How far the task is for the user: `queued`, `inProgress`, `completed`, `failed`, `canceled` and further statuses. The service may add values."),
    Column::new("failure_reason", Kind::Text, "failureReason", "Why the task failed, in the service's words. NULL unless it did.").may_name_people(),
    Column::new("processing_info", Kind::Text, "processingInfo", "What the service says about the execution besides.").may_name_people(),
    Column::new("created_date_time", Kind::Timestamp, "createdDateTime", "When the task was queued for the user."),
    Column::new("started_date_time", Kind::Timestamp, "startedDateTime", "When its execution started. NULL while queued, and for tasks that were never executed."),
    Column::new("completed_date_time", Kind::Timestamp, "completedDateTime", "When its execution ended. NULL until the status is final."),
    Column::duration("queue_ms", "created_date_time", "started_date_time", "How long the task waited: from created to started. Negative if the service's clocks disagree, NULL when either is NULL."),
    Column::duration("processing_ms", "started_date_time", "completed_date_time", "How long its execution took: from started to completed. NULL when either is NULL."),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
