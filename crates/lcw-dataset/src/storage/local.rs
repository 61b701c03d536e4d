//! A dataset in a folder of the local file system.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Entry, Staged, Storage, StorageLock};
use crate::error::DatasetError;
use crate::layout;

/// A dataset in a folder.
///
/// Symbolic links below the folder are refused, never followed, and so are pipes, sockets and
/// devices, which would never end or never begin. New files get the permissions that the umask
/// leaves, a new dataset folder 0750.
#[derive(Debug)]
pub struct LocalStorage {
    root: PathBuf,
    /// Folders whose own names this process has brought to the disk.
    durable: Mutex<HashSet<PathBuf>>,
    /// The lock file that this process has locked to write, told from others of its name.
    locked: Mutex<Option<FileId>>,
}

/// What tells a file from another one that takes its name while it is open.
type FileId = (u64, u64);

/// So often a folder is swept that somebody still puts files into.
const SWEEPS: u32 = 100;

impl LocalStorage {
    /// The storage in a folder, which need not exist to be read from.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            durable: Mutex::default(),
            locked: Mutex::default(),
        }
    }

    /// Whether files can be made in the folder, or where the folder is going to be. Leaves nothing
    /// behind.
    pub(crate) fn probe(&self) -> Result<(), DatasetError> {
        let exists = |folder: &&Path| is_folder(folder) || folder.exists();
        let nearest = match self.root.ancestors().find(exists) {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let made = tempfile::tempfile_in(nearest);
        made.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound => DatasetError::UnusableFolder {
                path: nearest.to_owned(),
                source,
            },
            _ => DatasetError::io("make a file in", nearest)(source),
        })
    }

    /// Whether every user of this machine may put files into the folder.
    #[cfg(unix)]
    pub(crate) fn is_open_to_everybody(&self) -> bool {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(&self.root).is_ok_and(|root| root.permissions().mode() & 0o002 != 0)
    }

    /// Who else may put files into the folder is not looked at there.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "the same signature on every platform")]
    pub(crate) fn is_open_to_everybody(&self) -> bool {
        false
    }

    /// The full path of something below the root, each of whose parts is a file or a folder itself
    /// and none of which leads up: a manifest names paths, and anybody's file may lie at one that
    /// climbs.
    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, DatasetError> {
        let mut full = self.root.clone();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            full.push(part);
            if part == ".." {
                return Err(DatasetError::unreadable(&full, "it is outside the dataset"));
            }
            match fs::symlink_metadata(&full) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(DatasetError::SymbolicLink { path: full });
                }
                Ok(metadata) if metadata.is_file() || metadata.is_dir() => {}
                Ok(_) => return Err(DatasetError::SpecialFile { path: full }),
                // What does not exist cannot be a link; the parts after it do not exist either.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(DatasetError::io("look at", &full)(error)),
            }
        }
        Ok(full)
    }

    fn try_lock(&self, name: &str) -> Result<Option<StorageLock>, DatasetError> {
        let (file, path) = self.open_lock(name)?;
        match file.try_lock() {
            // Somebody may have taken it away since it was opened.
            Ok(()) if id_of(file.metadata()) != id_of(fs::metadata(&path)) => {
                Err(DatasetError::LostLock { path })
            }
            Ok(()) => Ok(Some(StorageLock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(DatasetError::io("lock", &path)(error)),
        }
    }

    /// Opens a lock file, which is made once and never deleted: a lock on a file that is deleted
    /// and made anew excludes nobody.
    pub(super) fn open_lock(&self, name: &str) -> Result<(File, PathBuf), DatasetError> {
        let path = self.resolve(name)?;
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        Ok((file.map_err(DatasetError::io("open", &path))?, path))
    }

    /// A lock on a file that has lost its name excludes nobody: whoever comes next makes a new one.
    fn check_lock(&self) -> Result<(), DatasetError> {
        let locked = *self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.locate(layout::LOCK);
        match locked {
            Some(locked) if id_of(fs::metadata(&path)) != Some(locked) => {
                Err(DatasetError::LostLock { path })
            }
            _ => Ok(()),
        }
    }

    /// Makes a folder and its parents below the root, and brings their names to the disk.
    fn make_folder(&self, folder: &Path) -> Result<(), DatasetError> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let below_root = folder.strip_prefix(&self.root).unwrap_or(folder);
        let mut current = self.root.clone();
        for part in below_root.components() {
            let parent = current.clone();
            current.push(part);
            if durable.contains(&current) && current.is_dir() {
                continue;
            }
            match fs::create_dir(&current) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(DatasetError::io("make the folder", &current))?,
            }
            // Also for a folder that was there: whoever made it may have died before this.
            sync_folder(&parent)?;
            durable.insert(current.clone());
        }
        Ok(())
    }
}

impl Storage for LocalStorage {
    fn create(&self) -> Result<(), DatasetError> {
        if self.root.join(layout::IDENTITY).exists() {
            return Ok(());
        }
        // Whoever made the last of these folders may have died before its name was on the disk.
        if let Some(folder) = self.root.ancestors().find(|folder| is_folder(folder)) {
            confirm_folder(folder)?;
        }
        if self.root.is_dir() {
            return Ok(());
        }
        let missing = self
            .root
            .ancestors()
            .skip(1)
            .take_while(|parent| !is_folder(parent));
        let missing: Vec<&Path> = missing.collect();
        for parent in missing.into_iter().rev() {
            make_durable(parent, |parent| fs::create_dir(parent))?;
        }
        make_durable(&self.root, make_private_folder)
    }

