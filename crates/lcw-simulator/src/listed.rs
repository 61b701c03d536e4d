//! One collection as it was asked for, and how each kind of row is found, compared and written.

use std::cell::{OnceCell, RefCell};

use crate::answer::Answer;
use crate::filter::{Filter, Row, Value};
use crate::graph::LinkFaults;
use crate::listing::Rows;
use crate::order::{self, Key};
use crate::page::{Collection, PageParts};
use crate::paging::Position;
use crate::property::Property;
use crate::render::{self, Style};
use crate::result::ResultView;
use crate::row::{ReportRow, ResultRow, TaskRow, VersionRow};
use crate::run::{Run, RunView};
use crate::subject::SubjectView;
use crate::task_result::TaskView;
use crate::tasks::{self, Task};
use crate::tenant::{Scope, Tenant};
use crate::ticks::Ticks;
use crate::workflow::Workflow;

/// Filter, order, page and looks of a collection.
pub(crate) struct Listing<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) now: Ticks,
    pub(crate) collection: Collection<'a>,
    pub(crate) filter: Option<Filter>,
    pub(crate) order: Vec<Key>,
    pub(crate) style: Style<'a>,
}

/// The value of a row that has its properties itself.
fn own<T: Row>(row: &T, property: Property) -> Value<'static> {
    row.value(property).into_owned()
}

