//! A run after what is below it has gone into the files: its verdicts and its markers.

use std::collections::BTreeMap;

use lcw_extractor::ExtractError;
use lcw_transform::{Marker, Proof, ReportMarkers, RunMarkers};

use crate::children::{Child, PerChild};
use crate::decide::Reading;
use crate::proof::{Verdict, verdict};
use crate::survey::RunTask;
use crate::ways::Way;

/// A run and what became of each table below it.
pub(crate) struct ReadRun<'p> {
    pub(crate) task: &'p RunTask,
    /// What the export was asked for.
    wanted: Reading,
    /// A filter leaves out users.
    is_filtered: bool,
    pub(crate) outcomes: PerChild<ReadOutcome>,
    /// Rows of task results by their task; none when they were not read.
    pub(crate) by_task: Option<BTreeMap<Box<str>, i32>>,
}

#[derive(Default)]
pub(crate) enum ReadOutcome {
    #[default]
    NotAsked,
    Read {
        rows: usize,
        way: Way,
        set_aside: usize,
    },
    NotRead {
        error: ExtractError,
        why: Why,
    },
    /// As another run of the workflow, which was asked.
    RefusedBefore,
}

/// Why rows were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Gone,
    Refused,
    Failed,
}

impl<'p> ReadRun<'p> {
    pub(crate) fn new(task: &'p RunTask, wanted: Reading, is_filtered: bool) -> Self {
        Self {
            task,
            wanted,
            is_filtered,
            outcomes: PerChild::default(),
            by_task: None,
        }
    }

    /// Whether something below it was read.
    pub(crate) fn is_read(&self) -> bool {
        Child::ALL.into_iter().any(|child| self.is_read_now(child))
    }

    /// Whether something below it was to be read and was not.
    pub(crate) fn is_unread(&self) -> bool {
        Child::ALL
            .into_iter()
            .any(|child| self.is_child_unread(child) && !self.is_tolerated(child))
            || self.task.reports.as_ref().is_some_and(|it| !it.is_whole)
    }

    /// It was there, and nothing was asked for but what the service refuses and may.
    pub(crate) fn lacks_only_what_is_refused(&self) -> bool {
        let is_not_asked = |child| matches!(self.outcomes[child], ReadOutcome::NotAsked);
        let mut asked = Child::ALL
            .into_iter()
            .filter(|child| !is_not_asked(*child))
            .peekable();
        self.task.settled
            && self.task.is_unchanged
            && self.task.reports.is_none()
            && asked.peek().is_some()
            && asked.all(|child| self.is_tolerated(child))
    }

    /// The service refuses the table, and may.
    fn is_tolerated(&self, child: Child) -> bool {
        let is_refused = match &self.outcomes[child] {
            ReadOutcome::NotRead { why, .. } => *why != Why::Failed,
            ReadOutcome::RefusedBefore => true,
            _ => false,
        };
        is_refused && child.is_tolerated()
    }

    pub(crate) fn is_child_unread(&self, child: Child) -> bool {
        let outcome = &self.outcomes[child];
        matches!(
            outcome,
            ReadOutcome::NotRead { .. } | ReadOutcome::RefusedBefore
        ) || matches!(outcome, ReadOutcome::Read { set_aside: 1.., .. })
    }

    fn is_read_now(&self, child: Child) -> bool {
        matches!(self.outcomes[child], ReadOutcome::Read { .. })
    }

    /// Nobody was in the run: what is below it was read without asking.
    fn is_known_empty(&self) -> bool {
        let listed = self.task.listed.as_ref();
        self.task.settled && listed.is_some_and(crate::listing::ListedRun::is_empty)
    }

    /// The table is wanted, and was read without asking.
    fn is_empty_of(&self, child: Child) -> bool {
        self.is_known_empty() && self.wanted.children.contains(child)
    }

    /// Rows of the table that the dataset holds for this state of the run.
    pub(crate) fn rows(&self, child: Child) -> Option<usize> {
        match self.outcomes[child] {
            // A later answer may lack rows that were read for this state of the run before.
            ReadOutcome::Read { rows, .. } => Some(rows.max(self.known_rows(child).unwrap_or(0))),
            ReadOutcome::NotAsked if self.is_empty_of(child) => Some(0),
            ReadOutcome::NotAsked => self.known_rows(child),
            _ => None,
        }
    }

    fn known_rows(&self, child: Child) -> Option<usize> {
        let rows = self.task.known_rows[child].filter(|_| self.task.is_unchanged)?;
        usize::try_from(rows).ok()
    }

