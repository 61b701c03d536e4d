//! The writing side: takes fetched runs in order and commits them day by day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lcw_dataset::{Committed, DatasetError, Export, Incoming, MergeError, MergeStats};
use lcw_extractor::{ErrorKind, ExtractError};
use lcw_model::time::date_of;
use lcw_model::{Run, parse_entity};
use lcw_transform::{
    FlattenError, Layout, Lineage, Marker, Proof, Rows, RunMarkers, RunRows, Table,
};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::error::PipelineError;
use crate::fetch::{FetchedRun, Outcome, Way};
use crate::proof::{ProofSummary, ShortRun, Verdict, verdict};
use crate::summary::{TableSummary, Ways};
use crate::survey::RunTask;
use crate::tables::incoming;
use crate::trouble::NotCovered;

/// What was written, for the manifest and the summary.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) tables: BTreeMap<&'static str, TableSummary>,
    pub(crate) proof: ProofSummary,
    pub(crate) ways: Ways,
    pub(crate) fetched: u64,
    pub(crate) not_covered: Vec<NotCovered>,
    /// Workflows with a run whose results could not be read this time.
    pub(crate) unread: BTreeSet<String>,
}

/// What rows are made with.
#[derive(Debug, Clone)]
pub(crate) struct RowContext {
    pub(crate) layout: Layout,
    pub(crate) export_id: String,
    /// When the runs were listed, in microseconds of the service's clock.
    pub(crate) listed_at: i64,
    pub(crate) wants_results: bool,
}

impl RowContext {
    pub(crate) fn lineage(&self) -> Lineage {
        Lineage {
            export_id: self.export_id.clone(),
            extracted_at_micros: self.listed_at,
        }
    }
}

/// The producer ended before the day did.
#[derive(Debug, thiserror::Error)]
#[error("the export was stopped")]
pub(crate) struct Cut;

/// Stages and commits `days` in order; true when all of them are committed. Ends early when the
/// sender hangs up: the sender knows why.
pub(crate) fn write_days(
    export: &mut Export<'_>,
    days: &[(Date, usize)],
    context: &RowContext,
    runs: &mut mpsc::Receiver<FetchedRun>,
    written: &mut Written,
) -> Result<bool, PipelineError> {
    for (day, count) in days {
        if !write_day(export, *day, *count, context, runs, written)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_day(
    export: &mut Export<'_>,
    day: Date,
    count: usize,
    context: &RowContext,
    runs: &mut mpsc::Receiver<FetchedRun>,
    written: &mut Written,
) -> Result<bool, PipelineError> {
    let mut staging = export.day(Some(day))?;
    let mut results = DayResults {
        runs,
        remaining: count,
        read: Vec::with_capacity(count),
    };
    let mut stats = Vec::new();
    if context.wants_results {
        let table = Table::UserProcessingResults.name();
        match staging.merge(table, results.by_ref()) {
            Ok(merged) => stats.push((table, merged)),
            Err(MergeError::Rows(Cut)) => return Ok(false),
            Err(MergeError::Dataset(error)) => return Err(error.into()),
        }
    } else if results.by_ref().any(|rows| rows.is_err()) {
        return Ok(false);
    }
    let read = results.read;
    let rows = run_rows(&read, context)?;
    let merged = staging.merge(Table::Runs.name(), [Ok::<_, Cut>(incoming(rows))]);
    match merged {
        Ok(merged) => stats.push((Table::Runs.name(), merged)),
        Err(MergeError::Rows(Cut)) => return Ok(false),
        Err(MergeError::Dataset(error)) => return Err(error.into()),
    }
    // A day that is not over by the service's clock will have grown by the next reading.
    let is_over = day < date_of(context.listed_at);
    if !is_over || read.iter().any(ReadRun::is_unread) {
        staging.note_gap();
    }
    staging.commit()?;
    written.add_day(day, &stats, read);
    Ok(true)
}

/// The result rows of one day, run by run; remembers what became of each run.
struct DayResults<'a> {
    runs: &'a mut mpsc::Receiver<FetchedRun>,
    remaining: usize,
    read: Vec<ReadRun>,
}

/// A run after its rows have gone into the file.
struct ReadRun {
    task: RunTask,
    outcome: ReadOutcome,
}

enum ReadOutcome {
    NotAsked,
    Read {
        rows: usize,
        way: Way,
    },
    NotRead {
        error: ExtractError,
        what: &'static str,
    },
}

impl Iterator for DayResults<'_> {
    type Item = Result<Incoming, Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.remaining > 0 {
            let Some(run) = self.runs.blocking_recv() else {
                return Some(Err(Cut));
            };
            self.remaining -= 1;
            let (outcome, rows) = split(run.outcome);
            self.read.push(ReadRun {
                task: run.task,
                outcome,
            });
            if let Some(rows) = rows.filter(|rows| rows.batch.num_rows() > 0) {
                return Some(Ok(incoming(rows)));
            }
        }
        None
    }
}

