use lcw_model::{WithRaw, parse_entity, parse_page};
use serde_json::{Value, json};

use super::*;
use crate::Marker;
use crate::testing::{
    AS_SENT, MICROS, WITH_RAW, absent_columns, assert_documented, body, documented_values, lineage,
    row, whole_row,
};

const WORKFLOW: &str = "14879e66-9ea9-48d0-804d-8fea672d0341";
const MARKERS: RunMarkers = RunMarkers {
    settled: true,
    result_rows: Marker::Value(2),
    proof: Marker::Value(Proof::Matched),
    task_rows: Marker::Keep,
    task_proof: Marker::Keep,
    subject_rows: Marker::Keep,
    report_rows: Marker::Keep,
    reprocessed_rows: Marker::Keep,
};

fn rows_of(layout: Layout, body: &str) -> Result<Rows, FlattenError> {
    let mut rows = RunRows::new(layout, &lineage(), WORKFLOW);
    for run in parse_page::<WithRaw<'_, Run<'_>>>(body).unwrap().value {
        rows.append(&run.entity, Some(run.raw), &MARKERS)?;
    }
    Ok(rows.finish())
}

fn row_of(layout: Layout, object: &str, markers: &RunMarkers) -> Result<Rows, FlattenError> {
    let mut rows = RunRows::new(layout, &lineage(), WORKFLOW);
    let run = parse_entity::<WithRaw<'_, Run<'_>>>(object).unwrap();
    rows.append(&run.entity, Some(run.raw), markers)?;
    Ok(rows.finish())
}

fn documented_row(id: &str, times: [&str; 4], spans: [i64; 3]) -> Value {
    json!({
        "workflow_id": WORKFLOW,
        "id": id,
        "processing_status": "completed",
        "workflow_execution_type": "onDemand",
        "scheduled_date_time": times[0],
        "started_date_time": times[1],
        "completed_date_time": times[2],
        "last_updated_date_time": times[3],
        "total_users_count": 2,
        "successful_users_count": 2,
        "failed_users_count": 0,
        "total_tasks_count": 4,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "activated_on_scope": null,
        "queue_ms": spans[0],
        "processing_ms": spans[1],
        "total_ms": spans[2],
        "_lcw_settled": true,
        "_lcw_result_rows": 2,
        "_lcw_proof": "matched",
        "_lcw_task_rows": null,
        "_lcw_task_proof": null,
        "_lcw_subject_rows": null,
        "_lcw_report_rows": null,
        "_lcw_reprocessed_rows": null,
        "_lcw_extra": null,
    })
}

#[test]
fn the_documented_runs_are_two_whole_rows() {
    for version in ["v1.0", "beta"] {
        let rows = rows_of(MICROS, &body(&format!("list-runs-{version}-1"))).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            row(&rows, 0),
            documented_row(
                "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d",
                [
                    "2022-08-24T23:28:01.647655Z",
                    "2022-08-24T23:28:04.568875Z",
                    "2022-08-24T23:28:11.134886Z",
                    "2022-08-24T23:33:09.186588Z",
                ],
                [2921, 6566, 9487],
            )
        );
        assert_eq!(
            row(&rows, 1),
            documented_row(
                "a512bb50-3423-4bdc-ad5e-9731095b3b9a",
                [
                    "2022-08-25T00:15:04.025384Z",
                    "2022-08-25T00:15:05.181874Z",
                    "2022-08-25T00:15:11.853544Z",
                    "2022-08-25T00:20:05.866791Z",
                ],
                [1156, 6671, 7828],
            )
        );
        assert_eq!(
            absent_columns(Table::Runs, &rows, 0),
            [
                "activated_on_scope",
                "_lcw_task_rows",
                "_lcw_task_proof",
                "_lcw_subject_rows",
                "_lcw_report_rows",
                "_lcw_reprocessed_rows",
                "_lcw_extra"
            ]
        );
    }
}

#[test]
fn a_single_documented_run_is_the_same_row_as_in_its_list() {
    let single = row_of(MICROS, &body("get-run-v1.0-1"), &MARKERS).unwrap();
    let list = rows_of(MICROS, &body("list-runs-v1.0-1")).unwrap();
    assert_eq!(single.batch, list.batch.slice(0, 1));
}

