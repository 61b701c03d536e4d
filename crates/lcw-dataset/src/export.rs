//! One export: its manifest, and the days that it commits.

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use jiff::civil::Date;
use tracing::{info, warn};

use crate::asked::Asked;
use crate::audit::Place;
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::history::History;
use crate::layout;
use crate::lock::write_json;
use crate::manifest::{
    AcknowledgedManifest, DayRecord, DayState, FileChange, FileRecord, ForgottenRows, Listing,
    Manifest, ManifestLink, ManifestRef, ManifestTail, Status,
};
use crate::merge::MergeStats;
use crate::quarantine::{self, Quarantine};
use crate::recover;
use crate::staging::{self, Staging};
use crate::writer::Writer;

/// An export under way. Dropped without [`Export::close`], it counts as interrupted: the next
/// writer finds out what it left.
#[derive(Debug)]
pub struct Export<'w> {
    journal: Journal,
    /// Keeps the lock for as long as the export lasts.
    writer: &'w mut Writer,
}

impl<'w> Export<'w> {
    pub(crate) fn new(writer: &'w mut Writer, journal: Journal) -> Self {
        Self { journal, writer }
    }

    /// The dataset, for reading what is stored.
    pub fn dataset(&self) -> &Dataset {
        &self.journal.dataset
    }

    /// The manifest as it stands, with what earlier exports of the tenant carried forward.
    pub fn manifest(&self) -> &Manifest {
        &self.journal.manifest
    }

    /// From now on a day is given up while it is staged, and a commit while others keep it waiting,
    /// once `asked` says that somebody wants to stop: with [`DatasetError::Stopped`], and nothing of
    /// it is published.
    pub fn stop_when(&mut self, asked: impl Fn() -> bool + Send + Sync + 'static) {
        self.journal.asked = Asked::by(asked);
    }

    /// Records the listing of a workflow. It is saved with the next commit, and at the end.
    pub fn set_listing(&mut self, workflow_id: impl Into<String>, listing: Listing) {
        self.journal
            .manifest
            .listings
            .insert(workflow_id.into(), listing);
    }

    /// Replaces the pipeline's own facts. Saved with the next commit, and at the end.
    pub fn set_state(&mut self, state: serde_json::Value) {
        self.journal.manifest.state = state;
    }

    /// Keeps objects of a table that could not become rows: one line of JSON each, with or without
    /// its line feed. They are appended to `_quarantine/<export_id>/<table>.ndjson` with the next
    /// commit, or at the end, and counted in the manifest; no reader of tables looks there. Says
    /// how many there were. [`Staging::quarantine`] is for use while a day is staged.
    ///
    /// # Errors
    /// For an unknown table, a line that is not one JSON object, and a full disk; then none of
    /// these lines is kept.
    pub fn quarantine(
        &mut self,
        table: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<u64, DatasetError> {
        self.journal.quarantine(table, lines)
    }

    /// Writes lines that earlier exports have quarantined anew without what somebody has asked to forget:
    /// `redact` says what a line of JSON becomes, and `None` where it stays. Says how many lines
    /// changed. Lines are replaced and never removed, because manifests count them; each file is
    /// the old one or the new one, and the manifest says before what both hold. A file that is not
    /// the recorded one is replaced, too: that the chain is broken there can still be seen. Of a damaged
    /// line, what is not UTF-8 reads as U+FFFD; where it stays, it stays byte for byte.
    ///
    /// # Errors
    /// For a file that cannot be read or replaced, and a new line that is not one JSON object; then
    /// none is replaced unless the disk refused half way. [`DatasetError::Stopped`] when somebody asks
    /// to stop while others keep it waiting.
    pub fn rewrite_quarantine(
        &mut self,
        redact: impl Fn(&str) -> Option<String>,
    ) -> Result<u64, DatasetError> {
        let journal = &mut self.journal;
        let staging = journal.staging_folder();
        let (files, changed) =
            quarantine::stage_rewritten(&journal.dataset, &staging, journal.export_id(), &redact)?;
        journal.replace_lines(files)?;
        Ok(changed)
    }

    /// Notes in the manifest that somebody knows of one before it that is gone or was changed.
    pub fn acknowledge(&mut self, known: AcknowledgedManifest) {
        self.journal.manifest.acknowledged.push(known);
    }

    /// Puts on record what a file holds, which a manifest that is gone may have said: from now on it is as it
    /// is now. All of it is read first. Says whether that was not on record already. Saved at the end.
    ///
    /// # Errors
    /// For a file that cannot be read as its table.
    pub fn put_on_record(&mut self, place: &Place) -> Result<bool, DatasetError> {
        self.journal.put_on_record(place)
    }

    /// The same for a file of quarantined lines, by its path.
    ///
    /// # Errors
    /// For a file that cannot be read, or whose lines are not JSON objects.
    pub fn put_lines_on_record(&mut self, path: &str) -> Result<bool, DatasetError> {
        self.journal.put_lines_on_record(path)
    }

    /// Starts on a day (`None`: on the undated tables). Days are committed one after the other.
    ///
    /// # Errors
    /// None now; storage elsewhere may have some.
    pub fn day(&mut self, day: Option<Date>) -> Result<Staging<'_>, DatasetError> {
        Ok(Staging::new(&mut self.journal, day))
    }

