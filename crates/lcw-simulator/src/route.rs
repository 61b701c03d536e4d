//! Which resource a path names.

use crate::managed::ManagedHost;
use crate::query;
use crate::record::Endpoint;
use crate::tenant::Scope;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// The token endpoint of a tenant.
    Token { tenant: String },
    /// The device code endpoint of a tenant.
    DeviceCode { tenant: String },
    /// The identity of a machine or app.
    ManagedIdentity(ManagedHost),
    /// The control surface, with the rest of the path.
    Control { rest: String },
    /// A resource of Lifecycle Workflows, with the API version of the path.
    Graph { version: String, target: Target },
    /// Nothing that this service has.
    Unknown { segment: String },
}

/// A resource below `identityGovernance/lifecycleWorkflows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Workflows(Scope),
    Workflow(Scope, String),
    Runs(Scope, String),
    Run(Scope, String, String),
    RunResults(Scope, String, String),
    RunResult(Scope, String, String, String),
    WorkflowResults(Scope, String),
    WorkflowResult(Scope, String, String),
    TaskResults(Scope, String, String),
    /// Of one result: workflow, run if the path names it, result.
    ResultTaskResults(Scope, String, Option<String>, String),
    Versions(Scope, String),
    Version(Scope, String, String),
    Tasks(Scope, String),
    TaskDefinitions,
    TaskReports(Scope, String),
    SubjectResults(Scope, String, String),
    ReprocessedRuns(Scope, String, String),
    RunSummary(Scope, String, Arguments),
    /// Of the results of a workflow or of one of its runs.
    ResultSummary(Scope, String, Option<String>, Arguments),
    TaskReportSummary(Scope, String, Arguments),
}

/// What stands between the parentheses of a function.
pub(crate) type Arguments = String;

impl Route {
    /// Reads a path as it came. Names are compared without case; `workflows('id')` is `workflows/id`.
    pub(crate) fn parse(path: &str) -> Self {
        let segments = segments(path);
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        let names: Vec<&str> = lower.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["_simulator", ..] => Self::Control {
                rest: names[1..].join("/"),
            },
            [_, "oauth2", "v2.0", "token"] => Self::Token {
                tenant: names[0].to_owned(),
            },
            [_, "oauth2", "v2.0", "devicecode"] => Self::DeviceCode {
                tenant: names[0].to_owned(),
            },
            ["metadata", "identity", "oauth2", "token"] => Self::ManagedIdentity(ManagedHost::Imds),
            ["msi", "token"] => Self::ManagedIdentity(ManagedHost::AppService),
            [
                version @ ("v1.0" | "beta"),
                "identitygovernance",
                "lifecycleworkflows",
                rest @ ..,
            ] => {
                let rest_parts = &parts[3..];
                target(rest, rest_parts).map_or_else(
                    || unknown(rest_parts),
                    |target| Self::Graph {
                        version: (*version).to_owned(),
                        target,
                    },
                )
            }
            _ => unknown(&parts),
        }
    }

    /// The kind under which requests of this route are counted.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Token { .. } => Endpoint::Token,
            Self::DeviceCode { .. } => Endpoint::DeviceCode,
            Self::ManagedIdentity(_) => Endpoint::ManagedIdentity,
            Self::Control { .. } => Endpoint::Control,
            Self::Unknown { .. } => Endpoint::Other,
            Self::Graph { target, .. } => Self::endpoint_of(target),
        }
    }

    /// The kind under which requests for a resource are counted.
    pub(crate) const fn endpoint_of(target: &Target) -> Endpoint {
        match target {
            Target::Workflows(Scope::Live) => Endpoint::Workflows,
            Target::Workflows(Scope::Deleted) => Endpoint::DeletedWorkflows,
            Target::Workflow(Scope::Live, ..) => Endpoint::Workflow,
            Target::Workflow(Scope::Deleted, ..) => Endpoint::DeletedWorkflow,
            Target::Runs(..) => Endpoint::Runs,
            Target::Run(..) => Endpoint::Run,
            Target::RunResults(..) => Endpoint::RunResults,
            Target::RunResult(..) | Target::WorkflowResult(..) => Endpoint::Result,
            Target::WorkflowResults(..) => Endpoint::WorkflowResults,
            Target::TaskResults(..) | Target::ResultTaskResults(..) => Endpoint::TaskResults,
            Target::Versions(..) => Endpoint::Versions,
            Target::Version(..) => Endpoint::Version,
            Target::Tasks(..) => Endpoint::Tasks,
            Target::TaskDefinitions => Endpoint::TaskDefinitions,
            Target::TaskReports(..) => Endpoint::TaskReports,
            Target::SubjectResults(..) => Endpoint::SubjectResults,
            Target::ReprocessedRuns(..) => Endpoint::ReprocessedRuns,
            Target::RunSummary(..) => Endpoint::RunSummary,
            Target::ResultSummary(..) => Endpoint::ResultSummary,
            Target::TaskReportSummary(..) => Endpoint::TaskReportSummary,
        }
    }
}

