//! The rows of a collection: which there are, in which order, from which position on.

use crate::config::{Order, WindowRule};
use crate::filter::{Filter, Row};
use crate::order;
use crate::paging::Position;
use crate::plan::Listed;
use crate::render::Style;
use crate::report::{self, ReportView};
use crate::result::{self, ResultView};
use crate::row::{ReportRow, ResultRow, TaskRow};
use crate::run::{Run, RunView};
use crate::subject::{self, SubjectView};
use crate::task_result::{self, TaskView};
use crate::tasks::{Task, TaskText};
use crate::tenant::Tenant;
use crate::ticks::{self, Ticks};
use crate::workflow::Workflow;

/// The rows of one request: filter, window, and where to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) style: Style<'a>,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) from: Option<Position>,
    pub(crate) now: Ticks,
}

impl<'a> Rows<'a> {
    /// Rows without a place of their own: workflows, versions, tasks, definitions.
    pub(crate) fn plain<T: Row>(
        self,
        listed: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = (Position, T)> {
        let first = self.from.map_or(0, |from| from.ordinal);
        let accepted = listed.filter(move |row| self.accepts(row));
        order::numbered(accepted, first)
    }

    fn accepts(&self, row: &impl Row) -> bool {
        self.filter.is_none_or(|filter| filter.accepts(row))
    }

    /// Runs of a workflow.
    pub(crate) fn runs(
        self,
        workflow: &'a Workflow,
    ) -> impl Iterator<Item = (Position, RunView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.runs);
        self.reached_runs(workflow)
            .filter(move |run| run.scheduled >= cutoff)
            .flat_map(move |run| listed_views(run, self.now))
            .filter(move |(position, view)| self.is_reached(*position) && self.accepts(view))
    }

    /// Results of one run.
    pub(crate) fn results(
        self,
        workflow: &'a Workflow,
        run: &'a Run,
    ) -> impl Iterator<Item = (Position, ResultView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.results);
        (self.first_row(run)..run.users)
            .filter_map(move |row| result::view(run, row, self.now))
            .filter(move |view| view.scheduled >= cutoff && self.accepts_result(workflow, view))
            .map(|view| (position(view.run, view.row), view))
    }

    /// Results of all runs of a workflow.
    pub(crate) fn workflow_results(
        self,
        workflow: &'a Workflow,
    ) -> impl Iterator<Item = (Position, ResultView<'a>)> {
        self.reached_runs(workflow)
            .flat_map(move |run| self.results(workflow, run))
    }

    /// Task results of one run.
    pub(crate) fn task_results(
        self,
        workflow: &'a Workflow,
        run: &'a Run,
        tasks: &'a [TaskText],
    ) -> impl Iterator<Item = (Position, TaskView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.task_results);
        task_result::of_run(run, self.first_row(run), self.now)
            .filter(move |(_, view)| {
                let row = TaskRow::new(self.style, workflow, tasks, view);
                view.created >= cutoff && self.accepts(&row)
            })
            .map(|(number, view)| (position(view.result.run, number), view))
    }

    /// Task reports of all runs of a workflow.
    pub(crate) fn task_reports(
        self,
        workflow: &'a Workflow,
        tasks: &'a [Task],
    ) -> impl Iterator<Item = (Position, ReportView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.task_reports);
        self.reached_runs(workflow)
            .filter(move |run| run.scheduled >= cutoff)
            .flat_map(move |run| report::views(run, self.now))
            .map(|view| (position(view.run.run, view.task), view))
            .filter(move |(position, view)| {
                self.is_reached(*position) && self.accepts(&ReportRow { view, tasks })
            })
    }

    /// Results of one run for subjects that are no users.
    pub(crate) fn subject_results(
        self,
        run: &'a Run,
    ) -> impl Iterator<Item = (Position, SubjectView<'a>)> {
        let cutoff = self.cutoff(&self.tenant.config.windows.results);
        subject::views(run, self.now)
            .filter(move |view| view.run.scheduled >= cutoff && self.accepts(view))
            .map(|view| (position(view.run, view.index), view))
            .filter(move |(position, _)| self.is_reached(*position))
    }

    /// The runs that reprocess a run.
    pub(crate) fn reprocessed_runs(
        self,
        workflow: &'a Workflow,
        old: &'a Run,
    ) -> impl Iterator<Item = (Position, RunView<'a>)> {
        self.reached_runs(workflow)
            .filter(move |run| run.reprocesses.as_ref() == Some(&old.id))
            .map(move |run| (position(run, 0), run.view(self.now)))
            .filter(move |(_, view)| self.accepts(view))
    }

    /// The row of a run at which the listing begins.
    fn first_row(&self, run: &Run) -> u32 {
        match self.from {
            Some(from) if from.ordinal == run.ordinal => from.row,
            _ => 0,
        }
    }

    fn accepts_result(&self, workflow: &Workflow, view: &ResultView<'_>) -> bool {
        self.accepts(&ResultRow::new(self.style, workflow, view))
    }

    /// The runs from the position on, in the configured order.
    fn reached_runs(self, workflow: &'a Workflow) -> impl Iterator<Item = &'a Run> {
        let kept = self.tenant.kept(workflow, self.now);
        let (up, down) = match self.tenant.config.paging.order {
            Order::OldestFirst => (Some(kept), None),
            Order::NewestFirst => (None, Some(kept.rev())),
        };
        let ordered = up.into_iter().flatten().chain(down.into_iter().flatten());
        ordered.skip_while(move |run| !self.is_run_reached(run))
    }

    fn is_run_reached(&self, run: &Run) -> bool {
        self.from.is_none_or(|from| {
            let (here, there) = ((run.scheduled, run.ordinal), (from.scheduled, from.ordinal));
            match self.tenant.config.paging.order {
                Order::OldestFirst => here >= there,
                Order::NewestFirst => here <= there,
            }
        })
    }

    fn is_reached(&self, position: Position) -> bool {
        self.from
            .is_none_or(|from| position.ordinal != from.ordinal || position.row >= from.row)
    }

    /// Rows scheduled before this instant are not listed.
    fn cutoff(&self, rule: &WindowRule) -> Ticks {
        let lifted = self
            .filter
            .is_some_and(|filter| filter.bounds_below(&rule.lifted_by));
        match rule.default {
            Some(window) if !lifted => self.now - ticks::from_duration(window),
            _ => Ticks::MIN,
        }
    }
}

fn position(run: &Run, row: u32) -> Position {
    Position {
        scheduled: run.scheduled,
        ordinal: run.ordinal,
        row,
    }
}

/// The rows that a run has in a listing: one, or two when it is listed twice.
fn listed_views(run: &Run, now: Ticks) -> impl Iterator<Item = (Position, RunView<'_>)> {
    let view = run.view(now);
    let (first, second) = match run.listed {
        Listed::Once => (view, None),
        Listed::Twice => (view, Some(view)),
        Listed::StaleFirst => (run.stale_view(now), Some(view)),
        Listed::StaleLast => (view, Some(run.stale_view(now))),
    };
    std::iter::once(first)
        .chain(second)
        .zip(0_u32..)
        .map(move |(view, row)| (position(run, row), view))
}
