//! The collections of the API: which rows, and how each is written.

use crate::answer::Answer;
use crate::config::ReprocessedRuns;
use crate::filter::{Filter, Row, Value};
use crate::graph::{CONTEXT, GraphAsk, LinkFaults};
use crate::listing::Rows;
use crate::order::{self, Key};
use crate::page::{self, Collection, PageParts};
use crate::paging::Position;
use crate::property::{Property, RowKind};
use crate::query::Options;
use crate::render::{self, Style};
use crate::result::ResultView;
use crate::route::{Route, Target};
use crate::row::{ReportRow, ResultRow, TaskRow, VersionRow};
use crate::run::Run;
use crate::task_result::TaskView;
use crate::tasks::{self, TaskText};
use crate::tenant::{Scope, Tenant};
use crate::ticks::Ticks;
use crate::workflow::Workflow;

/// One collection as it was asked for: filter, order, page and looks.
struct Listing<'a> {
    tenant: &'a Tenant,
    now: Ticks,
    collection: Collection<'a>,
    filter: Option<Filter>,
    order: Vec<Key>,
    style: Style<'a>,
}

impl Listing<'_> {
    /// The rows that the page is taken from: an order needs them from the beginning.
    fn rows(&self) -> Rows<'_> {
        let token = self.collection.token.filter(|_| self.order.is_empty());
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
        let parts = if self.order.is_empty() {
            self.collection.fill(rows, render)
        } else {
            let from = self.collection.token.and_then(|token| token.position);
            let rows = rows.map(|(_, row)| row);
            let arranged = order::arranged(rows, &self.order, from, value);
            self.collection.fill(arranged, render)
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
}

/// The value of a row that has its properties itself.
fn own<T: Row>(row: &T, property: Property) -> Value<'static> {
    row.value(property).into_owned()
}

impl<'a> GraphAsk<'a> {
    /// Answers a request for a collection.
    pub(crate) fn collection(
        &self,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let list = |kind, context: String| self.listing(kind, target, options, &context);
        match target {
            Target::Workflows(scope) => self.workflows(*scope, list, faults),
            Target::TaskDefinitions => {
                let listing = list(RowKind::TaskDefinition, "taskDefinitions".to_owned())?;
                let rows = listing.rows().plain(tasks::definitions().iter());
                let style = listing.style;
                let render = |out: &mut Vec<u8>, row: &&_| style.definition_row(out, row);
                Ok(listing.answer(rows, own, render, faults))
            }
            Target::Versions(scope, id)
            | Target::Tasks(scope, id)
            | Target::Runs(scope, id)
            | Target::WorkflowResults(scope, id)
            | Target::TaskReports(scope, id) => {
                let workflow = self.history(*scope, id)?;
                self.of_workflow(workflow, target, list, faults)
            }
            Target::RunResults(scope, id, run)
            | Target::TaskResults(scope, id, run)
            | Target::SubjectResults(scope, id, run)
            | Target::ReprocessedRuns(scope, id, run) => {
                let workflow = self.history(*scope, id)?;
                let run = self.run(workflow, run)?;
                self.of_run(workflow, run, target, list, faults)
            }
            Target::ResultTaskResults(scope, id, run, result) => {
                let workflow = self.history(*scope, id)?;
                let view = match run {
                    Some(run) => {
                        let run = self.run(workflow, run)?;
                        self.result_view(workflow, std::iter::once(run), result)?
                    }
                    None => {
                        let kept = self.tenant.kept(workflow, self.now);
                        self.result_view(workflow, kept, result)?
                    }
                };
                self.task_results_of(workflow, view, list, faults)
            }
            _ => Err(Answer::not_found("The resource", self.caller)),
        }
    }

