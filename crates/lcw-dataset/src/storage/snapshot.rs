//! A copy of a dataset for readers, made of hard links.
//!
//! Files of a dataset are replaced and never changed, so a second name for each of them is a copy
//! that costs no room and never moves. It is taken while no day is being published: every table is
//! of the same generation in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::local::{LocalStorage, rename, sync_folder};
use super::{Storage, StorageLock};
use crate::dataset::identity_in;
use crate::error::DatasetError;
use crate::layout;

/// The name, among the snapshots, that leads to the newest one.
pub const CURRENT: &str = "current";
const PARTIAL: &str = "_partial-";

/// A snapshot of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name: the export whose state it is, with `.2`, `.3`, … where it was taken more than once
    /// while that export was writing.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Files in it.
    pub files: u64,
    /// Their size, which they share with the dataset.
    pub bytes: u64,
    /// Whether there was none yet of this state.
    pub is_new: bool,
    /// Names of older snapshots that were removed.
    pub removed: Vec<String>,
}

/// Makes `<into>/<export_id>`, points `<into>/current` to it, and removes all but the newest `keep`
/// snapshots. Waits for a commit that is under way, never for an export. `None` when there is no
/// dataset, or no export has written to it.
///
/// # Errors
/// [`DatasetError::SnapshotFolder`] for a folder inside the dataset or of another dataset,
/// [`DatasetError::Io`] where the two are on different file systems or a link cannot be made. The
/// dataset is never changed, and `current` only once the new snapshot is whole and on the disk.
pub fn snapshot(
    root: &Path,
    into: &Path,
    keep: NonZeroUsize,
) -> Result<Option<Snapshot>, DatasetError> {
    let storage = LocalStorage::new(root);
    if identity_in(&storage)?.is_none() {
        return Ok(None);
    }
    let folder = SnapshotFolder::open(root, into)?;
    let partial = folder.partial()?;
    let copied = {
        let _lock = locked(&storage, layout::COMMIT_LOCK)?;
        let mut copy = Copy::default();
        for entry in storage.list("")? {
            if !layout::HARMLESS.contains(&entry.name.as_str()) {
                copy.link(&storage, &entry.name, partial.path())?;
            }
        }
        copy
    };
    let Some(export_id) = copied.exports().next_back().map(str::to_owned) else {
        return Ok(None);
    };
    folder.refuse_another_dataset(&copied)?;
    let (name, is_new) = folder.place(partial, &export_id, &copied)?;
    folder.point_to(&name)?;
    Ok(Some(Snapshot {
        path: folder.path.join(&name),
        files: copied.files.len() as u64,
        bytes: copied.bytes,
        is_new,
        removed: folder.prune(&name, keep)?,
        name,
    }))
}

/// The folder of the snapshots, for one process at a time.
struct SnapshotFolder {
    path: PathBuf,
    _lock: StorageLock,
}

impl SnapshotFolder {
    fn open(root: &Path, path: &Path) -> Result<Self, DatasetError> {
        if is_inside(root, path).map_err(DatasetError::io("find the folder", path))? {
            return Err(DatasetError::SnapshotFolder {
                path: path.to_owned(),
                problem: "it is inside the dataset, whose readers would meet every row twice",
            });
        }
        let storage = LocalStorage::new(path);
        storage.create()?;
        let folder = Self {
            path: path.to_owned(),
            _lock: locked(&storage, layout::LOCK)?,
        };
        for entry in storage.list("")? {
            // What a killed process left.
            if entry.is_folder && entry.name.starts_with(PARTIAL) {
                storage.sweep(&entry.name)?;
            }
        }
        Ok(folder)
    }

