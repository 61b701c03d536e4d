//! One real request per requested table.

use jiff::Timestamp;
use lcw_extractor::query::{ExpandForm, ResultQuery};
use lcw_extractor::{CollectionRequest, ErrorKind, ExtractError, GraphClient, GraphPath, Probe};
use lcw_model::time::format_micros;
use lcw_transform::Table;

use super::{Check, Verdict};
use crate::coverage::RETENTION;
use crate::request::{DeletedWorkflows, Request};

/// Workflows whose runs are asked for until one has a run: the others' tables are looked at there.
const MOST_WORKFLOWS: usize = 5;

/// What the requests came to, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Probes {
    checks: Vec<Check>,
    workflow: Option<String>,
    run: Option<String>,
}

/// Where a table is read, given a workflow and one of its runs; `None` when it takes one that is
/// not there.
fn probe_path(table: Table, workflow: Option<&str>, run: Option<&str>) -> Option<GraphPath> {
    let workflow = || workflow.map(GraphPath::workflow);
    let run = || Some(workflow()?.run(run?));
    match table {
        Table::Workflows => Some(GraphPath::workflows()),
        Table::TaskDefinitions => Some(GraphPath::task_definitions()),
        Table::Runs => workflow().map(GraphPath::runs),
        Table::WorkflowVersions => workflow().map(GraphPath::versions),
        Table::Tasks => workflow().map(GraphPath::tasks),
        Table::TaskReports => workflow().map(GraphPath::task_reports),
        Table::UserProcessingResults => run().map(GraphPath::user_processing_results),
        Table::TaskProcessingResults => run().map(GraphPath::task_processing_results),
        Table::SubjectProcessingResults => run().map(GraphPath::subject_processing_results),
        Table::ReprocessedRuns => run().map(GraphPath::reprocessed_runs),
    }
}

/// The request that shows whether a table can be read, asked as an export asks.
pub(super) fn probe_request(
    table: Table,
    query: &ResultQuery,
    workflow: Option<&str>,
    run: Option<&str>,
) -> Option<CollectionRequest> {
    let all = CollectionRequest::new(probe_path(table, workflow, run)?);
    Some(match table {
        Table::UserProcessingResults => all.queried(query, ExpandForm::Selected),
        Table::TaskReports => all.with_task(),
        _ => all,
    })
}

impl Probes {
    /// Asks, parents first: their answers say what to ask next.
    pub(super) async fn ask(request: &Request, client: &GraphClient) -> Self {
        let mut probes = Self::default();
        let workflows = probes.workflows(client).await;
        probes.deleted(request.deleted_workflows, client).await;
        if !workflows.is_empty() {
            probes.runs(client, &workflows).await;
        }
        for table in request.wanted_tables() {
            if !probes.has(table) {
                probes.table(table, &request.query, client).await;
            }
        }
        probes
    }

    pub(super) fn into_checks(self) -> Vec<Check> {
        self.checks
    }

    fn has(&self, table: Table) -> bool {
        let name = name_of(table);
        self.checks.iter().any(|check| check.name == name)
    }

    async fn workflows(&mut self, client: &GraphClient) -> Vec<String> {
        let request = CollectionRequest::new(GraphPath::workflows());
        let probe = client.probe(&request).await;
        self.checks
            .push(check_of(name_of(Table::Workflows), &probe));
        self.workflow = probe.ids.first().cloned();
        probe.ids
    }

    /// What needs a further permission, which an export may do without.
    async fn deleted(&mut self, wanted: DeletedWorkflows, client: &GraphClient) {
        const NAME: &str = "deleted_workflows";
        if wanted == DeletedWorkflows::Skip {
            return;
        }
        let request = CollectionRequest::new(GraphPath::deleted_workflows());
        let probe = client.probe(&request).await;
        let is_refused = |error: &ExtractError| error.kind() == ErrorKind::Forbidden;
        self.checks.push(match &probe.error {
            Some(error) if is_refused(error) && wanted == DeletedWorkflows::Auto => {
                let permission = request.least_permissions().join(" and ");
                let message =
                    format!("refused, so they are left out; {permission} would show them");
                Check::pass(NAME, message)
            }
            _ => check_of(NAME.to_owned(), &probe),
        });
    }

