//! What the service itself counts for a workflow, against what it listed and what the dataset holds.
//!
//! A page of the run listing that is silently dropped leaves no run behind that could be short. The
//! service's `runs/summary` still counts it. It is asked for workflows that have news, so that an
//! export with nothing new asks nothing more than its listings.
//!
//! Nothing says by which date the service puts runs and results into the window of a summary, and a
//! result can be scheduled a little before its run. So windows begin a day after the listing does and
//! end an hour before it was made, or before the oldest run whose counters may still move, and only
//! more than all that was listed up to that run counts as a shortfall.

use futures_util::{StreamExt, stream};
use lcw_extractor::{ExtractError, GraphPath};
use lcw_model::time::format_micros;
use lcw_transform::Table;
use serde::Serialize;
use tracing::debug;

use crate::ask_runs::{Listing, filter, keep_newest};
use crate::catalog::{is_refusal, stops_everything};
use crate::children::{Child, PerChild};
use crate::coverage::DAY;
use crate::decide::{Decision, decide};
use crate::decode::{self, Totals};
use crate::listing::ListedRun;
use crate::not_covered::NotCovered;
use crate::proof::ShortRun;
use crate::survey::{Search, Survey, instant};

/// What the service counts for one workflow, and what is there of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    window: Window,
    /// `runs/summary`.
    runs: Totals,
    /// `userProcessingResults/summary`.
    users: Totals,
    runs_held: i64,
    /// Rows that the dataset holds of each table; none where that is not known.
    rows_held: PerChild<Held>,
    /// `taskReports/summary` beside the reports.
    reported_tasks: Option<Measure>,
}

/// The counts of one workflow, as far as they were to be had.
struct Count {
    counted: Counted,
    /// Runs that were found because of them.
    found: u64,
    /// The last request that failed.
    failure: Option<ExtractError>,
}

impl Count {
    /// # Errors
    /// What stops everything.
    fn unless_failed<T>(
        &mut self,
        answer: Result<T, ExtractError>,
    ) -> Result<Option<T>, ExtractError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if stops_everything(&error) => Err(error),
            Err(error) => {
                self.failure = Some(error);
                Ok(None)
            }
        }
    }
}

impl Survey {
    /// The service's own counts of a workflow are not to be had, or not all of them. A refusal is
    /// told once; what failed is asked for again by the next export.
    fn not_counted(&mut self, workflow_id: &str, error: &ExtractError, is_tolerated: bool) {
        debug!(workflow.id = workflow_id, %error, "the service's own counts are not to be had");
        if !is_refusal(error) {
            let what = format!("the service's own counts of workflow {workflow_id}");
            let missing = NotCovered::new(what, error, true).of_workflow(workflow_id);
            self.not_covered.push(missing);
            self.uncounted.insert(workflow_id.to_owned());
            return;
        }
        let is_told = self.not_covered.iter().any(|known| known.what == REFUSED);
        if !is_told && !is_tolerated {
            self.not_covered
                .push(NotCovered::new(REFUSED, error, false));
        }
    }
}

/// Which runs are counted, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    pub(crate) from: i64,
    /// Runs that are scheduled before then were listed.
    pub(crate) until: i64,
    /// The counters of runs that are scheduled before then have settled.
    settled_until: i64,
}

/// Told once, however many workflows it is about.
const REFUSED: &str = "the service's own counts, which it refuses";

/// How much earlier than its run a result may be scheduled.
const MARGIN: i64 = DAY / 24;

/// A sum that is not known as soon as one of its parts is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held(Option<i64>);

impl Default for Held {
    fn default() -> Self {
        Self(Some(0))
    }
}

/// One number of the service beside the dataset's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// What the service counts.
    pub counted: i64,
    /// What was listed, or the dataset holds.
    pub held: i64,
}

/// The service's own counts for one workflow beside what is there.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowProof {
    /// The workflow.
    pub workflow_id: String,
    #[serde(skip)]
    pub(crate) window: Window,
    /// Start of the window that was counted; RFC 3339.
    pub from: String,
    /// End of the window that was counted; RFC 3339.
    pub to: String,
    /// Runs: `runs/summary` beside the listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Measure>,
    /// Users over all runs whose counters have settled: `userProcessingResults/summary` beside the
    /// rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Measure>,
    /// The same of tasks: `userProcessingResults/summary` beside the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Measure>,
    /// The same since the oldest run whose task reports were read: `taskReports/summary` beside the
    /// reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_tasks: Option<Measure>,
    /// `matched`, or `short` where the service counts more than there is.
    pub verdict: &'static str,
}

