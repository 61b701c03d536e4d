//! What is true: every row, for tests that compare whole tables.

use serde_json::Value;

use crate::expand::Expansion;
use crate::render::{self, Style};
use crate::report;
use crate::result::{self, ResultView};
use crate::run::Run;
use crate::subject;
use crate::task_result::{self, TaskView};
use crate::tasks::{self, Task, TaskText};
use crate::tenant::{Scope, Tenant};
use crate::ticks::Ticks;
use crate::workflow::Workflow;

/// Every row of a tenant, as far as [`Reading::contents`] asks for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Live and deleted workflows.
    pub workflows: Vec<TrueWorkflow>,
    /// Their runs.
    pub runs: Vec<TrueRun>,
    /// The user processing results of these runs.
    pub results: Vec<TrueResult>,
    /// The task processing results of these runs.
    pub task_results: Vec<TrueResult>,
    /// The task reports of these runs, with the task expanded.
    pub task_reports: Vec<TrueResult>,
    /// The subject processing results of these runs, as beta shows them unless v1.0 has them.
    pub subject_results: Vec<TrueResult>,
    /// The runs that reprocess others: `run_id` is the old run, `id` the new one. Both are among the runs.
    pub reprocessed: Vec<TrueResult>,
    /// The versions of the workflows, the newest first; the id is the number as text.
    pub versions: Vec<TrueItem>,
    /// The tasks of the workflows.
    pub tasks: Vec<TrueItem>,
    /// The task definitions, which belong to no workflow.
    pub task_definitions: Vec<TrueItem>,
}

/// How rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// From beta, which knows more enum members.
    pub beta: bool,
    /// What is expanded of results and task results.
    pub expand: Expand,
    /// What of them is read.
    pub contents: Contents,
}

/// How much of a tenant is read. There are some hundred times more results than runs, and several task results
/// for each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contents {
    /// Workflows and runs.
    Listings,
    /// These, and user processing results.
    Core,
    /// Everything but task processing results.
    WithoutTaskResults,
    /// Everything.
    All,
}

impl Reading {
    /// So much of the tenant, read as v1.0 and with nothing expanded.
    pub fn of(contents: Contents) -> Self {
        Self {
            contents,
            ..Self::default()
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            beta: false,
            expand: Expand::Nothing,
            contents: Contents::All,
        }
    }
}

/// What is expanded of results and task results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expand {
    /// Nothing: a subject has its id only.
    Nothing,
    /// `$expand=subject`.
    Subject,
    /// `$expand=subject($select=…)` with these properties.
    SubjectSelecting(Vec<String>),
}

impl Expand {
    fn expansion(&self) -> Option<Expansion> {
        match self {
            Self::Nothing => None,
            Self::Subject => Some(Expansion::Subject(None)),
            Self::SubjectSelecting(names) => Some(Expansion::Subject(Some(names.clone()))),
        }
    }
}

/// A workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueWorkflow {
    /// Its id.
    pub id: String,
    /// Whether it is below `deletedItems`.
    pub deleted: bool,
    /// Its row in the list.
    pub listed: Value,
    /// What GET says of it, without the context.
    pub detail: Value,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueRun {
    /// The id of its workflow.
    pub workflow_id: String,
    /// Its id.
    pub id: String,
    /// Its row.
    pub value: Value,
}

/// A row that belongs to a run: of user, task and subject processing results, task reports and reprocessed runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueResult {
    /// The id of its workflow.
    pub workflow_id: String,
    /// The id of its run.
    pub run_id: String,
    /// Its id.
    pub id: String,
    /// Its row.
    pub value: Value,
}

/// A version, a task or a task definition.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueItem {
    /// The id of its workflow; empty where it belongs to none.
    pub workflow_id: String,
    /// Its id.
    pub id: String,
    /// Its row; of a version what GET says of it, without the context.
    pub value: Value,
}

