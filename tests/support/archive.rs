//! What a dataset holds that was kept up to date: rows never leave it.

use std::collections::BTreeMap;

use lcw_simulator::{Simulator, Truth};
use lcw_transform::Table;
use serde_json::Value;

use crate::dataset::Facts;
use crate::expected::{assert_same, expected};
use crate::office::Office;

/// Every row that was ever true when somebody looked, each as it was last seen.
#[derive(Debug, Default)]
pub struct Archive {
    tables: BTreeMap<Table, Facts>,
}

impl Archive {
    /// What somebody holds who has looked once.
    pub fn of(truth: &Truth) -> Self {
        let mut archive = Self::default();
        archive.observe(truth);
        archive
    }

    /// Looks again.
    pub fn observe(&mut self, truth: &Truth) {
        for table in Table::ALL {
            let known = self.tables.entry(table).or_default();
            for (key, row) in expected(truth, table) {
                let is_known = known.get(&key).is_some_and(|known| {
                    // A workflow's details are asked for only when it changed: the date of its
                    // next run is the one of that moment.
                    table == Table::Workflows && is_same_version(known, &row)
                });
                if !is_known {
                    known.insert(key, row);
                }
            }
        }
    }

    /// What a table has to hold.
    pub fn rows(&self, table: Table) -> &Facts {
        &self.tables[&table]
    }
}

fn is_same_version(known: &BTreeMap<String, Value>, row: &BTreeMap<String, Value>) -> bool {
    ["last_modified_date_time", "version", "deleted_date_time"]
        .iter()
        .all(|column| known[*column] == row[*column])
}

impl Office {
    /// Every requested table holds what is in the archive, no more and no less.
    pub fn assert_keeps(&self, tenant: &Simulator, archive: &Archive) {
        for table in self.request.wanted_tables() {
            let what = format!("{} ({:?})", table.name(), self.request.format);
            assert_same(&what, &self.facts(tenant, table), archive.rows(table));
        }
    }
}
