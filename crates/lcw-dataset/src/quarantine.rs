//! Objects that could not become rows, kept as lines for people: `_quarantine/`.
//!
//! The lines of an export are collected in staged files. With a commit, and at the end of the export, the
//! whole file of their table is replaced like any other: nobody sees part of a line, and it holds what the
//! manifest said before that it would.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::format::{FileSink, hex};
use crate::layout;
use crate::manifest::{FileRecord, Manifest};
use crate::storage::{Staged, Storage};

/// The lines of an export, by table.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    tables: BTreeMap<String, Lines>,
}

/// Lines of one table: the published ones, and after them those that wait.
#[derive(Debug)]
struct Lines {
    file: File,
    /// Takes the file away again.
    _staged: Staged,
    /// Bytes that were written well; what a full disk left behind them does not count.
    bytes: u64,
    /// Of these bytes, on their way to the file.
    digest: Sha256,
    count: u64,
    published: u64,
}

/// A file of lines that is about to be published.
#[derive(Debug)]
pub(crate) struct StagedLines {
    pub(crate) staged: Staged,
    /// Where it belongs.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) after: FileRecord,
}

/// What a file of lines holds.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// Its rows are lines.
    pub(crate) record: FileRecord,
    /// The first thing that is wrong with its lines.
    pub(crate) problem: Option<String>,
}

impl Quarantine {
    /// Lets lines wait. All of them or, after an error, none.
    pub(crate) fn add(
        &mut self,
        dataset: &Dataset,
        staging: &str,
        table: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<u64, DatasetError> {
        let table = dataset.table(table)?.name();
        let (mut text, mut count) = (String::new(), 0);
        for line in lines {
            text.push_str(checked(table, line.as_ref())?);
            text.push('\n');
            count += 1;
        }
        if count == 0 {
            return Ok(0);
        }
        let mut lines = match self.tables.remove(table) {
            Some(lines) => lines,
            None => Lines::new(dataset.storage(), staging, table)?,
        };
        let appended = lines.append(text.as_bytes(), count);
        if lines.count > 0 {
            self.tables.insert(table.to_owned(), lines);
        }
        let shown = dataset.storage().locate(staging);
        appended.map_err(DatasetError::io("write a file in", &shown))?;
        Ok(count)
    }

    /// Stages the file of every table of which lines wait, with all its lines.
    pub(crate) fn stage(
        &self,
        storage: &dyn Storage,
        staging: &str,
        export_id: &str,
    ) -> Result<Vec<StagedLines>, DatasetError> {
        let tables = self.tables.iter().filter(|(_, lines)| lines.are_waiting());
        let staged = tables.map(|(table, lines)| {
            let path = layout::quarantine_file(export_id, table);
            lines.stage(storage, staging, table, path)
        });
        staged.collect()
    }

    /// Notes that what was staged is published: how many lines every table has.
    pub(crate) fn note_published(&mut self) -> impl Iterator<Item = (String, u64)> {
        self.tables.iter_mut().map(|(table, lines)| {
            lines.published = lines.count;
            (table.clone(), lines.count)
        })
    }
}

impl Lines {
    fn new(storage: &dyn Storage, staging: &str, table: &str) -> Result<Self, DatasetError> {
        let (staged, file) = storage.stage(staging, &suffix(table))?;
        Ok(Self {
            file,
            _staged: staged,
            bytes: 0,
            digest: Sha256::new(),
            count: 0,
            published: 0,
        })
    }

    /// Whether some are not published yet.
    fn are_waiting(&self) -> bool {
        self.count > self.published
    }

    fn append(&mut self, text: &[u8], count: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(text)?;
        self.bytes += text.len() as u64;
        self.digest.update(text);
        self.count += count;
        Ok(())
    }

