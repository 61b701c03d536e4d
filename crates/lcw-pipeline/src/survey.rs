//! Lists every workflow's runs and decides, run by run, what the export has to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use lcw_extractor::{ExtractError, GraphClient};
use lcw_transform::Table;
use serde::Serialize;

use crate::ask_runs::Listing;
use crate::by_workflow::Sizes;
use crate::catalog::Scope;
use crate::children::PerChild;
use crate::decide::{Decision, Reading, Rules, decide};
use crate::decode::{OddRows, SetAside};
use crate::listing::ListedRun;
use crate::not_covered::NotCovered;
use crate::reports::RunReports;
use crate::request::DeletedWorkflows;
use crate::stored::{StoredRun, StoredRuns};
use crate::summaries::Counted;
use crate::trouble::Breaker;

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
    pub(crate) odd: OddRows,
    /// First instant after the window; none for the incremental export.
    pub(crate) until: Option<i64>,
    /// Days that an unfinished backfill with the same arguments has committed.
    pub(crate) skip_days: BTreeSet<Date>,
    /// Workflows that the service is asked to count although they may have no news: it counted more
    /// than there is, or could not count them, or no complete listing has covered them.
    pub(crate) to_count: BTreeSet<&'a str>,
    /// Workflows of which rows are missing: everything is read again.
    pub(crate) to_read: BTreeSet<&'a str>,
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
    /// What is asked for below it.
    pub(crate) reading: Reading,
    /// The dataset holds the run in this very state: what was read for it stays valid.
    pub(crate) is_unchanged: bool,
    /// Rows that the dataset holds of each table for this state of the run.
    pub(crate) known_rows: PerChild<Option<i32>>,
    /// Its task reports, once they were read.
    pub(crate) reports: Option<RunReports>,
}

/// Runs, counted by what was decided about them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunCounts {
    /// Runs that the service listed inside the window.
    pub listed: u64,
    /// Runs below which something was read.
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
    /// Workflows that are not where they were listed, by id, and whether that was among the deleted ones.
    pub(crate) gone: BTreeMap<String, bool>,
    /// How many workflows had to be asked a second way.
    pub(crate) asked_again: u64,
    /// Runs that only another way than the first brought.
    pub(crate) found_again: u64,
    /// What the service counts, for the workflows that something is read of.
    pub(crate) counted: BTreeMap<String, Counted>,
    /// Workflows that the service could not count this time.
    pub(crate) uncounted: BTreeSet<String>,
    /// Rows of listings that the tables cannot hold.
    pub(crate) set_aside: Vec<SetAside>,
    /// Schedule of the oldest run that any listing brought.
    pub(crate) oldest: Option<i64>,
    /// How large the listed runs are.
    pub(crate) sizes: Sizes,
}

impl Survey {
    /// The dataset holds what it needs of this run.
    fn hold(&mut self, workflow_id: &str, run: &ListedRun, stored: Option<&StoredRun>) {
        if let (Some(counted), Some(stored)) = (self.counted.get_mut(workflow_id), stored) {
            counted.hold_known(run.scheduled, &stored.rows);
        }
    }

    /// Keeps rows that the tables cannot hold, each once however often the service sent it.
    pub(crate) fn add_set_aside(&mut self, rows: Vec<SetAside>) {
        for row in rows {
            if !self.set_aside.contains(&row) {
                self.set_aside.push(row);
            }
        }
    }

    /// The service does not show the history of deleted workflows: that is said once.
    pub(crate) fn no_deleted_history(&mut self, workflow_id: &str, error: &ExtractError) {
        const WHAT: &str = "runs of soft-deleted workflow";
        let mut known = self.not_covered.iter_mut();
        if let Some(known) = known.find(|known| !known.is_partial && known.what.starts_with(WHAT)) {
            known.what = format!("{}, {workflow_id}", known.what);
            return;
        }
        let what = format!("{WHAT} {workflow_id}");
        let missing = NotCovered::new(what, error, false).of_workflow(workflow_id);
        self.not_covered.push(missing.in_table(Table::Runs));
    }
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
        self.count(&mut listings, &mut survey).await?;
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

    fn sort_in(&self, listing: Listing, survey: &mut Survey) {
        let workflow_id: Arc<str> = listing.scope.workflow.id.as_str().into();
        for run in listing.runs.into_values() {
            if self.is_inside(listing.from, &run) {
                survey.counts.listed += 1;
                let oldest = survey.oldest.unwrap_or(run.scheduled);
                survey.oldest = Some(oldest.min(run.scheduled));
                let users = run.total_users.unwrap_or(0).try_into().unwrap_or(0);
                let sizes = survey.sizes.entry(Arc::clone(&workflow_id)).or_default();
                sizes.push((run.scheduled, users));
                self.sort_in_run(&listing.scope, &workflow_id, run, survey);
            }
        }
    }

    /// Of a workflow of which the service counts more than there is, everything is read again, and
    /// the runs that count nobody, too.
    pub(crate) fn rules_for(&self, workflow_id: &str) -> Rules {
        let is_to_read = self.to_read.contains(workflow_id);
        Rules {
            everything: self.rules.everything || is_to_read,
            trusts_empty: !is_to_read,
            ..self.rules
        }
    }

    pub(crate) fn is_inside(&self, from: i64, run: &ListedRun) -> bool {
        run.scheduled >= from && self.until.is_none_or(|until| run.scheduled < until)
    }

    pub(crate) fn sort_in_run(
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
        let is_there = stored.is_some_and(|stored| {
            stored.same_state(&run, settled) && !stored.lacks(self.rules.wanted)
        });
        if is_there && self.skip_days.contains(&day) {
            survey.counts.skipped_committed += 1;
            survey.hold(workflow_id, &run, stored);
            return;
        }
        let Decision::Store(reading) = decide(&run, settled, stored, self.rules_for(workflow_id))
        else {
            survey.counts.skipped_settled += u64::from(settled);
            survey.hold(workflow_id, &run, stored);
            return;
        };
        survey.counts.skipped_empty += u64::from(reading.children.is_empty() && run.is_empty());
        let same = stored.filter(|stored| stored.same_state(&run, settled));
        survey.days.entry(day).or_default().push(RunTask {
            workflow_id: Arc::clone(workflow_id),
            is_deleted: scope.is_deleted,
            counts_users: scope.workflow.counts_users() && run.counts_users,
            run_id: run.id.clone(),
            scheduled_as_stored: Box::default(),
            settled,
            reading,
            is_unchanged: same.is_some(),
            known_rows: same.map_or_else(PerChild::default, |stored| stored.rows),
            reports: None,
            listed: Some(run),
        });
    }
}

/// The service's clock, or this machine's where the service has not said.
pub(crate) fn service_now(client: &GraphClient) -> i64 {
    client
        .service_now()
        .unwrap_or_else(Timestamp::now)
        .as_microsecond()
}

/// An instant of the service; those that the calendar does not have are never asked for.
pub(crate) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}
