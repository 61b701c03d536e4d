//! JSON text for JSON columns.

use std::fmt::{self, Write};

use lcw_model::Extra;
use smallvec::SmallVec;

use crate::batch::Nested;

/// Writes valid JSON text without its insignificant whitespace; strings and numbers stay as they
/// were sent.
pub(crate) fn write_compact(out: &mut impl Write, json: &str) -> fmt::Result {
    let mut start = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            out.write_str(&json[start..at])?;
            start = at + 1;
        }
    }
    out.write_str(&json[start..])
}

/// Whether an entity, or one of the `nested` objects in it, has properties without a column.
pub(crate) fn has_extra(extra: &Extra<'_>, nested: &[Nested<'_>]) -> bool {
    let has_any = |nested: &Nested<'_>| nested.extra.is_some_and(|extra| !extra.is_empty());
    !extra.is_empty() || nested.iter().any(has_any)
}

/// Writes an entity's properties without a column as one JSON object.
///
/// `nested` are the objects whose properties have columns in part. Keys come in alphabetical order,
/// so that an answer in another order is the same row; of a key sent twice the last value counts.
pub(crate) fn write_extra(
    out: &mut impl Write,
    extra: &Extra<'_>,
    nested: &[Nested<'_>],
) -> fmt::Result {
    let mut members = Members::new();
    members.extend(
        extra
            .iter()
            .map(|(name, json)| (name.as_str(), Value::Json(json.get()))),
    );
    let nested = nested
        .iter()
        .filter_map(|nested| Some((nested.name, nested.extra?)));
    let nested = nested.filter(|(_, extra)| !extra.is_empty());
    members.extend(nested.map(|(name, extra)| (name, Value::Object(extra))));
    write_object(out, members)
}

/// Members of an object. What Graph sends beside the columns fits in without a request for memory.
type Members<'a> = SmallVec<[(&'a str, Value<'a>); 8]>;

#[derive(Clone, Copy)]
enum Value<'a> {
    Json(&'a str),
    Object(&'a Extra<'a>),
}

fn write_object(out: &mut impl Write, mut members: Members<'_>) -> fmt::Result {
    // Stable, and the last of equal names is kept: it is the first one seen from behind.
    members.reverse();
    members.sort_by_key(|(name, _)| *name);
    members.dedup_by_key(|(name, _)| *name);
    for (index, (name, value)) in members.into_iter().enumerate() {
        out.write_char(if index == 0 { '{' } else { ',' })?;
        write_string(out, name)?;
        out.write_char(':')?;
        match value {
            Value::Json(json) => write_compact(out, json)?,
            Value::Object(extra) => {
                let inner = extra
                    .iter()
                    .map(|(name, json)| (name.as_str(), Value::Json(json.get())));
                write_object(out, inner.collect())?;
            }
        }
    }
    out.write_char('}')
}

/// Writes a JSON string.
fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(is_plain) {
        // Names mostly are: nothing is allocated for them.
        out.write_char('"')?;
        out.write_str(text)?;
        return out.write_char('"');
    }
    let json = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    out.write_str(&json)
}

#[cfg(test)]
mod tests;
