use super::*;
use crate::{
    Field, Run, SubjectProcessingResult, Task, TaskDefinition, TaskProcessingResult, TaskReport,
    UserProcessingResult, WithRaw, Workflow, WorkflowVersion,
};

mod bodies;
mod inlined;
mod raw;
mod refusals;

const RUN: &str = r#"{"id":"r","processingStatus":"completed","scheduledDateTime":"2022-08-24T23:28:01.6476554Z","totalUsersCount":2}"#;

fn page_of(entities: &str) -> String {
    format!(r#"{{"@odata.context":"https://canary.example/$metadata","value":[{entities}]}}"#)
}

fn only<'a, T: Entity<'a>>(body: &'a str) -> T {
    let mut value = parse_page::<T>(body).unwrap().value;
    assert_eq!(value.len(), 1);
    value.remove(0)
}

fn value<'f>(field: &'f Field<Text<'_>>) -> Option<&'f str> {
    field.as_option().map(Text::as_str)
}

#[test]
fn absent_null_and_value_are_told_apart() {
    let body = page_of(
        r#"{"id":"r","startedDateTime":null,"totalUsersCount":0,"failedUsersCount":null,"activatedOnScope":null}"#,
    );
    let run: Run<'_> = only(&body);
    assert!(run.started_date_time.is_null());
    assert!(run.completed_date_time.is_absent());
    assert_eq!(run.total_users_count, Field::Value(0));
    assert_eq!(run.failed_users_count, Field::Null);
    assert_eq!(run.successful_users_count, Field::Absent);
    assert!(run.activated_on_scope.is_null());
}

#[test]
fn values_are_borrowed_from_the_body_unless_they_hold_an_escape() {
    let body = page_of(&[RUN; 100].join(","));
    let page = parse_page::<Run<'_>>(&body).unwrap();
    assert_eq!(page.value.len(), 100);
    for run in &page.value {
        assert!(run.id.is_borrowed());
        assert!(run.processing_status.as_option().unwrap().is_borrowed());
        assert!(run.scheduled_date_time.as_option().unwrap().is_borrowed());
        assert_eq!(
            run.extra.capacity(),
            0,
            "nothing is allocated for what is not there"
        );
    }

    let body = page_of(
        r#"{"id":"w","displayName":"R\u0026D \ud83d\ude00 \"new\"","description":"Ärzte 😀"}"#,
    );
    let workflow: Workflow<'_> = only(&body);
    assert_eq!(value(&workflow.display_name), Some("R&D 😀 \"new\""));
    assert!(!workflow.display_name.as_option().unwrap().is_borrowed());
    assert!(workflow.description.as_option().unwrap().is_borrowed());
}

#[test]
fn properties_without_a_field_keep_their_text_and_control_information_is_dropped() {
    let body = page_of(
        r##"{"@odata.type":"#x","id":"r","reprocessedRuns":[ ],"reprocessedRuns@odata.context":"u",
        "newThing":{"@odata.type":"#y", "a": 1.50},"totalTasksCount@odata.type":"Int32"}"##,
    );
    let run: Run<'_> = only(&body);
    let extra: Vec<_> = run
        .extra
        .iter()
        .map(|(name, raw)| (name.as_str(), raw.get()))
        .collect();
    assert_eq!(
        extra,
        [
            ("reprocessedRuns", "[ ]"),
            ("newThing", r##"{"@odata.type":"#y", "a": 1.50}"##)
        ]
    );
    assert_eq!(run.unknown_properties().collect::<Vec<_>>(), ["newThing"]);
    assert!(Run::knows("reprocessedRuns") && Run::knows("totalUsersCount"));
    assert!(!Run::knows("total_users_count"));
}

#[test]
fn known_properties_are_those_of_the_metadata() {
    for name in [
        "id",
        "settings",
        "quarantineDetails",
        "tasks",
        "subjectProcessingResults",
    ] {
        assert!(Workflow::knows(name), "{name}");
    }
    for name in ["subject", "taskProcessingResults", "workflowVersion"] {
        assert!(UserProcessingResult::knows(name), "{name}");
    }
    assert!(!UserProcessingResult::knows("lastUpdatedDateTime"));
}

#[test]
fn subjects_keep_their_other_properties_apart() {
    let body = page_of(
        r#"{"id":"p","subject":{"@odata.type":"microsoft.graph.user","id":"u","displayName":"Ann","accountEnabled":false,"city":"Rome","shoeSize":43}}"#,
    );
    let result: UserProcessingResult<'_> = only(&body);
    let subject = result.subject.as_option().unwrap();
    assert_eq!(value(&subject.id), Some("u"));
    let names: Vec<_> = subject
        .extra
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["city", "shoeSize"]);
    assert_eq!(value(&subject.display_name), Some("Ann"));
    assert_eq!(subject.account_enabled, Field::Value(false));
    assert!(subject.employee_hire_date.is_absent());
    assert_eq!(
        subject.unknown_properties().collect::<Vec<_>>(),
        ["shoeSize"]
    );
}