    fn listing<'b>(
        &self,
        kind: RowKind,
        target: &Target,
        options: &'b Options,
        context: &str,
    ) -> Result<Listing<'b>, Answer>
    where
        'a: 'b,
    {
        let seed = self.tenant.config.seed;
        let hash = page::collection_hash(seed, &format!("{target:?}"), options);
        let order = match &options.order_by {
            Some(text) => order::parse(kind, text).map_err(|no| self.bad_request(&no.0))?,
            None => Vec::new(),
        };
        let endpoint = Route::endpoint_of(target);
        Ok(Listing {
            tenant: self.tenant,
            now: self.now,
            filter: self.filter(kind, options)?,
            order,
            style: self.style(options),
            collection: Collection {
                tenant: self.tenant,
                endpoint,
                options,
                hash,
                token: self.token(options, hash)?,
                origin: self.origin,
                path: self.path,
                context: format!("{CONTEXT}/{context}"),
            },
        })
    }

    fn workflows<'b>(
        &self,
        scope: Scope,
        list: impl FnOnce(RowKind, String) -> Result<Listing<'b>, Answer>,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let deleted = scope == Scope::Deleted;
        let context = if deleted {
            "deletedItems/workflows"
        } else {
            "workflows"
        };
        let listing = list(RowKind::Workflow, context.to_owned())?;
        let rows = listing.rows().plain(self.tenant.listed(scope, self.now));
        let style = listing.style;
        let render = |out: &mut Vec<u8>, row: &&_| style.workflow(out, row, deleted);
        Ok(listing.answer(rows, own, render, faults))
    }

    fn of_workflow<'b>(
        &self,
        workflow: &'a Workflow,
        target: &Target,
        list: impl FnOnce(RowKind, String) -> Result<Listing<'b>, Answer>,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let list = |kind, name: &str| list(kind, format!("workflows('{}')/{name}", workflow.id));
        match target {
            Target::Versions(..) => {
                let listing = list(RowKind::Version, "versions")?;
                let versions = workflow.versions().into_iter().map(|version| VersionRow {
                    category: workflow.category,
                    version,
                });
                let rows = listing.rows().plain(versions);
                let style = listing.style;
                let render = |out: &mut Vec<u8>, row: &VersionRow| {
                    style.version(out, workflow, &row.version)
                };
                Ok(listing.answer(rows, own, render, faults))
            }
            Target::Tasks(..) => {
                let listing = list(RowKind::Task, "tasks")?;
                let rows = listing.rows().plain(tasks::tasks_of(workflow).into_iter());
                let style = listing.style;
                let render = |out: &mut Vec<u8>, row: &_| style.task_row(out, row);
                Ok(listing.answer(rows, own, render, faults))
            }
            Target::Runs(..) => {
                let listing = list(RowKind::Run, "runs")?;
                let (rows, style) = (listing.rows().runs(workflow), listing.style);
                let render = |out: &mut Vec<u8>, row: &_| style.run(out, row);
                Ok(listing.answer(rows, own, render, faults))
            }
            Target::TaskReports(..) => {
                let listing = list(RowKind::TaskReport, "taskReports")?;
                let tasks = tasks::tasks_of(workflow);
                let rows = listing.rows().task_reports(workflow, &tasks);
                let style = listing.style;
                let value = |view: &_, property| {
                    own(
                        &ReportRow {
                            view,
                            tasks: &tasks,
                        },
                        property,
                    )
                };
                let render = |out: &mut Vec<u8>, row: &_| style.task_report(out, row, &tasks);
                Ok(listing.answer(rows, value, render, faults))
            }
            _ => {
                let listing = list(RowKind::Result, "userProcessingResults")?;
                let rows = listing.rows().workflow_results(workflow);
                Ok(self.results(&listing, workflow, rows, faults))
            }
        }
    }

    fn results<'b>(
        &self,
        listing: &Listing<'_>,
        workflow: &Workflow,
        rows: impl Iterator<Item = (Position, ResultView<'b>)>,
        faults: &impl LinkFaults,
    ) -> Answer {
        let style = listing.style;
        // Rows of one run stand together: its prefix is made once.
        let prefix = std::cell::RefCell::new((None, Vec::new()));
        let render = |out: &mut Vec<u8>, view: &ResultView<'_>| {
            let mut prefix = prefix.borrow_mut();
            if prefix.0 != Some(view.run.ordinal) {
                *prefix = (
                    Some(view.run.ordinal),
                    render::result_id_prefix(workflow, view.run),
                );
            }
            style.result(out, view, &prefix.1);
        };
        let value =
            |view: &ResultView<'_>, property| own(&ResultRow::new(style, workflow, view), property);
        listing.answer(rows, value, render, faults)
    }

    fn of_run<'b>(
        &self,
        workflow: &'a Workflow,
        run: &'a Run,
        target: &Target,
        list: impl FnOnce(RowKind, String) -> Result<Listing<'b>, Answer>,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let below = format!("workflows('{}')/runs('{}')", workflow.id, run.id);
        let list = |kind, name: &str| list(kind, format!("{below}/{name}"));
        match target {
            Target::TaskResults(..) => {
                let listing = list(RowKind::TaskResult, "taskProcessingResults")?;
                let tasks = listing.style.task_texts(workflow);
                let rows = listing.rows().task_results(workflow, run, &tasks);
                Ok(self.task_results(&listing, workflow, &tasks, rows, faults))
            }
            Target::SubjectResults(..) => {
                if !self.beta && !self.tenant.config.answers.subject_results_on_v1 {
                    let segment = "subjectProcessingResults";
                    let message = format!("Resource not found for the segment '{segment}'.");
                    return Err(self.bad_request(&message));
                }
                let listing = list(RowKind::SubjectResult, "subjectProcessingResults")?;
                let (rows, style) = (listing.rows().subject_results(run), listing.style);
                let render = |out: &mut Vec<u8>, row: &_| style.subject_result(out, row, workflow);
                Ok(listing.answer(rows, own, render, faults))
            }
            Target::ReprocessedRuns(..) => {
                match self.tenant.config.reprocessed_runs {
                    ReprocessedRuns::Readable => {}
                    ReprocessedRuns::Forbidden => return Err(Answer::forbidden(self.caller)),
                    ReprocessedRuns::NotFound => {
                        return Err(Answer::not_found("The resource", self.caller));
                    }
                }
                let listing = list(RowKind::Run, "reprocessedRuns")?;
                let rows = listing.rows().reprocessed_runs(workflow, run);
                let style = listing.style;
                let render = |out: &mut Vec<u8>, row: &_| style.run(out, row);
                Ok(listing.answer(rows, own, render, faults))
            }
            _ => {
                let listing = list(RowKind::Result, "userProcessingResults")?;
                let rows = listing.rows().results(workflow, run);
                Ok(self.results(&listing, workflow, rows, faults))
            }
        }
    }

    /// The task results of one user processing result.
    fn task_results_of<'b>(
        &self,
        workflow: &'a Workflow,
        result: ResultView<'a>,
        list: impl FnOnce(RowKind, String) -> Result<Listing<'b>, Answer>,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let run = result.run;
        let context = format!("workflows('{}')/taskProcessingResults", workflow.id);
        let listing = list(RowKind::TaskResult, context)?;
        let tasks = listing.style.task_texts(workflow);
        let rows = listing
            .rows()
            .task_results(workflow, run, &tasks)
            .filter(|(_, view)| view.result.row == result.row);
        Ok(self.task_results(&listing, workflow, &tasks, rows, faults))
    }

    fn task_results<'b>(
        &self,
        listing: &Listing<'_>,
        workflow: &Workflow,
        tasks: &[TaskText],
        rows: impl Iterator<Item = (Position, TaskView<'b>)>,
        faults: &impl LinkFaults,
    ) -> Answer {
        let style = listing.style;
        let prefix = std::cell::OnceCell::new();
        let render = |out: &mut Vec<u8>, view: &TaskView<'_>| {
            let prefix = prefix.get_or_init(|| render::result_id_prefix(workflow, view.result.run));
            style.task_result(out, view, prefix, tasks);
        };
        let value = |view: &TaskView<'_>, property| {
            own(&TaskRow::new(style, workflow, tasks, view), property)
        };
        listing.answer(rows, value, render, faults)
    }
}