fn split(outcome: Outcome) -> (ReadOutcome, Option<Rows>) {
    match outcome {
        Outcome::NotAsked => (ReadOutcome::NotAsked, None),
        Outcome::Read { rows, last_way } => {
            let read = ReadOutcome::Read {
                rows: rows.batch.num_rows(),
                way: last_way,
            };
            (read, Some(rows))
        }
        Outcome::Gone(error) => (
            ReadOutcome::NotRead {
                error,
                what: "the service no longer has the results of run",
            },
            None,
        ),
        Outcome::Refused(error) => (
            ReadOutcome::NotRead {
                error,
                what: "the service refuses the results of run",
            },
            None,
        ),
        Outcome::Failed(error) => (
            ReadOutcome::NotRead {
                error,
                what: "could not read the results of run",
            },
            None,
        ),
    }
}

/// One row per run of the day, with the markers that say what was read for it.
fn run_rows(read: &[ReadRun], context: &RowContext) -> Result<Rows, FlattenError> {
    let lineage = context.lineage();
    let mut parts = Vec::new();
    for workflow in read.chunk_by(|a, b| a.task.workflow_id == b.task.workflow_id) {
        let workflow_id = &workflow[0].task.workflow_id;
        let mut rows = RunRows::new(context.layout, &lineage, workflow_id);
        for run in workflow {
            let object = run.task.object();
            // The object was parsed when its page was decoded.
            if let Ok(parsed) = parse_entity::<Run<'_>>(&object) {
                let raw = context.layout.keep_raw.then_some(&*object);
                let raw = raw.filter(|_| run.task.listed.is_some());
                rows.append(&parsed, raw, &run.markers())?;
            }
        }
        parts.push(rows.finish());
    }
    if parts.is_empty() {
        parts.push(RunRows::new(context.layout, &lineage, "").finish());
    }
    Ok(Rows::concat(parts))
}

impl ReadRun {
    fn is_unread(&self) -> bool {
        matches!(self.outcome, ReadOutcome::NotRead { .. })
    }

    fn verdict(&self) -> Option<Verdict> {
        let run = self.task.listed.as_ref()?;
        let rows = match self.outcome {
            ReadOutcome::Read { rows, .. } => rows,
            ReadOutcome::NotAsked if self.is_known_empty() => 0,
            _ => return (!run.is_final()).then_some(Verdict::Open),
        };
        Some(verdict(
            run.is_final(),
            self.task.counts_users,
            run.total_users,
            rows,
        ))
    }

    /// Nobody was in the run: its results were read without asking.
    fn is_known_empty(&self) -> bool {
        self.task.settled
            && self
                .task
                .listed
                .as_ref()
                .is_some_and(super::listing::ListedRun::is_empty)
    }