#[test]
fn a_documented_selection_has_no_day_and_is_refused_by_the_name_of_the_property() {
    let told = "table runs, row e65e08a0-d68d-41dc-915b-8c4019af5cc2: property scheduledDateTime is missing: the row cannot do without it";
    for layout in [MICROS, AS_SENT] {
        for name in ["list-runs-v1.0-2", "list-runs-beta-2"] {
            assert_eq!(
                rows_of(layout, &body(name)).unwrap_err().to_string(),
                told,
                "{name}"
            );
        }
        let error = row_of(layout, &body("get-run-v1.0-2"), &MARKERS).unwrap_err();
        assert_eq!(error.to_string(), told);
        assert_eq!((error.table, error.property), ("runs", "scheduledDateTime"));
    }
    let error = row_of(MICROS, r#"{"id":"r","scheduledDateTime":null}"#, &MARKERS).unwrap_err();
    assert_eq!(error.value, "null");
}

#[test]
fn the_documented_reprocessed_runs_have_their_values() {
    let name = "list-run-reprocessedruns-v1.0-1";
    let rows = rows_of(MICROS, &body(name)).unwrap();
    let first = row(&rows, 0);
    assert_eq!(
        first["id"],
        "78799042-265a-4e8f-8d61-94a2dcd2d395_638927021459357126"
    );
    assert_eq!(first["processing_status"], "completedWithErrors");
    assert_eq!(first["activated_on_scope"], Value::Null);
    assert_eq!(
        ["queue_ms", "processing_ms", "total_ms"].map(|name| first[name].as_i64().unwrap()),
        [32_190, 38_239, 70_430]
    );
    let extra: Value = serde_json::from_str(first["_lcw_extra"].as_str().unwrap()).unwrap();
    let documented = &documented_values(&body(name))[0];
    assert_eq!(
        extra,
        json!({ "reprocessedRuns": documented["reprocessedRuns"] })
    );
    assert!(
        first["_lcw_extra"].as_str().unwrap().starts_with(
            r#"{"reprocessedRuns":[{"id":"78799042-265a-4e8f-8d61-94a2dcd2d395_638927099502974630","completedDateTime":null,"#
        ),
        "without whitespace, in the service's order"
    );
    assert_eq!(
        absent_columns(Table::Runs, &rows, 0),
        [
            "_lcw_task_rows",
            "_lcw_task_proof",
            "_lcw_subject_rows",
            "_lcw_report_rows",
            "_lcw_reprocessed_rows",
        ],
        "activatedOnScope is null here, not absent"
    );
}

#[test]
fn the_documented_reprocessing_run_keeps_what_it_was_started_for() {
    let name = "list-userprocessingresult-reprocessedruns-v1.0-1";
    let rows = rows_of(MICROS, &body(name)).unwrap();
    let run = row(&rows, 0);
    assert_eq!(run["processing_status"], "inProgress");
    assert_eq!(run["completed_date_time"], Value::Null);
    assert_eq!(
        ["queue_ms", "processing_ms", "total_ms"].map(|name| run[name].as_i64()),
        [Some(7868), None, None]
    );
    let scope = run["activated_on_scope"].as_str().unwrap();
    assert!(scope.starts_with(
        r##"{"@odata.type":"#microsoft.graph.identityGovernance.activateProcessingResultScope","taskScope":"allTasks","processingResults":[{"id":"##
    ));
    assert_eq!(run["_lcw_extra"], r#"{"reprocessedRuns":[]}"#);
}

#[test]
fn every_documented_run_comes_out_as_documented() {
    for name in [
        "list-runs-v1.0-1",
        "list-runs-beta-1",
        "list-run-reprocessedruns-v1.0-1",
        "list-userprocessingresult-reprocessedruns-v1.0-1",
        "get-run-v1.0-1",
    ] {
        let body = body(name);
        let entities = documented_values(&body);
        let rows = if name.starts_with("list-") {
            rows_of(WITH_RAW, &body)
        } else {
            row_of(WITH_RAW, &body, &MARKERS)
        };
        let rows = rows.unwrap();
        assert_eq!(rows.len(), entities.len(), "{name}");
        for (at, entity) in entities.iter().enumerate() {
            assert_documented(Table::Runs, &rows, at, entity);
            let raw = whole_row(&rows, at)["_lcw_raw"].clone();
            let raw: Value = serde_json::from_str(raw.as_str().unwrap()).unwrap();
            assert_eq!(raw, Value::Object(entity.clone()));
        }
    }
}

#[test]
fn markers_are_kept_null_or_values() {
    let object = r#"{"id":"r","scheduledDateTime":"2026-11-22T10:00:00Z"}"#;
    let markers = RunMarkers {
        settled: false,
        result_rows: Marker::Null,
        proof: Marker::Keep,
        task_rows: Marker::Value(7),
        task_proof: Marker::Value(Proof::Short),
        subject_rows: Marker::Value(3),
        report_rows: Marker::Null,
        reprocessed_rows: Marker::Value(0),
    };
    let rows = row_of(MICROS, object, &markers).unwrap();
    let row = row(&rows, 0);
    assert_eq!(row["_lcw_settled"], false);
    assert_eq!(row["_lcw_result_rows"], Value::Null);
    assert_eq!(row["_lcw_proof"], Value::Null);
    assert_eq!(row["_lcw_task_rows"], 7);
    assert_eq!(row["_lcw_task_proof"], "short");
    let absent = absent_columns(Table::Runs, &rows, 0);
    assert_eq!(row["_lcw_subject_rows"], 3);
    assert_eq!(row["_lcw_report_rows"], Value::Null);
    assert_eq!(row["_lcw_reprocessed_rows"], 0);
    assert!(absent.contains(&"_lcw_proof"));
    assert!(!absent.contains(&"_lcw_report_rows"));
    assert!(!absent.contains(&"_lcw_result_rows"));
    let words = Proof::ALL.map(Proof::as_str);
    assert_eq!(words, ["open", "matched", "short", "over", "expired"]);
}

#[test]
fn dates_that_cannot_be_read_are_refused() {
    for property in [
        "startedDateTime",
        "completedDateTime",
        "lastUpdatedDateTime",
    ] {
        let object = format!(
            r#"{{"id":"r","scheduledDateTime":"2026-11-22T10:00:00Z","{property}":"soon"}}"#
        );
        let error = row_of(MICROS, &object, &MARKERS).unwrap_err();
        assert_eq!(
            (error.property, error.value.as_str()),
            (property, "\"soon\"")
        );
    }
}
