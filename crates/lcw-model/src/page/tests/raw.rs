//! Pages whose elements are looked at one by one.

use super::*;
use crate::testing::documented;

#[test]
fn elements_are_handed_out_as_they_were_sent_whatever_they_are() {
    let body = r#"{ "value" : [ { "id" : "a" } , 7, null, "x\u00e9", [ 1 , 2 ], {} ],
        "@odata.nextLink": "https://graph.example/n" }"#;
    let page = parse_raw_page(body).unwrap();
    assert_eq!(
        page.value,
        [
            r#"{ "id" : "a" }"#,
            "7",
            "null",
            r#""x\u00e9""#,
            "[ 1 , 2 ]",
            "{}"
        ]
    );
    assert_eq!(page.next_link.unwrap(), "https://graph.example/n");
}

#[test]
fn one_refused_element_leaves_the_others_readable() {
    let body = page_of(r#"{"id":"a"},{"id":"b","totalUsersCount":"many"},{},{"id":"c"}"#);
    assert!(parse_page::<Run<'_>>(&body).is_err());
    let page = parse_raw_page(&body).unwrap();
    let read: Vec<Result<String, String>> = page
        .value
        .into_iter()
        .map(|element| match parse_entity::<Run<'_>>(element) {
            Ok(run) => Ok(run.id.into_string()),
            Err(error) => {
                assert!(!error.is_damaged(), "asking again does not help");
                Err(error.to_string())
            }
        })
        .collect();
    assert_eq!(
        read,
        [
            Ok("a".to_owned()),
            Err(
                "property totalUsersCount is \"many\", expected a whole number of 32 bits"
                    .to_owned()
            ),
            Err("an entity has no id".to_owned()),
            Ok("c".to_owned()),
        ]
    );
}

#[test]
fn the_envelope_has_the_same_rules() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"value":{}}"#,
        r#"{"value":[],"value":[]}"#,
        r#"{"value":[],"error":{"code":"x"}}"#,
        r#"{"value":[],"@odata.nextLink":"a","@nextLink":"b"}"#,
        r#"{"value":[{"id":"a"}"#,
        r#"{"value":[]} x"#,
        r#"{"value":[],"@odata.nextLink":1}"#,
    ] {
        let raw = parse_raw_page(body).unwrap_err();
        let read = parse_page::<Run<'_>>(body).unwrap_err();
        assert_eq!(raw.to_string(), read.to_string(), "{body}");
        assert_eq!(raw.is_damaged(), read.is_damaged(), "{body}");
    }
}

#[test]
fn documented_pages_have_the_elements_that_their_entities_make() {
    for (name, body) in documented() {
        if name.starts_with("list-run-user") {
            let elements = parse_raw_page(&body).unwrap().value;
            let read = parse_page::<WithRaw<'_, UserProcessingResult<'_>>>(&body).unwrap();
            let raw: Vec<_> = read.value.iter().map(|row| row.raw).collect();
            assert_eq!(elements, raw);
        }
    }
}
