//! What earlier exports recorded, read back as far as needed.

use std::collections::HashMap;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::manifest::{FileRecord, Manifest};

/// The last recorded contents of files. Manifests are read newest first, and only until the file
/// in question is found: most exports touch files that a recent one wrote.
#[derive(Debug)]
pub(crate) struct History {
    dataset: Dataset,
    /// Manifests not read yet; the newest is last.
    unread: Vec<String>,
    files: HashMap<String, Option<FileRecord>>,
}

impl History {
    pub(crate) fn new(dataset: &Dataset) -> Result<Self, DatasetError> {
        let unread = dataset.manifest_ids()?;
        Ok(Self {
            dataset: dataset.clone(),
            unread,
            files: HashMap::new(),
        })
    }

    /// What was last recorded of a file; `None` when nothing was, or that there is no file.
    pub(crate) fn of(&mut self, path: &str) -> Result<Option<&FileRecord>, DatasetError> {
        while !self.files.contains_key(path) {
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
        for (path, record) in manifest.files() {
            if !self.files.contains_key(path) {
                self.files.insert(path.to_owned(), record.cloned());
            }
        }
    }
}
