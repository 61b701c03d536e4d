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
    for export in ledger.exports.iter().filter(|it| !it.is_running) {
        let folder = layout::quarantine_folder(&export.link.export_id);
        for entry in storage.list(&folder).unwrap_or_default() {
            let file = format!("{folder}/{}", entry.name);
            if !expected.contains_key(&file) {
                findings.push(Finding::new(Class::Stray, file, "no such file", "a file"));
            }
        }
    }
    let known = |name: &str| {
        let mut exports = ledger.exports.iter();
        exports.any(|it| it.link.export_id == name) || ledger.is_known_to_be_gone(name)
    };
    for entry in storage.list(layout::QUARANTINE).unwrap_or_default() {
        if !known(&entry.name) && !ledger.may_be_outdated(None) {
            let file = format!("{}/{}", layout::QUARANTINE, entry.name);
            let expected = "folders of exports";
            findings.push(Finding::new(
                Class::Stray,
                file,
                expected,
                "no manifest names it",
            ));
        }
    }
    findings
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
    let problem = found.problem.as_ref();
    let problem = problem.map_or_else(String::new, |problem| format!("; {problem}"));
    let seen = format!("{}{problem}", contents(&found.record));
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

fn contents(record: &FileRecord) -> String {
    format!("{}, {}", sha256(&record.sha256), sizes(record))
}

fn sizes(record: &FileRecord) -> String {
    format!("{} lines in {} bytes", record.rows, record.bytes)
}
