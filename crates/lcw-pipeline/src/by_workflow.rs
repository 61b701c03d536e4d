//! The second route: the results of many small runs in one chain of requests.
//!
//! `workflows/{id}/userProcessingResults` brings the results of all runs of a workflow within a
//! window, but does not say which run they belong to. Where result ids have the form
//! `{workflow}_{version}_{run}_{user}`, they do. No source promises that form, so nothing is
//! believed: a row is a run's when its id is made of that run's very id, and a run's rows are taken
//! when there are exactly as many as its counter says. Everything else is read run by run.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, StreamExt, stream};
use lcw_extractor::{DecodeError, Decoded, ExtractError, GraphClient, GraphPath, PageDecoder};
use lcw_model::time::format_micros;
use lcw_model::{UserProcessingResult, parse_entity, parse_raw_page};
use tracing::debug;

use crate::children::Child;
use crate::coverage::DAY;
use crate::decode::refuse;
use crate::fetch::ROWS_IN_FLIGHT;
use crate::options::Asking;
use crate::request::{Request, Route};
use crate::survey::RunTask;

/// Rows that a page is taken to hold while the service has not shown any.
pub(crate) const ROWS_PER_PAGE: u64 = 100;

/// Rows that may be held for a few days of runs, beside those in flight.
const ROWS_HELD: u64 = ROWS_IN_FLIGHT as u64 / 2;

/// How far the window reaches beyond the last run: a result can be scheduled after its run.
const HOUR: i64 = DAY / 24;

/// The listed runs of each workflow: when they were scheduled, and how many users they count.
pub(crate) type Sizes = HashMap<Arc<str>, Vec<(i64, u64)>>;

/// Results as they were sent, a body for each run: by the place of its day in the stretch and its
/// own in the day.
pub(crate) type Gathered = HashMap<Place, String>;

type Place = (usize, usize);

/// Which runs are gathered.
#[derive(Debug)]
pub(crate) struct Chooser {
    /// Rows of the largest run that is.
    most_rows: u64,
    /// Also where it takes more requests.
    always: bool,
    sizes: Sizes,
}

impl Chooser {
    /// `sizes` are those of all listed runs: a window brings the rows of every run in it.
    pub(crate) fn new(request: &Request, sizes: Sizes) -> Self {
        let is_whole = !request.is_filtered() && request.query.select.is_none();
        let most_rows = match request.route {
            _ if !is_whole => 0,
            Route::Run => 0,
            // A full page is not saved.
            Route::Auto => ROWS_PER_PAGE - 1,
            Route::Workflow => ROWS_HELD,
        };
        Self {
            most_rows,
            always: request.route == Route::Workflow,
            sizes,
        }
    }

    /// How many results a run has to have, when it may be gathered: its counter is to be trusted.
    fn rows(&self, run: &RunTask) -> Option<u64> {
        let is_read = run.reading.children.contains(Child::Results) && !run.is_deleted;
        let rows = run.provable(Child::Results, false)? as u64;
        (is_read && (1..=self.most_rows).contains(&rows)).then_some(rows)
    }

    /// Cuts days into stretches with no more rows than may be held.
    pub(crate) fn stretches<'p>(
        &self,
        days: impl IntoIterator<Item = &'p [RunTask]>,
    ) -> Vec<Range<usize>> {
        let mut stretches: Vec<Range<usize>> = Vec::new();
        let mut held = 0;
        for (day, runs) in days.into_iter().enumerate() {
            let rows: u64 = runs.iter().filter_map(|run| self.rows(run)).sum();
            held += rows;
            match stretches.last_mut() {
                Some(stretch) if held <= ROWS_HELD => stretch.end = day + 1,
                _ => {
                    held = rows;
                    stretches.push(day..day + 1);
                }
            }
        }
        stretches
    }

    /// What is gathered for a stretch, sorted by workflow.
    pub(crate) fn choose<'p>(
        &self,
        stretch: impl IntoIterator<Item = &'p [RunTask]>,
    ) -> Vec<Gathering> {
        let mut gatherings: BTreeMap<&Arc<str>, Gathering> = BTreeMap::new();
        let mut held = 0;
        for (day, runs) in stretch.into_iter().enumerate() {
            for (place, run) in runs.iter().enumerate() {
                let (Some(rows), Some(listed)) = (self.rows(run), &run.listed) else {
                    continue;
                };
                held += rows;
                if held > ROWS_HELD {
                    break;
                }
                let gathering = gatherings
                    .entry(&run.workflow_id)
                    .or_insert_with(|| Gathering::of(&run.workflow_id, listed.scheduled));
                gathering.add(run, (day, place), listed.scheduled, rows);
            }
        }
        let gatherings = gatherings.into_values();
        gatherings
            .map(|gathering| self.weighed(gathering))
            .filter(|gathering| self.always || gathering.saves(ROWS_PER_PAGE) > 0)
            .collect()
    }

    fn weighed(&self, gathering: Gathering) -> Gathering {
        let runs = self.sizes.get(&gathering.workflow_id);
        let runs = runs.into_iter().flatten();
        let inside = runs.filter(|(scheduled, _)| gathering.window.contains(scheduled));
        let rows: u64 = inside.map(|(_, users)| users).sum();
        Gathering {
            rows_inside: rows,
            ..gathering
        }
    }
}

