//! Lists the runs of every workflow, in as many ways as it takes.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use lcw_extractor::{CollectionRequest, ExtractError};
use lcw_model::time::format_micros;
use lcw_transform::Table;
use tracing::{debug, warn};

use crate::catalog::{Scope, concat, is_refusal, may_have_moved};
use crate::coverage::{DAY, DEFAULT_WINDOW};
use crate::decode::{self, SetAside, Sieve};
use crate::listing::ListedRun;
use crate::not_covered::NotCovered;
use crate::request::DeletedWorkflows;
use crate::survey::{Search, Survey};
use crate::trouble::{Breaker, Reach, reach};

/// Runs by their id.
pub(crate) type Runs = HashMap<Box<str>, ListedRun>;

/// One workflow's listing.
pub(crate) struct Listing {
    pub(crate) scope: Scope,
    pub(crate) from: i64,
    pub(crate) runs: Runs,
}

impl Search<'_> {
    pub(crate) async fn first_way(
        &self,
        scopes: Vec<(Scope, i64)>,
        survey: &mut Survey,
    ) -> Result<Vec<Listing>, ExtractError> {
        let mut answers = stream::iter(scopes)
            .map(|(scope, from)| async move {
                let was_deleted = scope.is_deleted;
                let answer = self.list_where_it_lives(scope, from).await;
                (from, was_deleted, answer)
            })
            .buffer_unordered(self.concurrency);
        let mut listings = Vec::new();
        let mut breaker = Breaker::default();
        let mut failure = None;
        while let Some((from, was_deleted, (scope, answer))) = answers.next().await {
            let is_elsewhere = scope.is_deleted != was_deleted;
            if is_elsewhere
                || answer
                    .as_ref()
                    .is_err_and(|error| reach(error) == Reach::Gone)
            {
                survey.gone.insert(scope.workflow.id.clone(), was_deleted);
            }
            match answer {
                Ok((runs, set_aside)) => {
                    breaker.success();
                    survey.listed.insert(scope.workflow.id.clone(), from);
                    survey.add_set_aside(set_aside);
                    listings.push(Listing { scope, from, runs });
                }
                Err(error) if is_fatal(&scope, &error, &mut breaker) => return Err(error),
                Err(error) => {
                    self.not_listed(&scope, &error, survey);
                    if reach(&error) == Reach::JustThis {
                        failure = Some(error);
                    }
                }
            }
        }
        // However few workflows there are: when none can be read, the service is down.
        if let Some(error) = failure.filter(|_| listings.is_empty()) {
            return Err(error);
        }
        listings.sort_by(|a, b| a.scope.workflow.id.cmp(&b.scope.workflow.id));
        Ok(listings)
    }

    fn not_listed(&self, scope: &Scope, error: &ExtractError, survey: &mut Survey) {
        let id = &scope.workflow.id;
        let tolerated = scope.is_deleted && is_refusal(error);
        if tolerated && self.deleted != DeletedWorkflows::Require {
            debug!(workflow.id = id, %error, "no history of a deleted workflow");
            survey.no_deleted_history(id, error);
            return;
        }
        warn!(workflow.id = id, %error, "a workflow's runs could not be listed");
        let kind = if scope.is_deleted {
            "soft-deleted workflow"
        } else {
            "workflow"
        };
        let what = format!("runs of {kind} {id}");
        let missing = NotCovered::new(what, error, true);
        survey
            .not_covered
            .push(missing.in_table(Table::Runs).of_workflow(id));
    }

    /// A live workflow that answers 404 was deleted meanwhile: its history may be there.
    async fn list_where_it_lives(
        &self,
        mut scope: Scope,
        from: i64,
    ) -> (Scope, Result<(Runs, Vec<SetAside>), ExtractError>) {
        let filter = filter("scheduledDateTime", from, self.until);
        match self.list(&scope, Some(&filter)).await {
            Err(error) if !scope.is_deleted && may_have_moved(&error, self.deleted) => {
                scope.is_deleted = true;
                match self.list(&scope, Some(&filter)).await {
                    Err(again) if is_refusal(&again) => {
                        scope.is_deleted = false;
                        (scope, Err(error))
                    }
                    answer => (scope, answer),
                }
            }
            answer => (scope, answer),
        }
    }

    /// The runs of a workflow, and rows among them that the table cannot hold.
    pub(crate) async fn list(
        &self,
        scope: &Scope,
        filter: Option<&str>,
    ) -> Result<(Runs, Vec<SetAside>), ExtractError> {
        let mut decoder = decode::Runs {
            sieve: Sieve::new(Table::Runs, self.odd, &scope.workflow.id),
        };
        let all = CollectionRequest::new(scope.path().runs());
        let request = match filter {
            Some(filter) => all.filtered(filter),
            None => all,
        };
        let mut runs = Runs::new();
        for run in concat(self.client.pages(request, &mut decoder)).await? {
            keep_newest(&mut runs, run);
        }
        Ok((runs, decoder.sieve.set_aside))
    }

    /// Nothing says that a filter on `scheduledDateTime` lifts the service's default window of
    /// 7 days. Where a longer window brought nothing older, it is asked by `startedDateTime` too.
    pub(crate) async fn second_way(
        &self,
        listings: &mut [Listing],
        survey: &mut Survey,
    ) -> Result<(), ExtractError> {
        let mut breaker = Breaker::default();
        for is_deleted in [false, true] {
            let group = || {
                listings
                    .iter()
                    .filter(|listing| listing.scope.is_deleted == is_deleted)
            };
            if group().any(|listing| self.shows_older(listing)) {
                continue;
            }
            let doubtful: Vec<(Scope, i64)> = group()
                .filter(|listing| self.could_have_older(listing))
                .map(|listing| (listing.scope.clone(), listing.from))
                .collect();
            survey.asked_again += doubtful.len() as u64;
            let mut answers = stream::iter(doubtful)
                .map(|(scope, from)| async move {
                    let filter = filter("startedDateTime", from, None);
                    let answer = self.list(&scope, Some(&filter)).await;
                    (scope, answer)
                })
                .buffer_unordered(self.concurrency);
            while let Some((scope, answer)) = answers.next().await {
                let listing = listings
                    .iter_mut()
                    .find(|l| l.scope.workflow.id == scope.workflow.id);
                match (answer, listing) {
                    (Ok((runs, set_aside)), Some(listing)) => {
                        breaker.success();
                        survey.add_set_aside(set_aside);
                        let before = listing.runs.len();
                        runs.into_values()
                            .filter(|run| run.scheduled >= listing.from)
                            .for_each(|run| keep_newest(&mut listing.runs, run));
                        survey.found_again += (listing.runs.len() - before) as u64;
                    }
                    (Err(error), _) if reach(&error) == Reach::Everything => return Err(error),
                    (Err(error), _) if breaker.failure() => return Err(error),
                    (Err(error), _) => {
                        let id = &scope.workflow.id;
                        let what = format!("runs of workflow {id} older than 7 days");
                        let missing = NotCovered::new(what, &error, true);
                        let missing = missing.in_table(Table::Runs).of_workflow(id);
                        survey.not_covered.push(missing);
                        survey.listed.remove(&scope.workflow.id);
                    }
                    (Ok(_), None) => {}
                }
            }
        }
        Ok(())
    }

    /// A run well past the default window is proof that the filter lifts it.
    fn shows_older(&self, listing: &Listing) -> bool {
        let proof = self.now - DEFAULT_WINDOW - DAY;
        listing.runs.values().any(|run| run.scheduled < proof)
    }

    fn could_have_older(&self, listing: &Listing) -> bool {
        let default_from = self.now - DEFAULT_WINDOW;
        listing.from < default_from
            && listing
                .scope
                .workflow
                .created
                .is_none_or(|created| created < default_from)
    }
}

/// Whether a listing that failed stops the export.
fn is_fatal(scope: &Scope, error: &ExtractError, breaker: &mut Breaker) -> bool {
    match reach(error) {
        Reach::Everything => !(scope.is_deleted && is_refusal(error)),
        Reach::JustThis => breaker.failure(),
        Reach::Refused | Reach::Gone => false,
    }
}

/// A filter from this instant on, and until that one.
pub(crate) fn filter(property: &str, from: i64, until: Option<i64>) -> String {
    let from = format_micros(from);
    match until {
        None => format!("{property} ge {from}"),
        Some(until) => format!(
            "{property} ge {from} and {property} lt {}",
            format_micros(until)
        ),
    }
}

/// A run may be listed twice; the one that the service touched last is true.
pub(crate) fn keep_newest(runs: &mut HashMap<Box<str>, ListedRun>, run: ListedRun) {
    match runs.get(&run.id) {
        Some(known) if known.last_updated > run.last_updated => {}
        _ => {
            runs.insert(run.id.clone(), run);
        }
    }
}
