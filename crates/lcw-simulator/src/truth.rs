//! What is true: every row, for tests that compare whole tables.

use serde_json::Value;

use crate::render::{self, Style};
use crate::result::{self, ResultView};
use crate::run::Run;
use crate::tenant::{Scope, Tenant};
use crate::ticks::Ticks;
use crate::workflow::Workflow;

/// Every row of a tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Live and deleted workflows.
    pub workflows: Vec<TrueWorkflow>,
    /// Their runs.
    pub runs: Vec<TrueRun>,
    /// The user processing results of these runs.
    pub results: Vec<TrueResult>,
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

/// A user processing result.
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

impl Truth {
    /// The same without the runs and results of deleted workflows.
    #[must_use]
    pub fn without_deleted_history(mut self) -> Self {
        let deleted: Vec<String> = self
            .workflows
            .iter()
            .filter(|workflow| workflow.deleted)
            .map(|workflow| workflow.id.clone())
            .collect();
        self.runs.retain(|run| !deleted.contains(&run.workflow_id));
        self.results
            .retain(|result| !deleted.contains(&result.workflow_id));
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
pub(crate) fn current(tenant: &Tenant, now: Ticks) -> Truth {
    let mut teller = Teller::new(tenant, now);
    for scope in [Scope::Live, Scope::Deleted] {
        for workflow in tenant.listed(scope, now) {
            teller.workflow(workflow, scope == Scope::Deleted);
            for run in tenant.kept(workflow, now) {
                let rows = (0..run.users).filter_map(|row| result::view(run, row, now));
                teller.run(workflow, run, rows);
            }
        }
    }
    teller.truth
}

/// What the service has ever stood for up to `now`.
pub(crate) fn everything(tenant: &Tenant, now: Ticks) -> Truth {
    let mut teller = Teller::new(tenant, now);
    for workflow in &tenant.workflows {
        teller.workflow(
            workflow,
            workflow.deleted.is_some_and(|deleted| deleted <= now),
        );
        for run in workflow.runs.iter().filter(|run| run.scheduled <= now) {
            let appeared = |row: &u32| {
                let edit = run.edits.get(row);
                edit.and_then(|edit| edit.appears)
                    .is_none_or(|appears| appears <= now)
            };
            let rows = (0..run.users).filter(appeared);
            teller.run(
                workflow,
                run,
                rows.map(|row| result::last_view(run, row, now)),
            );
        }
    }
    teller.truth
}

struct Teller<'a> {
    style: Style<'a>,
    now: Ticks,
    truth: Truth,
}

impl<'a> Teller<'a> {
    fn new(tenant: &'a Tenant, now: Ticks) -> Self {
        let style = Style {
            tenant,
            unknown_members: true,
            expand_subject: false,
        };
        Self {
            style,
            now,
            truth: Truth::default(),
        }
    }

    fn workflow(&mut self, workflow: &Workflow, deleted: bool) {
        let (style, now) = (self.style, self.now);
        self.truth.workflows.push(TrueWorkflow {
            id: workflow.id.clone(),
            deleted,
            listed: value(|out| style.workflow(out, workflow, deleted)),
            detail: value(|out| {
                out.push(b'{');
                style.workflow_detail(out, workflow, now);
                out.push(b'}');
            }),
        });
    }

    fn run<'b>(
        &mut self,
        workflow: &Workflow,
        run: &'b Run,
        rows: impl Iterator<Item = ResultView<'b>>,
    ) {
        let (style, now) = (self.style, self.now);
        self.truth.runs.push(TrueRun {
            workflow_id: workflow.id.clone(),
            id: run.id.clone(),
            value: value(|out| style.run(out, &run.view(now))),
        });
        let prefix = render::result_id_prefix(workflow, run);
        self.truth.results.extend(rows.map(|view| TrueResult {
            workflow_id: workflow.id.clone(),
            run_id: run.id.clone(),
            id: style.result_id(workflow, &view),
            value: value(|out| style.result(out, &view, &prefix)),
        }));
    }
}

fn value(render: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    render(&mut out);
    serde_json::from_slice(&out).unwrap_or(Value::Null)
}
