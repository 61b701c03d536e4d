//! Rows of the `workflows` table: details are asked for only when a workflow changed.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

use futures_util::{StreamExt, stream};
use lcw_extractor::{ErrorKind, ExtractError, GraphClient};
use lcw_model::time::parse_micros;
use lcw_model::{Workflow, parse_entity};
use lcw_transform::{FlattenError, Layout, Lineage, Rows, Table, WorkflowRows};
use serde_json::json;
use tracing::warn;

use crate::catalog::{Scope, is_refusal, path_of, where_it_lives};
use crate::decode::{self, Kind, SetAside, Sieve};
use crate::not_covered::NotCovered;
use crate::request::{DeletedWorkflows, OnDrift, Request};
use crate::stored::StoredWorkflow;
use crate::trouble::{Breaker, Reach, reach};

/// One object per workflow that is to be stored, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) objects: Vec<Box<str>>,
    pub(crate) not_covered: Vec<NotCovered>,
    /// Ids of the workflows whose details are still to be read.
    pub(crate) missing: BTreeSet<String>,
    pub(crate) set_aside: Vec<SetAside>,
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
/// What stops everything, and several in a row that cannot be read. Details that are refused, are
/// set aside or cannot be read this time are asked for again by the next export.
pub(crate) async fn details(
    request: &Request,
    client: &GraphClient,
    scopes: &[Scope],
    known: KnownWorkflows<'_>,
) -> Result<Details, ExtractError> {
    let deleted = request.deleted_workflows;
    let mut answers = stream::iter(scopes)
        .map(|scope| async move {
            let answer = if known.is_up_to_date(scope) {
                Ok(Asked::whole(seen(scope)))
            } else {
                ask(request, client, scope).await
            };
            (scope, answer)
        })
        .buffered(request.max_concurrency);
    let mut details = Details::default();
    let mut breaker = Breaker::default();
    while let Some((scope, answer)) = answers.next().await {
        match answer {
            Ok(asked) => {
                breaker.success();
                let id = &scope.workflow.id;
                details
                    .objects
                    .push(asked.object.unwrap_or_else(|| as_listed(request, scope)));
                if !asked.set_aside.is_empty() {
                    details.set_aside.extend(asked.set_aside);
                    details.missing.insert(id.clone());
                }
            }
            Err(error) if is_refusal(&error) => {
                // A workflow that is listed but not found is on its way out: it is named, and asked
                // for again, but nothing that can be had is missing.
                let tolerated = match error.kind() {
                    ErrorKind::NotFound => true,
                    _ => scope.is_deleted && deleted != DeletedWorkflows::Require,
                };
                details.objects.push(as_listed(request, scope));
                details.leave_out(scope, &error, !tolerated);
            }
            Err(error) if reach(&error) == Reach::Everything || breaker.failure() => {
                return Err(error);
            }
            Err(error) => {
                let is_new = !known.stored.contains_key(&scope.workflow.id);
                details.objects.push(if is_new {
                    as_listed(request, scope)
                } else {
                    seen(scope)
                });
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

/// The workflow as its listing has it; where that is no row, and such are set aside, only its id.
fn as_listed(request: &Request, scope: &Scope) -> Box<str> {
    let listed = &scope.workflow.raw;
    let is_row = request.on_drift == OnDrift::Fail
        || parse_entity::<Workflow<'_>>(listed)
            .is_ok_and(|workflow| decode::WorkflowDetails::check(&workflow).is_ok());
    if is_row { listed.clone() } else { seen(scope) }
}

/// An object that says only: this workflow was there. Everything stored stays.
fn seen(scope: &Scope) -> Box<str> {
    json!({ "id": scope.workflow.id }).to_string().into()
}

/// A workflow's details as they were sent; none when they are set aside.
struct Asked {
    object: Option<Box<str>>,
    set_aside: Vec<SetAside>,
}

impl Asked {
    fn whole(object: Box<str>) -> Self {
        Self {
            object: Some(object),
            set_aside: Vec::new(),
        }
    }
}

async fn ask(
    request: &Request,
    client: &GraphClient,
    scope: &Scope,
) -> Result<Asked, ExtractError> {
    let deleted = request.deleted_workflows;
    where_it_lives(scope.is_deleted, deleted, async |is_deleted| {
        let id = &scope.workflow.id;
        let mut decoder = decode::OneObject {
            sieve: Sieve::new(Table::Workflows, request.odd_rows(), id),
            of: PhantomData::<decode::WorkflowDetails>,
        };
        let object = client.entity(path_of(id, is_deleted), &mut decoder).await?;
        Ok(Asked {
            object,
            set_aside: decoder.sieve.set_aside,
        })
    })
    .await
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