    /// The verdict on a table that was read now; none when it was not.
    pub(crate) fn verdict(&self, child: Child) -> Option<Verdict> {
        let run = self.task.listed.as_ref()?;
        let is_new = self.is_read_now(child) || self.is_empty_of(child);
        // Subjects that are not users complete the count of the results that are there.
        let is_new = is_new || (child == Child::Results && self.is_read_now(Child::Subjects));
        let rows = self.rows(child).filter(|_| is_new);
        let Some(rows) = rows else {
            return (!run.is_final()).then_some(Verdict::Open);
        };
        if self.is_filtered && child == Child::Results {
            let open = (!run.is_final()).then_some(Verdict::Open);
            return Some(open.unwrap_or(Verdict::NotCounted));
        }
        let subjects = self.subjects(child);
        let counted = self.task.counted(child);
        let counted = counted.filter(|_| self.task.counts_users || subjects.is_some());
        Some(verdict(
            run.is_final(),
            counted,
            rows + subjects.unwrap_or(0),
        ))
    }

    /// Subjects that are not users are counted with the users, and have rows of their own.
    fn subjects(&self, child: Child) -> Option<usize> {
        let is_read = self.wanted.children.contains(Child::Subjects);
        (child == Child::Results && is_read)
            .then(|| self.rows(Child::Subjects))
            .flatten()
    }

    /// What its row says of the export.
    pub(crate) fn markers(&self) -> RunMarkers {
        let proof = |child| match self.verdict(child) {
            Some(verdict) => verdict.marker(),
            None => self.kept(),
        };
        RunMarkers {
            settled: self.task.settled,
            result_rows: self.rows_marker(Child::Results),
            proof: if self.task.listed.is_none() {
                Marker::Value(Proof::Expired)
            } else {
                proof(Child::Results)
            },
            task_rows: self.rows_marker(Child::Tasks),
            task_proof: if self.wanted.children.contains(Child::Tasks) {
                self.task_proof(proof(Child::Tasks))
            } else {
                self.kept()
            },
            subject_rows: self.rows_marker(Child::Subjects),
            report_rows: self.report_rows(),
            reprocessed_rows: self.rows_marker(Child::Reprocessed),
        }
    }

    /// Until the task results were read for the run there is nothing to say, not even `open`.
    fn task_proof(&self, proof: Marker<Proof>) -> Marker<Proof> {
        match self.outcomes[Child::Tasks] {
            ReadOutcome::Read { .. } => proof,
            ReadOutcome::NotAsked if self.is_empty_of(Child::Tasks) => proof,
            _ => self.kept(),
        }
    }

    /// What was read for this state of the run stays valid, what was read for another does not.
    fn kept<T>(&self) -> Marker<T> {
        if self.task.is_unchanged {
            Marker::Keep
        } else {
            Marker::Null
        }
    }

    fn rows_marker(&self, child: Child) -> Marker<i32> {
        match self.outcomes[child] {
            // A row that was set aside is not read: the next export asks for it again.
            ReadOutcome::Read { set_aside: 1.., .. } => Marker::Null,
            ReadOutcome::Read { .. } => self
                .rows(child)
                .map_or(Marker::Null, |rows| Marker::Value(whole(rows))),
            ReadOutcome::NotAsked if self.is_empty_of(child) => Marker::Value(0),
            _ => self.kept(),
        }
    }

    fn report_rows(&self) -> Marker<i32> {
        match &self.task.reports {
            // A row that was set aside is not read: the next export asks for it again.
            Some(reports) if !reports.is_whole => Marker::Null,
            Some(reports) => Marker::Value(whole(reports.objects.len())),
            None => self.kept(),
        }
    }

    /// What the row of one of its task reports says, and the verdict on it.
    pub(crate) fn report(&self, task_id: Option<&str>, users: i32) -> (ReportMarkers, Verdict) {
        let rows = task_id.and_then(|task| match &self.by_task {
            Some(by_task) => Some(by_task.get(task).copied().unwrap_or(0)),
            None => self.is_empty_of(Child::Tasks).then_some(0),
        });
        let Some(rows) = rows else {
            let markers = ReportMarkers {
                task_rows: self.kept(),
                proof: self.kept(),
            };
            return (markers, Verdict::NotCounted);
        };
        let is_settled = self.task.settled;
        let counted = self.task.counts_users.then_some(users);
        let verdict = verdict(is_settled, counted, usize::try_from(rows).unwrap_or(0));
        let markers = ReportMarkers {
            task_rows: Marker::Value(rows),
            proof: verdict.marker(),
        };
        (markers, verdict)
    }
}

fn whole(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
