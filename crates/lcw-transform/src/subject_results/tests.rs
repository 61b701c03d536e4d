use serde_json::json;

use super::*;
use crate::testing::{
    MICROS, RUN, WORKFLOW, absent_columns, assert_documented, body, documented_values, flatten,
    page_of, row,
};

const TABLE: Table = Table::SubjectProcessingResults;

#[test]
fn the_documented_subject_result_is_a_whole_row() {
    for name in [
        "list-run-subjectprocessingresults-beta-1",
        "list-taskreport-subjectprocessingresults-beta-1",
    ] {
        let body = body(name);
        let rows = flatten(TABLE, MICROS, &body).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            row(&rows, 0),
            json!({
                "workflow_id": WORKFLOW,
                "run_id": RUN,
                "id": "6c6d9550-4adc-117f-b307-ee188d511d67",
                "subject_id": "b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe",
                "subject_type": null,
                "processing_status": "completed",
                "workflow_execution_type": "extensibilityOnDemand",
                "workflow_version": 1,
                "scheduled_date_time": "2026-05-15T10:30:00Z",
                "started_date_time": "2026-05-15T10:30:15Z",
                "completed_date_time": "2026-05-15T10:35:00Z",
                "total_tasks_count": 3,
                "failed_tasks_count": 0,
                "total_unprocessed_tasks_count": 0,
                "queue_ms": 15_000,
                "processing_ms": 285_000,
                "total_ms": 300_000,
                "subject": r##"{"@odata.type":"#microsoft.graph.identityGovernance.provisioningObjectWorkflowSubject","id":"b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe","attributeSetEntries":[]}"##,
                "_lcw_extra": null,
            })
        );
        assert_documented(TABLE, &rows, 0, &documented_values(&body)[0]);
        assert_eq!(
            absent_columns(TABLE, &rows, 0),
            ["subject_type", "_lcw_extra"]
        );
        assert!(rows.drift.is_empty());
    }
}

#[test]
fn subjects_are_null_absent_or_without_an_id() {
    for (subject, stored, id_is_absent, subject_is_absent) in [
        ("", json!(null), true, true),
        (r#","subject":null"#, json!(null), false, false),
        (r#","subject":{ }"#, json!("{}"), true, false),
        (
            r#","subject":{"id":null}"#,
            json!(r#"{"id":null}"#),
            false,
            false,
        ),
    ] {
        let page = page_of(&format!(r#"{{"id":"p"{subject}}}"#));
        let rows = flatten(TABLE, MICROS, &page).unwrap();
        assert_eq!(row(&rows, 0)["subject"], stored);
        assert_eq!(row(&rows, 0)["subject_id"], json!(null));
        let absent = absent_columns(TABLE, &rows, 0);
        assert_eq!(absent.contains(&"subject_id"), id_is_absent, "{subject}");
        assert_eq!(absent.contains(&"subject"), subject_is_absent, "{subject}");
    }
}
