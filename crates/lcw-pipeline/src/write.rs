//! The writing side: takes what was read in order and commits it day by day.

use std::sync::Arc;

use lcw_dataset::{
    Committed, DatasetError, Export, ForgottenRows, Incoming, MergeError, MergeStats, Staging,
};
use lcw_model::time::date_of;
use lcw_model::{Run, TaskReport, Text, parse_entity};
use lcw_transform::{Drift, FlattenError, Layout, Lineage, Rows, RunRows, Table, TaskReportRows};
use tokio::sync::mpsc;

use crate::children::Child;
use crate::decide::Reading;
use crate::decode::SetAside;
use crate::error::PipelineError;
use crate::fetch::{DayPlan, Fetched, Outcome, Read};
use crate::people::People;
use crate::proof::Verdict;
use crate::read_run::{ReadOutcome, ReadRun, Why};
use crate::tables::incoming;
use crate::written::Written;

/// What rows are made with.
#[derive(Debug, Clone)]
pub(crate) struct RowContext {
    pub(crate) layout: Layout,
    pub(crate) export_id: String,
    /// When the runs were listed, in microseconds of the service's clock.
    pub(crate) listed_at: i64,
    /// What the export was asked for.
    pub(crate) wanted: Reading,
    /// A filter leaves out users.
    pub(crate) is_filtered: bool,
    pub(crate) people: People,
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
    days: Vec<Arc<DayPlan>>,
    context: &RowContext,
    fetched: &mut mpsc::Receiver<Fetched>,
    written: &mut Written,
) -> Result<bool, PipelineError> {
    for plan in days {
        if !write_day(export, &plan, context, fetched, written)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_day(
    export: &mut Export<'_>,
    plan: &DayPlan,
    context: &RowContext,
    fetched: &mut mpsc::Receiver<Fetched>,
    written: &mut Written,
) -> Result<bool, PipelineError> {
    let reads = plan
        .runs
        .iter()
        .map(|task| ReadRun::new(task, context.wanted, context.is_filtered));
    let mut day = Day {
        staging: export.day(Some(plan.day))?,
        runs: reads.collect(),
        stats: Vec::new(),
        set_aside: Vec::new(),
        forgotten: Vec::new(),
        drift: Vec::new(),
    };
    for child in context.wanted.children.iter() {
        if !day.merge_child(child, fetched)? {
            return Ok(false);
        }
    }
    let verdicts = if context.wanted.reports {
        day.merge_reports(context)?
    } else {
        Vec::new()
    };
    day.merge(Table::Runs, run_rows(&day.runs, context)?, context)?;
    for rows in std::mem::take(&mut day.forgotten) {
        day.staging.note_forgotten(rows);
    }
    // A day that is not over by the service's clock will have grown by the next reading.
    let is_over = plan.day < date_of(context.listed_at);
    if !is_over || day.runs.iter().any(ReadRun::is_unread) {
        day.staging.note_gap();
    }
    for (table, lines) in written.set_aside(day.set_aside) {
        day.staging.quarantine(table.name(), &lines)?;
    }
    day.staging.commit()?;
    for (table, drift) in day.drift {
        written.add_drift(table, drift);
    }
    written.add_day(plan.day, &day.stats, day.runs, verdicts);
    Ok(true)
}

/// One day being put together.
struct Day<'e, 'p> {
    staging: Staging<'e>,
    runs: Vec<ReadRun<'p>>,
    stats: Vec<(&'static str, MergeStats)>,
    set_aside: Vec<SetAside>,
    /// Rows about people who are forgotten, where the service returned some.
    forgotten: Vec<ForgottenRows>,
    drift: Vec<(Table, Drift)>,
}

impl Day<'_, '_> {
    /// Merges the rows of one table run by run as they arrive; false after a cut.
    fn merge_child(
        &mut self,
        child: Child,
        fetched: &mut mpsc::Receiver<Fetched>,
    ) -> Result<bool, PipelineError> {
        let table = child.table();
        let mut rows = ChildOfDay {
            child,
            fetched,
            runs: self.runs.iter_mut(),
            set_aside: &mut self.set_aside,
            forgotten: &mut self.forgotten,
            drift: Drift::default(),
        };
        let merged = self.staging.merge(table.name(), rows.by_ref());
        let drift = rows.drift;
        self.drift.push((table, drift));
        match merged {
            Ok(stats) => {
                self.stats.push((table.name(), stats));
                Ok(true)
            }
            Err(MergeError::Rows(Cut)) => Ok(false),
            Err(MergeError::Dataset(error)) => Err(error.into()),
        }
    }

    /// Merges rows that are all there.
    fn merge(
        &mut self,
        table: Table,
        rows: Rows,
        context: &RowContext,
    ) -> Result<(), PipelineError> {
        let rows = kept(&context.people, table, rows);
        self.drift.push((table, rows.drift.clone()));
        let merged = merge_all(&mut self.staging, table, rows)?;
        self.stats.push((table.name(), merged));
        Ok(())
    }

    /// Merges the task reports of the day's runs; says what their counts prove.
    fn merge_reports(&mut self, context: &RowContext) -> Result<Vec<ReportVerdict>, PipelineError> {
        let mut verdicts = Vec::new();
        let rows = report_rows(&self.runs, context, &mut verdicts)?;
        if !rows.is_empty() {
            let key = Table::TaskReports.key();
            self.merge(Table::TaskReports, rows.sorted_unique(&key), context)?;
        }
        Ok(verdicts)
    }
}

/// Rows of a table without subjects as the dataset keeps them: none of them is about a person.
fn kept(people: &People, table: Table, rows: Rows) -> Rows {
    people.leave_out(table, people.pseudonymise(table, rows)).0
}

fn merge_all(
    staging: &mut Staging<'_>,
    table: Table,
    rows: Rows,
) -> Result<MergeStats, DatasetError> {
    match staging.merge(
        table.name(),
        [Ok::<_, std::convert::Infallible>(incoming(rows))],
    ) {
        Ok(stats) => Ok(stats),
        Err(MergeError::Dataset(error)) => Err(error),
        Err(MergeError::Rows(never)) => match never {},
    }
}

/// The rows of one table of one day, run by run; remembers what became of each run.
struct ChildOfDay<'a, 'p> {
    child: Child,
    fetched: &'a mut mpsc::Receiver<Fetched>,
    runs: std::slice::IterMut<'a, ReadRun<'p>>,
    set_aside: &'a mut Vec<SetAside>,
    forgotten: &'a mut Vec<ForgottenRows>,
    drift: Drift,
}

impl Iterator for ChildOfDay<'_, '_> {
    type Item = Result<Incoming, Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        let child = self.child;
        while let Some(run) = self
            .runs
            .find(|run| run.task.reading.children.contains(child))
        {
            let Some(fetched) = self.fetched.blocking_recv() else {
                return Some(Err(Cut));
            };
            let rows = match fetched.outcome {
                Outcome::Read(read) => {
                    self.forgotten.extend(left_out(run, child, &read));
                    take(run, child, read, self.set_aside, &mut self.drift)
                }
                Outcome::Gone(error) => not_read(run, child, error, Why::Gone),
                Outcome::Refused(error) => not_read(run, child, error, Why::Refused),
                Outcome::Failed(error) => not_read(run, child, error, Why::Failed),
                Outcome::RefusedBefore => {
                    run.outcomes[child] = ReadOutcome::RefusedBefore;
                    None
                }
            };
            if let Some(rows) = rows {
                return Some(Ok(incoming(rows)));
            }
        }
        None
    }
}

/// What was left out of the rows of a run, where something was.
fn left_out(run: &ReadRun<'_>, child: Child, read: &Read) -> Option<ForgottenRows> {
    (read.forgotten > 0).then(|| ForgottenRows {
        table: child.table().name().to_owned(),
        workflow_id: run.task.workflow_id.to_string(),
        run_id: run.task.run_id.to_string(),
        left_out: read.forgotten as u64,
        ..ForgottenRows::default()
    })
}

fn take(
    run: &mut ReadRun<'_>,
    child: Child,
    mut read: Read,
    set_aside: &mut Vec<SetAside>,
    drift: &mut Drift,
) -> Option<Rows> {
    run.outcomes[child] = ReadOutcome::Read {
        // The service returned them, too.
        rows: read.rows.len() + read.forgotten,
        way: read.way,
        set_aside: read.set_aside.len(),
    };
    if child == Child::Tasks {
        run.by_task = Some(read.by_task);
    }
    set_aside.append(&mut read.set_aside);
    drift.merge(std::mem::take(&mut read.rows.drift));
    Some(read.rows).filter(|rows| !rows.is_empty())
}

fn not_read(
    run: &mut ReadRun<'_>,
    child: Child,
    error: lcw_extractor::ExtractError,
    why: Why,
) -> Option<Rows> {
    run.outcomes[child] = ReadOutcome::NotRead { error, why };
    None
}

/// One row per run of the day, with the markers that say what was read for it.
fn run_rows(read: &[ReadRun<'_>], context: &RowContext) -> Result<Rows, FlattenError> {
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

/// What the count of one task report proves about its task results.
pub(crate) struct ReportVerdict {
    /// The run, by its place in the day.
    pub(crate) run: usize,
    pub(crate) verdict: Verdict,
    pub(crate) counted: i32,
    pub(crate) fetched: i32,
}

/// One row per task report of the day's runs.
fn report_rows(
    read: &[ReadRun<'_>],
    context: &RowContext,
    verdicts: &mut Vec<ReportVerdict>,
) -> Result<Rows, FlattenError> {
    let lineage = context.lineage();
    let of_workflow = |id: &str| TaskReportRows::new(context.layout, &lineage, id);
    let mut parts = vec![of_workflow("").finish()];
    for (at, run) in read.iter().enumerate() {
        let Some(reports) = run
            .task
            .reports
            .as_ref()
            .filter(|it| !it.objects.is_empty())
        else {
            continue;
        };
        let mut rows = of_workflow(&run.task.workflow_id);
        for report in &reports.objects {
            // The object was parsed when its page was decoded.
            let Ok(parsed) = parse_entity::<TaskReport<'_>>(report) else {
                continue;
            };
            let task = parsed.task.as_option();
            let task_id = task.and_then(|task| task.id.as_option());
            let counted = parsed.total_users_count.as_option().copied().unwrap_or(0);
            let (markers, verdict) = run.report(task_id.map(Text::as_str), counted);
            let raw = context.layout.keep_raw.then_some(&**report);
            rows.append(&parsed, raw, &markers)?;
            verdicts.push(ReportVerdict {
                run: at,
                verdict,
                counted,
                fetched: match markers.task_rows {
                    lcw_transform::Marker::Value(rows) => rows,
                    _ => 0,
                },
            });
        }
        parts.push(rows.finish());
    }
    Ok(Rows::concat(parts))
}

impl crate::survey::RunTask {
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

/// Merges the rows of the tables that have one file each, and commits them on their own.
pub(crate) fn write_undated(
    export: &mut Export<'_>,
    tables: Vec<(Table, Rows)>,
    written: &mut Written,
) -> Result<Committed, DatasetError> {
    let mut staging = export.day(None)?;
    let mut merged = Vec::new();
    for (table, rows) in tables {
        let rows = kept(&written.people, table, rows);
        written.add_drift(table, rows.drift.clone());
        merged.push((table.name(), merge_all(&mut staging, table, rows)?));
    }
    let committed = staging.commit()?;
    for (table, stats) in &merged {
        written.add_table(table, stats);
    }
    Ok(committed)
}