    /// Gives every table that has no file one without rows, on `last_day` where tables are kept
    /// by day, so that whoever reads a table finds its columns. Says which tables got one.
    ///
    /// # Errors
    /// As [`Staging::commit`], and for an unknown table.
    pub fn ensure_every_table_has_a_file<'t>(
        &mut self,
        tables: &[&'t str],
        last_day: Date,
    ) -> Result<Vec<&'t str>, DatasetError> {
        let (mut dated, mut undated) = (Vec::new(), Vec::new());
        for name in tables {
            let by_day = self.dataset().table(name)?.by_day();
            if self
                .dataset()
                .files(name, self.journal.tenant())?
                .is_empty()
            {
                let group = if by_day { &mut dated } else { &mut undated };
                group.push(*name);
            }
        }
        let made = [undated.as_slice(), &dated].concat();
        for (day, tables) in [(None, undated), (Some(last_day), dated)] {
            if !tables.is_empty() {
                let mut staging = self.day(day)?;
                tables
                    .iter()
                    .try_for_each(|table| staging.create_empty(table))?;
                staging.commit()?;
            }
        }
        Ok(made)
    }

    /// Ends the export: its manifest says how, and becomes the predecessor of the next.
    ///
    /// # Errors
    /// When the manifest, or what is quarantined, cannot be written; the next writer then takes
    /// the export for interrupted.
    pub fn close(mut self, tail: ManifestTail) -> Result<ManifestRef, DatasetError> {
        let journal = &mut self.journal;
        // It ends, asked to or not; whoever copies the dataset is waited for.
        journal.asked = Asked::default();
        journal.publish_quarantine()?;
        recover::settle(&journal.dataset, &mut journal.manifest)?;
        let manifest = &mut journal.manifest;
        manifest.status = tail.status;
        manifest.finished_at = Some(tail.finished_at);
        manifest.requests = tail.requests;
        manifest.runs = tail.runs;
        manifest.proof = tail.proof;
        manifest.not_covered = tail.not_covered;
        manifest.drift = tail.drift;
        let sha256 = journal.save()?;
        self.writer.remember_head(ManifestLink {
            export_id: journal.export_id().to_owned(),
            sha256: sha256.clone(),
        });
        journal.dataset.storage().sweep(&journal.staging_folder())?;
        let export_id = journal.export_id().to_owned();
        let path = journal
            .dataset
            .storage()
            .locate(&layout::manifest_file(&export_id));
        // Kept elsewhere, it tells whether somebody has written the history anew.
        info!(sha256 = %sha256, "manifest");
        Ok(ManifestRef {
            export_id,
            sha256,
            path,
        })
    }
}

/// The manifest of an export in progress, and what earlier ones recorded.
#[derive(Debug)]
pub(crate) struct Journal {
    dataset: Dataset,
    manifest: Manifest,
    history: History,
    quarantine: Quarantine,
    /// Says when to give a day up.
    asked: Asked,
    /// Tables by day that were committed already, to count a file once.
    written: BTreeSet<(String, String)>,
    /// What files held before this export, by path: a day may be committed more than once.
    before: BTreeMap<String, Option<FileRecord>>,
}

impl Journal {
    pub(crate) fn new(dataset: &Dataset, manifest: Manifest, history: History) -> Self {
        Self {
            dataset: dataset.clone(),
            manifest,
            history,
            quarantine: Quarantine::default(),
            asked: Asked::default(),
            written: BTreeSet::new(),
            before: BTreeMap::new(),
        }
    }

