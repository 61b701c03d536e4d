//! Every file against the manifests, and the manifests against each other. Needs no lock.
//!
//! An audit that runs beside an export sees files change under it. So whoever finds something wrong
//! in a [`Unit`] reads the manifests again with [`Audit::refresh`] and examines the unit anew, until
//! two looks in a row see the same: files of a day are replaced children first, after the manifest
//! has named their old and their new contents.

mod file;
mod finding;
mod ledger;
mod quarantine;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

pub use file::Examiner;
pub use finding::{Class, Finding, Place};

use crate::audit::file::Subject;
use crate::audit::ledger::Ledger;
pub(crate) use crate::audit::walk::place_of;
use crate::audit::walk::walk;
use crate::dataset::{Dataset, identity_in};
use crate::error::DatasetError;
use crate::format::Format;
use crate::identity::Identity;
use crate::layout;
use crate::manifest::ManifestLink;
use crate::storage::{LocalStorage, Storage};
use crate::table::TableSpec;

/// A dataset that is being audited.
#[derive(Debug)]
pub struct Audit {
    storage: Arc<LocalStorage>,
    identity: Result<Identity, Finding>,
    ledger: Ledger,
}

/// The data files of a tenant that are replaced together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The tenant.
    pub tenant: String,
    /// The day; `None`: the undated tables.
    pub day: Option<Date>,
    /// Every file there is or should be, by table.
    files: BTreeMap<String, String>,
}

/// What one look at a unit has shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Files that are there.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows, as recorded, without those of files that are not the recorded ones.
    pub rows: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Digests by table; `None` where there is no file.
    digests: BTreeMap<String, Option<String>>,
}

impl Seen {
    /// Whether nothing is wrong with the file of a table, be it that there is none and has to be
    /// none.
    pub fn is_good(&self, table: &str) -> bool {
        let is_of = |finding: &Finding| {
            let place = finding.place.as_ref();
            place.is_some_and(|place| place.table == table)
        };
        !self.findings.iter().any(is_of)
    }
}

impl Audit {
    /// Reads the identity and the manifests of a dataset; `None` when the folder does not exist or
    /// holds nothing.
    ///
    /// # Errors
    /// [`DatasetError::NotADataset`] when it holds something else, and when the manifests cannot
    /// be listed.
    pub fn open(root: &Path) -> Result<Option<Self>, DatasetError> {
        let storage = Arc::new(LocalStorage::new(root));
        let ledger = Ledger::read(storage.as_ref())?;
        let identity = read_identity(storage.as_ref(), &ledger)?;
        Ok(identity.map(|identity| Self {
            storage,
            identity,
            ledger,
        }))
    }

    /// What the dataset is.
    ///
    /// # Errors
    /// What is wrong with `_dataset.json`.
    pub fn identity(&self) -> Result<&Identity, &Finding> {
        self.identity.as_ref()
    }

    /// What is wrong with the manifests, and with what they count besides rows.
    pub fn findings(&self) -> Vec<Finding> {
        let quarantined = quarantine::check(self.storage.as_ref(), &self.ledger);
        self.ledger
            .findings
            .iter()
            .cloned()
            .chain(quarantined)
            .collect()
    }

    /// How many manifests there are that can be read.
    pub fn manifests(&self) -> u64 {
        self.ledger.exports.len() as u64
    }

    /// Whether something is wrong with the manifest of an export, or with what it did, and nobody has put
    /// that on record.
    pub fn is_doubtful(&self, export_id: &str) -> bool {
        self.ledger.is_doubtful(export_id)
    }

    /// SHA-256 of the manifest of an export as it is; `None` when it is gone or cannot be read.
    pub fn manifest_digest(&self, export_id: &str) -> Option<&str> {
        self.ledger.digest(export_id)
    }

    /// The newest closed manifest.
    pub fn head(&self) -> Option<&ManifestLink> {
        self.closed().next_back()
    }

    /// The closed manifest with this digest, and how many were closed after it.
    pub fn find(&self, sha256: &str) -> Option<(&ManifestLink, u64)> {
        let mut newest_first = self.closed().rev().zip(0..);
        newest_first.find(|(link, _)| link.sha256 == sha256)
    }

    fn closed(&self) -> impl DoubleEndedIterator<Item = &ManifestLink> {
        let exports = self.ledger.exports.iter();
        exports.filter(|it| !it.is_running).map(|it| &it.link)
    }

