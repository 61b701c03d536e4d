//! What an export that was stopped leaves behind: whole days, the oldest ones, and a true summary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lcw_dataset::digest_of;
use lcw_pipeline::FileFormat;
use lcw_tests::{Facts, expected, facts};
use lcw_transform::Table;
use serde_json::Value;

use crate::desk::{Contents, Desk, contents, data_files};

/// Rows of a table by day; those of undated tables have a day that comes before all others.
type ByDay = BTreeMap<String, Facts>;

/// What a dataset held before an export.
pub(crate) struct Before {
    tables: BTreeMap<Table, Facts>,
    files: Contents,
}

impl Before {
    /// What it holds of these tables.
    pub(crate) fn of(desk: &Desk, tables: &[Table]) -> Self {
        let held = |table: &Table| (*table, stored(desk, *table));
        Self {
            tables: tables.iter().map(held).collect(),
            files: data_files(&desk.data()),
        }
    }

    /// The summary says that the export was interrupted, with which code, and what there is now: of
    /// the days that have changed the oldest are as the tenant has them, the others as before. Says
    /// how many are new.
    #[track_caller]
    pub(crate) fn assert_prefix(&self, desk: &Desk, summary: &Value, code: i32) -> usize {
        assert_eq!(summary["status"], "interrupted", "{summary:#}");
        assert_eq!(summary["exit_code"], code, "{summary:#}");
        if summary["manifest"].is_null() {
            assert!(data_files(&desk.data()) == self.files, "{summary:#}");
            return 0;
        }
        assert_manifest(desk, summary);
        for (table, before) in &self.tables {
            let found = stored(desk, *table).len();
            let told = &summary["tables"][table.name()];
            assert_eq!(told["rows_total"], found, "{table:?}: {summary:#}");
            assert_eq!(told["rows_new"], found - before.len(), "{table:?}");
        }
        let staged = contents(&desk.data().join("_staging"));
        assert!(staged.values().all(Option::is_none), "{staged:?}");
        self.count_new_days(desk)
    }

    #[track_caller]
    fn count_new_days(&self, desk: &Desk) -> usize {
        let truth = desk.tenant.truth();
        let (mut old, mut new) = (BTreeSet::new(), BTreeSet::new());
        for (table, before) in &self.tables {
            let (before, now) = (by_day(before), by_day(&stored(desk, *table)));
            let true_days = by_day(&expected(&truth, *table));
            let days = true_days.keys().chain(before.keys()).chain(now.keys());
            for day in days {
                let is_new = is_as_true(rows_of(&now, day), rows_of(&true_days, day));
                let is_old = rows_of(&now, day) == rows_of(&before, day);
                assert!(is_new || is_old, "{table:?} holds part of {day}");
                if is_new && !is_old {
                    new.insert(day.clone());
                } else if is_old && !is_new {
                    old.insert(day.clone());
                }
            }
        }
        assert!(
            new.last() < old.first() || new.is_empty() || old.is_empty(),
            "committed: {new:?}, left as they were: {old:?}"
        );
        new.iter().filter(|day| !day.is_empty()).count()
    }
}

fn stored(desk: &Desk, table: Table) -> Facts {
    let data = desk.data();
    if !data.join("_dataset.json").exists() {
        return Facts::new();
    }
    let tenant = desk.tenant.tenant_id();
    let mut facts = facts(&data, FileFormat::Parquet, tenant, table);
    for row in facts.values_mut() {
        row.remove("_lcw_last_seen");
    }
    facts
}

fn by_day(rows: &Facts) -> ByDay {
    let mut days = ByDay::new();
    for (key, row) in rows {
        let day = row.get("run_date").and_then(Value::as_str);
        let day = days.entry(day.unwrap_or_default().to_owned()).or_default();
        day.insert(key.clone(), row.clone());
    }
    days
}

fn rows_of<'a>(days: &'a ByDay, day: &str) -> &'a Facts {
    static NONE: Facts = Facts::new();
    days.get(day).unwrap_or(&NONE)
}

/// The same keys, with the columns that the service decides.
fn is_as_true(found: &Facts, truth: &Facts) -> bool {
    let is_same = |key: &Vec<String>, row: &BTreeMap<String, Value>| {
        found.get(key).is_some_and(|found| {
            row.iter().all(|(column, value)| {
                // As of the workflow's last change, like the rest of its row.
                column == "next_schedule_run_date_time" || found.get(column) == Some(value)
            })
        })
    };
    found.len() == truth.len() && truth.iter().all(|(key, row)| is_same(key, row))
}

/// The manifest is where the summary says, and what it says.
#[track_caller]
fn assert_manifest(desk: &Desk, summary: &Value) {
    let path = summary["manifest"]["path"].as_str().unwrap();
    let bytes = std::fs::read(desk.folder().join(PathBuf::from(path))).unwrap();
    assert_eq!(summary["manifest"]["sha256"], digest_of(&bytes), "{path}");
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(manifest["status"], "interrupted", "{manifest:#}");
    let days = manifest["days"].as_object().unwrap().values();
    for file in days.flat_map(|day| day["files"].as_object().unwrap().values()) {
        let stored = std::fs::read(desk.data().join(file["path"].as_str().unwrap())).ok();
        let after = file["after"]["sha256"].as_str();
        assert_eq!(stored.as_deref().map(digest_of).as_deref(), after, "{file}");
    }
}