    pub(crate) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.manifest.tenant_id
    }

    pub(crate) fn export_id(&self) -> &str {
        &self.manifest.export_id
    }

    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    pub(crate) fn staging_folder(&self) -> String {
        layout::staging_folder(self.export_id())
    }

    /// Digest and size of a stored file, which has to be the one that was last recorded.
    pub(crate) fn verify(
        &mut self,
        path: &str,
        file: &mut File,
    ) -> Result<(String, u64), DatasetError> {
        let shown = self.dataset.storage().locate(path);
        let found = staging::digest(file, &shown)?;
        staging::rewind(file, &shown)?;
        match self.history.of(path)? {
            Some(recorded) if recorded.sha256 != found.0 => Err(DatasetError::unreadable(
                &shown,
                "its SHA-256 is not the one that the manifest of its export recorded",
            )),
            _ => Ok(found),
        }
    }

    /// A recorded file that somebody took away is not an error: that is how one is repaired.
    pub(crate) fn warn_when_gone(&mut self, path: &str) -> Result<(), DatasetError> {
        if let Some(recorded) = self.history.of_late(path)? {
            warn!(
                path,
                rows = recorded.rows,
                "a recorded file is gone, it is written anew"
            );
        }
        Ok(())
    }

    /// Keeps lines until the next commit.
    pub(crate) fn quarantine(
        &mut self,
        table: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<u64, DatasetError> {
        let staging = self.staging_folder();
        self.quarantine.add(&self.dataset, &staging, table, lines)
    }

    fn put_on_record(&mut self, place: &Place) -> Result<bool, DatasetError> {
        // Also with the original objects, from a time when they were kept.
        let table = self.dataset.table(&place.table)?.with_raw();
        let file_name = self.dataset.format().file_name();
        let path = layout::data_file(&table, &place.tenant, place.day, file_name)?;
        let Some(mut file) = self.dataset.storage().read(&path)? else {
            return Ok(false);
        };
        let shown = self.dataset.storage().locate(&path);
        let (sha256, bytes) = staging::digest(&mut file, &shown)?;
        let before = self.history.of(&path)?.cloned();
        if before
            .as_ref()
            .is_some_and(|before| before.sha256 == sha256)
        {
            return Ok(false);
        }
        staging::rewind(&mut file, &shown)?;
        let mut rows = 0;
        for batch in self.dataset.rows(&path, file, &table, None)? {
            rows += batch?.num_rows() as u64;
        }
        // The table's name is that of the file of this export's tenant.
        let key = if place.tenant == self.tenant() {
            place.table.clone()
        } else {
            path.clone()
        };
        let change = FileChange {
            path,
            before,
            after: Some(FileRecord {
                sha256,
                rows,
                bytes,
            }),
        };
        let record = self.day(place.day);
        record.state = DayState::Committed;
        record.files.insert(key, change);
        Ok(true)
    }

    pub(crate) fn note_forgotten(&mut self, day: Option<Date>, rows: ForgottenRows) {
        self.manifest.forgotten.push(ForgottenRows {
            day: layout::day_key(day),
            ..rows
        });
    }

    /// Publishes that files are about to be replaced.
    pub(crate) fn intend(
        &mut self,
        day: Option<Date>,
        files: BTreeMap<String, FileChange>,
        has_gaps: bool,
    ) -> Result<(), DatasetError> {
        for file in files.values() {
            let before = self.before.entry(file.path.clone());
            before.or_insert_with(|| file.before.clone());
        }
        let record = self.day(day);
        record.has_gaps |= has_gaps;
        record.state = DayState::Intended;
        record.files.extend(files);
        self.save().map(|_| ())
    }

    /// Publishes that the files of a day are in place.
    pub(crate) fn committed(
        &mut self,
        day: Option<Date>,
        stats: &BTreeMap<String, MergeStats>,
        has_gaps: bool,
    ) -> Result<(), DatasetError> {
        let record = self.day(day);
        record.has_gaps |= has_gaps;
        record.state = DayState::Committed;
        let files: Vec<_> = record.files.values().cloned().collect();
        for file in files {
            self.remember_before(&file.path);
            if let Some(after) = file.after {
                self.history.set(&file.path, after);
            }
        }
        let day = layout::day_key(day);
        for (table, stats) in stats {
            let counts = self.manifest.tables.entry(table.clone()).or_default();
            counts.rows_written += stats.rows_written;
            counts.rows_new += stats.rows_new;
            counts.rows_replaced += stats.rows_replaced;
            counts.rows_total += stats.rows_total;
            if stats.rows_written > 0 && self.written.insert((table.clone(), day.clone())) {
                counts.files += 1;
            }
        }
        self.save().map(|_| ())
    }

    /// Puts what a file held before this export into its record.
    fn remember_before(&mut self, path: &str) {
        let days = self.manifest.days.values_mut();
        let files = days.flat_map(|day| day.files.values_mut());
        let mut files = files.chain(self.manifest.quarantine_files.values_mut());
        let file = files.find(|file| file.path == path);
        if let (Some(file), Some(before)) = (file, self.before.get(path)) {
            file.before.clone_from(before);
        }
    }

    fn day(&mut self, day: Option<Date>) -> &mut DayRecord {
        self.manifest
            .days
            .entry(layout::day_key(day))
            .or_insert_with(|| DayRecord {
                state: DayState::Intended,
                files: BTreeMap::new(),
                has_gaps: false,
            })
    }

    fn save(&mut self) -> Result<String, DatasetError> {
        let target = layout::manifest_file(self.export_id());
        write_json(
            self.dataset.storage(),
            &self.staging_folder(),
            &target,
            &self.manifest,
        )
    }
}

impl Manifest {
    pub(crate) fn is_running(&self) -> bool {
        self.status == Status::Running
    }
}
