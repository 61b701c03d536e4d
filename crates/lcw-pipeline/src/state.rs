//! What one export tells the next, carried in the manifests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, Manifest};
use lcw_transform::Table;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::catalog::Scope;
use crate::coverage::{DAY, RETENTION};
use crate::proof::ShortRun;
use crate::status::StoredShortRun;
use crate::summaries::{Window, WorkflowProof};
use crate::tombstones::Tombstones;

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
    /// Recorded files that are gone, by path, with their day, which the service has forgotten: it is lost as
    /// long as they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) vanished_files: BTreeMap<String, String>,
    /// Ids of workflows whose stored row lacks what only their details say.
    pub(crate) without_details: BTreeSet<String>,
    /// By table and workflow id: the state of the workflow for which the table was read.
    pub(crate) read_for: BTreeMap<String, BTreeMap<String, String>>,
    /// When the task definitions were last read, in microseconds.
    pub(crate) definitions_read_at: Option<i64>,
    /// Workflows that the service could not count when it was asked: it is asked again.
    pub(crate) uncounted: BTreeSet<String>,
    /// Workflows that were not where the list had them when the last export asked for their runs, by id, and
    /// whether that was among the deleted ones: what stays so says nothing of a list that moves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) not_where_listed: BTreeMap<String, bool>,
    /// Workflows of which a listed run was gone when it was to be read: the listing may have moved meanwhile and
    /// left out another one, and is made again as far back as the service goes.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) moved: BTreeSet<String>,
    /// Workflows of which the service counts more than the dataset holds: it is asked again.
    pub(crate) doubted: BTreeMap<String, Vec<Doubt>>,
    /// What somebody knows to be missing.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// People whom somebody has asked to forget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tombstones: Option<Tombstones>,
}

/// A number of the service for a workflow as a whole that is larger than what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doubt {
    /// The table that lacks rows.
    pub(crate) table: String,
    pub(crate) counted: i64,
    pub(crate) held: i64,
    /// The window that was counted, in microseconds.
    #[serde(default)]
    pub(crate) from: i64,
    #[serde(default)]
    pub(crate) until: i64,
    /// When the workflow was last read again because of it, in microseconds.
    #[serde(default)]
    pub(crate) read_again_at: Option<i64>,
}

impl Doubt {
    pub(crate) fn missing(&self) -> i64 {
        self.counted.saturating_sub(self.held)
    }

    /// Whether rows are missing that reading the workflow again may bring: once a day it does. Runs
    /// that are missing are looked for in its listing.
    pub(crate) fn is_to_read(&self, now: i64) -> bool {
        self.table != Table::Runs.name()
            && self
                .read_again_at
                .is_none_or(|at| !(now - DAY..=now).contains(&at))
    }