fn unknown(parts: &[&str]) -> Route {
    Route::Unknown {
        segment: parts.last().copied().unwrap_or_default().to_owned(),
    }
}

fn target(names: &[&str], parts: &[&str]) -> Option<Target> {
    let (scope, names, parts) = match names {
        ["deleteditems", rest @ ..] => (Scope::Deleted, rest, &parts[1..]),
        _ => (Scope::Live, names, parts),
    };
    let part = |at: usize| {
        parts
            .get(at)
            .map(|&part| part.to_owned())
            .unwrap_or_default()
    };
    Some(match names {
        ["workflows"] => Target::Workflows(scope),
        ["workflows", _] => Target::Workflow(scope, part(1)),
        ["workflows", _, "versions"] => Target::Versions(scope, part(1)),
        ["workflows", _, "versions", _] => Target::Version(scope, part(1), part(3)),
        ["workflows", _, "tasks"] => Target::Tasks(scope, part(1)),
        ["workflows", _, "taskreports"] => Target::TaskReports(scope, part(1)),
        ["taskdefinitions"] if scope == Scope::Live => Target::TaskDefinitions,
        ["workflows", _, collection, last] if let Some(arguments) = summary(last, parts[3]) => {
            match *collection {
                "runs" => Target::RunSummary(scope, part(1), arguments),
                "userprocessingresults" => Target::ResultSummary(scope, part(1), None, arguments),
                "taskreports" => Target::TaskReportSummary(scope, part(1), arguments),
                _ => return None,
            }
        }
        ["workflows", _, "runs"] => Target::Runs(scope, part(1)),
        ["workflows", _, "runs", _] => Target::Run(scope, part(1), part(3)),
        ["workflows", _, "runs", _, rest @ ..] => {
            return below_run(scope, part(1), part(3), rest, &parts[4..]);
        }
        ["workflows", _, "userprocessingresults"] => Target::WorkflowResults(scope, part(1)),
        ["workflows", _, "userprocessingresults", _] => {
            Target::WorkflowResult(scope, part(1), part(3))
        }
        [
            "workflows",
            _,
            "userprocessingresults",
            _,
            "taskprocessingresults",
        ] => Target::ResultTaskResults(scope, part(1), None, part(3)),
        _ => return None,
    })
}

fn below_run(
    scope: Scope,
    workflow: String,
    run: String,
    names: &[&str],
    parts: &[&str],
) -> Option<Target> {
    let result = || {
        parts
            .get(1)
            .map(|&part| part.to_owned())
            .unwrap_or_default()
    };
    Some(match names {
        ["userprocessingresults"] => Target::RunResults(scope, workflow, run),
        ["userprocessingresults", last] => match summary(last, parts[1]) {
            Some(arguments) => Target::ResultSummary(scope, workflow, Some(run), arguments),
            None => Target::RunResult(scope, workflow, run, result()),
        },
        ["userprocessingresults", _, "taskprocessingresults"] => {
            Target::ResultTaskResults(scope, workflow, Some(run), result())
        }
        ["taskprocessingresults"] => Target::TaskResults(scope, workflow, run),
        ["subjectprocessingresults"] => Target::SubjectResults(scope, workflow, run),
        ["reprocessedruns"] => Target::ReprocessedRuns(scope, workflow, run),
        _ => return None,
    })
}

