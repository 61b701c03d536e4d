//! One day of an export: merged into staged files, then published.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use jiff::civil::Date;

use crate::asked::Asked;
use crate::check;
use crate::dataset::{Dataset, Rows};
use crate::error::{DatasetError, MergeError};
use crate::export::Journal;
use crate::format::{self, FileMeta, FileSink};
use crate::gather::Gathered;
use crate::layout;
use crate::manifest::{FileChange, FileRecord, ForgottenRows};
use crate::merge::{Failure, Incoming, Merge, MergeStats};
use crate::storage::{Staged, Storage, StorageLock};
use crate::table::{RAW_COLUMN, TableSpec};

/// How often it is tried to commit while others keep commits waiting.
const COMMIT_POLL: Duration = Duration::from_millis(10);

/// The tables of one day, before they are published. Dropped, it leaves the dataset untouched.
#[derive(Debug)]
pub struct Staging<'e> {
    journal: &'e mut Journal,
    day: Option<Date>,
    has_gaps: bool,
    stats: BTreeMap<String, MergeStats>,
    files: BTreeMap<String, StagedFile>,
}

/// What a commit did, by table; tables without changed rows have no rows written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// What was merged into each table.
    pub tables: BTreeMap<String, MergeStats>,
}

/// What is left of some rows of a file.
#[derive(Debug, Clone)]
pub struct Rewritten {
    /// The rows, in their order and with their keys.
    pub batch: RecordBatch,
    /// Rows that are gone.
    pub removed: u64,
    /// Rows that are left and were changed.
    pub changed: u64,
}

/// A staged file with what it is to replace.
#[derive(Debug)]
struct StagedFile {
    staged: Staged,
    path: String,
    before: Option<FileRecord>,
    after: FileRecord,
}

/// The file that new rows are merged into.
struct Base {
    table: TableSpec,
    is_widened: bool,
    rows: Option<Rows>,
    sha256: Option<(String, u64)>,
}

