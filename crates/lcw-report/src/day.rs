//! What one day holds: its runs, what they did to whom, and which tasks failed.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use lcw_dataset::DatasetError;
use lcw_transform::Table;

use crate::batch::Row;
use crate::failing_tasks::Failures;
use crate::source::Source;
use crate::spread::Spread;
use crate::subject;
use crate::workflows::{Volume, Workflows};

/// The instants of schedules that count: `[from, to)`, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
}

impl Bounds {
    pub(crate) fn contains(self, at: i64) -> bool {
        at >= self.from && self.to.is_none_or(|to| at < to)
    }
}

/// What is looked at: every run of the window, and those of leaver workflows a while before and after
/// it, because a clock may have started before, and stop after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) window: Bounds,
    pub(crate) leavers: Bounds,
}

/// Everything that a report takes from one day.
#[derive(Debug, Default)]
pub(crate) struct Day {
    pub(crate) volumes: BTreeMap<usize, Volume>,
    pub(crate) runs_without_users: u64,
    pub(crate) runs_without_tasks: u64,
    pub(crate) queue: Spread,
    pub(crate) processing: Spread,
    pub(crate) failures: Failures,
    /// What happened to whom, by the schedule of the run.
    pub(crate) events: Vec<Event>,
    /// Ids of the subjects that may have to be named.
    pub(crate) names: HashMap<u128, Box<str>>,
    /// Schedules of runs of leaver workflows that may hold users who are not in the dataset.
    pub(crate) doubtful_leaver_runs: Vec<i64>,
}

/// How one run ended for one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) workflow: usize,
    pub(crate) subject: u128,
    /// Schedule of the run.
    pub(crate) scheduled: i64,
    pub(crate) ended: Ended,
    pub(crate) has_started: bool,
    pub(crate) completed: Option<i64>,
    pub(crate) is_settled: bool,
    /// Whether the run is in the window, and not only in the reach of leavers' clocks.
    pub(crate) is_in_window: bool,
    /// What the task that disables or deletes the account did, where one is known.
    pub(crate) disabling: Option<Disabling>,
}

/// How the processing of a user ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    /// Failed, or completed with errors.
    Badly,
    Canceled,
    /// Not.
    Open,
}

/// What the task that disables or deletes an account did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disabling {
    Done { at: Option<i64> },
    NotDone,
}

/// Which figures a run counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Settled,
    Open,
    Preview,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    workflow: usize,
    is_leaver: bool,
    is_in_window: bool,
    scheduled: i64,
    kind: Kind,
}

impl Run {
    /// Whether its users and tasks count.
    fn counts(self) -> bool {
        self.is_in_window && self.kind == Kind::Settled
    }
}

/// Runs by workflow and id.
type Runs = HashMap<(Box<str>, Box<str>), Run>;

/// Reads a day: runs first, then what their tasks and they themselves did to users.
pub(crate) fn read(
    source: &Source,
    date: Date,
    reach: Reach,
    workflows: &mut Workflows,
) -> Result<Day, DatasetError> {
    let mut day = Day::default();
    let runs = read_runs(source, date, reach, workflows, &mut day)?;
    let disabling = read_tasks(source, date, &runs, &mut day)?;
    read_users(source, date, &runs, &disabling, &mut day)?;
    day.events
        .sort_unstable_by_key(|it| (it.scheduled, it.workflow, it.subject));
    Ok(day)
}

