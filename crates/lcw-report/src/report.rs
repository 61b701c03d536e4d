//! A report, from the first day to the last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lcw_model::time::{format_micros, parse_micros};
use lcw_transform::Table;

use crate::day::{self, Bounds, Day, Reach};
use crate::error::ReportError;
use crate::failed_users::Fixes;
use crate::failing_tasks::Failures;
use crate::leavers::{LeaverKnowledge, Tally};
use crate::model::{DayLine, Report, Totals, Window};
use crate::request::{ReportRequest, micros};
use crate::source::Source;
use crate::spread::Spread;
use crate::workflows::Workflows;
use crate::{metrics, proof};

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// Days that a report looks at unless it is told otherwise, the newest one included.
const DEFAULT_DAYS: i64 = 30;

/// For how many days the service keeps a run.
const KEPT_DAYS: i64 = 30;

/// Reads the dataset and answers.
///
/// # Errors
/// [`ReportError::Usage`] without a dataset, for several tenants of which none was named, an unknown
/// workflow, or an empty window; [`ReportError::Moving`] when files are replaced again and again; and
/// what cannot be read.
pub fn report(request: &ReportRequest) -> Result<Report, ReportError> {
    let source = Source::open(request)?;
    let mut workflows = Workflows::read(&source, &request.workflows)?;
    let coverage = coverage(&source, &workflows)?;
    let reach = reach(bounds(request, coverage.as_of)?, request, &workflows);
    let mut sums = Sums::new(request, reach);
    for date in source.days_between(reach.leavers.from, reach.leavers.to) {
        let day = source.at_rest(date, || day::read(&source, date, reach, &mut workflows))?;
        workflows.add_day(&day.volumes);
        sums.add(date.to_string(), day, &workflows);
    }
    workflows.find_last_runs(&source, reach.window.from)?;
    Ok(sums.into_report(request, &source, &workflows, coverage))
}

/// The window, and with leaver workflows as much more as their clocks take: a run can be processed
/// again for as long as the service keeps it.
fn reach(window: Bounds, request: &ReportRequest, workflows: &Workflows) -> Reach {
    let sla = micros(request.sla);
    let has_leavers = workflows.iter().any(|it| it.is_chosen && it.is_leaver);
    let leavers = if has_leavers {
        Bounds {
            from: window.from.saturating_sub(KEPT_DAYS * DAY),
            to: window.to.map(|to| to.saturating_add(sla)),
        }
    } else {
        window
    };
    Reach { window, leavers }
}

/// What the dataset knows of the workflows that count, in microseconds.
#[derive(Clone, Copy)]
struct Coverage {
    /// From which schedule on, in one piece; `None`: nobody says.
    from: Option<i64>,
    /// The oldest of the newest complete listings of the live workflows, else the schedule of the
    /// newest run.
    as_of: Option<i64>,
}

fn coverage(source: &Source, workflows: &Workflows) -> Result<Coverage, ReportError> {
    let live = workflows.iter().filter(|it| it.is_chosen && it.is_live);
    let live: Vec<&str> = live.map(|it| it.id.as_str()).collect();
    let listings = source.listings(&live)?;
    let as_of = match listings.until(&live) {
        Some(at) => Some(at),
        None => newest_run(source)?,
    };
    let first_day = source.days().next();
    let first_day = first_day.map(|day| day_start(&day.to_string()));
    let from = [listings.from(&live), first_day]
        .into_iter()
        .flatten()
        .min();
    Ok(Coverage { from, as_of })
}

/// The schedule of the newest run.
fn newest_run(source: &Source) -> Result<Option<i64>, ReportError> {
    let mut newest = None;
    for date in source.days().rev() {
        source.read(Table::Runs, Some(date), &["scheduled_date_time"], |row| {
            newest = newest.max(row.instant(0));
        })?;
        if newest.is_some() {
            break;
        }
    }
    Ok(newest)
}

