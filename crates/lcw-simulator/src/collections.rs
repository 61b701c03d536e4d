//! Which collection a request asks for, and whether it may be read.

use crate::answer::Answer;
use crate::config::ReprocessedRuns;
use crate::graph::{CONTEXT, GraphAsk, LinkFaults};
use crate::listed::Listing;
use crate::order;
use crate::page::{self, Collection};
use crate::property::RowKind;
use crate::query::Options;
use crate::route::{Route, Target};
use crate::run::Run;
use crate::tenant::Scope;
use crate::workflow::Workflow;

impl<'a> GraphAsk<'a> {
    /// Answers a request for a collection.
    pub(crate) fn collection(
        &self,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        match target {
            Target::Workflows(scope) => {
                let context = match scope {
                    Scope::Live => "workflows",
                    Scope::Deleted => "deletedItems/workflows",
                };
                let listing = self.listing(RowKind::Workflow, target, options, context)?;
                Ok(listing.workflows(*scope, faults))
            }
            Target::TaskDefinitions => {
                let (kind, context) = (RowKind::TaskDefinition, "taskDefinitions");
                let listing = self.listing(kind, target, options, context)?;
                Ok(listing.task_definitions(faults))
            }
            Target::Versions(scope, id)
            | Target::Tasks(scope, id)
            | Target::Runs(scope, id)
            | Target::WorkflowResults(scope, id)
            | Target::TaskReports(scope, id) => {
                self.of_workflow(self.history(*scope, id)?, target, options, faults)
            }
            Target::RunResults(scope, id, run)
            | Target::TaskResults(scope, id, run)
            | Target::SubjectResults(scope, id, run)
            | Target::ReprocessedRuns(scope, id, run) => {
                let workflow = self.history(*scope, id)?;
                let run = self.run(workflow, run)?;
                self.of_run(workflow, run, target, options, faults)
            }
            Target::ResultTaskResults(scope, id, run, result) => {
                let workflow = self.history(*scope, id)?;
                self.of_result(workflow, (run.as_deref(), result), target, options, faults)
            }
            _ => Err(Answer::not_found("The resource", self.caller)),
        }
    }

    fn of_workflow(
        &self,
        workflow: &Workflow,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let (kind, name) = match target {
            Target::Versions(..) => (RowKind::Version, "versions"),
            Target::Tasks(..) => (RowKind::Task, "tasks"),
            Target::Runs(..) => (RowKind::Run, "runs"),
            Target::TaskReports(..) => (RowKind::TaskReport, "taskReports"),
            _ => (RowKind::Result, "userProcessingResults"),
        };
        let context = format!("workflows('{}')/{name}", workflow.id);
        let listing = self.listing(kind, target, options, &context)?;
        Ok(match kind {
            RowKind::Version => listing.versions(workflow, faults),
            RowKind::Task => listing.tasks(workflow, faults),
            RowKind::Run => listing.runs(workflow, faults),
            RowKind::TaskReport => listing.task_reports(workflow, faults),
            _ => listing.workflow_results(workflow, faults),
        })
    }

    fn of_run(
        &self,
        workflow: &Workflow,
        run: &Run,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let (kind, name) = match target {
            Target::TaskResults(..) => (RowKind::TaskResult, "taskProcessingResults"),
            Target::SubjectResults(..) => (RowKind::SubjectResult, "subjectProcessingResults"),
            Target::ReprocessedRuns(..) => (RowKind::Run, "reprocessedRuns"),
            _ => (RowKind::Result, "userProcessingResults"),
        };
        if kind == RowKind::SubjectResult {
            self.check_subject_results(name)?;
        }
        if kind == RowKind::Run {
            self.check_reprocessed_runs()?;
        }
        let context = format!("workflows('{}')/runs('{}')/{name}", workflow.id, run.id);
        let listing = self.listing(kind, target, options, &context)?;
        Ok(match kind {
            RowKind::TaskResult => listing.task_results(workflow, run, None, faults),
            RowKind::SubjectResult => listing.subject_results(workflow, run, faults),
            RowKind::Run => listing.reprocessed_runs(workflow, run, faults),
            _ => listing.run_results(workflow, run, faults),
        })
    }

    /// The task results of one result; the path names its run or not.
    fn of_result(
        &self,
        workflow: &Workflow,
        (run, result): (Option<&str>, &str),
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let view = if let Some(run) = run {
            let run = self.run(workflow, run)?;
            self.result_view(workflow, std::iter::once(run), result)?
        } else {
            let kept = self.tenant.kept(workflow, self.now);
            self.result_view(workflow, kept, result)?
        };
        let context = format!("workflows('{}')/taskProcessingResults", workflow.id);
        let listing = self.listing(RowKind::TaskResult, target, options, &context)?;
        Ok(listing.task_results(workflow, view.run, Some(view.row), faults))
    }

    /// v1.0 does not know the segment, unless it is as its newest pages say.
    fn check_subject_results(&self, name: &str) -> Result<(), Answer> {
        if self.beta || self.tenant.config.answers.subject_results_on_v1 {
            return Ok(());
        }
        Err(self.bad_request(&format!("Resource not found for the segment '{name}'.")))
    }

    fn check_reprocessed_runs(&self) -> Result<(), Answer> {
        match self.tenant.config.reprocessed_runs {
            ReprocessedRuns::Readable => Ok(()),
            ReprocessedRuns::Forbidden => Err(Answer::forbidden(self.caller)),
            ReprocessedRuns::NotFound => Err(Answer::not_found("The resource", self.caller)),
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
        Ok(Listing {
            tenant: self.tenant,
            now: self.now,
            filter: self.filter(kind, options)?,
            order,
            style: self.style(options),
            collection: Collection {
                tenant: self.tenant,
                endpoint: Route::endpoint_of(target),
                options,
                hash,
                token: self.token(options, hash)?,
                origin: self.origin,
                path: self.path,
                context: format!("{CONTEXT}/{context}"),
            },
        })
    }
}
