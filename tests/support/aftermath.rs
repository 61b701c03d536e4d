//! What has to hold after an export that something went wrong with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lcw_pipeline::Summary;
use lcw_simulator::{Simulator, Truth};
use lcw_transform::Table;
use serde_json::Value;

use crate::expected::expected;
use crate::office::Office;

impl Office {
    /// What is stored is true, as far as it goes: every row is one of `truth`, no key comes twice,
    /// every result belongs to a stored run, and a run that says how many of its results were read
    /// has as many.
    pub fn assert_nothing_false(&self, tenant: &Simulator, truth: &Truth) {
        for table in self.request.wanted_tables() {
            let true_rows = expected(truth, table);
            for (key, row) in self.facts(tenant, table) {
                let what = format!("row {key:?} of {}", table.name());
                let true_row = true_rows.get(&key);
                let true_row = true_row.unwrap_or_else(|| panic!("{what} is made up"));
                for (column, value) in true_row {
                    assert_eq!(&row[column], value, "column {column} of {what}");
                }
            }
        }
        self.assert_runs_have_their_results(tenant);
    }

    fn assert_runs_have_their_results(&self, tenant: &Simulator) {
        let mut rows = BTreeMap::<(String, String), i64>::new();
        for key in self.facts(tenant, Table::UserProcessingResults).into_keys() {
            *rows.entry((key[0].clone(), key[1].clone())).or_default() += 1;
        }
        for (key, run) in self.facts(tenant, Table::Runs) {
            let stored = rows
                .remove(&(key[0].clone(), key[1].clone()))
                .unwrap_or_default();
            if let Some(read) = run["_lcw_result_rows"].as_i64() {
                assert_eq!(stored, read, "results of run {key:?}");
            }
        }
        assert!(rows.is_empty(), "results without a run: {rows:?}");
    }

    /// The days that are stored are the oldest ones, each with every run that `truth` has of it.
    /// Says how many days that are.
    pub fn assert_holds_the_oldest_days(&self, tenant: &Simulator, truth: &Truth) -> usize {
        self.assert_nothing_false(tenant, truth);
        let day_of = |row: &BTreeMap<String, Value>| row["run_date"].as_str().unwrap().to_owned();
        let stored = self.facts(tenant, Table::Runs);
        let days: BTreeSet<String> = stored.values().map(day_of).collect();
        let last = days.last().cloned().unwrap_or_default();
        for (key, run) in expected(truth, Table::Runs) {
            let day = day_of(&run);
            assert_eq!(
                stored.contains_key(&key),
                day <= last,
                "run {key:?} of {day}, when {last} is the last day that was committed"
            );
        }
        days.len()
    }

    /// With nothing in its way any more, the next export makes the dataset whole.
    pub async fn assert_completes(&mut self, tenant: &Simulator) -> Summary {
        tenant.clear_faults();
        tenant.set_limit(None);
        let summary = self.export(tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        self.assert_holds(tenant, &tenant.truth());
        summary
    }
}

/// Every file below `folder` with what it holds: equal maps mean that nothing was touched.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    files
}
