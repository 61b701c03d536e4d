//! The one writer of a dataset.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::dataset::{self, Dataset};
use crate::error::DatasetError;
use crate::export::{Export, Journal};
use crate::format::Format;
use crate::history::History;
use crate::identity::Identity;
use crate::layout;
use crate::lock::{self, Lock, write_json};
use crate::manifest::{Manifest, ManifestHead, ManifestLink};
use crate::recover::{self, Newest};
use crate::storage::{LocalStorage, Storage};
use crate::table::TableSpec;

const EXPORT_ID: &str = "%Y%m%dT%H%M%S.%6fZ";

/// The right to write to a dataset, for one tenant. Held until dropped, or until the process ends.
#[derive(Debug)]
pub struct Writer {
    dataset: Dataset,
    tenant: String,
    lock: Lock,
    /// The newest manifest, as it was found under the lock; `None` once an export has begun.
    newest: Option<Newest>,
}

impl Writer {
    /// Whether the folder could be written to now: nobody holds the dataset, and files can be made
    /// there. Leaves nothing behind, so that it can be asked before anything else is done.
    ///
    /// # Errors
    /// [`DatasetError::Locked`] when another holds it, [`DatasetError::UnusableFolder`] when no file
    /// may be made in the folder, or where the folder would be, and [`DatasetError::Io`] when it failed.
    pub fn probe(root: &Path) -> Result<(), DatasetError> {
        let storage = LocalStorage::new(root);
        storage.probe()?;
        // A lock file that is not there yet is not made for a question.
        if storage.read(layout::LOCK)?.is_some() {
            Lock::acquire(&storage)?;
        }
        Ok(())
    }

    /// Takes the lock of the dataset in a folder, which is made when there is none.
    ///
    /// `wanted` comes from [`Identity::new`], with `select` and its like set; tenant and tables
    /// are added to what the dataset has. What a killed export left is put in order.
    ///
    /// # Errors
    /// [`DatasetError::Locked`] when another holds it, [`DatasetError::NotADataset`] and
    /// [`DatasetError::Mismatch`] when the folder is another's, [`DatasetError::InvalidTenant`].
    /// A folder that is refused is left untouched.
    pub fn acquire(
        root: &Path,
        wanted: &Identity,
        tenant: &str,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
    ) -> Result<Self, DatasetError> {
        let storage = Arc::new(LocalStorage::new(root));
        let place = Arc::clone(&storage);
        let writer = Self::acquire_in(storage, wanted, tenant, format, tables)?;
        if place.is_open_to_everybody() {
            warn!(
                path = %root.display(),
                "every user of this machine may write to the dataset's folder, and so replace what \
                 is in it: take that right away (chmod o-w)"
            );
        }
        if let Some(kind) = lock::network_file_system(root) {
            warn!(
                path = %root.display(),
                file_system = kind,
                "the dataset is on a network file system, where a lock may not exclude other \
                 hosts: make sure that only one exports to it"
            );
        }
        Ok(writer)
    }

    /// As [`Writer::acquire`], in a storage of another kind.
    ///
    /// # Errors
    /// As [`Writer::acquire`].
    pub fn acquire_in(
        storage: Arc<dyn Storage>,
        wanted: &Identity,
        tenant: &str,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
    ) -> Result<Self, DatasetError> {
        Self::acquire_without(storage, wanted, tenant, format, tables, &[])
    }

    /// As [`Writer::acquire`], though a manifest is gone or changed that the folder is known to have had
    /// as its newest one: somebody has been told, and this export puts it on record.
    ///
    /// # Errors
    /// As [`Writer::acquire`].
    pub fn acquire_to_acknowledge(
        root: &Path,
        wanted: &Identity,
        tenant: &str,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
        export_ids: &[String],
    ) -> Result<Self, DatasetError> {
        let storage = Arc::new(LocalStorage::new(root));
        Self::acquire_without(storage, wanted, tenant, format, tables, export_ids)
    }

    fn acquire_without(
        storage: Arc<dyn Storage>,
        wanted: &Identity,
        tenant: &str,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
        without: &[String],
    ) -> Result<Self, DatasetError> {
        layout::check_tenant(tenant)?;
        // Before the lock, so that a folder that is refused stays as it is.
        if let Some(identity) = dataset::identity_in(storage.as_ref())? {
            identity.check(wanted, &tables)?;
        }
        storage.create()?;
        let lock = Lock::acquire(storage.as_ref())?;
        let mut writer = Self {
            dataset: Dataset::new(storage, format, tables),
            tenant: tenant.to_owned(),
            lock,
            newest: None,
        };
        writer.check_head(without)?;
        writer.prepare(wanted)?;
        Ok(writer)
    }

