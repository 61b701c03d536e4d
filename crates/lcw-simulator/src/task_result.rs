//! The task results of a run: one for each task of each user, computed from the user's row.

use crate::json;
use crate::random;
use crate::render::{Style, word};
use crate::result::{self, Course, ResultView};
use crate::run::{Run, TaskEdit};
use crate::tasks::TaskText;
use crate::ticks::{SECOND, Ticks};
use crate::words::ProcessingStatus;
use crate::workflow::Workflow;

/// What can be seen of one task result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskView<'a> {
    pub(crate) result: ResultView<'a>,
    /// The index of the task, from 0.
    pub(crate) task: u32,
    pub(crate) status: ProcessingStatus,
    pub(crate) created: Ticks,
    pub(crate) started: Option<Ticks>,
    pub(crate) completed: Option<Ticks>,
    edit: Option<&'a TaskEdit>,
}

/// Reasons as services and people write them.
const REASONS: [&str; 6] = [
    "The user does not have a manager.",
    "Could not find group \"Alle Mitarbeiter\" (id 'd2c1…').",
    "Logic App 'provision' answered 502:\r\n{\"error\":\"bad gateway\"}\n\tat step 3",
    "Das Postfach von Jürgen Weiß wurde nicht gefunden – 見つかりません 🦀",
    "Path C:\\temp\\log is not reachable; see https://contoso.example/?a=1&b=2",
    "",
];

/// How many task results a user of the run has. Runs that are held back have none yet.
pub(crate) fn count(run: &Run) -> u32 {
    if run.held() {
        0
    } else {
        run.tasks.unsigned_abs()
    }
}

/// The task results of one user as an answer given at `now` shows them.
pub(crate) fn views(result: ResultView<'_>, now: Ticks) -> impl Iterator<Item = TaskView<'_>> {
    all(result, now).filter(move |view| {
        view.edit
            .is_none_or(|edit| !edit.dropped && edit.appears.is_none_or(|appears| appears <= now))
    })
}

/// The task results that one user has had up to `now`, dropped or not.
pub(crate) fn last_views(result: ResultView<'_>, now: Ticks) -> impl Iterator<Item = TaskView<'_>> {
    all(result, now).filter(move |view| {
        let appears = view.edit.and_then(|edit| edit.appears);
        appears.is_none_or(|appears| appears <= now)
    })
}

/// Every task result, shown or not.
pub(crate) fn all(result: ResultView<'_>, now: Ticks) -> impl Iterator<Item = TaskView<'_>> {
    let run = result.run;
    let edits = if run.edits.is_empty() {
        None
    } else {
        run.edits.get(&result.row).map(|edit| &edit.tasks)
    };
    (0..count(run)).map(move |task| {
        let edit = edits.and_then(|edits| edits.get(&task));
        view_of(result, task, now, edit)
    })
}

fn view_of<'a>(
    result: ResultView<'a>,
    task: u32,
    now: Ticks,
    edit: Option<&'a TaskEdit>,
) -> TaskView<'a> {
    let course = result.course;
    let processed = result.run.tasks - course.unprocessed_tasks;
    let index = i32::try_from(task).unwrap_or(i32::MAX);
    let slice = if index < processed {
        slice(&course, result.scheduled, index, processed)
    } else {
        None
    };
    let seed = result.row_seed();
    let (status, slice) = match slice {
        _ if course.over && index >= processed => (ProcessingStatus::Canceled, None),
        Some((from, to)) if course.over || to.is_some_and(|to| to <= now) => {
            (ended(&course, index, processed, seed), Some((from, to)))
        }
        Some((from, _)) if from <= now => (ProcessingStatus::InProgress, Some((from, None))),
        _ => (ProcessingStatus::Queued, None),
    };
    TaskView {
        result,
        task,
        status: edit.and_then(|edit| edit.status).unwrap_or(status),
        created: result.scheduled,
        started: slice
            .map(|(from, _)| from)
            .filter(|_| course.started.is_some()),
        completed: slice.and_then(|(_, to)| to),
        edit,
    }
}

/// When a task is processed: the tasks of a user share its time, one behind the other. `None` where nobody
/// knows when that will be.
fn slice(
    course: &Course,
    scheduled: Ticks,
    index: i32,
    processed: i32,
) -> Option<(Ticks, Option<Ticks>)> {
    let from = course.started.unwrap_or(scheduled);
    let Some(until) = course.finished else {
        return (index == 0 && course.started.is_some()).then_some((from, None));
    };
    let span = (until - from).max(0);
    let at = |share: i32| from + span * i64::from(share) / i64::from(processed);
    // A little time passes between two tasks.
    let begin = at(index) + ((at(index + 1) - at(index)) / 8).min(SECOND);
    Some((if index == 0 { from } else { begin }, Some(at(index + 1))))
}

/// How a task that was processed ended.
fn ended(course: &Course, index: i32, processed: i32, seed: u64) -> ProcessingStatus {
    let failed = course.failed_tasks.clamp(0, processed);
    let goes_on = course.status == ProcessingStatus::CompletedWithErrors && processed > 1;
    let fails = if failed == 1 && goes_on {
        // One that lets the others go on: every other one does.
        let choice = u64::from((processed / 2).unsigned_abs());
        i64::from(index) == 1 + 2 * random::below(seed, choice).cast_signed()
    } else {
        index >= processed - failed
    };
    if fails {
        ProcessingStatus::Failed
    } else {
        ProcessingStatus::Completed
    }
}

impl TaskView<'_> {
    pub(crate) fn seed(&self) -> u64 {
        random::scramble(self.result.row_seed() ^ (u64::from(self.task) + 1).rotate_right(8))
    }

    fn failure_reason(&self) -> Option<&str> {
        if let Some(reason) = self.edit.and_then(|edit| edit.failure_reason.as_deref()) {
            return Some(reason);
        }
        let pick = usize::try_from(self.seed() % 6).unwrap_or(0);
        (self.status == ProcessingStatus::Failed).then(|| REASONS[pick])
    }
}