    /// Writes all of them to a staged file.
    fn stage(
        &self,
        storage: &dyn Storage,
        staging: &str,
        table: &str,
        path: String,
    ) -> Result<StagedLines, DatasetError> {
        let shown = storage.locate(&path);
        let (staged, file) = storage.stage(staging, &suffix(table))?;
        let mut sink = FileSink::new(file);
        self.copy(&mut sink)
            .map_err(DatasetError::io("write", &shown))?;
        let after = finish(sink, &staged, &shown)?;
        if after.sha256 != hex(&self.digest.clone().finalize()) {
            return Err(not_as_written(&shown));
        }
        Ok(StagedLines {
            staged,
            path,
            after,
        })
    }

    fn copy(&self, to: &mut FileSink) -> io::Result<()> {
        let mut from = self.file.try_clone()?;
        from.rewind()?;
        io::copy(&mut from.take(self.bytes), to).map(|_| ())
    }
}

/// Brings a staged file of lines to the disk and reads it back: what it holds.
fn finish(sink: FileSink, staged: &Staged, shown: &Path) -> Result<FileRecord, DatasetError> {
    let written = sink.finish().map_err(DatasetError::io("write", shown))?;
    let found = scan(staged.open()?).map_err(DatasetError::io("read", shown))?;
    if (&found.record.sha256, found.record.bytes) != (&written.0, written.1) {
        return Err(not_as_written(shown));
    }
    Ok(found.record)
}

fn not_as_written(shown: &Path) -> DatasetError {
    DatasetError::Staged {
        path: shown.to_owned(),
        problem: "its lines are others".into(),
    }
}

/// What a file holds; `None` when there is none.
pub(crate) fn scan_at(storage: &dyn Storage, path: &str) -> Result<Option<Scanned>, DatasetError> {
    let file = storage.read(path)?;
    let scanned = file.map(scan).transpose();
    scanned.map_err(DatasetError::io("read", &storage.locate(path)))
}

/// Reads a file of lines to its end.
pub(crate) fn scan(file: File) -> io::Result<Scanned> {
    let mut file = BufReader::new(file);
    let (mut digest, mut line) = (Sha256::new(), Vec::new());
    let (mut bytes, mut rows, mut problem) = (0, 0, None);
    while file.read_until(b'\n', &mut line)? > 0 {
        digest.update(&line);
        bytes += line.len() as u64;
        rows += 1;
        if problem.is_none() && !is_whole_object(&line) {
            problem = Some(format!("line {rows} is not one JSON object"));
        }
        line.clear();
    }
    let record = FileRecord {
        sha256: hex(&digest.finalize()),
        rows,
        bytes,
    };
    Ok(Scanned { record, problem })
}

fn is_whole_object(line: &[u8]) -> bool {
    line.starts_with(b"{")
        && line.ends_with(b"\n")
        && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Lines of an export that was stopped, by table. Their records say how many, also of a file that was lost
/// or damaged since. Manifests of older versions have no such records: files without one are counted, and
/// have no fewer lines than they were said to have.
pub(crate) fn recount(
    dataset: &Dataset,
    manifest: &Manifest,
) -> Result<BTreeMap<String, u64>, DatasetError> {
    let storage = dataset.storage();
    let folder = layout::quarantine_folder(&manifest.export_id);
    let mut counts = manifest.quarantined.clone();
    for entry in storage.list(&folder)? {
        let Some(table) = layout::quarantined_table(&entry.name) else {
            continue;
        };
        let path = format!("{folder}/{}", entry.name);
        if let Some(found) = scan_at(storage, &path)? {
            storage.confirm(&path)?;
            let lines = counts.entry(table.to_owned()).or_default();
            *lines = found.record.rows.max(*lines);
        }
    }
    for (path, change) in &manifest.quarantine_files {
        let name = path
            .strip_prefix(&folder)
            .and_then(|it| it.strip_prefix('/'));
        let table = name.and_then(layout::quarantined_table);
        if let (Some(table), Some(after)) = (table, &change.after) {
            counts.insert(table.to_owned(), after.rows);
        }
    }
    Ok(counts)
}

/// Every file of quarantined lines, by its path.
pub(crate) fn files(storage: &dyn Storage) -> Result<Vec<String>, DatasetError> {
    let mut files = Vec::new();
    for export in storage.list(layout::QUARANTINE)? {
        let folder = layout::quarantine_folder(&export.name);
        for entry in storage.list(&folder)? {
            if layout::quarantined_table(&entry.name).is_some() && !entry.is_folder {
                files.push(format!("{folder}/{}", entry.name));
            }
        }
    }
    Ok(files)
}

/// Hands the lines of a file over, one after the other, as they are and with their ends.
pub(crate) fn each_line(
    storage: &dyn Storage,
    path: &str,
    mut line: impl FnMut(&[u8]) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let Some(file) = storage.read(path)? else {
        return Ok(());
    };
    let shown = storage.locate(path);
    let (mut file, mut bytes) = (BufReader::new(file), Vec::new());
    let mut next = |bytes: &mut Vec<u8>| {
        bytes.clear();
        let read = file.read_until(b'\n', bytes);
        read.map_err(DatasetError::io("read", &shown))
    };
    while next(&mut bytes)? > 0 {
        line(&bytes)?;
    }
    Ok(())
}

/// What a line says, without its end. Of one that is damaged, what is not UTF-8 reads as U+FFFD.
pub(crate) fn text_of(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line))
}

