//! Every name in the dataset's folder: what belongs there, and what does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::finding::{Class, Finding, Place};
use crate::audit::ledger::refused;
use crate::dataset::Dataset;
use crate::layout;
use crate::storage::{Entry, Storage};
use crate::table::TableSpec;

/// Names that belong into the dataset's folder, besides those of tables.
const OWN: [&str; 8] = [
    layout::IDENTITY,
    layout::MANIFESTS,
    layout::STAGING,
    layout::QUARANTINE,
    layout::LOCK,
    layout::LOCK_HOLDER,
    layout::COMMIT_LOCK,
    layout::DAMAGED,
];

/// What is in the folders of the tables.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Data files by path.
    pub(crate) files: BTreeMap<String, Place>,
    pub(crate) findings: Vec<Finding>,
}

/// Looks into the folder of every table.
pub(crate) fn walk(dataset: &Dataset, tenants: &BTreeSet<String>) -> Walked {
    let mut walk = Walk {
        storage: dataset.storage(),
        file_name: dataset.format().file_name(),
        tenants,
        walked: Walked::default(),
    };
    for entry in walk.list("") {
        let name = entry.name.as_str();
        match dataset.table(name) {
            Ok(table) if entry.is_folder => walk.table(table),
            Ok(_) => walk.stray(name, "a folder"),
            Err(_) if OWN.contains(&name) || name == "lost+found" => {}
            Err(_) => walk.walked.findings.push(Finding::new(
                Class::UnknownName,
                name,
                "names of the dataset",
                "something else",
            )),
        }
    }
    walk.walked
}

struct Walk<'a> {
    storage: &'a dyn Storage,
    file_name: &'a str,
    tenants: &'a BTreeSet<String>,
    walked: Walked,
}

impl Walk<'_> {
    fn list(&mut self, folder: &str) -> Vec<Entry> {
        match self.storage.list(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.walked.findings.push(refused(folder, &error));
                Vec::new()
            }
        }
    }

    /// Something that does not belong where readers of tables look; a link is called one.
    fn stray(&mut self, path: &str, expected: &str) {
        let finding = match self.storage.read(path) {
            Err(error @ crate::DatasetError::SymbolicLink { .. }) => refused(path, &error),
            _ => Finding::new(Class::Stray, path, expected, "something else"),
        };
        self.walked.findings.push(finding);
    }

    fn table(&mut self, table: &TableSpec) {
        for entry in self.list(table.name()) {
            let path = format!("{}/{}", table.name(), entry.name);
            let tenant = entry.name.strip_prefix("tenant_id=");
            match tenant.filter(|tenant| self.tenants.contains(*tenant)) {
                Some(tenant) if entry.is_folder => self.tenant(table, tenant, &path),
                _ => self.stray(&path, "folders of the dataset's tenants"),
            }
        }
    }

    fn tenant(&mut self, table: &TableSpec, tenant: &str, folder: &str) {
        let mut place = Place {
            table: table.name().to_owned(),
            tenant: tenant.to_owned(),
            day: None,
        };
        if !table.by_day() {
            return self.day(&place, folder);
        }
        for entry in self.list(folder) {
            let path = format!("{folder}/{}", entry.name);
            place.day = layout::day_of(&entry.name);
            if place.day.is_some() && entry.is_folder {
                self.day(&place, &path);
            } else {
                self.stray(&path, "folders of days");
            }
        }
    }

    /// The folder of one file.
    fn day(&mut self, place: &Place, folder: &str) {
        for entry in self.list(folder) {
            let path = format!("{folder}/{}", entry.name);
            if entry.name == self.file_name && !entry.is_folder {
                self.walked.files.insert(path, place.clone());
            } else {
                self.stray(&path, &format!("{} only", self.file_name));
            }
        }
    }
}

/// Where a recorded file belongs, by its path.
pub(crate) fn place_of(dataset: &Dataset, path: &str) -> Option<Place> {
    let mut parts = path.split('/');
    let table = dataset.table(parts.next()?).ok()?;
    let tenant = parts.next()?.strip_prefix("tenant_id=")?;
    layout::check_tenant(tenant).ok()?;
    let day = if table.by_day() {
        Some(layout::day_of(parts.next()?)?)
    } else {
        None
    };
    let is_file = parts.next() == Some(dataset.format().file_name()) && parts.next().is_none();
    is_file.then(|| Place {
        table: table.name().to_owned(),
        tenant: tenant.to_owned(),
        day,
    })
}
