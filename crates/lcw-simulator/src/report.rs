//! Task reports: how one task of one run ended for its users, counted from the task results.

use crate::json;
use crate::random;
use crate::render::{Style, int, word};
use crate::result;
use crate::run::{Run, RunView};
use crate::task_result;
use crate::tasks::Task;
use crate::ticks::Ticks;
use crate::words::ProcessingStatus;

use crate::expand::Expansion;

/// How a task ended for the users of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) successful: i32,
    pub(crate) failed: i32,
    pub(crate) unprocessed: i32,
}

impl Tally {
    pub(crate) const fn total(self) -> i32 {
        self.successful + self.failed + self.unprocessed
    }

    const fn half(self) -> Self {
        Self {
            successful: self.successful / 2,
            failed: self.failed / 2,
            unprocessed: self.unprocessed / 2,
        }
    }

    fn add(&mut self, status: ProcessingStatus) {
        match status {
            ProcessingStatus::Completed => self.successful += 1,
            ProcessingStatus::Failed | ProcessingStatus::CompletedWithErrors => self.failed += 1,
            _ => self.unprocessed += 1,
        }
    }

    const fn status(self) -> ProcessingStatus {
        match (self.successful, self.failed, self.unprocessed) {
            (_, 0, 0) => ProcessingStatus::Completed,
            (0, 0, _) => ProcessingStatus::Canceled,
            (0, _, _) => ProcessingStatus::Failed,
            _ => ProcessingStatus::CompletedWithErrors,
        }
    }
}

/// The counts of each task of a run that has come to its end.
pub(crate) fn tallies_of(run: &Run) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); usize::try_from(task_result::count(run)).unwrap_or(0)];
    for row in 0..run.users {
        let Some(view) = result::view(run, row, Ticks::MAX) else {
            continue;
        };
        for (tally, view) in tallies.iter_mut().zip(task_result::all(view, Ticks::MAX)) {
            tally.add(view.status);
        }
    }
    tallies
}

/// What can be seen of one task report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportView<'a> {
    pub(crate) run: RunView<'a>,
    /// The index of the task, from 0.
    pub(crate) task: u32,
    pub(crate) status: ProcessingStatus,
    pub(crate) last_updated: Ticks,
    pub(crate) tally: Tally,
}

/// The task reports of a run: one for each task, from the moment the run comes up. Runs that are held back have
/// none yet.
pub(crate) fn views(run: &Run, now: Ticks) -> impl Iterator<Item = ReportView<'_>> {
    let seen = run.view(now);
    (0..task_result::count(run)).map(move |task| view_of(seen, task, now))
}

fn view_of(run: RunView<'_>, task: u32, now: Ticks) -> ReportView<'_> {
    let seed = seed(run.run, task);
    let is_over = run.completed.is_some();
    let at = usize::try_from(task).unwrap_or(usize::MAX);
    let last = if is_over {
        run.run.final_tallies().get(at).copied().unwrap_or_default()
    } else {
        Tally::default()
    };
    let tally = match run.run.is_settled(now) {
        true => last,
        false if run.run.seed & 1 == 0 => Tally::default(),
        false => last.half(),
    };
    ReportView {
        run,
        task,
        status: if is_over { last.status() } else { run.status },
        last_updated: run.last_updated + random::below(seed, 200_000).cast_signed(),
        tally,
    }
}

fn seed(run: &Run, task: u32) -> u64 {
    random::mix(&[run.seed, 0x7e_b0, u64::from(task)])
}

impl ReportView<'_> {
    pub(crate) fn seed(&self) -> u64 {
        seed(self.run.run, self.task)
    }

    pub(crate) fn id(&self, tasks: &[Task]) -> String {
        if self.run.run.guid_ids {
            return random::guid_text(random::guid(self.seed()));
        }
        let task = self.of(tasks).map_or("", |task| task.id.as_str());
        format!("{}_{task}", self.run.run.id)
    }

    /// The task that it is about.
    pub(crate) fn of<'a>(&self, tasks: &'a [Task]) -> Option<&'a Task> {
        tasks.get(usize::try_from(self.task).ok()?)
    }
}

impl Style<'_> {
    /// Appends one task report.
    pub(crate) fn task_report(&self, out: &mut Vec<u8>, view: &ReportView<'_>, tasks: &[Task]) {
        out.extend_from_slice(b"{\"id\":");
        json::push_text(out, &view.id(tasks));
        out.extend_from_slice(b",\"runId\":");
        json::push_text(out, &view.run.run.id);
        word(
            out,
            "processingStatus",
            view.status.shown(self.unknown_members),
        );
        int(out, "successfulUsersCount", view.tally.successful);
        int(out, "failedUsersCount", view.tally.failed);
        int(out, "unprocessedUsersCount", view.tally.unprocessed);
        int(out, "totalUsersCount", view.tally.total());
        out.extend_from_slice(b",\"startedDateTime\":");
        json::push_optional_instant(out, view.run.started);
        out.extend_from_slice(b",\"completedDateTime\":");
        json::push_optional_instant(out, view.run.completed);
        out.extend_from_slice(b",\"lastUpdatedDateTime\":");
        json::push_quoted_instant(out, view.last_updated);
        self.unknown_property(out, view.seed());
        match (self.expand, view.of(tasks)) {
            (Some(Expansion::Task), Some(task)) => {
                out.extend_from_slice(b",\"task\":");
                self.task(out, task);
            }
            (Some(Expansion::TaskDefinition), Some(task)) => {
                out.extend_from_slice(b",\"taskDefinition\":");
                self.definition(out, task.definition);
            }
            _ => {}
        }
        out.push(b'}');
    }
}
