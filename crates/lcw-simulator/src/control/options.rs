//! Peculiarities of a running tenant that can be switched by name.

use crate::config::{
    ChangedType, DateProperty, DeletedHistory, DeletedSubject, ReprocessedRuns, TenantConfig,
};
use crate::query;
use crate::record::Endpoint;
use crate::service::{Asked, Service};

/// Sets every option that the request names; none of them when one is not understood.
pub(super) fn set(service: &Service, asked: &Asked) -> Result<(), String> {
    let text = if asked.query.is_empty() {
        &asked.body
    } else {
        &asked.query
    };
    let mut config = service.tenant().0.config.clone();
    let mut count = 0;
    for (name, value) in query::pairs(text) {
        apply(&mut config, &name, &value)?;
        count += 1;
    }
    if count == 0 {
        return Err(format!("an option is missing: one of {NAMES}"));
    }
    service.tenant_mut().0.config = config;
    Ok(())
}

const NAMES: &str = "deleted_history, deleted_subject, reprocessed_runs, nested_select, \
    subject_results_on_v1, expand_needs_user_read, unknown_property, changed_type, summaries, \
    settling_late";

fn apply(config: &mut TenantConfig, name: &str, value: &str) -> Result<(), String> {
    let problem = || format!("'{value}' is no value of {name}");
    let flag = || value.parse::<bool>().map_err(|_| problem());
    let text = || (!value.is_empty()).then(|| value.to_owned());
    match name {
        "deleted_history" => {
            config.deleted_history = deleted_history(value).ok_or_else(problem)?;
        }
        "deleted_subject" => {
            config.deleted_subject = match value {
                "id-only" => DeletedSubject::IdOnly,
                "null" => DeletedSubject::Null,
                _ => return Err(problem()),
            };
        }
        "reprocessed_runs" => {
            config.reprocessed_runs = reprocessed_runs(value).ok_or_else(problem)?;
        }
        "nested_select" => config.answers.nested_select = flag()?,
        "subject_results_on_v1" => config.answers.subject_results_on_v1 = flag()?,
        "expand_needs_user_read" => config.access.expand_needs_user_read = flag()?,
        "unknown_property" => config.answers.unknown_property = text(),
        "changed_type" if value.is_empty() => config.answers.changed_type = None,
        "changed_type" => {
            config.answers.changed_type = Some(changed_type(value).ok_or_else(problem)?);
        }
        "summaries" => config.windows.summaries = date(value).ok_or_else(problem)?,
        "settling_late" => {
            config.outcomes.settling_late = value.parse().map_err(|_| problem())?;
        }
        _ => return Err(format!("there is no option '{name}', only {NAMES}")),
    }
    Ok(())
}

fn deleted_history(value: &str) -> Option<DeletedHistory> {
    Some(match value {
        "readable" => DeletedHistory::Readable,
        "forbidden" => DeletedHistory::Forbidden,
        "not-found" => DeletedHistory::NotFound,
        _ => return None,
    })
}

fn reprocessed_runs(value: &str) -> Option<ReprocessedRuns> {
    Some(match value {
        "readable" => ReprocessedRuns::Readable,
        "forbidden" => ReprocessedRuns::Forbidden,
        "not-found" => ReprocessedRuns::NotFound,
        _ => return None,
    })
}

fn date(value: &str) -> Option<DateProperty> {
    Some(match value {
        "scheduled" => DateProperty::Scheduled,
        "started" => DateProperty::Started,
        "completed" => DateProperty::Completed,
        "last-updated" => DateProperty::LastUpdated,
        _ => return None,
    })
}

/// Reads `task-results,failureReason,5`.
fn changed_type(value: &str) -> Option<ChangedType> {
    let mut parts = value.splitn(3, ',');
    let name = parts.next()?;
    let endpoint = Endpoint::ALL
        .into_iter()
        .find(|endpoint| endpoint.name() == name)?;
    Some(ChangedType {
        endpoint,
        property: parts.next()?.to_owned(),
        json: parts.next()?.to_owned(),
    })
}
