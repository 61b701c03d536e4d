//! What was written, for the manifest and the summary.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lcw_dataset::MergeStats;
use lcw_extractor::{ErrorKind, ExtractError};
use lcw_transform::{Drift, Table};
use tracing::{info, warn};

use crate::children::{Child, PerChild};
use crate::decode::SetAside;
use crate::not_covered::{Cause, NotCovered};
use crate::people::People;
use crate::proof::{ProofSummary, ShortRun, Verdict};
use crate::read_run::{ReadOutcome, ReadRun, Why};
use crate::summaries::Counted;
use crate::summary::{DriftEntry, TableSummary, Ways};
use crate::write::ReportVerdict;

/// What was written, for the manifest and the summary.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) tables: BTreeMap<&'static str, TableSummary>,
    pub(crate) proof: ProofSummary,
    pub(crate) ways: Ways,
    /// Runs below which something was read.
    pub(crate) fetched: u64,
    /// Settled runs that are as the dataset has them: all they lack is what the service may refuse.
    pub(crate) known: u64,
    pub(crate) not_covered: Vec<NotCovered>,
    /// Tables and workflows of which rows could not be read this time.
    pub(crate) unread: BTreeSet<(Table, String)>,
    /// Workflows of which a listed run was gone when it was to be read.
    pub(crate) moved: BTreeSet<String>,
    pub(crate) drift: BTreeMap<Table, Drift>,
    /// Rows set aside, by table.
    pub(crate) quarantined: BTreeMap<Table, u64>,
    /// What the service counts, by workflow.
    pub(crate) counted: BTreeMap<String, Counted>,
    pub(crate) refusals: BTreeMap<(String, Child), Refusal>,
    pub(crate) people: People,
}

/// The runs of one workflow of which one table was refused.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    runs: u64,
    error: Option<ExtractError>,
}

impl Written {
    pub(crate) fn add_table(&mut self, table: &'static str, stats: &MergeStats) {
        let summary = self.tables.entry(table).or_default();
        summary.rows_written += stats.rows_written;
        summary.rows_new += stats.rows_new;
        summary.rows_replaced += stats.rows_replaced;
        summary.files += u64::from(stats.rows_written > 0);
    }

    pub(crate) fn add_drift(&mut self, table: Table, drift: Drift) {
        if !drift.is_empty() {
            self.drift.entry(table).or_default().merge(drift);
        }
    }

    /// Whether something that was asked for is missing.
    pub(crate) fn is_partial(&self) -> bool {
        self.not_covered.iter().any(|missing| missing.is_partial)
    }

    /// What the service has added to its contract, one entry each.
    pub(crate) fn drift_entries(&self) -> Vec<DriftEntry> {
        let of_table = |(table, drift): (&Table, &Drift)| {
            let entry = |property: &str, value: Option<&str>| DriftEntry {
                table: table.name().to_owned(),
                property: property.to_owned(),
                value: value.map(str::to_owned),
            };
            let properties = drift.properties.iter().map(|name| entry(name, None));
            let values = drift
                .values
                .iter()
                .map(|(name, value)| entry(name, Some(value)));
            properties.chain(values).collect::<Vec<_>>()
        };
        self.drift.iter().flat_map(of_table).collect()
    }

    /// Names rows that the tables cannot hold; their lines by table, for the quarantine.
    pub(crate) fn set_aside(&mut self, rows: Vec<SetAside>) -> BTreeMap<Table, Vec<String>> {
        let mut lines = BTreeMap::<Table, Vec<String>>::new();
        for row in rows {
            let (table, workflow) = (row.table, row.workflow_id);
            if self.unread.insert((table, workflow.clone())) {
                warn!(
                    workflow.id = workflow,
                    "rows are set aside: {}", row.problem
                );
            }
            if !self.quarantined.contains_key(&table) {
                self.not_covered.push(quarantined(table, &row.problem));
            }
            *self.quarantined.entry(table).or_default() += 1;
            let line = self.people.line(row.line);
            lines.entry(table).or_default().push(line);
        }
        lines
    }