impl Counted {
    /// Until when the service's own counts stand still.
    pub(crate) fn until(&self) -> i64 {
        self.window.settled_until - MARGIN
    }

    /// The dataset holds so many rows below a run that is scheduled then.
    pub(crate) fn hold_known(&mut self, scheduled: i64, rows: &PerChild<Option<i32>>) {
        if scheduled >= self.window.settled_until {
            return;
        }
        for child in Child::ALL {
            let Held(sum) = &mut self.rows_held[child];
            *sum = sum
                .zip(rows[child])
                .map(|(sum, rows)| sum + i64::from(rows));
        }
    }

    /// What the service counts over task reports, beside those that it listed.
    pub(crate) fn compare_reports(&mut self, measure: Measure) {
        self.reported_tasks = Some(measure);
    }

    /// How many runs the service counts beyond those that were listed.
    fn runs_missing(&self) -> i64 {
        self.runs.runs.map_or(0, |counted| counted - self.runs_held)
    }

    /// The comparison, when the service let itself be counted at all. A filter that leaves out users
    /// makes their number say nothing.
    pub(crate) fn proof(&self, workflow_id: &str, is_filtered: bool) -> Option<WorkflowProof> {
        let measure = |counted: Option<i64>, held: Option<i64>| {
            let (counted, held) = counted.zip(held)?;
            Some(Measure { counted, held })
        };
        let Held(users) = self.rows_held[Child::Results];
        let Held(subjects) = self.rows_held[Child::Subjects];
        let users = users.map(|users| users + subjects.unwrap_or(0));
        let Held(tasks) = self.rows_held[Child::Tasks];
        let measures = [
            measure(self.runs.runs, Some(self.runs_held)),
            measure(self.users.users, users.filter(|_| !is_filtered)),
            measure(self.users.tasks, tasks.filter(|_| !is_filtered)),
            self.reported_tasks,
        ];
        let is_short = |measure: &Option<Measure>| {
            measure.is_some_and(|measure| measure.counted > measure.held)
        };
        let short = measures.iter().any(is_short);
        let [runs, users, tasks, reported_tasks] = measures;
        measures.iter().any(Option::is_some).then(|| WorkflowProof {
            workflow_id: workflow_id.to_owned(),
            window: self.window,
            from: format_micros(self.window.from),
            to: format_micros(self.window.until - MARGIN),
            runs,
            users,
            tasks,
            reported_tasks,
            verdict: if short { "short" } else { "matched" },
        })
    }
}

impl WorkflowProof {
    fn measures(&self) -> [(Table, Option<Measure>); 4] {
        [
            (Table::Runs, self.runs),
            (Table::UserProcessingResults, self.users),
            (Table::TaskProcessingResults, self.tasks),
            (Table::TaskReports, self.reported_tasks),
        ]
    }

    /// Whether the service was asked for its number of the table.
    pub(crate) fn measures_table(&self, table: &str) -> bool {
        let mut measures = self.measures().into_iter();
        measures.any(|(measured, measure)| measured.name() == table && measure.is_some())
    }

    /// What the service counts more of than there is.
    pub(crate) fn shortfalls(&self) -> impl Iterator<Item = ShortRun> + '_ {
        self.measures().into_iter().filter_map(|(table, measure)| {
            let Measure { counted, held } = measure.filter(|it| it.counted > it.held)?;
            let short = ShortRun::of_run(table, &self.workflow_id, "", "");
            Some(short.counting(counted, u64::try_from(held).unwrap_or(0)))
        })
    }
}

