//! What an export or backfill would do, without doing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use lcw_dataset::Dataset;
use lcw_extractor::GraphClient;
use lcw_model::time::{format_micros, parse_micros};
use lcw_transform::Table;
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::by_workflow::{Chooser, pages};
use crate::catalog::Scope;
use crate::children::Child;
use crate::coverage::DAY;
use crate::error::PipelineError;
use crate::exit;
use crate::export::{Stop, until_stopped};
use crate::human;
use crate::not_covered::NotCovered;
use crate::page_sizes;
use crate::prepare::{Source, Target, newest_manifest, survey};
use crate::progress::Progress;
use crate::request::{Kind, Request};
use crate::survey::{RunCounts, RunTask};
use crate::tables;
use crate::unlisted;

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
    /// Rows that the service counts for the runs to be fetched; a filter leaves some of them out.
    pub rows_expected: u64,
    /// Whether user processing results are filtered.
    pub filtered: bool,
    /// The same by table, for those whose rows the service counts.
    pub rows_by_table: BTreeMap<&'static str, u64>,
    /// Requests that listing took; the export sends them again. A few more are sent for the plan alone,
    /// to see how many rows a page holds.
    pub requests_to_list: u64,
    /// Requests that would follow for workflows and results, as far as versions, counts
    /// and the size of a page tell.
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
    /// The day of its runs; null for a table that has one file.
    pub run_date: Option<String>,
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
    let asked = request.clone();
    let dataset = spawn_blocking(move || tables::open(&asked)).await??;
    progress.doing("reading workflows");
    let mut source = Source::read(request, client).await?;
    let (reader, asked, tenant) = (dataset.clone(), request.clone(), source.tenant.clone());
    let now = source.now;
    let read = move || {
        let newest = newest_manifest(&reader, &tenant)?;
        Target::read(&reader, &tenant, newest, &asked, now)
    };
    let target = spawn_blocking(read).await??;
    unlisted::find(request, client, &target, now, &mut source.catalog).await?;
    progress.doing(format!(
        "listing runs of {} workflows",
        source.catalog.scopes.len()
    ));
    let mut survey = survey(request, client, &mut source, &target).await?;
    let requests_to_list = client.stats().sent;
    let per_page = page_sizes::look(request, client, &survey.days).await;

    let tasks = || survey.days.values().flatten();
    let expected = |child| {
        let read = tasks().filter(move |task| task.reading.children.contains(child));
        let counted = read.map(move |task| task.counted(child).unwrap_or(0));
        counted.map(|rows| u64::try_from(rows).unwrap_or(0))
    };
    let mut rows_by_table = BTreeMap::new();
    let undated = undated(request, &source, &target);
    let mut requests_to_fetch: u64 = undated.values().sum();
    for child in request.reading().children.iter() {
        requests_to_fetch += expected(child)
            .map(|rows| pages(rows, per_page[child]))
            .sum::<u64>();
        if child.is_counted() {
            rows_by_table.insert(child.table().name(), expected(child).sum());
        }
    }
    let chooser = Chooser::new(request, std::mem::take(&mut survey.sizes));
    let gathered = gathered(&chooser, &survey.days, per_page[Child::Results]);
    requests_to_fetch = requests_to_fetch.saturating_add_signed(gathered);
    let with_reports = tasks().filter(|task| task.reading.reports);
    let with_reports: BTreeSet<&str> = with_reports.map(|task| &*task.workflow_id).collect();
    requests_to_fetch += with_reports.len() as u64;
    let to_fetch = tasks().filter(|task| !task.reading.children.is_empty());
    let to_fetch = to_fetch.count() as u64;
    let users = rows_by_table.get(Table::UserProcessingResults.name());
    let rows_expected = users.copied().unwrap_or(0);
    let mut partitions = one_file_each(&undated, &target);
    partitions.extend(by_day(request, &dataset, &source.tenant, &survey.days)?);
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
        filtered: request.is_filtered(),
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

/// Requests that the second route is expected to take beyond those that it saves.
fn gathered(chooser: &Chooser, days: &BTreeMap<Date, Vec<RunTask>>, per_page: u64) -> i64 {
    let taken = |requests: u64| i64::try_from(requests).unwrap_or(i64::MAX);
    let days: Vec<&[RunTask]> = days.values().map(Vec::as_slice).collect();
    let stretches = chooser.stretches(days.iter().copied()).into_iter();
    stretches
        .flat_map(|stretch| chooser.choose(days[stretch].iter().copied()))
        .map(|it| taken(it.requests(per_page)) - taken(it.requests_by_run(per_page)))
        .sum()
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

/// Requests for each table without days of which something would be read. An estimate: what was
/// refused or set aside before is asked for again, and is not counted here.
fn undated(request: &Request, source: &Source, target: &Target) -> BTreeMap<&'static str, u64> {
    let mut requests = BTreeMap::new();
    let undated = request.wanted_tables().filter(|table| !table.is_by_day());
    for table in undated {
        let asked = if table == Table::TaskDefinitions {
            u64::from(are_definitions_due(target, source.now))
        } else {
            let scopes = source.catalog.scopes.iter();
            let changed = scopes.filter(|scope| is_to_read(table, scope, target));
            changed
                .map(|scope| requests_for(table, scope, target))
                .sum()
        };
        if asked > 0 {
            requests.insert(table.name(), asked);
        }
    }
    requests
}