    pub(crate) fn add_day(
        &mut self,
        day: Date,
        stats: &[(&'static str, MergeStats)],
        read: Vec<ReadRun<'_>>,
        reports: Vec<ReportVerdict>,
    ) {
        let mut rows_new = 0;
        for (table, stats) in stats {
            self.add_table(table, stats);
            rows_new += stats.rows_new;
        }
        info!(day = %day, runs = read.len(), rows_new, "day committed");
        for report in reports {
            self.add_report(day, &read[report.run], &report);
        }
        for run in read {
            self.add_run(day, run);
        }
    }

    fn add_run(&mut self, day: Date, run: ReadRun<'_>) {
        self.fetched += u64::from(run.is_read());
        self.known += u64::from(run.lacks_only_what_is_refused());
        if run.task.settled {
            self.prove(day, &run);
        }
        self.hold(&run);
        let task = run.task;
        let is_unread = Child::ALL.map(|child| run.is_child_unread(child));
        if task.listed.is_some()
            && Child::ALL
                .iter()
                .any(|child| is_gone(&run.outcomes[*child]))
        {
            self.moved.insert(task.workflow_id.to_string());
        }
        for (child, is_unread) in Child::ALL.into_iter().zip(is_unread) {
            if is_unread && !is_gone(&run.outcomes[child]) && !child.is_tolerated() {
                let workflow = task.workflow_id.to_string();
                self.unread.insert((child.table(), workflow));
            }
        }
        for (child, outcome) in run.outcomes {
            self.add_outcome(day, task.workflow_id.as_ref(), &task.run_id, child, outcome);
        }
    }

    fn add_outcome(
        &mut self,
        day: Date,
        workflow_id: &str,
        run_id: &str,
        child: Child,
        outcome: ReadOutcome,
    ) {
        match outcome {
            ReadOutcome::NotAsked => {}
            ReadOutcome::Read { way, .. } => self.ways.count(child, way),
            ReadOutcome::RefusedBefore => self.refusal(workflow_id, child).runs += 1,
            ReadOutcome::NotRead {
                error,
                why: Why::Refused,
            } => {
                let refusal = self.refusal(workflow_id, child);
                refusal.runs += 1;
                refusal.error.get_or_insert(error);
            }
            ReadOutcome::NotRead { error, why } => {
                let words = child.words();
                let what = match why {
                    Why::Gone => format!("the service no longer has the {words} of run"),
                    _ => format!("could not read the {words} of run"),
                };
                warn!(workflow.id = workflow_id, run.id = run_id, %error, "{what}");
                let what = format!("{what} {run_id} of workflow {workflow_id}");
                let missing = NotCovered::new(what, &error, true)
                    .in_table(child.table())
                    .of_workflow(workflow_id)
                    .of_run(run_id)
                    .on_day(day);
                self.not_covered.push(missing);
            }
        }
    }

    fn refusal(&mut self, workflow_id: &str, child: Child) -> &mut Refusal {
        let key = (workflow_id.to_owned(), child);
        self.refusals.entry(key).or_default()
    }

    /// Says once for each workflow and table what was refused.
    pub(crate) fn name_refusals(&mut self) {
        for ((workflow, child), refusal) in std::mem::take(&mut self.refusals) {
            let runs = refusal.runs;
            let plural = if runs == 1 { "" } else { "s" };
            let words = child.words();
            let what = format!(
                "the service refuses the {words} of {runs} run{plural} of workflow {workflow}"
            );
            let is_partial = !child.is_tolerated();
            let missing = match &refusal.error {
                Some(error) => {
                    if is_partial {
                        warn!(workflow.id = workflow, %error, "{what}");
                    }
                    NotCovered::new(what, error, is_partial)
                }
                None => NotCovered::plain(what, Cause::Permission, "refused", is_partial),
            };
            let missing = missing.in_table(child.table()).of_workflow(&workflow);
            self.not_covered.push(missing.of_runs(runs));
        }
    }

    fn prove(&mut self, day: Date, run: &ReadRun<'_>) {
        match run.verdict(Child::Results) {
            Some(Verdict::Matched) => self.proof.matched += 1,
            Some(Verdict::Over) => self.proof.over += 1,
            Some(Verdict::Short) => {
                self.proof.short += 1;
                self.short(day, run, Child::Results);
            }
            Some(Verdict::NotCounted) => {
                self.proof.unproven += 1;
                self.proof.non_user_subjects += u64::from(!run.task.counts_users);
            }
            Some(Verdict::Open) | None => {}
        }
        if let Some(verdict) = run.verdict(Child::Tasks) {
            self.proof.tasks.add(verdict);
            if verdict == Verdict::Short {
                self.short(day, run, Child::Tasks);
            }
        }
    }

    fn short(&mut self, day: Date, run: &ReadRun<'_>, child: Child) {
        let task = run.task;
        let counted = i64::from(task.counted(child).unwrap_or(0));
        let fetched = run.rows(child).unwrap_or(0) as u64;
        let short = ShortRun::of_run(
            child.table(),
            &task.workflow_id,
            &task.run_id,
            &day.to_string(),
        );
        self.proof.short_runs.push(short.counting(counted, fetched));
    }

    fn add_report(&mut self, day: Date, run: &ReadRun<'_>, report: &ReportVerdict) {
        if !run.task.settled {
            return;
        }
        self.proof.task_reports.add(report.verdict);
        if report.verdict == Verdict::Short {
            let (workflow, id) = (&run.task.workflow_id, &run.task.run_id);
            let short = ShortRun::of_run(Table::TaskReports, workflow, id, &day.to_string());
            let fetched = u64::try_from(report.fetched).unwrap_or(0);
            let short = short.counting(i64::from(report.counted), fetched);
            self.proof.short_runs.push(short);
        }
    }

    /// Adds what the dataset holds of the run to the sums that the service's own counts are
    /// compared with.
    fn hold(&mut self, run: &ReadRun<'_>) {
        let counted = self.counted.get_mut(&*run.task.workflow_id);
        if let (Some(counted), Some(listed)) = (counted, &run.task.listed) {
            let rows = PerChild::of(|child| i32::try_from(run.rows(child)?).ok());
            counted.hold_known(listed.scheduled, &rows);
        }
    }

    /// Rows that the runs of a workflow are short of, as far as they say so themselves.
    fn missing_of(&self, short: &ShortRun) -> i64 {
        let runs = self.proof.short_runs.iter().filter(|run| {
            !run.run_id.is_empty()
                && (run.table, &run.workflow_id) == (short.table, &short.workflow_id)
        });
        runs.map(ShortRun::missing).sum()
    }

    /// Compares the service's own counts with what is there now.
    pub(crate) fn compare_counts(&mut self, is_filtered: bool) {
        for (workflow, counted) in std::mem::take(&mut self.counted) {
            let Some(proof) = counted.proof(&workflow, is_filtered) else {
                continue;
            };
            // Runs that are short themselves explain as much of it.
            let unexplained = |short: &ShortRun| short.missing() > self.missing_of(short);
            let shortfalls: Vec<_> = proof.shortfalls().filter(unexplained).collect();
            self.proof.short_runs.extend(shortfalls);
            self.proof.workflows.push(proof);
        }
    }
}

fn is_gone(outcome: &ReadOutcome) -> bool {
    matches!(outcome, ReadOutcome::NotRead { error, .. } if error.kind() == ErrorKind::NotFound)
}

fn quarantined(table: Table, problem: &str) -> NotCovered {
    let what = format!("rows of {} that it cannot hold", table.name());
    NotCovered::plain(what, Cause::Quarantine, problem, true)
        .in_table(table)
        .with_remedy(
            "look at them in _quarantine below the dataset's folder; a newer version of lcw may \
             know the new type",
        )
}
