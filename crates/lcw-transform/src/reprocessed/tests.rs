use serde_json::{Value, json};

use super::*;
use crate::testing::{
    MICROS, RUN, WITH_RAW, WORKFLOW, absent_columns, body, flatten, lineage, page_of, row,
    whole_row,
};

const TABLE: Table = Table::ReprocessedRuns;
const OLD: &str = "78799042-265a-4e8f-8d61-94a2dcd2d395_638927021459357126";

/// The rows that a page makes for the run `run_id`.
fn rows_of(run_id: &str, page: &str) -> Result<Rows, FlattenError> {
    let mut rows = ReprocessedRows::new(WITH_RAW, &lineage(), WORKFLOW, run_id);
    for run in lcw_model::parse_page::<WithRaw<'_, Run<'_>>>(page)
        .unwrap()
        .value
    {
        rows.append(&run.entity, Some(run.raw))?;
    }
    Ok(rows.finish())
}

#[test]
fn the_documented_answer_names_the_later_run_inside_the_run_itself() {
    let body = body("list-run-reprocessedruns-v1.0-1");
    let rows = rows_of(OLD, &body).unwrap();
    assert_eq!(rows.len(), 1);
    let mut found = row(&rows, 0);
    let raw = found.as_object_mut().unwrap().remove("_lcw_raw").unwrap();
    assert_eq!(
        found,
        json!({
            "workflow_id": WORKFLOW,
            "run_id": OLD,
            "id": "78799042-265a-4e8f-8d61-94a2dcd2d395_638927099502974630",
            "processing_status": "queued",
            "workflow_execution_type": "activatedWithScope",
            "scheduled_date_time": "2025-09-05T22:59:10.297463Z",
            "_lcw_extra": null,
        })
    );
    let sent: Value = serde_json::from_str(&body).unwrap();
    let kept: Value = serde_json::from_str(raw.as_str().unwrap()).unwrap();
    assert_eq!(kept, sent["value"][0]["reprocessedRuns"][0]);
    assert_eq!(absent_columns(TABLE, &rows, 0), ["_lcw_extra"]);
    assert!(rows.drift.is_empty());
}

#[test]
fn any_other_run_in_the_answer_is_itself_the_later_one() {
    let body = body("list-userprocessingresult-reprocessedruns-v1.0-1");
    let rows = flatten(TABLE, MICROS, &body).unwrap();
    assert_eq!(
        row(&rows, 0),
        json!({
            "workflow_id": WORKFLOW,
            "run_id": RUN,
            "id": "78799042-265a-4e8f-8d61-94a2dcd2d395_638927104150522341",
            "processing_status": "inProgress",
            "workflow_execution_type": "activatedWithScope",
            "scheduled_date_time": "2025-09-05T23:06:55.052234Z",
            "_lcw_extra": null,
        })
    );
}

#[test]
fn a_run_makes_no_link_to_itself() {
    for nested in ["", r#","reprocessedRuns":null"#, r#","reprocessedRuns":[]"#] {
        let page = page_of(&format!(r#"{{"id":"old"{nested}}}"#));
        assert!(rows_of("old", &page).unwrap().is_empty(), "{nested}");
    }
}

#[test]
fn a_run_can_be_processed_again_more_than_once() {
    let page = page_of(
        r#"{"id":"old","reprocessedRuns":[{"id":"skipped"}],
            "reprocessedRuns":[ {"id":"a"}, { "id" : "b", "riskSignal":1 } ]},{"id":"c"}"#,
    );
    let rows = rows_of("old", &page).unwrap();
    let all: Vec<_> = (0..rows.len()).map(|at| whole_row(&rows, at)).collect();
    let ids: Vec<_> = all.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(all.iter().all(|row| row["run_id"] == "old"));
    assert_eq!(all[1]["_lcw_raw"], r#"{ "id" : "b", "riskSignal":1 }"#);
    assert_eq!(all[1]["_lcw_extra"], r#"{"riskSignal":1}"#);
    let drift: Vec<_> = rows.drift.properties.iter().collect();
    assert_eq!(drift, ["riskSignal"]);
}

#[test]
fn what_runs_have_is_not_repeated() {
    let page = page_of(
        r#"{"id":"new","totalUsersCount":3,"userProcessingResults":[],"reprocessedRuns":[{"id":"x"}],"riskSignal":1}"#,
    );
    let rows = rows_of("old", &page).unwrap();
    assert_eq!(row(&rows, 0)["_lcw_extra"], r#"{"riskSignal":1}"#);
}

#[test]
fn one_unreadable_later_run_keeps_all_out() {
    for (nested, problem) in [
        ("{}", "not an array of runs"),
        ("7", "not an array of runs"),
        (
            r#"[{"id":"a"},7]"#,
            "the body is not an entity: it is no object, or it reports an error",
        ),
        (r#"[{"id":"a"},{}]"#, "an entity has no id"),
        (
            r#"[{"id":"a"},{"id":"b","totalUsersCount":"x"}]"#,
            "property totalUsersCount is \"x\", expected a whole number of 32 bits",
        ),
    ] {
        let page = page_of(&format!(r#"{{"id":"old","reprocessedRuns":{nested}}}"#));
        let error = rows_of("old", &page).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "table reprocessed_runs, row old: property reprocessedRuns is not readable: {problem}"
            )
        );
    }

    let mut rows = ReprocessedRows::new(MICROS, &lineage(), WORKFLOW, "old");
    let object =
        r#"{"id":"old","reprocessedRuns":[{"id":"a"},{"id":"b","scheduledDateTime":"soon"}]}"#;
    let error = rows
        .append(&parse_entity(object).unwrap(), None)
        .unwrap_err();
    assert_eq!(
        (error.row_id.as_str(), error.property),
        ("b", "scheduledDateTime")
    );
    assert!(rows.is_empty());
}
