//! The tables.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use lcw_model::{Entity, Run, UserProcessingResult, Workflow};

use crate::columns::{RESULTS, RUNS, WORKFLOWS};
use crate::{Column, Layout, Role};

/// A table of the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per workflow ever seen.
    Workflows,
    /// One row per run.
    Runs,
    /// One row per user and run.
    UserProcessingResults,
}

impl Table {
    /// Every table, parents first.
    pub const ALL: [Self; 3] = [Self::Workflows, Self::Runs, Self::UserProcessingResults];

    /// Its name: of its folder, and of the resource.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Runs => "runs",
            Self::UserProcessingResults => "user_processing_results",
        }
    }

    /// The table of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// What a row is, for the data dictionary.
    pub fn description(self) -> &'static str {
        match self {
            Self::Workflows => {
                "Workflows: one row per workflow ever seen, live or deleted, as of its last change. Rows are never dropped."
            }
            Self::Runs => {
                "Runs of workflows: one row per run, with the service's counters and what the exporter could prove about its results."
            }
            Self::UserProcessingResults => {
                "What every run did to every user: one row per user and run, with timing and task counts."
            }
        }
    }

    /// Version of its columns; a changed schema bumps it.
    pub fn schema_version(self) -> u32 {
        match self {
            Self::Workflows | Self::Runs | Self::UserProcessingResults => 1,
        }
    }

    /// Whether it has a file per day of the run; the other one has a single file.
    pub fn is_by_day(self) -> bool {
        self != Self::Workflows
    }

    /// Its columns in the order of its schema, `_lcw_raw` at the end when that is kept.
    pub fn columns(self, keep_raw: bool) -> &'static [Column] {
        let columns: &'static [Column] = match self {
            Self::Workflows => &WORKFLOWS,
            Self::Runs => &RUNS,
            Self::UserProcessingResults => &RESULTS,
        };
        match columns {
            [kept @ .., last] if !keep_raw && last.role == Role::Raw => kept,
            all => all,
        }
    }

    /// Names of the columns that make its key, in the order of its rows.
    pub fn key(self) -> Vec<&'static str> {
        let is_key = |column: &&Column| column.role == Role::Key;
        self.columns(false)
            .iter()
            .filter(is_key)
            .map(|column| column.name)
            .collect()
    }

    /// Its Arrow schema.
    pub fn schema(self, layout: &Layout) -> SchemaRef {
        let columns = self.columns(layout.keep_raw).iter();
        let fields: Vec<_> = columns
            .map(|column| column.field(layout.timestamps))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Whether Graph's metadata defines this property for the table's entity. A key of
    /// `_lcw_extra` for which this is false is something the service has added.
    pub fn knows_property(self, name: &str) -> bool {
        match self {
            Self::Workflows => Workflow::knows(name),
            Self::Runs => Run::knows(name),
            Self::UserProcessingResults => UserProcessingResult::knows(name),
        }
    }
}