    fn partial(&self) -> Result<TempDir, DatasetError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PARTIAL);
        // A temporary folder is 0700 by default; this one is for readers.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let made = builder.tempdir_in(&self.path);
        made.map_err(DatasetError::io("make a folder in", &self.path))
    }

    /// Every snapshot, oldest first.
    fn snapshots(&self) -> Result<Vec<String>, DatasetError> {
        let entries = LocalStorage::new(&self.path).list("")?;
        let names = entries.into_iter().filter(|entry| entry.is_folder);
        let mut names: Vec<(String, u32)> = names.filter_map(|it| name_parts(&it.name)).collect();
        names.retain(|(id, nth)| {
            let folder = self.path.join(name_of(id, *nth));
            folder.join(layout::IDENTITY).is_file()
        });
        names.sort_unstable();
        Ok(names.iter().map(|(id, nth)| name_of(id, *nth)).collect())
    }

    /// The first export is what tells datasets apart.
    fn refuse_another_dataset(&self, copy: &Copy) -> Result<(), DatasetError> {
        let Some(newest) = self.snapshots()?.pop() else {
            return Ok(());
        };
        let first = copy.exports().next().map(layout::manifest_file);
        let is_theirs = |path: String| self.path.join(&newest).join(path).is_file();
        if first.is_some_and(is_theirs) {
            return Ok(());
        }
        Err(DatasetError::SnapshotFolder {
            path: self.path.clone(),
            problem: "it holds snapshots of another dataset",
        })
    }

    /// Gives a finished copy its name, unless the same is there already.
    fn place(
        &self,
        partial: TempDir,
        export_id: &str,
        copy: &Copy,
    ) -> Result<(String, bool), DatasetError> {
        let mut nth = 1;
        loop {
            let name = name_of(export_id, nth);
            let path = self.path.join(&name);
            if !path.exists() {
                copy.folders
                    .iter()
                    .try_for_each(|folder| sync_folder(folder))?;
                sync_folder(partial.path())?;
                rename(partial.path(), &path).map_err(DatasetError::io("make", &path))?;
                // It has another name now.
                let _gone = partial.keep();
                sync_folder(&self.path)?;
                return Ok((name, true));
            }
            if copy.is_same_as(&path)? {
                return Ok((name, false));
            }
            nth += 1;
        }
    }

    /// Readers who follow `current` find the old snapshot or the new one, at any moment.
    fn point_to(&self, name: &str) -> Result<(), DatasetError> {
        let current = self.path.join(CURRENT);
        if fs::read_link(&current).is_ok_and(|target| target == Path::new(name)) {
            return Ok(());
        }
        let fresh = self.path.join(format!("{PARTIAL}{CURRENT}"));
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DatasetError::io("remove", &fresh)(error));
            }
            _ => {}
        }
        link_to_folder(Path::new(name), &fresh).map_err(DatasetError::io("link", &fresh))?;
        rename(&fresh, &current).map_err(DatasetError::io("replace", &current))?;
        sync_folder(&self.path)
    }

    fn prune(&self, current: &str, keep: NonZeroUsize) -> Result<Vec<String>, DatasetError> {
        let mut names = self.snapshots()?;
        names.retain(|name| name != current);
        let too_many = (names.len() + 1).saturating_sub(keep.get());
        names.truncate(too_many);
        for name in &names {
            LocalStorage::new(&self.path).sweep(name)?;
        }
        Ok(names)
    }
}

/// What has been linked.
#[derive(Default)]
struct Copy {
    /// Every file by its path below the dataset.
    files: BTreeMap<String, Stamp>,
    folders: Vec<PathBuf>,
    bytes: u64,
}

impl Copy {
    /// Gives something of the dataset, and everything below it, a second name below `to`.
    fn link(&mut self, storage: &LocalStorage, path: &str, to: &Path) -> Result<(), DatasetError> {
        let from = storage.resolve(path)?;
        let target = to.join(path);
        let metadata = fs::symlink_metadata(&from).map_err(DatasetError::io("look at", &from))?;
        if metadata.is_dir() {
            fs::create_dir(&target).map_err(DatasetError::io("make the folder", &target))?;
            for entry in storage.list(path)? {
                self.link(storage, &format!("{path}/{}", entry.name), to)?;
            }
            self.folders.push(target);
            return Ok(());
        }
        second_name(&from, &target).map_err(DatasetError::io("link", &target))?;
        self.bytes += metadata.len();
        self.files.insert(path.to_owned(), stamp(&target)?);
        Ok(())
    }