impl<'e> Staging<'e> {
    pub(crate) fn new(journal: &'e mut Journal, day: Option<Date>) -> Self {
        Self {
            journal,
            day,
            has_gaps: false,
            stats: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// Notes in the manifest that something of the day could not be read, or not yet.
    pub fn note_gap(&mut self) {
        self.has_gaps = true;
    }

    /// Merges new rows, strictly ascending by key, with the stored ones into a staged file.
    ///
    /// A new row replaces the stored one of the same key only when it differs; rows that are only
    /// stored are carried over. Nothing is staged when no row changed, also when the stored file
    /// lacks columns that the table has gained; a column that it lacks is NULL in its rows. Memory is independent of
    /// both sides' size. Merging a table again adds to what is staged.
    ///
    /// # Errors
    /// The error of the iterator, or that of the dataset: a stored file that cannot be read, rows
    /// that do not fit the table, a full disk, or that somebody asked to stop. What this call staged is removed again.
    pub fn merge<E>(
        &mut self,
        table: &str,
        rows: impl IntoIterator<Item = Result<Incoming, E>>,
    ) -> Result<MergeStats, MergeError<E>> {
        let mut rows = rows
            .into_iter()
            .filter(|rows| rows.as_ref().map_or(true, |rows| rows.batch.num_rows() > 0));
        let table = self.dataset().table(table)?.clone();
        let Some(first) = rows.next().transpose().map_err(MergeError::Rows)? else {
            let stats = MergeStats {
                rows_total: self.count(&table)?,
                ..MergeStats::default()
            };
            return Ok(self.note(table.name(), stats));
        };
        let mut rows = std::iter::once(Ok(first)).chain(rows);
        let path = self.path(&table)?;
        let base = self.base(&table, &path)?;
        let stats = self.stage(base, &path, &mut rows)?;
        Ok(self.note(table.name(), stats))
    }

    /// Writes the stored file of a table anew without what somebody has asked to forget. `redact`
    /// gets its rows with all columns that the file has, and says what is left of them, and how many
    /// are gone; `None` where they stay as they are. The only way for rows to leave a file: the
    /// staged one is refused unless exactly the rows that were to go are gone.
    ///
    /// Nothing is staged when nothing changes. How many rows of which runs go has to be told to
    /// [`note_forgotten`](Self::note_forgotten), so that they do not count as lost.
    ///
    /// # Errors
    /// As [`merge`](Self::merge), and for an unknown table.
    pub fn rewrite(
        &mut self,
        table: &str,
        mut redact: impl FnMut(&RecordBatch) -> Option<Rewritten>,
    ) -> Result<MergeStats, DatasetError> {
        let table = self.dataset().table(table)?.clone();
        let path = self.path(&table)?;
        let mut base = self.base(&table, &path)?;
        let table = base.table.clone();
        let mut stats = MergeStats::default();
        let mut removed = 0;
        let old = base.rows.take().into_iter().flatten();
        let staged = self.write(&table, &path, |write| {
            for batch in old {
                self.go_on().map_err(MergeError::Dataset)?;
                let batch = batch.map_err(MergeError::Rows)?;
                let left = match redact(&batch) {
                    None => batch,
                    Some(rewritten) => {
                        removed += rewritten.removed;
                        stats.rows_replaced += rewritten.changed;
                        rewritten.batch
                    }
                };
                stats.rows_total += left.num_rows() as u64;
                write(&left)?;
            }
            Ok(())
        });
        let (staged, written) = staged.map_err(|error| match error {
            MergeError::Rows(error) | MergeError::Dataset(error) => error,
        })?;
        if removed + stats.rows_replaced == 0 {
            return Ok(stats);
        }
        let rows = (stats.rows_total, removed);
        self.check(&table, &path, (&staged, written.rows), rows)?;
        stats.rows_written = stats.rows_total;
        self.keep(base, path, staged, written, stats.rows_total + removed);
        Ok(self.note(table.name(), stats))
    }

    /// Notes in the manifest that rows of a run are not in the file of a table, because somebody has
    /// asked to forget whom they are about. Saved with the next commit, and at the end.
    pub fn note_forgotten(&mut self, rows: ForgottenRows) {
        self.journal.note_forgotten(self.day, rows);
    }

    /// As [`Export::quarantine`](crate::Export::quarantine), for objects of this day: published
    /// before its rows are. What a day quarantines is kept, also when the day is not committed.
    ///
    /// # Errors
    /// As there.
    pub fn quarantine(
        &mut self,
        table: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<u64, DatasetError> {
        self.journal.quarantine(table, lines)
    }

    /// Stages a file without rows for a table that has none yet.
    pub(crate) fn create_empty(&mut self, table: &str) -> Result<(), DatasetError> {
        let table = self.dataset().table(table)?.clone();
        let path = self.path(&table)?;
        let base = Base {
            table,
            is_widened: false,
            rows: None,
            sha256: None,
        };
        let (staged, written) = self
            .write(&base.table, &path, |_| Ok::<_, MergeError<_>>(()))
            .map_err(|error: MergeError<DatasetError>| match error {
                MergeError::Rows(error) | MergeError::Dataset(error) => error,
            })?;
        self.keep(base, path, staged, written, 0);
        Ok(())
    }

    /// Publishes what is staged: quarantined lines, the manifest with the intent, then the child tables, then
    /// `runs`, each with its folders brought to the disk, and at last the manifest again.
    ///
    /// # Errors
    /// When the disk refuses, or somebody asks to stop before anything is published. What was published until then stays, each file whole; the manifest
    /// names both states, and [`Export::close`](crate::Export::close) or the next writer records
    /// which it is.
    pub fn commit(self) -> Result<Committed, DatasetError> {
        let Self {
            journal,
            day,
            has_gaps,
            stats,
            files,
        } = self;
        journal.publish_quarantine()?;
        if !files.is_empty() {
            let changes = files
                .iter()
                .map(|(table, file)| (table.clone(), file.change()));
            journal.intend(day, changes.collect(), has_gaps)?;
            publish(journal.dataset(), files, journal.asked())?;
        }
        journal.committed(day, &stats, has_gaps)?;
        Ok(Committed { tables: stats })
    }

    fn dataset(&self) -> &Dataset {
        self.journal.dataset()
    }

    /// Nobody has asked to stop, or what is staged is so small that it is finished first.
    fn go_on(&self) -> Result<(), DatasetError> {
        match self.day {
            Some(_) => self.journal.asked().go_on(),
            None => Ok(()),
        }
    }

    fn path(&self, table: &TableSpec) -> Result<String, DatasetError> {
        let file_name = self.dataset().format().file_name();
        layout::data_file(table, self.journal.tenant(), self.day, file_name)
    }

    /// Adds up what was merged into a table.
    fn note(&mut self, table: &str, stats: MergeStats) -> MergeStats {
        let sum = self.stats.entry(table.to_owned()).or_default();
        sum.rows_new += stats.rows_new;
        sum.rows_replaced += stats.rows_replaced;
        sum.rows_total = stats.rows_total;
        sum.rows_written = sum.rows_written.max(stats.rows_written);
        stats
    }

    fn count(&self, table: &TableSpec) -> Result<u64, DatasetError> {
        if let Some(staged) = self.files.get(table.name()) {
            return Ok(staged.after.rows);
        }
        let rows = self
            .dataset()
            .count(table.name(), self.journal.tenant(), self.day)?;
        Ok(rows.unwrap_or_default())
    }

    /// Opens what is staged already, or the stored file after checking that it is the one that
    /// was written.
    fn base(&mut self, table: &TableSpec, path: &str) -> Result<Base, DatasetError> {
        let opened = if let Some(staged) = self.files.get(table.name()) {
            Some((staged.staged.open()?, None))
        } else if let Some(mut file) = self.dataset().storage().read(path)? {
            let found = self.journal.verify(path, &mut file)?;
            Some((file, Some(found)))
        } else {
            self.journal.warn_when_gone(path)?;
            None
        };
        let Some((file, sha256)) = opened else {
            return Ok(Base {
                table: table.clone(),
                is_widened: false,
                rows: None,
                sha256: None,
            });
        };
        let again = file.try_clone();
        let shown = self.dataset().storage().locate(path);
        match self.dataset().rows(path, file, table, None) {
            // From a time when the original objects were kept: they stay.
            Err(DatasetError::UnknownColumn { column, .. })
                if column == RAW_COLUMN && !table.has_raw() =>
            {
                let table = table.with_raw();
                let mut file = again.map_err(DatasetError::io("open", &shown))?;
                rewind(&mut file, &shown)?;
                let rows = Some(self.dataset().rows(path, file, &table, None)?);
                Ok(Base {
                    table,
                    is_widened: true,
                    rows,
                    sha256,
                })
            }
            rows => Ok(Base {
                table: table.clone(),
                is_widened: false,
                rows: Some(rows?),
                sha256,
            }),
        }
    }

    fn stage<E>(
        &mut self,
        mut base: Base,
        path: &str,
        new: &mut impl Iterator<Item = Result<Incoming, E>>,
    ) -> Result<MergeStats, MergeError<E>> {
        let shown = self.dataset().storage().locate(path);
        let mut old = base.rows.take().into_iter().flatten();
        let table = base.table.clone();
        let mut merge = Merge::new(&table, base.is_widened);
        let (staged, written) = self.write(&table, path, |write| {
            let failed = |failure| explain(failure, &table, &shown);
            while let Some(batch) = merge.next_batch(&mut old, new).map_err(failed)? {
                self.go_on()?;
                write(&batch)?;
            }
            Ok::<(), MergeError<E>>(())
        })?;
        let mut stats = merge.stats();
        let old_rows = stats.rows_total - stats.rows_new;
        if stats.rows_new + stats.rows_replaced == 0 {
            return Ok(stats);
        }
        let rows = (stats.rows_total, 0);
        self.check(&table, path, (&staged, written.rows), rows)?;
        stats.rows_written = stats.rows_total;
        self.keep(base, path.to_owned(), staged, written, old_rows);
        Ok(stats)
    }

    /// Writes a staged file and brings it to the disk.
    fn write<E>(
        &self,
        table: &TableSpec,
        path: &str,
        fill: impl FnOnce(
            &mut dyn FnMut(&RecordBatch) -> Result<(), DatasetError>,
        ) -> Result<(), MergeError<E>>,
    ) -> Result<(Staged, FileRecord), MergeError<E>> {
        let dataset = self.dataset();
        let shown = dataset.storage().locate(path);
        let suffix = format!("-{}-{}", table.name(), dataset.format().file_name());
        let (staged, target) = dataset
            .storage()
            .stage(&self.journal.staging_folder(), &suffix)?;
        let meta = FileMeta {
            schema_version: table.schema_version(),
            export_id: self.journal.export_id().to_owned(),
        };
        let failed = |error| DatasetError::write(&shown, error);
        let sink = FileSink::new(target);
        let mut writer = dataset
            .format()
            .create(sink, table, &meta)
            .map_err(failed)?;
        let mut gathered = Gathered::default();
        let mut write = |rows: Result<Option<RecordBatch>, ArrowError>| {
            let rows = rows.map_err(|error| failed(error.into()))?;
            rows.map_or(Ok(()), |rows| writer.write(&rows).map_err(failed))
        };
        fill(&mut |batch| write(gathered.add(batch)))?;
        write(gathered.take())?;
        let (sink, rows) = writer.finish().map_err(failed)?;
        let (sha256, bytes) = sink.finish().map_err(DatasetError::io("write", &shown))?;
        Ok((
            staged,
            FileRecord {
                sha256,
                rows,
                bytes,
            },
        ))
    }

    /// Refuses a staged file that lost a row or cannot be read.
    fn check(
        &self,
        table: &TableSpec,
        path: &str,
        (staged, written): (&Staged, u64),
        (rows, removed): (u64, u64),
    ) -> Result<(), DatasetError> {
        let dataset = self.dataset();
        let keys = table.key_names();
        let old = match self.files.get(table.name()) {
            Some(staged) => Some(staged.staged.open()?),
            None => dataset.storage().read(path)?,
        };
        let open = |file| dataset.rows(path, file, table, Some(&keys));
        let old = old.map(open).transpose()?;
        let problem = match open(staged.open()?) {
            Ok(_) if written != rows => Some(format!("{written} rows written instead of {rows}")),
            Ok(staged) => check::problem(staged, old, (rows, removed), || self.go_on())?,
            Err(error) => Some(error.to_string()),
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(DatasetError::Staged {
                path: dataset.storage().locate(path),
                problem,
            }),
        }
    }

    fn keep(&mut self, base: Base, path: String, staged: Staged, after: FileRecord, old_rows: u64) {
        let table = base.table.name().to_owned();
        // What is staged already is not what will be replaced.
        let before = match self.files.remove(&table) {
            Some(earlier) => earlier.before,
            None => base.sha256.map(|(sha256, bytes)| FileRecord {
                sha256,
                bytes,
                rows: old_rows,
            }),
        };
        self.files.insert(
            table,
            StagedFile {
                staged,
                path,
                before,
                after,
            },
        );
    }
}

impl StagedFile {
    fn change(&self) -> FileChange {
        FileChange {
            path: self.path.clone(),
            before: self.before.clone(),
            after: Some(self.after.clone()),
        }
    }
}

/// Renames child tables, then the table whose rows say that a run is exported.
fn publish(
    dataset: &Dataset,
    mut files: BTreeMap<String, StagedFile>,
    asked: &Asked,
) -> Result<(), DatasetError> {
    let storage = dataset.storage();
    let parent = files.remove(layout::PARENT_TABLE);
    let moves = |file: StagedFile| (file.staged, file.path);
    let _lock = wait_to_commit(storage, asked)?;
    storage.publish(files.into_values().map(moves).collect())?;
    storage.publish(parent.into_iter().map(moves).collect())
}

/// Waits until nobody copies the dataset, or somebody asks to stop.
pub(crate) fn wait_to_commit(
    storage: &dyn Storage,
    asked: &Asked,
) -> Result<StorageLock, DatasetError> {
    loop {
        if let Some(lock) = storage.commit_lock()? {
            return Ok(lock);
        }
        asked.go_on()?;
        std::thread::sleep(COMMIT_POLL);
    }
}

fn explain<E>(failure: Failure<E>, table: &TableSpec, path: &std::path::Path) -> MergeError<E> {
    match failure {
        Failure::Rows(error) => MergeError::Rows(error),
        Failure::Stored(error) => MergeError::Dataset(error),
        Failure::Old(problem) => MergeError::Dataset(DatasetError::unreadable(path, problem)),
        Failure::New(problem) => MergeError::Dataset(DatasetError::InvalidRows {
            table: table.name().to_owned(),
            problem,
        }),
    }
}

pub(crate) fn rewind(file: &mut std::fs::File, path: &std::path::Path) -> Result<(), DatasetError> {
    use std::io::Seek;
    file.rewind().map_err(DatasetError::io("read", path))
}

pub(crate) fn digest(
    file: &mut std::fs::File,
    path: &std::path::Path,
) -> Result<(String, u64), DatasetError> {
    format::digest(file).map_err(DatasetError::io("read", path))
}
