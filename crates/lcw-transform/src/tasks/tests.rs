use serde_json::json;

use crate::Table;
use crate::testing::{
    EXTRACTED_AT, MICROS, WITH_RAW, WORKFLOW, absent_columns, assert_documented, body,
    documented_values, flatten, row,
};

#[test]
fn the_documented_tasks_are_whole_rows() {
    let rows = flatten(Table::Tasks, MICROS, &body("list-tasks-v1.0-1")).unwrap();
    assert_eq!(
        row(&rows, 0),
        json!({
            "workflow_id": WORKFLOW,
            "id": "4d9d41d7-a8e1-4f2f-8c8c-a883bc02e6ee",
            "category": "joiner,leaver",
            "display_name": "Enable User Account",
            "description": "Enable user account in the directory",
            "execution_sequence": 1,
            "continue_on_error": false,
            "is_enabled": true,
            "task_definition_id": "6fc52c9d-398b-4305-9763-15f42c1676fc",
            "arguments": "[]",
            "_lcw_first_seen": EXTRACTED_AT,
            "_lcw_last_seen": EXTRACTED_AT,
            "_lcw_extra": null,
        })
    );
}

#[test]
fn the_documented_definitions_are_whole_rows() {
    let rows = flatten(
        Table::TaskDefinitions,
        MICROS,
        &body("list-taskdefinitions-v1.0-1"),
    )
    .unwrap();
    assert_eq!(
        row(&rows, 0),
        json!({
            "id": "22085229-5809-45e8-97fd-270d28d66910",
            "category": "joiner,leaver",
            "display_name": "Add User To Groups",
            "description": "Add user to selected groups",
            "version": 1,
            "continue_on_error": null,
            "parameters": r#"[{"name":"groupID","values":[],"valueType":"string"}]"#,
            "_lcw_first_seen": EXTRACTED_AT,
            "_lcw_last_seen": EXTRACTED_AT,
            "_lcw_extra": null,
        })
    );
    assert_eq!(
        absent_columns(Table::TaskDefinitions, &rows, 0),
        ["continue_on_error", "_lcw_extra"]
    );
}

#[test]
fn every_documented_task_and_definition_comes_out_as_documented() {
    for (table, name, count) in [
        (Table::Tasks, "list-tasks-v1.0-1", 2),
        (Table::TaskDefinitions, "list-taskdefinitions-v1.0-1", 16),
    ] {
        let body = body(name);
        let entities = documented_values(&body);
        for layout in [MICROS, WITH_RAW] {
            let rows = flatten(table, layout, &body).unwrap();
            assert_eq!((rows.len(), entities.len()), (count, count));
            assert!(rows.drift.is_empty(), "{:?}", rows.drift);
            for (at, entity) in entities.iter().enumerate() {
                assert_documented(table, &rows, at, entity);
            }
        }
    }
}
