//! What earlier exports recorded, read back as far as needed.

use std::collections::HashMap;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::manifest::{FileRecord, Manifest};

/// How many of the newest manifests [`History::of_late`] reads.
const LATE: usize = 256;

/// The last recorded contents of files. Manifests are read newest first, and only until the file
/// in question is found: most exports touch files that a recent one wrote.
#[derive(Debug)]
pub(crate) struct History {
    dataset: Dataset,
    /// Manifests not read yet; the newest is last.
    unread: Vec<String>,
    /// How many were read.
    read: usize,
    files: HashMap<String, Option<FileRecord>>,
}

impl History {
    /// The history up to `newest`, which has been read.
    pub(crate) fn new(dataset: &Dataset, newest: Option<&Manifest>) -> Result<Self, DatasetError> {
        let mut history = Self {
            dataset: dataset.clone(),
            unread: dataset.manifest_ids()?,
            read: 0,
            files: HashMap::new(),
        };
        if let Some(newest) = newest {
            history.unread.retain(|id| *id < newest.export_id);
            history.add_older(newest);
        }
        Ok(history)
    }

    /// What was last recorded of a file; `None` when nothing was, or that there is no file.
    pub(crate) fn of(&mut self, path: &str) -> Result<Option<&FileRecord>, DatasetError> {
        self.look_for(path, usize::MAX)
    }

    /// The same, looked for in the newest manifests only: most files without a record are new, and
    /// a dataset that is years old has thousands of manifests.
    pub(crate) fn of_late(&mut self, path: &str) -> Result<Option<&FileRecord>, DatasetError> {
        self.look_for(path, LATE)
    }

    fn look_for(&mut self, path: &str, most: usize) -> Result<Option<&FileRecord>, DatasetError> {
        while !self.files.contains_key(path) && self.read < most {
            let Some(export_id) = self.unread.pop() else {
                break;
            };
            let manifest = self.dataset.manifest(&export_id)?;
            self.add_older(&manifest);
        }
        Ok(self.files.get(path).and_then(Option::as_ref))
    }

    /// Notes what this export has written.
    pub(crate) fn set(&mut self, path: &str, record: FileRecord) {
        self.files.insert(path.to_owned(), Some(record));
    }

    fn add_older(&mut self, manifest: &Manifest) {
        self.read += 1;
        for (path, record) in manifest.files() {
            if !self.files.contains_key(path) {
                self.files.insert(path.to_owned(), record.cloned());
            }
        }
    }
}
