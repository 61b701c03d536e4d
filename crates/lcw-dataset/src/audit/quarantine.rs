//! The files of `_quarantine` against what the manifests say of them: contents, and lines.

use std::collections::BTreeMap;

use crate::audit::finding::{Class, Finding};
use crate::audit::ledger::{Ledger, Recorded, refused, sha256};
use crate::layout;
use crate::manifest::FileRecord;
use crate::quarantine::{Scanned, scan};
use crate::storage::Storage;

pub(crate) fn check(storage: &dyn Storage, ledger: &Ledger) -> Vec<Finding> {
    let expected = expected(ledger);
    let files = expected.iter();
    let mut findings: Vec<Finding> = files
        .filter_map(|(path, lines)| lines.look(storage, ledger, path))
        .collect();
    for entry in storage.list(layout::QUARANTINE).unwrap_or_default() {
        if entry.is_folder && layout::check_export_id(&entry.name).is_ok() {
            let unknown = unknown_files(storage, ledger, &expected, &entry.name);
            findings.extend(unknown);
        } else if !ledger.may_be_outdated(None) {
            let file = format!("{}/{}", layout::QUARANTINE, entry.name);
            let found = "no manifest names it";
            findings.push(Finding::new(
                Class::Stray,
                file,
                "folders of exports",
                found,
            ));
        }
    }
    findings
}

/// What is wrong with files of an export's folder that are on no record. An empty folder holds nothing.
fn unknown_files(
    storage: &dyn Storage,
    ledger: &Ledger,
    expected: &BTreeMap<String, Expected<'_>>,
    export_id: &str,
) -> Vec<Finding> {
    let mut exports = ledger.exports.iter();
    let export = exports.find(|it| it.link.export_id == export_id);
    if export.is_some_and(|it| it.is_running) {
        return Vec::new();
    }
    let folder = layout::quarantine_folder(export_id);
    let entries = storage.list(&folder).unwrap_or_default().into_iter();
    let files = entries.map(|entry| (format!("{folder}/{}", entry.name), entry));
    let unknown = files.filter(|(file, _)| !expected.contains_key(file));
    let findings = unknown.map(|(file, entry)| {
        let is_of_lines = !entry.is_folder && layout::quarantined_table(&entry.name).is_some();
        if export.is_none() && is_of_lines {
            without_manifest(storage, ledger, export_id, &file)
        } else {
            Finding::new(Class::Stray, file, "no such file", "a file")
        }
    });
    findings.collect()
}

/// Lines of an export whose own manifest is gone or cannot be read may be good. That somebody knows of
/// the manifest says nothing of a file: what was there then has been put on record.
fn without_manifest(
    storage: &dyn Storage,
    ledger: &Ledger,
    export_id: &str,
    file: &str,
) -> Finding {
    let found = match storage.read(file).map(|it| it.map(scan)) {
        Ok(Some(Ok(found))) => found,
        Ok(Some(Err(error))) => {
            let expected = "a file that can be read";
            return Finding::new(Class::Unreadable, file, expected, error.to_string());
        }
        Ok(None) => return Finding::new(Class::Missing, file, "a file", "no file"),
        Err(error) => return refused(file, &error),
    };
    let seen = seen(&found);
    if found.problem.is_some() && !ledger.may_be_outdated(None) {
        return Finding::new(Class::Stray, file, "lines of JSON, on record", seen);
    }
    let expected = format!("a readable manifest of the export {export_id} that set them aside");
    let is_there = ledger.ids.contains(export_id);
    Finding {
        written_by: (!is_there).then(|| export_id.to_owned()),
        ..Finding::new(Class::Unverifiable, file, expected, seen)
    }
}

/// What the manifests say of a file of lines.
#[derive(Debug, Default)]
struct Expected<'l> {
    /// Lines, as the manifest of its export counts them.
    counted: Option<u64>,
    /// A running export counts its lines after it has published them.
    may_have_more: bool,
    /// What it holds, as the newest manifest that names it says; manifests of older versions name none.
    recorded: Option<&'l Recorded>,
}