    /// Whether a count over this window that is right leaves nothing of it.
    pub(crate) fn is_within(&self, window: Window, now: i64) -> bool {
        let oldest_counted = self.from.max(now - RETENTION + DAY);
        window.from <= oldest_counted && self.until <= window.until
    }
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
    /// The export whose manifest is gone or was changed; empty for everything else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// Paths of the recorded files that were gone with it, below the dataset's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
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
            Self {
                tombstones: Tombstones::of(manifest).ok().flatten(),
                ..Self::default()
            }
        })
    }

    /// The same, unless it lacks people who are to stay forgotten: going on without them would
    /// bring them back.
    ///
    /// # Errors
    /// When the manifest speaks of them in a way that this program does not know.
    pub(crate) fn of_whole(manifest: &Manifest) -> Result<Self, DatasetError> {
        Tombstones::of(manifest)?;
        Ok(Self::of(manifest))
    }

    /// Every day that is lost, for whatever reason.
    pub(crate) fn all_lost_days(&self) -> Vec<String> {
        let vanished = self.vanished_files.values().cloned().collect();
        self.lost_days.union(&vanished).cloned().collect()
    }

    /// Days of which files are gone that neither an export has told of nor somebody has acknowledged.
    pub(crate) fn days_of_news(&self, vanished: &BTreeMap<String, String>) -> BTreeSet<String> {
        let is_news = |path: &String| {
            !self.vanished_files.contains_key(path) && self.reason_for_gone(path).is_none()
        };
        let news = vanished.iter().filter(|(path, _)| is_news(path));
        news.map(|(_, day)| day.clone()).collect()
    }

    /// Why it is all right that a recorded file is gone, when somebody has said so.
    pub(crate) fn reason_for_gone(&self, path: &str) -> Option<&str> {
        let is_about = |known: &&Acknowledged| known.files.iter().any(|file| file == path);
        let known = self.acknowledged.iter().rev().find(is_about);
        known.map(|known| &*known.reason)
    }

    /// Takes over which files of forgotten days are gone. One that is back is news when it goes again.
    pub(crate) fn set_vanished(&mut self, vanished: BTreeMap<String, String>) {
        for known in self.acknowledged.iter_mut().filter(|it| !it.day.is_empty()) {
            known.files.retain(|file| vanished.contains_key(file));
        }
        self.vanished_files = vanished;
    }

    /// What to do about people who were to be forgotten and may be there still.
    pub(crate) fn unfinished_forget(&self) -> Option<String> {
        let tombstones = self.tombstones.as_ref();
        tombstones.filter(|them| them.is_unfinished).map(|_| {
            "lcw forget was stopped before its end, and people who were to be forgotten may still \
             be there: run it again with the same arguments"
                .to_owned()
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

    /// What of a workflow is missing and nobody has acknowledged.
    fn open_doubts(&self, workflow_id: &str) -> impl Iterator<Item = &Doubt> {
        let doubts = self.doubted.get(workflow_id).into_iter().flatten();
        doubts.filter(move |doubt| {
            let key = (&*doubt.table, workflow_id, "");
            self.reason(key, doubt.missing()).is_none()
        })
    }

    /// Whether more of the workflow is missing than somebody has acknowledged.
    pub(crate) fn is_doubted(&self, workflow_id: &str) -> bool {
        self.open_doubts(workflow_id).next().is_some()
    }

    /// Workflows that are read again because of what is missing.
    pub(crate) fn to_read(&self, now: i64) -> impl Iterator<Item = &str> {
        let ids = self.doubted.keys().map(|id| &**id);
        ids.filter(move |id| self.open_doubts(id).any(|doubt| doubt.is_to_read(now)))
    }

    /// Replaces what was known to be missing of a workflow by what its new counts say: doubts stay
    /// that those do not speak of.
    pub(crate) fn doubt(&mut self, proof: &WorkflowProof, short: &[ShortRun], now: i64) {
        let old = self.doubted.remove(&proof.workflow_id).unwrap_or_default();
        let is_answered = |doubt: &Doubt| {
            proof.measures_table(&doubt.table) && doubt.is_within(proof.window, now)
        };
        let mut doubts: Vec<Doubt> = short
            .iter()
            .map(|short| {
                let before = old.iter().find(|doubt| doubt.table == short.table);
                let read_again_at = before.and_then(|doubt| {
                    if doubt.is_to_read(now) {
                        Some(now)
                    } else {
                        doubt.read_again_at
                    }
                });
                Doubt {
                    table: short.table.to_owned(),
                    counted: short.counted,
                    held: short.counted - short.missing(),
                    from: proof.window.from,
                    until: proof.window.until,
                    read_again_at,
                }
            })
            .collect();
        for known in old.into_iter().filter(|doubt| !is_answered(doubt)) {
            match doubts.iter_mut().find(|new| new.table == known.table) {
                Some(new) if new.missing() < known.missing() => *new = known,
                Some(_) => {}
                None => doubts.push(known),
            }
        }
        if !doubts.is_empty() {
            self.doubted.insert(proof.workflow_id.clone(), doubts);
        }
    }

    /// Forgets what is missing of what the service itself has forgotten by now.
    pub(crate) fn forget_old_doubts(&mut self, now: i64) {
        for doubts in self.doubted.values_mut() {
            doubts.retain(|doubt| doubt.until >= now - RETENTION);
        }
        self.doubted.retain(|_, doubts| !doubts.is_empty());
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

    /// Which workflows are stored without their details, once those of `scopes` are written.
    pub(crate) fn details_to_read(
        &self,
        scopes: &[Scope],
        missing: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let mut to_read = self.without_details.clone();
        for scope in scopes {
            to_read.remove(&scope.workflow.id);
        }
        to_read.extend(missing.iter().cloned());
        to_read
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
