//! One data file against its record.

use std::cmp::Ordering;
use std::fs::File;

use arrow::array::RecordBatch;

use crate::audit::finding::{Class, Finding, Place};
use crate::audit::ledger::{Ledger, Recorded, refused, sha256};
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::format;
use crate::staging::rewind;
use crate::table::{Role, TableSpec};
use crate::values::{Values, compare_keys};

/// Sees the rows of the files that are as they were recorded.
pub trait Examiner {
    /// Some rows of a file, in their order and with all columns of its table.
    fn rows(&mut self, place: &Place, table: &TableSpec, batch: &RecordBatch);
}

/// What is known of one file once it was looked at.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// SHA-256; `None` when it is not there or cannot be read.
    pub(crate) digest: Option<String>,
    pub(crate) bytes: u64,
    /// As recorded.
    pub(crate) rows: u64,
    pub(crate) findings: Vec<Finding>,
}

impl Looked {
    fn wrong(finding: Finding) -> Self {
        Self {
            findings: vec![finding],
            ..Self::default()
        }
    }
}

/// Who wrote a file.
#[derive(Debug, Default)]
struct Written {
    rows: u64,
    /// The newest export of which there is a row and no manifest.
    unknown: Option<String>,
}

/// A file and what is known of it.
pub(crate) struct Subject<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) ledger: &'a Ledger,
    pub(crate) path: &'a str,
    pub(crate) place: &'a Place,
}

