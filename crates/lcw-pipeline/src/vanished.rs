//! Files that exports recorded and that are gone, found without opening one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, MissingFile};
use lcw_model::time::date_of;
use lcw_transform::Table;

use crate::coverage::RETENTION;
use crate::state::{State, Totals};

/// What is gone of a tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vanished {
    /// Files that had rows; `None` where the newest manifest's totals say that there are none new.
    files: Option<Vec<MissingFile>>,
}

impl Vanished {
    /// Looks for it. As long as every table has as many files and bytes as the newest manifest counted,
    /// nothing more is gone than it knows of; else all manifests are read.
    pub(crate) fn find(
        dataset: &Dataset,
        tenant: &str,
        state: &State,
    ) -> Result<Self, DatasetError> {
        if is_as_counted(dataset, tenant, state)? {
            return Ok(Self::default());
        }
        let mut files = dataset.missing_files(tenant)?;
        files.retain(|file| file.rows > 0);
        Ok(Self { files: Some(files) })
    }

    /// Files whose rows are gone here and at the service, by path, with their day; `before` is what was
    /// known of them.
    pub(crate) fn lost_files(
        &self,
        now: i64,
        before: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let Some(files) = &self.files else {
            return before.clone();
        };
        let dated = files.iter().filter_map(|file| Some((file, file.day?)));
        let lost = dated.filter(|(_, day)| is_forgotten(*day, now));
        lost.map(|(file, day)| (file.path.clone(), day.to_string()))
            .collect()
    }

    /// How many files with rows are gone that nobody has acknowledged. Where that was not looked for anew,
    /// those that are known to be lost.
    pub(crate) fn count(&self, state: &State) -> u64 {
        let is_open = |path: &&String| state.reason_for_gone(path).is_none();
        let open = match &self.files {
            Some(files) => files.iter().map(|file| &file.path).filter(is_open).count(),
            None => state.vanished_files.keys().filter(is_open).count(),
        };
        open as u64
    }

    /// Whether anything is gone that this export has found.
    pub(crate) fn is_news(&self) -> bool {
        self.files.as_ref().is_some_and(|files| !files.is_empty())
    }

    /// What the operator should know, besides what `told` says of tables and days.
    pub(crate) fn warnings(&self, now: i64, told: impl Fn(&str, Date) -> bool) -> Vec<String> {
        let mut again = BTreeMap::<&str, BTreeSet<String>>::new();
        let mut lost = BTreeMap::<&str, BTreeSet<String>>::new();
        for file in self.files.iter().flatten() {
            let of = match file.day {
                Some(day) if is_forgotten(day, now) => &mut lost,
                Some(day) if told(&file.table, day) => continue,
                _ => &mut again,
            };
            let day = file.day.map_or_else(String::new, |day| day.to_string());
            of.entry(&file.table).or_default().insert(day);
        }
        let again = again.into_iter().map(|(table, days)| {
            let rows = rows_of(table, &days);
            format!("{rows} are gone from the dataset: they are read again as far as the service still has them")
        });
        let lost = lost.into_iter().map(|(table, days)| {
            let rows = rows_of(table, &days);
            format!(
                "{rows} are gone from the dataset, and the service has forgotten them: restore the files \
                 from a backup, or a snapshot that holds them"
            )
        });
        lost.chain(again).collect()
    }
}

fn rows_of(table: &str, days: &BTreeSet<String>) -> String {
    let days: Vec<&str> = days
        .iter()
        .map(|day| &**day)
        .filter(|day| !day.is_empty())
        .collect();
    match days.as_slice() {
        [] => format!("the rows of {table}"),
        days => format!("rows of {table} of {}", days.join(", ")),
    }
}

/// Whether a day is not whole any more at the service.
fn is_forgotten(day: Date, now: i64) -> bool {
    day <= date_of(now - RETENTION)
}

fn is_as_counted(dataset: &Dataset, tenant: &str, state: &State) -> Result<bool, DatasetError> {
    if !state.totals.contains_key(Table::Runs.name()) {
        return Ok(false);
    }
    for table in Table::ALL {
        let Some(counted) = state.totals.get(table.name()) else {
            continue;
        };
        if !counted.still_holds(&Totals::measure(dataset, tenant, table, Some(0))?) {
            return Ok(false);
        }
    }
    Ok(true)
}
