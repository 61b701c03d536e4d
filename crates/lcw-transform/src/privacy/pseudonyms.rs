//! Pseudonyms in the place of people.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};

use super::json::{self, Kept};
use super::{Privacy, PseudonymKey};
use crate::{Column, Drift, Kind, Role, Rows, Table};

/// Puts pseudonyms in the place of people in rows of a table, as its columns declare.
///
/// The same person has the same pseudonym in every table, column and export, so that rows still
/// join, merge and compare. Rows have to be sorted anew: ids of results are pseudonyms, too.
///
/// # Panics
/// Never: rows are of their table's schema, and no column changes its type.
#[must_use]
pub fn pseudonymise(key: &PseudonymKey, table: Table, rows: Rows) -> Rows {
    let schema = rows.batch.schema();
    let columns = schema.fields().iter().zip(rows.batch.columns());
    let columns = columns.map(|(field, array)| {
        let column = table.column(field.name());
        column.map_or_else(|| Arc::clone(array), |it| replaced(key, it, array))
    });
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect());
    Rows {
        batch: batch.expect("no column changes its type"),
        absent: rows.absent,
        drift: plain_drift(key, rows.drift),
    }
}

/// The same for an object as the service sent it, of which every text and number is replaced.
pub fn pseudonymise_object(key: &PseudonymKey, object: &str) -> String {
    json::replace(object, Kept::Types, &|text| key.pseudonym(text))
}

fn replaced(key: &PseudonymKey, column: &Column, array: &ArrayRef) -> ArrayRef {
    let texts = array.as_string_opt::<i32>();
    match (column.privacy, column.kind, texts) {
        (Privacy::Impersonal, ..) => Arc::clone(array),
        // Also where instants are stored as text: no pseudonym is one.
        (_, Kind::Id | Kind::Enum | Kind::Text, Some(texts)) if column.role == Role::Key => {
            map(texts, |text| key.pseudonym_of_key(text))
        }
        (_, Kind::Id | Kind::Enum | Kind::Text, Some(texts)) => {
            map(texts, |text| key.pseudonym(text))
        }
        (privacy, Kind::Json, Some(texts)) => {
            let is_described = privacy == Privacy::MayNamePeople
                && !matches!(column.role, Role::Extra | Role::Raw);
            let kept = if is_described {
                Kept::Described
            } else {
                Kept::Types
            };
            map(texts, |text| {
                json::replace(text, kept, &|text| key.pseudonym(text))
            })
        }
        _ => new_null_array(array.data_type(), array.len()),
    }
}

fn map(texts: &StringArray, other: impl Fn(&str) -> String) -> ArrayRef {
    let texts: StringArray = texts.iter().map(|text| text.map(&other)).collect();
    Arc::new(texts)
}

/// Names of properties that are no names may be a person's.
fn plain_drift(key: &PseudonymKey, drift: Drift) -> Drift {
    let plain = |name: String| {
        if name.split('/').all(json::is_name) {
            name
        } else {
            key.pseudonym(&name)
        }
    };
    Drift {
        properties: drift.properties.into_iter().map(plain).collect(),
        values: drift.values,
    }
}
