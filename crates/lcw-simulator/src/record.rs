//! What the service was asked, and when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The token endpoint.
    Token,
    /// The device code endpoint.
    DeviceCode,
    /// The endpoints of managed identities.
    ManagedIdentity,
    /// The list of workflows.
    Workflows,
    /// One workflow.
    Workflow,
    /// The list of soft-deleted workflows.
    DeletedWorkflows,
    /// One soft-deleted workflow.
    DeletedWorkflow,
    /// The runs of a workflow, deleted or not.
    Runs,
    /// One run.
    Run,
    /// The user processing results of a run.
    RunResults,
    /// The user processing results of a workflow.
    WorkflowResults,
    /// One user processing result.
    Result,
    /// The task processing results of a run, or of one user processing result.
    TaskResults,
    /// The versions of a workflow.
    Versions,
    /// One version of a workflow.
    Version,
    /// The tasks of a workflow.
    Tasks,
    /// The built-in task definitions.
    TaskDefinitions,
    /// The task reports of a workflow.
    TaskReports,
    /// The subject processing results of a run.
    SubjectResults,
    /// The runs that reprocess a run.
    ReprocessedRuns,
    /// The summary of a workflow's runs.
    RunSummary,
    /// The summary of the user processing results of a workflow or of a run.
    ResultSummary,
    /// The summary of a workflow's task reports.
    TaskReportSummary,
    /// The control surface.
    Control,
    /// A path that the service does not know.
    Other,
}

impl Endpoint {
    /// All kinds.
    pub const ALL: [Self; 25] = [
        Self::Token,
        Self::DeviceCode,
        Self::ManagedIdentity,
        Self::Workflows,
        Self::Workflow,
        Self::DeletedWorkflows,
        Self::DeletedWorkflow,
        Self::Runs,
        Self::Run,
        Self::RunResults,
        Self::WorkflowResults,
        Self::Result,
        Self::TaskResults,
        Self::Versions,
        Self::Version,
        Self::Tasks,
        Self::TaskDefinitions,
        Self::TaskReports,
        Self::SubjectResults,
        Self::ReprocessedRuns,
        Self::RunSummary,
        Self::ResultSummary,
        Self::TaskReportSummary,
        Self::Control,
        Self::Other,
    ];

    /// A short name, used by the control surface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::DeviceCode => "device-code",
            Self::ManagedIdentity => "managed-identity",
            Self::Workflows => "workflows",
            Self::Workflow => "workflow",
            Self::DeletedWorkflows => "deleted-workflows",
            Self::DeletedWorkflow => "deleted-workflow",
            Self::Runs => "runs",
            Self::Run => "run",
            Self::RunResults => "run-results",
            Self::WorkflowResults => "workflow-results",
            Self::Result => "result",
            Self::TaskResults => "task-results",
            Self::Versions => "versions",
            Self::Version => "version",
            Self::Tasks => "tasks",
            Self::TaskDefinitions => "task-definitions",
            Self::TaskReports => "task-reports",
            Self::SubjectResults => "subject-results",
            Self::ReprocessedRuns => "reprocessed-runs",
            Self::RunSummary => "run-summary",
            Self::ResultSummary => "result-summary",
            Self::TaskReportSummary => "task-report-summary",
            Self::Control => "control",
            Self::Other => "other",
        }
    }

    /// Whether it is a resource of Graph: neither a way to a token nor the control surface.
    pub const fn is_graph(self) -> bool {
        !matches!(
            self,
            Self::Token | Self::DeviceCode | Self::ManagedIdentity | Self::Control
        )
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// Its number since the start, from 1.
    pub number: u64,
    /// When it arrived, on tokio's clock.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path as it came, still percent-encoded.
    pub path: String,
    /// The query as it came, without the question mark; empty when there was none.
    pub query: String,
    /// The kind of the resource.
    pub endpoint: Endpoint,
    /// Whether an `Authorization` header was sent.
    pub authorized: bool,
    /// The `Prefer` header.
    pub prefer: Option<String>,
    /// The `client-request-id` header.
    pub client_request_id: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The status of the answer; 0 when the connection was reset instead.
    pub status: u16,
    /// The name of the fault that was played.
    pub fault: Option<&'static str>,
    /// How long after the demand it arrived, when it came inside a pause that an answer had demanded.
    pub inside_pause: Option<Duration>,
}

impl RequestRecord {
    /// Whether it followed a next link.
    pub fn is_next_page(&self) -> bool {
        self.query.contains("skiptoken=")
    }
}

/// All requests so far.
#[derive(Debug, Default)]
pub(crate) struct Records {
    kept: VecDeque<RequestRecord>,
    counts: BTreeMap<(Endpoint, u16), u64>,
    arrived: u64,
}

impl Records {
    /// The number of the next request.
    pub(crate) fn arrive(&mut self) -> u64 {
        self.arrived += 1;
        self.arrived
    }

    pub(crate) fn add(&mut self, record: RequestRecord, limit: usize) {
        *self
            .counts
            .entry((record.endpoint, record.status))
            .or_default() += 1;
        self.kept.push_back(record);
        while self.kept.len() > limit {
            self.kept.pop_front();
        }
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        let mut records: Vec<_> = self.kept.iter().cloned().collect();
        records.sort_by_key(|record| record.number);
        records
    }

    pub(crate) fn counts(&self) -> BTreeMap<(Endpoint, u16), u64> {
        self.counts.clone()
    }

    /// The query of the latest earlier request for the same path with another query.
    pub(crate) fn query_before(&self, path: &str, query: &str) -> Option<String> {
        self.kept
            .iter()
            .rev()
            .find(|record| record.path == path && record.query != query)
            .map(|record| record.query.clone())
    }

    pub(crate) fn reset(&mut self) {
        self.kept.clear();
        self.counts.clear();
    }
}