    /// Looks for a workflow with a run, and keeps both.
    async fn runs(&mut self, client: &GraphClient, workflows: &[String]) {
        let now = client.service_now().unwrap_or_else(Timestamp::now);
        let since = format_micros(now.as_microsecond() - RETENTION);
        let mut last = None;
        for workflow in workflows.iter().take(MOST_WORKFLOWS) {
            let request = CollectionRequest::new(GraphPath::workflow(workflow).runs())
                .filtered(format!("scheduledDateTime ge {since}"));
            let probe = client.probe(&request).await;
            if let Some(run) = probe.ids.first() {
                (self.workflow, self.run) = (Some(workflow.clone()), Some(run.clone()));
            }
            let goes_on = probe.ids.is_empty() && probe.status() != Some(403);
            last = Some(probe);
            if !goes_on {
                break;
            }
        }
        let probe = last.iter();
        self.checks
            .extend(probe.map(|probe| check_of(name_of(Table::Runs), probe)));
    }

    async fn table(&mut self, table: Table, query: &ResultQuery, client: &GraphClient) {
        let (workflow, run) = (self.workflow.as_deref(), self.run.as_deref());
        let Some(request) = probe_request(table, query, workflow, run) else {
            self.checks.push(self.not_asked(table));
            return;
        };
        let mut probe = client.probe(&request).await;
        if let Some(plain) = plainly(table, query, &request, &probe) {
            probe = client.probe(&plain).await;
        }
        self.checks.push(check_of_table(table, &probe));
    }

    /// A table without anything to ask about: because there is nothing, or because what would say
    /// so could not be read.
    fn not_asked(&self, table: Table) -> Check {
        let parents = [Table::Workflows, Table::Runs].map(name_of);
        let has_failed =
            |check: &Check| check.status == Verdict::Fail && parents.contains(&check.name);
        if self.checks.iter().any(has_failed) {
            let message = "not asked for: what it belongs to could not be read";
            let remedy = "mend what failed before it, and ask again";
            return Check::warn(name_of(table), message, remedy);
        }
        Check::pass(
            name_of(table),
            "not asked for: the first pages show no run to ask about",
        )
    }
}

/// The same request with the subject expanded as a whole: like an export, for a service that answers
/// 400 to a choice of its properties.
fn plainly(
    table: Table,
    query: &ResultQuery,
    request: &CollectionRequest,
    probe: &Probe,
) -> Option<CollectionRequest> {
    let is_rejected = |error: &ExtractError| error.kind() == ErrorKind::Rejected;
    let may_help = table == Table::UserProcessingResults
        && query.expands_subject()
        && probe.error.as_ref().is_some_and(is_rejected);
    may_help
        .then(|| CollectionRequest::new(request.path().clone()).queried(query, ExpandForm::Plain))
}

fn name_of(table: Table) -> String {
    format!("table:{}", table.name())
}

fn check_of_table(table: Table, probe: &Probe) -> Check {
    let is_refused = |error: &ExtractError| error.kind() == ErrorKind::Forbidden;
    match (table, &probe.error) {
        // They have numbers instead of ids.
        (Table::WorkflowVersions, None) => Check::pass(name_of(table), "readable"),
        (Table::ReprocessedRuns, Some(error)) if is_refused(error) => Check::warn(
            name_of(table),
            "refused (403), as its documentation says it may be; an export is complete without",
            "leave the table out, unless the service is expected to open it",
        ),
        _ => check_of(name_of(table), probe),
    }
}

/// Where nothing can have aged out: a 404 means another address than Graph's.
const NAME_OF_WORKFLOWS: &str = "table:workflows";

fn check_of(name: String, probe: &Probe) -> Check {
    match &probe.error {
        None if probe.ids.is_empty() => Check::pass(name, "readable; its first page is empty"),
        None => Check::pass(name, "readable"),
        Some(error) if error.kind() == ErrorKind::NotFound && name != NAME_OF_WORKFLOWS => {
            let message = "not there (404): it may have aged out just now, or be unknown to this \
                version of the API";
            Check::pass(name, message)
        }
        Some(error) => Check::refused(name, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(table: Table, query: &ResultQuery) -> CollectionRequest {
        probe_request(table, query, Some("w"), Some("r")).unwrap()
    }

    #[test]
    fn every_table_is_asked_for_somewhere() {
        let query = ResultQuery::default();
        for table in Table::ALL {
            let permissions = asked(table, &query).least_permissions();
            assert!(!permissions.is_empty(), "{}", table.name());
        }
        assert_eq!(probe_path(Table::Runs, None, None), None);
        assert_eq!(
            probe_path(Table::UserProcessingResults, Some("w"), None),
            None
        );
    }

    #[test]
    fn results_are_asked_for_as_an_export_asks_and_nothing_else_is() {
        let query = ResultQuery::parse(None, None, None, Some("subject")).unwrap();
        for table in Table::ALL {
            let reads_users = asked(table, &query)
                .least_permissions()
                .contains(&"User.Read.All");
            assert_eq!(reads_users, table == Table::UserProcessingResults);
        }
    }
}
