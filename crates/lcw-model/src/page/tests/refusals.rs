//! Bodies that are no page of what was asked for.

use super::*;
use crate::Summary;
use crate::testing::{body, documented};

fn refusal<'a, T: Entity<'a>>(body: &'a str) -> PageError {
    match parse_page::<T>(body) {
        Ok(page) => panic!("{} entities out of {body}", page.value.len()),
        Err(error) => error,
    }
}

fn property<'a, T: Entity<'a>>(entity: &str) -> (String, String, &'static str) {
    // Leaked, so that the body outlives the borrow of the entity that is never made.
    let body: &'static str = page_of(entity).leak();
    match refusal::<T>(body) {
        error @ PageError::Property { .. } => {
            assert!(!error.is_damaged());
            let PageError::Property {
                property,
                found,
                expected,
            } = error
            else {
                unreachable!()
            };
            (property, found, expected)
        }
        other => panic!("{other:?} for {entity}"),
    }
}

fn shown(parts: (&str, &str, &'static str)) -> (String, String, &'static str) {
    (parts.0.to_owned(), parts.1.to_owned(), parts.2)
}

#[test]
fn cut_and_malformed_bodies_are_damaged() {
    let whole = body("list-runs-v1.0-1");
    for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
        let error = refusal::<Run<'_>>(&whole[..end]);
        assert!(
            matches!(error, PageError::NotJson(_)) && error.is_damaged(),
            "{end}: {error:?}"
        );
    }
    for body in [
        "",
        "<html></html>",
        "{\"value\":[]}x",
        "{\"value\":[{\"id\":\"r\",}]}",
        "\u{feff}{}",
    ] {
        assert!(
            matches!(refusal::<Run<'_>>(body), PageError::NotJson(_)),
            "{body}"
        );
    }
}

#[test]
fn a_wrong_type_in_a_cut_body_is_damage() {
    let body = r#"{"value":[{"id":"r","totalUsersCount":"2"},{"id":"#;
    assert!(refusal::<Run<'_>>(body).is_damaged());
}

#[test]
fn json_that_is_no_collection_is_damaged() {
    for body in [
        "null",
        "3",
        "[]",
        "{}",
        r#"{"value":{}}"#,
        r#"{"value":null}"#,
        r#"{"value":"x"}"#,
        r#"{"error":{"code":"UnknownError"}}"#,
        r#"{"value":[],"error":{"code":"UnknownError"}}"#,
        r#"{"value":[],"value":[]}"#,
        r#"{"value":[],"@odata.nextLink":"a","@odata.nextLink":"b"}"#,
        r#"{"id":"r"}"#,
    ] {
        let error = refusal::<Run<'_>>(body);
        assert!(
            matches!(error, PageError::NotACollection) && error.is_damaged(),
            "{body}"
        );
    }
}

#[test]
fn json_that_is_no_entity_is_damaged() {
    for body in [
        "null",
        "[]",
        "7",
        r#"{"error":{"code":"x"}}"#,
        r#"{"error":"x","totalUsersCount":"1"}"#,
    ] {
        let error = parse_entity::<Run<'_>>(body).unwrap_err();
        assert!(
            matches!(error, PageError::NotAnEntity) && error.is_damaged(),
            "{body}: {error:?}"
        );
    }
    assert!(matches!(
        parse_entity::<Run<'_>>("{\"id\":").unwrap_err(),
        PageError::NotJson(_)
    ));
}

#[test]
fn an_entity_without_an_id_is_refused() {
    for entity in ["{}", r#"{"totalUsersCount":1}"#, r#"{"id":""}"#] {
        let body = page_of(&format!("{RUN},{entity}"));
        let error = refusal::<Run<'_>>(&body);
        assert!(
            matches!(error, PageError::MissingId) && !error.is_damaged(),
            "{entity}"
        );
        assert!(
            matches!(parse_entity::<Run<'_>>(entity), Err(PageError::MissingId)),
            "{entity}"
        );
    }
    assert_eq!(
        property::<Run<'_>>(r#"{"id":null}"#),
        shown(("id", "null", "a string"))
    );
    assert_eq!(
        property::<Run<'_>>(r#"{"id":12}"#),
        shown(("id", "12", "a string"))
    );
}

#[test]
fn wrong_types_name_the_property_and_the_value() {
    let count = "a whole number of 32 bits";
    for (text, found) in [
        ("2147483648", "2147483648"),
        ("-2147483649", "-2147483649"),
        ("1.0", "1.0"),
        ("1e2", "1e2"),
        ("1e400", "1e400"),
        ("\"2\"", "\"2\""),
        ("true", "true"),
        ("[1]", "[1]"),
    ] {
        let entity = format!(r#"{{"id":"r","totalUsersCount":{text}}}"#);
        assert_eq!(
            property::<Run<'_>>(&entity),
            shown(("totalUsersCount", found, count))
        );
    }
    for (text, found) in [
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("true", "true"),
        ("[]", "an array"),
        ("{}", "an object"),
    ] {
        let entity = format!(r#"{{"id":"r","startedDateTime":{text}}}"#);
        assert_eq!(
            property::<Run<'_>>(&entity),
            shown(("startedDateTime", found, "a string"))
        );
    }
    for (text, found) in [("1", "1"), ("\"true\"", "\"true\"")] {
        let entity = format!(r#"{{"id":"w","isEnabled":{text}}}"#);
        assert_eq!(
            property::<Workflow<'_>>(&entity),
            shown(("isEnabled", found, "true or false"))
        );
    }
    let long = format!(r#"{{"id":"r","totalUsersCount":"{}"}}"#, "x".repeat(5000));
    assert_eq!(property::<Run<'_>>(&long).1.chars().count(), 61);
    let edges =
        page_of(r#"{"id":"r","totalUsersCount":2147483647,"failedUsersCount":-2147483648}"#);
    let run: Run<'_> = only(&edges);
    assert_eq!(run.total_users_count, Field::Value(i32::MAX));
    assert_eq!(run.failed_users_count, Field::Value(i32::MIN));
}

#[test]
fn people_are_not_shown() {
    let person = "ea09ac2e-77e3-4134-85f2-25ccf3c33387";
    for (entity, name, found) in [
        (
            format!(r#"{{"id":"p","subject":"{person}"}}"#),
            "subject",
            "a string",
        ),
        (
            r#"{"id":"p","subject":[]}"#.to_owned(),
            "subject",
            "an array",
        ),
        (
            r#"{"id":"p","subject":5}"#.to_owned(),
            "subject",
            "a number",
        ),
        (
            r#"{"id":"p","subject":{"id":4711}}"#.to_owned(),
            "subject/id",
            "a number",
        ),
        (
            format!(r#"{{"id":"p","subject":{{"id":["{person}"]}}}}"#),
            "subject/id",
            "an array",
        ),
    ] {
        let (property, shown, _) = property::<UserProcessingResult<'_>>(&entity);
        assert_eq!(
            (property.as_str(), shown.as_str()),
            (name, found),
            "{entity}"
        );
    }
}

#[test]
fn elements_that_are_no_objects_are_refused() {
    for element in ["1", "null", "\"x\"", "[]", "true", "1.5"] {
        assert_eq!(property::<Run<'_>>(element).0, "value");
    }
}

#[test]
fn refusals_survive_the_original_object() {
    let body = page_of(r#"{"id":"r","totalUsersCount":"2"}"#);
    let error = refusal::<WithRaw<'_, Run<'_>>>(&body);
    assert_eq!(
        error.to_string(),
        "property totalUsersCount is \"2\", expected a whole number of 32 bits"
    );
    let body = page_of("{}");
    assert!(matches!(
        refusal::<WithRaw<'_, Run<'_>>>(&body),
        PageError::MissingId
    ));
}

#[test]
fn every_documented_page_is_read_by_its_entity() {
    for (name, body) in documented() {
        let is_page = name.starts_with("list-");
        let count = if name.contains("summary") {
            count::<Summary<'_>>(&body, is_page)
        } else if name.contains("taskprocessingresults") {
            count::<TaskProcessingResult<'_>>(&body, is_page)
        } else if name.contains("subjectprocessingresults") {
            count::<SubjectProcessingResult<'_>>(&body, is_page)
        } else if name.contains("taskreports") {
            count::<TaskReport<'_>>(&body, is_page)
        } else if name.contains("taskdefinitions") {
            count::<TaskDefinition<'_>>(&body, is_page)
        } else if name.contains("list-tasks") {
            count::<Task<'_>>(&body, is_page)
        } else if name.contains("list-versions") {
            count::<WorkflowVersion<'_>>(&body, is_page)
        } else if name.contains("userprocessingresults") {
            count::<UserProcessingResult<'_>>(&body, is_page)
        } else if name.contains("workflows") || name.starts_with("get-workflow") {
            count::<Workflow<'_>>(&body, is_page)
        } else if name.contains("userprocessingresult-v") {
            count::<UserProcessingResult<'_>>(&body, is_page)
        } else if name.contains("run") {
            count::<Run<'_>>(&body, is_page)
        } else {
            assert!(name.starts_with("error-"), "{name}");
            continue;
        };
        // The bodies are indented; elements of `value` have their properties at 6 spaces.
        let expected = if is_page {
            ["id", "versionNumber"]
                .map(|key| body.matches(&format!("\n      \"{key}\"")).count())
                .iter()
                .sum()
        } else {
            1
        };
        assert_eq!(count, expected, "{name}");
    }
}

fn count<'a, T: Entity<'a>>(body: &'a str, is_page: bool) -> usize {
    if is_page {
        let page = parse_page::<T>(body).unwrap();
        assert!(
            page.value
                .iter()
                .all(|entity| entity.unknown_properties().next().is_none())
        );
        page.value.len()
    } else {
        assert!(
            parse_entity::<T>(body)
                .unwrap()
                .unknown_properties()
                .next()
                .is_none()
        );
        1
    }
}
