use lcw_model::time::parse_micros;
use lcw_model::{WithRaw, parse_entity, parse_page};
use serde_json::{Value, json};

use super::*;
use crate::testing::{
    AS_SENT, MICROS, WITH_RAW, absent_columns, assert_documented, body, documented_values, lineage,
    row, whole_row,
};

const SEEN_AT: &str = "2026-11-24T09:59:59Z";

fn builder(layout: Layout) -> WorkflowRows {
    WorkflowRows::new(layout, &lineage(), parse_micros(SEEN_AT).unwrap())
}

fn rows_of(layout: Layout, body: &str) -> Rows {
    let mut rows = builder(layout);
    for workflow in parse_page::<WithRaw<'_, Workflow<'_>>>(body).unwrap().value {
        rows.append(&workflow.entity, Some(workflow.raw)).unwrap();
    }
    rows.finish()
}

fn row_of(layout: Layout, object: &str) -> Rows {
    let mut rows = builder(layout);
    let workflow = parse_entity::<WithRaw<'_, Workflow<'_>>>(object).unwrap();
    rows.append(&workflow.entity, Some(workflow.raw)).unwrap();
    rows.finish()
}

#[test]
fn the_documented_list_has_six_whole_rows() {
    for version in ["v1.0", "beta"] {
        let rows = rows_of(MICROS, &body(&format!("list-workflows-{version}-1")));
        assert_eq!(rows.len(), 6);
        assert_eq!(
            row(&rows, 0),
            json!({
                "id": "c007a148-5bf1-4f38-82b4-377fb23b1711",
                "category": "joiner",
                "display_name": "Global pre hire",
                "description": "Configure pre-hire tasks for onboarding employees before their first day",
                "is_enabled": true,
                "is_scheduling_enabled": true,
                "version": 12,
                "created_date_time": "2022-01-10T20:04:30.619368Z",
                "last_modified_date_time": "2022-08-16T20:05:51.46186Z",
                "deleted_date_time": null,
                "next_schedule_run_date_time": null,
                "created_by_id": null,
                "last_modified_by_id": null,
                "execution_conditions": null,
                "_lcw_first_seen": SEEN_AT,
                "_lcw_last_seen": SEEN_AT,
                "_lcw_extra": null,
            })
        );
        assert_eq!(
            absent_columns(Table::Workflows, &rows, 0),
            [
                "deleted_date_time",
                "next_schedule_run_date_time",
                "created_by_id",
                "last_modified_by_id",
                "execution_conditions",
                "_lcw_extra",
            ]
        );
    }
}

#[test]
fn the_documented_details_have_conditions_people_and_tasks() {
    let rows = row_of(MICROS, &body("get-workflow-v1.0-1"));
    let workflow = row(&rows, 0);
    assert_eq!(
        workflow["created_by_id"],
        "a698128f-b34f-44db-a9f9-7661c7aba8d8"
    );
    assert_eq!(
        workflow["last_modified_by_id"],
        "a698128f-b34f-44db-a9f9-7661c7aba8d8"
    );
    assert_eq!(
        workflow["execution_conditions"],
        r##"{"@odata.type":"#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions","scope":{"@odata.type":"#microsoft.graph.identityGovernance.ruleBasedSubjectSet","rule":"(department eq 'Marketing')"},"trigger":{"@odata.type":"#microsoft.graph.identityGovernance.timeBasedAttributeTrigger","timeBasedAttribute":"employeeHireDate","offsetInDays":0}}"##
    );
    assert_eq!(workflow["next_schedule_run_date_time"], Value::Null);
    let extra: Value = serde_json::from_str(workflow["_lcw_extra"].as_str().unwrap()).unwrap();
    let documented = &documented_values(&body("get-workflow-v1.0-1"))[0];
    assert_eq!(
        extra,
        json!({ "tasks": documented["tasks"] }),
        "tasks@odata.context is dropped"
    );
    assert_eq!(rows.absent, None, "nulls are there, nothing is absent");
}

#[test]
fn every_documented_workflow_comes_out_as_documented() {
    for name in [
        "list-workflows-v1.0-1",
        "list-workflows-v1.0-2",
        "list-workflows-beta-1",
        "list-workflows-beta-2",
        "list-deleted-workflows-v1.0-1",
        "list-deleted-workflows-v1.0-2",
        "get-workflow-v1.0-1",
        "get-workflow-v1.0-2",
    ] {
        let body = body(name);
        let entities = documented_values(&body);
        let is_list = name.starts_with("list-");
        let rows = if is_list {
            rows_of(WITH_RAW, &body)
        } else {
            row_of(WITH_RAW, &body)
        };
        assert_eq!(rows.len(), entities.len(), "{name}");
        for (at, entity) in entities.iter().enumerate() {
            assert_documented(Table::Workflows, &rows, at, entity);
            let raw = whole_row(&rows, at)["_lcw_raw"].clone();
            let raw: Value = serde_json::from_str(raw.as_str().unwrap()).unwrap();
            assert_eq!(raw, Value::Object(entity.clone()));
        }
    }
}

#[test]
fn a_documented_deleted_workflow_says_when_and_not_whether_it_was_enabled() {
    let rows = rows_of(AS_SENT, &body("list-deleted-workflows-v1.0-1"));
    let workflow = row(&rows, 0);
    assert_eq!(
        workflow["deleted_date_time"],
        "2022-08-24T18:25:09.5729865Z"
    );
    assert_eq!(workflow["is_enabled"], Value::Null);
    assert_eq!(workflow["_lcw_first_seen"], SEEN_AT);
    assert!(absent_columns(Table::Workflows, &rows, 0).contains(&"is_enabled"));
}

#[test]
fn a_documented_selection_keeps_escapes_out_of_names() {
    let rows = rows_of(MICROS, &body("list-workflows-v1.0-2"));
    assert_eq!(
        row(&rows, 0)["display_name"],
        "Pre-Offboarding employees in the R&D department"
    );
    let rows = row_of(
        MICROS,
        r#"{"id":"w","displayName":"R\u0026D","description":"\ud83d\ude00\n"}"#,
    );
    assert_eq!(row(&rows, 0)["display_name"], "R&D");
    assert_eq!(row(&rows, 0)["description"], "😀\n");
}

#[test]
fn properties_of_people_without_a_column_are_kept() {
    let rows = row_of(
        MICROS,
        r#"{"id":"w","createdBy":{"id":"u","displayName":"Ann"},"lastModifiedBy":null,"settings":{ }}"#,
    );
    let workflow = row(&rows, 0);
    assert_eq!(
        workflow["_lcw_extra"],
        r#"{"createdBy":{"displayName":"Ann"},"settings":{}}"#
    );
    assert_eq!(workflow["last_modified_by_id"], Value::Null);
    assert!(!absent_columns(Table::Workflows, &rows, 0).contains(&"last_modified_by_id"));
}

#[test]
fn dates_that_cannot_be_read_are_refused() {
    for property in [
        "createdDateTime",
        "lastModifiedDateTime",
        "deletedDateTime",
        "nextScheduleRunDateTime",
    ] {
        let object = format!(r#"{{"id":"w","{property}":"2026-13-01T00:00:00Z"}}"#);
        let error = builder(MICROS)
            .append(&parse_entity(&object).unwrap(), None)
            .unwrap_err();
        assert_eq!(
            (error.table, error.row_id.as_str(), error.property),
            ("workflows", "w", property)
        );
    }
}
