//! The user of a result, expanded or not.

use super::*;

#[test]
fn an_expanded_subject_fills_its_columns_and_the_rest_is_kept() {
    let rows = row_of(
        MICROS,
        r#"{"id":"p","subject":{"id":"u","displayName":"Ann","userPrincipalName":"a@x","mail":"m@x",
            "department":"D","jobTitle":"J","employeeId":"7","employeeHireDate":"2026-01-01T00:00:00Z",
            "employeeLeaveDateTime":null,"accountEnabled":false,"surname":"N","shoeSize":43}}"#,
    );
    let found = row(&rows, 0);
    let values = PERSON.map(|name| found[name].clone());
    let hired = json!("2026-01-01T00:00:00Z");
    let (null, disabled) = (Value::Null, json!(false));
    assert_eq!(values[..6], ["Ann", "a@x", "m@x", "D", "J", "7"]);
    assert_eq!(values[6..], [hired, null, disabled]);
    assert_eq!(
        found["_lcw_extra"],
        r#"{"subject":{"shoeSize":43,"surname":"N"}}"#
    );
    let absent = absent_columns(TABLE, &rows, 0);
    assert!(!absent.iter().any(|name| name.starts_with("subject_")));
    let drift: Vec<_> = rows.drift.properties.iter().collect();
    assert_eq!(drift, ["subject/shoeSize"]);
}

#[test]
fn subjects_are_null_absent_or_without_an_id() {
    for (subject, is_absent) in [
        ("", true),
        (r#","subject":null"#, false),
        (r#","subject":{}"#, true),
        (r#","subject":{"id":null}"#, false),
    ] {
        let rows = row_of(MICROS, &format!(r#"{{"id":"p"{subject}}}"#));
        assert_eq!(row(&rows, 0)["subject_id"], Value::Null);
        assert_eq!(
            absent_columns(TABLE, &rows, 0).contains(&"subject_id"),
            is_absent,
            "{subject}"
        );
    }
}
