//! The result rows of a run, computed from its seed.

use crate::random;
use crate::run::{Edit, Run, Totals, count};
use crate::ticks::{HOUR, SECOND, Ticks};
use crate::words::{ExecutionType, ProcessingStatus};

/// What can be seen of one result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultView<'a> {
    pub(crate) run: &'a Run,
    pub(crate) row: u32,
    pub(crate) status: ProcessingStatus,
    pub(crate) scheduled: Ticks,
    pub(crate) started: Option<Ticks>,
    pub(crate) completed: Option<Ticks>,
    pub(crate) total_tasks: i32,
    pub(crate) failed_tasks: i32,
    pub(crate) unprocessed_tasks: i32,
    /// What its tasks follow from, whether it can be seen yet or not.
    pub(crate) course: Course,
}

/// The whole course of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) started: Option<Ticks>,
    pub(crate) finished: Option<Ticks>,
    /// It has come to its end by now.
    pub(crate) over: bool,
    pub(crate) status: ProcessingStatus,
    pub(crate) failed_tasks: i32,
    pub(crate) unprocessed_tasks: i32,
}

impl ResultView<'_> {
    /// The number of the person that it is about.
    pub(crate) fn person(&self) -> u64 {
        self.run.first_person + u64::from(self.row)
    }

    pub(crate) fn execution(&self) -> ExecutionType {
        self.run.execution
    }

    pub(crate) fn row_seed(&self) -> u64 {
        row_seed(self.run, self.row)
    }
}

fn row_seed(run: &Run, row: u32) -> u64 {
    random::scramble(run.seed ^ (u64::from(row) << 20))
}

/// How a row ends.
#[derive(Debug, Clone, Copy)]
struct End {
    status: ProcessingStatus,
    failed_tasks: i32,
    unprocessed_tasks: i32,
    starts: bool,
    completes: bool,
}

/// The row as an answer given at `now` shows it, `None` where there is none (yet, or any more).
pub(crate) fn view(run: &Run, row: u32, now: Ticks) -> Option<ResultView<'_>> {
    let edit = if run.edits.is_empty() {
        None
    } else {
        run.edits.get(&row)
    };
    if let Some(edit) = edit
        && (edit.dropped || edit.appears.is_some_and(|appears| now < appears))
    {
        return None;
    }
    Some(view_of(run, row, now, edit))
}

/// The row as it ended, dropped or not.
pub(crate) fn last_view(run: &Run, row: u32, now: Ticks) -> ResultView<'_> {
    view_of(run, row, now, run.edits.get(&row))
}

fn view_of<'a>(run: &'a Run, row: u32, now: Ticks, edit: Option<&Edit>) -> ResultView<'a> {
    let seed = row_seed(run, row);
    let end = edited(end_of(run, row, seed), edit);
    let scheduled = run.scheduled - lead(run, seed);
    let started = if end.starts {
        started_of(run, seed, scheduled)
    } else {
        None
    };
    let finished = finished_of(run, seed, started.unwrap_or(scheduled));
    let over = finished.is_some_and(|finished| now >= finished) || run.held();
    let course = Course {
        started,
        finished,
        over,
        status: end.status,
        failed_tasks: end.failed_tasks,
        unprocessed_tasks: end.unprocessed_tasks,
    };
    if !over {
        return open_view(run, row, seed, now, scheduled, course);
    }
    let completed = if end.completes { finished } else { None };
    ResultView {
        run,
        row,
        status: end.status,
        scheduled,
        started,
        completed: edit.and_then(|edit| edit.completed).or(completed),
        total_tasks: if run.held() { 0 } else { run.tasks },
        failed_tasks: end.failed_tasks,
        unprocessed_tasks: end.unprocessed_tasks,
        course,
    }
}

/// A row that is queued or in progress: no counters, and the start shows only sometimes.
fn open_view(
    run: &Run,
    row: u32,
    seed: u64,
    now: Ticks,
    scheduled: Ticks,
    course: Course,
) -> ResultView<'_> {
    let running = course.started.filter(|&started| now >= started);
    let status = match (running, run.outcome) {
        (None, _) => ProcessingStatus::Queued,
        (Some(_), ProcessingStatus::Canceling) => ProcessingStatus::Canceling,
        (Some(_), _) => ProcessingStatus::InProgress,
    };
    ResultView {
        run,
        row,
        status,
        scheduled,
        started: running.filter(|_| seed & 3 != 0),
        completed: None,
        total_tasks: 0,
        failed_tasks: 0,
        unprocessed_tasks: 0,
        course,
    }
}

fn edited(end: End, edit: Option<&Edit>) -> End {
    let Some(edit) = edit else { return end };
    End {
        status: edit.status.unwrap_or(end.status),
        failed_tasks: edit.failed_tasks.unwrap_or(end.failed_tasks),
        completes: end.completes || edit.completed.is_some(),
        ..end
    }
}

