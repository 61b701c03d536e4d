//! The dataset's way to the disk: list, read, stage, publish. Nothing else renames a file.

mod local;
mod snapshot;

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

pub use local::LocalStorage;
pub use snapshot::{CURRENT, Snapshot, snapshot};

use crate::error::DatasetError;

/// Bytes of a manifest or of `_dataset.json` at most; the manifest of an export of thirty days
/// takes some hundred thousand.
const LARGEST_RECORD: u64 = 256 << 20;

/// The contents of a manifest or of `_dataset.json`, which are held in memory.
///
/// # Errors
/// When it cannot be read, or is larger than any that was ever written.
pub(crate) fn record_in(file: &mut File) -> io::Result<Vec<u8>> {
    if file.metadata()?.len() > LARGEST_RECORD {
        let problem = format!("it is larger than {} MiB", LARGEST_RECORD >> 20);
        return Err(io::Error::other(problem));
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile, but not for ever.
    file.take(LARGEST_RECORD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the files of a dataset are kept.
///
/// Paths are relative to the dataset's folder and use `/`.
pub trait Storage: Debug + Send + Sync {
    /// Makes the place of the dataset when there is none. An existing one is left as it is.
    ///
    /// # Errors
    /// When it cannot be made.
    fn create(&self) -> Result<(), DatasetError>;

    /// Takes the right to write to the dataset; `None` when another has it.
    ///
    /// # Errors
    /// When it cannot be known.
    fn lock(&self) -> Result<Option<StorageLock>, DatasetError>;

    /// Takes the right to publish data files, which whoever copies the dataset takes too; `None`
    /// while another has it.
    ///
    /// # Errors
    /// When it cannot be known.
    fn commit_lock(&self) -> Result<Option<StorageLock>, DatasetError>;

    /// Everything directly inside a folder, by name; nothing when there is no such folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, DatasetError>;

    /// Opens a file for reading; `None` when there is none.
    ///
    /// # Errors
    /// When it exists and cannot be opened.
    fn read(&self, path: &str) -> Result<Option<File>, DatasetError>;

    /// Makes a new, empty file with a name of its own in a folder that readers do not look into.
    /// Unless published, it goes away with [`Staged`].
    ///
    /// # Errors
    /// When it cannot be made.
    fn stage(&self, folder: &str, suffix: &str) -> Result<(Staged, File), DatasetError>;

    /// Puts staged files, whose contents are on the disk already, in the place of others. Each
    /// place holds the old file or the new one at any moment; when this returns, the new ones
    /// outlast a power cut.
    ///
    /// # Errors
    /// When one could not be moved; those before it are published.
    /// [`DatasetError::LostLock`] when the right to write, once taken with [`Storage::lock`], is not
    /// this process's any more; then none is.
    fn publish(&self, files: Vec<(Staged, String)>) -> Result<(), DatasetError>;

    /// Brings the name of a published file to the disk, with those of the folders that it is in:
    /// whoever published it may have died, or failed, before [`Storage::publish`] came to that.
    ///
    /// # Errors
    /// When the disk refuses.
    fn confirm(&self, path: &str) -> Result<(), DatasetError>;

    /// Removes a folder of staged files.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn sweep(&self, folder: &str) -> Result<(), DatasetError>;

    /// A path as it is shown to people.
    fn locate(&self, path: &str) -> PathBuf;
}

/// Something inside a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name without the folder.
    pub name: String,
    /// Whether it is itself a folder.
    pub is_folder: bool,
    /// Size of a file in bytes.
    pub bytes: u64,
}

/// A lock that is released when dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub struct StorageLock {
    file: File,
}

impl Drop for StorageLock {
    fn drop(&mut self) {
        // Closing the file would release it too, but not while a child process that is just being
        // started still has a copy of the descriptor.
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "a lock goes with its file");
        }
    }
}

/// A file that is not part of the dataset yet.
#[derive(Debug)]
pub struct Staged {
    path: tempfile::TempPath,
}

impl Staged {
    /// Opens it for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> Result<File, DatasetError> {
        File::open(&self.path).map_err(DatasetError::io("open", &self.path))
    }
}
