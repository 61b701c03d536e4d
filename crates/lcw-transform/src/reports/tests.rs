use lcw_model::parse_entity;
use serde_json::{Value, json};

use super::*;
use crate::Marker;
use crate::testing::{
    MICROS, WORKFLOW, absent_columns, assert_documented, body, documented_values, flatten, lineage,
    page_of, row,
};

const TABLE: Table = Table::TaskReports;

#[test]
fn the_documented_reports_are_whole_rows() {
    let body = body("list-taskreports-v1.0-1");
    let rows = flatten(TABLE, MICROS, &body).unwrap();
    assert_eq!(
        row(&rows, 2),
        json!({
            "workflow_id": WORKFLOW,
            "run_id": "a512bb50-3423-4bdc-ad5e-9731095b3b9a",
            "id": "462e6deb-a7b4-4777-a494-389c495862b8",
            "task_id": null,
            "task_definition_id": null,
            "task_display_name": null,
            "task_category": null,
            "execution_sequence": null,
            "continue_on_error": null,
            "processing_status": "completed",
            "total_users_count": 2,
            "successful_users_count": 2,
            "failed_users_count": 0,
            "unprocessed_users_count": 0,
            "started_date_time": "2022-08-25T00:15:05.25581Z",
            "completed_date_time": "2022-08-25T00:15:11.853544Z",
            "last_updated_date_time": "2022-08-25T00:20:05.875908Z",
            "processing_ms": 6597,
            "_lcw_task_rows": null,
            "_lcw_proof": null,
            "_lcw_extra": null,
        })
    );
    let entities = documented_values(&body);
    assert_eq!((rows.len(), entities.len()), (4, 4));
    for (at, entity) in entities.iter().enumerate() {
        assert_documented(TABLE, &rows, at, entity);
    }
    assert!(rows.drift.is_empty());
    assert_eq!(
        absent_columns(TABLE, &rows, 0),
        [
            "task_id",
            "task_definition_id",
            "task_display_name",
            "task_category",
            "execution_sequence",
            "continue_on_error",
            "_lcw_task_rows",
            "_lcw_proof",
            "_lcw_extra"
        ]
    );
}

#[test]
fn expanded_reports_have_their_task_and_keep_the_rest() {
    let rows = flatten(
        TABLE,
        MICROS,
        &page_of(
            r#"{"id":"1","runId":"r","task":{"id":"t","category":"joiner","isEnabled":true},
                "taskDefinition":{"id":"d","version":1}}"#,
        ),
    )
    .unwrap();
    let row = row(&rows, 0);
    assert_eq!(
        (&row["task_id"], &row["task_category"]),
        (&json!("t"), &json!("joiner"))
    );
    assert_eq!(
        row["_lcw_extra"],
        r#"{"task":{"isEnabled":true},"taskDefinition":{"id":"d","version":1}}"#
    );
    assert!(rows.drift.is_empty());

    let page = page_of(r#"{"id":"1","runId":"r","taskDefinition":{"foo":1}}"#);
    let drift = flatten(TABLE, MICROS, &page).unwrap().drift;
    assert!(drift.properties.contains("taskDefinition/foo"));
}

#[test]
fn markers_are_written_taken_back_or_not_mentioned() {
    let report = parse_entity(r#"{"id":"1","runId":"r"}"#).unwrap();
    let mut rows = TaskReportRows::new(MICROS, &lineage(), WORKFLOW);
    let of = |task_rows, proof| ReportMarkers { task_rows, proof };
    for markers in [
        of(Marker::Value(2), Marker::Value(Proof::Short)),
        of(Marker::Null, Marker::Null),
        of(Marker::Keep, Marker::Keep),
    ] {
        rows.append(&report, None, &markers).unwrap();
    }
    let rows = rows.finish();
    let found = |at| {
        let row = row(&rows, at);
        (row["_lcw_task_rows"].clone(), row["_lcw_proof"].clone())
    };
    assert_eq!(found(0), (json!(2), json!("short")));
    assert_eq!(found(1), (Value::Null, Value::Null));
    assert_eq!(found(2), (Value::Null, Value::Null));
    let is_absent = |at| absent_columns(TABLE, &rows, at).contains(&"_lcw_proof");
    assert_eq!([0, 1, 2].map(is_absent), [false, false, true]);
}

#[test]
fn a_report_that_names_no_run_has_no_row() {
    for (run, value) in [
        ("", "missing"),
        (r#","runId":"""#, "missing"),
        (r#","runId":null"#, "null"),
    ] {
        let page = page_of(&format!(r#"{{"id":"rep"{run}}}"#));
        let error = flatten(TABLE, MICROS, &page).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "table task_reports, row rep: property runId is {value}: the row cannot do without it"
            )
        );
    }
    // A documented selection leaves it out.
    assert!(flatten(TABLE, MICROS, &body("list-taskreports-v1.0-2")).is_err());
}
