//! Reading a dataset.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::DatasetError;
use crate::format::{Format, RowReader};
use crate::identity::Identity;
use crate::layout;
use crate::manifest::{FileChange, Manifest};
use crate::quarantine;
use crate::seal::unsealed;
use crate::storage::{LocalStorage, Storage, record_in};
use crate::table::{RAW_COLUMN, TableSpec};

/// The read side of a dataset. Cheap to clone; needs no lock.
#[derive(Debug, Clone)]
pub struct Dataset {
    storage: Arc<dyn Storage>,
    format: Arc<dyn Format>,
    tables: Arc<[TableSpec]>,
}

/// One data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionFile {
    /// Path below the dataset's folder, with `/`.
    pub path: String,
    /// Its day; `None` in an undated table.
    pub day: Option<Date>,
    /// Its size.
    pub bytes: u64,
}

impl Dataset {
    /// What a folder holds: `None` when it does not exist or is empty.
    ///
    /// # Errors
    /// [`DatasetError::NotADataset`] when it holds something else, [`DatasetError::Unreadable`]
    /// when its identity is damaged.
    pub fn inspect(root: &Path) -> Result<Option<Identity>, DatasetError> {
        identity_in(&LocalStorage::new(root))
    }

    /// Opens a folder for reading. One that does not exist or is empty has no rows.
    ///
    /// # Errors
    /// As [`Dataset::inspect`], and [`DatasetError::Mismatch`] for a dataset of another format.
    pub fn open(
        root: &Path,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
    ) -> Result<Self, DatasetError> {
        if let Some(identity) = Self::inspect(root)? {
            let mut wanted = identity.clone();
            format.name().clone_into(&mut wanted.format);
            format.compression().clone_into(&mut wanted.compression);
            identity.check(&wanted, &tables)?;
        }
        Ok(Self::new(Arc::new(LocalStorage::new(root)), format, tables))
    }

