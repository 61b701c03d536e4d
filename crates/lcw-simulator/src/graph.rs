//! Answers of the Lifecycle Workflows API.

use crate::answer::{Answer, Caller};
use crate::config::DeletedHistory;
use crate::expand::Expansion;
use crate::filter::Filter;
use crate::page::{self, Collection, PageParts, push_context};
use crate::paging::SkipToken;
use crate::permission;
use crate::property::RowKind;
use crate::query::Options;
use crate::record::Endpoint;
use crate::render::{self, Style};
use crate::result::{self, ResultView};
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
    /// The version in the path.
    pub(crate) beta: bool,
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
pub(crate) const CONTEXT: &str = "identityGovernance/lifecycleWorkflows";

impl<'a> GraphAsk<'a> {
    pub(crate) fn answer(&self, target: &Target, faults: &impl LinkFaults) -> Answer {
        self.try_answer(target, faults)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_answer(&self, target: &Target, faults: &impl LinkFaults) -> Result<Answer, Answer> {
        if !permission::may_read(target, self.roles) {
            return Err(Answer::forbidden(self.caller));
        }
        let options = Options::parse(self.query).map_err(|problem| self.bad_request(&problem.0))?;
        self.check_expansion(target, &options)?;
        match target {
            Target::Workflow(scope, id) => Ok(self.detail(self.workflow(*scope, id)?, &options)),
            Target::Version(scope, id, number) => {
                self.version(self.history(*scope, id)?, number, &options)
            }
            Target::Run(scope, id, run) => {
                let run = self.run(self.history(*scope, id)?, run)?;
                let mut row = Vec::new();
                self.style(&options).run(&mut row, &run.view(self.now));
                let context = format!("workflows('{id}')/runs");
                Ok(self.entity(row, Endpoint::Run, &context, &options))
            }
            Target::RunResult(scope, id, run, result) => {
                let workflow = self.history(*scope, id)?;
                let run = self.run(workflow, run)?;
                self.result(workflow, std::iter::once(run), result, &options)
            }
            Target::WorkflowResult(scope, id, result) => {
                let workflow = self.history(*scope, id)?;
                let kept = self.tenant.kept(workflow, self.now);
                self.result(workflow, kept, result, &options)
            }
            Target::RunSummary(scope, id, ..)
            | Target::ResultSummary(scope, id, ..)
            | Target::TaskReportSummary(scope, id, ..) => {
                self.summary(self.history(*scope, id)?, target)
            }
            _ => self.collection(target, &options, faults),
        }
    }

    /// Whether the relationship can be expanded here, and by whom.
    fn check_expansion(&self, target: &Target, options: &Options) -> Result<(), Answer> {
        let Some(expansion) = &options.expand else {
            return Ok(());
        };
        let is_possible = match (target, expansion) {
            (
                Target::RunResults(..)
                | Target::WorkflowResults(..)
                | Target::RunResult(..)
                | Target::WorkflowResult(..)
                | Target::TaskResults(..)
                | Target::ResultTaskResults(..),
                Expansion::Subject(nested),
            ) => nested.is_none() || self.tenant.config.answers.nested_select,
            (Target::TaskReports(..), Expansion::Task | Expansion::TaskDefinition) => true,
            _ => false,
        };
        if !is_possible {
            return Err(self.bad_request("The query option '$expand' is not supported here."));
        }
        let access = &self.tenant.config.access;
        if matches!(expansion, Expansion::Subject(_))
            && access.expand_needs_user_read
            && !permission::may_read_users(self.roles)
        {
            return Err(Answer::forbidden(self.caller));
        }
        Ok(())
    }

    pub(crate) fn bad_request(&self, message: &str) -> Answer {
        Answer::bad_request(message, self.caller)
    }

    fn detail(&self, workflow: &Workflow, options: &Options) -> Answer {
        let mut row = vec![b'{'];
        self.style(options)
            .workflow_detail(&mut row, workflow, self.now);
        row.push(b'}');
        self.entity(row, Endpoint::Workflow, "workflows", options)
    }

    /// A single version, whose key is its number.
    fn version(
        &self,
        workflow: &Workflow,
        number: &str,
        options: &Options,
    ) -> Result<Answer, Answer> {
        let number: i32 = number
            .parse()
            .map_err(|_| self.bad_request("The key of a version is a number."))?;
        let version = workflow
            .versions()
            .into_iter()
            .find(|version| version.number == number)
            .ok_or_else(|| Answer::not_found("The version", self.caller))?;
        let mut row = vec![b'{'];
        self.style(options)
            .version_detail(&mut row, workflow, &version);
        row.push(b'}');
        let context = format!("workflows('{}')/versions", workflow.id);
        Ok(self.entity(row, Endpoint::Version, &context, options))
    }

    pub(crate) fn style<'b>(&self, options: &'b Options) -> Style<'b>
    where
        'a: 'b,
    {
        Style {
            tenant: self.tenant,
            unknown_members: self.unknown_members,
            beta: self.beta,
            expand: options.expand.as_ref(),
        }
    }

