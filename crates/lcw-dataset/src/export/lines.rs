//! Files of quarantined lines: the manifest says what they are about to hold, then they are replaced.

use crate::error::DatasetError;
use crate::export::Journal;
use crate::manifest::{FileChange, FileRecord};
use crate::quarantine::{self, StagedLines};
use crate::recover;
use crate::staging;

impl Journal {
    /// Publishes the lines that wait. They are counted in the next manifest that is saved.
    pub(crate) fn publish_quarantine(&mut self) -> Result<(), DatasetError> {
        let (storage, staging) = (self.dataset.storage(), self.staging_folder());
        let files = self
            .quarantine
            .stage(storage, &staging, &self.manifest.export_id)?;
        if files.is_empty() {
            return Ok(());
        }
        self.replace_lines(files)?;
        let counts = self.quarantine.note_published();
        self.manifest.quarantined.extend(counts);
        Ok(())
    }

    /// Publishes that files of lines are about to be replaced, also where there are none, and then
    /// replaces them.
    pub(super) fn replace_lines(&mut self, files: Vec<StagedLines>) -> Result<(), DatasetError> {
        let mut moves = Vec::new();
        for StagedLines {
            staged,
            path,
            after,
        } in files
        {
            let before = self.lines_before(&path)?;
            let original = self.before.entry(path.clone());
            original.or_insert_with(|| before.clone());
            let change = FileChange {
                path: path.clone(),
                before,
                after: Some(after),
            };
            self.manifest.quarantine_files.insert(path.clone(), change);
            moves.push((staged, path));
        }
        self.save()?;
        if moves.is_empty() {
            return Ok(());
        }
        let paths: Vec<String> = moves.iter().map(|(_, path)| path.clone()).collect();
        {
            let storage = self.dataset.storage();
            let _lock = staging::wait_to_commit(storage, &self.asked)?;
            storage.publish(moves)?;
        }
        for path in &paths {
            self.remember_before(path);
        }
        Ok(())
    }

    /// What a file of lines holds that is about to be replaced.
    fn lines_before(&mut self, path: &str) -> Result<Option<FileRecord>, DatasetError> {
        let is_counted = recover::counted_lines(&self.manifest).contains(path);
        if let Some(change) = self.manifest.quarantine_files.get_mut(path) {
            // It may have been replaced the last time, or not.
            recover::settle_lines(&self.dataset, change, is_counted)?;
            return Ok(change.after.clone());
        }
        let found = quarantine::scan_at(self.dataset.storage(), path)?;
        Ok(found.map(|found| found.record))
    }

    pub(super) fn put_lines_on_record(&mut self, path: &str) -> Result<bool, DatasetError> {
        let storage = self.dataset.storage();
        let Some(found) = quarantine::scan_at(storage, path)? else {
            return Ok(false);
        };
        if let Some(problem) = found.problem {
            return Err(DatasetError::unreadable(&storage.locate(path), problem));
        }
        let before = self.history.of(path)?.cloned();
        if before.as_ref() == Some(&found.record) {
            return Ok(false);
        }
        let change = FileChange {
            path: path.to_owned(),
            before,
            after: Some(found.record),
        };
        self.manifest
            .quarantine_files
            .insert(path.to_owned(), change);
        Ok(true)
    }
}
