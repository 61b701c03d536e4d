//! What an export is asked to do, after flags, environment and pipeline file have been united.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lcw_dataset::{Format, Identity};
use lcw_extractor::query::ResultQuery;
use lcw_transform::{PseudonymKey, Table};

use crate::children::{Child, ChildSet};
use crate::decide::Reading;
use crate::decode::OddRows;
use crate::snapshot::Snapshots;

/// One export, fully specified.
#[derive(Debug, Clone)]
pub struct Request {
    /// Incremental export or backfill.
    pub kind: Kind,
    /// Tables to export; `workflows` and `runs` always are.
    pub tables: Vec<Table>,
    /// How far back runs are listed again, at most 30 days.
    pub lookback: Duration,
    /// How long a final run must have been left alone before its counters count.
    pub settle: Duration,
    /// Runs read side by side.
    pub max_concurrency: usize,
    /// Keep every row's original object in `_lcw_raw`.
    pub keep_raw: bool,
    /// The key by which people get pseudonyms, where they are to get some.
    pub pseudonyms: Option<PseudonymKey>,
    /// What to do about soft-deleted workflows.
    pub deleted_workflows: DeletedWorkflows,
    /// What to do about rows that the tables cannot hold.
    pub on_drift: OnDrift,
    /// By which route user processing results are read.
    pub route: Route,
    /// How user processing results are asked for.
    pub query: ResultQuery,
    /// The dataset's folder.
    pub out: PathBuf,
    /// How its files are written.
    pub format: FileFormat,
    /// Where a copy for readers goes after the export, if one is wanted.
    pub snapshots: Option<Snapshots>,
    /// The tenant as configured: a GUID, a domain name, or nothing when the token tells.
    pub tenant: Option<String>,
}

impl Request {
    /// Whether `table` was asked for.
    pub fn wants(&self, table: Table) -> bool {
        matches!(table, Table::Workflows | Table::Runs) || self.tables.contains(&table)
    }

    /// The tables to export, in the order of [`Table::ALL`].
    pub fn wanted_tables(&self) -> impl Iterator<Item = Table> + '_ {
        Table::ALL.into_iter().filter(|table| self.wants(*table))
    }

    /// What is done about rows that the tables cannot hold.
    pub(crate) fn odd_rows(&self) -> OddRows {
        OddRows {
            on_drift: self.on_drift,
            are_quoted: self.pseudonyms.is_none(),
        }
    }

    /// Whether somebody named the workflows.
    pub(crate) fn names_workflows(&self) -> bool {
        matches!(&self.kind, Kind::Backfill(backfill) if !backfill.workflows.is_empty())
    }

    /// Whether the dataset leaves out users: then counts prove nothing.
    pub fn is_filtered(&self) -> bool {
        self.query.filter.is_some()
    }

    /// The tables whose rows belong to a run, and so to its day.
    pub(crate) fn tables_by_run(&self) -> Vec<Table> {
        self.wanted_tables()
            .filter(|table| table.is_by_day())
            .collect()
    }

    /// What is read below a run.
    pub(crate) fn reading(&self) -> Reading {
        let is_wanted = |child: &Child| self.wants(child.table());
        Reading {
            children: Child::ALL
                .into_iter()
                .filter(is_wanted)
                .collect::<ChildSet>(),
            reports: self.wants(Table::TaskReports),
        }
    }

    /// What the dataset has to be for this export.
    pub(crate) fn identity(&self, format: &dyn Format) -> Identity {
        let text = |option: Option<&dyn ToString>| option.map(ToString::to_string);
        let query = &self.query;
        Identity {
            select: text(query.select.as_ref().map(|it| it as _)),
            filter: text(query.filter.as_ref().map(|it| it as _)),
            expand: query.expands_subject().then(|| "subject".to_owned()),
            pseudonymisation: self.pseudonyms.as_ref().map(|key| key.id().to_owned()),
            ..Identity::new(format)
        }
    }
}

/// Which of the two ways to export.
#[derive(Debug, Clone)]
pub enum Kind {
    /// New, open and changed runs.
    Export,
    /// Every run of a window, whatever the dataset says.
    Backfill(Backfill),
}

/// The window of a backfill.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// First instant of the window.
    pub from: Timestamp,
    /// First instant after the window.
    pub to: Timestamp,
    /// Only these workflows, by id or by name; all of them when empty.
    pub workflows: Vec<String>,
    /// The window as the user wrote it: an unfinished backfill is continued by the same words.
    pub wording: String,
}

/// What to do about soft-deleted workflows, which need a further permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletedWorkflows {
    /// Export them where the service lets us, and say so where it does not.
    #[default]
    Auto,
    /// A refusal makes the export partial.
    Require,
    /// Do not ask.
    Skip,
}

/// By which route user processing results are read. The tables are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// Run by run, and the small runs of a workflow together where that takes fewer requests.
    #[default]
    Auto,
    /// Run by run.
    Run,
    /// All runs of a workflow together wherever their counts prove them.
    Workflow,
}

/// What to do about a row with a value that its column cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// End the export, and name table, property and value.
    #[default]
    Fail,
    /// Set the row aside in `_quarantine`, and go on.
    Quarantine,
}

/// How the dataset's files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet, compressed with zstd.
    Parquet,
    /// Newline-delimited JSON.
    Ndjson(NdjsonCompression),
}

/// Compression of NDJSON files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NdjsonCompression {
    /// `.ndjson.zst`
    Zstd,
    /// `.ndjson.gz`
    Gzip,
    /// `.ndjson`
    None,
}
