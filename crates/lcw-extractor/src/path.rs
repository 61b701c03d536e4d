//! Paths below the API version, built from ids that are data and never path.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use lcw_model::time::format_micros;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::permission::{Permissions, Resource};
use crate::query::{Expand, ExpandForm, Property, ResultQuery};

/// What stays as it is in a path segment: RFC 3986 "unreserved".
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What stays as it is in a query value, so that a filter remains readable.
const QUERY_VALUE: &AsciiSet = &SEGMENT
    .remove(b':')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'/')
    .remove(b'$')
    .remove(b'=');

/// The path of a resource below `https://{graph}/{version}`.
///
/// Every id becomes exactly one segment, whatever it holds. Three ids cannot be
/// said in a URL: empty, `.` and `..` would name another resource. They are
/// replaced by a spelling that no resource has, and so end in a 404.
///
/// Printing it shows the path without origin and version, for logs and errors.
///
/// ```
/// use lcw_extractor::GraphPath;
/// let path = GraphPath::workflow("../secrets").run("a/b").user_processing_results();
/// assert_eq!(
///     path.to_string(),
///     "/identityGovernance/lifecycleWorkflows/workflows/..%2Fsecrets/runs/a%2Fb/userProcessingResults",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GraphPath {
    path: String,
    resource: Resource,
}

impl GraphPath {
    /// The live workflows.
    pub fn workflows() -> Self {
        Self::root("workflows", Resource::Workflow)
    }

    /// One live workflow.
    pub fn workflow(id: &str) -> Self {
        Self::workflows().item(id)
    }

    /// The soft-deleted workflows.
    pub fn deleted_workflows() -> Self {
        Self::root("deletedItems/workflows", Resource::DeletedWorkflow)
    }

    /// One soft-deleted workflow.
    pub fn deleted_workflow(id: &str) -> Self {
        Self::deleted_workflows().item(id)
    }

    /// The built-in task definitions.
    pub fn task_definitions() -> Self {
        Self::root("taskDefinitions", Resource::Other)
    }

    /// The runs of this workflow.
    #[must_use]
    pub fn runs(self) -> Self {
        self.child("runs", Resource::Reports)
    }

    /// One run of this workflow.
    #[must_use]
    pub fn run(self, id: &str) -> Self {
        self.runs().item(id)
    }

    /// The user processing results of this run or workflow.
    #[must_use]
    pub fn user_processing_results(self) -> Self {
        self.child("userProcessingResults", Resource::Reports)
    }

    /// The task processing results of this run.
    #[must_use]
    pub fn task_processing_results(self) -> Self {
        self.child("taskProcessingResults", Resource::Reports)
    }

    /// The subject processing results of this run (beta).
    #[must_use]
    pub fn subject_processing_results(self) -> Self {
        self.child("subjectProcessingResults", Resource::Reports)
    }

    /// The task reports of this workflow.
    #[must_use]
    pub fn task_reports(self) -> Self {
        self.child("taskReports", Resource::Reports)
    }

    /// The versions of this workflow.
    #[must_use]
    pub fn versions(self) -> Self {
        self.child("versions", Resource::WorkflowDetail)
    }

    /// One version of this workflow, by its `versionNumber`.
    #[must_use]
    pub fn version(self, number: i32) -> Self {
        self.versions().item(&number.to_string())
    }

    /// The runs that processed this run, or what this result says, again.
    ///
    /// The pages say that no permission suffices, and the metadata has it.
    #[must_use]
    pub fn reprocessed_runs(self) -> Self {
        self.child("reprocessedRuns", Resource::ReprocessedRuns)
    }

    /// The counts of these runs, user processing results or task reports, from `start` to `end`,
    /// as the service keeps them: a single object. Nanoseconds are cut off.
    ///
    /// ```
    /// use lcw_extractor::GraphPath;
    /// let (start, end) = ("2022-08-01T00:00:00Z".parse()?, "2022-08-31T00:00:00Z".parse()?);
    /// let path = GraphPath::workflow("w").runs().summary(start, end);
    /// assert!(path.to_string().ends_with(
    ///     "/runs/summary(startDateTime=2022-08-01T00:00:00Z,endDateTime=2022-08-31T00:00:00Z)",
    /// ));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn summary(mut self, start: Timestamp, end: Timestamp) -> Self {
        // The service does not take more digits than its own date-times have.
        let [start, end] = [start, end].map(|at| format_micros(at.as_microsecond()));
        let call = format!("/summary(startDateTime={start},endDateTime={end})");
        self.path.push_str(&call);
        self
    }

    /// The tasks of this workflow or version.
    #[must_use]
    pub fn tasks(self) -> Self {
        self.child("tasks", Resource::WorkflowDetail)
    }

    /// The path as it is written: encoded, with a leading slash, without version and query.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    fn root(collection: &str, resource: Resource) -> Self {
        Self {
            path: format!("/identityGovernance/lifecycleWorkflows/{collection}"),
            resource,
        }
    }

    fn child(mut self, collection: &str, resource: Resource) -> Self {
        self.path.push('/');
        self.path.push_str(collection);
        self.resource = self.resource.below(resource);
        self
    }

    fn item(mut self, id: &str) -> Self {
        self.path.push('/');
        self.path.push_str(&segment(id));
        self
    }
}

