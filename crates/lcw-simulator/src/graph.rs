//! Answers of the Lifecycle Workflows API.

use crate::answer::{Answer, Caller};
use crate::config::{DeletedHistory, roles};
use crate::filter::{Filter, RowKind};
use crate::listing::Rows;
use crate::page::{self, Collection, PageParts, push_context};
use crate::paging::SkipToken;
use crate::query::Options;
use crate::render::{self, Style};
use crate::result;
use crate::route::Target;
use crate::run::Run;
use crate::tenant::{Scope, Tenant};
use crate::ticks::Ticks;
use crate::workflow::Workflow;

/// One request for a resource, with all that its answer depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GraphAsk<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) origin: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) unknown_members: bool,
    pub(crate) roles: &'a [String],
    pub(crate) caller: &'a Caller,
    pub(crate) now: Ticks,
}

/// Changes the page and its next link when a fault hits it.
pub(crate) trait LinkFaults {
    /// The next link to send.
    fn link(&self, collection: &Collection<'_>, parts: &mut PageParts) -> Option<String>;
}

/// The context of a resource, behind `$metadata#`.
const CONTEXT: &str = "identityGovernance/lifecycleWorkflows";

impl<'a> GraphAsk<'a> {
    pub(crate) fn answer(&self, target: &Target, faults: &impl LinkFaults) -> Answer {
        self.try_answer(target, faults)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_answer(&self, target: &Target, faults: &impl LinkFaults) -> Result<Answer, Answer> {
        if !may_read(target, self.roles) {
            return Err(Answer::forbidden(self.caller));
        }
        let options = Options::parse(self.query)
            .map_err(|problem| Answer::bad_request(&problem.0, self.caller))?;
        match target {
            Target::Workflows(scope) => self.workflows(*scope, target, &options, faults),
            Target::Workflow(scope, id) => Ok(self.detail(self.workflow(*scope, id)?, &options)),
            Target::Runs(scope, id) => {
                let workflow = self.history(*scope, id)?;
                self.runs(workflow, target, &options, faults)
            }
            Target::Run(scope, id, run) => {
                let run = self.run(self.history(*scope, id)?, run)?;
                let mut row = Vec::new();
                self.style(&options).run(&mut row, &run.view(self.now));
                Ok(self.entity(&row, &format!("workflows('{id}')/runs"), &options))
            }
            Target::RunResults(scope, id, run) => {
                let workflow = self.history(*scope, id)?;
                let run = self.run(workflow, run)?;
                self.run_results(workflow, run, target, &options, faults)
            }
            Target::WorkflowResults(scope, id) => {
                let workflow = self.history(*scope, id)?;
                self.workflow_results(workflow, target, &options, faults)
            }
            Target::RunResult(scope, id, run, result) => {
                let workflow = self.history(*scope, id)?;
                let run = self.run(workflow, run)?;
                self.result(workflow, std::iter::once(run), result, &options)
            }
            Target::WorkflowResult(scope, id, result) => {
                let workflow = self.history(*scope, id)?;
                self.result(
                    workflow,
                    self.tenant.kept(workflow, self.now),
                    result,
                    &options,
                )
            }
        }
    }

    fn detail(&self, workflow: &Workflow, options: &Options) -> Answer {
        let mut out = self.entity_head("workflows");
        self.style(options)
            .workflow_detail(&mut out, workflow, self.now);
        out.push(b'}');
        selected(out, options)
    }

    fn style(&self, options: &Options) -> Style<'a> {
        Style {
            tenant: self.tenant,
            unknown_members: self.unknown_members,
            expand_subject: options.expand_subject,
        }
    }

    /// A workflow that is there and may be read.
    fn workflow(&self, scope: Scope, id: &str) -> Result<&'a Workflow, Answer> {
        let workflow = self
            .tenant
            .find(scope, id, self.now)
            .ok_or_else(|| Answer::not_found("The workflow", self.caller))?;
        if workflow.forbidden {
            return Err(Answer::forbidden(self.caller));
        }
        Ok(workflow)
    }

