//! Values inside JSON text.

use serde_json::{Map, Value};

/// Names of members whose values stay in the columns that Graph's metadata describes: what a
/// trigger or task is, not whom it is about.
const DESCRIBED: [&str; 7] = [
    "timeBasedAttribute",
    "offsetInDays",
    "category",
    "executionSequence",
    "taskDefinitionId",
    "workflowExecutionType",
    "valueType",
];

/// What of a JSON text stays as it is besides its structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Types of objects.
    Types,
    /// Types, and what the metadata describes and is about nobody.
    Described,
}

impl Kept {
    fn keeps(self, name: &str) -> bool {
        name.ends_with("@odata.type") || (self == Self::Described && DESCRIBED.contains(&name))
    }
}

/// Puts something else in the place of every text and number, and of names that are no names of
/// properties. JSON that cannot be read is one text.
pub(super) fn replace(json: &str, kept: Kept, other: &impl Fn(&str) -> String) -> String {
    match serde_json::from_str(json) {
        Ok(value) => replaced(value, "", kept, other).to_string(),
        Err(_) => Value::String(other(json)).to_string(),
    }
}

fn replaced(value: Value, name: &str, kept: Kept, other: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) if !kept.keeps(name) => Value::String(other(&text)),
        Value::Number(number) if !kept.keeps(name) => Value::String(other(&number.to_string())),
        Value::Array(items) => items
            .into_iter()
            .map(|item| replaced(item, name, kept, other))
            .collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let value = replaced(value, &name, kept, other);
                let name = if is_name(&name) { name } else { other(&name) };
                (name, value)
            });
            Value::Object(members.collect())
        }
        plain => plain,
    }
}

/// Whether this can be the name of a property: a word, with an annotation behind it or not. What
/// else stands in its place may be an address or an id.
pub(super) fn is_name(text: &str) -> bool {
    let (word, annotation) = text.split_once('@').unwrap_or((text, "odata"));
    let is_word = |word: &str| {
        let starts_well = word.starts_with(|first: char| first.is_ascii_alphabetic());
        starts_well
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_annotation = annotation == "odata" || annotation.starts_with("odata.");
    is_annotation && (is_word(word) || word.is_empty())
}

/// Takes people out of JSON: `redact` says what becomes of a text, where something does. Of an
/// object whose `id` is taken out as a whole nothing is left but its type and structure. `None` when
/// nothing was to be taken out.
pub(super) fn redact(json: &str, redact: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let Ok(mut value) = serde_json::from_str(json) else {
        return redact(json).map(|text| Value::String(text).to_string());
    };
    redact_value(&mut value, redact).then(|| value.to_string())
}

fn redact_value(value: &mut Value, redact: &impl Fn(&str) -> Option<String>) -> bool {
    match value {
        Value::String(text) => match redact(text) {
            Some(other) => {
                *text = other;
                true
            }
            None => false,
        },
        Value::Array(items) => {
            let redacted = items.iter_mut().map(|item| redact_value(item, redact));
            redacted.fold(false, |any, this| any | this)
        }
        Value::Object(members) => redact_object(members, redact),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn redact_object(
    members: &mut Map<String, Value>,
    redact: &impl Fn(&str) -> Option<String>,
) -> bool {
    let id = members.get("id").and_then(Value::as_str);
    if id.and_then(redact).as_deref() == Some(super::FORGOTTEN) {
        blank(members);
        return true;
    }
    let mut any = false;
    for value in members.values_mut() {
        any |= redact_value(value, redact);
    }
    let names: Vec<String> = members.keys().cloned().collect();
    for name in names {
        if let Some(other) = redact(&name)
            && let Some(value) = members.remove(&name)
        {
            members.insert(other, value);
            any = true;
        }
    }
    any
}

/// Leaves nothing in an object that says something, but what it is.
fn blank(members: &mut Map<String, Value>) {
    for (name, value) in members.iter_mut() {
        if !name.ends_with("@odata.type") {
            blank_value(value);
        }
    }
}

fn blank_value(value: &mut Value) {
    match value {
        Value::Object(members) => blank(members),
        Value::Array(items) => items.iter_mut().for_each(blank_value),
        Value::Null => {}
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            *value = Value::String(super::FORGOTTEN.to_owned());
        }
    }
}
