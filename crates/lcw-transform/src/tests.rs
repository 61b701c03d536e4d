//! What holds in every table: objects made of the declarations of its columns.

use std::collections::BTreeSet;

use lcw_model::time::format_micros;
use serde_json::{Map, Value, json};

use crate::testing::{
    AS_SENT, MICROS, WITH_RAW, absent_columns, assert_documented, flatten, page_of, whole_row,
};
use crate::{Column, Kind, Layout, Role, Rows, Table};

/// The columns of a table that come from a property.
fn sourced(table: Table) -> impl Iterator<Item = (usize, &'static Column, &'static str)> {
    let columns = table.columns(false).iter().enumerate();
    columns.filter_map(|(at, column)| Some((at, column, column.source?)))
}

/// Puts a value where a source says.
fn put(object: &mut Map<String, Value>, source: &str, value: Value) {
    match source.split_once('/') {
        None => {
            object.entry(source).or_insert(value);
        }
        Some((outer, inner)) => {
            let outer = object.entry(outer).or_insert_with(|| json!({}));
            outer
                .as_object_mut()
                .unwrap()
                .insert(inner.to_owned(), value);
        }
    }
}

/// An object with a value for each column, no two alike but for truth values, which are a bit of
/// the column's place.
fn full(table: Table, bit: usize) -> Map<String, Value> {
    let mut object = Map::new();
    // Properties inside objects first: a JSON column may hold their object.
    let mut columns: Vec<_> = sourced(table).collect();
    columns.sort_by_key(|(_, _, source)| !source.contains('/'));
    for (at, column, source) in columns {
        let value = match column.kind {
            Kind::Id | Kind::Text => json!(format!("value {at}")),
            Kind::Enum => json!(column.values[at % column.values.len()]),
            Kind::Timestamp => {
                json!(format_micros(1_700_000_000_000_000 + micros(at)))
            }
            Kind::Int32 | Kind::Milliseconds => json!(at),
            Kind::Boolean => json!(at >> bit & 1 == 1),
            Kind::Json => json!({ "n": at, "@odata.type": "#x" }),
        };
        put(&mut object, source, value);
    }
    object
}

/// How far the instant in the column at this place is from the first.
fn micros(at: usize) -> i64 {
    1_000_003 * i64::try_from(at).unwrap()
}

fn row_of(table: Table, layout: Layout, object: &Map<String, Value>) -> Rows {
    let text = serde_json::to_string_pretty(object).unwrap();
    let rows = flatten(table, layout, &page_of(&text)).unwrap();
    assert_eq!(rows.len(), 1, "{table:?}");
    assert_eq!(rows.batch.schema(), table.schema(&layout));
    rows
}

/// The columns whose values are needed for a row to be.
fn is_required(table: Table, column: &Column) -> bool {
    column.role == Role::Key || (table == Table::Runs && !column.nullable)
}

#[test]
fn every_column_holds_its_own_property() {
    for table in Table::ALL {
        for bit in 0..6 {
            let object = full(table, bit);
            let rows = row_of(table, MICROS, &object);
            assert_documented(table, &rows, 0, &object);
            assert!(rows.drift.is_empty(), "{table:?} {:?}", rows.drift);
            let absent = absent_columns(table, &rows, 0);
            let is_from_graph = |name: &&str| sourced(table).any(|(_, it, _)| it.name == *name);
            assert!(!absent.iter().any(is_from_graph), "{table:?} {absent:?}");
        }
    }
}

#[test]
fn durations_are_those_between_the_columns_they_name() {
    for table in Table::ALL {
        let row = whole_row(&row_of(table, MICROS, &full(table, 0)), 0);
        let columns = table.columns(false);
        let place = |name| columns.iter().position(|it| it.name == name).unwrap();
        for column in columns {
            if let Role::Duration { from, to } = column.role {
                let span = micros(place(to)) - micros(place(from));
                assert_eq!(row[column.name], span / 1000, "{table:?} {}", column.name);
            }
        }
    }
}

#[test]
fn nulls_are_null_and_what_is_not_there_is_absent() {
    for table in Table::ALL {
        let mut nulls = full(table, 0);
        let mut least = Map::new();
        for (_, column, source) in sourced(table) {
            let outer = source.split('/').next().unwrap();
            if is_required(table, column) {
                least.insert(source.to_owned(), nulls[source].clone());
            } else {
                nulls.insert(outer.to_owned(), Value::Null);
            }
        }
        let (nulls, least) = (row_of(table, MICROS, &nulls), row_of(table, MICROS, &least));
        let absent = absent_columns(table, &least, 0);
        for column in table.columns(false) {
            let is_from_graph = column.source.is_some() && !is_required(table, column);
            let is_derived = matches!(column.role, Role::Duration { .. });
            if is_from_graph || is_derived {
                let name = column.name;
                assert_eq!(whole_row(&nulls, 0)[name], Value::Null, "{table:?} {name}");
                assert_eq!(whole_row(&least, 0)[name], Value::Null, "{table:?} {name}");
                assert!(!absent_columns(table, &nulls, 0).contains(&name));
                assert!(absent.contains(&name), "{table:?} {name}");
            }
        }
    }
}