#[test]
fn a_subject_may_be_null_or_have_no_id() {
    let body = page_of(
        r#"{"id":"1","subject":null},{"id":"2","subject":{}},{"id":"3","subject":{"id":null}},{"id":"4"}"#,
    );
    let page = parse_page::<UserProcessingResult<'_>>(&body).unwrap();
    let [null, empty, null_id, absent] = &page.value[..] else {
        panic!("four results")
    };
    assert!(null.subject.is_null());
    assert!(empty.subject.as_option().unwrap().id.is_absent());
    assert!(null_id.subject.as_option().unwrap().id.is_null());
    assert!(absent.subject.is_absent());
}

#[test]
fn of_a_key_sent_twice_the_last_value_counts() {
    let body = page_of(
        r#"{"id":"old","totalTasksCount":1,"completedDateTime":"x","id":"new","totalTasksCount":null,"completedDateTime":"y"}"#,
    );
    let run: Run<'_> = only(&body);
    assert_eq!(run.id, "new");
    assert_eq!(run.total_tasks_count, Field::Null);
    assert_eq!(value(&run.completed_date_time), Some("y"));
}

#[test]
fn keys_are_compared_after_decoding() {
    let body = page_of(r#"{"\u0069d":"r","tot\u0061lUsersCount":7}"#);
    let run: Run<'_> = only(&body);
    assert_eq!(run.total_users_count, Field::Value(7));
}

#[test]
fn json_columns_keep_their_text() {
    let body = page_of(r#"{"id":"w","executionConditions":{ "trigger" : {"offsetInDays":-7} }}"#);
    let workflow: Workflow<'_> = only(&body);
    let conditions = workflow.execution_conditions.as_option().unwrap();
    assert_eq!(conditions.get(), r#"{ "trigger" : {"offsetInDays":-7} }"#);
}

#[test]
fn the_original_object_comes_along_on_request() {
    let object = "{ \"id\" : \"r\",\n  \"x\":[1, 2] }";
    let body = page_of(object);
    let row: WithRaw<'_, Run<'_>> = only(&body);
    assert_eq!(row.raw, object);
    assert_eq!(row.entity.id, "r");
    assert_eq!(row.unknown_properties().collect::<Vec<_>>(), ["x"]);
    let row: WithRaw<'_, Run<'_>> = parse_entity(object).unwrap();
    assert_eq!((row.raw, row.entity.id.as_str()), (object, "r"));
}

#[test]
fn links_and_empty_pages() {
    let body = r#"{"value":[],"@odata.nextLink":"https://g\/v1.0?$skiptoken=a"}"#;
    let page = parse_page::<Run<'_>>(body).unwrap();
    assert!(page.value.is_empty());
    assert_eq!(page.next_link.unwrap(), "https://g/v1.0?$skiptoken=a");

    for body in [r#"{"value":[]}"#, r#"{"value":[],"@odata.nextLink":null}"#] {
        assert!(parse_page::<Run<'_>>(body).unwrap().next_link.is_none());
    }
    let body = r#"{"@nextLink":"https://g/","value":[],"error":null}"#;
    assert_eq!(
        parse_page::<Run<'_>>(body).unwrap().next_link.unwrap(),
        "https://g/"
    );
}

#[test]
fn whitespace_around_the_body_is_no_damage() {
    assert!(parse_page::<Run<'_>>("\r\n {\"value\":[]} \n").is_ok());
}
