use serde_json::{Value, json};

use super::*;
use crate::testing::{
    MICROS, RUN, WITH_RAW, WORKFLOW, absent_columns, assert_documented, body, documented_values,
    flatten, page_of, row, whole_row,
};

const TABLE: Table = Table::TaskProcessingResults;

fn rows_of(page: &str) -> Rows {
    flatten(TABLE, MICROS, page).unwrap()
}

#[test]
fn the_documented_task_result_of_a_run_is_a_whole_row() {
    let rows = rows_of(&body("list-run-taskprocessingresults-v1.0-1"));
    assert_eq!(rows.len(), 1);
    assert_eq!(
        row(&rows, 0),
        json!({
            "workflow_id": WORKFLOW,
            "run_id": RUN,
            "id": "7a21089f-ec13-4e9c-997e-b31f4e59d41e",
            "subject_id": "1baa57fa-3c4e-4526-ba5a-db47a9df95f0",
            "task_id": "c8dbaed8-3d23-4e5a-8f65-130767639667",
            "task_definition_id": "22085229-5809-45e8-97fd-270d28d66910",
            "task_display_name": "Add User To Groups",
            "task_category": "joiner,leaver",
            "execution_sequence": 3,
            "continue_on_error": false,
            "processing_status": "completed",
            "failure_reason": null,
            "processing_info": null,
            "created_date_time": "2023-01-20T17:16:00.909501Z",
            "started_date_time": "2023-01-20T17:16:02.802516Z",
            "completed_date_time": "2023-01-20T17:16:03.486355Z",
            "queue_ms": 1893,
            "processing_ms": 683,
            "_lcw_extra": r#"{"task":{"arguments":[{"name":"groupID","value":"1624be55-d924-491e-ac72-401f6f961e4d"}],"description":"Add user to selected groups","isEnabled":true}}"#,
        })
    );
    assert_eq!(absent_columns(TABLE, &rows, 0), ["processing_info"]);
}

#[test]
fn every_documented_task_result_comes_out_as_documented() {
    for endpoint in [
        "list-run-taskprocessingresults",
        "list-userprocessingresult-taskprocessingresults",
        "list-taskreport-taskprocessingresults",
    ] {
        for example in 1..=2 {
            let body = body(&format!("{endpoint}-v1.0-{example}"));
            let entities = documented_values(&body);
            for layout in [MICROS, WITH_RAW] {
                let rows = flatten(TABLE, layout, &body).unwrap();
                assert_eq!(rows.len(), entities.len(), "{endpoint}");
                assert!(rows.drift.is_empty(), "{endpoint} {:?}", rows.drift);
                for (at, entity) in entities.iter().enumerate() {
                    assert_documented(TABLE, &rows, at, entity);
                    let extra = whole_row(&rows, at)["_lcw_extra"].clone();
                    let extra: Value = serde_json::from_str(extra.as_str().unwrap()).unwrap();
                    let kept = extra["task"].as_object().unwrap();
                    for name in ["arguments", "description", "isEnabled"] {
                        assert_eq!(kept[name], entity["task"][name], "{endpoint}");
                    }
                    assert_eq!((extra.as_object().unwrap().len(), kept.len()), (1, 3));
                }
            }
        }
    }
}

#[test]
fn what_the_service_could_say_of_a_person_is_kept_below_subject() {
    let rows = rows_of(&page_of(
        r#"{"id":"1","subject":{"id":"u","displayName":"Ann","accountEnabled":true},"workflowSubject":null}"#,
    ));
    let row = row(&rows, 0);
    assert_eq!(row["subject_id"], "u");
    assert_eq!(
        row["_lcw_extra"],
        r#"{"subject":{"accountEnabled":true,"displayName":"Ann"},"workflowSubject":null}"#
    );
    assert!(rows.drift.is_empty());
}

#[test]
fn a_wrong_instant_names_the_row_without_its_user() {
    let object = r#"{"id":"w_1_w_638_user_task","createdDateTime":"soon"}"#;
    let error = flatten(TABLE, MICROS, &page_of(object)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table task_processing_results, row w_1_w_638_…: property createdDateTime is \"soon\": not a date-time like 2026-11-22T10:00:00.1234567Z"
    );
}
