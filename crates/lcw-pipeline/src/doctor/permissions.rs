//! Which permissions the token carries, against those that the requested tables need.

use std::collections::BTreeSet;

use lcw_extractor::permission::covers;
use lcw_extractor::{CollectionRequest, GraphPath, TokenClaims};

use super::Check;
use super::probes::probe_request;
use crate::exit;
use crate::request::{DeletedWorkflows, Request};

/// Directory roles of which a signed-in user needs one (template ids, the same in every tenant):
/// Global Reader, Lifecycle Workflows Administrator, Global Administrator.
const ROLES: [&str; 3] = [
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "59d46f88-662b-457b-bceb-5c3809e5908f",
    GLOBAL_ADMINISTRATOR,
];
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// Scopes that every sign-in brings along and that read nothing of others.
const OF_SIGN_IN: [&str; 5] = ["openid", "profile", "email", "offline_access", "User.Read"];

/// Missing permissions, those beyond need, and a signed-in user's directory role.
pub(super) fn examine(request: &Request, claims: &TokenClaims) -> Vec<Check> {
    let needs = Needs::of(request);
    let granted = claims.permissions();
    let mut checks = vec![
        missing(&needs, granted, claims.is_delegated()),
        beyond_need(&needs, granted),
    ];
    checks.extend(claims.is_delegated().then(|| directory_role(&claims.wids)));
    checks
}

impl Request {
    /// The least-privileged permissions that suffice for what is asked for, without those that
    /// another of them covers.
    pub fn least_permissions(&self) -> Vec<&'static str> {
        let required: Vec<_> = Needs::of(self).required.into_iter().collect();
        without_covered(&required)
    }
}

/// The least-privileged permissions that a request needs.
#[derive(Debug, Default)]
struct Needs {
    required: BTreeSet<&'static str>,
    /// Used where granted, and done without elsewhere.
    useful: BTreeSet<&'static str>,
}

impl Needs {
    fn of(request: &Request) -> Self {
        let requests = request.wanted_tables().filter_map(|table| {
            probe_request(table, &request.query, Some("workflow"), Some("run"))
        });
        let required = requests.flat_map(|request| request.least_permissions());
        let mut needs = Self {
            required: required.collect(),
            useful: BTreeSet::new(),
        };
        let deleted = CollectionRequest::new(GraphPath::deleted_workflows()).least_permissions();
        match request.deleted_workflows {
            DeletedWorkflows::Require => needs.required.extend(deleted),
            DeletedWorkflows::Auto => needs.useful.extend(deleted),
            DeletedWorkflows::Skip => {}
        }
        needs
    }

    /// Whether a permission does something for this request that no narrower granted one does.
    fn justify(&self, permission: &str, granted: &[String]) -> bool {
        let mut needed = self.required.iter().chain(&self.useful);
        needed.any(|need| {
            let is_exactly = |other: &String| other.eq_ignore_ascii_case(need);
            permission.eq_ignore_ascii_case(need)
                || (covers(permission, need) && !granted.iter().any(is_exactly))
        })
    }
}

fn missing(needs: &Needs, granted: &[String], is_delegated: bool) -> Check {
    let lacks = |need: &&&str| !granted.iter().any(|granted| covers(granted, need));
    let missing: Vec<&str> = needs.required.iter().filter(lacks).copied().collect();
    if missing.is_empty() {
        let required: Vec<&str> = needs.required.iter().copied().collect();
        let message = format!("the requested tables need {}", narrowest(&required));
        return Check::pass("permissions", message);
    }
    let names = narrowest(&missing);
    let kind = if is_delegated {
        "delegated"
    } else {
        "application"
    };
    let remedy = format!(
        "grant the app registration the {kind} permission {names} and give admin consent, then \
         get a new token"
    );
    let message = format!("the token lacks {names}");
    Check::fail("permissions", exit::CREDENTIALS, message, Some(remedy))
}

/// What can write, and what no requested table needs.
fn beyond_need(needs: &Needs, granted: &[String]) -> Check {
    let is_beyond = |permission: &&String| {
        let is_of_sign_in = OF_SIGN_IN
            .iter()
            .any(|scope| scope.eq_ignore_ascii_case(permission));
        let is_broad = permission.contains("Write") || permission.starts_with("Directory.");
        !is_of_sign_in && (is_broad || !needs.justify(permission, granted))
    };
    let beyond: Vec<&str> = granted
        .iter()
        .filter(is_beyond)
        .map(String::as_str)
        .collect();
    if beyond.is_empty() {
        return Check::pass(
            "least_privilege",
            "the token carries no permission beyond need",
        );
    }
    let required: Vec<&str> = needs.required.iter().copied().collect();
    let covered = |useful: &&&str| !required.iter().any(|other| covers(other, useful));
    let useful: Vec<&str> = needs.useful.iter().filter(covered).copied().collect();
    let for_deleted = match useful.as_slice() {
        [] => String::new(),
        _ => format!("; with soft-deleted workflows, {}, too", narrowest(&useful)),
    };
    Check::warn(
        "least_privilege",
        format!(
            "the token carries more than is needed: {}",
            beyond.join(", ")
        ),
        format!(
            "remove them from the app registration; enough is {}{for_deleted}",
            narrowest(&required)
        ),
    )
}

/// The names of permissions for a message, without those that another of them covers.
fn narrowest(names: &[&str]) -> String {
    without_covered(names).join(" and ")
}

fn without_covered<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let is_covered = |name: &str| {
        let mut others = names.iter().filter(|other| **other != name);
        others.any(|other| covers(other, name))
    };
    let kept = names.iter().filter(|name| !is_covered(name));
    kept.copied().collect()
}

/// A user's permissions count only together with a role that may see the workflows.
fn directory_role(roles: &[String]) -> Check {
    let has = |role: &str| roles.iter().any(|known| known.eq_ignore_ascii_case(role));
    if has(GLOBAL_ADMINISTRATOR) {
        return Check::warn(
            "directory_role",
            "the signed-in user is a Global Administrator",
            "sign in as somebody who is a Global Reader, or as an application",
        );
    }
    if ROLES.into_iter().any(has) {
        let message = "the signed-in user is a Global Reader or Lifecycle Workflows Administrator";
        return Check::pass("directory_role", message);
    }
    Check::warn(
        "directory_role",
        "the token names neither Global Reader nor Lifecycle Workflows Administrator among the \
         signed-in user's roles",
        "where requests are refused, assign one of them to the user",
    )
}

#[cfg(test)]
mod tests;
