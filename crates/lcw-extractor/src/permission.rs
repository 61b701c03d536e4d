//! Which permissions suffice for what: the least-privileged one of each path, and what covers it.
//!
//! Source: Microsoft Graph's permissions metadata, read 2026-08.

/// What kind of resource a path names, as far as permissions tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    /// The workflow list and a workflow.
    Workflow,
    /// Versions and tasks of a workflow.
    WorkflowDetail,
    /// Soft-deleted workflows.
    DeletedWorkflow,
    /// Runs, results and reports.
    Reports,
    /// Runs that process a run again.
    ReprocessedRuns,
    /// Runs, results and reports below a soft-deleted workflow.
    DeletedReports,
    /// Task definitions, templates, settings.
    Other,
}

impl Resource {
    /// The resource that `child` is below this one.
    pub(crate) fn below(self, child: Self) -> Self {
        match (self, child) {
            (Self::DeletedWorkflow | Self::DeletedReports, Self::Reports) => Self::DeletedReports,
            (_, Self::ReprocessedRuns) => child,
            (Self::DeletedWorkflow | Self::DeletedReports, _) => Self::DeletedWorkflow,
            _ => child,
        }
    }

    /// The permissions that suffice, as the names of Microsoft Graph application roles.
    pub(crate) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Workflow => &[WORKFLOW_BASIC],
            Self::WorkflowDetail | Self::DeletedWorkflow => &[WORKFLOW],
            Self::Reports | Self::ReprocessedRuns => &[REPORTS],
            Self::DeletedReports => &[REPORTS, WORKFLOW],
            Self::Other => &[EVERYTHING],
        }
    }
}

/// Reading the users that results are about.
const USERS: &str = "User.Read.All";
/// List and get workflows.
const WORKFLOW_BASIC: &str = "LifecycleWorkflows-Workflow.ReadBasic.All";
/// The same, deleted workflows, versions and tasks.
const WORKFLOW: &str = "LifecycleWorkflows-Workflow.Read.All";
/// Runs, results and reports.
const REPORTS: &str = "LifecycleWorkflows-Reports.Read.All";
/// Everything that can be read, settings and task definitions included.
const EVERYTHING: &str = "LifecycleWorkflows.Read.All";

/// Whether who has the permission `granted` needs no `needed` besides.
///
/// ```
/// use lcw_extractor::permission::covers;
/// let needed = "LifecycleWorkflows-Reports.Read.All";
/// assert!(covers("LifecycleWorkflows.Read.All", needed));
/// assert!(!covers("LifecycleWorkflows-Workflow.Read.All", needed));
/// ```
pub fn covers(granted: &str, needed: &str) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| granted.eq_ignore_ascii_case(name));
    let wider: &[&str] = match needed {
        WORKFLOW_BASIC => &[
            WORKFLOW,
            "LifecycleWorkflows-Workflow.ReadWrite.All",
            EVERYTHING,
            "LifecycleWorkflows.ReadWrite.All",
        ],
        WORKFLOW => &[
            "LifecycleWorkflows-Workflow.ReadWrite.All",
            EVERYTHING,
            "LifecycleWorkflows.ReadWrite.All",
        ],
        REPORTS => &[EVERYTHING, "LifecycleWorkflows.ReadWrite.All"],
        EVERYTHING => &["LifecycleWorkflows.ReadWrite.All"],
        USERS => &[
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        _ => &[],
    };
    granted.eq_ignore_ascii_case(needed) || any(wider)
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permissions {
    pub(crate) resource: Resource,
    /// The answer holds users' properties.
    pub(crate) reads_users: bool,
}

impl Permissions {
    /// The permissions that suffice, as the names of Microsoft Graph application roles.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let mut names = self.resource.permissions().to_vec();
        if self.reads_users {
            names.push(USERS);
        }
        names
    }

    /// What to do about a 403.
    pub(crate) fn remedy(self) -> String {
        if self.resource == Resource::ReprocessedRuns {
            return "its documentation calls reading it unsupported: leave the table out, unless the \
                service is expected to open it"
                .to_owned();
        }
        let further = if self.reads_users {
            " (the expanded subject needs the latter)"
        } else {
            ""
        };
        format!(
            "grant the app registration the application permission {}{further} and give admin \
             consent; a signed-in user also needs the role Global Reader or Lifecycle Workflows \
             Administrator, and the tenant an Entra ID Governance licence",
            self.names().join(" and "),
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::query::{ExpandForm, ResultQuery};
    use crate::{CollectionRequest, GraphPath};

    #[test]
    fn each_path_names_its_least_privileged_permission() {
        let cases = [
            (
                GraphPath::workflows(),
                "LifecycleWorkflows-Workflow.ReadBasic.All",
            ),
            (
                GraphPath::workflow("w"),
                "LifecycleWorkflows-Workflow.ReadBasic.All",
            ),
            (
                GraphPath::workflow("w").versions(),
                "LifecycleWorkflows-Workflow.Read.All",
            ),
            (
                GraphPath::deleted_workflows(),
                "LifecycleWorkflows-Workflow.Read.All",
            ),
            (
                GraphPath::workflow("w").runs(),
                "LifecycleWorkflows-Reports.Read.All",
            ),
            (
                GraphPath::workflow("w").run("r").user_processing_results(),
                "LifecycleWorkflows-Reports.Read.All",
            ),
            (
                GraphPath::deleted_workflow("w")
                    .run("r")
                    .user_processing_results(),
                "LifecycleWorkflows-Reports.Read.All and LifecycleWorkflows-Workflow.Read.All",
            ),
            (GraphPath::task_definitions(), "LifecycleWorkflows.Read.All"),
            (
                GraphPath::workflow("w").version(2).tasks(),
                "LifecycleWorkflows-Workflow.Read.All",
            ),
        ];
        for (path, permission) in cases {
            let remedy = CollectionRequest::new(path.clone()).permissions().remedy();
            assert!(
                remedy.contains(&format!(" {permission} and give")),
                "{path}: {remedy}"
            );
        }
    }

    #[test]
    fn no_permission_is_asked_for_where_none_is_said_to_suffice() {
        let path = GraphPath::workflow("w").run("r").reprocessed_runs();
        let remedy = CollectionRequest::new(path).permissions().remedy();
        assert!(!remedy.contains("grant"), "{remedy}");
    }

    #[test]
    fn an_expanded_subject_needs_to_read_users_too() {
        let path = GraphPath::workflow("w").run("r").user_processing_results();
        let query = ResultQuery::parse(None, None, None, Some("subject")).unwrap();
        let request = CollectionRequest::new(path).queried(&query, ExpandForm::Plain);
        let remedy = request.permissions().remedy();
        assert!(
            remedy.contains("LifecycleWorkflows-Reports.Read.All and User.Read.All (the expanded"),
            "{remedy}"
        );
    }
}