impl Search<'_> {
    /// Asks for the service's own counts of every workflow with news, and lists the runs of those
    /// again of which it counts more than it listed: by when they started, then without a filter.
    ///
    /// Each request that fails, fails alone: what was counted before stands.
    ///
    /// # Errors
    /// What stops everything. Counts that are refused are done without.
    pub(crate) async fn count(
        &self,
        listings: &mut [Listing],
        survey: &mut Survey,
    ) -> Result<(), ExtractError> {
        let asked: Vec<_> = listings
            .iter_mut()
            .filter_map(|listing| {
                self.window_to_count(listing)
                    .map(|window| (listing, window))
            })
            .collect();
        let mut answers = stream::iter(asked)
            .map(|(listing, window)| async move {
                let answer = self.count_one(listing, window).await;
                (listing, answer)
            })
            .buffer_unordered(self.concurrency);
        while let Some((listing, answer)) = answers.next().await {
            let count = answer?;
            survey.found_again += count.found;
            if let Some(error) = &count.failure {
                let is_tolerated = listing.scope.is_deleted && is_refusal(error);
                survey.not_counted(&listing.scope.workflow.id, error, is_tolerated);
            }
            let id = listing.scope.workflow.id.clone();
            survey.counted.insert(id, count.counted);
        }
        Ok(())
    }

    /// The window of a listing with news that can be counted.
    fn window_to_count(&self, listing: &Listing) -> Option<Window> {
        let id = &listing.scope.workflow.id;
        let runs = || {
            let inside = |run: &&_| self.is_inside(listing.from, run);
            listing.runs.values().filter(inside)
        };
        let is_settled = |run: &ListedRun| run.is_settled(self.now, self.settle);
        let mut rules = self.rules_for(id);
        rules.wanted.children = rules.wanted.children.required();
        let is_news = |run: &ListedRun| {
            let stored = self.stored.get(id, &run.id);
            let day = stored.map_or(run.day, |stored| stored.day);
            is_settled(run)
                && !self.skip_days.contains(&day)
                && decide(run, true, stored, rules) != Decision::Skip
        };
        let id = id.as_str();
        if !self.to_count.contains(id) && !runs().any(is_news) {
            return None;
        }
        // A run that is held back for an administrator stands still, too.
        let moves = |run: &&ListedRun| !is_settled(run) && &*run.status != "quarantined";
        let oldest_moving = runs().filter(moves).map(|run| run.scheduled).min();
        let until = self.until.unwrap_or(self.now).min(self.now);
        let window = Window {
            from: listing.from + DAY,
            until,
            settled_until: oldest_moving.map_or(until, |oldest| oldest.min(until)),
        };
        (window.from < until - MARGIN).then_some(window)
    }

    async fn count_one(
        &self,
        listing: &mut Listing,
        window: Window,
    ) -> Result<Count, ExtractError> {
        let below = listing.scope.path();
        let ask = async |path: GraphPath, until: i64| {
            let path = path.summary(instant(window.from), instant(until - MARGIN));
            self.client.entity(path, &mut decode::Summary).await
        };
        let mut count = Count {
            counted: Counted {
                window,
                ..Counted::default()
            },
            found: 0,
            failure: None,
        };
        let runs = ask(below.clone().runs(), window.until).await;
        count.counted.runs = count.unless_failed(runs)?.unwrap_or_default();
        let counts_rows = self.rules.wanted.children.contains(Child::Results);
        if counts_rows && window.from < window.settled_until - MARGIN {
            let users = ask(below.user_processing_results(), window.settled_until).await;
            count.counted.users = count.unless_failed(users)?.unwrap_or_default();
        }
        count.counted.runs_held = self.runs_until(listing, window.until);
        let before = listing.runs.len();
        for again in [Some(filter("startedDateTime", listing.from, None)), None] {
            if count.counted.runs_missing() <= 0 {
                break;
            }
            let listed = self.list(&listing.scope, again.as_deref()).await;
            let Some((runs, _)) = count.unless_failed(listed)? else {
                continue;
            };
            let runs = runs.into_values();
            let from = listing.from;
            runs.filter(|run| self.is_inside(from, run))
                .for_each(|run| keep_newest(&mut listing.runs, run));
            count.counted.runs_held = self.runs_until(listing, window.until);
        }
        count.found = (listing.runs.len() - before) as u64;
        Ok(count)
    }

    /// Listed runs that are scheduled before then.
    fn runs_until(&self, listing: &Listing, until: i64) -> i64 {
        let runs = listing.runs.values();
        let runs = runs.filter(|run| run.scheduled < until && self.is_inside(listing.from, run));
        i64::try_from(runs.count()).unwrap_or(i64::MAX)
    }
}
