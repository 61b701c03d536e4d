use std::time::Duration;

use lcw_transform::Table;

use super::super::Verdict;
use super::*;
use lcw_extractor::query::ResultQuery;

use crate::request::{FileFormat, Kind, OnDrift, Route};

const BASIC: &str = "LifecycleWorkflows-Workflow.ReadBasic.All";
const WORKFLOW: &str = "LifecycleWorkflows-Workflow.Read.All";
const REPORTS: &str = "LifecycleWorkflows-Reports.Read.All";
const EVERYTHING: &str = "LifecycleWorkflows.Read.All";

fn request(deleted_workflows: DeletedWorkflows) -> Request {
    Request {
        kind: Kind::Export,
        tables: vec![Table::UserProcessingResults],
        lookback: Duration::ZERO,
        settle: Duration::ZERO,
        max_concurrency: 1,
        keep_raw: false,
        pseudonyms: None,
        deleted_workflows,
        on_drift: OnDrift::Fail,
        route: Route::Auto,
        query: ResultQuery::default(),
        out: "data".into(),
        format: FileFormat::Parquet,
        snapshots: None,
        tenant: None,
    }
}

fn check<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap()
}

fn examined(deleted: DeletedWorkflows, roles: &[&str]) -> Vec<Check> {
    let mut claims = TokenClaims::default();
    claims.roles = roles.iter().map(|role| (*role).to_owned()).collect();
    examine(&request(deleted), &claims)
}

#[test]
fn least_privilege_and_its_documented_alternative_pass() {
    use DeletedWorkflows::{Auto, Require, Skip};
    for (deleted, roles) in [
        (Auto, vec![BASIC, REPORTS]),
        (Auto, vec![BASIC, WORKFLOW, REPORTS]),
        (Require, vec![WORKFLOW, REPORTS]),
        (Skip, vec![BASIC, REPORTS]),
        (Auto, vec![EVERYTHING]),
        (Auto, vec!["lifecycleworkflows.read.all"]),
    ] {
        let checks = examined(deleted, &roles);
        assert!(
            checks.iter().all(|check| check.status == Verdict::Pass),
            "{checks:#?}"
        );
        assert_eq!(checks.len(), 2);
    }
}

#[test]
fn what_is_missing_is_named() {
    for (deleted, roles, missing) in [
        (DeletedWorkflows::Auto, vec![BASIC], vec![REPORTS]),
        (DeletedWorkflows::Auto, vec![REPORTS], vec![BASIC]),
        (
            DeletedWorkflows::Require,
            vec![BASIC, REPORTS],
            vec![WORKFLOW],
        ),
        (DeletedWorkflows::Auto, vec![], vec![REPORTS, BASIC]),
    ] {
        let checks = examined(deleted, &roles);
        let check = check(&checks, "permissions");
        assert_eq!((check.status, check.exit_code), (Verdict::Fail, 3));
        assert_eq!(
            check.message,
            format!("the token lacks {}", missing.join(" and "))
        );
        let remedy = check.remedy.as_deref().unwrap();
        assert!(
            remedy.contains("application permission LifecycleWorkflows-"),
            "{remedy}"
        );
    }
}

#[test]
fn what_is_beyond_need_is_named() {
    for (deleted, roles, beyond) in [
        (
            DeletedWorkflows::Skip,
            vec![BASIC, WORKFLOW, REPORTS],
            WORKFLOW,
        ),
        (
            DeletedWorkflows::Auto,
            vec![BASIC, WORKFLOW, REPORTS, EVERYTHING],
            EVERYTHING,
        ),
        (
            DeletedWorkflows::Auto,
            vec!["LifecycleWorkflows.ReadWrite.All"],
            "LifecycleWorkflows.ReadWrite.All",
        ),
        (
            DeletedWorkflows::Auto,
            vec![BASIC, REPORTS, "Directory.Read.All", "Mail.Read"],
            "Directory.Read.All, Mail.Read",
        ),
    ] {
        let checks = examined(deleted, &roles);
        assert_eq!(check(&checks, "permissions").status, Verdict::Pass);
        let check = check(&checks, "least_privilege");
        assert_eq!(check.status, Verdict::Warn);
        let said = format!("more than is needed: {beyond}");
        assert!(check.message.ends_with(&said), "{}", check.message);
        let remedy = check.remedy.as_deref().unwrap();
        let enough = format!("enough is {REPORTS} and {BASIC}");
        assert!(remedy.contains(&enough), "{remedy}");
        let names_deleted = remedy.contains(&format!("soft-deleted workflows, {WORKFLOW}, too"));
        assert_eq!(names_deleted, deleted == DeletedWorkflows::Auto, "{remedy}");
    }
}

#[test]
fn a_signed_in_user_has_scopes_and_needs_a_role() {
    let user = |roles: &[&str]| {
        let mut claims = TokenClaims::default();
        claims.scp = [BASIC, REPORTS, "openid", "User.Read"]
            .map(str::to_owned)
            .into();
        claims.wids = roles.iter().map(|role| (*role).to_owned()).collect();
        examine(&request(DeletedWorkflows::Auto), &claims)
    };
    let checks = user(&["F2EF992C-3AFB-46B9-B7CF-A126EE74C451"]);
    assert!(
        checks.iter().all(|check| check.status == Verdict::Pass),
        "{checks:#?}"
    );
    assert_eq!(checks.len(), 3);
    for roles in [&[][..], &["62e90394-69f5-4237-9190-012177145e10"]] {
        let checks = user(roles);
        assert_eq!(check(&checks, "directory_role").status, Verdict::Warn);
    }
    let mut claims = TokenClaims::default();
    claims.scp = vec![BASIC.to_owned()];
    let checks = examine(&request(DeletedWorkflows::Auto), &claims);
    let remedy = check(&checks, "permissions").remedy.as_deref().unwrap();
    assert!(remedy.contains("delegated permission"), "{remedy}");
}

#[test]
fn a_request_names_the_least_that_covers_all_of_it() {
    let least = |tables: &[Table]| {
        let request = Request {
            tables: tables.to_vec(),
            ..request(DeletedWorkflows::Auto)
        };
        request.least_permissions()
    };
    assert_eq!(least(&[Table::UserProcessingResults]), [REPORTS, BASIC]);
    assert_eq!(least(&[Table::Tasks]), [REPORTS, WORKFLOW]);
    assert_eq!(least(&[Table::Tasks, Table::TaskDefinitions]), [EVERYTHING]);
    let named = Request {
        query: ResultQuery::parse(None, None, None, Some("subject")).unwrap(),
        ..request(DeletedWorkflows::Skip)
    };
    assert_eq!(named.least_permissions(), [REPORTS, BASIC, "User.Read.All"]);
}