    /// Opens a folder for reading what [`Writer::acquire`](crate::Writer::acquire) with the same
    /// arguments would write to, or refuses it as that does.
    ///
    /// # Errors
    /// As [`Dataset::open`], and [`DatasetError::Mismatch`] for a dataset made with other options.
    pub fn open_as(
        root: &Path,
        wanted: &Identity,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
    ) -> Result<Self, DatasetError> {
        if let Some(identity) = Self::inspect(root)? {
            identity.check(wanted, &tables)?;
        }
        Ok(Self::new(Arc::new(LocalStorage::new(root)), format, tables))
    }

    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        format: Arc<dyn Format>,
        tables: Vec<TableSpec>,
    ) -> Self {
        Self {
            storage,
            format,
            tables: tables.into(),
        }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    pub(crate) fn format(&self) -> &dyn Format {
        self.format.as_ref()
    }

    /// The tables it was opened with.
    pub fn tables(&self) -> &[TableSpec] {
        &self.tables
    }

    /// A table by name.
    ///
    /// # Errors
    /// [`DatasetError::InvalidTable`] for a table it was not opened with.
    pub fn table(&self, name: &str) -> Result<&TableSpec, DatasetError> {
        self.tables
            .iter()
            .find(|table| table.name() == name)
            .ok_or_else(|| DatasetError::InvalidTable {
                table: name.to_owned(),
                problem: "it is unknown".into(),
            })
    }

    /// The identity as it is now; `None` for an empty folder.
    ///
    /// # Errors
    /// As [`Dataset::inspect`].
    pub fn identity(&self) -> Result<Option<Identity>, DatasetError> {
        identity_in(self.storage())
    }

    /// The days of which a table has a file, oldest first; none for an undated table.
    ///
    /// # Errors
    /// For an unknown table, an invalid tenant, or a folder that cannot be read.
    pub fn days(&self, table: &str, tenant: &str) -> Result<Vec<Date>, DatasetError> {
        let files = self.files(table, tenant)?;
        Ok(files.into_iter().filter_map(|file| file.day).collect())
    }

    /// The data files of a table and tenant, oldest day first.
    ///
    /// # Errors
    /// As [`Dataset::days`].
    pub fn files(&self, table: &str, tenant: &str) -> Result<Vec<PartitionFile>, DatasetError> {
        layout::check_tenant(tenant)?;
        let table = self.table(table)?;
        let folder = layout::tenant_folder(table, tenant);
        if !table.by_day() {
            return Ok(self.file_in(&folder, None)?.into_iter().collect());
        }
        let mut files = Vec::new();
        for entry in self.storage.list(&folder)? {
            if let Some(day) = layout::day_of(&entry.name) {
                files.extend(self.file_in(&format!("{folder}/{}", entry.name), Some(day))?);
            }
        }
        files.sort_by_key(|file| file.day);
        Ok(files)
    }

    fn file_in(
        &self,
        folder: &str,
        day: Option<Date>,
    ) -> Result<Option<PartitionFile>, DatasetError> {
        let name = self.format.file_name();
        let entries = self.storage.list(folder)?;
        let found = entries
            .iter()
            .find(|entry| entry.name == name && !entry.is_folder);
        let path = || format!("{folder}/{name}");
        Ok(found.map(|entry| PartitionFile {
            path: path(),
            day,
            bytes: entry.bytes,
        }))
    }

    /// The rows of one file, sorted by key: all columns of the table, or the named ones in the
    /// order named. `None` when there is no such file. `day` is `None` for an undated table.
    ///
    /// # Errors
    /// For an unknown table, an invalid tenant, or a file that cannot be read.
    pub fn read(
        &self,
        table: &str,
        tenant: &str,
        day: Option<Date>,
        columns: Option<&[&str]>,
    ) -> Result<Option<Rows>, DatasetError> {
        layout::check_tenant(tenant)?;
        let table = self.table(table)?;
        let path = layout::data_file(table, tenant, day, self.format.file_name())?;
        let Some(file) = self.storage.read(&path)? else {
            return Ok(None);
        };
        // Named columns, so that a file with more of them can be read.
        let all = table.column_names();
        self.rows(&path, file, table, Some(columns.unwrap_or(&all)))
            .map(Some)
    }

    /// Rows of one file; `None` when there is no such file.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn count(
        &self,
        table: &str,
        tenant: &str,
        day: Option<Date>,
    ) -> Result<Option<u64>, DatasetError> {
        layout::check_tenant(tenant)?;
        let table = self.table(table)?;
        let path = layout::data_file(table, tenant, day, self.format.file_name())?;
        let Some(file) = self.storage.read(&path)? else {
            return Ok(None);
        };
        let shown = self.storage.locate(&path);
        self.format
            .count(file, table)
            .map(Some)
            .map_err(|error| DatasetError::read(&shown, error))
    }

    /// Opens a stored file.
    pub(crate) fn rows(
        &self,
        path: &str,
        file: File,
        table: &TableSpec,
        columns: Option<&[&str]>,
    ) -> Result<Rows, DatasetError> {
        let path = self.storage.locate(path);
        match self.format.open(file, table, columns) {
            Ok(reader) => Ok(Rows { path, reader }),
            Err(error) => Err(DatasetError::read(&path, error)),
        }
    }

    /// Whether the file that a manifest names is there, byte for byte as it was written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_in_place(&self, change: &FileChange) -> Result<bool, DatasetError> {
        let (Some(after), Some(mut file)) = (&change.after, self.storage.read(&change.path)?)
        else {
            return Ok(false);
        };
        let shown = self.storage.locate(&change.path);
        let found = crate::format::digest(&mut file).map_err(DatasetError::io("read", &shown))?;
        Ok(found.0 == after.sha256)
    }

    /// Hands every quarantined line over, after the path of its file. Of a damaged one, what is not UTF-8
    /// reads as U+FFFD.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn each_quarantined(&self, mut line: impl FnMut(&str, &str)) -> Result<(), DatasetError> {
        for path in quarantine::files(self.storage())? {
            quarantine::each_line(self.storage(), &path, |text| {
                line(&path, &quarantine::text_of(text));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Whether files that somebody moved away, because they were damaged, are still in the folder.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn has_damaged(&self) -> Result<bool, DatasetError> {
        Ok(!self.storage.list(layout::DAMAGED)?.is_empty())
    }

    /// Rows of one file with every column that the file has, also that of the original object from a
    /// time when it was kept; `None` when there is no such file.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn read_all(
        &self,
        table: &str,
        tenant: &str,
        day: Option<Date>,
    ) -> Result<Option<Rows>, DatasetError> {
        layout::check_tenant(tenant)?;
        let table = self.table(table)?;
        let path = layout::data_file(table, tenant, day, self.format.file_name())?;
        let open = |table: &TableSpec| {
            let file = self.storage.read(&path)?;
            file.map(|file| self.rows(&path, file, table, None))
                .transpose()
        };
        match open(table) {
            Err(DatasetError::UnknownColumn { column, .. })
                if column == RAW_COLUMN && !table.has_raw() =>
            {
                open(&table.with_raw())
            }
            rows => rows,
        }
    }

    /// Ids of all exports with a manifest, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn manifest_ids(&self) -> Result<Vec<String>, DatasetError> {
        let entries = self.storage.list(layout::MANIFESTS)?;
        let ids = entries
            .iter()
            .filter_map(|entry| entry.name.strip_suffix(".json"));
        let ids = ids.filter(|id| layout::check_export_id(id).is_ok());
        let mut ids: Vec<String> = ids.map(str::to_owned).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// One manifest.
    ///
    /// # Errors
    /// [`DatasetError::Unreadable`] when it is missing or damaged.
    pub fn manifest(&self, export_id: &str) -> Result<Manifest, DatasetError> {
        let (path, bytes) = self.manifest_file(export_id)?;
        read_json(&bytes, &path)
    }

    pub(crate) fn manifest_and_digest(
        &self,
        export_id: &str,
    ) -> Result<(Manifest, String), DatasetError> {
        let (path, bytes) = self.manifest_file(export_id)?;
        Ok((read_json(&bytes, &path)?, crate::format::digest_of(&bytes)))
    }

    fn manifest_file(&self, export_id: &str) -> Result<(PathBuf, Vec<u8>), DatasetError> {
        layout::check_export_id(export_id)?;
        let path = layout::manifest_file(export_id);
        let shown = self.storage.locate(&path);
        let missing = || DatasetError::unreadable(&shown, "there is no such manifest");
        let mut file = self.storage.read(&path)?.ok_or_else(missing)?;
        let bytes = record_in(&mut file).map_err(DatasetError::io("read", &shown))?;
        Ok((shown, bytes))
    }

    /// Every manifest, newest first, read one at a time.
    ///
    /// # Errors
    /// When the folder cannot be read; each item, when its manifest is damaged.
    pub fn manifests(
        &self,
    ) -> Result<impl Iterator<Item = Result<Manifest, DatasetError>> + '_, DatasetError> {
        Ok(self
            .manifest_ids()?
            .into_iter()
            .rev()
            .map(|id| self.manifest(&id)))
    }
}

/// The rows of one file, in batches.
pub struct Rows {
    path: PathBuf,
    reader: Box<dyn RowReader>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rows")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Rows {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| DatasetError::read(&self.path, error)))
    }
}

pub(crate) fn identity_in(storage: &dyn Storage) -> Result<Option<Identity>, DatasetError> {
    let shown = storage.locate(layout::IDENTITY);
    let Some(mut file) = storage.read(layout::IDENTITY)? else {
        let entries = storage.list("")?;
        let other = entries
            .into_iter()
            .find(|entry| !layout::HARMLESS.contains(&entry.name.as_str()));
        return match other {
            Some(entry) => Err(DatasetError::NotADataset {
                path: storage.locate(""),
                found: entry.name,
            }),
            None => Ok(None),
        };
    };
    let bytes = record_in(&mut file).map_err(DatasetError::io("read", &shown))?;
    read_json(&bytes, &shown).map(Some)
}

/// An object as it was written: one that was changed since is damaged.
fn read_json<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    shown: &Path,
) -> Result<T, DatasetError> {
    let changed = || DatasetError::unreadable(shown, "its contents are not what was written");
    unsealed(bytes)
        .map_err(|error| DatasetError::unreadable(shown, error))?
        .ok_or_else(changed)
}