impl fmt::Display for GraphPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// A collection, and what of it is wanted.
///
/// ```
/// use lcw_extractor::{CollectionRequest, GraphPath};
/// let runs = CollectionRequest::new(GraphPath::workflow("w").runs())
///     .filtered("scheduledDateTime ge 2026-10-23T00:00:00Z");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionRequest {
    path: GraphPath,
    select: Option<String>,
    filter: Option<String>,
    orderby: Option<String>,
    expand: Option<&'static str>,
    reads_users: bool,
}

impl CollectionRequest {
    /// The whole collection, or as much as the service sends without a filter.
    pub fn new(path: GraphPath) -> Self {
        Self {
            path,
            select: None,
            filter: None,
            orderby: None,
            expand: None,
            reads_users: false,
        }
    }

    /// Only the rows that this condition holds for, besides any that was there: an `OData`
    /// `$filter` expression, not encoded, whose outermost word is not `or`.
    #[must_use]
    pub fn filtered(mut self, condition: impl Into<String>) -> Self {
        let condition = condition.into();
        self.filter = Some(match self.filter {
            None => condition,
            Some(other) => format!("{other} and {condition}"),
        });
        self
    }

    /// What the user asks of these user processing results; a filter that was there holds too.
    ///
    /// An expanded subject is asked for in `form`. Where the service answers one form with 400,
    /// the other is worth a try.
    #[must_use]
    pub fn queried(mut self, query: &ResultQuery, form: ExpandForm) -> Self {
        self.reads_users = query.expands_subject();
        self.expand = self.reads_users.then_some(Expand::Subject.option(form));
        self.select = query.select.as_ref().map(|select| {
            if self.reads_users {
                select.with(Property::Subject).to_string()
            } else {
                select.to_string()
            }
        });
        self.orderby = query.orderby.as_ref().map(ToString::to_string);
        match &query.filter {
            Some(filter) => self.filtered(format!("({filter})")),
            None => self,
        }
    }

    /// With each task report's task, which is not sent otherwise.
    #[must_use]
    pub fn with_task(mut self) -> Self {
        self.expand = Some("task");
        self
    }

    /// Where the collection is.
    pub fn path(&self) -> &GraphPath {
        &self.path
    }

    /// The least-privileged permissions of whoever reads this, as the names of Microsoft Graph's
    /// application roles and scopes.
    pub fn least_permissions(&self) -> Vec<&'static str> {
        self.permissions().names()
    }

    /// What the service asks of whoever reads this, for the remedy of a 403.
    pub(crate) fn permissions(&self) -> Permissions {
        Permissions {
            resource: self.path.resource,
            reads_users: self.reads_users,
        }
    }

    /// The path and query below the origin, encoded.
    pub(crate) fn target(&self, version: &str) -> String {
        let options = [
            ("$select", self.select.as_deref()),
            ("$filter", self.filter.as_deref()),
            ("$orderby", self.orderby.as_deref()),
            ("$expand", self.expand),
        ];
        let mut target = format!("/{version}{}", self.path);
        let mut separator = '?';
        for (name, value) in options {
            let Some(value) = value else { continue };
            target.push(separator);
            target.push_str(name);
            target.push('=');
            target.extend(utf8_percent_encode(value, QUERY_VALUE));
            separator = '&';
        }
        target
    }
}

/// One path segment that means `id` and nothing else.
///
/// URL parsers (the WHATWG rules) resolve `.` and `..` even when percent-encoded,
/// so these are encoded twice.
pub(crate) fn segment(id: &str) -> Cow<'_, str> {
    match id {
        "" => Cow::Borrowed("%20"),
        "." => Cow::Borrowed("%252E"),
        ".." => Cow::Borrowed("%252E%252E"),
        _ => utf8_percent_encode(id, SEGMENT).into(),
    }
}

#[cfg(test)]
mod tests;