impl Subject<'_> {
    /// Compares the file with its record, and has its rows examined when they are asked for.
    pub(crate) fn look(&self, examiner: Option<&mut dyn Examiner>) -> Looked {
        let recorded = self.ledger.files.get(self.path);
        let mut file = match self.dataset.storage().read(self.path) {
            Ok(Some(file)) => file,
            Ok(None) => return self.absent(recorded),
            Err(error) => return Looked::wrong(refused(self.path, &error).at(self.place)),
        };
        let (digest, bytes) = match format::digest(&mut file) {
            Ok(found) => found,
            Err(error) => return Looked::wrong(self.unreadable(error.to_string())),
        };
        let contents = recorded.into_iter().flat_map(|it| &it.contents).flatten();
        let mut contents = contents.filter(|record| record.sha256 == digest);
        let Some(record) = contents.next() else {
            let finding = self.judge(recorded, file, &digest, bytes);
            return Looked {
                digest: Some(digest),
                bytes,
                ..Looked::wrong(finding)
            };
        };
        // What a damaged manifest says of a file besides its digest is nothing against the file.
        let is_trusted = recorded.is_some_and(|it| it.is_trusted);
        let stated = is_trusted.then_some((record.bytes, record.rows));
        let findings = self.contents(file, stated, bytes, examiner);
        Looked {
            digest: Some(digest),
            bytes,
            rows: record.rows,
            findings,
        }
    }

    fn finding(&self, class: Class, expected: String, found: String) -> Finding {
        Finding::new(class, self.path, expected, found).at(self.place)
    }

    fn unreadable(&self, found: String) -> Finding {
        self.finding(Class::Unreadable, "a file that can be read".into(), found)
    }

    fn absent(&self, recorded: Option<&Recorded>) -> Looked {
        let Some(recorded) = recorded.filter(|it| !it.contents.contains(&None)) else {
            return Looked::default();
        };
        let record = recorded.contents.iter().flatten().next();
        let expected = record.map_or_else(String::new, |record| {
            format!("{} rows in {} bytes", record.rows, record.bytes)
        });
        let class = if recorded.is_trusted {
            Class::Missing
        } else {
            Class::Unverifiable
        };
        Looked::wrong(self.finding(class, expected, "no file".into()))
    }

    /// What is wrong with a file whose contents are not the recorded ones.
    fn judge(&self, recorded: Option<&Recorded>, file: File, digest: &str, bytes: u64) -> Finding {
        let storage = self.dataset.storage();
        let record = recorded.and_then(|it| it.contents.iter().flatten().next());
        let expected = record.map_or_else(
            || "no file".to_owned(),
            |record| format!("{} of {} bytes", sha256(&record.sha256), record.bytes),
        );
        let found = format!("{} of {bytes} bytes", sha256(digest));
        let written = self.written(recorded, file);
        if let Some(unknown) = written.as_ref().and_then(|it| it.unknown.as_ref()) {
            let expected = format!("a manifest of the export {unknown} that wrote it");
            return Finding {
                written_by: Some(unknown.clone()),
                ..self.finding(Class::Unverifiable, expected, "no such manifest".into())
            };
        }
        if self.ledger.may_be_outdated(recorded) {
            let expected = "undamaged manifests that name it".to_owned();
            return self.finding(Class::Unverifiable, expected, found);
        }
        if recorded.is_none() {
            // Nothing in it says who wrote it.
            if written.is_some_and(|it| it.rows == 0) {
                let expected = "a manifest that names it".to_owned();
                let found = "a file of its table, without rows".to_owned();
                return self.finding(Class::Unverifiable, expected, found);
            }
            return self.finding(Class::Stray, expected, found);
        }
        match self.ledger.earlier(storage, self.path, digest) {
            Some(export_id) => {
                let found = format!("{found}, as of export {export_id}");
                self.finding(Class::Stale, expected, found)
            }
            None => self.finding(Class::Changed, expected, found),
        }
    }

    /// Who wrote the rows of a file that is not the recorded one; `None` when it cannot be read.
    ///
    /// Rows of an unknown export tell of a manifest that is gone: then the file may be good. What was
    /// recorded later than such an export wrote is not explained by it.
    fn written(&self, recorded: Option<&Recorded>, mut file: File) -> Option<Written> {
        let shown = self.dataset.storage().locate(self.path);
        rewind(&mut file, &shown).ok()?;
        let table = self.dataset.table(&self.place.table).ok()?;
        let mut columns = table.columns().iter();
        let column = columns.find(|column| column.role == Role::ExportId)?;
        let name = column.field.name().as_str();
        let rows = self.dataset.rows(self.path, file, table, Some(&[name]));
        let is_unknown = |id: &&str| {
            crate::layout::check_export_id(id).is_ok()
                && !self.ledger.ids.contains(*id)
                && recorded.is_none_or(|it| it.export_id.as_str() < *id)
        };
        let mut written = Written::default();
        for batch in rows.ok()? {
            let batch = batch.ok()?;
            let Some(Values::Text(ids)) = Values::of(batch.column(0)) else {
                return None;
            };
            written.rows += batch.num_rows() as u64;
            let newest = ids.iter().flatten().filter(is_unknown).max();
            written.unknown = written.unknown.max(newest.map(str::to_owned));
        }
        Some(written)
    }

    /// What is wrong with the rows of a file that is the recorded one, byte for byte.
    fn contents(
        &self,
        mut file: File,
        recorded: Option<(u64, u64)>,
        bytes: u64,
        examiner: Option<&mut dyn Examiner>,
    ) -> Vec<Finding> {
        let shown = self.dataset.storage().locate(self.path);
        let mut findings = Vec::new();
        let compare = |expected: Option<u64>, found: Option<u64>, what: &str| {
            if let (Some(expected), Some(found)) = (expected, found)
                && expected != found
            {
                let (expected, found) = (format!("{expected} {what}"), format!("{found} {what}"));
                Some(self.finding(Class::RowCount, expected, found))
            } else {
                None
            }
        };
        findings.extend(compare(recorded.map(|it| it.0), Some(bytes), "bytes"));
        let counted = rewind(&mut file, &shown).and_then(|()| match examiner {
            Some(examiner) => self.rows(file, examiner, &mut findings).map(Some),
            None => self.stated(file),
        });
        match counted {
            Ok(rows) => findings.extend(compare(recorded.map(|it| it.1), rows, "rows")),
            Err(error) => findings.push(self.refused(&error)),
        }
        findings
    }

    /// Rows as the file itself says, without looking at them.
    fn stated(&self, file: File) -> Result<Option<u64>, DatasetError> {
        let table = self.dataset.table(&self.place.table)?;
        let stated = self.dataset.format().stated_rows(file, table);
        stated.map_err(|error| DatasetError::read(&self.dataset.storage().locate(self.path), error))
    }

    fn refused(&self, error: &DatasetError) -> Finding {
        use std::error::Error;
        let cause = error.source().map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        match error {
            DatasetError::NewerSchema { has, knows, .. } => self.finding(
                Class::NewerSchema,
                format!("schema version {knows} or older"),
                format!("schema version {has}"),
            ),
            DatasetError::UnknownColumn { column, .. } => self.finding(
                Class::NewerSchema,
                "the columns of its table".into(),
                format!("a column {column:?}"),
            ),
            DatasetError::Io { .. } => self.unreadable(cause),
            _ => {
                let expected = "a file of its table".to_owned();
                self.finding(Class::Undecodable, expected, cause)
            }
        }
    }

    /// Reads every row: how many there are.
    fn rows(
        &self,
        file: File,
        examiner: &mut dyn Examiner,
        findings: &mut Vec<Finding>,
    ) -> Result<u64, DatasetError> {
        // Also the original objects, from a time when they were kept.
        let table = self.dataset.table(&self.place.table)?.with_raw();
        let mut order = Order::default();
        let mut rows = 0;
        for batch in self.dataset.rows(self.path, file, &table, None)? {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            order.check(&table, &batch);
            examiner.rows(self.place, &table, &batch);
        }
        for (class, count, what) in [
            (Class::DuplicateKey, order.twice, "keys that come twice"),
            (Class::Unsorted, order.descending, "keys that do not ascend"),
        ] {
            if count > 0 {
                let expected = "unique and ascending keys".to_owned();
                findings.push(self.finding(class, expected, format!("{count} {what}")));
            }
        }
        Ok(rows)
    }
}

/// The order of keys from batch to batch.
#[derive(Default)]
struct Order {
    last: Option<(Vec<Values>, usize)>,
    twice: u64,
    descending: u64,
}

impl Order {
    fn check(&mut self, table: &TableSpec, batch: &RecordBatch) {
        let keys = table
            .keys()
            .iter()
            .map(|key| Values::of(batch.column(*key)));
        let Some(keys) = keys.collect::<Option<Vec<_>>>() else {
            return;
        };
        for row in 0..batch.num_rows() {
            let order = match (row, &self.last) {
                (0, None) => Ordering::Less,
                (0, Some((last, at))) => compare_keys(last.iter().zip(&keys), *at, 0),
                _ => compare_keys(keys.iter().zip(&keys), row - 1, row),
            };
            self.twice += u64::from(order.is_eq());
            self.descending += u64::from(order.is_gt());
        }
        if batch.num_rows() > 0 {
            self.last = Some((keys, batch.num_rows() - 1));
        }
    }
}
