//! Columns of `runs`.

use super::members::{EXECUTION_TYPES, PROOFS, STATUSES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind};

const PROOF_VALUES: &str = "What the count proof says: `open` (the run's status is not final, so there is nothing to prove yet), `matched` (as many rows as `total_users_count`), `short` (fewer), `over` (more), `expired` (the service dropped the run before its status was final). NULL when the results of this state of the run were not fetched or the service's counter does not count users.";

pub(crate) static RUNS: [Column; 31] = [
    WORKFLOW_ID,
    Column::key("id", "id", "The run's id, unique within its workflow. Opaque: a GUID or `{workflow id}_{ticks}`."),
    Column::member(
        "processing_status",
        "processingStatus",
        STATUSES,
        "How far the run is: `queued`, `inProgress`, `completed` (every user succeeded), `completedWithErrors` (some did), `failed`, `canceled`, `canceling`, `quarantined`. The first two and the last two can still change. The service may add values.",
    ),
    Column::member(
        "workflow_execution_type",
        "workflowExecutionType",
        EXECUTION_TYPES,
        "How the run came about: `scheduled`, `onDemand`, `activatedWithScope` (processes users of an older run again), `preview` (a dry run: keep it out of success rates). The service may add values.",
    ),
    Column::new(
        "scheduled_date_time",
        Kind::Timestamp,
        "scheduledDateTime",
        "When the run was due. Its UTC date is the run's day, `run_date`, under which the run and its results are stored.",
    )
    .required(),
    Column::new("started_date_time", Kind::Timestamp, "startedDateTime", "When the run started. NULL while it is queued."),
    Column::new("completed_date_time", Kind::Timestamp, "completedDateTime", "When the run ended. NULL until its status is final."),
    Column::new(
        "last_updated_date_time",
        Kind::Timestamp,
        "lastUpdatedDateTime",
        "When the service last changed the run, its counters included: about five minutes after it ended, and again whenever it is processed again.",
    ),
    Column::new("total_users_count", Kind::Int32, "totalUsersCount", "Users the run processes. 0 while it is under way. In workflows of the category `extensibility` these need not be users.")
        .unit("users"),
    Column::new(
        "successful_users_count",
        Kind::Int32,
        "successfulUsersCount",
        "Users processed without an error. Successful and failed users need not add up to all users.",
    )
    .unit("users"),
    Column::new("failed_users_count", Kind::Int32, "failedUsersCount", "Users whose processing failed.").unit("users"),
    Column::new("total_tasks_count", Kind::Int32, "totalTasksCount", "Tasks of the run over all users. 0 while it is under way.")
        .unit("tasks"),
    Column::new("failed_tasks_count", Kind::Int32, "failedTasksCount", "Failed tasks over all users.").unit("tasks"),
    Column::new(
        "total_unprocessed_tasks_count",
        Kind::Int32,
        "totalUnprocessedTasksCount",
        "Tasks that were not processed, over all users.",
    )
    .unit("tasks"),
    Column::new(
        "activated_on_scope",
        Kind::Json,
        "activatedOnScope",
        "For a run that processes users again: the run, results, users or group it was started for, and which tasks. NULL on ordinary runs.",
    ).may_name_people(),
    Column::duration(
        "queue_ms",
        "scheduled_date_time",
        "started_date_time",
        "How long the run waited: from scheduled to started. NULL when either is NULL.",
    ),
    Column::duration(
        "processing_ms",
        "started_date_time",
        "completed_date_time",
        "How long the run took: from started to completed. NULL when either is NULL.",
    ),
    Column::duration(
        "total_ms",
        "scheduled_date_time",
        "completed_date_time",
        "How long the run took in all: from scheduled to completed. NULL when either is NULL.",
    ),
    Column::new(
        "_lcw_settled",
        Kind::Boolean,
        "",
        "Whether the run was settled when it was exported: its status final, and its last update long enough ago for its counters to be complete.",
    )
    .required(),
    Column::new(
        "_lcw_result_rows",
        Kind::Int32,
        "",
        "Rows of `user_processing_results` that the service returned for the run when they were last fetched. NULL when they were not fetched for this state of the run.",
    )
    .unit("rows"),
    Column::member(
        "_lcw_proof",
        "",
        PROOFS,
        PROOF_VALUES,
    ),
    Column::new(
        "_lcw_task_rows",
        Kind::Int32,
        "",
        "Rows of `task_processing_results` that the service returned for the run when they were last fetched. NULL when they were not fetched for this state of the run.",
    )
    .unit("rows"),
    Column::member(
        "_lcw_task_proof",
        "",
        PROOFS,
        "What the count proof of the task results says, with the values of `_lcw_proof`. NULL until that table was fetched for the run.",
    ),
    Column::new(
        "_lcw_subject_rows",
        Kind::Int32,
        "",
        "Rows of `subject_processing_results` that the service returned for the run when they were last fetched. NULL when they were not fetched for this state of the run.",
    )
    .unit("rows"),
    Column::new(
        "_lcw_report_rows",
        Kind::Int32,
        "",
        "Rows of `task_reports` that the service returned for the run when they were last fetched. NULL when they were not fetched for this state of the run.",
    )
    .unit("rows"),
    Column::new(
        "_lcw_reprocessed_rows",
        Kind::Int32,
        "",
        "Rows of `reprocessed_runs` that the service returned for the run when they were last fetched. NULL when they were not fetched for this state of the run.",
    )
    .unit("rows"),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
