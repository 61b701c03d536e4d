use super::*;
use crate::{Column, Table};

fn column(table: Table, name: &str) -> Column {
    let mut columns = table.columns(false).iter();
    *columns.find(|column| column.name == name).unwrap()
}

fn values(drift: &Drift) -> Vec<(&str, &str)> {
    let values = drift.values.iter();
    values
        .map(|(property, value)| (property.as_str(), value.as_str()))
        .collect()
}

#[test]
fn known_members_alone_or_several_at_once_are_no_drift() {
    let mut drift = Drift::default();
    let category = column(Table::Tasks, "category");
    for value in [
        "joiner",
        "joiner,leaver",
        "joiner, mover",
        "unknownFutureValue",
    ] {
        drift.note_members(&category, value);
    }
    for status in ["queued", "canceling", "quarantined", "unknownFutureValue"] {
        drift.note_members(&column(Table::Runs, "processing_status"), status);
    }
    assert!(drift.is_empty());
}

#[test]
fn each_new_member_is_noted_once_with_its_property() {
    let mut drift = Drift::default();
    let category = column(Table::TaskProcessingResults, "task_category");
    for value in ["joiner,guest", "guest", "Joiner", ""] {
        drift.note_members(&category, value);
    }
    assert_eq!(
        values(&drift),
        [
            ("task/category", ""),
            ("task/category", "Joiner"),
            ("task/category", "guest")
        ]
    );
    assert!(!drift.is_empty());
    drift.note_members(&column(Table::Runs, "_lcw_proof"), "unheard of");
    assert_eq!(drift.values.len(), 3, "the exporter's own words are none");
}

#[test]
fn properties_are_noted_once_with_the_object_they_are_in() {
    let mut drift = Drift::default();
    for _ in 0..2 {
        drift.note_property(None, "foo");
        drift.note_property(Some("subject"), "foo");
        drift.note_property(Some("sub"), "ject/foo");
    }
    let noted: Vec<_> = drift.properties.iter().map(String::as_str).collect();
    assert_eq!(noted, ["foo", "sub/ject/foo", "subject/foo"]);
}

#[test]
fn a_service_that_invents_names_without_end_is_not_followed() {
    let mut drift = Drift::default();
    let status = column(Table::Runs, "processing_status");
    for at in 0..1000 {
        drift.note_property(None, &format!("property{at}"));
        drift.note_members(&status, &format!("status{at}"));
    }
    assert_eq!((drift.properties.len(), drift.values.len()), (LIMIT, LIMIT));
    let mut all = Drift::default();
    all.note_property(Some("subject"), "x");
    all.merge(drift);
    assert_eq!((all.properties.len(), all.values.len()), (LIMIT, LIMIT));
    assert!(all.properties.contains("subject/x"));

    let mut long = Drift::default();
    for _ in 0..2 {
        long.note_property(None, &"n".repeat(5000));
        long.note_members(&status, &"a\nb".repeat(5000));
    }
    assert_eq!((long.properties.len(), long.values.len()), (1, 1));
    let (_, value) = long.values.first().unwrap();
    assert!(
        value.chars().count() < 130 && !value.contains('\n'),
        "{value}"
    );
}

#[test]
fn merging_adds_and_does_not_repeat() {
    let mut one = Drift::default();
    one.note_property(None, "a");
    let mut other = Drift::default();
    other.note_property(None, "a");
    other.note_property(None, "b");
    other.note_members(&column(Table::Runs, "processing_status"), "new");
    one.merge(other.clone());
    assert_eq!(one, other);
    one.merge(Drift::default());
    assert_eq!(one, other);
}
