//! Which application role opens which resource.

use crate::config::roles;
use crate::route::Target;
use crate::tenant::Scope;

/// Whether one of the roles covers the resource.
pub(crate) fn may_read(target: &Target, granted: &[String]) -> bool {
    if has_any(granted, &[roles::EVERYTHING, roles::WRITE]) {
        return true;
    }
    let workflow = || has_any(granted, &[roles::WORKFLOW]);
    match target {
        Target::Workflows(Scope::Live) | Target::Workflow(Scope::Live, ..) => {
            workflow() || has_any(granted, &[roles::WORKFLOW_BASIC])
        }
        Target::Workflows(Scope::Deleted)
        | Target::Workflow(Scope::Deleted, ..)
        | Target::Versions(..)
        | Target::Version(..)
        | Target::Tasks(..) => workflow(),
        Target::TaskDefinitions => false,
        Target::Runs(scope, ..)
        | Target::Run(scope, ..)
        | Target::RunResults(scope, ..)
        | Target::RunResult(scope, ..)
        | Target::WorkflowResults(scope, ..)
        | Target::WorkflowResult(scope, ..)
        | Target::TaskResults(scope, ..)
        | Target::ResultTaskResults(scope, ..)
        | Target::TaskReports(scope, ..)
        | Target::SubjectResults(scope, ..)
        | Target::ReprocessedRuns(scope, ..)
        | Target::RunSummary(scope, ..)
        | Target::ResultSummary(scope, ..)
        | Target::TaskReportSummary(scope, ..) => {
            has_any(granted, &[roles::REPORTS]) && (*scope == Scope::Live || workflow())
        }
    }
}

/// Whether one of the roles covers the properties of users.
pub(crate) fn may_read_users(granted: &[String]) -> bool {
    has_any(granted, &[roles::USER, roles::USER_BASIC])
}

fn has_any(granted: &[String], wanted: &[&str]) -> bool {
    granted.iter().any(|role| wanted.contains(&role.as_str()))
}