impl Truth {
    /// The same without everything below deleted workflows.
    #[must_use]
    pub fn without_deleted_history(mut self) -> Self {
        let deleted: Vec<String> = self
            .workflows
            .iter()
            .filter(|workflow| workflow.deleted)
            .map(|workflow| workflow.id.clone())
            .collect();
        self.runs.retain(|run| !deleted.contains(&run.workflow_id));
        for rows in [
            &mut self.results,
            &mut self.task_results,
            &mut self.task_reports,
            &mut self.subject_results,
            &mut self.reprocessed,
        ] {
            rows.retain(|row| !deleted.contains(&row.workflow_id));
        }
        for items in [&mut self.versions, &mut self.tasks] {
            items.retain(|item| !deleted.contains(&item.workflow_id));
        }
        self
    }

    /// The results of one run.
    pub fn results_of<'a>(&'a self, run_id: &'a str) -> impl Iterator<Item = &'a TrueResult> {
        self.results
            .iter()
            .filter(move |result| result.run_id == run_id)
    }
}

/// What the service stands for at `now`.
pub(crate) fn current(tenant: &Tenant, now: Ticks, reading: &Reading) -> Truth {
    let expansion = reading.expand.expansion();
    let mut teller = Teller::new(tenant, now, reading, expansion.as_ref());
    for scope in [Scope::Live, Scope::Deleted] {
        for workflow in tenant.listed(scope, now) {
            teller.workflow(workflow, scope == Scope::Deleted);
            let tasks = Tasks::of(workflow, teller.style);
            let kept: Vec<&Run> = tenant.kept(workflow, now).collect();
            for &run in &kept {
                let rows = (0..run.users).filter_map(|row| result::view(run, row, now));
                teller.run(workflow, run, rows, &tasks, |view| {
                    task_result::views(view, now).collect()
                });
            }
            teller.reprocessed(workflow, &kept);
        }
    }
    teller.truth
}

/// What the service has ever stood for up to `now`.
pub(crate) fn everything(tenant: &Tenant, now: Ticks, reading: &Reading) -> Truth {
    let expansion = reading.expand.expansion();
    let mut teller = Teller::new(tenant, now, reading, expansion.as_ref());
    for workflow in &tenant.workflows {
        let deleted = workflow.deleted.is_some_and(|deleted| deleted <= now);
        teller.workflow(workflow, deleted);
        let tasks = Tasks::of(workflow, teller.style);
        let due = workflow.runs.iter().filter(|run| run.scheduled <= now);
        let due: Vec<&Run> = due.collect();
        for &run in &due {
            let appeared = |row: &u32| {
                let edit = run.edits.get(row);
                edit.and_then(|edit| edit.appears)
                    .is_none_or(|appears| appears <= now)
            };
            let rows = (0..run.users).filter(appeared);
            let rows = rows.map(|row| result::last_view(run, row, now));
            teller.run(workflow, run, rows, &tasks, |view| {
                task_result::last_views(view, now).collect()
            });
        }
        teller.reprocessed(workflow, &due);
    }
    teller.truth
}

/// The tasks of a workflow, as rows need them.
struct Tasks {
    all: Vec<Task>,
    texts: Vec<TaskText>,
}

impl Tasks {
    fn of(workflow: &Workflow, style: Style<'_>) -> Self {
        Self {
            all: tasks::tasks_of(workflow),
            texts: style.task_texts(workflow),
        }
    }
}

struct Teller<'a> {
    style: Style<'a>,
    now: Ticks,
    contents: Contents,
    truth: Truth,
}

impl<'a> Teller<'a> {
    fn new(
        tenant: &'a Tenant,
        now: Ticks,
        reading: &Reading,
        expand: Option<&'a Expansion>,
    ) -> Self {
        let style = Style {
            tenant,
            unknown_members: true,
            beta: reading.beta,
            expand,
        };
        let known = if reading.contents > Contents::Core {
            tasks::definitions()
        } else {
            &[]
        };
        let definitions = known.iter().map(|definition| TrueItem {
            workflow_id: String::new(),
            id: definition.id.clone(),
            value: value(|out| style.definition_row(out, definition)),
        });
        let truth = Truth {
            task_definitions: definitions.collect(),
            ..Truth::default()
        };
        Self {
            style,
            now,
            contents: reading.contents,
            truth,
        }
    }