    fn lock(&self) -> Result<Option<StorageLock>, DatasetError> {
        let lock = self.try_lock(layout::LOCK)?;
        if let Some(lock) = &lock {
            let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
            *locked = id_of(lock.file.metadata());
        }
        Ok(lock)
    }

    fn commit_lock(&self) -> Result<Option<StorageLock>, DatasetError> {
        self.try_lock(layout::COMMIT_LOCK)
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, DatasetError> {
        let full = self.resolve(folder)?;
        let failed = || DatasetError::io("list", &full);
        let names = match fs::read_dir(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(failed())?,
        };
        let mut entries = Vec::new();
        for entry in names {
            let entry = entry.map_err(failed())?;
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata.map_err(failed())?,
            };
            // A name that is not Unicode is none of ours, but has to be seen as something else.
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry {
                name,
                is_folder: metadata.is_dir(),
                bytes: metadata.len(),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Option<File>, DatasetError> {
        let full = self.resolve(path)?;
        match File::open(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some).map_err(DatasetError::io("open", &full)),
        }
    }

    fn stage(&self, folder: &str, suffix: &str) -> Result<(Staged, File), DatasetError> {
        let folder = self.resolve(folder)?;
        let failed = || DatasetError::io("make a file in", &folder);
        fs::create_dir_all(&folder).map_err(DatasetError::io("make the folder", &folder))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("").suffix(suffix);
        // A temporary file is 0600 by default; these become the dataset's own.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, path) = builder.tempfile_in(&folder).map_err(failed())?.into_parts();
        Ok((Staged { path }, file))
    }

    fn publish(&self, files: Vec<(Staged, String)>) -> Result<(), DatasetError> {
        let mut folders = BTreeSet::new();
        let mut moves = Vec::new();
        for (staged, target) in files {
            let target = self.resolve(&target)?;
            if let Some(folder) = target.parent() {
                self.make_folder(folder)?;
                folders.insert(folder.to_owned());
            }
            if let Some(folder) = staged.path.parent() {
                folders.insert(folder.to_owned());
            }
            moves.push((staged, target));
        }
        self.check_lock()?;
        for (mut staged, target) in moves {
            rename(&staged.path, &target).map_err(DatasetError::io("replace", &target))?;
            staged.path.disable_cleanup(true);
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    fn confirm(&self, path: &str) -> Result<(), DatasetError> {
        let full = self.resolve(path)?;
        let folders = full.ancestors().skip(1);
        folders
            .take_while(|folder| folder.starts_with(&self.root))
            .try_for_each(sync_folder)
    }

    fn sweep(&self, folder: &str) -> Result<(), DatasetError> {
        let full = self.resolve(folder)?;
        for _ in 0..SWEEPS {
            match fs::remove_dir_all(&full) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                // Somebody who has lost the lock, and is about to notice, has made a file there.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                removed => return removed.map_err(DatasetError::io("remove", &full)),
            }
        }
        fs::remove_dir_all(&full).map_err(DatasetError::io("remove", &full))
    }

    fn locate(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        }
    }
}

/// Device and inode of a file; `None` where there is none, or where they cannot be known.
#[cfg(unix)]
fn id_of(file: io::Result<fs::Metadata>) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    file.ok().map(|file| (file.dev(), file.ino()))
}

/// A file that is open cannot be deleted there.
#[cfg(not(unix))]
fn id_of(_file: io::Result<fs::Metadata>) -> Option<FileId> {
    None
}

/// Whether a path is a folder; the empty path is the current one.
fn is_folder(path: &Path) -> bool {
    path == Path::new("") || path.is_dir()
}

/// Makes a folder, unless another process just did, and brings its name to the disk.
fn make_durable(
    folder: &Path,
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), DatasetError> {
    match make(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        outcome => outcome.map_err(DatasetError::io("make the folder", folder))?,
    }
    sync_folder(parent_of(folder))
}

/// Brings the name of a folder to the disk that was there before. One above it that this user may
/// not open or change is somebody else's, and so is what is in it.
fn confirm_folder(folder: &Path) -> Result<(), DatasetError> {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match sync_folder(parent_of(folder)) {
        Err(DatasetError::Io { source, .. })
            if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

fn parent_of(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o750).create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Brings the names in a folder to the disk.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> Result<(), DatasetError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems cannot do this for folders, and say so.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(DatasetError::io("flush the folder", path)),
    }
}

/// A folder cannot be flushed there; the file system's journal keeps the order of renames.
#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every platform"
)]
pub(super) fn sync_folder(_path: &Path) -> Result<(), DatasetError> {
    Ok(())
}

#[cfg(not(windows))]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that publishes files"
)]
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// A file that a reader holds open cannot be replaced there: readers are waited for.
#[cfg(windows)]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that publishes files"
)]
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    const ATTEMPTS: u32 = 40;
    for attempt in 1..ATTEMPTS {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(std::time::Duration::from_millis(u64::from(attempt) * 10));
            }
            renamed => return renamed,
        }
    }
    fs::rename(from, to)
}

#[cfg(test)]
mod tests;
