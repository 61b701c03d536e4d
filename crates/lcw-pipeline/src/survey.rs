//! Lists every workflow's runs and decides, run by run, what the export has to do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use lcw_extractor::{CollectionRequest, ErrorKind, ExtractError, GraphClient};
use lcw_model::time::format_micros;
use serde::Serialize;
use tracing::{debug, warn};

use crate::catalog::{Scope, concat, is_refusal, path_of};
use crate::coverage::{DAY, DEFAULT_WINDOW, RETENTION};
use crate::decide::{Decision, Rules, decide};
use crate::decode;
use crate::listing::ListedRun;
use crate::request::DeletedWorkflows;
use crate::stored::{StoredRun, StoredRuns};
use crate::trouble::{Breaker, NotCovered, Reach, reach};

/// What a survey looks for.
pub(crate) struct Search<'a> {
    pub(crate) client: &'a GraphClient,
    pub(crate) stored: &'a StoredRuns,
    pub(crate) rules: Rules,
    /// The service's clock when the survey began, in microseconds.
    pub(crate) now: i64,
    pub(crate) settle: i64,
    pub(crate) concurrency: usize,
    pub(crate) deleted: DeletedWorkflows,
    /// First instant after the window; none for the incremental export.
    pub(crate) until: Option<i64>,
    /// Days that an unfinished backfill with the same arguments has committed.
    pub(crate) skip_days: BTreeSet<Date>,
}

/// What has to be done about one run.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one run"
)]
pub(crate) struct RunTask {
    pub(crate) workflow_id: Arc<str>,
    pub(crate) is_deleted: bool,
    pub(crate) counts_users: bool,
    pub(crate) run_id: Box<str>,
    /// `scheduledDateTime` of a run that the service no longer has; its row keeps it.
    pub(crate) scheduled_as_stored: Box<str>,
    /// The run as listed; none for a stored run that the service no longer has.
    pub(crate) listed: Option<ListedRun>,
    pub(crate) settled: bool,
    pub(crate) fetch: bool,
    /// The dataset holds the run in this very state: what was read for it stays valid.
    pub(crate) is_unchanged: bool,
}

/// Runs, counted by what was decided about them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunCounts {
    /// Runs that the service listed inside the window.
    pub listed: u64,
    /// Runs whose results were read.
    pub fetched: u64,
    /// Listed runs that the dataset holds already, settled and unchanged.
    pub skipped_settled: u64,
    /// Listed runs that need no request because nobody was in them.
    pub skipped_empty: u64,
    /// Listed runs that are not final yet.
    pub open: u64,
    /// Stored open runs that the service has forgotten before they were final.
    pub expired: u64,
    /// Runs left out because a backfill with the same arguments has committed their day.
    pub skipped_committed: u64,
}

/// The outcome of a survey.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// By day, each sorted by workflow and run id.
    pub(crate) days: BTreeMap<Date, Vec<RunTask>>,
    pub(crate) counts: RunCounts,
    /// Workflows whose listing worked, with the instant it reached back to.
    pub(crate) listed: BTreeMap<String, i64>,
    pub(crate) not_covered: Vec<NotCovered>,
    /// How many workflows had to be asked a second way.
    pub(crate) asked_again: u64,
    /// Runs that only the second way brought.
    pub(crate) found_again: u64,
}

/// A stored run that no listing brought.
struct MissingRun {
    /// Its workflow, when that was listed.
    scope: Option<Scope>,
    workflow_id: Arc<str>,
    run_id: Box<str>,
    stored: StoredRun,
}

impl Survey {
    /// The service does not show the history of deleted workflows: that is said once.
    fn no_deleted_history(&mut self, workflow_id: &str, error: &ExtractError) {
        const WHAT: &str = "runs of soft-deleted workflow";
        let mut known = self.not_covered.iter_mut();
        if let Some(known) = known.find(|known| !known.is_partial && known.what.starts_with(WHAT)) {
            known.what = format!("{}, {workflow_id}", known.what);
            return;
        }
        let what = format!("{WHAT} {workflow_id}");
        self.not_covered.push(NotCovered::new(what, error, false));
    }
}

/// One workflow's listing.
struct Listing {
    scope: Scope,
    from: i64,
    runs: HashMap<Box<str>, ListedRun>,
}

