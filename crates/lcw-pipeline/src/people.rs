//! What becomes of people on their way into the dataset.

use std::sync::Arc;

use lcw_transform::{
    FORGOTTEN, Forgotten, PseudonymKey, Rows, Table, pseudonymise, pseudonymise_object,
};
use serde_json::{Value, json};

use crate::tombstones::Tombstones;

/// Puts pseudonyms in the place of people, and leaves out those who are forgotten. Every row and
/// every quarantined line passes here.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    key: Option<PseudonymKey>,
    forgotten: Option<Arc<Forgotten>>,
}

impl People {
    pub(crate) fn new(key: Option<&PseudonymKey>, tombstones: Option<&Tombstones>) -> Self {
        Self {
            key: key.cloned(),
            forgotten: tombstones.map(|them| Arc::new(them.forgotten())),
        }
    }

    /// Rows with pseudonyms, where there are to be any. The keys of results are others then: they
    /// have to be sorted anew.
    pub(crate) fn pseudonymise(&self, table: Table, rows: Rows) -> Rows {
        match &self.key {
            Some(key) => pseudonymise(key, table, rows),
            None => rows,
        }
    }

    /// Rows without those who are forgotten, and how many rows were about them.
    pub(crate) fn leave_out(&self, table: Table, rows: Rows) -> (Rows, usize) {
        let redacted = self.forgotten.as_ref();
        let Some(redacted) = redacted.and_then(|them| them.redact(table, &rows.batch)) else {
            return (rows, 0);
        };
        let is_left = |row: &usize| redacted.removed.binary_search(row).is_err();
        let absent = rows.absent.map(|bits| {
            let left = (0..bits.len()).filter(is_left);
            left.map(|row| bits[row]).collect()
        });
        let rows = Rows {
            batch: redacted.batch,
            absent,
            drift: rows.drift,
        };
        (rows, redacted.removed.len())
    }

    /// A line for the quarantine, as it may be stored.
    pub(crate) fn line(&self, line: String) -> String {
        let line = match &self.key {
            Some(key) => with_pseudonyms(key, &line),
            None => line,
        };
        let redacted = self.forgotten.as_ref();
        let redacted = redacted.and_then(|them| redact_line(them, &line));
        redacted.unwrap_or(line)
    }
}

fn with_pseudonyms(key: &PseudonymKey, line: &str) -> String {
    let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
        return pseudonymise_object(key, line);
    };
    if let Some(row) = members.get_mut("row") {
        let secret = pseudonymise_object(key, &row.to_string());
        *row = serde_json::from_str(&secret).unwrap_or_default();
    }
    Value::Object(members).to_string()
}

/// A quarantined line without those who are forgotten; `None` when none of them is in it. Of a row
/// about one of them nothing stays but where it was: the lines are counted. Of a line that is damaged, so
/// that nobody knows whom it is about, nothing stays.
pub(crate) fn redact_line(forgotten: &Forgotten, line: &str) -> Option<String> {
    let is_about = |members: &serde_json::Map<String, Value>| {
        let name = members.get("table").and_then(Value::as_str);
        let table = name.and_then(Table::from_name);
        let has_subject = table.is_some_and(|table| table.column("subject_id").is_some());
        let text = |pointer: &str| members.get("row")?.pointer(pointer)?.as_str();
        let is_one = |text: &str| forgotten.is_one(text);
        has_subject
            && (text("/subject/id").is_some_and(is_one)
                || text("/id").is_some_and(|id| forgotten.is_in(id)))
    };
    match serde_json::from_str(line) {
        Ok(Value::Object(mut members)) if is_about(&members) => {
            members.insert("problem".to_owned(), FORGOTTEN.into());
            members.insert("row".to_owned(), Value::Null);
            let line = Value::Object(members).to_string();
            Some(forgotten.redact_json(&line).unwrap_or(line))
        }
        Ok(Value::Object(_)) => forgotten.redact_json(line),
        _ => forgotten
            .is_in(line)
            .then(|| json!({"problem": FORGOTTEN, "row": null}).to_string()),
    }
}

#[cfg(test)]
mod tests;
