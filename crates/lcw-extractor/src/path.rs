//! Paths below the API version, built from ids that are data and never path.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::permission::Resource;

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
    .remove(b'$');

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

    /// The tasks of this workflow.
    #[must_use]
    pub fn tasks(self) -> Self {
        self.child("tasks", Resource::WorkflowDetail)
    }

    /// The path as it is written: encoded, with a leading slash, without version and query.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    pub(crate) fn resource(&self) -> Resource {
        self.resource
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

/// A collection and which of its rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionRequest {
    /// Where the collection is.
    pub path: GraphPath,
    /// An `OData` `$filter` expression, not encoded; `None` asks for the service's default.
    pub filter: Option<String>,
}

impl CollectionRequest {
    /// The path and query below the origin, encoded.
    pub(crate) fn target(&self, version: &str) -> String {
        match &self.filter {
            None => format!("/{version}{}", self.path),
            Some(filter) => {
                let filter = utf8_percent_encode(filter, QUERY_VALUE);
                format!("/{version}{}?$filter={filter}", self.path)
            }
        }
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Origin;

    fn url_of(path: GraphPath) -> reqwest::Url {
        let origin = Origin::parse("https://graph.example").unwrap();
        origin
            .url(&CollectionRequest { path, filter: None }.target("v1.0"))
            .unwrap()
    }

    #[test]
    fn an_id_that_is_no_segment_never_names_another_resource() {
        for id in [
            "", ".", "..", "%2e%2e", "%2E", "/", "\\", "a/../b", "?x", "#x", "\0", "a\nb",
        ] {
            let url = url_of(GraphPath::workflow(id).runs());
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            assert_eq!(segments.len(), 6, "{id:?} became {url}");
            assert_eq!(
                (segments[3], segments[5]),
                ("workflows", "runs"),
                "{id:?} became {url}"
            );
            assert!(!segments[4].is_empty());
            assert_eq!(url.query(), None);
        }
    }

    #[test]
    fn a_filter_is_one_query_value() {
        let request = CollectionRequest {
            path: GraphPath::workflow("w").runs(),
            filter: Some(
                "scheduledDateTime ge 2026-10-23T00:00:00Z and x eq 'a&b#c+d%'".to_owned(),
            ),
        };
        let origin = Origin::parse("https://graph.example").unwrap();
        let url = origin.url(&request.target("v1.0")).unwrap();
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].0, "$filter");
        assert_eq!(pairs[0].1, request.filter.unwrap());
        assert!(!url.as_str().contains('+'));
    }

    proptest! {
        #[test]
        fn every_id_is_exactly_one_segment_and_survives(id in "\\PC{1,40}|[./%\\\\?#\u{0}-\u{20}]{1,6}") {
            let url = url_of(GraphPath::workflow("w").run(&id).user_processing_results());
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 8);
            prop_assert_eq!(segments[7], "userProcessingResults");
            if id != "." && id != ".." {
                let decoded = percent_encoding::percent_decode_str(segments[6]).decode_utf8().unwrap();
                prop_assert_eq!(decoded, id);
            }
        }
    }
}
