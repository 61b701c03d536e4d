//! Random and mutated bodies.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{cases, documented};

/// Reads a body as everything it could be; what comes out does not matter.
fn read_as_everything(body: &str) {
    drop(parse_page::<Workflow<'_>>(body));
    drop(parse_page::<Run<'_>>(body));
    drop(parse_page::<UserProcessingResult<'_>>(body));
    drop(parse_page::<WithRaw<'_, UserProcessingResult<'_>>>(body));
    drop(parse_page::<WithRaw<'_, TaskProcessingResult<'_>>>(body));
    drop(parse_page::<SubjectProcessingResult<'_>>(body));
    drop(parse_page::<WorkflowVersion<'_>>(body));
    drop(parse_page::<TaskReport<'_>>(body));
    drop(parse_raw_page(body));
    drop(parse_entity::<Workflow<'_>>(body));
    drop(parse_entity::<WithRaw<'_, Run<'_>>>(body));
}

/// A change of a body: at a place (of 65,536 parts of it), so many bytes become others.
type Mutation = (u16, usize, Vec<u8>);

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let bytes = prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| bytes.into_iter().take(8).collect()),
        prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "1e999", "\\ud800", "é"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec((any::<u16>(), 0..12_usize, bytes), 1..6)
}

fn mutated(body: &str, mutations: &[Mutation]) -> String {
    let mut bytes = body.as_bytes().to_vec();
    for (place, length, replacement) in mutations {
        let from = bytes.len() * usize::from(*place) / 65_536;
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, replacement.iter().copied());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), json in "[\\[\\]{}\",:0-9a-z\\\\ -]{0,60}") {
        read_as_everything(&text);
        read_as_everything(&json);
        read_as_everything(&format!("{{\"value\":[{json}]}}"));
    }

    #[test]
    fn no_mutation_of_a_real_body_makes_it_panic(changes in mutations(), which in any::<prop::sample::Index>()) {
        let bodies = documented();
        let (_, body) = which.get(&bodies);
        read_as_everything(&mutated(body, &changes));
    }

    #[test]
    fn values_in_are_values_out(members in prop::collection::vec(member(), 0..20), id in "[!-~é😀]{1,40}") {
        let mut members = members;
        members.push(("id".to_owned(), json!(id)));
        let object: Vec<String> =
            members.iter().map(|(name, value)| format!("{} : {value}", json!(name))).collect();
        let body = page_of(&format!("{{ {} }}", object.join(" , ")));
        let run: Run<'_> = only(&body);
        // As a map, in which the last of equal names stays.
        let sent: BTreeMap<String, Value> = members.into_iter().collect();

        prop_assert_eq!(run.id.as_str(), id);
        for (name, field) in texts(&run) {
            prop_assert_eq!(as_json(field.as_ref().map(|text| json!(text.as_str()))), sent.get(name).cloned(), "{}", name);
        }
        for (name, field) in counts(&run) {
            prop_assert_eq!(as_json(field.map(|count| json!(count))), sent.get(name).cloned(), "{}", name);
        }
        let scope = run.activated_on_scope.map(|raw| serde_json::from_str(raw.get()).unwrap());
        prop_assert_eq!(as_json(scope), sent.get("activatedOnScope").cloned());
        let extra: BTreeMap<String, Value> = run.extra.iter()
            .map(|(name, raw)| (name.as_str().to_owned(), serde_json::from_str(raw.get()).unwrap()))
            .collect();
        let kept: BTreeMap<String, Value> = sent.into_iter()
            .filter(|(name, _)| !Run::PROPERTIES.contains(&name.as_str()) && !name.contains("@odata."))
            .collect();
        prop_assert_eq!(extra, kept);
    }
}

/// A property of a run with a value of its type or null, or a property that no run has.
fn member() -> impl Strategy<Value = (String, Value)> {
    let text = prop_oneof![Just(Value::Null), any::<String>().prop_map(Value::from)];
    let count = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from)];
    let tree = prop_oneof![
        Just(json!(null)),
        Just(json!({"a": [1, {"b": "\u{1f600}\"\\"}], "@odata.type": "#t"})),
        any::<String>().prop_map(|text| json!([text])),
    ];
    prop_oneof![
        (prop::sample::select(TEXTS.to_vec()), text)
            .prop_map(|(name, value)| (name.to_owned(), value)),
        (prop::sample::select(COUNTS.to_vec()), count)
            .prop_map(|(name, value)| (name.to_owned(), value)),
        tree.clone()
            .prop_map(|value| ("activatedOnScope".to_owned(), value)),
        ("[a-z\"\\\\é ]{0,6}(@odata\\.type)?", tree)
            .prop_map(|(name, value)| (format!("x{name}"), value)),
    ]
}

const TEXTS: [&str; 6] = [
    "processingStatus",
    "workflowExecutionType",
    "scheduledDateTime",
    "startedDateTime",
    "completedDateTime",
    "lastUpdatedDateTime",
];

const COUNTS: [&str; 6] = [
    "totalUsersCount",
    "successfulUsersCount",
    "failedUsersCount",
    "totalTasksCount",
    "failedTasksCount",
    "totalUnprocessedTasksCount",
];

fn texts<'r, 'a>(run: &'r Run<'a>) -> impl Iterator<Item = (&'static str, &'r Field<Text<'a>>)> {
    TEXTS.into_iter().zip([
        &run.processing_status,
        &run.workflow_execution_type,
        &run.scheduled_date_time,
        &run.started_date_time,
        &run.completed_date_time,
        &run.last_updated_date_time,
    ])
}

fn counts(run: &Run<'_>) -> impl Iterator<Item = (&'static str, Field<i32>)> {
    COUNTS.into_iter().zip([
        run.total_users_count,
        run.successful_users_count,
        run.failed_users_count,
        run.total_tasks_count,
        run.failed_tasks_count,
        run.total_unprocessed_tasks_count,
    ])
}

/// What was sent to make a field this: nothing, null, or the value.
fn as_json(field: Field<Value>) -> Option<Value> {
    match field {
        Field::Absent => None,
        Field::Null => Some(Value::Null),
        Field::Value(value) => Some(value),
    }
}