fn bounds(request: &ReportRequest, as_of: Option<i64>) -> Result<Bounds, ReportError> {
    let to = request.to.map(Timestamp::as_microsecond);
    let newest = as_of.unwrap_or_else(|| request.now.as_microsecond());
    let last = to.map_or(newest, |to| newest.min(to.saturating_sub(1)));
    let default = last.div_euclid(DAY).saturating_sub(DEFAULT_DAYS - 1) * DAY;
    let from = request.from.map_or(default, Timestamp::as_microsecond);
    if to.is_some_and(|to| to <= from) {
        return Err(ReportError::usage(
            "the window is empty: --to is not after --from",
            "the window is [--from, --to) of run schedule dates",
        ));
    }
    Ok(Bounds { from, to })
}

/// What the days so far add up to.
struct Sums {
    reach: Reach,
    totals: Totals,
    queue: Spread,
    processing: Spread,
    failures: Failures,
    fixes: Fixes,
    leavers: Tally,
    doubtful_runs: Vec<i64>,
    days: Vec<DayLine>,
}

impl Sums {
    fn new(request: &ReportRequest, reach: Reach) -> Self {
        Self {
            reach,
            totals: Totals::default(),
            queue: Spread::default(),
            processing: Spread::default(),
            failures: Failures::default(),
            fixes: Fixes::default(),
            leavers: Tally::new(
                request.population.clone(),
                micros(request.sla),
                reach.window,
            ),
            doubtful_runs: Vec::new(),
            days: Vec::new(),
        }
    }

    fn add(&mut self, run_date: String, mut day: Day, workflows: &Workflows) {
        self.fixes.add_day(&day);
        self.leavers.add_day(&day, workflows);
        self.queue.unite(&day.queue);
        self.processing.unite(&day.processing);
        self.doubtful_runs.append(&mut day.doubtful_leaver_runs);
        let volume = day.volume();
        self.totals.runs += volume.runs;
        self.totals.open_runs += volume.open_runs;
        self.totals.preview_runs += volume.preview_runs;
        self.totals.runs_without_users += day.runs_without_users;
        self.totals.runs_without_tasks += day.runs_without_tasks;
        self.totals.users.add(&volume.users);
        self.days.push(DayLine {
            run_date,
            runs: volume.runs,
            open_runs: volume.open_runs,
            preview_runs: volume.preview_runs,
            users: volume.users,
            queue: day.queue.quantiles(),
            processing: day.processing.quantiles(),
            verdict: "unproven",
        });
        self.failures.unite(day.failures);
    }

    fn into_report(
        mut self,
        request: &ReportRequest,
        source: &Source,
        workflows: &Workflows,
        coverage: Coverage,
    ) -> Report {
        let as_of = coverage.as_of;
        let Reach {
            window: bounds,
            leavers,
        } = self.reach;
        let verdicts = proof::verdicts(&source.tenant.matrix, bounds, workflows);
        self.days
            .retain(|day| day.runs + day.open_runs + day.preview_runs > 0);
        for day in &mut self.days {
            day.verdict = verdicts
                .get(day.run_date.as_str())
                .copied()
                .unwrap_or(day.verdict);
        }
        let has_tasks = self.totals.runs == 0 || self.totals.runs_without_tasks < self.totals.runs;
        self.totals.success_rate_percent = self.totals.users.success_rate();
        self.doubtful_runs.sort_unstable();
        let known = |bound: Option<i64>| as_of.map(|at| bound.map_or(at, |bound| at.min(bound)));
        let lost = source.tenant.lost_days.iter();
        let knowledge = LeaverKnowledge {
            from: leavers.from.max(coverage.from.unwrap_or(i64::MAX)),
            until: known(leavers.to),
            lacks_users: lacks_users(source, workflows),
            doubtful_runs: self.doubtful_runs,
            lost_days: lost.filter_map(|day| day.parse().ok()).collect(),
        };
        let stale_since = known(bounds.to);
        let stale_since = stale_since.map(|at| at.saturating_sub(micros(request.stale_after)));
        let mut report = Report {
            report_version: 1,
            tenant_id: source.tenant.tenant_id.clone(),
            out: request.out.display().to_string(),
            generated_at: request.now.to_string(),
            window: Window {
                from: format_micros(bounds.from),
                to: bounds.to.map(format_micros),
                as_of: as_of.map(format_micros),
                workflow_ids: workflows.named_ids(),
            },
            notes: Vec::new(),
            totals: self.totals,
            leavers: self.leavers.section(workflows, &knowledge, has_tasks),
            failing_tasks: self.failures.section(has_tasks, workflows),
            failed_users: self.fixes.section(workflows),
            workflows: workflows.lines(stale_since),
            queue: self.queue.quantiles(),
            processing: self.processing.quantiles(),
            days: self.days,
            proof: proof::section(&source.tenant, bounds, workflows),
            metrics: BTreeMap::new(),
            conditions: Vec::new(),
        };
        report.notes = notes(&report, source.filter.as_deref());
        report.metrics = metrics::values(&report);
        report.conditions = request
            .conditions
            .iter()
            .map(|it| it.check(&report.metrics))
            .collect();
        report
    }
}