/// One chain of requests for runs of one workflow.
#[derive(Debug)]
pub(crate) struct Gathering {
    workflow_id: Arc<str>,
    /// By run id.
    runs: HashMap<Box<str>, Place>,
    /// How many rows each of them has.
    rows: Vec<u64>,
    window: Range<i64>,
    /// Rows of all runs that are scheduled inside the window.
    rows_inside: u64,
}

impl Gathering {
    fn of(workflow_id: &Arc<str>, scheduled: i64) -> Self {
        Self {
            workflow_id: Arc::clone(workflow_id),
            runs: HashMap::new(),
            rows: Vec::new(),
            window: scheduled - DAY..scheduled + HOUR,
            rows_inside: 0,
        }
    }

    fn add(&mut self, run: &RunTask, place: Place, scheduled: i64, rows: u64) {
        self.window.start = self.window.start.min(scheduled - DAY);
        self.window.end = self.window.end.max(scheduled + HOUR);
        self.rows.push(rows);
        self.runs.insert(run.run_id.clone(), place);
    }

    /// How many requests it takes with pages of so many rows.
    pub(crate) fn requests(&self, per_page: u64) -> u64 {
        pages(self.rows_inside, per_page)
    }

    /// How many the same runs take one by one.
    pub(crate) fn requests_by_run(&self, per_page: u64) -> u64 {
        self.rows.iter().map(|rows| pages(*rows, per_page)).sum()
    }

    /// How many requests fewer it takes than the same runs one by one.
    fn saves(&self, per_page: u64) -> u64 {
        let by_run = self.requests_by_run(per_page);
        by_run.saturating_sub(self.requests(per_page))
    }

    /// Pages can be smaller than they are taken to be, but not for long: what is given up has to be
    /// asked for run by run.
    fn most_requests(&self) -> u64 {
        let by_run = self.requests_by_run(ROWS_PER_PAGE);
        2 * by_run.max(self.requests(ROWS_PER_PAGE)) + 2
    }

    fn filter(&self) -> String {
        let (from, until) = (self.window.start, self.window.end);
        let (from, until) = (format_micros(from), format_micros(until));
        format!("scheduledDateTime ge {from} and scheduledDateTime lt {until}")
    }
}

/// Requests that so many rows take with pages of so many.
pub(crate) fn pages(rows: u64, per_page: u64) -> u64 {
    rows.div_ceil(per_page).max(1)
}

/// Reads what is gathered.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    /// The service's ids of results have been seen to name no runs.
    is_of_no_use: AtomicBool,
}

impl Gatherer {
    /// Gathers side by side. What cannot be gathered is not there, and why does not matter: it is
    /// asked for run by run, which says what is wrong.
    pub(crate) async fn gather(
        &self,
        client: &GraphClient,
        asking: &Asking,
        gatherings: Vec<Gathering>,
        concurrency: usize,
    ) -> Gathered {
        stream::iter(gatherings)
            .map(|gathering| self.gather_one(client, asking, gathering))
            .buffer_unordered(concurrency)
            .fold(Gathered::new(), |mut all, some| async {
                all.extend(some);
                all
            })
            .await
    }