fn read_runs(
    source: &Source,
    date: Date,
    reach: Reach,
    workflows: &mut Workflows,
    day: &mut Day,
) -> Result<Runs, DatasetError> {
    const COLUMNS: [&str; 8] = [
        "workflow_id",
        "id",
        "scheduled_date_time",
        "workflow_execution_type",
        "_lcw_settled",
        "_lcw_proof",
        "_lcw_result_rows",
        "_lcw_task_rows",
    ];
    let mut runs = Runs::new();
    source.read(Table::Runs, Some(date), &COLUMNS, |row| {
        let text = |column| row.text(column).unwrap_or_default();
        let scheduled = row.instant(2).unwrap_or(0);
        let place = workflows.place(text(0));
        let workflow = workflows.get(place);
        let is_in_window = reach.window.contains(scheduled);
        let is_in_reach = workflow.is_leaver && reach.leavers.contains(scheduled);
        if !workflow.is_chosen || !(is_in_window || is_in_reach) {
            return;
        }
        let kind = match row.truth(4) {
            _ if text(3) == "preview" => Kind::Preview,
            Some(true) => Kind::Settled,
            _ => Kind::Open,
        };
        let run = Run {
            workflow: place,
            is_leaver: workflow.is_leaver,
            is_in_window,
            scheduled,
            kind,
        };
        let is_whole = kind == Kind::Settled && matches!(text(5), "matched" | "over");
        if run.is_leaver && kind != Kind::Preview && !is_whole {
            day.doubtful_leaver_runs.push(scheduled);
        }
        if is_in_window {
            day.volumes.entry(place).or_default().add_run(&run);
        }
        if run.counts() {
            day.runs_without_users += u64::from(row.number(6).is_none());
            day.runs_without_tasks += u64::from(row.number(7).is_none());
        }
        runs.insert((text(0).into(), text(1).into()), run);
    })?;
    Ok(runs)
}

/// The run of each row: rows of a run stand together, so it is looked up once.
struct Cursor<'r> {
    runs: &'r Runs,
    key: (Box<str>, Box<str>),
    run: Option<Run>,
}

impl<'r> Cursor<'r> {
    fn new(runs: &'r Runs) -> Self {
        let key = (Box::default(), Box::default());
        Self {
            runs,
            key,
            run: None,
        }
    }

    /// The run that the row's first two columns name, if it counts at all.
    fn at(&mut self, row: Row<'_>) -> Option<Run> {
        let (workflow, run) = (
            row.text(0).unwrap_or_default(),
            row.text(1).unwrap_or_default(),
        );
        if *self.key.0 != *workflow || *self.key.1 != *run {
            self.key = (workflow.into(), run.into());
            self.run = self.runs.get(&self.key).copied();
        }
        self.run.filter(|run| run.kind != Kind::Preview)
    }
}

/// Built-in tasks after which nobody signs in with the account: `Disable user account` and `Delete
/// user account`. Their ids are the same in every tenant.
const DISABLING: [&str; 2] = [
    "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950",
    "8d18588d-9ad3-4c0f-99d0-ec215f0e3dff",
];

/// What disabled whom, by the run's workflow and schedule and the subject.
type Disablings = HashMap<(usize, i64, u128), Disabling>;

fn read_tasks(
    source: &Source,
    date: Date,
    runs: &Runs,
    day: &mut Day,
) -> Result<Disablings, DatasetError> {
    const COLUMNS: [&str; 8] = [
        "workflow_id",
        "run_id",
        "subject_id",
        "task_definition_id",
        "task_display_name",
        "processing_status",
        "failure_reason",
        "completed_date_time",
    ];
    let mut disablings = Disablings::new();
    let mut cursor = Cursor::new(runs);
    source.read(Table::TaskProcessingResults, Some(date), &COLUMNS, |row| {
        let Some(run) = cursor.at(row) else { return };
        let text = |column| row.text(column).unwrap_or_default();
        let (status, ended) = (text(5), row.instant(7));
        if run.counts() && status == "failed" {
            let at = ended.unwrap_or(run.scheduled);
            let task = row.text(4).or(row.text(3)).unwrap_or_default();
            let user = subject::key(text(2));
            day.failures.add(task, text(6), user, run.workflow, at);
        }
        if run.is_leaver && DISABLING.contains(&text(3)) {
            let key = (run.workflow, run.scheduled, subject::key(text(2)));
            let now = match status {
                "completed" => Disabling::Done { at: ended },
                _ => Disabling::NotDone,
            };
            let known = disablings.entry(key).or_insert(now);
            *known = earlier(*known, now);
        }
    })?;
    Ok(disablings)
}