    /// A workflow that is there and may be read.
    pub(crate) fn workflow(&self, scope: Scope, id: &str) -> Result<&'a Workflow, Answer> {
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
    pub(crate) fn history(&self, scope: Scope, id: &str) -> Result<&'a Workflow, Answer> {
        let workflow = self.workflow(scope, id)?;
        match (scope, self.tenant.config.deleted_history) {
            (Scope::Deleted, DeletedHistory::Forbidden) => Err(Answer::forbidden(self.caller)),
            (Scope::Deleted, DeletedHistory::NotFound) => {
                Err(Answer::not_found("The resource", self.caller))
            }
            _ => Ok(workflow),
        }
    }

    pub(crate) fn run(&self, workflow: &'a Workflow, id: &str) -> Result<&'a Run, Answer> {
        self.tenant
            .kept_run(workflow, id, self.now)
            .ok_or_else(|| Answer::not_found("The run", self.caller))
    }

    pub(crate) fn filter(
        &self,
        kind: RowKind,
        options: &Options,
    ) -> Result<Option<Filter>, Answer> {
        options
            .filter
            .as_deref()
            .map(|text| Filter::parse(kind, text))
            .transpose()
            .map_err(|problem| self.bad_request(&problem.0))
    }

    pub(crate) fn token(&self, options: &Options, hash: u64) -> Result<Option<SkipToken>, Answer> {
        let Some(text) = &options.skip_token else {
            return Ok(None);
        };
        SkipToken::decode(text)
            .filter(|token| token.collection == hash)
            .map(Some)
            .ok_or_else(|| Answer::bad_request("The skip token is invalid.", self.caller))
    }

    /// The result with this id.
    pub(crate) fn result_view<'b>(
        &self,
        workflow: &Workflow,
        mut runs: impl Iterator<Item = &'b Run>,
        id: &str,
    ) -> Result<ResultView<'b>, Answer> {
        let options = Options::default();
        let style = self.style(&options);
        runs.find_map(|run| {
            (0..run.users)
                .filter_map(|row| result::view(run, row, self.now))
                .find(|view| style.result_id(workflow, view) == id)
        })
        .ok_or_else(|| Answer::not_found("The result", self.caller))
    }

    fn result<'b>(
        &self,
        workflow: &Workflow,
        runs: impl Iterator<Item = &'b Run>,
        id: &str,
        options: &Options,
    ) -> Result<Answer, Answer> {
        let view = self.result_view(workflow, runs, id)?;
        let prefix = render::result_id_prefix(workflow, view.run);
        let mut row = Vec::new();
        self.style(options).result(&mut row, &view, &prefix);
        let context = format!("workflows('{}')/userProcessingResults", workflow.id);
        Ok(self.entity(row, Endpoint::Result, &context, options))
    }

    /// A row as an answer of its own.
    fn entity(
        &self,
        mut row: Vec<u8>,
        endpoint: Endpoint,
        context: &str,
        options: &Options,
    ) -> Answer {
        let answers = &self.tenant.config.answers;
        answers.change_type(endpoint, &mut row, 0);
        let mut out = vec![b'{'];
        push_context(
            &mut out,
            self.origin,
            self.path,
            &format!("{CONTEXT}/{context}/$entity"),
        );
        out.extend_from_slice(row.get(1..).unwrap_or_default());
        match &options.select {
            Some(select) => Answer::json(200, page::project(&out, select)),
            None => Answer::json(200, out),
        }
    }
}
