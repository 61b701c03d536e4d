//! Rows that the tables cannot hold: what is done about them, and how an error names them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use lcw_extractor::DecodeError;
use lcw_model::{Entity, PageError, parse_entity};
use lcw_transform::{FlattenError, Table};
use serde_json::json;
use serde_json::value::RawValue;

use crate::request::OnDrift;

pub(crate) fn refuse(error: PageError) -> DecodeError {
    if error.is_damaged() {
        DecodeError::damaged(error)
    } else {
        DecodeError::invalid(error)
    }
}

/// What is done about rows that the tables cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OddRows {
    pub(crate) on_drift: OnDrift,
    /// Whether what they hold may be repeated: where people have pseudonyms it may not.
    pub(crate) are_quoted: bool,
}

impl OddRows {
    /// What cannot be read, as it may be told.
    pub(super) fn unreadable(self, error: PageError) -> PageError {
        if self.are_quoted {
            error
        } else {
            error.without_value()
        }
    }

    /// What makes no row, as it may be told.
    pub(super) fn unfit(self, error: FlattenError) -> FlattenError {
        if self.are_quoted {
            error
        } else {
            error.without_quotes()
        }
    }
}

/// What is wrong with a row, with the name of its table in front.
fn with_table(table: Table, problem: &str) -> String {
    if problem.starts_with("table ") {
        problem.to_owned()
    } else {
        format!("table {}: {problem}", table.name())
    }
}

/// An error about what a row holds names the table.
pub(super) fn named(table: Table, error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Invalid(error) => DecodeError::invalid(with_table(table, &error.to_string())),
        error => error,
    }
}

/// A row that the tables cannot hold, as a line for `_quarantine`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) table: Table,
    pub(crate) workflow_id: String,
    /// What is wrong with it; names the property.
    pub(crate) problem: String,
    /// One JSON object with the row as it was sent.
    pub(crate) line: String,
}

/// What is done about rows that the tables cannot hold, and those it was done to.
#[derive(Debug)]
pub(crate) struct Sieve {
    pub(super) table: Table,
    pub(super) odd: OddRows,
    /// Where the rows belong, as far as the request says.
    workflow_id: String,
    run_id: Option<String>,
    pub(crate) set_aside: Vec<SetAside>,
    seen: Seen,
}

/// Where rows stand that were set aside, by the hash of their line: a whole run of a changed type
/// would be compared with itself otherwise.
#[derive(Debug, Default)]
struct Seen {
    hasher: RandomState,
    places: HashMap<u64, Vec<usize>>,
}

impl Seen {
    /// Whether `row` is among `rows`; if not, it is taken to be appended to them.
    fn is_new(&mut self, row: &SetAside, rows: &[SetAside]) -> bool {
        let places = self.places.entry(self.hasher.hash_one(&row.line));
        let places = places.or_default();
        let is_new = !places.iter().any(|place| rows.get(*place) == Some(row));
        if is_new {
            places.push(rows.len());
        }
        is_new
    }
}

impl Sieve {
    pub(crate) fn new(table: Table, odd: OddRows, workflow_id: &str) -> Self {
        Self {
            table,
            odd,
            workflow_id: workflow_id.to_owned(),
            run_id: None,
            set_aside: Vec::new(),
            seen: Seen::default(),
        }
    }

    pub(crate) fn of_run(mut self, run_id: &str) -> Self {
        self.run_id = Some(run_id.to_owned());
        self
    }

    /// Whether rows that the tables cannot hold may be left out, in contrast to ending the export.
    pub(super) fn sets_aside(&self) -> bool {
        self.odd.on_drift == OnDrift::Quarantine
    }

    /// Whether one object, which is all of an answer, can be kept; if not, it is set aside.
    pub(super) fn one<'a, T: Entity<'a>>(
        &mut self,
        body: &'a str,
        check: impl FnOnce(&T) -> Result<(), FlattenError>,
    ) -> Result<bool, DecodeError> {
        let checked = match parse_entity::<T>(body) {
            Ok(entity) => {
                check(&entity).map_err(|error| DecodeError::invalid(self.odd.unfit(error)))
            }
            Err(error) => Err(refuse(self.odd.unreadable(error))),
        };
        match checked {
            Ok(()) => Ok(true),
            Err(DecodeError::Invalid(error)) if self.sets_aside() => {
                self.set_aside(body, &error.to_string());
                Ok(false)
            }
            Err(error) => Err(named(self.table, error)),
        }
    }

    pub(super) fn set_aside(&mut self, row: &str, problem: &str) {
        let problem = with_table(self.table, problem);
        let row: Option<&RawValue> = serde_json::from_str(row).ok();
        let line = json!({
            "table": self.table.name(),
            "workflow_id": self.workflow_id,
            "run_id": self.run_id,
            "problem": problem,
            "row": row,
        });
        let set_aside = SetAside {
            table: self.table,
            workflow_id: self.workflow_id.clone(),
            problem,
            line: line.to_string(),
        };
        // A page that is asked for again brings it again.
        if self.seen.is_new(&set_aside, &self.set_aside) {
            self.set_aside.push(set_aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_comes_again_is_set_aside_once_however_many_there_are() {
        let results = Table::UserProcessingResults;
        let odd = OddRows {
            on_drift: OnDrift::Quarantine,
            are_quoted: true,
        };
        let mut sieve = Sieve::new(results, odd, "w").of_run("r");
        for _ in 0..2 {
            for row in 0..20_000 {
                sieve.set_aside(&format!("{{\"id\":{row}}}"), "odd");
            }
        }
        assert_eq!(sieve.set_aside.len(), 20_000);
        sieve.set_aside("{\"id\":0}", "odd in another way");
        assert_eq!(sieve.set_aside.len(), 20_001);
    }
}
