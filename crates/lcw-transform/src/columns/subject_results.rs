//! Columns of `subject_processing_results`.

use super::members::{EXECUTION_TYPES, STATUSES, SUBJECT_TYPES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind, Role};

pub(crate) static SUBJECT_RESULTS: [Column; 23] = [
    WORKFLOW_ID,
    Column::key("run_id", "", "The run. Not in the service's answer: it comes from the request. Joins with `workflow_id` to `runs`."),
    Column::key("id", "id", "The result's id, unique within its run. Opaque.").may_name_people(),
    Column::new("subject_id", Kind::Id, "subject/id", "Id of the subject that was processed, which need not be a user. A null sent later does not replace an id once known.").personal().role(Role::Sticky),
    Column::member("subject_type", "subjectType", SUBJECT_TYPES, "What the subject is: `user`, `provisioningObject`. The service may add values, and does not send it everywhere."),
    Column::member("processing_status", "processingStatus", STATUSES, "How far the processing of the subject is, with the values of `user_processing_results.processing_status`. The service may add values."),
    Column::member("workflow_execution_type", "workflowExecutionType", EXECUTION_TYPES, "How the run came about: `scheduled`, `onDemand`, `activatedWithScope` (processed again), `preview` (a dry run: keep it out of success rates), `extensibilityOnDemand`. The service may add values."),
    Column::new("workflow_version", Kind::Int32, "workflowVersion", "Version of the workflow that was executed for the subject."),
    Column::new("scheduled_date_time", Kind::Timestamp, "scheduledDateTime", "When the subject was due to be processed."),
    Column::new("started_date_time", Kind::Timestamp, "startedDateTime", "When processing of the subject started. NULL while queued."),
    Column::new("completed_date_time", Kind::Timestamp, "completedDateTime", "When processing of the subject ended. NULL until the status is final."),
    Column::new("total_tasks_count", Kind::Int32, "totalTasksCount", "Tasks the workflow has for the subject.").unit("tasks"),
    Column::new("failed_tasks_count", Kind::Int32, "failedTasksCount", "Tasks that failed for the subject.").unit("tasks"),
    Column::new("total_unprocessed_tasks_count", Kind::Int32, "totalUnprocessedTasksCount", "Tasks that were not processed for the subject.").unit("tasks"),
    Column::duration("queue_ms", "scheduled_date_time", "started_date_time", "How long the subject waited: from scheduled to started. NULL when either is NULL."),
    Column::duration("processing_ms", "started_date_time", "completed_date_time", "How long processing took: from started to completed. NULL when either is NULL."),
    Column::duration("total_ms", "scheduled_date_time", "completed_date_time", "How long it took in all: from scheduled to completed. NULL when either is NULL."),
    Column::new("subject", Kind::Json, "subject", "The subject as the service describes it, `@odata.type` included: what it is decides which properties it has.").personal(),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
