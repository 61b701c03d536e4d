//! The tenant's workflows, live and soft-deleted.

use std::collections::BTreeMap;

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
    /// Of more pages than one is the list of the live ones …
    live_is_paged: bool,
    /// … and that of the deleted ones.
    deleted_is_paged: bool,
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
            live_is_paged: false,
            deleted_is_paged: false,
        };
        let live = List::read(client, false, odd).await?;
        catalog.live_is_paged = live.pages > 1;
        catalog.add(live, false);
        if deleted != DeletedWorkflows::Skip {
            match List::read(client, true, odd).await {
                Ok(list) => {
                    let has_moved = list.workflows.iter().any(|it| catalog.has(&it.id));
                    catalog.deleted_is_paged = list.pages > 1;
                    catalog.add(list, true);
                    if has_moved && let Err(error) = catalog.list_again(client, false, odd).await {
                        catalog.not_covered.push(not_listed_again(error)?);
                    }
                }
                Err(error) if stops_everything(&error) => return Err(error),
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

    /// A workflow that left a list while its pages were read may have drawn another one over the
    /// edge of a page, to where nobody looked. Says whether there is one.
    async fn list_again(
        &mut self,
        client: &GraphClient,
        is_deleted: bool,
        odd: OddRows,
    ) -> Result<bool, ExtractError> {
        let mut list = List::read(client, is_deleted, odd).await?;
        list.workflows.retain(|workflow| !self.has(&workflow.id));
        let is_more = !list.workflows.is_empty();
        self.add(list, is_deleted);
        Ok(is_more)
    }

    /// Looks for what nobody has named so far, now that workflows which were listed are `gone`: by id,
    /// and whether from the deleted ones. Says whether something was found.
    ///
    /// # Errors
    /// When a list cannot be read.
    pub(crate) async fn look_again(
        &mut self,
        client: &GraphClient,
        gone: &BTreeMap<String, bool>,
        odd: OddRows,
    ) -> Result<bool, ExtractError> {
        let mut is_more = false;
        for (is_deleted, is_paged) in [(false, self.live_is_paged), (true, self.deleted_is_paged)] {
            if is_paged && gone.values().any(|from| *from == is_deleted) {
                is_more |= self.list_again(client, is_deleted, odd).await?;
            }
        }
        self.scopes
            .sort_by(|a, b| a.workflow.id.cmp(&b.workflow.id));
        Ok(is_more)
    }

    fn has(&self, id: &str) -> bool {
        self.scopes.iter().any(|scope| *scope.workflow.id == *id)
    }

    /// A workflow that moved to `deletedItems` between the two lists counts as deleted.
    fn add(&mut self, list: List, is_deleted: bool) {
        let set_aside = list.set_aside.into_iter();
        for row in set_aside {
            if !self.set_aside.contains(&row) {
                self.set_aside.push(row);
            }
        }
        for workflow in list.workflows {
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

/// Nobody need ask for anything else: it is not this that the service will not show, or could not.
pub(crate) fn stops_everything(error: &ExtractError) -> bool {
    reach(error) == Reach::Everything && !is_refusal(error)
}

/// What may be missing when a list that has moved cannot be read again.
///
/// # Errors
/// What stops everything.
pub(crate) fn not_listed_again(error: ExtractError) -> Result<NotCovered, ExtractError> {
    if stops_everything(&error) {
        return Err(error);
    }
    let what = "workflows that the list may have left out while it moved";
    Ok(NotCovered::new(what, &error, true).in_table(Table::Workflows))
}

/// The live workflows or the deleted ones, as one chain of pages has them.
struct List {
    workflows: Vec<ListedWorkflow>,
    set_aside: Vec<SetAside>,
    pages: usize,
}

impl List {
    async fn read(
        client: &GraphClient,
        is_deleted: bool,
        odd: OddRows,
    ) -> Result<Self, ExtractError> {
        let path = if is_deleted {
            GraphPath::deleted_workflows()
        } else {
            GraphPath::workflows()
        };
        let mut decoder = decode::Workflows {
            sieve: Sieve::new(Table::Workflows, odd, ""),
        };
        let pages = client.pages(CollectionRequest::new(path), &mut decoder);
        let pages: Vec<_> = pages.boxed_local().try_collect().await?;
        Ok(Self {
            pages: pages.len(),
            workflows: pages.into_iter().flatten().collect(),
            set_aside: decoder.sieve.set_aside,
        })
    }
}

/// The items of all pages.
pub(crate) async fn concat<T>(
    pages: impl Stream<Item = Result<Vec<T>, ExtractError>>,
) -> Result<Vec<T>, ExtractError> {
    let pages: Vec<Vec<T>> = pages.boxed_local().try_collect().await?;
    Ok(pages.into_iter().flatten().collect())
}
