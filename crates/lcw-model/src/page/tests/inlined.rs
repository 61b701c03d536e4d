//! Objects inside entities, and entities that have a number instead of an id.

use super::*;
use crate::testing::body;

#[test]
fn a_task_inside_a_result_is_read_and_the_rest_of_it_kept() {
    let body = body("list-run-taskprocessingresults-v1.0-1");
    let result: TaskProcessingResult<'_> = only(&body);
    assert_eq!(result.id, "7a21089f-ec13-4e9c-997e-b31f4e59d41e");
    assert!(result.failure_reason.is_null());
    assert!(result.processing_info.is_absent());
    let subject = result.subject.as_option().unwrap();
    assert_eq!(
        value(&subject.id),
        Some("1baa57fa-3c4e-4526-ba5a-db47a9df95f0")
    );
    let task = result.task.as_option().unwrap();
    assert_eq!(
        value(&task.id),
        Some("c8dbaed8-3d23-4e5a-8f65-130767639667")
    );
    assert_eq!(
        value(&task.task_definition_id),
        Some("22085229-5809-45e8-97fd-270d28d66910")
    );
    assert_eq!(value(&task.display_name), Some("Add User To Groups"));
    assert_eq!(value(&task.category), Some("joiner,leaver"));
    assert_eq!(task.execution_sequence, Field::Value(3));
    assert_eq!(task.continue_on_error, Field::Value(false));
    let rest: Vec<_> = task.extra.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(rest, ["description", "isEnabled", "arguments"]);
    assert_eq!(task.unknown_properties().count(), 0);
}

#[test]
fn a_task_inside_a_result_may_be_null_or_have_no_id() {
    let body = page_of(
        r#"{"id":"1","task":null},{"id":"2","task":{}},{"id":"3","task":{"id":null}},{"id":"4"}"#,
    );
    let page = parse_page::<TaskProcessingResult<'_>>(&body).unwrap();
    let id = |at: usize| page.value[at].task.as_ref().map(|task| task.id.clone());
    assert_eq!(id(0), Field::Null);
    assert_eq!(id(1), Field::Value(Field::Absent));
    assert_eq!(id(2), Field::Value(Field::Null));
    assert_eq!(id(3), Field::Absent);
    for (task, found) in [("[]", "an array"), ("\"t\"", "a string"), ("1", "a number")] {
        let body = page_of(&format!(r#"{{"id":"1","task":{task}}}"#));
        let error = parse_page::<TaskProcessingResult<'_>>(&body).unwrap_err();
        let told = format!("property task is {found}, expected an object");
        assert_eq!(error.to_string(), told);
    }
}

#[test]
fn the_key_of_a_version_is_its_number() {
    let body = page_of(r#"{"versionNumber":0,"displayName":"V"}"#);
    let version: WorkflowVersion<'_> = only(&body);
    assert_eq!(version.version_number, Field::Value(0));
    assert_eq!(WorkflowVersion::PROPERTIES[0], "versionNumber");
    assert!(!WorkflowVersion::knows("id"));

    let refused = |entity: &str| {
        parse_page::<WorkflowVersion<'_>>(&page_of(entity))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("{}"), "an entity has no id");
    assert_eq!(
        refused(r#"{"versionNumber":null}"#),
        "property versionNumber is null, expected a whole number of 32 bits"
    );
    assert_eq!(
        refused(r#"{"versionNumber":"3"}"#),
        "property versionNumber is \"3\", expected a whole number of 32 bits"
    );
}

#[test]
fn a_subject_keeps_its_whole_text_beside_its_id() {
    let body = page_of(
        r##"{"id":"1","subject":{ "@odata.type" : "#x", "id": "s", "new": [1] },"subjectType":"user"}"##,
    );
    let result: SubjectProcessingResult<'_> = only(&body);
    let subject = result.subject.as_option().unwrap();
    assert_eq!(
        subject.raw,
        r##"{ "@odata.type" : "#x", "id": "s", "new": [1] }"##
    );
    assert_eq!(value(&subject.entity.id), Some("s"));
    assert_eq!(
        subject.entity.unknown_properties().collect::<Vec<_>>(),
        ["new"]
    );
    assert_eq!(value(&result.subject_type), Some("user"));

    let body = page_of(r#"{"id":"1","subject":null}"#);
    assert!(only::<SubjectProcessingResult<'_>>(&body).subject.is_null());
    let body = page_of(r#"{"id":"1","subject":{"id":7}}"#);
    assert_eq!(
        parse_page::<SubjectProcessingResult<'_>>(&body)
            .unwrap_err()
            .to_string(),
        "property subject/id is a number, expected a string"
    );
}

#[test]
fn reports_hold_task_and_definition_when_they_are_expanded() {
    let body = page_of(
        r#"{"id":"1","runId":"r","task":{"id":"t"},"taskDefinition":{"id":"d","version":1,"new":2}}"#,
    );
    let report: TaskReport<'_> = only(&body);
    assert_eq!(value(&report.run_id), Some("r"));
    assert_eq!(value(&report.task.as_option().unwrap().id), Some("t"));
    let definition = report.task_definition.as_option().unwrap();
    assert_eq!(definition.extra.len(), 3);
    assert_eq!(definition.unknown_properties().collect::<Vec<_>>(), ["new"]);

    let definitions = crate::testing::body("list-taskdefinitions-v1.0-1");
    let definitions = parse_page::<TaskDefinition<'_>>(&definitions).unwrap();
    assert_eq!(definitions.value[0].version, Field::Value(1));
    let tasks = crate::testing::body("list-tasks-v1.0-1");
    let tasks = parse_page::<Task<'_>>(&tasks).unwrap();
    assert_eq!(tasks.value[1].execution_sequence, Field::Value(2));
}