    async fn gather_one(
        &self,
        client: &GraphClient,
        asking: &Asking,
        gathering: Gathering,
    ) -> Gathered {
        if self.is_of_no_use.load(Ordering::Relaxed) {
            return Gathered::new();
        }
        let path = GraphPath::workflow(&gathering.workflow_id).user_processing_results();
        let (filter, form) = (gathering.filter(), asking.form());
        let request = asking.request(path, Child::Results, Some(&filter), form);
        let mut sorter = Sorter::new(&gathering);
        let end = self
            .read(client.pages(request, &mut sorter), &gathering)
            .await;
        debug!(workflow = %gathering.workflow_id, runs = gathering.runs.len(), ?end, "gathered runs");
        match end {
            End::Whole => sorter.finish(),
            End::Useless | End::Failed => Gathered::new(),
        }
    }

    async fn read(
        &self,
        pages: impl Stream<Item = Result<Sorted, ExtractError>>,
        gathering: &Gathering,
    ) -> End {
        let mut pages = pin!(pages);
        let (mut asked, mut kept) = (0, 0);
        let rows: u64 = gathering.rows.iter().sum();
        loop {
            match pages.next().await {
                None => return End::Whole,
                Some(Err(_)) => return End::Failed,
                Some(Ok(Sorted {
                    rows: 1..,
                    named: 0,
                    ..
                })) => {
                    self.is_of_no_use.store(true, Ordering::Relaxed);
                    return End::Useless;
                }
                Some(Ok(page)) => (asked, kept) = (asked + 1, kept + page.kept as u64),
            }
            // Far more than the counters say, whatever it is: neither asked for nor kept.
            if kept > 2 * rows + ROWS_PER_PAGE || asked > gathering.most_requests() {
                return End::Useless;
            }
        }
    }
}

/// How a chain of requests ended.
#[derive(Debug)]
enum End {
    Whole,
    Useless,
    Failed,
}

/// What became of the rows of a page.
struct Sorted {
    rows: usize,
    /// Rows whose id has the form that names a run.
    named: usize,
    /// Rows of runs that are gathered.
    kept: usize,
}

/// Sorts rows by the run that their id names, each run's into a body of its own.
struct Sorter<'g> {
    gathering: &'g Gathering,
    bodies: Gathered,
}

impl<'g> Sorter<'g> {
    fn new(gathering: &'g Gathering) -> Self {
        Self {
            gathering,
            bodies: Gathered::new(),
        }
    }

    fn finish(mut self) -> Gathered {
        for body in self.bodies.values_mut() {
            body.push_str("]}");
        }
        self.bodies
    }

    fn keep(&mut self, place: Place, row: &str) {
        let body = self.bodies.entry(place).or_default();
        body.push_str(if body.is_empty() { "{\"value\":[" } else { "," });
        body.push_str(row);
    }
}

impl PageDecoder for Sorter<'_> {
    type Output = Sorted;

    fn decode(&mut self, body: &str) -> Result<Decoded<Sorted>, DecodeError> {
        let page = parse_raw_page(body).map_err(refuse)?;
        let rows = page.value.len();
        let (mut named, mut kept) = (0, 0);
        for row in page.value {
            // A row that cannot be read is missed by its run, which is then asked for it.
            let Ok(result) = parse_entity::<UserProcessingResult<'_>>(row) else {
                continue;
            };
            let Some(run_id) = run_named_by(&result, &self.gathering.workflow_id) else {
                continue;
            };
            named += 1;
            if let Some(place) = self.gathering.runs.get(run_id) {
                kept += 1;
                self.keep(*place, row);
            }
        }
        Ok(Decoded {
            output: Sorted { rows, named, kept },
            next_link: page.next_link.map(|link| link.as_str().to_owned()),
            rows,
        })
    }

    fn restarted(&mut self) {
        self.bodies.clear();
    }
}

/// The id of the run that a result's id names: `{workflow}_{version}_{run}_{user}`.
fn run_named_by<'r>(result: &'r UserProcessingResult<'_>, workflow_id: &str) -> Option<&'r str> {
    let rest = result.id.as_str().strip_prefix(workflow_id)?;
    let (version, rest) = rest.strip_prefix('_')?.split_once('_')?;
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let subject = result.subject.as_option()?.id.as_option()?;
    rest.strip_suffix(subject.as_str())?.strip_suffix('_')
}
