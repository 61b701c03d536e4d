//! What an export adds to a run's row.

use lcw_model::Field;

/// A value that an export writes into a run's row, or does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Marker<T> {
    /// Says nothing: a stored value stays, without one it is NULL.
    #[default]
    Keep,
    /// Takes a stored value back: the table was not read for this state of the run.
    Null,
    /// What this export found.
    Value(T),
}

impl<T> Marker<T> {
    /// What the marker says of its column, as an answer would say it of a property.
    pub(crate) fn into_field(self) -> Field<T> {
        match self {
            Self::Keep => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(value),
        }
    }
}

/// What comparing the rows read for a run with the service's counter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The run's status is not final.
    Open,
    /// As many rows as the service counts.
    Matched,
    /// Fewer rows than the service counts.
    Short,
    /// More rows than the service counts.
    Over,
    /// The service dropped the run before its status was final.
    Expired,
}

impl Proof {
    /// Every verdict.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Matched,
        Self::Short,
        Self::Over,
        Self::Expired,
    ];

    /// The verdict as `_lcw_proof` holds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Matched => "matched",
            Self::Short => "short",
            Self::Over => "over",
            Self::Expired => "expired",
        }
    }
}

/// The columns of a run's row that say how far it was exported: of each table that is read run by
/// run, how many rows the service returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunMarkers {
    /// `_lcw_settled`.
    pub settled: bool,
    /// `_lcw_result_rows`.
    pub result_rows: Marker<i32>,
    /// `_lcw_proof`.
    pub proof: Marker<Proof>,
    /// `_lcw_task_rows`.
    pub task_rows: Marker<i32>,
    /// `_lcw_task_proof`.
    pub task_proof: Marker<Proof>,
    /// `_lcw_subject_rows`.
    pub subject_rows: Marker<i32>,
    /// `_lcw_report_rows`.
    pub report_rows: Marker<i32>,
    /// `_lcw_reprocessed_rows`.
    pub reprocessed_rows: Marker<i32>,
}

/// The columns of a task report's row that say how its task results compare with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportMarkers {
    /// `_lcw_task_rows`.
    pub task_rows: Marker<i32>,
    /// `_lcw_proof`.
    pub proof: Marker<Proof>,
}
