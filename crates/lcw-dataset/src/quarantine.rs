//! Objects that could not become rows, kept as lines for people: `_quarantine/`.
//!
//! Lines wait in a staged file until a commit or the end of the export. Then the whole file of
//! their table, with the lines that it had, is replaced like any other: nobody sees part of a line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use serde::de::IgnoredAny;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::layout;
use crate::storage::{Staged, Storage};

/// The lines of an export that are not published yet, by table.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    waiting: BTreeMap<String, Waiting>,
}

/// Lines of one table.
#[derive(Debug)]
struct Waiting {
    file: File,
    /// Takes the file away again.
    _staged: Staged,
    /// Bytes that were written well; what a full disk left behind them does not count.
    bytes: u64,
    lines: u64,
}

impl Quarantine {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

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
        let mut waiting = match self.waiting.remove(table) {
            Some(waiting) => waiting,
            None => Waiting::new(dataset.storage(), staging, table)?,
        };
        let appended = waiting.append(text.as_bytes(), count);
        if waiting.lines > 0 {
            self.waiting.insert(table.to_owned(), waiting);
        }
        let shown = dataset.storage().locate(staging);
        appended.map_err(DatasetError::io("write a file in", &shown))?;
        Ok(count)
    }

    /// Publishes what waits, a table after the other: the published lines by table. What could not
    /// be published waits on.
    pub(crate) fn publish(
        &mut self,
        storage: &dyn Storage,
        staging: &str,
        export_id: &str,
        mut published: impl FnMut(&str, u64),
    ) -> Result<(), DatasetError> {
        while let Some(entry) = self.waiting.first_entry() {
            let target = layout::quarantine_file(export_id, entry.key());
            let (staged, file) = storage.stage(staging, &suffix(entry.key()))?;
            let before = storage.read(&target)?;
            entry
                .get()
                .write(before, file)
                .map_err(DatasetError::io("write", &storage.locate(&target)))?;
            storage.publish(vec![(staged, target)])?;
            let (table, waiting) = entry.remove_entry();
            published(&table, waiting.lines);
        }
        Ok(())
    }
}

impl Waiting {
    fn new(storage: &dyn Storage, staging: &str, table: &str) -> Result<Self, DatasetError> {
        let (staged, file) = storage.stage(staging, &suffix(table))?;
        Ok(Self {
            file,
            _staged: staged,
            bytes: 0,
            lines: 0,
        })
    }

    fn append(&mut self, text: &[u8], lines: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(text)?;
        self.bytes += text.len() as u64;
        self.lines += lines;
        Ok(())
    }

    /// Writes the lines that are published already and the waiting ones, and brings them to the
    /// disk.
    fn write(&self, before: Option<File>, mut to: File) -> io::Result<()> {
        if let Some(mut before) = before {
            io::copy(&mut before, &mut to)?;
        }
        let mut waiting = self.file.try_clone()?;
        waiting.rewind()?;
        io::copy(&mut waiting.take(self.bytes), &mut to)?;
        to.sync_all()
    }
}

/// Lines that an export has published, by table; they are on the disk.
pub(crate) fn count(
    dataset: &Dataset,
    export_id: &str,
) -> Result<BTreeMap<String, u64>, DatasetError> {
    let storage = dataset.storage();
    let folder = layout::quarantine_folder(export_id);
    let mut counts = BTreeMap::new();
    for entry in storage.list(&folder)? {
        let Some(table) = layout::quarantined_table(&entry.name) else {
            continue;
        };
        let path = format!("{folder}/{}", entry.name);
        if let Some(file) = storage.read(&path)? {
            let shown = storage.locate(&path);
            let lines = count_lines(file).map_err(DatasetError::io("read", &shown))?;
            storage.confirm(&path)?;
            counts.insert(table.to_owned(), lines);
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

/// Hands the lines of a file over, one after the other and without their ends.
pub(crate) fn each_line(
    storage: &dyn Storage,
    path: &str,
    mut line: impl FnMut(&str) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let Some(file) = storage.read(path)? else {
        return Ok(());
    };
    let shown = storage.locate(path);
    for text in BufReader::new(file).lines() {
        line(&text.map_err(DatasetError::io("read", &shown))?)?;
    }
    Ok(())
}

/// Replaces lines in every file that has one to be replaced; says how many lines were.
pub(crate) fn rewrite(
    dataset: &Dataset,
    staging: &str,
    redact: &impl Fn(&str) -> Option<String>,
) -> Result<u64, DatasetError> {
    let storage = dataset.storage();
    let mut changed = 0;
    for path in files(storage)? {
        let mut of_file: u64 = 0;
        each_line(storage, &path, |line| {
            of_file += u64::from(redact(line).is_some());
            Ok(())
        })?;
        if of_file > 0 {
            replace(storage, staging, &path, redact)?;
            changed += of_file;
        }
    }
    Ok(changed)
}

fn replace(
    storage: &dyn Storage,
    staging: &str,
    path: &str,
    redact: &impl Fn(&str) -> Option<String>,
) -> Result<(), DatasetError> {
    let table = path.rsplit('/').next().and_then(layout::quarantined_table);
    let table = table.unwrap_or_default();
    let shown = storage.locate(path);
    let (staged, file) = storage.stage(staging, &suffix(table))?;
    let mut to = BufWriter::new(file);
    each_line(storage, path, |line| {
        let other = redact(line);
        let line = match &other {
            Some(other) => checked(table, other)?,
            None => line,
        };
        writeln!(to, "{line}").map_err(DatasetError::io("write", &shown))
    })?;
    let written = to.flush().and_then(|()| to.get_ref().sync_all());
    written.map_err(DatasetError::io("write", &shown))?;
    storage.publish(vec![(staged, path.to_owned())])
}

fn count_lines(file: File) -> io::Result<u64> {
    let mut file = BufReader::new(file);
    let mut lines = 0;
    while file.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
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
