//! People whom somebody has asked to forget.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::take_record_batch;
use serde::{Deserialize, Serialize};

use super::{KeyedHash, Privacy, json};
use crate::{Column, Kind, Role, Table};

/// What stands in the place of somebody who was forgotten.
pub const FORGOTTEN: &str = "(forgotten)";

/// What is remembered of somebody who was forgotten: not the id, but what it can be recognised by
/// when it comes again, under a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// HMAC-SHA-256 of the id in lower case, in hex.
    pub hash: String,
    /// Bytes of the id: which parts of a text are worth comparing.
    pub length: usize,
}

/// Recognises people who were forgotten, by their marks.
#[derive(Debug, Clone)]
pub struct Forgotten {
    hash: KeyedHash,
    marks: HashSet<Mark>,
    lengths: BTreeSet<usize>,
}

/// Rows without the people who were forgotten.
#[derive(Debug, Clone)]
pub struct Redacted {
    /// The rows that are left.
    pub batch: RecordBatch,
    /// Rows of the original batch that were about one of them and are gone, ascending.
    pub removed: Vec<usize>,
    /// Rows that are left and named one of them.
    pub changed: u64,
}

impl Mark {
    /// The mark of an id under a key.
    pub fn of(hash: &KeyedHash, id: &str) -> Self {
        Self {
            hash: hash.hex(&id.to_ascii_lowercase()),
            length: id.len(),
        }
    }
}

impl Forgotten {
    /// Recognises the ids with these marks, which were made under the same key.
    pub fn new(hash: KeyedHash, marks: impl IntoIterator<Item = Mark>) -> Self {
        let marks: HashSet<Mark> = marks.into_iter().collect();
        let lengths = marks.iter().map(|mark| mark.length).collect();
        Self {
            hash,
            marks,
            lengths,
        }
    }

    /// Whether a text is the id of one of them, in whatever case.
    pub fn is_one(&self, text: &str) -> bool {
        self.lengths.contains(&text.len()) && self.marks.contains(&Mark::of(&self.hash, text))
    }

    /// Whether a text holds the id of one of them, not as part of a longer word.
    pub fn is_in(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// Where the id of one of them stands in a text, from `from` on.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let is_inside = |at: usize| {
            let byte = text.as_bytes().get(at);
            byte.is_some_and(u8::is_ascii_alphanumeric)
        };
        let starts = (from..text.len()).filter(|start| *start == 0 || !is_inside(start - 1));
        let mut candidates = starts.flat_map(|start| {
            let ends = self.lengths.iter().map(move |length| start + length);
            ends.map(move |end| (start, end))
        });
        candidates.find(|(start, end)| {
            !is_inside(*end) && text.get(*start..*end).is_some_and(|part| self.is_one(part))
        })
    }

    /// A text without them; `None` when none of them is in it.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        let mut plain = String::new();
        let mut from = 0;
        while let Some((start, end)) = self.find(text, from) {
            plain.push_str(&text[from..start]);
            plain.push_str(FORGOTTEN);
            from = end;
        }
        (from > 0).then(|| plain + &text[from..])
    }

    /// JSON without them; `None` when none of them is in it. Of an object whose `id` is one of them
    /// nothing stays but its type and structure.
    pub fn redact_json(&self, json: &str) -> Option<String> {
        json::redact(json, &|text| self.redact_text(text))
    }

    /// Takes them out of rows of a table: rows about one of them are removed, and where others name
    /// one, a person's id becomes NULL and texts lose it. `None` when none of them is in any row.
    ///
    /// `batch` may hold some of the table's columns only.
    ///
    /// # Panics
    /// Never: no column changes its type.
    pub fn redact(&self, table: Table, batch: &RecordBatch) -> Option<Redacted> {
        if self.marks.is_empty() || batch.num_rows() == 0 {
            return None;
        }
        let removed = self.about(table, batch);
        let left = match removed.as_slice() {
            [] => batch.clone(),
            removed => without(batch, removed),
        };
        let mut changed = BTreeSet::new();
        let schema = left.schema();
        let columns = schema.fields().iter().zip(left.columns());
        let columns: Vec<ArrayRef> = columns
            .map(|(field, array)| {
                let is_about = |it: &&Column| it.privacy != Privacy::Impersonal;
                match table.column(field.name()).filter(is_about) {
                    Some(column) => self.redact_column(column, array, &mut changed),
                    None => Arc::clone(array),
                }
            })
            .collect();
        if removed.is_empty() && changed.is_empty() {
            return None;
        }
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
        Some(Redacted {
            batch: batch.expect("no column changes its type"),
            removed,
            changed: changed.len() as u64,
        })
    }

    /// Rows about one of them: by their subject, or by their own id, which the service makes of
    /// the subject's and which is there also where the subject was not asked for.
    fn about(&self, table: Table, batch: &RecordBatch) -> Vec<usize> {
        if table.column("subject_id").is_none() {
            return Vec::new();
        }
        let texts = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let (subjects, ids) = (texts("subject_id"), texts("id"));
        let value = |texts: Option<&StringArray>, row: usize, is: &dyn Fn(&str) -> bool| {
            texts.is_some_and(|texts| texts.is_valid(row) && is(texts.value(row)))
        };
        (0..batch.num_rows())
            .filter(|row| {
                value(subjects, *row, &|text| self.is_one(text))
                    || value(ids, *row, &|text| self.is_in(text))
            })
            .collect()
    }

    fn redact_column(
        &self,
        column: &Column,
        array: &ArrayRef,
        changed: &mut BTreeSet<usize>,
    ) -> ArrayRef {
        let Some(texts) = array.as_string_opt::<i32>() else {
            return Arc::clone(array);
        };
        let mut redacted: Vec<Option<Option<String>>> = Vec::with_capacity(texts.len());
        let mut is_changed = false;
        for (row, text) in texts.iter().enumerate() {
            let other = match (text, column.kind) {
                (None, _) => None,
                (Some(text), Kind::Json) => self.redact_json(text).map(Some),
                // A key stays what it is: rows about them are gone by now.
                (Some(_), _) if column.role == Role::Key => None,
                (Some(text), Kind::Id) => self.is_one(text).then_some(None),
                (Some(text), _) => self.redact_text(text).map(Some),
            };
            if other.is_some() {
                changed.insert(row);
                is_changed = true;
            }
            redacted.push(other);
        }
        if !is_changed {
            return Arc::clone(array);
        }
        let values = texts
            .iter()
            .zip(&redacted)
            .map(|(text, other)| match other {
                Some(other) => other.as_deref(),
                None => text,
            });
        Arc::new(values.collect::<StringArray>())
    }
}

/// A batch without some of its rows.
fn without(batch: &RecordBatch, removed: &[usize]) -> RecordBatch {
    let left = (0..batch.num_rows()).filter(|row| removed.binary_search(row).is_err());
    let left = UInt64Array::from_iter_values(left.map(|row| row as u64));
    take_record_batch(batch, &left).expect("every index is a row")
}
