//! Workflows that the dataset knows and no list names.

use std::marker::PhantomData;

use lcw_extractor::{ExtractError, GraphClient};
use lcw_model::{Workflow, parse_entity};
use lcw_transform::Table;
use tracing::{info, warn};

use crate::catalog::{Catalog, Scope, is_refusal, may_have_moved, path_of};
use crate::coverage::RETENTION;
use crate::decode::{self, Sieve};
use crate::listing::ListedWorkflow;
use crate::not_covered::NotCovered;
use crate::prepare::Target;
use crate::request::{Kind, Request};
use crate::trouble::{Reach, reach};

/// Asks by their ids for workflows that were there and are in neither list: one that was deleted for
/// good answers 404, one that the list leaves out does not.
///
/// # Errors
/// What stops everything.
pub(crate) async fn find(
    request: &Request,
    client: &GraphClient,
    target: &Target,
    now: i64,
    catalog: &mut Catalog,
) -> Result<(), ExtractError> {
    if matches!(request.kind, Kind::Backfill(_)) {
        return Ok(());
    }
    for id in unlisted(target, now, catalog) {
        match ask(request, client, &id, catalog).await {
            Ok(Some(scope)) => {
                warn!(workflow.id = id, "the list of workflows leaves one out");
                catalog.scopes.push(scope);
            }
            Ok(None) => {}
            Err(error) if is_refusal(&error) => info!(workflow.id = id, "a workflow is gone"),
            Err(error) if reach(&error) == Reach::Everything => return Err(error),
            Err(error) => {
                let what = format!("workflow {id}, which the list of workflows leaves out");
                let missing = NotCovered::new(what, &error, true).in_table(Table::Workflows);
                catalog.not_covered.push(missing.of_workflow(&id));
            }
        }
    }
    catalog
        .scopes
        .sort_by(|a, b| a.workflow.id.cmp(&b.workflow.id));
    Ok(())
}

/// Workflows that were seen since the service could forget them, sorted.
fn unlisted(target: &Target, now: i64, catalog: &Catalog) -> Vec<String> {
    let is_listed = |id: &String| catalog.scopes.iter().any(|scope| scope.workflow.id == *id);
    let stored = target.workflows.iter().filter(|(id, stored)| {
        let is_recent = stored.last_seen.is_some_and(|at| at >= now - RETENTION);
        is_recent && !stored.is_deleted && !is_listed(id)
    });
    let mut ids: Vec<String> = stored.map(|(id, _)| id.clone()).collect();
    ids.sort();
    ids
}

/// The workflow where it lives; none when it is set aside.
async fn ask(
    request: &Request,
    client: &GraphClient,
    id: &str,
    catalog: &mut Catalog,
) -> Result<Option<Scope>, ExtractError> {
    let mut decoder = decode::OneObject {
        sieve: Sieve::new(Table::Workflows, request.odd_rows(), id),
        of: PhantomData::<decode::WorkflowDetails>,
    };
    let mut is_deleted = false;
    let answer = match client.entity(path_of(id, false), &mut decoder).await {
        Err(error) if may_have_moved(&error, request.deleted_workflows) => {
            is_deleted = true;
            client.entity(path_of(id, true), &mut decoder).await
        }
        answer => answer,
    };
    let object = answer?;
    catalog.set_aside.append(&mut decoder.sieve.set_aside);
    Ok(object.and_then(|object| {
        let workflow = parse_entity::<Workflow<'_>>(&object).ok()?;
        let workflow = ListedWorkflow::new(&workflow, &object);
        Some(Scope {
            workflow,
            is_deleted,
        })
    }))
}
