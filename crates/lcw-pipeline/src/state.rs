//! What one export tells the next, carried in the manifests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, Manifest};
use lcw_transform::Table;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::catalog::Scope;
use crate::proof::ShortRun;
use crate::status::StoredShortRun;

/// Cumulative facts of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// By table and workflow id: when its last complete listing began, in microseconds.
    pub(crate) complete: BTreeMap<String, BTreeMap<String, i64>>,
    /// By table: how much it holds.
    pub(crate) totals: BTreeMap<String, Totals>,
    /// Days that the service forgot before they were exported.
    pub(crate) lost_days: BTreeSet<String>,
    /// Ids of workflows whose stored row lacks what only their details say.
    pub(crate) without_details: BTreeSet<String>,
    /// By table and workflow id: the state of the workflow for which the table was read.
    pub(crate) read_for: BTreeMap<String, BTreeMap<String, String>>,
    /// When the task definitions were last read, in microseconds.
    pub(crate) definitions_read_at: Option<i64>,
    /// Workflows of which the service counts more than the dataset holds: it is asked again.
    pub(crate) doubted: BTreeMap<String, Vec<Doubt>>,
    /// What somebody knows to be missing.
    pub(crate) acknowledged: Vec<Acknowledged>,
}

/// A number of the service for a workflow as a whole that is larger than what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doubt {
    /// The table that lacks rows.
    pub(crate) table: String,
    pub(crate) counted: i64,
    pub(crate) held: i64,
}

/// Something that is missing and that somebody has looked into: it stays on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The table that lacks rows; empty for a lost day.
    #[serde(default)]
    pub table: String,
    /// The workflow; empty for a lost day.
    #[serde(default)]
    pub workflow_id: String,
    /// The run; empty for a lost day, or when runs themselves are missing.
    #[serde(default)]
    pub run_id: String,
    /// The lost day; empty for a shortfall.
    #[serde(default)]
    pub day: String,
    /// How many rows were missing; more than these are not acknowledged.
    #[serde(default)]
    pub missing: i64,
    /// Why that is all right, in somebody's words.
    pub reason: String,
    /// When it was acknowledged; RFC 3339.
    pub at: String,
}

/// How much a table holds of a tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

impl State {
    /// What a manifest carries.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        serde_json::from_value(manifest.state.clone()).unwrap_or_else(|error| {
            warn!(
                export.id = manifest.export_id,
                %error,
                "the last manifest's state cannot be read: everything that the service still has \
                 is listed again"
            );
            Self::default()
        })
    }

    /// When the workflow was last listed completely for every one of `tables`.
    pub(crate) fn last_complete(&self, workflow_id: &str, tables: &[Table]) -> Option<i64> {
        let of = |table: &Table| self.complete.get(table.name())?.get(workflow_id).copied();
        tables
            .iter()
            .map(of)
            .try_fold(i64::MAX, |oldest, at| Some(oldest.min(at?)))
    }

    /// Why this shortfall is all right, when somebody has said so of one that was as large.
    pub(crate) fn reason_for(&self, short: &ShortRun) -> Option<&str> {
        let key = (short.table, &*short.workflow_id, &*short.run_id);
        self.reason(key, short.missing())
    }

    fn reason(&self, key: (&str, &str, &str), missing: i64) -> Option<&str> {
        let known = self.acknowledged.iter().rev().find(|known| {
            (&*known.table, &*known.workflow_id, &*known.run_id) == key && missing <= known.missing
        });
        known.map(|known| &*known.reason)
    }

    /// The same for a shortfall as it is stored.
    pub(crate) fn reason_for_stored(&self, short: &StoredShortRun) -> Option<&str> {
        let key = (&*short.table, &*short.workflow_id, &*short.run_id);
        self.reason(key, short.missing())
    }

    /// Whether somebody has said that this lost day is all right.
    pub(crate) fn is_day_acknowledged(&self, day: &str) -> bool {
        self.acknowledged.iter().any(|known| known.day == day)
    }

    /// Remembers which of the workflows in `scopes` are stored without their details.
    pub(crate) fn note_details(&mut self, scopes: &[Scope], missing: &BTreeSet<String>) {
        for scope in scopes {
            self.without_details.remove(&scope.workflow.id);
        }
        self.without_details.extend(missing.iter().cloned());
    }

    pub(crate) fn set_complete(&mut self, workflow_id: &str, tables: &[Table], at: i64) {
        for table in tables {
            let by_workflow = self.complete.entry(table.name().to_owned()).or_default();
            by_workflow.insert(workflow_id.to_owned(), at);
        }
    }
}

impl Totals {
    /// Counts what `table` holds now. `before` is believed as long as the files still are what
    /// it counted; `rows_new` is what was added since.
    pub(crate) fn measure(
        dataset: &Dataset,
        tenant: &str,
        table: Table,
        known: Option<u64>,
    ) -> Result<Self, DatasetError> {
        let mut totals = Self::default();
        let mut days = Vec::new();
        for file in dataset.files(table.name(), tenant)? {
            totals.files += 1;
            totals.bytes += file.bytes;
            days.push(file.day);
        }
        totals.rows = match known {
            Some(rows) => rows,
            None => count(dataset, tenant, table, days)?,
        };
        Ok(totals)
    }

    /// Whether the files are as many and as large as when `self` was counted.
    pub(crate) fn still_holds(&self, now: &Self) -> bool {
        (self.files, self.bytes) == (now.files, now.bytes)
    }
}

fn count(
    dataset: &Dataset,
    tenant: &str,
    table: Table,
    days: Vec<Option<Date>>,
) -> Result<u64, DatasetError> {
    let counts = days
        .into_iter()
        .map(|day| dataset.count(table.name(), tenant, day));
    counts.map(|count| Ok(count?.unwrap_or(0))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_covers_a_workflow_only_for_the_tables_it_was_made_for() {
        let mut state = State::default();
        state.set_complete("w", &[Table::Runs], 9);
        state.set_complete("w", &[Table::UserProcessingResults], 5);
        assert_eq!(state.last_complete("w", &[Table::Runs]), Some(9));
        assert_eq!(
            state.last_complete("w", &[Table::Runs, Table::UserProcessingResults]),
            Some(5)
        );
        assert_eq!(state.last_complete("v", &[Table::Runs]), None);
    }
}
