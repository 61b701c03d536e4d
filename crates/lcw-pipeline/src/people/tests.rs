use serde_json::json;

use super::*;

const ADA: &str = "5ec7e7b0-1111-4222-8333-44445555beef";

fn tombstones() -> Tombstones {
    let mut tombstones = Tombstones::new();
    tombstones.add([ADA]);
    tombstones
}

fn line(table: &str, row: &Value) -> String {
    let problem = format!("table x, row {ADA}: odd");
    json!({ "table": table, "workflow_id": "w", "run_id": "r", "problem": problem, "row": row })
        .to_string()
}

#[test]
fn a_quarantined_row_about_somebody_forgotten_leaves_an_empty_line() {
    let forgotten = tombstones().forgotten();
    for row in [
        json!({ "id": "1", "subject": { "id": ADA.to_uppercase(), "displayName": "Ada" }, "n": "x" }),
        json!({ "id": format!("w_1_r_{ADA}"), "x": "Ada" }),
    ] {
        let redacted = redact_line(&forgotten, &line("user_processing_results", &row)).unwrap();
        let value: Value = serde_json::from_str(&redacted).unwrap();
        assert_eq!(value["row"], Value::Null);
        assert_eq!(
            (&value["workflow_id"], &value["run_id"]),
            (&"w".into(), &"r".into())
        );
        assert!(!redacted.to_lowercase().contains(ADA), "{redacted}");
        assert_eq!(redact_line(&forgotten, &redacted), None);
    }
}

#[test]
fn a_quarantined_row_about_something_else_only_loses_the_name() {
    let forgotten = tombstones().forgotten();
    let row = json!({ "id": "w", "displayName": "Offboard", "createdBy": { "id": ADA } });
    let redacted = redact_line(&forgotten, &line("workflows", &row)).unwrap();
    let value: Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(value["row"]["displayName"], "Offboard");
    assert!(!redacted.contains(ADA), "{redacted}");
}

/// Nobody knows what else of them is in it.
#[test]
fn of_a_damaged_line_that_names_somebody_forgotten_nothing_stays() {
    let forgotten = tombstones().forgotten();
    let row = json!({ "id": "1", "subject": { "id": ADA, "displayName": "Ada" } });
    let whole = line("user_processing_results", &row);
    for damaged in [
        whole.replacen(':', ";", 1),
        whole[..whole.len() - 1].to_owned(),
        format!("{whole}J{whole}"),
        whole.replacen('{', "\u{fffd}", 1),
        format!("[{whole}]"),
    ] {
        let redacted = redact_line(&forgotten, &damaged).unwrap();
        let value: Value = serde_json::from_str(&redacted).unwrap();
        assert_eq!(value, json!({ "problem": FORGOTTEN, "row": null }));
        assert_eq!(redact_line(&forgotten, &redacted), None);
        assert_eq!(redact_line(&forgotten, &damaged.replace(ADA, "x")), None);
    }
}

#[test]
fn a_quarantined_line_has_pseudonyms_before_anybody_is_forgotten() {
    let key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
    let mut tombstones = Tombstones::new();
    tombstones.add([&*key.pseudonym(ADA)]);
    let row =
        json!({ "id": "1", "subject": { "id": ADA, "displayName": "Ada" }, "failed": "three" });
    let plain = line("user_processing_results", &row)
        .replace(ADA, "…")
        .replace("\"…\"", &format!("\"{ADA}\""));
    let secret = People::new(Some(&key), None).line(plain.clone());
    let value: Value = serde_json::from_str(&secret).unwrap();
    assert_eq!(value["row"]["subject"]["id"], key.pseudonym(ADA));
    assert_eq!(value["row"]["failed"], key.pseudonym("three"));
    assert!(!secret.contains("Ada") && !secret.contains(ADA), "{secret}");
    let forgotten = People::new(Some(&key), Some(&tombstones)).line(plain);
    let value: Value = serde_json::from_str(&forgotten).unwrap();
    assert_eq!(value["row"], Value::Null);
}

#[test]
fn a_record_of_the_forgotten_that_cannot_be_read_is_an_error() {
    let stored = serde_json::to_value(tombstones()).unwrap();
    assert!(!stored.to_string().contains(ADA), "{stored}");
    let read: Tombstones = serde_json::from_value(stored).unwrap();
    assert!(read.forgotten().is_one(ADA));
    assert!(!format!("{read:?}").contains("key"));
}
