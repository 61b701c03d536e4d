//! Columns of `reprocessed_runs`.

use super::members::{EXECUTION_TYPES, STATUSES};
use super::{EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, RAW, WORKFLOW_ID};
use crate::{Column, Kind};

pub(crate) static REPROCESSED_RUNS: [Column; 11] = [
    WORKFLOW_ID,
    Column::key(
        "run_id",
        "",
        "The older run, of which something was processed again. Not in the service's answer: it comes from the request. Joins with `workflow_id` to `runs`.",
    ),
    Column::key(
        "id",
        "id",
        "The run that processes it again. Joins with `workflow_id` to `runs.id`.",
    ),
    Column::member(
        "processing_status",
        "processingStatus",
        STATUSES,
        "How far the later run was when the older one was read; `runs` has its present status. The service may add values.",
    ),
    Column::member(
        "workflow_execution_type",
        "workflowExecutionType",
        EXECUTION_TYPES,
        "How the later run came about: `activatedWithScope`. The service may add values.",
    ),
    Column::new(
        "scheduled_date_time",
        Kind::Timestamp,
        "scheduledDateTime",
        "When the later run was due.",
    ),
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