    /// The newest manifest has to be the one that was written last, unless it is one of `without`: an export
    /// that went on from an older one would be a second history, and would know nothing of whom the
    /// lost one says to forget.
    fn check_head(&self, without: &[String]) -> Result<(), DatasetError> {
        let head = self.lock.head();
        let Some(head) = head.filter(|head| !without.contains(&head.export_id)) else {
            return Ok(());
        };
        let path = layout::manifest_file(&head.export_id);
        let shown = self.dataset.storage().locate(&path);
        let problem = if self.dataset.storage().read(&path)?.is_none() {
            "is gone, and it was the newest manifest"
        } else {
            // One that is damaged says so itself, and how.
            let (_, found) = self.dataset.manifest_and_digest(&head.export_id)?;
            if found == head.sha256 {
                return Ok(());
            }
            "is not the newest manifest that was written, it was changed since"
        };
        Err(DatasetError::LostHead {
            path: shown,
            export_id: head.export_id.clone(),
            problem,
        })
    }

    /// Remembers which manifest is the newest closed one. What it closes is closed, whether this works
    /// or not: the one before it may be remembered.
    pub(crate) fn remember_head(&mut self, head: ManifestLink) {
        self.lock.set_head(Some(head));
        if let Err(error) = self.lock.announce(self.dataset.storage(), None) {
            warn!(%error, "it could not be noted beside the lock which manifest is the newest");
        }
    }

    /// Under the lock: identity, staging, manifests.
    fn prepare(&mut self, wanted: &Identity) -> Result<(), DatasetError> {
        let storage = self.dataset.storage();
        let tables = self.dataset.tables();
        let stored = dataset::identity_in(storage)?;
        let identity = stored.as_ref().unwrap_or(wanted);
        identity.check(wanted, tables)?;
        let grown = identity.grown(&self.tenant, tables);
        if stored.as_ref() != Some(&grown) {
            write_json(storage, layout::STAGING, layout::IDENTITY, &grown)?;
        }
        self.lock.announce(storage, None)?;
        storage.sweep(layout::STAGING)?;
        self.newest = recover::reconcile(&self.dataset)?;
        Ok(())
    }

    /// The dataset, for reading.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The tenant that it writes for.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The id for an export that starts now: the time in UTC, or a microsecond after the last
    /// export where the clock was set back. Ids sort by time.
    ///
    /// # Errors
    /// When the manifests cannot be listed.
    pub fn next_export_id(&self, now: Timestamp) -> Result<String, DatasetError> {
        let id = now.strftime(EXPORT_ID).to_string();
        let Some(last) = self.dataset.manifest_ids()?.pop() else {
            return Ok(id);
        };
        if last < id {
            return Ok(id);
        }
        let last = jiff::civil::DateTime::strptime(EXPORT_ID, &last)
            .and_then(|last| last.checked_add(SignedDuration::from_micros(1)));
        last.map(|next| next.strftime(EXPORT_ID).to_string())
            .map_err(|_| DatasetError::InvalidExportId {
                id,
                problem: "a later export has an id of another kind",
            })
    }

    /// The newest manifest of this tenant.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn previous(&self) -> Result<Option<Manifest>, DatasetError> {
        if let Some(newest) = &self.newest
            && newest.manifest.tenant_id == self.tenant
        {
            return Ok(Some(newest.manifest.clone()));
        }
        for manifest in self.dataset.manifests()? {
            let manifest = manifest?;
            if manifest.tenant_id == self.tenant {
                return Ok(Some(manifest));
            }
        }
        Ok(None)
    }

    /// Starts an export. Nothing is written until its first commit or its end.
    ///
    /// # Errors
    /// [`DatasetError::InvalidExportId`] for an id that does not sort after the last one, and when
    /// the manifests cannot be read.
    pub fn begin(&mut self, head: ManifestHead) -> Result<Export<'_>, DatasetError> {
        layout::check_export_id(&head.export_id)?;
        if self.newest.is_none() {
            self.newest = recover::reconcile(&self.dataset)?;
        }
        let previous = self.previous()?;
        let newest = self.newest.take();
        let newest_id = newest.as_ref().map(|newest| &newest.manifest.export_id);
        if newest_id.is_some_and(|newest| *newest >= head.export_id) {
            return Err(DatasetError::InvalidExportId {
                id: head.export_id,
                problem: "it does not sort after the last export's (was the clock set back?)",
            });
        }
        let history = History::new(&self.dataset, newest.as_ref().map(|it| &it.manifest))?;
        let link = newest.as_ref().map(Newest::link);
        self.lock.set_head(link.clone());
        let manifest = Manifest::begin(head, &self.tenant, link, previous);
        self.lock
            .announce(self.dataset.storage(), Some(&manifest.export_id))?;
        let journal = Journal::new(&self.dataset, manifest, history);
        Ok(Export::new(self, journal))
    }
}
