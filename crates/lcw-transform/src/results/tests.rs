use lcw_model::{WithRaw, parse_entity, parse_page};
use serde_json::{Value, json};

use super::*;
use crate::testing::{
    AS_SENT, MICROS, WITH_RAW, absent_columns, assert_documented, body, documented_values, lineage,
    row, whole_row,
};

mod random;
mod subjects;

const WORKFLOW: &str = "14879e66-9ea9-48d0-804d-8fea672d0341";
const RUN: &str = "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d";
const TABLE: Table = Table::UserProcessingResults;
/// The columns that an expanded subject fills.
const PERSON: [&str; 9] = [
    "subject_display_name",
    "subject_user_principal_name",
    "subject_mail",
    "subject_department",
    "subject_job_title",
    "subject_employee_id",
    "subject_employee_hire_date",
    "subject_employee_leave_date_time",
    "subject_account_enabled",
];

fn without_person(columns: Vec<&'static str>) -> Vec<&'static str> {
    let is_other = |column: &&str| !PERSON.contains(column);
    columns.into_iter().filter(is_other).collect()
}

fn rows_of(layout: Layout, body: &str) -> Rows {
    let mut rows = ResultRows::new(layout, &lineage(), WORKFLOW, RUN);
    for row in parse_page::<WithRaw<'_, UserProcessingResult<'_>>>(body)
        .unwrap()
        .value
    {
        rows.append(&row.entity, Some(row.raw)).unwrap();
    }
    rows.finish()
}

fn row_of(layout: Layout, object: &str) -> Rows {
    let mut rows = ResultRows::new(layout, &lineage(), WORKFLOW, RUN);
    let result = parse_entity::<WithRaw<'_, UserProcessingResult<'_>>>(object).unwrap();
    rows.append(&result.entity, Some(result.raw)).unwrap();
    rows.finish()
}

fn documented_row(id: &str, subject: &str, times: [&str; 3], spans: [i64; 3]) -> Value {
    json!({
        "workflow_id": WORKFLOW,
        "run_id": RUN,
        "id": id,
        "subject_id": subject,
        "processing_status": "completed",
        "workflow_execution_type": "onDemand",
        "workflow_version": 1,
        "scheduled_date_time": times[0],
        "started_date_time": times[1],
        "completed_date_time": times[2],
        "total_tasks_count": 2,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "queue_ms": spans[0],
        "processing_ms": spans[1],
        "total_ms": spans[2],
        "subject_display_name": null,
        "subject_user_principal_name": null,
        "subject_mail": null,
        "subject_department": null,
        "subject_job_title": null,
        "subject_employee_id": null,
        "subject_employee_hire_date": null,
        "subject_employee_leave_date_time": null,
        "subject_account_enabled": null,
        "_lcw_extra": null,
    })
}

#[test]
fn the_documented_results_of_a_run_are_two_whole_rows() {
    for version in ["v1.0", "beta"] {
        let rows = rows_of(
            MICROS,
            &body(&format!("list-run-userprocessingresults-{version}-1")),
        );
        assert_eq!(rows.len(), 2);
        assert_eq!(
            row(&rows, 0),
            documented_row(
                "78b83505-6967-4168-a7ea-4921c0543ce9",
                "ea09ac2e-77e3-4134-85f2-25ccf3c33387",
                [
                    "2022-08-24T23:28:01.647655Z",
                    "2022-08-24T23:28:04.490313Z",
                    "2022-08-24T23:28:11.134886Z",
                ],
                [2842, 6644, 9487],
            )
        );
        assert_eq!(
            row(&rows, 1),
            documented_row(
                "16db611b-2518-48cf-89c0-3763abf8d0ab",
                "8cdf25a8-c9d2-423e-a03d-3f39f03c3e97",
                [
                    "2022-08-24T23:28:01.647655Z",
                    "2022-08-24T23:28:04.546949Z",
                    "2022-08-24T23:28:11.110013Z",
                ],
                [2899, 6563, 9462],
            )
        );
        let absent: Vec<_> = PERSON.into_iter().chain(["_lcw_extra"]).collect();
        assert_eq!(absent_columns(TABLE, &rows, 0), absent);
    }
}

#[test]
fn a_single_documented_result_is_the_same_row_as_in_its_list() {
    let single = row_of(MICROS, &body("get-userprocessingresult-v1.0-1"));
    let list = rows_of(MICROS, &body("list-run-userprocessingresults-v1.0-1"));
    assert_eq!(single.batch, list.batch.slice(0, 1));
}

#[test]
fn a_documented_selection_has_nulls_and_says_what_it_did_not_contain() {
    let selected = [
        rows_of(MICROS, &body("list-run-userprocessingresults-v1.0-2")),
        rows_of(MICROS, &body("list-run-userprocessingresults-beta-2")),
        row_of(MICROS, &body("get-userprocessingresult-v1.0-2")),
    ];
    for rows in selected {
        assert_eq!(rows.len(), 1);
        assert_eq!(
            row(&rows, 0),
            json!({
                "workflow_id": WORKFLOW,
                "run_id": RUN,
                "id": "40efc576-840f-47d0-ab95-5abca800f8a2",
                "subject_id": "df744d9e-2148-4922-88a8-633896c1e929",
                "processing_status": "completed",
                "workflow_execution_type": null,
                "workflow_version": null,
                "scheduled_date_time": null,
                "started_date_time": null,
                "completed_date_time": null,
                "total_tasks_count": 3,
                "failed_tasks_count": 0,
                "total_unprocessed_tasks_count": 0,
                "queue_ms": null,
                "processing_ms": null,
                "total_ms": null,
                "subject_display_name": null,
                "subject_user_principal_name": null,
                "subject_mail": null,
                "subject_department": null,
                "subject_job_title": null,
                "subject_employee_id": null,
                "subject_employee_hire_date": null,
                "subject_employee_leave_date_time": null,
                "subject_account_enabled": null,
                "_lcw_extra": null,
            })
        );
        assert_eq!(
            without_person(absent_columns(TABLE, &rows, 0)),
            [
                "workflow_execution_type",
                "workflow_version",
                "scheduled_date_time",
                "started_date_time",
                "completed_date_time",
                "queue_ms",
                "processing_ms",
                "total_ms",
                "_lcw_extra",
            ]
        );
    }
}

#[test]
fn the_documented_results_of_a_workflow_have_their_values_and_durations() {
    let body = body("list-workflow-userprocessingresults-v1.0-1");
    let rows = rows_of(MICROS, &body);
    let spans = |at: usize| {
        let row = row(&rows, at);
        ["queue_ms", "processing_ms", "total_ms"].map(|name| row[name].as_i64().unwrap())
    };
    assert_eq!(spans(0), [6068, 8648, 14_717]);
    assert_eq!(spans(1), [9080, 5504, 14_585]);
    assert_eq!(spans(2), [5197, 12_127, 17_324]);
}

#[test]
fn every_documented_result_comes_out_as_documented() {
    for name in [
        "list-run-userprocessingresults-v1.0-1",
        "list-run-userprocessingresults-v1.0-2",
        "list-run-userprocessingresults-beta-1",
        "list-run-userprocessingresults-beta-2",
        "list-workflow-userprocessingresults-v1.0-1",
        "list-workflow-userprocessingresults-v1.0-2",
        "get-userprocessingresult-v1.0-1",
        "get-userprocessingresult-v1.0-2",
    ] {
        let body = body(name);
        let entities = documented_values(&body);
        for layout in [MICROS, WITH_RAW] {
            let is_list = name.starts_with("list-");
            let rows = if is_list {
                rows_of(layout, &body)
            } else {
                row_of(layout, &body)
            };
            assert_eq!(rows.len(), entities.len(), "{name}");
            for (at, entity) in entities.iter().enumerate() {
                assert_documented(TABLE, &rows, at, entity);
                assert_eq!(row(&rows, at)["_lcw_extra"], Value::Null, "{name}");
            }
        }
    }
}

#[test]
fn timestamps_can_stay_as_sent_and_durations_are_the_same() {
    let body = body("list-run-userprocessingresults-v1.0-1");
    let (micros, as_sent) = (rows_of(MICROS, &body), rows_of(AS_SENT, &body));
    assert_eq!(as_sent.batch.schema(), TABLE.schema(&AS_SENT));
    let sent = row(&as_sent, 0);
    assert_eq!(sent["scheduled_date_time"], "2022-08-24T23:28:01.6476554Z");
    assert_eq!(sent["started_date_time"], "2022-08-24T23:28:04.490313Z");
    for name in ["queue_ms", "processing_ms", "total_ms"] {
        assert_eq!(sent[name], row(&micros, 0)[name]);
    }
}

#[test]
fn durations_are_cut_towards_zero_and_null_without_both_ends() {
    let durations = |times: &str| {
        let rows = row_of(MICROS, &format!(r#"{{"id":"p",{times}}}"#));
        let row = row(&rows, 0);
        let values = ["queue_ms", "processing_ms", "total_ms"].map(|name| row[name].clone());
        let absent = absent_columns(TABLE, &rows, 0);
        (
            values,
            absent
                .into_iter()
                .filter(|name| name.ends_with("_ms"))
                .collect::<Vec<_>>(),
        )
    };
    let (values, absent) = durations(
        r#""scheduledDateTime":"2026-01-01T00:00:01.0019999Z","startedDateTime":"2026-01-01T00:00:00Z","completedDateTime":"2026-01-01T01:00:00.0009999+01:00""#,
    );
    assert_eq!(values, [json!(-1001), json!(0), json!(-1001)]);
    assert!(absent.is_empty());

    let (values, absent) =
        durations(r#""scheduledDateTime":"2026-01-01T00:00:01Z","startedDateTime":null"#);
    assert_eq!(values, [Value::Null, Value::Null, Value::Null]);
    assert_eq!(absent, ["processing_ms", "total_ms"]);

    let (values, _) = durations(
        r#""scheduledDateTime":"0001-01-01T00:00:00Z","completedDateTime":"9999-12-31T23:59:59.9999999Z""#,
    );
    assert_eq!(values[2], json!(315_537_897_599_999_i64));
}

#[test]
fn properties_without_a_column_are_kept_in_one_object() {
    let rows = row_of(
        MICROS,
        r##"{ "@odata.type":"#x", "id":"p", "zeta": [ 1.50 , {"b" : 2, "a": "x \" { } : y"} ],
             "reprocessedRuns@odata.context":"u", "reprocessedRuns":[],
             "subject": { "@odata.type":"#user", "id":"u", "surname":"N\u00e9", "city": null, "mail": null },
             "\"q\"": 1e2, "zeta2": "a", "zeta2": "b" }"##,
    );
    assert_eq!(
        row(&rows, 0)["_lcw_extra"],
        r#"{"\"q\"":1e2,"reprocessedRuns":[],"subject":{"city":null,"surname":"N\u00e9"},"zeta":[1.50,{"b":2,"a":"x \" { } : y"}],"zeta2":"b"}"#
    );
    assert!(!absent_columns(TABLE, &rows, 0).contains(&"_lcw_extra"));
}

#[test]
fn the_order_of_an_answer_does_not_change_its_row() {
    let one = row_of(
        MICROS,
        r#"{"id":"p","b":1,"a":2,"subject":{"id":"u","d":1,"c":2}}"#,
    );
    let other = row_of(
        MICROS,
        r#"{"subject":{"c":2,"d":1,"id":"u"},"a":2,"b":1,"id":"p"}"#,
    );
    assert_eq!(one, other);
}

#[test]
fn the_original_object_is_kept_on_request_only() {
    let object = "{ \"id\": \"p\",\n \"totalTasksCount\":1 }";
    let kept = row_of(WITH_RAW, object);
    assert_eq!(whole_row(&kept, 0)["_lcw_raw"], object);
    assert!(
        row_of(MICROS, object)
            .batch
            .column_by_name("_lcw_raw")
            .is_none()
    );

    let mut rows = ResultRows::new(WITH_RAW, &lineage(), WORKFLOW, RUN);
    rows.append(&parse_entity(object).unwrap(), None).unwrap();
    let rows = rows.finish();
    assert_eq!(whole_row(&rows, 0)["_lcw_raw"], Value::Null);
    assert!(absent_columns(TABLE, &rows, 0).contains(&"_lcw_raw"));
}

#[test]
fn unknown_members_of_enumerations_are_values_like_others() {
    let rows = row_of(
        MICROS,
        r#"{"id":"p","processingStatus":"unknownFutureValue","workflowExecutionType":"somethingNew"}"#,
    );
    assert_eq!(row(&rows, 0)["processing_status"], "unknownFutureValue");
    assert_eq!(row(&rows, 0)["workflow_execution_type"], "somethingNew");
}

#[test]
fn a_date_that_cannot_be_read_names_table_row_property_and_value_and_adds_no_row() {
    for property in ["scheduledDateTime", "startedDateTime", "completedDateTime"] {
        for (value, problem) in [
            ("2022-08-24T23:59:60Z", "leap seconds are not supported"),
            ("2022-02-30T00:00:00Z", "no such day or time of day"),
            (
                "yesterday",
                "not a date-time like 2026-11-22T10:00:00.1234567Z",
            ),
            ("", "not a date-time like 2026-11-22T10:00:00.1234567Z"),
        ] {
            let object = format!(r#"{{"id":"p-1","{property}":"{value}"}}"#);
            for layout in [MICROS, AS_SENT] {
                let mut rows = ResultRows::new(layout, &lineage(), WORKFLOW, RUN);
                let error = rows
                    .append(&parse_entity(&object).unwrap(), None)
                    .unwrap_err();
                let told = format!(
                    "table user_processing_results, row p-1: property {property} is \"{value}\": {problem}"
                );
                assert_eq!(error.to_string(), told);
                assert!(rows.is_empty());
                rows.append(&parse_entity(r#"{"id":"p-2"}"#).unwrap(), None)
                    .unwrap();
                assert_eq!(rows.finish().len(), 1);
            }
        }
    }
}

#[test]
fn a_builder_goes_on_after_it_has_handed_out_its_rows() {
    let mut rows = ResultRows::new(MICROS, &lineage(), WORKFLOW, RUN);
    rows.reserve(10);
    rows.append(&parse_entity(r#"{"id":"1"}"#).unwrap(), None)
        .unwrap();
    assert_eq!((rows.len(), rows.finish().len(), rows.len()), (1, 1, 0));
    rows.append(&parse_entity(r#"{"id":"2"}"#).unwrap(), None)
        .unwrap();
    let second = rows.finish();
    assert_eq!(row(&second, 0)["id"], "2");
    assert_eq!(second.absent.unwrap().len(), 1);
}