/// Of two tasks that disable an account, the one that did it first.
fn earlier(one: Disabling, other: Disabling) -> Disabling {
    match (one, other) {
        (Disabling::Done { at: Some(one) }, Disabling::Done { at: Some(other) }) => {
            Disabling::Done {
                at: Some(one.min(other)),
            }
        }
        (Disabling::Done { at: None }, Disabling::Done { .. }) | (Disabling::NotDone, _) => other,
        (Disabling::Done { .. }, _) => one,
    }
}

fn read_users(
    source: &Source,
    date: Date,
    runs: &Runs,
    disablings: &Disablings,
    day: &mut Day,
) -> Result<(), DatasetError> {
    const COLUMNS: [&str; 8] = [
        "workflow_id",
        "run_id",
        "subject_id",
        "processing_status",
        "started_date_time",
        "completed_date_time",
        "queue_ms",
        "processing_ms",
    ];
    let mut cursor = Cursor::new(runs);
    source.read(Table::UserProcessingResults, Some(date), &COLUMNS, |row| {
        let Some(run) = cursor.at(row) else { return };
        let status = row.text(3).unwrap_or_default();
        if run.counts() {
            let volume = day.volumes.entry(run.workflow).or_default();
            volume.users.count(status);
            if let Some(span) = row.number(6) {
                day.queue.add(span);
            }
            if let Some(span) = row.number(7) {
                day.processing.add(span);
            }
        } else if !run.is_leaver {
            return;
        }
        let id = row.text(2).unwrap_or_default();
        let subject = subject::key(id);
        let ended = ended(status);
        if run.is_leaver || ended == Ended::Badly {
            day.names.entry(subject).or_insert_with(|| id.into());
        }
        day.events.push(Event {
            workflow: run.workflow,
            subject,
            scheduled: run.scheduled,
            ended,
            has_started: row.instant(4).is_some() || status == "inProgress",
            completed: row.instant(5),
            is_settled: run.kind == Kind::Settled,
            is_in_window: run.is_in_window,
            disabling: disablings
                .get(&(run.workflow, run.scheduled, subject))
                .copied(),
        });
    })
}

fn ended(status: &str) -> Ended {
    match status {
        "completed" => Ended::Completed,
        "failed" | "completedWithErrors" => Ended::Badly,
        "canceled" => Ended::Canceled,
        _ => Ended::Open,
    }
}

impl Volume {
    fn add_run(&mut self, run: &Run) {
        match run.kind {
            Kind::Settled => self.runs += 1,
            Kind::Open => self.open_runs += 1,
            Kind::Preview => self.preview_runs += 1,
        }
        if run.kind != Kind::Preview {
            self.last_run = self.last_run.max(Some(run.scheduled));
        }
    }
}

impl Day {
    /// Runs and users over all workflows.
    pub(crate) fn volume(&self) -> Volume {
        let mut all = Volume::default();
        for volume in self.volumes.values() {
            all.runs += volume.runs;
            all.open_runs += volume.open_runs;
            all.preview_runs += volume.preview_runs;
            all.users.add(&volume.users);
            all.last_run = all.last_run.max(volume.last_run);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_that_disabled_the_account_first_counts() {
        let done = |at| Disabling::Done { at };
        for (one, other, first) in [
            (done(Some(1)), done(Some(2)), done(Some(1))),
            (done(None), done(Some(2)), done(Some(2))),
            (done(Some(1)), done(None), done(Some(1))),
            (Disabling::NotDone, done(Some(2)), done(Some(2))),
            (done(Some(1)), Disabling::NotDone, done(Some(1))),
            (Disabling::NotDone, Disabling::NotDone, Disabling::NotDone),
        ] {
            assert_eq!(earlier(one, other), first);
        }
    }
}