    /// A workflow whose runs and results may be read.
    fn history(&self, scope: Scope, id: &str) -> Result<&'a Workflow, Answer> {
        let workflow = self.workflow(scope, id)?;
        match (scope, self.tenant.config.deleted_history) {
            (Scope::Deleted, DeletedHistory::Forbidden) => Err(Answer::forbidden(self.caller)),
            (Scope::Deleted, DeletedHistory::NotFound) => {
                Err(Answer::not_found("The resource", self.caller))
            }
            _ => Ok(workflow),
        }
    }

    fn run(&self, workflow: &'a Workflow, id: &str) -> Result<&'a Run, Answer> {
        self.tenant
            .kept_run(workflow, id, self.now)
            .ok_or_else(|| Answer::not_found("The run", self.caller))
    }

    fn filter(&self, kind: RowKind, options: &Options) -> Result<Option<Filter>, Answer> {
        options
            .filter
            .as_deref()
            .map(|text| Filter::parse(kind, text))
            .transpose()
            .map_err(|problem| Answer::bad_request(&problem.0, self.caller))
    }

    fn token(&self, options: &Options, hash: u64) -> Result<Option<SkipToken>, Answer> {
        let Some(text) = &options.skip_token else {
            return Ok(None);
        };
        SkipToken::decode(text)
            .filter(|token| token.collection == hash)
            .map(Some)
            .ok_or_else(|| Answer::bad_request("The skip token is invalid.", self.caller))
    }

    fn collection<'b>(
        &'b self,
        target: &Target,
        options: &'b Options,
        context: &'b str,
    ) -> Result<Collection<'b>, Answer> {
        let seed = self.tenant.config.seed;
        let hash = page::collection_hash(seed, &format!("{target:?}"), options);
        Ok(Collection {
            tenant: self.tenant,
            options,
            hash,
            token: self.token(options, hash)?,
            origin: self.origin,
            path: self.path,
            context,
        })
    }

    fn rows<'b>(
        &'b self,
        collection: &Collection<'_>,
        filter: Option<&'b Filter>,
        options: &Options,
    ) -> Rows<'b> {
        Rows {
            tenant: self.tenant,
            style: self.style(options),
            filter,
            from: collection.token.and_then(|token| token.position),
            now: self.now,
        }
    }

    fn workflows(
        &self,
        scope: Scope,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let filter = self.filter(RowKind::Workflow, options)?;
        let deleted = scope == Scope::Deleted;
        let context = if deleted {
            "deletedItems/workflows"
        } else {
            "workflows"
        };
        let context = format!("{CONTEXT}/{context}");
        let collection = self.collection(target, options, &context)?;
        let rows = self.rows(&collection, filter.as_ref(), options);
        let style = self.style(options);
        let parts = collection.fill(
            rows.workflows(self.tenant.listed(scope, self.now)),
            |out, workflow| style.workflow(out, workflow, deleted),
        );
        Ok(finish(&collection, parts, faults))
    }

    fn runs(
        &self,
        workflow: &Workflow,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let filter = self.filter(RowKind::Run, options)?;
        let context = format!("{CONTEXT}/workflows('{}')/runs", workflow.id);
        let collection = self.collection(target, options, &context)?;
        let rows = self.rows(&collection, filter.as_ref(), options);
        let style = self.style(options);
        let parts = collection.fill(rows.runs(workflow), |out, view| style.run(out, view));
        Ok(finish(&collection, parts, faults))
    }

    fn run_results(
        &self,
        workflow: &Workflow,
        run: &Run,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let filter = self.filter(RowKind::Result, options)?;
        let context = format!(
            "{CONTEXT}/workflows('{}')/runs('{}')/userProcessingResults",
            workflow.id, run.id
        );
        let collection = self.collection(target, options, &context)?;
        let rows = self.rows(&collection, filter.as_ref(), options);
        let style = self.style(options);
        let prefix = render::result_id_prefix(workflow, run);
        let parts = collection.fill(rows.results(workflow, run), |out, view| {
            style.result(out, view, &prefix);
        });
        Ok(finish(&collection, parts, faults))
    }

    fn workflow_results(
        &self,
        workflow: &Workflow,
        target: &Target,
        options: &Options,
        faults: &impl LinkFaults,
    ) -> Result<Answer, Answer> {
        let filter = self.filter(RowKind::Result, options)?;
        let context = format!(
            "{CONTEXT}/workflows('{}')/userProcessingResults",
            workflow.id
        );
        let collection = self.collection(target, options, &context)?;
        let rows = self.rows(&collection, filter.as_ref(), options);
        let style = self.style(options);
        let parts = collection.fill(rows.workflow_results(workflow), |out, view| {
            style.result(out, view, &render::result_id_prefix(workflow, view.run));
        });
        Ok(finish(&collection, parts, faults))
    }

    fn result<'b>(
        &self,
        workflow: &Workflow,
        mut runs: impl Iterator<Item = &'b Run>,
        id: &str,
        options: &Options,
    ) -> Result<Answer, Answer> {
        let style = self.style(options);
        let row = runs
            .find_map(|run| {
                let view = (0..run.users)
                    .filter_map(|row| result::view(run, row, self.now))
                    .find(|view| style.result_id(workflow, view) == id)?;
                let mut row = Vec::new();
                style.result(&mut row, &view, &render::result_id_prefix(workflow, run));
                Some(row)
            })
            .ok_or_else(|| Answer::not_found("The result", self.caller))?;
        let context = format!("workflows('{}')/userProcessingResults", workflow.id);
        Ok(self.entity(&row, &context, options))
    }

    fn entity_head(&self, context: &str) -> Vec<u8> {
        let mut out = vec![b'{'];
        push_context(
            &mut out,
            self.origin,
            self.path,
            &format!("{CONTEXT}/{context}/$entity"),
        );
        out
    }

    /// A row as an answer of its own.
    fn entity(&self, row: &[u8], context: &str, options: &Options) -> Answer {
        let mut out = self.entity_head(context);
        out.extend_from_slice(row.get(1..).unwrap_or_default());
        selected(out, options)
    }
}