/// Task definitions are read once a day.
fn are_definitions_due(target: &Target, now: i64) -> bool {
    let last = target.state.definitions_read_at;
    let is_recent = |last: i64| (last..last + DAY).contains(&now);
    !target.with_file.contains(&Table::TaskDefinitions) || !last.is_some_and(is_recent)
}

/// Whether rows of this table would be read for a workflow: it is new, or another than its stored row
/// says, or the table was never read for it.
fn is_to_read(table: Table, scope: &Scope, target: &Target) -> bool {
    let listed = &scope.workflow;
    let modified = listed.last_modified.as_deref();
    let modified = modified.and_then(|text| parse_micros(text).ok());
    let is_known = target.workflows.get(&listed.id).is_some_and(|stored| {
        modified == stored.last_modified
            && listed.version == stored.version
            && scope.is_deleted == stored.is_deleted
    });
    let was_read = if table == Table::Workflows {
        !target.state.without_details.contains(&listed.id)
    } else {
        let read_for = target.state.read_for.get(table.name());
        target.with_file.contains(&table) && read_for.is_some_and(|by| by.contains_key(&listed.id))
    };
    !(is_known && was_read)
}

/// One request, and one for the details of each version that is not stored yet.
fn requests_for(table: Table, scope: &Scope, target: &Target) -> u64 {
    if table != Table::WorkflowVersions {
        return 1;
    }
    let of = |number| (scope.workflow.id.clone(), number);
    let known = target.versions.range(of(i32::MIN)..=of(i32::MAX)).count() as u64;
    let newest = u64::try_from(scope.workflow.version.unwrap_or(1)).unwrap_or(0);
    1 + newest.saturating_sub(known)
}

fn one_file_each(undated: &BTreeMap<&'static str, u64>, target: &Target) -> Vec<Partition> {
    let tables = Table::ALL
        .into_iter()
        .filter(|table| undated.contains_key(table.name()));
    let file = |table: Table| Partition {
        table: table.name(),
        run_date: None,
        exists: target.with_file.contains(&table),
    };
    tables.map(file).collect()
}

fn by_day(
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
            run_date: Some(day.to_string()),
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
        let days = match (&first.run_date, &last.run_date) {
            (Some(first), Some(last)) if first != last => {
                format!(" {first} to {last}, {} days", days.len())
            }
            (Some(day), _) => format!(" {day}"),
            (None, _) => String::new(),
        };
        Some(format!("{what:<8}{}{days}", first.table))
    };
    stretches.filter_map(line).collect()
}

/// The width that text is made for.
const COLUMNS: usize = 80;

/// Words behind a label, in as many lines as they need.
fn write_words(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut line = format!("  {label:<10}");
    let begin = line.len();
    for word in text.split_whitespace() {
        let width = line.chars().count() + 2 + word.chars().count();
        if line.len() > begin && width > COLUMNS {
            writeln!(f, "{line}")?;
            line = " ".repeat(begin);
        }
        line.push_str(if line.len() > begin { " " } else { "  " });
        line.push_str(word);
    }
    writeln!(f, "{line}")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of tenant {}", self.kind, self.tenant_id)?;
        let until = self.to.as_deref().unwrap_or("now");
        let from = self.from.as_deref().unwrap_or("-");
        let window = format!("runs scheduled from {from} until {until}");
        write_words(f, "window", &window)?;
        let runs = &self.runs;
        let listed = format!("{} listed in {} workflows", runs.listed, self.workflows);
        write_words(f, "runs", &listed)?;
        let parts = format!(
            "{} to read, {} known and settled, {} empty, {} committed before",
            runs.fetched, runs.skipped_settled, runs.skipped_empty, runs.skipped_committed
        );
        write_words(f, "", &parts)?;
        for (table, rows) in &self.rows_by_table {
            let words = table.replace('_', " ");
            let is_filtered = self.filtered && *table == Table::UserProcessingResults.name();
            let text = if is_filtered {
                format!("at most {rows} {words}: the filter leaves out some")
            } else {
                format!("{rows} {words}, as the service counts")
            };
            write_words(f, "rows", &text)?;
        }
        let total = self.requests_to_list + self.requests_to_fetch;
        let time = match self.seconds_at_full_rate {
            Some(seconds) => format!(
                "; at least {} at the configured rate",
                human::duration(seconds)
            ),
            None => String::new(),
        };
        let requests = format!(
            "about {total}: {} to list, {} to read what is new{time}",
            self.requests_to_list, self.requests_to_fetch
        );
        write_words(f, "requests", &requests)?;
        let replaced = self.partitions.iter();
        let replaced = replaced.filter(|partition| partition.exists).count();
        let new = self.partitions.len() - replaced;
        write_words(f, "partitions", &format!("{replaced} replaced, {new} new"))?;
        for line in partition_lines(&self.partitions) {
            writeln!(f, "    {line}")?;
        }
        for missing in &self.not_covered {
            writeln!(f, "  not covered: {}: {}", missing.what, missing.reason)?;
        }
        write!(f, "nothing was written")
    }
}
