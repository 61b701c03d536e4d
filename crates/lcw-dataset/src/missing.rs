//! Recorded files that are not there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::audit::place_of;
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::manifest::{DayState, Manifest};

/// A data file that the manifests name last as one that is there, and that is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingFile {
    /// Its table.
    pub table: String,
    /// Its day; `None` in an undated table.
    pub day: Option<Date>,
    /// Its path below the dataset's folder.
    pub path: String,
    /// Rows that it had.
    pub rows: u64,
}

impl Dataset {
    /// Recorded files of a tenant that are not there, by table and day. No file is read but the
    /// manifests, all of them; one that is damaged is passed over.
    ///
    /// # Errors
    /// When folders cannot be listed.
    pub fn missing_files(&self, tenant: &str) -> Result<Vec<MissingFile>, DatasetError> {
        let mut recorded = BTreeMap::new();
        for manifest in self.manifests()?.flatten() {
            for (path, rows) in expected(&manifest) {
                recorded.entry(path.to_owned()).or_insert(rows);
            }
        }
        let mut there = BTreeMap::<String, BTreeSet<String>>::new();
        let mut missing = Vec::new();
        for (path, rows) in recorded {
            let place = place_of(self, &path).filter(|place| place.tenant == tenant);
            let (Some(place), Some(rows)) = (place, rows) else {
                continue;
            };
            if !there.contains_key(&place.table) {
                let files = self.files(&place.table, tenant)?.into_iter();
                let paths = files.map(|file| file.path).collect();
                there.insert(place.table.clone(), paths);
            }
            if !there[&place.table].contains(&path) {
                missing.push(MissingFile {
                    table: place.table,
                    day: place.day,
                    path,
                    rows,
                });
            }
        }
        missing.sort_unstable();
        Ok(missing)
    }
}

/// What is certain to be there after an export, with its rows; `None` for what need not be.
fn expected(manifest: &Manifest) -> impl Iterator<Item = (&str, Option<u64>)> {
    manifest.days.values().flat_map(|day| {
        let may_be_old = manifest.is_running() && day.state == DayState::Intended;
        day.files.values().map(move |file| {
            let record = if may_be_old {
                &file.before
            } else {
                &file.after
            };
            (
                file.path.as_str(),
                record.as_ref().map(|record| record.rows),
            )
        })
    })
}
