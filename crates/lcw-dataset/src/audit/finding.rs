//! What an audit finds.

use jiff::civil::Date;
use serde::Serialize;

/// What kind of thing was found. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// A recorded file is not there.
    Missing,
    /// A file is not the one that was recorded.
    Changed,
    /// A file is an older one than was recorded last.
    Stale,
    /// The operating system would not let a file be read.
    Unreadable,
    /// A file is not what files of its kind are.
    Undecodable,
    /// A file cannot be judged, because the manifest that may have recorded it is damaged or gone.
    Unverifiable,
    /// A file or folder that no manifest knows, where readers of tables look. A data file is called so
    /// only when every row of it is by an export with a manifest, or when it cannot be read as one.
    Stray,
    /// A link, which is not followed.
    SymbolicLink,
    /// Other rows, lines or bytes than were recorded.
    RowCount,
    /// The same key twice.
    DuplicateKey,
    /// Keys that do not ascend.
    Unsorted,
    /// Fewer rows of a run than its row says.
    ChildRowsMissing,
    /// Rows of a run that is not there.
    OrphanRows,
    /// A newer version of the program wrote it.
    NewerSchema,
    /// A manifest that does not follow the one before it, or a file that it found otherwise than that one
    /// had left it.
    BrokenChain,
    /// A file was not there when an export wrote it anew, with fewer rows than it had.
    RowsGone,
    /// No manifest has the digest that was asked for.
    UnknownHead,
    /// Files of an export that was stopped; the next one removes them.
    LeftoverStaging,
    /// The newest export was stopped; the next one continues.
    InterruptedExport,
    /// Something in the dataset's folder that is not part of it.
    UnknownName,
    /// More rows of a run than its row says: the service has dropped some since, or an export was
    /// stopped before the run's row was written.
    MoreRows,
    /// A run whose date is not the day under which it was first stored.
    OtherDay,
    /// Something that manifests leave unexplained, and that somebody has put on record.
    Acknowledged,
}

impl Class {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Stale => "stale",
            Self::Unreadable => "unreadable",
            Self::Undecodable => "undecodable",
            Self::Unverifiable => "unverifiable",
            Self::Stray => "stray",
            Self::SymbolicLink => "symbolic_link",
            Self::RowCount => "row_count",
            Self::DuplicateKey => "duplicate_key",
            Self::Unsorted => "unsorted",
            Self::ChildRowsMissing => "child_rows_missing",
            Self::OrphanRows => "orphan_rows",
            Self::NewerSchema => "newer_schema",
            Self::BrokenChain => "broken_chain",
            Self::RowsGone => "rows_gone",
            Self::UnknownHead => "unknown_head",
            Self::LeftoverStaging => "leftover_staging",
            Self::InterruptedExport => "interrupted_export",
            Self::UnknownName => "unknown_name",
            Self::MoreRows => "more_rows",
            Self::OtherDay => "other_day",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// Whether it is worth knowing and harms nobody.
    pub fn is_note(self) -> bool {
        matches!(
            self,
            Self::LeftoverStaging
                | Self::InterruptedExport
                | Self::UnknownName
                | Self::MoreRows
                | Self::OtherDay
                | Self::Acknowledged
        )
    }
}

/// Where in the dataset a data file belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The table.
    pub table: String,
    /// The tenant.
    pub tenant: String,
    /// The day; `None` in an undated table.
    pub day: Option<Date>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub class: Class,
    /// Path below the dataset's folder.
    pub file: String,
    /// Where it belongs, when it is a data file.
    pub place: Option<Place>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// The export without a manifest that wrote rows of it, or that set its lines aside.
    pub written_by: Option<String>,
}

impl Finding {
    pub(crate) fn new(
        class: Class,
        file: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            class,
            file: file.into(),
            place: None,
            expected: expected.into(),
            found: found.into(),
            written_by: None,
        }
    }

    /// The same, of a data file.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }
}
