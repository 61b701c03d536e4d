//! What an export or backfill would do, without doing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use lcw_dataset::Dataset;
use lcw_extractor::GraphClient;
use lcw_model::time::format_micros;
use lcw_transform::Table;
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::error::PipelineError;
use crate::exit;
use crate::export::{Stop, until_stopped};
use crate::not_covered::NotCovered;
use crate::prepare::{Source, Target, survey};
use crate::progress::Progress;
use crate::request::{Kind, Request};
use crate::survey::{RunCounts, RunTask};
use crate::tables;

/// Rows that a page is taken to hold while the service has not shown any.
const ROWS_PER_PAGE: u64 = 100;

/// What would be requested and replaced. Nothing was written.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// `export` or `backfill`.
    pub kind: &'static str,
    /// The exit code of `lcw plan`.
    pub exit_code: u8,
    /// The tenant.
    pub tenant_id: String,
    /// Runs scheduled since then were listed; RFC 3339.
    pub from: Option<String>,
    /// Runs scheduled before then were listed; RFC 3339, null for the incremental export.
    pub to: Option<String>,
    /// Workflows that were listed.
    pub workflows: u64,
    /// What would be done about the runs; `fetched` is what would be.
    pub runs: RunCounts,
    /// Rows that the service counts for the runs to be fetched.
    pub rows_expected: u64,
    /// The same by table, for those whose rows the service counts.
    pub rows_by_table: BTreeMap<&'static str, u64>,
    /// Requests that planning took; the export sends them again.
    pub requests_to_list: u64,
    /// Requests for results that would follow, as far as the counts tell.
    pub requests_to_fetch: u64,
    /// How long all of them take at the configured rate, in seconds; null when it is unlimited.
    pub seconds_at_full_rate: Option<u64>,
    /// Partitions that would be made, or replaced where rows changed.
    pub partitions: Vec<Partition>,
    /// What could not be listed.
    pub not_covered: Vec<NotCovered>,
}

/// One partition that an export would touch.
#[derive(Debug, Clone, Serialize)]
pub struct Partition {
    /// The table.
    pub table: &'static str,
    /// The day of its runs.
    pub run_date: String,
    /// Whether there is a file that would be replaced.
    pub exists: bool,
}

/// Lists what an export with this request would find, and counts what it would do.
///
/// # Errors
/// What would stop the export before its first row, too.
pub async fn plan(
    request: &Request,
    client: &GraphClient,
    requests_per_second: Option<f64>,
    progress: &Arc<Progress>,
    stop: Stop,
) -> Result<Plan, PipelineError> {
    until_stopped(stop, make(request, client, requests_per_second, progress)).await
}

async fn make(
    request: &Request,
    client: &GraphClient,
    requests_per_second: Option<f64>,
    progress: &Arc<Progress>,
) -> Result<Plan, PipelineError> {
    let dataset = tables::open(request)?;
    progress.doing("reading workflows");
    let source = Source::read(request, client).await?;
    let (reader, asked, tenant) = (dataset.clone(), request.clone(), source.tenant.clone());
    let now = source.now;
    let target = spawn_blocking(move || Target::read(&reader, &tenant, &asked, now)).await??;
    progress.doing(format!(
        "listing runs of {} workflows",
        source.catalog.scopes.len()
    ));
    let mut survey = survey(request, client, &source, &target).await?;

    let tasks = || survey.days.values().flatten();
    let expected = |child| {
        let read = tasks().filter(move |task| task.reading.children.contains(child));
        let counted = read.map(move |task| task.counted(child).unwrap_or(0));
        counted.map(|rows| u64::try_from(rows).unwrap_or(0))
    };
    let pages = |rows: u64| rows.div_ceil(ROWS_PER_PAGE).max(1);
    let mut rows_by_table = BTreeMap::new();
    let mut requests_to_fetch = 0;
    for child in request.reading().children.iter() {
        requests_to_fetch += expected(child).map(pages).sum::<u64>();
        if child.is_counted() {
            rows_by_table.insert(child.table().name(), expected(child).sum());
        }
    }
    let with_reports = tasks().filter(|task| task.reading.reports);
    let with_reports: BTreeSet<&str> = with_reports.map(|task| &*task.workflow_id).collect();
    requests_to_fetch += with_reports.len() as u64;
    let to_fetch = tasks().filter(|task| !task.reading.children.is_empty());
    let to_fetch = to_fetch.count() as u64;
    let users = rows_by_table.get(Table::UserProcessingResults.name());
    let rows_expected = users.copied().unwrap_or(0);
    let requests_to_list = client.stats().sent;
    let partitions = partitions(request, &dataset, &source.tenant, &survey.days)?;
    let mut not_covered = source.catalog.not_covered;
    not_covered.append(&mut survey.not_covered);
    let (from, to) = match &request.kind {
        Kind::Export => (survey.listed.values().min().copied(), None),
        Kind::Backfill(backfill) => (
            Some(backfill.from.as_microsecond()),
            Some(backfill.to.as_microsecond()),
        ),
    };
    let is_partial = not_covered.iter().any(|missing| missing.is_partial);
    Ok(Plan {
        kind: request.kind.name(),
        exit_code: if is_partial {
            exit::PARTIAL
        } else {
            exit::DONE
        },
        tenant_id: source.tenant,
        from: from.map(format_micros),
        to: to.map(format_micros),
        workflows: survey.listed.len() as u64,
        rows_expected,
        rows_by_table,
        runs: RunCounts {
            fetched: to_fetch,
            ..survey.counts
        },
        requests_to_list,
        requests_to_fetch,
        seconds_at_full_rate: seconds(requests_to_list + requests_to_fetch, requests_per_second),
        partitions,
        not_covered,
    })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of positive seconds"
)]
fn seconds(requests: u64, per_second: Option<f64>) -> Option<u64> {
    per_second.map(|rate| {
        Duration::from_secs_f64(requests as f64 / rate)
            .as_secs_f64()
            .ceil() as u64
    })
}

