//! Columns of `user_processing_results`.

use super::members::{EXECUTION_TYPES, STATUSES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind, Role};

pub(crate) static RESULTS: [Column; 30] = [
    WORKFLOW_ID,
    Column::key(
        "run_id",
        "",
        "The run that processed the user. Not in the service's answer: it comes from the request. Joins with `workflow_id` to `runs`.",
    ),
    Column::key("id", "id", "The result's id, unique within its run. Opaque: a GUID or a longer composed text.").may_name_people(),
    Column::new(
        "subject_id",
        Kind::Id,
        "subject/id",
        "Object id of the user that was processed. The user may have been deleted since, often by the very workflow. A null sent later does not replace an id once known.",
    ).personal()
    .role(Role::Sticky),
    Column::member(
        "processing_status",
        "processingStatus",
        STATUSES,
        "How far the processing of the user is: `queued`, `inProgress`, `completed`, `completedWithErrors` (a task failed that may fail), `failed` (a task failed that may not), `canceled`, `canceling`, `quarantined`. The service may add values.",
    ),
    Column::member(
        "workflow_execution_type",
        "workflowExecutionType",
        EXECUTION_TYPES,
        "How the run came about: `scheduled`, `onDemand`, `activatedWithScope` (processed again), `preview` (a dry run: keep it out of success rates). The service may add values.",
    ),
    Column::new(
        "workflow_version",
        Kind::Int32,
        "workflowVersion",
        "Version of the workflow that was executed for the user.",
    ),
    Column::new(
        "scheduled_date_time",
        Kind::Timestamp,
        "scheduledDateTime",
        "When the user was due to be processed. It can lie before the schedule of the run.",
    ),
    Column::new(
        "started_date_time",
        Kind::Timestamp,
        "startedDateTime",
        "When processing of the user started. NULL while queued, and for users that were never processed.",
    ),
    Column::new(
        "completed_date_time",
        Kind::Timestamp,
        "completedDateTime",
        "When processing of the user ended. NULL until the status is final.",
    ),
    Column::new("total_tasks_count", Kind::Int32, "totalTasksCount", "Tasks the workflow has for the user. 0 while the run is under way.")
        .unit("tasks"),
    Column::new("failed_tasks_count", Kind::Int32, "failedTasksCount", "Tasks that failed for the user.")
        .unit("tasks"),
    Column::new(
        "total_unprocessed_tasks_count",
        Kind::Int32,
        "totalUnprocessedTasksCount",
        "Tasks that were not processed for the user, because one before them failed or the run ended.",
    )
    .unit("tasks"),
    Column::duration(
        "queue_ms",
        "scheduled_date_time",
        "started_date_time",
        "How long the user waited: from scheduled to started. Negative if the service's clocks disagree, NULL when either is NULL.",
    ),
    Column::duration(
        "processing_ms",
        "started_date_time",
        "completed_date_time",
        "How long processing took: from started to completed. NULL when either is NULL.",
    ),
    Column::duration(
        "total_ms",
        "scheduled_date_time",
        "completed_date_time",
        "How long it took in all: from scheduled to completed. NULL when either is NULL.",
    ),
    Column::new(
        "subject_display_name",
        Kind::Text,
        "subject/displayName",
        "The user's name. NULL unless subjects were asked for with their properties. Like the other `subject_*` columns as of the export that read the row, and kept when the service no longer knows the user.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_user_principal_name",
        Kind::Text,
        "subject/userPrincipalName",
        "The name the user signs in with. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_mail",
        Kind::Text,
        "subject/mail",
        "The user's mail address. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_department",
        Kind::Text,
        "subject/department",
        "The user's department. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_job_title",
        Kind::Text,
        "subject/jobTitle",
        "The user's job title. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_employee_id",
        Kind::Text,
        "subject/employeeId",
        "The organization's own id of the user. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_employee_hire_date",
        Kind::Timestamp,
        "subject/employeeHireDate",
        "When the user starts or started: what joiner workflows are timed by. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_employee_leave_date_time",
        Kind::Timestamp,
        "subject/employeeLeaveDateTime",
        "When the user leaves or left: what leaver workflows are timed by. NULL unless subjects were asked for with their properties. The service shows it to few.",
    ).personal()
    .role(Role::Sticky),
    Column::new(
        "subject_account_enabled",
        Kind::Boolean,
        "subject/accountEnabled",
        "Whether the user could sign in when the row was read. NULL unless subjects were asked for with their properties.",
    ).personal()
    .role(Role::Sticky),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
