use lcw_model::{Run, parse_entity};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testing::cases;

fn compact(json: &str) -> String {
    let mut out = String::new();
    write_compact(&mut out, json).unwrap();
    out
}

#[test]
fn only_insignificant_whitespace_goes() {
    assert_eq!(
        compact(" {\r\n\t\"a b\" : [ 1 , -0.50e+1 , \"x \\\" y\\\\\" , null ] } "),
        r#"{"a b":[1,-0.50e+1,"x \" y\\",null]}"#
    );
    assert_eq!(compact("\"\\u00e9 é\""), "\"\\u00e9 é\"");
}

#[test]
fn objects_without_members_hold_nothing_extra() {
    let none = Extra::new();
    let nested = [None, Some(&none)].map(|extra| Nested {
        name: "subject",
        extra,
        knows: |_| true,
    });
    assert!(!has_extra(&none, &nested));
}

#[test]
fn of_equal_names_the_last_counts() {
    let run: Run<'_> = parse_entity(r#"{"id":"r","b":1,"a":[ ],"b":2,"\u0062":3}"#).unwrap();
    let mut out = String::new();
    assert!(has_extra(&run.extra, &[]));
    write_extra(&mut out, &run.extra, &[]).unwrap();
    assert_eq!(out, r#"{"a":[],"b":3}"#);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn names_are_written_as_json_strings(name in any::<String>()) {
        let mut out = String::new();
        write_string(&mut out, &name).unwrap();
        prop_assert_eq!(out, Value::from(name).to_string());
    }

    #[test]
    fn compacted_json_is_the_same_value(texts in prop::collection::vec(any::<String>(), 0..4), number in any::<f64>()) {
        let value: Value = serde_json::json!({ "texts": texts, "n": number, "o": { "e": {} } });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(compact(&pretty), value.to_string());
    }
}