fn partitions(
    request: &Request,
    dataset: &Dataset,
    tenant: &str,
    days: &BTreeMap<Date, Vec<RunTask>>,
) -> Result<Vec<Partition>, PipelineError> {
    let mut partitions = Vec::new();
    for table in request.tables_by_run() {
        let stored: BTreeSet<_> = dataset.days(table.name(), tenant)?.into_iter().collect();
        let is_touched = |tasks: &[RunTask]| tasks.iter().any(|task| touches(task, table));
        let touched = days.iter().filter(|(_, tasks)| is_touched(tasks));
        partitions.extend(touched.map(|(day, _)| Partition {
            table: table.name(),
            run_date: day.to_string(),
            exists: stored.contains(day),
        }));
    }
    Ok(partitions)
}

/// Whether an export writes rows of the table for this run.
fn touches(task: &RunTask, table: Table) -> bool {
    let mut children = task.reading.children.iter();
    match table {
        Table::Runs => true,
        Table::TaskReports => task.reading.reports,
        _ => children.any(|child| child.table() == table),
    }
}

/// One line per table and stretch of days that are all new, or all replaced.
fn partition_lines(partitions: &[Partition]) -> Vec<String> {
    let is_next = |a: &Partition, b: &Partition| a.table == b.table && a.exists == b.exists;
    let stretches = partitions.chunk_by(is_next);
    let line = |days: &[Partition]| {
        let (first, last) = (days.first()?, days.last()?);
        let what = if first.exists { "replace" } else { "new" };
        let until = if days.len() > 1 {
            format!(" to {}, {} days", last.run_date, days.len())
        } else {
            String::new()
        };
        Some(format!(
            "{what:<8}{} {}{until}",
            first.table, first.run_date
        ))
    };
    stretches.filter_map(line).collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.to.as_deref().unwrap_or("now");
        let from = self.from.as_deref().unwrap_or("-");
        writeln!(
            f,
            "{} of tenant {}, runs scheduled from {from} until {until}",
            self.kind, self.tenant_id
        )?;
        let runs = &self.runs;
        writeln!(
            f,
            "  runs        {} listed in {} workflows",
            runs.listed, self.workflows
        )?;
        writeln!(
            f,
            "              {} to read, {} known and settled, {} empty, {} committed before",
            runs.fetched, runs.skipped_settled, runs.skipped_empty, runs.skipped_committed
        )?;
        for (table, rows) in &self.rows_by_table {
            let words = table.replace('_', " ");
            writeln!(f, "  rows        {rows} {words}, as the service counts")?;
        }
        let total = self.requests_to_list + self.requests_to_fetch;
        write!(
            f,
            "  requests    about {total}: {} to list, {} for what is below the runs",
            self.requests_to_list, self.requests_to_fetch
        )?;
        match self.seconds_at_full_rate {
            Some(seconds) => writeln!(f, "; at least {seconds} s at the configured rate")?,
            None => writeln!(f)?,
        }
        let replaced = self
            .partitions
            .iter()
            .filter(|partition| partition.exists)
            .count();
        writeln!(
            f,
            "  partitions  {} replaced, {} new",
            replaced,
            self.partitions.len() - replaced
        )?;
        for line in partition_lines(&self.partitions) {
            writeln!(f, "    {line}")?;
        }
        for missing in &self.not_covered {
            writeln!(f, "  not covered: {}: {}", missing.what, missing.reason)?;
        }
        write!(f, "nothing was written")
    }
}