/// Why users of leaver workflows may be missing in the dataset as a whole.
fn lacks_users(source: &Source, workflows: &Workflows) -> Option<&'static str> {
    let is_leaver = |id: &String| {
        workflows
            .iter()
            .any(|it| it.id == *id && it.is_chosen && it.is_leaver)
    };
    let tables = [Table::Runs.name(), Table::UserProcessingResults.name()];
    let not_covered = source.tenant.not_covered.iter().any(|it| {
        let is_table = it
            .table
            .as_deref()
            .is_none_or(|table| tables.contains(&table));
        it.is_partial && is_table && it.workflow_id.as_ref().is_none_or(is_leaver)
    });
    match source.filter {
        Some(_) => Some("the dataset leaves out users"),
        None if not_covered => Some("the newest export could not read everything"),
        None => None,
    }
}

/// Midnight of a day, in microseconds.
fn day_start(day: &str) -> i64 {
    parse_micros(&format!("{day}T00:00:00Z")).unwrap_or(i64::MAX)
}

/// What the report cannot say.
fn notes(report: &Report, filter: Option<&str>) -> Vec<String> {
    let totals = &report.totals;
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: String| {
        if applies {
            notes.push(text);
        }
    };
    note(
        totals.runs + totals.open_runs + totals.preview_runs == 0,
        "No run of the window is in the dataset.".to_owned(),
    );
    note(
        totals.open_runs > 0,
        format!(
            "{} open or not settled yet, and in no rate, duration or trend.",
            counted(totals.open_runs, "run is", "runs are")
        ),
    );
    note(
        totals.preview_runs > 0,
        format!(
            "{} (preview): they change nothing, and are in no figure but their own number.",
            counted(totals.preview_runs, "dry run", "dry runs")
        ),
    );
    note(
        totals.runs_without_users > 0,
        format!(
            "{} no user results in the dataset: their users are in no figure.",
            counted(
                totals.runs_without_users,
                "settled run has",
                "settled runs have"
            )
        ),
    );
    note(
        report.failing_tasks.known && totals.runs_without_tasks > 0,
        format!(
            "{} no task results in the dataset: their failing tasks are not known.",
            counted(
                totals.runs_without_tasks,
                "settled run has",
                "settled runs have"
            )
        ),
    );
    note(
        !report.failing_tasks.known && totals.runs > 0,
        "Task results are not in the dataset for this window: which task failed and why is not known."
            .to_owned(),
    );
    note(
        report.failing_tasks.failures_left_out > 0,
        format!(
            "{} of kinds beyond the thousand that are listed.",
            counted(
                report.failing_tasks.failures_left_out,
                "task failure is",
                "task failures are"
            )
        ),
    );
    if let Some(filter) = filter {
        notes.push(format!(
            "The dataset was filtered by {filter}: users are missing on purpose."
        ));
    }
    notes
}

/// `1 run is`, `2 runs are`.
fn counted(count: u64, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}