    /// Ids of the exports with a manifest, oldest first.
    fn exports(&self) -> impl DoubleEndedIterator<Item = &str> {
        let manifests = |path: &'_ str| path.strip_prefix(layout::MANIFESTS).map(str::len);
        let names = self.files.keys().filter_map(move |path| {
            let length = manifests(path)?;
            path[path.len() - length..]
                .strip_prefix('/')?
                .strip_suffix(".json")
        });
        names.filter(|id| layout::check_export_id(id).is_ok())
    }

    /// Whether a folder consists of the very same files.
    fn is_same_as(&self, folder: &Path) -> Result<bool, DatasetError> {
        let mut theirs = BTreeMap::new();
        let storage = LocalStorage::new(folder);
        let mut folders = vec![String::new()];
        while let Some(path) = folders.pop() {
            for entry in storage.list(&path)? {
                let path = match path.as_str() {
                    "" => entry.name,
                    path => format!("{path}/{}", entry.name),
                };
                if entry.is_folder {
                    folders.push(path);
                } else {
                    theirs.insert(path.clone(), stamp(&folder.join(path))?);
                }
            }
        }
        Ok(theirs == self.files)
    }
}

/// Waits for a lock; whoever holds it has done in a moment.
fn locked(storage: &LocalStorage, name: &str) -> Result<StorageLock, DatasetError> {
    let (file, path) = storage.open_lock(name)?;
    file.lock().map_err(DatasetError::io("lock", &path))?;
    Ok(StorageLock { file })
}

/// Whether a folder, which need not exist yet, is below another one or the same.
fn is_inside(root: &Path, path: &Path) -> io::Result<bool> {
    let whole = std::path::absolute(path)?;
    let nearest = whole.ancestors().find(|parent| parent.exists());
    let root = fs::canonicalize(root)?;
    let found = nearest.map(fs::canonicalize).transpose()?;
    Ok(found.is_some_and(|found| found.starts_with(root)))
}

/// A manifest may be replaced at any time: the file that was found under its name can be gone by the
/// moment it is to get another, and then there is a newer one.
fn second_name(from: &Path, target: &Path) -> io::Result<()> {
    const ATTEMPTS: u32 = 100;
    for _ in 1..ATTEMPTS {
        match fs::hard_link(from, target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => {}
            linked => return linked,
        }
    }
    fs::hard_link(from, target)
}

/// What tells a file from the one that replaces it: size and time of its last change.
type Stamp = (u64, SystemTime);

fn stamp(path: &Path) -> Result<Stamp, DatasetError> {
    let found = fs::symlink_metadata(path).and_then(|it| Ok((it.len(), it.modified()?)));
    found.map_err(DatasetError::io("look at", path))
}

fn name_of(export_id: &str, nth: u32) -> String {
    if nth == 1 {
        export_id.to_owned()
    } else {
        format!("{export_id}.{nth}")
    }
}

/// The export of a snapshot's name, and which of its snapshots it is.
fn name_parts(name: &str) -> Option<(String, u32)> {
    let (id, nth) = match name.split_once("Z.") {
        Some((_, nth)) => (
            name.strip_suffix(nth)?.strip_suffix('.')?,
            nth.parse().ok()?,
        ),
        None => (name, 1),
    };
    let is_ours = id.ends_with('Z') && layout::check_export_id(id).is_ok();
    is_ours.then(|| (id.to_owned(), nth))
}

#[cfg(unix)]
fn link_to_folder(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link_to_folder(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}
