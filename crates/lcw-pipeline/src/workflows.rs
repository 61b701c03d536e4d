//! Rows of the `workflows` table: details are asked for only when a workflow changed.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use lcw_extractor::{ExtractError, GraphClient};
use lcw_model::time::parse_micros;
use lcw_model::{Workflow, parse_entity};
use lcw_transform::{FlattenError, Layout, Lineage, Rows, WorkflowRows};
use serde_json::json;
use tracing::warn;

use crate::catalog::{Scope, is_refusal};
use crate::decode;
use crate::stored::StoredWorkflow;
use crate::trouble::{NotCovered, Reach, reach};

/// One object per workflow that is to be stored, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) objects: Vec<Box<str>>,
    pub(crate) not_covered: Vec<NotCovered>,
}

/// Asks for the details of new and changed workflows.
///
/// # Errors
/// Only what stops everything; a workflow whose details cannot be read keeps its stored row.
pub(crate) async fn details(
    client: &GraphClient,
    scopes: &[Scope],
    stored: &HashMap<String, StoredWorkflow>,
    concurrency: usize,
) -> Result<Details, ExtractError> {
    let mut answers = stream::iter(scopes)
        .map(|scope| async move {
            let is_known = stored
                .get(&scope.workflow.id)
                .is_some_and(|known| same(scope, known));
            (
                scope,
                if is_known {
                    Ok(seen(scope))
                } else {
                    ask(client, scope).await
                },
            )
        })
        .buffered(concurrency);
    let mut details = Details::default();
    while let Some((scope, answer)) = answers.next().await {
        match answer {
            Ok(object) => details.objects.push(object),
            Err(error) if is_refusal(&error) => details.objects.push(scope.workflow.raw.clone()),
            Err(error) if reach(&error) == Reach::Everything => return Err(error),
            Err(error) => {
                warn!(workflow.id = scope.workflow.id, %error, "details could not be read");
                let what = format!("details of workflow {}", scope.workflow.id);
                details
                    .not_covered
                    .push(NotCovered::new(what, &error, true));
            }
        }
    }
    Ok(details)
}

fn same(scope: &Scope, stored: &StoredWorkflow) -> bool {
    let listed = scope
        .workflow
        .last_modified
        .as_deref()
        .and_then(|text| parse_micros(text).ok());
    listed == stored.last_modified
        && scope.workflow.version == stored.version
        && scope.is_deleted == stored.is_deleted
}

/// An object that says only: this workflow was there. Everything stored stays.
fn seen(scope: &Scope) -> Box<str> {
    json!({ "id": scope.workflow.id }).to_string().into()
}

async fn ask(client: &GraphClient, scope: &Scope) -> Result<Box<str>, ExtractError> {
    let details = client
        .entity(scope.path(), &mut decode::WorkflowDetails)
        .await?;
    Ok(details.raw)
}

/// Flattens the objects into rows, one per workflow, ascending by id.
pub(crate) fn rows(
    objects: &[Box<str>],
    layout: Layout,
    lineage: &Lineage,
) -> Result<Rows, FlattenError> {
    let mut rows = WorkflowRows::new(layout, lineage, lineage.extracted_at_micros);
    for object in objects {
        // The object was parsed when its page was decoded.
        if let Ok(workflow) = parse_entity::<Workflow<'_>>(object) {
            rows.append(&workflow, layout.keep_raw.then_some(&**object))?;
        }
    }
    Ok(rows.finish().sorted_unique(&["id"]))
}
