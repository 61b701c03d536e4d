//! Why an entity makes no row.

use lcw_model::time::parse_micros;
use lcw_model::{shortened, shortened_to};

use crate::Table;

/// Characters of a row id that an error shows; the service's longest are about 140.
const SHOWN_ID: usize = 200;
/// Tables whose ids can hold a user's, with how many parts of an id are left out from its end to
/// leave that out: behind the user, those of task results can name the task.
const RESULTS: [(Table, usize); 3] = [
    (Table::UserProcessingResults, 1),
    (Table::TaskProcessingResults, 2),
    (Table::SubjectProcessingResults, 1),
];

/// An entity that makes no row: the table, row and property, and what is wrong with its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}, row {row_id}: property {property} is {value}: {problem}")]
#[non_exhaustive]
pub struct FlattenError {
    /// Name of the table.
    pub table: &'static str,
    /// Id of the row. The service builds ids of results with the user's id in them; what is there
    /// and behind it is left out, so that the error can be logged.
    pub row_id: String,
    /// Graph's name of the property.
    pub property: &'static str,
    /// The value, shortened: quoted text, `null` or `missing`.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FlattenError {
    /// A property without which there is no row is not in the answer.
    pub fn missing(table: &'static str, row_id: &str, property: &'static str) -> Self {
        Self::without_value(table, row_id, property, "missing")
    }

    /// A property without which there is no row is null.
    pub fn null(table: &'static str, row_id: &str, property: &'static str) -> Self {
        Self::without_value(table, row_id, property, "null")
    }

    /// A property that should hold a date-time holds something else.
    pub fn date_time(
        table: &'static str,
        row_id: &str,
        property: &'static str,
        value: &str,
    ) -> Self {
        let problem = match parse_micros(value) {
            Ok(_) => "not the date-time it should be".to_owned(),
            Err(error) => error.to_string(),
        };
        let value = format!("\"{}\"", shortened(value));
        Self {
            table,
            row_id: shown_id(table, row_id),
            property,
            value,
            problem,
        }
    }

    /// A property holds an object, or objects, of which one cannot be read.
    pub(crate) fn nested(
        table: &'static str,
        row_id: &str,
        (property, problem): (&'static str, String),
    ) -> Self {
        Self {
            table,
            row_id: shown_id(table, row_id),
            property,
            value: "not readable".to_owned(),
            problem,
        }
    }

    /// The same without what it quotes of the answer: in a dataset with pseudonyms the values and
    /// ids of rows are a person's.
    #[must_use]
    pub fn without_quotes(self) -> Self {
        let is_quoted = self.value.starts_with('"');
        Self {
            row_id: "…".to_owned(),
            value: if is_quoted {
                "a text".to_owned()
            } else {
                self.value
            },
            problem: if is_quoted {
                "not the date-time it should be".to_owned()
            } else {
                self.problem
            },
            ..self
        }
    }

    fn without_value(
        table: &'static str,
        row_id: &str,
        property: &'static str,
        value: &str,
    ) -> Self {
        let problem = "the row cannot do without it".to_owned();
        Self {
            table,
            row_id: shown_id(table, row_id),
            property,
            value: value.to_owned(),
            problem,
        }
    }
}

/// A row's id as an error may show it. Results' ids are `…_{run id}_{user id}`, with `_{task id}`
/// behind that or not, or plain GUIDs.
fn shown_id(table: &str, row_id: &str) -> String {
    let hidden = RESULTS.iter().find(|(results, _)| results.name() == table);
    let Some((_, parts)) = hidden.filter(|_| row_id.contains('_')) else {
        return shortened_to(row_id, SHOWN_ID);
    };
    match row_id.rmatch_indices('_').nth(parts - 1) {
        Some((end, _)) => format!("{}_…", shortened_to(&row_id[..end], SHOWN_ID)),
        None => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests;