fn selected(body: Vec<u8>, options: &Options) -> Answer {
    match &options.select {
        Some(select) => Answer::json(200, page::project(&body, select)),
        None => Answer::json(200, body),
    }
}

fn finish(collection: &Collection<'_>, parts: PageParts, faults: &impl LinkFaults) -> Answer {
    let mut parts = parts;
    let link = if parts.has_next() {
        faults.link(collection, &mut parts)
    } else {
        None
    };
    Answer::json(200, collection.body(&parts, link.as_deref()))
}

/// Whether one of the roles covers the resource.
fn may_read(target: &Target, granted: &[String]) -> bool {
    let any = |wanted: &[&str]| granted.iter().any(|role| wanted.contains(&role.as_str()));
    let all = [roles::EVERYTHING, roles::WRITE];
    if any(&all) {
        return true;
    }
    match target {
        Target::Workflows(Scope::Live) | Target::Workflow(Scope::Live, ..) => {
            any(&[roles::WORKFLOW_BASIC, roles::WORKFLOW])
        }
        Target::Workflows(Scope::Deleted) | Target::Workflow(Scope::Deleted, ..) => {
            any(&[roles::WORKFLOW])
        }
        Target::Runs(scope, ..)
        | Target::Run(scope, ..)
        | Target::RunResults(scope, ..)
        | Target::RunResult(scope, ..)
        | Target::WorkflowResults(scope, ..)
        | Target::WorkflowResult(scope, ..) => {
            any(&[roles::REPORTS]) && (*scope == Scope::Live || any(&[roles::WORKFLOW]))
        }
    }
}
