//! The lines of `_quarantine` against the counts of the manifests.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use crate::audit::finding::{Class, Finding};
use crate::audit::ledger::{ExportRecord, Ledger, refused};
use crate::layout;
use crate::storage::Storage;

pub(crate) fn check(storage: &dyn Storage, ledger: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for export in &ledger.exports {
        check_export(storage, export, &mut findings);
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

fn check_export(storage: &dyn Storage, export: &ExportRecord, findings: &mut Vec<Finding>) {
    let id = &export.link.export_id;
    for (table, lines) in &export.quarantined {
        let path = layout::quarantine_file(id, table);
        let expected = format!("{lines} lines");
        let finding = |class, found| Finding::new(class, path.clone(), expected.clone(), found);
        match storage.read(&path) {
            Err(error) => findings.push(refused(&path, &error)),
            Ok(None) => findings.push(finding(Class::Missing, "no file".to_owned())),
            Ok(Some(file)) => match count_objects(file) {
                // A running export counts its lines after it has published them.
                Ok(found) if found == *lines || (export.is_running && found > *lines) => {}
                Ok(found) => findings.push(finding(Class::RowCount, format!("{found} lines"))),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    findings.push(finding(Class::Undecodable, error.to_string()));
                }
                Err(error) => findings.push(finding(Class::Unreadable, error.to_string())),
            },
        }
    }
    for entry in storage
        .list(&layout::quarantine_folder(id))
        .unwrap_or_default()
    {
        let table = layout::quarantined_table(&entry.name);
        let is_known = table.is_some_and(|table| export.quarantined.contains_key(table));
        if !is_known && !export.is_running {
            let file = format!("{}/{}", layout::quarantine_folder(id), entry.name);
            findings.push(Finding::new(Class::Stray, file, "no such file", "a file"));
        }
    }
}

/// Lines that are JSON objects; an error where one is not.
fn count_objects(file: File) -> io::Result<u64> {
    let mut file = BufReader::new(file);
    let (mut lines, mut line) = (0, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        let is_object = line.starts_with(b"{") && line.ends_with(b"\n");
        if !is_object || serde_json::from_slice::<serde::de::IgnoredAny>(&line).is_err() {
            let problem = format!("line {} is not one JSON object", lines + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        lines += 1;
        line.clear();
    }
    Ok(lines)
}