    /// Reads identity and manifests again, unless nothing was recorded since.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn refresh(&mut self) -> Result<(), DatasetError> {
        let storage = self.storage.as_ref();
        if !self.ledger.is_current(storage) {
            self.ledger = Ledger::read(storage)?;
        }
        if let Some(identity) = read_identity(storage, &self.ledger)? {
            self.identity = identity;
        }
        Ok(())
    }

    /// Whether an export was stopped, or is, in the middle of this day: its rows may be there
    /// without their run.
    pub fn is_unfinished(&self, unit: &Unit) -> bool {
        self.ledger.is_unfinished(&unit.tenant, unit.day)
    }

    /// Rows of a run that are in no file of a table because somebody has asked to forget whom they
    /// are about.
    pub fn forgotten(&self, tenant: &str, table: &str, workflow_id: &str, run_id: &str) -> u64 {
        let key = [tenant, table, workflow_id, run_id].map(str::to_owned);
        self.ledger.forgotten.get(&key).copied().unwrap_or(0)
    }

    /// Things that harm nobody and that the next export puts in order.
    pub fn leftovers(&self) -> Vec<Finding> {
        let staged = self.storage.list(layout::STAGING).unwrap_or_default();
        let running = self.ledger.running();
        if (staged.is_empty() && running.is_none()) || self.is_held() {
            return Vec::new();
        }
        let staged = staged.iter().map(|entry| {
            let file = format!("{}/{}", layout::STAGING, entry.name);
            Finding::new(Class::LeftoverStaging, file, "nothing", "staged files")
        });
        let running = running.map(|export_id| {
            let file = layout::manifest_file(export_id);
            let found = "an export that was stopped";
            Finding::new(Class::InterruptedExport, file, "a closed manifest", found)
        });
        staged.chain(running).collect()
    }

    /// Whether an export holds the dataset. Only asked when that makes a difference: to know it,
    /// the lock has to be taken for a moment.
    fn is_held(&self) -> bool {
        let exists = matches!(self.storage.read(layout::LOCK), Ok(Some(_)));
        // Where nobody can lock nobody can say.
        exists && !matches!(self.storage.lock(), Ok(Some(_)))
    }

    /// The dataset in its format, to examine its files.
    pub fn dataset(&self, format: Arc<dyn Format>, tables: Vec<TableSpec>) -> Dataset {
        let storage: Arc<dyn Storage> = Arc::clone(&self.storage) as _;
        Dataset::new(storage, format, tables)
    }

    /// Every file there is or should be, and what is where nothing should be.
    pub fn units(&self, dataset: &Dataset) -> (Vec<Unit>, Vec<Finding>) {
        let tenants = self.identity.as_ref().map(|it| it.tenants.clone());
        let walked = walk(dataset, &tenants.unwrap_or_default());
        let (mut files, mut findings) = (walked.files, walked.findings);
        let recorded = self.ledger.files.iter();
        for (path, recorded) in recorded.filter(|(path, _)| !layout::is_quarantined(path)) {
            match place_of(dataset, path) {
                Some(place) => _ = files.insert(path.clone(), place),
                // That its manifest is damaged has been said.
                None if !recorded.is_trusted => {}
                None => findings.push(Finding::new(
                    Class::NewerSchema,
                    path.clone(),
                    "a file of a table that this program knows",
                    "another one",
                )),
            }
        }
        let mut units = BTreeMap::<_, Unit>::new();
        for (path, place) in files {
            let unit = units.entry((place.tenant.clone(), place.day));
            let unit = unit.or_insert_with(|| Unit {
                tenant: place.tenant,
                day: place.day,
                files: BTreeMap::new(),
            });
            unit.files.insert(place.table, path);
        }
        (units.into_values().collect(), findings)
    }

    /// The tables of a tenant that have rows, as recorded.
    pub fn held(&self, dataset: &Dataset, tenant: &str) -> BTreeSet<String> {
        let has_rows = |path: &String| {
            let records = self.ledger.files.get(path).into_iter();
            let mut records = records.flat_map(|it| it.contents.iter().flatten());
            records.any(|record| record.rows > 0)
        };
        let files = self.ledger.files.keys().filter(|path| has_rows(path));
        let places = files.filter_map(|path| place_of(dataset, path));
        let of_tenant = places.filter(|place| place.tenant == tenant);
        of_tenant.map(|place| place.table).collect()
    }

    /// Looks at every file of a unit. With an examiner every row is read, too.
    pub fn examine(
        &self,
        dataset: &Dataset,
        unit: &Unit,
        mut examiner: Option<&mut dyn Examiner>,
    ) -> Seen {
        let mut seen = Seen::default();
        // `runs` last, as it is written: rows of a run that is seen have been seen.
        let parent = |table: &str| table == layout::PARENT_TABLE;
        let children = unit.files.iter().filter(|(table, _)| !parent(table));
        let parents = unit.files.iter().filter(|(table, _)| parent(table));
        for (table, path) in children.chain(parents) {
            let place = Place {
                table: table.clone(),
                tenant: unit.tenant.clone(),
                day: unit.day,
            };
            let subject = Subject {
                dataset,
                ledger: &self.ledger,
                path,
                place: &place,
            };
            let looked = match &mut examiner {
                Some(examiner) => subject.look(Some(&mut **examiner)),
                None => subject.look(None),
            };
            seen.files += u64::from(looked.digest.is_some());
            seen.bytes += looked.bytes;
            seen.rows += looked.rows;
            seen.findings.extend(looked.findings);
            seen.digests.insert(table.clone(), looked.digest);
        }
        seen
    }
}

impl Unit {
    /// The file of a table, where there is one or should be.
    pub fn file(&self, table: &str) -> Option<&str> {
        self.files.get(table).map(String::as_str)
    }

    /// The tables that have a file, or should.
    pub fn tables(&self) -> BTreeSet<&str> {
        self.files.keys().map(String::as_str).collect()
    }
}

/// What the dataset is, or what is wrong with the file that says so; `None` when there is nothing.
fn read_identity(
    storage: &dyn Storage,
    ledger: &Ledger,
) -> Result<Option<Result<Identity, Finding>>, DatasetError> {
    Ok(Some(match identity_in(storage) {
        Ok(None) => return Ok(None),
        Ok(Some(identity)) => Ok(identity),
        Err(DatasetError::NotADataset { .. }) if ledger.has_manifests() => {
            Err(unknown_identity(Class::Missing, "no file"))
        }
        Err(error @ DatasetError::NotADataset { .. }) => return Err(error),
        Err(error @ DatasetError::Unreadable { .. }) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            Err(unknown_identity(Class::Changed, &cause))
        }
        Err(error) => Err(ledger::refused(layout::IDENTITY, &error)),
    }))
}

fn unknown_identity(class: Class, found: &str) -> Finding {
    Finding::new(class, layout::IDENTITY, "what the dataset is", found)
}