impl Style<'_> {
    /// Appends one task result; `prefix` is [`crate::render::result_id_prefix`] of its run.
    pub(crate) fn task_result(
        &self,
        out: &mut Vec<u8>,
        view: &TaskView<'_>,
        prefix: &[u8],
        tasks: &[TaskText],
    ) {
        let Some(task) = usize::try_from(view.task).ok().and_then(|at| tasks.get(at)) else {
            return;
        };
        out.extend_from_slice(b"{\"completedDateTime\":");
        json::push_optional_instant(out, view.completed);
        out.extend_from_slice(b",\"createdDateTime\":");
        json::push_quoted_instant(out, view.created);
        out.extend_from_slice(b",\"id\":\"");
        self.push_task_result_id(out, view, prefix, &task.id);
        out.push(b'"');
        word(
            out,
            "processingStatus",
            view.status.shown(self.unknown_members),
        );
        out.extend_from_slice(b",\"startedDateTime\":");
        json::push_optional_instant(out, view.started);
        out.extend_from_slice(b",\"failureReason\":");
        push_optional_text(out, view.failure_reason());
        processing_info(out, view);
        self.unknown_property(out, view.seed());
        self.subject(out, &view.result);
        out.extend_from_slice(b",\"task\":");
        out.extend_from_slice(&task.text);
        out.push(b'}');
    }

    fn push_task_result_id(
        &self,
        out: &mut Vec<u8>,
        view: &TaskView<'_>,
        prefix: &[u8],
        task_id: &str,
    ) {
        if view.result.run.guid_ids {
            random::push_guid(out, random::guid(view.seed()));
        } else {
            self.push_result_id(out, &view.result, prefix);
            out.push(b'_');
            out.extend_from_slice(task_id.as_bytes());
        }
    }

    /// The id of a task result as plain text.
    pub(crate) fn task_result_id(
        &self,
        workflow: &Workflow,
        view: &TaskView<'_>,
        tasks: &[TaskText],
    ) -> String {
        if view.result.run.guid_ids {
            return random::guid_text(random::guid(view.seed()));
        }
        let task = usize::try_from(view.task).ok().and_then(|at| tasks.get(at));
        let task = task.map_or("", |task| task.id.as_str());
        format!("{}_{task}", self.result_id(workflow, &view.result))
    }
}

/// The property came late: rows of older style lack it, the others mostly say null.
fn processing_info(out: &mut Vec<u8>, view: &TaskView<'_>) {
    if view.result.run.guid_ids {
        return;
    }
    out.extend_from_slice(b",\"processingInfo\":");
    let told = view.completed.is_some() && view.seed().is_multiple_of(9);
    push_optional_text(
        out,
        told.then_some("Request \"7f3a\" was accepted.\n2 of 2 done"),
    );
}

fn push_optional_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => json::push_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// The task results of a run that an answer given at `now` shows, from one on: with the number of each.
pub(crate) fn of_run(
    run: &Run,
    from: u32,
    now: Ticks,
) -> impl Iterator<Item = (u32, TaskView<'_>)> {
    let tasks = run.tasks.unsigned_abs().max(1);
    (from / tasks..run.users)
        .filter_map(move |row| result::view(run, row, now))
        .flat_map(move |view| views(view, now))
        .map(move |view| (view.result.row * tasks + view.task, view))
        .filter(move |(number, _)| *number >= from)
}