/// Every file of lines there should be, by its path.
fn expected(ledger: &Ledger) -> BTreeMap<String, Expected<'_>> {
    let mut expected = BTreeMap::<String, Expected<'_>>::new();
    for export in &ledger.exports {
        for (table, lines) in &export.quarantined {
            let path = layout::quarantine_file(&export.link.export_id, table);
            let file = expected.entry(path).or_default();
            file.counted = Some(*lines);
            file.may_have_more = export.is_running;
        }
    }
    for (path, recorded) in &ledger.files {
        if layout::is_quarantined(path) {
            expected.entry(path.clone()).or_default().recorded = Some(recorded);
        }
    }
    expected
}

impl Expected<'_> {
    fn look(&self, storage: &dyn Storage, ledger: &Ledger, path: &str) -> Option<Finding> {
        let finding = |class, expected, found| Some(Finding::new(class, path, expected, found));
        let file = match storage.read(path) {
            Ok(Some(file)) => file,
            Ok(None) => return self.absent(path),
            Err(error) => return Some(refused(path, &error)),
        };
        let found = match scan(file) {
            Ok(found) => found,
            Err(error) => {
                let expected = "a file that can be read".to_owned();
                return finding(Class::Unreadable, expected, error.to_string());
            }
        };
        let contents = self.recorded.into_iter().flat_map(|it| &it.contents);
        let mut contents = contents.flatten();
        let record = contents.find(|record| record.sha256 == found.record.sha256);
        if let (None, Some(recorded)) = (record, self.recorded) {
            return Some(judge(storage, ledger, path, recorded, &found));
        }
        // What a damaged manifest says of a file besides its digest is nothing against the file.
        let stated = record.filter(|_| self.recorded.is_some_and(|it| it.is_trusted));
        if let Some(stated) = stated.filter(|stated| **stated != found.record) {
            return finding(Class::RowCount, sizes(stated), sizes(&found.record));
        }
        let lines = found.record.rows;
        if let Some(problem) = found.problem {
            return finding(Class::Undecodable, self.lines(), problem);
        }
        let is_right = |counted| lines == counted || (self.may_have_more && lines > counted);
        if self.counted.is_none_or(is_right) {
            return None;
        }
        finding(Class::RowCount, self.lines(), format!("{lines} lines"))
    }

    fn lines(&self) -> String {
        match self.counted {
            Some(lines) => format!("{lines} lines"),
            None => "lines of JSON".to_owned(),
        }
    }

    fn absent(&self, path: &str) -> Option<Finding> {
        let need_not_be = self.recorded.is_none_or(|it| it.contents.contains(&None));
        if self.counted.is_none() && need_not_be {
            return None;
        }
        let is_trusted = self.counted.is_some() || self.recorded.is_some_and(|it| it.is_trusted);
        let class = if is_trusted {
            Class::Missing
        } else {
            Class::Unverifiable
        };
        let record = self
            .recorded
            .and_then(|it| it.contents.iter().flatten().next());
        let expected = record.map_or_else(|| self.lines(), sizes);
        Some(Finding::new(class, path, expected, "no file"))
    }
}

/// What is wrong with a file that is not the recorded one.
fn judge(
    storage: &dyn Storage,
    ledger: &Ledger,
    path: &str,
    recorded: &Recorded,
    found: &Scanned,
) -> Finding {
    let record = recorded.contents.iter().flatten().next();
    let expected = record.map_or_else(|| "no file".to_owned(), contents);
    let digest = &found.record.sha256;
    let seen = seen(found);
    if ledger.may_be_outdated(Some(recorded)) {
        let expected = "undamaged manifests that name it";
        return Finding::new(Class::Unverifiable, path, expected, seen);
    }
    match ledger.earlier(storage, path, digest) {
        Some(export_id) => {
            let seen = format!("{seen}, as of export {export_id}");
            Finding::new(Class::Stale, path, expected, seen)
        }
        None => Finding::new(Class::Changed, path, expected, seen),
    }
}

fn seen(found: &Scanned) -> String {
    let problem = found.problem.as_ref();
    let problem = problem.map_or_else(String::new, |problem| format!("; {problem}"));
    format!("{}{problem}", contents(&found.record))
}

fn contents(record: &FileRecord) -> String {
    format!("{}, {}", sha256(&record.sha256), sizes(record))
}

fn sizes(record: &FileRecord) -> String {
    format!("{} lines in {} bytes", record.rows, record.bytes)
}
