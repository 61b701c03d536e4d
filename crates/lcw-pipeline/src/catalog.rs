//! The tenant's workflows, live and soft-deleted.

use futures_util::{Stream, StreamExt, TryStreamExt};
use lcw_extractor::{CollectionRequest, ErrorKind, ExtractError, GraphClient, GraphPath};
use lcw_transform::Table;
use tracing::info;

use crate::decode::{self, OddRows, SetAside, Sieve};
use crate::listing::ListedWorkflow;
use crate::not_covered::NotCovered;
use crate::request::DeletedWorkflows;
use crate::trouble::{Reach, reach};

/// A workflow and where its history is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) workflow: ListedWorkflow,
    /// Listed under `deletedItems`.
    pub(crate) is_deleted: bool,
}

impl Scope {
    pub(crate) fn path(&self) -> GraphPath {
        path_of(&self.workflow.id, self.is_deleted)
    }
}

/// Where a workflow lives.
pub(crate) fn path_of(workflow_id: &str, is_deleted: bool) -> GraphPath {
    if is_deleted {
        GraphPath::deleted_workflow(workflow_id)
    } else {
        GraphPath::workflow(workflow_id)
    }
}

/// Every workflow the service lists, by id, and what it would not list.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) not_covered: Vec<NotCovered>,
    /// Workflows that the table cannot hold.
    pub(crate) set_aside: Vec<SetAside>,
}

impl Catalog {
    /// # Errors
    /// Any refusal of the live list: without it there is nothing to export.
    pub(crate) async fn read(
        client: &GraphClient,
        deleted: DeletedWorkflows,
        odd: OddRows,
    ) -> Result<Self, ExtractError> {
        let mut catalog = Self {
            scopes: Vec::new(),
            not_covered: Vec::new(),
            set_aside: Vec::new(),
        };
        let (live, set_aside) = list(client, GraphPath::workflows(), odd).await?;
        catalog.add(live, false);
        catalog.set_aside.extend(set_aside);
        if deleted != DeletedWorkflows::Skip {
            match list(client, GraphPath::deleted_workflows(), odd).await {
                Ok((workflows, set_aside)) => {
                    let has_moved = workflows.iter().any(|it| catalog.has(&it.id));
                    catalog.add(workflows, true);
                    catalog.set_aside.extend(set_aside);
                    if has_moved {
                        catalog.list_again(client, odd).await?;
                    }
                }
                Err(error) if reach(&error) == Reach::Everything && !is_refusal(&error) => {
                    return Err(error);
                }
                Err(error) => {
                    info!(%error, "soft-deleted workflows are not covered");
                    let is_partial = deleted == DeletedWorkflows::Require || !is_refusal(&error);
                    let missing = NotCovered::new("soft-deleted workflows", &error, is_partial);
                    catalog.not_covered.push(missing.in_table(Table::Workflows));
                }
            }
        }
        catalog
            .scopes
            .sort_by(|a, b| a.workflow.id.cmp(&b.workflow.id));
        Ok(catalog)
    }

    /// A workflow that left the live list while its pages were read may have drawn another one over
    /// the edge of a page, to where nobody looked.
    async fn list_again(&mut self, client: &GraphClient, odd: OddRows) -> Result<(), ExtractError> {
        let (mut live, mut set_aside) = list(client, GraphPath::workflows(), odd).await?;
        live.retain(|workflow| !self.has(&workflow.id));
        self.add(live, false);
        set_aside.retain(|row| !self.set_aside.contains(row));
        self.set_aside.extend(set_aside);
        Ok(())
    }

    fn has(&self, id: &str) -> bool {
        self.scopes.iter().any(|scope| *scope.workflow.id == *id)
    }

    /// A workflow that moved to `deletedItems` between the two lists counts as deleted.
    fn add(&mut self, workflows: Vec<ListedWorkflow>, is_deleted: bool) {
        for workflow in workflows {
            self.scopes.retain(|scope| scope.workflow.id != workflow.id);
            self.scopes.push(Scope {
                workflow,
                is_deleted,
            });
        }
    }
}

/// Asks for something below a workflow where that lives: `ask` is told whether among the deleted
/// ones. A live one that answers 404 was deleted since it was listed.
pub(crate) async fn where_it_lives<T>(
    is_deleted: bool,
    deleted: DeletedWorkflows,
    ask: impl AsyncFn(bool) -> Result<T, ExtractError>,
) -> Result<T, ExtractError> {
    match ask(is_deleted).await {
        Err(error) if !is_deleted && may_have_moved(&error, deleted) => match ask(true).await {
            Err(again) if is_refusal(&again) => Err(error),
            answer => answer,
        },
        answer => answer,
    }
}

/// Whether something that was asked for below a live workflow may be below a deleted one by now.
pub(crate) fn may_have_moved(error: &ExtractError, deleted: DeletedWorkflows) -> bool {
    error.kind() == ErrorKind::NotFound && deleted != DeletedWorkflows::Skip
}

/// The service will not show this to us, as opposed to: it could not.
pub(crate) fn is_refusal(error: &ExtractError) -> bool {
    use lcw_extractor::ErrorKind::{Forbidden, NotFound, Rejected};
    matches!(error.kind(), Forbidden | NotFound | Rejected)
}

async fn list(
    client: &GraphClient,
    path: GraphPath,
    odd: OddRows,
) -> Result<(Vec<ListedWorkflow>, Vec<SetAside>), ExtractError> {
    let mut decoder = decode::Workflows {
        sieve: Sieve::new(Table::Workflows, odd, ""),
    };
    let workflows = concat(client.pages(CollectionRequest::new(path), &mut decoder)).await?;
    Ok((workflows, decoder.sieve.set_aside))
}

/// The items of all pages.
pub(crate) async fn concat<T>(
    pages: impl Stream<Item = Result<Vec<T>, ExtractError>>,
) -> Result<Vec<T>, ExtractError> {
    let pages: Vec<Vec<T>> = pages.boxed_local().try_collect().await?;
    Ok(pages.into_iter().flatten().collect())
}