impl Search<'_> {
    /// Lists the runs of `scopes`, each from its own instant on.
    ///
    /// # Errors
    /// What stops everything: credentials, a deadline, or no workflow that can be listed at all.
    pub(crate) async fn run(&self, scopes: Vec<(Scope, i64)>) -> Result<Survey, ExtractError> {
        let mut survey = Survey::default();
        let mut listings = self.first_way(scopes, &mut survey).await?;
        self.second_way(&mut listings, &mut survey).await?;
        let missing = self.missing_runs(&listings);
        for listing in listings {
            self.sort_in(listing, &mut survey);
        }
        let mut breaker = Breaker::default();
        for run in missing {
            self.look_for(run, &mut breaker, &mut survey).await?;
        }
        for tasks in survey.days.values_mut() {
            tasks.sort_by(|a, b| (&a.workflow_id, &a.run_id).cmp(&(&b.workflow_id, &b.run_id)));
        }
        Ok(survey)
    }

    async fn first_way(
        &self,
        scopes: Vec<(Scope, i64)>,
        survey: &mut Survey,
    ) -> Result<Vec<Listing>, ExtractError> {
        let mut answers = stream::iter(scopes)
            .map(|(scope, from)| async move {
                let answer = self.list_where_it_lives(scope, from).await;
                (from, answer)
            })
            .buffer_unordered(self.concurrency);
        let mut listings = Vec::new();
        let mut breaker = Breaker::default();
        let mut failure = None;
        while let Some((from, (scope, answer))) = answers.next().await {
            match answer {
                Ok(runs) => {
                    breaker.success();
                    survey.listed.insert(scope.workflow.id.clone(), from);
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
        survey.not_covered.push(NotCovered::new(what, error, true));
    }

    /// A live workflow that answers 404 was deleted meanwhile: its history may be there.
    async fn list_where_it_lives(
        &self,
        mut scope: Scope,
        from: i64,
    ) -> (Scope, Result<HashMap<Box<str>, ListedRun>, ExtractError>) {
        let filter = filter("scheduledDateTime", from, self.until);
        match self.list(&scope, &filter).await {
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && !scope.is_deleted
                    && self.deleted != DeletedWorkflows::Skip =>
            {
                scope.is_deleted = true;
                match self.list(&scope, &filter).await {
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

    async fn list(
        &self,
        scope: &Scope,
        filter: &str,
    ) -> Result<HashMap<Box<str>, ListedRun>, ExtractError> {
        let mut decoder = decode::Runs;
        let request = CollectionRequest::new(scope.path().runs()).filtered(filter);
        let mut runs: HashMap<Box<str>, ListedRun> = HashMap::new();
        for run in concat(self.client.pages(request, &mut decoder)).await? {
            keep_newest(&mut runs, run);
        }
        Ok(runs)
    }

    /// Nothing says that a filter on `scheduledDateTime` lifts the service's default window of
    /// 7 days. Where a longer window brought nothing older, it is asked by `startedDateTime` too.
    async fn second_way(
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
                    let answer = self.list(&scope, &filter).await;
                    (scope, answer)
                })
                .buffer_unordered(self.concurrency);
            while let Some((scope, answer)) = answers.next().await {
                let listing = listings
                    .iter_mut()
                    .find(|l| l.scope.workflow.id == scope.workflow.id);
                match (answer, listing) {
                    (Ok(runs), Some(listing)) => {
                        breaker.success();
                        let before = listing.runs.len();
                        runs.into_values()
                            .filter(|run| run.scheduled >= listing.from)
                            .for_each(|run| keep_newest(&mut listing.runs, run));
                        survey.found_again += (listing.runs.len() - before) as u64;
                    }
                    (Err(error), _) if reach(&error) == Reach::Everything => return Err(error),
                    (Err(error), _) if breaker.failure() => return Err(error),
                    (Err(error), _) => {
                        let what =
                            format!("runs of workflow {} older than 7 days", scope.workflow.id);
                        survey.not_covered.push(NotCovered::new(what, &error, true));
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

    fn sort_in(&self, listing: Listing, survey: &mut Survey) {
        let workflow_id: Arc<str> = listing.scope.workflow.id.as_str().into();
        for run in listing.runs.into_values() {
            let inside = run.scheduled >= listing.from
                && self.until.is_none_or(|until| run.scheduled < until);
            if inside {
                survey.counts.listed += 1;
                self.sort_in_run(&listing.scope, &workflow_id, run, survey);
            }
        }
    }

    fn sort_in_run(
        &self,
        scope: &Scope,
        workflow_id: &Arc<str>,
        run: ListedRun,
        survey: &mut Survey,
    ) {
        let stored = self.stored.get(workflow_id, &run.id);
        let settled = run.is_settled(self.now, self.settle);
        let day = stored.map_or(run.day, |stored| stored.day);
        survey.counts.open += u64::from(!run.is_final());
        if self.skip_days.contains(&day) {
            survey.counts.skipped_committed += 1;
            return;
        }
        let decision = decide(&run, settled, stored, self.rules);
        match decision {
            Decision::SkipSettled => {
                survey.counts.skipped_settled += u64::from(settled);
                return;
            }
            Decision::StoreRow if run.is_empty() => survey.counts.skipped_empty += 1,
            Decision::StoreRow | Decision::Fetch => {}
        }
        survey.days.entry(day).or_default().push(RunTask {
            workflow_id: Arc::clone(workflow_id),
            is_deleted: scope.is_deleted,
            counts_users: scope.workflow.counts_users() && run.counts_users,
            run_id: run.id.clone(),
            scheduled_as_stored: Box::default(),
            settled,
            fetch: decision == Decision::Fetch,
            is_unchanged: stored.is_some_and(|stored| stored.same_state(&run, settled)),
            listed: Some(run),
        });
    }

    /// Whether the service has forgotten a run by now.
    fn is_past(&self, stored: &StoredRun) -> bool {
        stored.scheduled.is_none_or(|at| at < self.now - RETENTION)
    }

    /// Runs that the dataset waits for and no listing brought, and open ones to be given up.
    fn missing_runs(&self, listings: &[Listing]) -> Vec<MissingRun> {
        if self.until.is_some() {
            return Vec::new();
        }
        let by_id: HashMap<&str, &Listing> = listings
            .iter()
            .map(|listing| (listing.scope.workflow.id.as_str(), listing))
            .collect();
        let wanted = self.stored.iter().filter(|(.., stored)| {
            if self.is_past(stored) {
                stored.is_open()
            } else {
                stored.is_awaited(self.rules.wants_results)
            }
        });
        wanted
            .filter_map(|(workflow_id, run_id, stored)| {
                let listing = by_id.get(workflow_id);
                let is_listed = listing.is_some_and(|listing| listing.runs.contains_key(run_id));
                (!is_listed).then(|| MissingRun {
                    scope: listing.map(|listing| listing.scope.clone()),
                    workflow_id: workflow_id.into(),
                    run_id: run_id.into(),
                    stored: stored.clone(),
                })
            })
            .collect()
    }

    /// Asks for a run by its id, until the service has forgotten it.
    async fn look_for(
        &self,
        run: MissingRun,
        breaker: &mut Breaker,
        survey: &mut Survey,
    ) -> Result<(), ExtractError> {
        if self.is_past(&run.stored) {
            expire(run, survey);
            return Ok(());
        }
        let Some(scope) = &run.scope else {
            return Ok(());
        };
        match self.ask_for(scope, &run.run_id).await {
            Ok(found) => {
                breaker.success();
                self.sort_in_run(scope, &run.workflow_id, found, survey);
            }
            Err(error) => match reach(&error) {
                Reach::Everything => return Err(error),
                Reach::JustThis if breaker.failure() => return Err(error),
                // A final run stays as it was read; its row says whether that was all.
                Reach::Gone if !run.stored.is_open() => {}
                Reach::Gone => expire(run, survey),
                Reach::Refused | Reach::JustThis => {
                    let what = format!("run {} of workflow {}", run.run_id, run.workflow_id);
                    survey.not_covered.push(NotCovered::new(what, &error, true));
                }
            },
        }
        Ok(())
    }

    /// The workflow may have been deleted since it was listed.
    async fn ask_for(&self, scope: &Scope, run_id: &str) -> Result<ListedRun, ExtractError> {
        let ask = async |is_deleted| {
            let path = path_of(&scope.workflow.id, is_deleted).run(run_id);
            self.client.entity(path, &mut decode::SingleRun).await
        };
        match ask(scope.is_deleted).await {
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && !scope.is_deleted
                    && self.deleted != DeletedWorkflows::Skip =>
            {
                match ask(true).await {
                    Err(again) if is_refusal(&again) => Err(error),
                    answer => answer,
                }
            }
            answer => answer,
        }
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

fn expire(run: MissingRun, survey: &mut Survey) {
    survey.counts.expired += 1;
    survey
        .days
        .entry(run.stored.day)
        .or_default()
        .push(RunTask {
            workflow_id: run.workflow_id,
            is_deleted: false,
            counts_users: true,
            run_id: run.run_id,
            scheduled_as_stored: run.stored.scheduled_text,
            listed: None,
            settled: false,
            fetch: false,
            is_unchanged: true,
        });
}

fn filter(property: &str, from: i64, until: Option<i64>) -> String {
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
fn keep_newest(runs: &mut HashMap<Box<str>, ListedRun>, run: ListedRun) {
    match runs.get(&run.id) {
        Some(known) if known.last_updated > run.last_updated => {}
        _ => {
            runs.insert(run.id.clone(), run);
        }
    }
}

/// The service's clock, or this machine's where the service has not said.
pub(crate) fn service_now(client: &GraphClient) -> i64 {
    client
        .service_now()
        .unwrap_or_else(Timestamp::now)
        .as_microsecond()
}