    fn markers(&self) -> RunMarkers {
        let kept = if self.task.is_unchanged {
            Marker::Keep
        } else {
            Marker::Null
        };
        let result_rows = match self.outcome {
            ReadOutcome::Read { rows, .. } => {
                Marker::Value(i32::try_from(rows).unwrap_or(i32::MAX))
            }
            ReadOutcome::NotAsked if self.is_known_empty() => Marker::Value(0),
            _ => kept,
        };
        let proof = match self.verdict() {
            _ if self.task.listed.is_none() => Marker::Value(Proof::Expired),
            Some(Verdict::Open) => Marker::Value(Proof::Open),
            Some(Verdict::Matched) => Marker::Value(Proof::Matched),
            Some(Verdict::Short) => Marker::Value(Proof::Short),
            Some(Verdict::Over) => Marker::Value(Proof::Over),
            None if self.task.is_unchanged => Marker::Keep,
            Some(Verdict::NotCounted) | None => Marker::Null,
        };
        RunMarkers {
            settled: self.task.settled,
            result_rows,
            proof,
            task_rows: if self.task.is_unchanged {
                Marker::Keep
            } else {
                Marker::Null
            },
            task_proof: if self.task.is_unchanged {
                Marker::Keep
            } else {
                Marker::Null
            },
            ..RunMarkers::default()
        }
    }
}

impl RunTask {
    /// The run's object as listed; of a forgotten run only what names it.
    fn object(&self) -> Box<str> {
        match &self.listed {
            Some(run) => run.raw.clone(),
            None => serde_json::json!({
                "id": &*self.run_id,
                "scheduledDateTime": &*self.scheduled_as_stored,
            })
            .to_string()
            .into(),
        }
    }
}

impl Written {
    pub(crate) fn add_table(&mut self, table: &'static str, stats: &MergeStats) {
        let summary = self.tables.entry(table).or_default();
        summary.rows_written += stats.rows_written;
        summary.rows_new += stats.rows_new;
        summary.rows_replaced += stats.rows_replaced;
        summary.files += u64::from(stats.rows_written > 0);
    }

    fn add_day(&mut self, day: Date, stats: &[(&'static str, MergeStats)], read: Vec<ReadRun>) {
        let mut rows_new = 0;
        for (table, stats) in stats {
            self.add_table(table, stats);
            rows_new += stats.rows_new;
        }
        info!(day = %day, runs = read.len(), rows_new, "day committed");
        for run in read {
            self.add_run(day, run);
        }
    }

    fn add_run(&mut self, day: Date, run: ReadRun) {
        if run.task.settled {
            self.prove(day, &run);
        }
        match run.outcome {
            ReadOutcome::NotAsked => {}
            ReadOutcome::Read { way, .. } => {
                self.fetched += 1;
                self.ways.count(way);
            }
            ReadOutcome::NotRead { error, what } => {
                warn!(workflow.id = %run.task.workflow_id, run.id = %run.task.run_id, %error, "{what}");
                let what = format!(
                    "{what} {} of workflow {}",
                    run.task.run_id, run.task.workflow_id
                );
                self.not_covered.push(NotCovered::new(what, &error, true));
                if error.kind() != ErrorKind::NotFound {
                    self.unread.insert(run.task.workflow_id.to_string());
                }
            }
        }
    }

    fn prove(&mut self, day: Date, run: &ReadRun) {
        match run.verdict() {
            Some(Verdict::Matched) => self.proof.matched += 1,
            Some(Verdict::Over) => self.proof.over += 1,
            Some(Verdict::NotCounted) if !run.task.counts_users => {
                self.proof.non_user_subjects += 1;
            }
            Some(Verdict::Short) => {
                self.proof.short += 1;
                let fetched = match run.outcome {
                    ReadOutcome::Read { rows, .. } => rows as u64,
                    _ => 0,
                };
                self.proof.short_runs.push(ShortRun {
                    workflow_id: run.task.workflow_id.to_string(),
                    run_id: run.task.run_id.to_string(),
                    run_date: day.to_string(),
                    counted: run
                        .task
                        .listed
                        .as_ref()
                        .and_then(|run| run.total_users)
                        .unwrap_or(0),
                    fetched,
                });
            }
            _ => {}
        }
    }
}

/// Merges the workflows' rows and commits them on their own.
pub(crate) fn write_workflows(
    export: &mut Export<'_>,
    rows: Rows,
    written: &mut Written,
) -> Result<Committed, DatasetError> {
    let mut staging = export.day(None)?;
    let table = Table::Workflows.name();
    match staging.merge(table, [Ok::<_, Cut>(incoming(rows))]) {
        Ok(stats) => written.add_table(table, &stats),
        Err(MergeError::Dataset(error)) => return Err(error),
        Err(MergeError::Rows(Cut)) => {}
    }
    staging.commit()
}
