//! What all rows of an export have in common.

/// How date-times of a table are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timestamps {
    /// Microseconds since 1970, UTC (Parquet). Graph's seventh digit is cut off.
    Micros,
    /// The text that Graph sent, checked to be a date-time (NDJSON). Derived instants are written
    /// in the same style.
    AsSent,
}

/// The shape of a dataset's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// How date-times are stored.
    pub timestamps: Timestamps,
    /// Whether `_lcw_raw` keeps the original object of each row.
    pub keep_raw: bool,
}

/// Where rows come from: the export, and when it read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The export that reads the rows.
    pub export_id: String,
    /// When it read them: microseconds since 1970, UTC.
    pub extracted_at_micros: i64,
}