/// Stages every file of another export that has a line to be replaced, with the new ones in their
/// places; says how many lines are replaced.
pub(crate) fn stage_rewritten(
    dataset: &Dataset,
    staging: &str,
    export_id: &str,
    redact: &impl Fn(&str) -> Option<String>,
) -> Result<(Vec<StagedLines>, u64), DatasetError> {
    let storage = dataset.storage();
    let own = format!("{}/", layout::quarantine_folder(export_id));
    let (mut staged, mut changed) = (Vec::new(), 0);
    for path in files(storage)? {
        let mut of_file: u64 = 0;
        each_line(storage, &path, |line| {
            of_file += u64::from(redact(&text_of(line)).is_some());
            Ok(())
        })?;
        if of_file > 0 && !path.starts_with(&own) {
            staged.push(rewritten(storage, staging, path, redact)?);
            changed += of_file;
        }
    }
    Ok((staged, changed))
}

fn rewritten(
    storage: &dyn Storage,
    staging: &str,
    path: String,
    redact: &impl Fn(&str) -> Option<String>,
) -> Result<StagedLines, DatasetError> {
    let table = path.rsplit('/').next().and_then(layout::quarantined_table);
    let table = table.unwrap_or_default();
    let shown = storage.locate(&path);
    let (staged, file) = storage.stage(staging, &suffix(table))?;
    let mut to = BufWriter::new(FileSink::new(file));
    each_line(storage, &path, |line| {
        let written = match redact(&text_of(line)) {
            Some(other) => writeln!(to, "{}", checked(table, &other)?),
            // Byte for byte, damaged or not.
            None => to.write_all(line),
        };
        written.map_err(DatasetError::io("write", &shown))
    })?;
    let sink = to.into_inner().map_err(io::IntoInnerError::into_error);
    let sink = sink.map_err(DatasetError::io("write", &shown))?;
    let after = finish(sink, &staged, &shown)?;
    Ok(StagedLines {
        staged,
        path,
        after,
    })
}

/// A line without its end. The problem never quotes what the line holds.
fn checked<'l>(table: &str, line: &'l str) -> Result<&'l str, DatasetError> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let is_object = line.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok();
    if is_object && !line.contains(['\n', '\r']) {
        return Ok(line);
    }
    Err(DatasetError::InvalidRows {
        table: table.to_owned(),
        problem: "a line for the quarantine is not one JSON object".into(),
    })
}

fn suffix(table: &str) -> String {
    format!("-{table}-quarantine.ndjson")
}
