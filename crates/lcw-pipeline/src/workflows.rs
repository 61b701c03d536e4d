//! Rows of the `workflows` table: details are asked for only when a workflow changed.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use lcw_extractor::{ErrorKind, ExtractError, GraphClient};
use lcw_model::time::parse_micros;
use lcw_model::{Workflow, parse_entity};
use lcw_transform::{FlattenError, Layout, Lineage, Rows, Table, WorkflowRows};
use serde_json::json;
use tracing::warn;

use crate::catalog::{Scope, is_refusal, path_of, where_it_lives};
use crate::decode;
use crate::not_covered::NotCovered;
use crate::request::DeletedWorkflows;
use crate::stored::StoredWorkflow;
use crate::trouble::{Breaker, Reach, reach};

/// One object per workflow that is to be stored, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) objects: Vec<Box<str>>,
    pub(crate) not_covered: Vec<NotCovered>,
    /// Ids of the workflows whose details are still to be read.
    pub(crate) missing: BTreeSet<String>,
}

/// What the dataset holds of workflows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownWorkflows<'a> {
    pub(crate) stored: &'a HashMap<String, StoredWorkflow>,
    /// Ids of those whose row lacks what only their details say.
    pub(crate) without_details: &'a BTreeSet<String>,
}

/// Asks for the details of new and changed workflows.
///
/// # Errors
/// What stops everything, and several in a row that cannot be read. Details that are refused, or
/// cannot be read this time, are asked for again by the next export.
pub(crate) async fn details(
    client: &GraphClient,
    scopes: &[Scope],
    known: KnownWorkflows<'_>,
    deleted: DeletedWorkflows,
    concurrency: usize,
) -> Result<Details, ExtractError> {
    let mut answers = stream::iter(scopes)
        .map(|scope| async move {
            let answer = if known.is_up_to_date(scope) {
                Ok(seen(scope))
            } else {
                ask(client, scope, deleted).await
            };
            (scope, answer)
        })
        .buffered(concurrency);
    let mut details = Details::default();
    let mut breaker = Breaker::default();
    while let Some((scope, answer)) = answers.next().await {
        match answer {
            Ok(object) => {
                breaker.success();
                details.objects.push(object);
            }
            Err(error) if is_refusal(&error) => {
                // A workflow that is listed but not found is on its way out: it is named, and asked
                // for again, but nothing that can be had is missing.
                let tolerated = match error.kind() {
                    ErrorKind::NotFound => true,
                    _ => scope.is_deleted && deleted != DeletedWorkflows::Require,
                };
                details.objects.push(scope.workflow.raw.clone());
                details.leave_out(scope, &error, !tolerated);
            }
            Err(error) if reach(&error) == Reach::Everything || breaker.failure() => {
                return Err(error);
            }
            Err(error) => {
                let is_new = !known.stored.contains_key(&scope.workflow.id);
                let as_listed = || scope.workflow.raw.clone();
                details
                    .objects
                    .push(if is_new { as_listed() } else { seen(scope) });
                details.leave_out(scope, &error, true);
            }
        }
    }
    Ok(details)
}

impl Details {
    fn leave_out(&mut self, scope: &Scope, error: &ExtractError, is_partial: bool) {
        let id = &scope.workflow.id;
        if is_partial {
            warn!(workflow.id = id, %error, "a workflow's details could not be read");
        }
        let what = format!("details of workflow {id}");
        let missing = NotCovered::new(what, error, is_partial).in_table(Table::Workflows);
        self.not_covered.push(missing.of_workflow(id));
        self.missing.insert(id.clone());
    }
}

impl KnownWorkflows<'_> {
    /// Whether the stored row has the details of the workflow in the state that is listed.
    fn is_up_to_date(&self, scope: &Scope) -> bool {
        let listed = &scope.workflow;
        let modified = listed
            .last_modified
            .as_deref()
            .and_then(|text| parse_micros(text).ok());
        !self.without_details.contains(&listed.id)
            && self.stored.get(&listed.id).is_some_and(|stored| {
                modified == stored.last_modified
                    && listed.version == stored.version
                    && scope.is_deleted == stored.is_deleted
            })
    }
}

/// An object that says only: this workflow was there. Everything stored stays.
fn seen(scope: &Scope) -> Box<str> {
    json!({ "id": scope.workflow.id }).to_string().into()
}

async fn ask(
    client: &GraphClient,
    scope: &Scope,
    deleted: DeletedWorkflows,
) -> Result<Box<str>, ExtractError> {
    let answer = where_it_lives(scope.is_deleted, deleted, async |is_deleted| {
        let path = path_of(&scope.workflow.id, is_deleted);
        client.entity(path, &mut decode::WorkflowDetails).await
    });
    Ok(answer.await?.raw)
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
