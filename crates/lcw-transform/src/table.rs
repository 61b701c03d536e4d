//! The tables.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Schema, SchemaRef};
use lcw_model::{
    Entity, Run, SubjectProcessingResult, Task, TaskDefinition, TaskProcessingResult, TaskReport,
    UserProcessingResult, Workflow, WorkflowVersion,
};

use crate::columns::{
    REPROCESSED_RUNS, RESULTS, RUNS, SUBJECT_RESULTS, TASK_DEFINITIONS, TASK_REPORTS, TASK_RESULTS,
    TASKS, VERSIONS, WORKFLOWS,
};
use crate::{Column, Layout, Role, Timestamps};

/// The schema of every table in every layout: each run asks for some.
static SCHEMAS: LazyLock<HashMap<(Table, Layout), SchemaRef>> = LazyLock::new(|| {
    let layouts = [Timestamps::Micros, Timestamps::AsSent]
        .into_iter()
        .flat_map(|timestamps| {
            [false, true].map(|keep_raw| Layout {
                timestamps,
                keep_raw,
            })
        });
    let schema = |(table, layout): (Table, Layout)| {
        let columns = table.columns(layout.keep_raw).iter();
        let fields: Vec<_> = columns
            .map(|column| column.field(layout.timestamps))
            .collect();
        ((table, layout), Arc::new(Schema::new(fields)))
    };
    layouts
        .flat_map(|layout| Table::ALL.map(|table| (table, layout)))
        .map(schema)
        .collect()
});

/// A table of the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per workflow ever seen.
    Workflows,
    /// One row per run.
    Runs,
    /// One row per user and run.
    UserProcessingResults,
    /// One row per user, task and run.
    TaskProcessingResults,
    /// One row per version of a workflow ever seen.
    WorkflowVersions,
    /// One row per task of a workflow ever seen.
    Tasks,
    /// One row per built-in task ever seen.
    TaskDefinitions,
    /// One row per task and run.
    TaskReports,
    /// One row per subject (that need not be a user) and run; beta only.
    SubjectProcessingResults,
    /// One row per run and later run that processes something of it again.
    ReprocessedRuns,
}

impl Table {
    /// Every table, parents first.
    pub const ALL: [Self; 10] = [
        Self::Workflows,
        Self::Runs,
        Self::UserProcessingResults,
        Self::TaskProcessingResults,
        Self::WorkflowVersions,
        Self::Tasks,
        Self::TaskDefinitions,
        Self::TaskReports,
        Self::SubjectProcessingResults,
        Self::ReprocessedRuns,
    ];

    /// The tables that are exported unless others are asked for.
    pub const DEFAULT: [Self; 4] = [
        Self::Workflows,
        Self::Runs,
        Self::UserProcessingResults,
        Self::TaskProcessingResults,
    ];

    /// Its name: of its folder, and of the resource.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Runs => "runs",
            Self::UserProcessingResults => "user_processing_results",
            Self::TaskProcessingResults => "task_processing_results",
            Self::WorkflowVersions => "workflow_versions",
            Self::Tasks => "tasks",
            Self::TaskDefinitions => "task_definitions",
            Self::TaskReports => "task_reports",
            Self::SubjectProcessingResults => "subject_processing_results",
            Self::ReprocessedRuns => "reprocessed_runs",
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
            Self::TaskProcessingResults => {
                "What every task of a run did to every user: one row per user, task and run, with timing and the reason of a failure."
            }
            Self::WorkflowVersions => {
                "Versions of workflows: one row per version ever seen, the present one included. Rows are never dropped."
            }
            Self::Tasks => {
                "Tasks of workflows: one row per task ever seen, as of its last change. Rows are never dropped."
            }
            Self::TaskDefinitions => {
                "The built-in tasks that the service offers: one row per definition ever seen. Rows are never dropped."
            }
            Self::TaskReports => {
                "What every task of a run did, counted over its users: one row per task and run."
            }
            Self::SubjectProcessingResults => {
                "What every run did to every subject that need not be a user: one row per subject and run. The beta version of the service only."
            }
            Self::ReprocessedRuns => {
                "Which runs were processed again by which: one row per run and later run that processes something of it again."
            }
        }
    }

    /// Version of its columns; a changed schema bumps it.
    pub fn schema_version(self) -> u32 {
        match self {
            Self::Runs | Self::UserProcessingResults => 2,
            _ => 1,
        }
    }

    /// Whether it has a file per day of the run; the others have a single file.
    pub fn is_by_day(self) -> bool {
        !matches!(
            self,
            Self::Workflows | Self::WorkflowVersions | Self::Tasks | Self::TaskDefinitions
        )
    }

    /// Its columns in the order of its schema, `_lcw_raw` at the end when that is kept.
    pub fn columns(self, keep_raw: bool) -> &'static [Column] {
        let columns: &'static [Column] = match self {
            Self::Workflows => &WORKFLOWS,
            Self::Runs => &RUNS,
            Self::UserProcessingResults => &RESULTS,
            Self::TaskProcessingResults => &TASK_RESULTS,
            Self::WorkflowVersions => &VERSIONS,
            Self::Tasks => &TASKS,
            Self::TaskDefinitions => &TASK_DEFINITIONS,
            Self::TaskReports => &TASK_REPORTS,
            Self::SubjectProcessingResults => &SUBJECT_RESULTS,
            Self::ReprocessedRuns => &REPROCESSED_RUNS,
        };
        match columns {
            [kept @ .., last] if !keep_raw && last.role == Role::Raw => kept,
            all => all,
        }
    }

    /// The column of this name, `_lcw_raw` included.
    pub fn column(self, name: &str) -> Option<&'static Column> {
        self.columns(true).iter().find(|column| column.name == name)
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
        Arc::clone(&SCHEMAS[&(self, *layout)])
    }

    /// Whether Graph's metadata defines this property for the table's entity. A key of
    /// `_lcw_extra` for which this is false is something the service has added.
    pub fn knows_property(self, name: &str) -> bool {
        match self {
            Self::Workflows => Workflow::knows(name),
            Self::Runs | Self::ReprocessedRuns => Run::knows(name),
            Self::UserProcessingResults => UserProcessingResult::knows(name),
            Self::TaskProcessingResults => TaskProcessingResult::knows(name),
            Self::WorkflowVersions => WorkflowVersion::knows(name),
            Self::Tasks => Task::knows(name),
            Self::TaskDefinitions => TaskDefinition::knows(name),
            Self::TaskReports => TaskReport::knows(name),
            Self::SubjectProcessingResults => SubjectProcessingResult::knows(name),
        }
    }
}
