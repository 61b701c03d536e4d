use std::fmt::Write;

use serde_json::{Value, json};

use super::json::is_name;
use super::*;
use crate::{Layout, Rows, Table, Timestamps};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const GUID: &str = "5ec7e7b0-1111-4222-8333-44445555beef";

fn key() -> PseudonymKey {
    PseudonymKey::new(SECRET).unwrap()
}

/// Whoever adds a column decides what it says about people, and says so here, too.
#[test]
fn every_column_is_decided() {
    let mut decided = String::new();
    for table in Table::ALL {
        for column in table.columns(true) {
            let (table, name) = (table.name(), column.name);
            // Writing to a String cannot fail.
            let _infallible = writeln!(decided, "{table}.{name} {}", column.privacy.name());
        }
    }
    let expected = include_str!("decided.txt");
    for (found, expected) in decided.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(decided.lines().count(), expected.lines().count());
}

#[test]
fn a_pseudonym_is_what_openssl_makes_of_it() {
    // printf %s ID | openssl dgst -sha256 -hmac KEY
    let expected = "41d0d08ac2384320d9a7d4acb6c7b76c7b5b8825c6c22475df07c74b0cd01142";
    assert_eq!(key().pseudonym(GUID), expected);
    assert_eq!(key().pseudonym(&GUID.to_ascii_uppercase()), expected);
    assert_ne!(key().pseudonym("Ada"), key().pseudonym("ada"));
}