impl Listing<'_> {
    /// Whether the rows of a page are found by their numbers: in an order that was asked for, or always.
    fn is_by_number(&self) -> bool {
        !self.order.is_empty() || self.tenant.config.paging.by_number
    }

    /// The rows that the page is taken from: where they are numbered, from the beginning.
    fn rows(&self) -> Rows<'_> {
        let token = self.collection.token.filter(|_| !self.is_by_number());
        Rows {
            tenant: self.tenant,
            style: self.style,
            filter: self.filter.as_ref(),
            from: token.and_then(|token| token.position),
            now: self.now,
        }
    }

    /// Takes the page out of the rows and writes it.
    fn answer<T>(
        &self,
        rows: impl Iterator<Item = (Position, T)>,
        value: impl Fn(&T, Property) -> Value<'static>,
        render: impl Fn(&mut Vec<u8>, &T),
        faults: &impl LinkFaults,
    ) -> Answer {
        let parts = if self.is_by_number() {
            let from = self.collection.token.and_then(|token| token.position);
            let rows = rows.map(|(_, row)| row);
            let arranged = order::arranged(rows, &self.order, from, value);
            self.collection.fill(arranged, render)
        } else {
            self.collection.fill(rows, render)
        };
        self.finish(parts, faults)
    }

    fn finish(&self, mut parts: PageParts, faults: &impl LinkFaults) -> Answer {
        let link = if parts.has_next() {
            faults.link(&self.collection, &mut parts)
        } else {
            None
        };
        Answer::json(200, self.collection.body(&parts, link.as_deref()))
    }

    pub(crate) fn workflows(&self, scope: Scope, faults: &impl LinkFaults) -> Answer {
        let rows = self.rows().plain(self.tenant.listed(scope, self.now));
        let render = |out: &mut Vec<u8>, row: &&Workflow| {
            self.style.workflow(out, row, scope == Scope::Deleted);
        };
        self.answer(rows, own, render, faults)
    }

    pub(crate) fn task_definitions(&self, faults: &impl LinkFaults) -> Answer {
        let rows = self.rows().plain(tasks::definitions().iter());
        let render = |out: &mut Vec<u8>, row: &&_| self.style.definition_row(out, row);
        self.answer(rows, own, render, faults)
    }

    pub(crate) fn versions(&self, workflow: &Workflow, faults: &impl LinkFaults) -> Answer {
        let versions = workflow.versions().into_iter().map(|version| VersionRow {
            category: workflow.category,
            version,
        });
        let render = |out: &mut Vec<u8>, row: &VersionRow| {
            self.style.version(out, workflow, &row.version);
        };
        self.answer(self.rows().plain(versions), own, render, faults)
    }

    pub(crate) fn tasks(&self, workflow: &Workflow, faults: &impl LinkFaults) -> Answer {
        let rows = self.rows().plain(tasks::tasks_of(workflow).into_iter());
        let render = |out: &mut Vec<u8>, row: &Task| self.style.task_row(out, row);
        self.answer(rows, own, render, faults)
    }

    pub(crate) fn runs(&self, workflow: &Workflow, faults: &impl LinkFaults) -> Answer {
        self.of_runs(self.rows().runs(workflow), faults)
    }

    pub(crate) fn reprocessed_runs(
        &self,
        workflow: &Workflow,
        old: &Run,
        faults: &impl LinkFaults,
    ) -> Answer {
        self.of_runs(self.rows().reprocessed_runs(workflow, old), faults)
    }

    fn of_runs<'b>(
        &self,
        rows: impl Iterator<Item = (Position, RunView<'b>)>,
        faults: &impl LinkFaults,
    ) -> Answer {
        let render = |out: &mut Vec<u8>, row: &RunView<'_>| self.style.run(out, row);
        self.answer(rows, own, render, faults)
    }

    pub(crate) fn task_reports(&self, workflow: &Workflow, faults: &impl LinkFaults) -> Answer {
        let tasks = &tasks::tasks_of(workflow);
        let value = |view: &_, property| own(&ReportRow { view, tasks }, property);
        let render = |out: &mut Vec<u8>, row: &_| self.style.task_report(out, row, tasks);
        self.answer(
            self.rows().task_reports(workflow, tasks),
            value,
            render,
            faults,
        )
    }

    pub(crate) fn workflow_results(&self, workflow: &Workflow, faults: &impl LinkFaults) -> Answer {
        self.results(workflow, self.rows().workflow_results(workflow), faults)
    }

    pub(crate) fn run_results(
        &self,
        workflow: &Workflow,
        run: &Run,
        faults: &impl LinkFaults,
    ) -> Answer {
        self.results(workflow, self.rows().results(workflow, run), faults)
    }

    fn results<'b>(
        &self,
        workflow: &Workflow,
        rows: impl Iterator<Item = (Position, ResultView<'b>)>,
        faults: &impl LinkFaults,
    ) -> Answer {
        // Rows of one run mostly stand together: its prefix is made once.
        let latest = RefCell::new((None, Vec::new()));
        let render = |out: &mut Vec<u8>, view: &ResultView<'_>| {
            let ordinal = Some(view.run.ordinal);
            let mut latest = latest.borrow_mut();
            if latest.0 != ordinal {
                *latest = (ordinal, render::result_id_prefix(workflow, view.run));
            }
            self.style.result(out, view, &latest.1);
        };
        let value = |view: &ResultView<'_>, property| {
            own(&ResultRow::new(self.style, workflow, view), property)
        };
        self.answer(rows, value, render, faults)
    }

    /// The task results of a run, or of one of its rows.
    pub(crate) fn task_results(
        &self,
        workflow: &Workflow,
        run: &Run,
        row: Option<u32>,
        faults: &impl LinkFaults,
    ) -> Answer {
        let tasks = &self.style.task_texts(workflow);
        let prefix = OnceCell::new();
        let render = |out: &mut Vec<u8>, view: &TaskView<'_>| {
            let prefix = prefix.get_or_init(|| render::result_id_prefix(workflow, run));
            self.style.task_result(out, view, prefix, tasks);
        };
        let value = |view: &TaskView<'_>, property| {
            own(&TaskRow::new(self.style, workflow, tasks, view), property)
        };
        let rows = self
            .rows()
            .task_results(workflow, run, tasks)
            .filter(|(_, view)| row.is_none_or(|row| view.result.row == row));
        self.answer(rows, value, render, faults)
    }

    pub(crate) fn subject_results(
        &self,
        workflow: &Workflow,
        run: &Run,
        faults: &impl LinkFaults,
    ) -> Answer {
        let render = |out: &mut Vec<u8>, row: &SubjectView<'_>| {
            self.style.subject_result(out, row, workflow);
        };
        self.answer(self.rows().subject_results(run), own, render, faults)
    }
}
