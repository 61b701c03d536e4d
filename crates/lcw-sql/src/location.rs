//! Where a dataset's files are.

use std::collections::BTreeSet;

use lcw_transform::Table;

use crate::literal::literal;

/// A dataset as its readers meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    folder: String,
    files: Files,
    file_name: String,
    tables: BTreeSet<Table>,
    filter: Option<String>,
}

/// What its files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Parquet.
    Parquet,
    /// Newline-delimited JSON, compressed or not.
    Ndjson,
}

/// Why a folder cannot be read by its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// `DuckDB` knows a backslash as the sign between folders only.
    #[error("its path has a backslash in it, which DuckDB takes for the sign between folders")]
    Backslash,
    /// A folder above it looks like a partition of a column that the tables have: its value would
    /// stand in every row.
    #[error("it lies below a folder `{folder}`, which DuckDB takes for the value of a column")]
    Partition {
        /// The name of that folder.
        folder: String,
    },
}

impl Location {
    /// `folder` is absolute, with `/`; `file_name` is what every file of it is called; `tables` are
    /// those with at least one file.
    ///
    /// # Errors
    /// [`LocationError`] for a folder whose name `DuckDB` would not read as it is meant.
    pub fn new(
        folder: &str,
        files: Files,
        file_name: &str,
        tables: BTreeSet<Table>,
    ) -> Result<Self, LocationError> {
        if folder.contains('\\') {
            return Err(LocationError::Backslash);
        }
        if let Some(part) = folder.split('/').find(|part| is_partition(part)) {
            let folder = part.to_owned();
            return Err(LocationError::Partition { folder });
        }
        Ok(Self {
            folder: folder.trim_end_matches('/').to_owned(),
            files,
            file_name: file_name.to_owned(),
            tables,
            filter: None,
        })
    }

    /// The restriction under which users were exported, if there is one.
    #[must_use]
    pub fn filtered_by(self, filter: Option<String>) -> Self {
        Self { filter, ..self }
    }

    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    pub(crate) fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    pub(crate) fn files(&self) -> Files {
        self.files
    }

    /// The files' compression. Said rather than left to be guessed: a question mark in the path hides
    /// the end of a name from `DuckDB`.
    pub(crate) fn compression(&self) -> &'static str {
        match self.file_name.rsplit_once('.') {
            Some((_, "zst")) => "zstd",
            Some((_, "gz")) => "gzip",
            _ => "uncompressed",
        }
    }

    /// Whether there is a file of `table`.
    pub(crate) fn holds(&self, table: Table) -> bool {
        self.tables.contains(&table)
    }

    /// The files of a table, as an SQL expression.
    pub(crate) fn pattern(&self, table: Table) -> String {
        let folders = if table.is_by_day() { "*/*" } else { "*" };
        let (folder, name) = (no_pattern(&self.folder), &self.file_name);
        literal(&format!("{folder}/{}/{folders}/{name}", table.name()))
    }
}

/// `name=value`, where `name` is a column: `DuckDB` compares without regard to case.
fn is_partition(folder: &str) -> bool {
    let Some((name, _)) = folder.split_once('=') else {
        return false;
    };
    let of_a_table = |table: Table| {
        let mut columns = table.columns(true).iter();
        columns.any(|column| column.name.eq_ignore_ascii_case(name))
    };
    let of_a_partition = ["tenant_id", "run_date"].map(|key| key.eq_ignore_ascii_case(name));
    of_a_partition.contains(&true) || Table::ALL.into_iter().any(of_a_table)
}

/// A path that stands for itself where patterns are read.
fn no_pattern(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '*' | '?' | '[' => plain.extend(['[', letter, ']']),
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &str) -> Result<Location, LocationError> {
        Location::new(folder, Files::Parquet, "part-0.parquet", BTreeSet::new())
    }

    #[test]
    fn a_pattern_has_its_stars_below_the_table_only() {
        let pattern = |folder, table| at(folder).unwrap().pattern(table);
        assert_eq!(
            pattern("/srv/a*b?c[d]/", Table::Runs),
            "'/srv/a[*]b[?]c[[]d]/runs/*/*/part-0.parquet'"
        );
        assert_eq!(
            pattern("/", Table::Workflows),
            "'/workflows/*/part-0.parquet'"
        );
    }

    #[test]
    fn folders_that_duckdb_would_misread_are_refused() {
        assert_eq!(at("/srv/a\\b"), Err(LocationError::Backslash));
        for folder in [
            "/srv/ID=5/data",
            "/tenant_id=x",
            "/srv/run_date=2026-01-01/d",
        ] {
            assert!(
                matches!(at(folder), Err(LocationError::Partition { .. })),
                "{folder}"
            );
        }
        at("/srv/customer=5/a=b").unwrap();
    }
}
