//! Where those who query a dataset find its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lcw_dataset::{Dataset, DatasetError, Identity, storage};
use lcw_transform::Table;

use crate::error::PipelineError;
use crate::request::FileFormat;
use crate::status::no_dataset;
use crate::tables::{layout, specs};

/// A dataset as its readers meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// The folder with the tables: the dataset's, or that of a snapshot.
    pub folder: PathBuf,
    /// The folder under which it was found, which stays the same when there is a newer snapshot.
    pub found_in: PathBuf,
    /// Whether `folder` is a snapshot, whose files never change.
    pub is_snapshot: bool,
    /// The format of its files.
    pub format: FileFormat,
    /// What every file is called.
    pub file_name: String,
    /// Tables with at least one file.
    pub tables: BTreeSet<Table>,
    /// The restriction under which users were exported.
    pub filter: Option<String>,
}

/// Finds what to read: the newest of `snapshots`, where there is one; else the dataset in `out`, or
/// the newest snapshot there, for `out` may be a folder of snapshots itself.
///
/// # Errors
/// When there is no dataset, its identity is damaged, a newer program has written it, or a folder
/// cannot be listed.
pub fn readable(out: &Path, snapshots: Option<&Path>) -> Result<Readable, PipelineError> {
    let newest = snapshots.and_then(|folder| Some((folder, current(folder)?)));
    let newest = newest.or_else(|| Some((out, current(out)?)));
    let is_snapshot = newest.is_some();
    let (found_in, folder) = newest.unwrap_or_else(|| (out, out.to_owned()));
    let identity = Dataset::inspect(&folder)?.ok_or_else(|| no_dataset(&folder))?;
    described(folder, found_in, is_snapshot, identity)
}

/// The snapshot that a folder of snapshots leads to at this moment. Readers are to have its own
/// name: the one that leads to it will lead to another, in the midst of their work.
fn current(folder: &Path) -> Option<PathBuf> {
    let target = fs::read_link(folder.join(storage::CURRENT)).ok()?;
    let snapshot = folder.join(target);
    snapshot.is_dir().then_some(snapshot)
}

fn described(
    folder: PathBuf,
    found_in: &Path,
    is_snapshot: bool,
    identity: Identity,
) -> Result<Readable, PipelineError> {
    let format = FileFormat::from_names(&identity.format, &identity.compression)
        .ok_or_else(|| no_dataset(&folder))?;
    let loader = format.loader();
    let file_name = loader.file_name().to_owned();
    let specs = specs(&layout(loader.as_ref(), false))?;
    let dataset = Dataset::open(&folder, loader, specs)?;
    let mut tables = BTreeSet::new();
    for tenant in &identity.tenants {
        for table in Table::ALL {
            if has_files(&dataset, table, tenant)? {
                tables.insert(table);
            }
        }
    }
    Ok(Readable {
        folder,
        found_in: found_in.to_owned(),
        is_snapshot,
        format,
        file_name,
        tables,
        filter: identity.filter,
    })
}

fn has_files(dataset: &Dataset, table: Table, tenant: &str) -> Result<bool, DatasetError> {
    Ok(!dataset.files(table.name(), tenant)?.is_empty())
}