fn end_of(run: &Run, row: u32, seed: u64) -> End {
    let good = End {
        status: ProcessingStatus::Completed,
        failed_tasks: 0,
        unprocessed_tasks: 0,
        starts: true,
        completes: true,
    };
    match run.outcome {
        ProcessingStatus::Quarantined if run.held() => End {
            status: run.outcome,
            starts: false,
            completes: false,
            ..good
        },
        ProcessingStatus::Canceled if !seed.is_multiple_of(3) || run.started.is_none() => End {
            status: ProcessingStatus::Canceled,
            unprocessed_tasks: run.tasks,
            starts: seed & 8 != 0,
            completes: seed & 16 != 0,
            ..good
        },
        _ if !run.failing.contains(row) => good,
        ProcessingStatus::CompletedWithErrors if seed & 1 == 0 => End {
            status: ProcessingStatus::CompletedWithErrors,
            failed_tasks: 1,
            ..good
        },
        _ => End {
            status: ProcessingStatus::Failed,
            failed_tasks: 1,
            unprocessed_tasks: behind_failed(run.tasks, seed),
            ..good
        },
    }
}

/// How many tasks are not processed because one before them failed: one that does not let them go on.
fn behind_failed(tasks: i32, seed: u64) -> i32 {
    let stopping = u64::from(tasks.unsigned_abs()).div_ceil(2);
    let failed = 2 * i32::try_from(random::below(seed, stopping)).unwrap_or(0);
    tasks - 1 - failed
}

/// How long before its run a row is due: at the same instant, or up to 20 s before.
fn lead(run: &Run, seed: u64) -> Ticks {
    if run.guid_ids {
        return 0;
    }
    let whole = random::below(run.seed ^ 0x1ead, 15 * SECOND.unsigned_abs()).cast_signed();
    whole + (seed >> 40).cast_signed() % (5 * SECOND)
}

/// When a row starts: mostly somewhere in the first half of its run, sometimes just before the run.
fn started_of(run: &Run, seed: u64, scheduled: Ticks) -> Option<Ticks> {
    let run_started = run.started?;
    let instant = if seed & 0xf == 5 {
        run_started - random::below(seed, 80_000 * 10).cast_signed()
    } else {
        run_started + random::below(seed, (span(run) / 2).unsigned_abs()).cast_signed()
    };
    Some(rough(instant, seed).max(scheduled))
}

/// When a row ends: after its start and not after its run.
fn finished_of(run: &Run, seed: u64, started: Ticks) -> Option<Ticks> {
    let Some(completed) = run.completed else {
        // Of a run that never ends, every other row ends within the hour.
        let taken = 20 * SECOND + random::below(seed ^ 0xe, HOUR.unsigned_abs()).cast_signed();
        return run
            .started
            .filter(|_| seed & 2 == 0)
            .map(|_| started + taken);
    };
    let left = (completed - started).max(0).unsigned_abs();
    Some(
        rough(
            started + random::below(seed ^ 0xe, left + 1).cast_signed(),
            seed >> 3,
        )
        .max(started),
    )
}

fn span(run: &Run) -> Ticks {
    let started = run.started.unwrap_or(run.scheduled);
    run.completed
        .map_or(HOUR, |completed| completed - started)
        .max(1)
}

/// Fewer fraction digits for some: none, milliseconds, tens of microseconds.
fn rough(instant: Ticks, seed: u64) -> Ticks {
    let grain = match (seed >> 8) & 0xf {
        0 => SECOND,
        1 => SECOND / 1_000,
        2 => 100,
        _ => return instant,
    };
    instant.div_euclid(grain) * grain
}

/// The counters that the rows of a run add up to.
pub(crate) fn totals_of(run: &Run) -> Totals {
    let mut totals = Totals {
        users: count(run.users + run.non_users),
        ..Totals::default()
    };
    totals.successful = count(run.non_users);
    for row in 0..run.users {
        let edit = run.edits.get(&row);
        if edit.is_some_and(|edit| edit.dropped) {
            continue;
        }
        let end = edited(end_of(run, row, row_seed(run, row)), edit);
        match end.status {
            ProcessingStatus::Completed => totals.successful += 1,
            ProcessingStatus::Failed | ProcessingStatus::CompletedWithErrors => totals.failed += 1,
            _ => {}
        }
        totals.tasks += run.tasks;
        totals.failed_tasks += end.failed_tasks;
        totals.unprocessed += end.unprocessed_tasks;
    }
    // Real tenants have runs whose users neither succeeded nor failed.
    if run.outcome == ProcessingStatus::CompletedWithErrors && run.seed & 6 == 0 {
        totals.failed = 0;
    }
    totals
}