    fn workflow(&mut self, workflow: &Workflow, deleted: bool) {
        let (style, now) = (self.style, self.now);
        self.truth.workflows.push(TrueWorkflow {
            id: workflow.id.clone(),
            deleted,
            listed: value(|out| style.workflow(out, workflow, deleted)),
            detail: braced(|out| style.workflow_detail(out, workflow, now)),
        });
        if self.contents <= Contents::Core {
            return;
        }
        let item = |id: String, value: Value| TrueItem {
            workflow_id: workflow.id.clone(),
            id,
            value,
        };
        let versions = workflow.versions();
        let versions = versions.iter().map(|version| {
            let value = braced(|out| style.version_detail(out, workflow, version));
            item(version.number.to_string(), value)
        });
        self.truth.versions.extend(versions);
        let tasks = tasks::tasks_of(workflow);
        let tasks = tasks
            .iter()
            .map(|task| item(task.id.clone(), value(|out| style.task_row(out, task))));
        self.truth.tasks.extend(tasks);
    }

    fn run<'b>(
        &mut self,
        workflow: &Workflow,
        run: &'b Run,
        rows: impl Iterator<Item = ResultView<'b>>,
        tasks: &Tasks,
        of_result: impl Fn(ResultView<'b>) -> Vec<TaskView<'b>>,
    ) {
        let (style, now) = (self.style, self.now);
        self.truth.runs.push(TrueRun {
            workflow_id: workflow.id.clone(),
            id: run.id.clone(),
            value: value(|out| style.run(out, &run.view(now))),
        });
        if self.contents == Contents::Listings {
            return;
        }
        let prefix = render::result_id_prefix(workflow, run);
        for view in rows {
            let id = style.result_id(workflow, &view);
            let result = value(|out| style.result(out, &view, &prefix));
            self.truth.results.push(row(workflow, run, id, result));
            if self.contents < Contents::All {
                continue;
            }
            let results = of_result(view).into_iter().map(|view| {
                let id = style.task_result_id(workflow, &view, &tasks.texts);
                let result = value(|out| style.task_result(out, &view, &prefix, &tasks.texts));
                row(workflow, run, id, result)
            });
            self.truth.task_results.extend(results);
        }
        if self.contents > Contents::Core {
            self.beside_users(workflow, run, &tasks.all);
        }
    }

    /// The rows of a run that belong to none of its users.
    fn beside_users(&mut self, workflow: &Workflow, run: &Run, tasks: &[Task]) {
        let (style, now) = (self.style, self.now);
        let expanded = Style {
            expand: Some(&Expansion::Task),
            ..style
        };
        let reports = report::views(run, now).map(|view| {
            let report = value(|out| expanded.task_report(out, &view, tasks));
            row(workflow, run, view.id(tasks), report)
        });
        self.truth.task_reports.extend(reports);
        let on_v1 = style.tenant.config.answers.subject_results_on_v1;
        let newest = Style {
            beta: style.beta || !on_v1,
            ..style
        };
        let subjects = subject::views(run, now).map(|view| {
            let result = value(|out| newest.subject_result(out, &view, workflow));
            row(workflow, run, view.id(workflow), result)
        });
        self.truth.subject_results.extend(subjects);
    }

    fn reprocessed(&mut self, workflow: &Workflow, runs: &[&Run]) {
        if self.contents <= Contents::Core {
            return;
        }
        for run in runs {
            let old = run.reprocesses.as_ref();
            if let Some(old) = old.filter(|old| runs.iter().any(|run| run.id == **old)) {
                let (style, now) = (self.style, self.now);
                let again = value(|out| style.run(out, &run.view(now)));
                self.truth.reprocessed.push(TrueResult {
                    run_id: old.clone(),
                    ..row(workflow, run, run.id.clone(), again)
                });
            }
        }
    }
}

fn row(workflow: &Workflow, run: &Run, id: String, value: Value) -> TrueResult {
    TrueResult {
        workflow_id: workflow.id.clone(),
        run_id: run.id.clone(),
        id,
        value,
    }
}

fn value(render: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    render(&mut out);
    serde_json::from_slice(&out).unwrap_or(Value::Null)
}

/// The value of properties that are written without braces.
fn braced(render: impl FnOnce(&mut Vec<u8>)) -> Value {
    value(|out| {
        out.push(b'{');
        render(out);
        out.push(b'}');
    })
}