#[test]
fn what_the_metadata_does_not_define_is_drift_in_every_table() {
    for table in Table::ALL {
        let mut object = full(table, 0);
        let mut expected = BTreeSet::new();
        let nested: BTreeSet<&str> = sourced(table)
            .filter_map(|(_, _, source)| Some(source.split_once('/')?.0))
            .collect();
        object.insert("riskSignal".to_owned(), json!("secret"));
        object.insert("riskSignal@odata.type".to_owned(), json!("#x"));
        expected.insert("riskSignal".to_owned());
        for outer in nested {
            let outer_object = object[outer].as_object_mut().unwrap();
            outer_object.insert("foo".to_owned(), json!("secret"));
            expected.insert(format!("{outer}/foo"));
        }
        let rows = row_of(table, MICROS, &object);
        assert_eq!(rows.drift.properties, expected, "{table:?}");
        assert!(rows.drift.values.is_empty(), "{table:?}");
        assert!(!format!("{:?}", rows.drift).contains("secret"));
    }
}

#[test]
fn new_members_of_enumerations_are_drift_in_every_table() {
    for table in Table::ALL {
        let mut object = full(table, 0);
        let mut expected = BTreeSet::new();
        for (_, column, source) in sourced(table).filter(|it| it.1.kind == Kind::Enum) {
            let mut path = source.split('/');
            let first = path.next().unwrap();
            let place = match path.next() {
                Some(inner) => &mut object[first][inner],
                None => &mut object[first],
            };
            *place = json!(format!("{},brandNew, newer", column.values[0]));
            for member in ["brandNew", "newer"] {
                expected.insert((source.to_owned(), member.to_owned()));
            }
        }
        let rows = row_of(table, MICROS, &object);
        assert_eq!(rows.drift.values, expected, "{table:?}");
        assert!(rows.drift.properties.is_empty(), "{table:?}");
        assert_documented(table, &rows, 0, &object);
    }
}

#[test]
fn properties_without_a_column_are_kept_in_every_table() {
    for table in Table::ALL {
        let mut object = full(table, 0);
        object.insert("riskSignal".to_owned(), json!({ "b": 1, "a": [2] }));
        let row = whole_row(&row_of(table, MICROS, &object), 0);
        assert_eq!(
            row["_lcw_extra"], r#"{"riskSignal":{"a":[2],"b":1}}"#,
            "{table:?}"
        );
        object.remove("riskSignal");
        let rows = row_of(table, MICROS, &object);
        assert_eq!(whole_row(&rows, 0)["_lcw_extra"], Value::Null);
        assert!(absent_columns(table, &rows, 0).contains(&"_lcw_extra"));
    }
}

#[test]
fn instants_and_original_objects_follow_the_layout_in_every_table() {
    for table in Table::ALL {
        let object = full(table, 0);
        let sent = whole_row(&row_of(table, AS_SENT, &object), 0);
        for (_, column, source) in sourced(table) {
            let sent_value = Value::Object(object.clone())
                .pointer(&format!("/{source}"))
                .cloned();
            if column.kind == Kind::Timestamp {
                assert_eq!(Some(sent[column.name].clone()), sent_value);
            }
        }
        let raw = whole_row(&row_of(table, WITH_RAW, &object), 0);
        let text = serde_json::to_string_pretty(&object).unwrap();
        assert_eq!(raw["_lcw_raw"], text, "{table:?}");
    }
}

#[test]
fn every_instant_is_checked_and_no_row_is_added_for_a_wrong_one() {
    for table in Table::ALL {
        for (_, column, source) in sourced(table) {
            if column.kind != Kind::Timestamp {
                continue;
            }
            let mut object = full(table, 0);
            match source.split_once('/') {
                Some((outer, inner)) => object[outer][inner] = json!("soon"),
                None => object[source] = json!("soon"),
            }
            let text = Value::Object(object).to_string();
            for layout in [MICROS, AS_SENT] {
                let error = flatten(table, layout, &page_of(&text)).unwrap_err();
                assert_eq!(error.table, table.name());
                assert_eq!(error.property, source);
                assert_eq!(error.value, "\"soon\"");
            }
        }
    }
}
