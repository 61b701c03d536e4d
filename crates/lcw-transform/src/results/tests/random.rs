//! Random results: values in are columns out.

use std::collections::BTreeMap;
use std::fmt::Write;

use lcw_model::{Entity, time::format_micros};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::testing::cases;
use crate::{Column, Kind};

/// The columns that come from a property of the result itself.
fn plain_columns() -> Vec<Column> {
    let columns = TABLE.columns(false).iter();
    columns
        .filter(|it| it.source.is_some_and(|it| !it.contains('/') && it != "id"))
        .copied()
        .collect()
}

/// A member of a result object: a property with a value of its type or null, or one without a
/// column.
fn member() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        4 => select(plain_columns()).prop_flat_map(|column| {
            let name = column.source.unwrap().to_owned();
            let value = match column.kind {
                Kind::Timestamp => instant().boxed(),
                Kind::Int32 => any::<i32>().prop_map(Value::from).boxed(),
                _ => any::<String>().prop_map(Value::from).boxed(),
            };
            (Just(name), prop_oneof![4 => value, 1 => Just(Value::Null)])
        }),
        1 => subject().prop_map(|subject| ("subject".to_owned(), subject)),
        1 => ("[a-z\"\\\\é ]{0,5}(@odata\\.count)?", tree()).prop_map(|(name, tree)| (format!("x{name}"), tree)),
    ]
}

/// An instant, at microseconds as it will be stored.
fn instant() -> impl Strategy<Value = Value> {
    use lcw_model::time::{MAX_MICROS, MIN_MICROS};
    (MIN_MICROS..=MAX_MICROS).prop_map(|micros| format_micros(micros).into())
}

fn subject() -> impl Strategy<Value = Value> {
    let id = prop_oneof![Just(Value::Null), any::<String>().prop_map(Value::from)];
    let objects = prop::collection::btree_map("y[a-z]{0,2}(@odata\\.type)?", tree(), 0..3);
    let object = (prop::option::of(id), objects).prop_map(|(id, mut object)| {
        object.extend(id.map(|id| ("id".to_owned(), id)));
        json!(object)
    });
    prop_oneof![4 => object, 1 => Just(Value::Null)]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z\" ]{0,3}", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Writes a JSON string with every character escaped that a hash picks.
fn escaped(text: &str, salt: usize) -> String {
    let mut out = String::from("\"");
    for (at, char) in text.chars().enumerate() {
        if (at * 7 + salt).is_multiple_of(3) || char < ' ' || char == '"' || char == '\\' {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").unwrap();
            }
        } else {
            out.push(char);
        }
    }
    out + "\""
}

/// Writes the object with escapes and whitespace of all kinds.
fn written(members: &[(String, Value)], salt: usize) -> String {
    let blank = [" ", "", "\n\t", "\r\n"][salt % 4];
    let members = members.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => escaped(text, salt),
            other if salt.is_multiple_of(2) => serde_json::to_string_pretty(other).unwrap(),
            other => other.to_string(),
        };
        format!(
            "{blank}{}{blank}:{blank}{value}{blank}",
            escaped(name, salt + 1)
        )
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn without_control_information(
    object: impl IntoIterator<Item = (String, Value)>,
) -> BTreeMap<String, Value> {
    object
        .into_iter()
        .filter(|(name, _)| !name.contains("@odata."))
        .collect()
}

/// What `_lcw_extra` must say.
fn extra_of(sent: &BTreeMap<String, Value>) -> Value {
    let of_columns = |name: &str| UserProcessingResult::PROPERTIES.contains(&name);
    let sent_extra = sent.iter().filter(|(name, _)| !of_columns(name));
    let mut extra =
        without_control_information(sent_extra.map(|(name, value)| (name.clone(), value.clone())));
    if let Some(subject) = sent.get("subject").and_then(Value::as_object) {
        let rest = subject.iter().filter(|(name, _)| *name != "id");
        let rest =
            without_control_information(rest.map(|(name, value)| (name.clone(), value.clone())));
        if !rest.is_empty() {
            extra.insert("subject".to_owned(), json!(rest));
        }
    }
    if extra.is_empty() {
        Value::Null
    } else {
        json!(extra)
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn values_in_are_columns_out(
        results in prop::collection::vec((any::<String>(), prop::collection::vec(member(), 0..16)), 1..4),
        salt in 0..12_usize,
    ) {
        let mut all = Vec::new();
        for (at, (id, mut members)) in results.into_iter().enumerate() {
            members.insert(members.len() * salt / 12, ("id".to_owned(), format!("{at}{id}").into()));
            all.push(members);
        }
        let objects: Vec<String> = all.iter().map(|members| written(members, salt)).collect();
        let body = format!("{{\"value\":[{}]}}", objects.join(","));
        let (rows, with_raw) = (rows_of(MICROS, &body), rows_of(WITH_RAW, &body));

        prop_assert_eq!(rows.len(), all.len());
        for (at, members) in all.into_iter().enumerate() {
            // As a map, in which the last of equal names stays.
            let sent: BTreeMap<String, Value> = members.into_iter().collect();
            let out = row(&rows, at);
            let absent = absent_columns(TABLE, &rows, at);
            prop_assert_eq!(&out["id"], &sent["id"]);
            for column in plain_columns() {
                let value = sent.get(column.source.unwrap());
                prop_assert_eq!(&out[column.name], value.unwrap_or(&Value::Null), "{}", column.name);
                prop_assert_eq!(absent.contains(&column.name), value.is_none(), "{}", column.name);
            }
            let subject_id = sent.get("subject").and_then(|subject| subject.get("id"));
            prop_assert_eq!(&out["subject_id"], subject_id.unwrap_or(&Value::Null));
            let extra = out["_lcw_extra"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
            prop_assert_eq!(extra, extra_of(&sent));
            prop_assert_eq!(&whole_row(&with_raw, at)["_lcw_raw"], &Value::from(objects[at].as_str()));
        }
    }
}
