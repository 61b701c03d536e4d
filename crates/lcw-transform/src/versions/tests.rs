use serde_json::json;

use super::*;
use crate::testing::{
    EXTRACTED_AT, MICROS, WORKFLOW, absent_columns, assert_documented, body, documented_values,
    flatten, page_of, row, whole_row,
};

const TABLE: Table = Table::WorkflowVersions;

#[test]
fn the_documented_versions_are_whole_rows() {
    let body = body("list-versions-v1.0-1");
    let rows = flatten(TABLE, MICROS, &body).unwrap();
    assert_eq!(
        row(&rows, 0),
        json!({
            "workflow_id": WORKFLOW,
            "version_number": 3,
            "category": "joiner",
            "display_name": "Global onboard new hire employee",
            "description": "Configure new hire tasks for onboarding employees on their first day",
            "is_enabled": true,
            "is_scheduling_enabled": true,
            "created_date_time": "2022-08-24T19:31:33.553476Z",
            "last_modified_date_time": "2022-08-24T19:33:03.866494Z",
            "created_by_id": null,
            "last_modified_by_id": null,
            "execution_conditions": null,
            "tasks": null,
            "_lcw_first_seen": EXTRACTED_AT,
            "_lcw_last_seen": EXTRACTED_AT,
            "_lcw_extra": null,
        })
    );
    let entities = documented_values(&body);
    assert_eq!(rows.len(), entities.len());
    for (at, entity) in entities.iter().enumerate() {
        assert_documented(TABLE, &rows, at, entity);
    }
    assert!(rows.drift.is_empty());
    assert_eq!(
        absent_columns(TABLE, &rows, 0),
        [
            "created_by_id",
            "last_modified_by_id",
            "execution_conditions",
            "tasks",
            "_lcw_extra"
        ]
    );
}

#[test]
fn a_documented_selection_of_versions_has_its_values() {
    let body = body("list-versions-v1.0-2");
    let rows = flatten(TABLE, MICROS, &body).unwrap();
    for (at, entity) in documented_values(&body).iter().enumerate() {
        assert_documented(TABLE, &rows, at, entity);
    }
    assert!(absent_columns(TABLE, &rows, 1).contains(&"is_enabled"));
}

#[test]
fn versions_are_sorted_as_numbers() {
    let page = page_of(
        r#"{"versionNumber":10},{"versionNumber":9},{"versionNumber":-1},{"versionNumber":9,"displayName":"last"}"#,
    );
    let rows = flatten(TABLE, MICROS, &page).unwrap();
    let rows = rows.sorted_unique(&TABLE.key());
    let number = |at| whole_row(&rows, at)["version_number"].clone();
    assert_eq!((0..rows.len()).map(number).collect::<Vec<_>>(), [-1, 9, 10]);
    assert_eq!(whole_row(&rows, 1)["display_name"], "last");
}

#[test]
fn a_wrong_instant_names_the_version() {
    let page = page_of(r#"{"versionNumber":12,"createdDateTime":"soon"}"#);
    let error = flatten(TABLE, MICROS, &page).unwrap_err();
    assert_eq!(
        (error.row_id.as_str(), error.property),
        ("12", "createdDateTime")
    );
    let mut rows = VersionRows::new(MICROS, &crate::testing::lineage(), WORKFLOW, 0);
    let error = rows.append(&WorkflowVersion::default(), None).unwrap_err();
    assert_eq!(
        (error.property, error.value.as_str()),
        ("versionNumber", "missing")
    );
    assert!(rows.is_empty());
}