/// The arguments of the function `summary`, by its short name or with its namespace.
fn summary(name: &str, part: &str) -> Option<Arguments> {
    let short = name
        .strip_prefix("microsoft.graph.identitygovernance.")
        .unwrap_or(name);
    if !short.starts_with("summary(") {
        return None;
    }
    let (_, arguments) = part.split_once('(')?;
    arguments.strip_suffix(')').map(str::to_owned)
}

/// Decoded segments; a key in parentheses becomes a segment of its own, an empty last one is dropped.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for raw in path.trim_start_matches('/').split('/') {
        let segment = query::decode(raw, false);
        match segment.split_once("('").and_then(|(name, rest)| {
            rest.strip_suffix("')")
                .map(|key| (name.to_owned(), key.to_owned()))
        }) {
            Some((name, key)) => segments.extend([name, key]),
            None => segments.push(segment),
        }
    }
    if segments.len() > 1 && segments.last().is_some_and(String::is_empty) {
        segments.pop();
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    const LW: &str = "/v1.0/identityGovernance/lifecycleWorkflows";

    fn target_of(path: &str) -> Target {
        match Route::parse(path) {
            Route::Graph { target, .. } => target,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn every_spelling_of_a_path_names_the_same_resource() {
        let runs = Target::Runs(Scope::Live, "aB".to_owned());
        for path in [
            "/v1.0/identityGovernance/lifecycleWorkflows/workflows/aB/runs",
            "/v1.0/IdentityGovernance/LifecycleWorkflows/workflows('aB')/runs/",
            "/v1.0/identityGovernance/lifecycleWorkflows/workflows/%61B/runs",
        ] {
            assert_eq!(target_of(path), runs, "{path}");
        }
    }

    #[test]
    fn an_escaped_slash_stays_inside_its_id() {
        assert_eq!(
            target_of(&format!(
                "{LW}/workflows/a%2Fb/runs/%2E%2E/userProcessingResults"
            )),
            Target::RunResults(Scope::Live, "a/b".to_owned(), "..".to_owned())
        );
    }

    #[test]
    fn the_deleted_subtree_is_its_own_scope() {
        assert_eq!(
            target_of(&format!("{LW}/deletedItems/workflows/w/runs")),
            Target::Runs(Scope::Deleted, "w".to_owned())
        );
    }

    #[test]
    fn a_function_is_named_in_short_or_with_its_namespace() {
        let arguments = "startDateTime=2022-08-01T00:00:00Z,endDateTime=2022-08-31T00:00:00Z";
        let summary = Target::RunSummary(Scope::Live, "w".to_owned(), arguments.to_owned());
        for name in ["summary", "microsoft.graph.identityGovernance.summary"] {
            for arguments in [arguments.to_owned(), arguments.replace(':', "%3A")] {
                let path = format!("{LW}/workflows/w/runs/{name}({arguments})");
                assert_eq!(target_of(&path), summary, "{path}");
            }
        }
        assert_eq!(
            target_of(&format!(
                "{LW}/workflows/w/runs/r/userProcessingResults/summary()"
            )),
            Target::ResultSummary(
                Scope::Live,
                "w".to_owned(),
                Some("r".to_owned()),
                String::new()
            )
        );
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in [
            "/",
            "/v1.0/users",
            &format!("{LW}/workflows/w/previewScope"),
            &format!("{LW}/deletedItems/taskDefinitions"),
            "/v2.0/x",
        ] {
            assert!(
                matches!(Route::parse(path), Route::Unknown { .. }),
                "{path}"
            );
        }
        assert!(matches!(
            Route::parse("/t/oauth2/v2.0/token"),
            Route::Token { .. }
        ));
        assert!(matches!(
            Route::parse("/_simulator/clock"),
            Route::Control { .. }
        ));
    }
}