#[test]
fn a_short_key_is_refused_and_another_key_has_another_id() {
    let error = PseudonymKey::new(&SECRET[1..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it has 31 bytes, and a key needs 32 at least"
    );
    let other = PseudonymKey::new(b"0123456789abcdef0123456789abcdeF").unwrap();
    assert_ne!(key().id(), other.id());
    assert_eq!(key().id().len(), 16);
}

#[test]
fn a_key_is_never_printed() {
    let shown = format!("{:?} {:#?} {:?}", key(), key(), KeyedHash::new(SECRET));
    assert!(!shown.contains("0123456789"), "{shown}");
    assert!(shown.contains(key().id()), "{shown}");
}

/// Rows made by [`crate::testing`] of one answer, in both layouts.
fn rows(table: Table, timestamps: Timestamps, object: &Value) -> Rows {
    let layout = Layout {
        timestamps,
        keep_raw: false,
    };
    let body = json!({ "value": [object] }).to_string();
    crate::testing::flatten(table, layout, &body).unwrap()
}

fn text(rows: &Rows, column: &str) -> Option<String> {
    use arrow::array::{Array, AsArray};
    let column = rows.batch.column_by_name(column).unwrap();
    let texts = column.as_string_opt::<i32>()?;
    texts.is_valid(0).then(|| texts.value(0).to_owned())
}

fn ada() -> Value {
    json!({
        "id": format!("w_1_r_{GUID}"), "processingStatus": "failed", "totalTasksCount": 3,
        "startedDateTime": "2026-11-22T10:00:00Z",
        "subject": {
            "id": GUID, "displayName": "Ada Lovelace", "userPrincipalName": "ada@contoso.example",
            "mail": "ada@contoso.example", "department": "Engines", "jobTitle": "Analyst",
            "employeeId": "1815", "employeeHireDate": "2026-11-01T00:00:00Z",
            "employeeLeaveDateTime": "2027-11-01T00:00:00Z", "accountEnabled": true,
            "mobilePhone": "+44 1815", "age": 77001, "isHere": true
        },
        "manager": { "@odata.type": "#microsoft.graph.user", "id": GUID.to_uppercase(), "ada@contoso.example": [1815] }
    })
}

#[test]
fn nothing_of_a_person_is_left_in_a_pseudonymised_row() {
    for timestamps in [Timestamps::Micros, Timestamps::AsSent] {
        let plain = rows(Table::UserProcessingResults, timestamps, &ada());
        let secret = pseudonymise(&key(), Table::UserProcessingResults, plain.clone());
        let shown = format!("{:?} {:?}", secret.batch, secret.drift);
        for canary in [
            GUID,
            "Ada",
            "ada@",
            "Engines",
            "Analyst",
            "1815",
            "2026-11-01",
            "2027-11-01",
        ] {
            assert!(!shown.contains(canary), "{canary}: {shown}");
            let shown = format!("{:?}", plain.batch);
            assert!(shown.contains(canary), "{canary} was there");
        }
        let subject = key().pseudonym(GUID);
        assert_eq!(text(&secret, "subject_id").as_deref(), Some(&*subject));
        let id = text(&secret, "id").unwrap();
        assert_eq!(id, key().pseudonym(&format!("w_1_r_{GUID}")));
        let mail = text(&secret, "subject_mail");
        assert_eq!(mail, text(&secret, "subject_user_principal_name"));
        assert_eq!(mail.unwrap(), key().pseudonym("ada@contoso.example"));
        for column in ["subject_employee_hire_date", "subject_account_enabled"] {
            let column = secret.batch.column_by_name(column).unwrap();
            assert_eq!(column.null_count(), 1);
        }
        // What happened stays, and joins stay.
        assert_eq!(
            text(&secret, "processing_status").as_deref(),
            Some("failed")
        );
        let extra: Value = serde_json::from_str(&text(&secret, "_lcw_extra").unwrap()).unwrap();
        assert_eq!(extra["manager"]["id"], *subject);
        assert_eq!(extra["manager"]["@odata.type"], "#microsoft.graph.user");
        assert_eq!(extra["subject"]["isHere"], true);
        assert_eq!(secret.absent, plain.absent);
    }
}

#[test]
fn what_a_workflow_is_stays_and_whom_it_is_about_does_not() {
    let object = json!({
        "id": "w", "displayName": "Offboard", "description": "for Ada",
        "createdBy": { "id": GUID }, "executionConditions": {
            "@odata.type": "#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions",
            "scope": { "rule": format!("id eq '{GUID}'") },
            "trigger": { "timeBasedAttribute": "employeeHireDate", "offsetInDays": -7 }
        }
    });
    let plain = rows(Table::Workflows, Timestamps::Micros, &object);
    let secret = pseudonymise(&key(), Table::Workflows, plain);
    assert_eq!(text(&secret, "display_name").as_deref(), Some("Offboard"));
    assert_eq!(
        text(&secret, "description"),
        Some(key().pseudonym("for Ada"))
    );
    assert_eq!(text(&secret, "created_by_id"), Some(key().pseudonym(GUID)));
    let conditions = text(&secret, "execution_conditions").unwrap();
    assert!(!conditions.contains(GUID), "{conditions}");
    let conditions: Value = serde_json::from_str(&conditions).unwrap();
    assert_eq!(conditions["trigger"]["offsetInDays"], -7);
    assert_eq!(
        conditions["trigger"]["timeBasedAttribute"],
        "employeeHireDate"
    );
}

#[test]
fn keys_that_differ_stay_different() {
    let both: Vec<Rows> = [GUID.to_owned(), GUID.to_uppercase()]
        .into_iter()
        .map(|id| {
            let object = json!({ "id": id });
            let plain = rows(Table::UserProcessingResults, Timestamps::Micros, &object);
            pseudonymise(&key(), Table::UserProcessingResults, plain)
        })
        .collect();
    assert_ne!(text(&both[0], "id"), text(&both[1], "id"));
}

#[test]
fn only_names_of_properties_are_names() {
    for name in [
        "id",
        "riskSignal",
        "a_1",
        "@odata.type",
        "subject@odata.context",
    ] {
        assert!(is_name(name), "{name}");
    }
    for other in [
        "",
        "1815",
        GUID,
        "ada@contoso.example",
        "Ada L",
        "é",
        "x@odatax",
    ] {
        assert!(!is_name(other) || other.is_empty(), "{other}");
    }
}

fn forgotten(ids: &[&str]) -> Forgotten {
    let hash = KeyedHash::new(b"dataset");
    let marks: Vec<Mark> = ids.iter().map(|id| Mark::of(&hash, id)).collect();
    Forgotten::new(hash, marks)
}

#[test]
fn a_forgotten_id_is_found_as_a_whole_in_any_case() {
    let forgotten = forgotten(&[GUID, "s/7.b"]);
    let capital = GUID.to_uppercase();
    assert!(forgotten.is_one(&capital));
    for (text, plain) in [
        (format!("w_1_r_{GUID}"), "w_1_r_(forgotten)"),
        (
            format!("user-{capital}, {GUID}!"),
            "user-(forgotten), (forgotten)!",
        ),
        (format!("é{GUID}é"), "é(forgotten)é"),
        ("the subject s/7.b.".to_owned(), "the subject (forgotten)."),
    ] {
        assert_eq!(forgotten.redact_text(&text).as_deref(), Some(plain));
    }
    for text in [
        format!("x{GUID}"),
        format!("{GUID}0"),
        "s/7.bc".to_owned(),
        String::new(),
    ] {
        assert_eq!(forgotten.redact_text(&text), None, "{text}");
    }
}

#[test]
fn a_mark_does_not_hold_the_id() {
    let forgotten = forgotten(&[GUID]);
    let shown = format!("{forgotten:?}");
    assert!(
        !shown.contains(GUID) && !shown.contains("dataset"),
        "{shown}"
    );
}

#[test]
fn an_object_of_somebody_forgotten_says_nothing_more() {
    let forgotten = forgotten(&[GUID]);
    let escaped = GUID.replacen('5', "\\u0035", 1);
    let json = format!(
        r##"{{"users":[{{"@odata.type":"#user","id":"{escaped}","displayName":"Ada","n":[1,{{"x":true}}]}},{{"id":"b","displayName":"Bob"}}],"by":"{GUID}","{GUID}":1}}"##
    );
    let redacted = forgotten.redact_json(&json).unwrap();
    let value: Value = serde_json::from_str(&redacted).unwrap();
    let gone = FORGOTTEN;
    assert_eq!(
        value,
        json!({
            "users": [
                { "@odata.type": "#user", "id": gone, "displayName": gone, "n": [gone, { "x": gone }] },
                { "id": "b", "displayName": "Bob" }
            ],
            "by": gone, "(forgotten)": 1
        })
    );
    assert_eq!(forgotten.redact_json(&redacted), None);
    assert_eq!(forgotten.redact_json(r#"{"a":[1,"b"]}"#), None);
}

#[test]
fn rows_about_somebody_forgotten_are_removed_and_others_lose_the_name() {
    let objects = [
        json!({ "id": "1", "subject": { "id": GUID.to_uppercase() } }),
        json!({ "id": format!("w_{GUID}") }),
        json!({ "id": "3", "subject": { "id": "b" }, "approvedBy": GUID }),
        json!({ "id": "4", "subject": { "id": "b" }, "approvedBy": "c" }),
    ];
    let parts = objects.map(|it| rows(Table::UserProcessingResults, Timestamps::Micros, &it));
    let all = Rows::concat(parts.into());
    let forgotten = forgotten(&[GUID]);
    let redacted = forgotten
        .redact(Table::UserProcessingResults, &all.batch)
        .unwrap();
    assert_eq!(redacted.removed, [0, 1]);
    assert_eq!(redacted.changed, 1);
    assert_eq!(redacted.batch.num_rows(), 2);
    let shown = format!("{:?}", redacted.batch);
    assert!(!shown.to_lowercase().contains(GUID), "{shown}");
    let again = forgotten.redact(Table::UserProcessingResults, &redacted.batch);
    assert!(again.is_none());
}

#[test]
fn whoever_made_a_workflow_is_forgotten_and_the_workflow_is_not() {
    let object = json!({ "id": "w", "displayName": "Offboard", "createdBy": { "id": GUID } });
    let plain = rows(Table::Workflows, Timestamps::AsSent, &object);
    let redacted = forgotten(&[GUID])
        .redact(Table::Workflows, &plain.batch)
        .unwrap();
    assert!(redacted.removed.is_empty());
    let id = redacted.batch.column_by_name("created_by_id").unwrap();
    assert_eq!(id.null_count(), 1);
}
