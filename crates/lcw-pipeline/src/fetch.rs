//! Reads what is below one run, in as many ways as the count proof asks for.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use futures_util::{Stream, TryStreamExt};
use jiff::civil::Date;
use lcw_extractor::{ExtractError, GraphClient, GraphPath, PageDecoder as _};
use lcw_transform::{
    ChildRows, Layout, Lineage, ReprocessedRows, ResultRows, Rows, SubjectResultRows,
    TaskResultRows,
};

use crate::by_workflow::{Gathered, Gatherer, Gathering};
use crate::catalog::{is_refusal, may_have_moved, path_of};
use crate::children::Child;
use crate::coverage::{DAY, DEFAULT_WINDOW};
use crate::decode::{self, OddRows, SetAside, Sieve};
use crate::in_turn::Share;
use crate::options::Asking;
use crate::people::People;
use crate::progress::Progress;
use crate::request::{DeletedWorkflows, Request};
use crate::survey::{RunTask, service_now};
use crate::trouble::{Reach, reach};
use crate::ways::Way;

/// Rows that may be in memory at once; a larger run is read alone.
pub(crate) const ROWS_IN_FLIGHT: u32 = 32_768;

/// How many rows a row with its original object is as large as.
const ROWS_OF_A_RAW_ONE: u32 = 3;

/// How many rows a row is as large as whose subject came with its properties: its columns, and its
/// original object, too.
const ROWS_OF_AN_EXPANDED_ONE: u32 = 2;

/// How many rows the columns of a run are as large as before they hold any: with thousands of runs
/// of a few users at hand, they are most of what is in memory.
const ROWS_OF_NONE: u32 = 32;

/// What a run without a counter is taken for.
const ROWS_EXPECTED: u32 = 256;

/// The runs of one day, in the order of their rows.
#[derive(Debug)]
pub(crate) struct DayPlan {
    pub(crate) day: Date,
    pub(crate) runs: Vec<RunTask>,
}

impl DayPlan {
    /// How many chains of requests it takes.
    pub(crate) fn count_errands(&self) -> usize {
        let children = self
            .runs
            .iter()
            .map(|run| run.reading.children.iter().count());
        children.sum()
    }
}

/// What has to be read for a stretch of days, in the order in which it is written.
fn errands(stretch: &[Arc<DayPlan>], mut gathered: Gathered) -> Vec<Errand> {
    let mut all = Vec::new();
    for (day, plan) in stretch.iter().enumerate() {
        for mut errand in errands_of_day(plan) {
            if errand.child == Child::Results {
                errand.gathered = gathered.remove(&(day, errand.run));
            }
            all.push(errand);
        }
    }
    all
}

fn errands_of_day(plan: &Arc<DayPlan>) -> Vec<Errand> {
    let of_child = |child| {
        let runs = plan.runs.iter().enumerate();
        runs.filter(move |(_, run)| run.reading.children.contains(child))
            .map(move |(run, _)| Errand {
                plan: Arc::clone(plan),
                run,
                child,
                gathered: None,
            })
    };
    Child::ALL.into_iter().flat_map(of_child).collect()
}

/// One chain of requests: a table below a run.
pub(crate) struct Errand {
    pub(crate) plan: Arc<DayPlan>,
    pub(crate) run: usize,
    pub(crate) child: Child,
    /// What the service sent for it together with other runs.
    gathered: Option<String>,
}

impl Errand {
    fn task(&self) -> &RunTask {
        &self.plan.runs[self.run]
    }

    /// How many rows it is taken to bring.
    fn rows_expected(&self) -> u32 {
        let counted = self.task().counted(self.child);
        counted
            .and_then(|rows| u32::try_from(rows).ok())
            .map_or(ROWS_EXPECTED, |rows| rows.clamp(1, ROWS_IN_FLIGHT))
    }

    /// What it takes of the rows in flight, each of which weighs so much.
    pub(crate) fn share(&self, row_weight: u32) -> u32 {
        share_of(self.rows_expected(), row_weight)
    }
}

/// How many plain rows each row of an export is as large as.
pub(crate) fn row_weight(keep_raw: bool, expands_subject: bool) -> u32 {
    let raw = if keep_raw { ROWS_OF_A_RAW_ONE } else { 1 };
    let expanded = if expands_subject {
        ROWS_OF_AN_EXPANDED_ONE
    } else {
        1
    };
    raw * expanded
}

/// What so many rows of one run take of the rows in flight. More than there is would never be
/// handed out.
fn share_of(rows: u32, row_weight: u32) -> u32 {
    let rows = rows.saturating_mul(row_weight);
    rows.saturating_add(ROWS_OF_NONE).min(ROWS_IN_FLIGHT)
}

/// What every read of an export shares.
pub(crate) struct Fetcher {
    client: GraphClient,
    layout: Layout,
    export_id: String,
    progress: Arc<Progress>,
    deleted: DeletedWorkflows,
    odd: OddRows,
    people: People,
    is_filtered: bool,
    asking: Asking,
    gatherer: Gatherer,
    concurrency: usize,
    /// Workflows and tables of which the service has refused a run: the others are not asked for.
    refused: Mutex<HashSet<(Arc<str>, Child)>>,
}

/// What became of one errand.
pub(crate) struct Fetched {
    pub(crate) outcome: Outcome,
    /// Held until the rows are written: bounds what is in memory.
    _in_flight: Share,
}

pub(crate) enum Outcome {
    /// All that the service returned.
    Read(Read),
    /// The service no longer has the run.
    Gone(ExtractError),
    /// The service refuses its rows.
    Refused(ExtractError),
    /// The service has refused the rows of another run of the workflow: not asked.
    RefusedBefore,
    /// They could not be read this time.
    Failed(ExtractError),
}

/// The rows of one table below one run.
pub(crate) struct Read {
    /// Unique and sorted by id.
    pub(crate) rows: Rows,
    /// Rows that the service returned besides, about people who are forgotten.
    pub(crate) forgotten: usize,
    /// The last way that was tried.
    pub(crate) way: Way,
    pub(crate) set_aside: Vec<SetAside>,
    /// Rows by the id of their task, for task results.
    pub(crate) by_task: BTreeMap<Box<str>, i32>,
}

impl Fetcher {
    pub(crate) fn new(
        request: &Request,
        client: GraphClient,
        layout: Layout,
        export_id: String,
        people: People,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            client,
            layout,
            export_id,
            progress,
            deleted: request.deleted_workflows,
            odd: request.odd_rows(),
            people,
            is_filtered: request.is_filtered(),
            asking: Asking::new(&request.query),
            gatherer: Gatherer::default(),
            concurrency: request.max_concurrency,
            refused: Mutex::default(),
        }
    }

    /// What has to be read for a stretch of days, some of it with what was gathered for it.
    pub(crate) async fn prepare(
        self: Arc<Self>,
        stretch: Vec<Arc<DayPlan>>,
        gatherings: Vec<Gathering>,
    ) -> Vec<Errand> {
        let (client, asking) = (&self.client, &self.asking);
        let gathered = self
            .gatherer
            .gather(client, asking, gatherings, self.concurrency);
        errands(&stretch, gathered.await)
    }

    /// Reads what an errand is about; its share of the rows in flight goes along with them.
    ///
    /// # Errors
    /// Only what stops the whole export; anything else is the run's [`Outcome`].
    pub(crate) async fn fetch(
        self: Arc<Self>,
        errand: Errand,
        share: Share,
    ) -> Result<Fetched, ExtractError> {
        if self.is_refused(&errand) {
            return Ok(Fetched {
                outcome: Outcome::RefusedBefore,
                _in_flight: None,
            });
        }
        let outcome = match self.read_where_it_lives(&errand).await {
            Ok(read) => {
                self.progress.run_read(read.rows.len());
                Outcome::Read(read)
            }
            Err(error) if errand.child.is_tolerated() && is_refusal(&error) => {
                self.note_refusal(&errand);
                Outcome::Refused(error)
            }
            Err(error) => match reach(&error) {
                // The service need not know what is below a deleted workflow.
                Reach::Everything if !(errand.task().is_deleted && is_bad_request(&error)) => {
                    return Err(error);
                }
                Reach::Gone => Outcome::Gone(error),
                Reach::Refused | Reach::Everything => {
                    self.note_refusal(&errand);
                    Outcome::Refused(error)
                }
                Reach::JustThis => Outcome::Failed(error),
            },
        };
        Ok(Fetched {
            outcome,
            _in_flight: share,
        })
    }

    fn is_refused(&self, errand: &Errand) -> bool {
        let key = (Arc::clone(&errand.task().workflow_id), errand.child);
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.contains(&key)
    }

    fn note_refusal(&self, errand: &Errand) {
        let key = (Arc::clone(&errand.task().workflow_id), errand.child);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(key);
    }

    async fn read_where_it_lives(&self, errand: &Errand) -> Result<Read, ExtractError> {
        // As `where_it_lives`, which cannot promise that it may move between threads.
        let is_deleted = errand.task().is_deleted;
        match self.read_child(errand, is_deleted).await {
            Err(error) if !is_deleted && may_have_moved(&error, self.deleted) => {
                match self.read_child(errand, true).await {
                    Err(again) if is_refusal(&again) => Err(error),
                    answer => answer,
                }
            }
            answer => answer,
        }
    }

    /// The rows that were gathered for a run, when they are all that it counts.
    fn take_gathered<R: ChildRows>(&self, errand: &Errand) -> Option<Read> {
        let (task, child) = (errand.task(), errand.child);
        let mut decoder = self.decoder::<R>(errand);
        decoder.decode(errand.gathered.as_ref()?).ok()?;
        let rows = self.people.pseudonymise(R::TABLE, decoder.rows.finish());
        let rows = rows.sorted_unique(&["id"]);
        let sent = rows.len() + decoder.sieve.set_aside.len();
        if task.provable(child, self.is_filtered) != Some(sent) {
            return None;
        }
        let (rows, forgotten) = self.people.leave_out(R::TABLE, rows);
        Some(Read {
            rows,
            forgotten,
            way: Way::Workflow,
            set_aside: decoder.sieve.set_aside,
            by_task: BTreeMap::new(),
        })
    }

    async fn read_child(&self, errand: &Errand, is_deleted: bool) -> Result<Read, ExtractError> {
        if let Some(read) = self.take_gathered::<ResultRows>(errand) {
            return Ok(read);
        }
        match errand.child {
            Child::Results => self.read::<ResultRows>(errand, is_deleted).await,
            Child::Tasks => self.read::<TaskResultRows>(errand, is_deleted).await,
            Child::Subjects => self.read::<SubjectResultRows>(errand, is_deleted).await,
            Child::Reprocessed => self.read::<ReprocessedRows>(errand, is_deleted).await,
        }
    }

    async fn read<R: ChildRows>(
        &self,
        errand: &Errand,
        is_deleted: bool,
    ) -> Result<Read, ExtractError> {
        let (task, child) = (errand.task(), errand.child);
        let run = path_of(&task.workflow_id, is_deleted).run(&task.run_id);
        let path = child.below(run);
        let since = task.listed.as_ref().map_or(0, |listed| listed.scheduled) - DAY;
        let mut decoder = self.decoder::<R>(errand);
        let mut united: Option<Rows> = None;
        let mut last_way = None;
        let counted = task.provable(child, self.is_filtered);
        for way in Way::of(child) {
            if self.asking.is_refused(child, *way) {
                continue;
            }
            let read = self.drain(&path, child, way.filter(since), &mut decoder);
            match read.await {
                Ok(()) => last_way = Some(*way),
                Err(error) if self.asking.can_do_without(child, *way, &error) => continue,
                Err(error) if last_way.is_some() && is_no_way(&error) => continue,
                // What is missing has been counted, and is named.
                Err(error)
                    if last_way.is_some()
                        && counted.is_some()
                        && reach(&error) == Reach::JustThis =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
            let more = self.people.pseudonymise(R::TABLE, decoder.rows.finish());
            let all = unite(united.take(), more);
            let sent = all.len() + decoder.sieve.set_aside.len();
            united = Some(all);
            let is_enough = match counted {
                Some(counted) => sent >= counted,
                None => !self.may_hide_rows(task),
            };
            if is_enough {
                break;
            }
        }
        let united = united.unwrap_or_else(|| decoder.rows.finish());
        let by_task = match child {
            Child::Tasks => by_task(&united),
            _ => BTreeMap::new(),
        };
        // Once they are united and counted: what the service returned is compared with its count.
        let (rows, forgotten) = self.people.leave_out(R::TABLE, united);
        Ok(Read {
            rows,
            forgotten,
            way: last_way.unwrap_or(Way::Unfiltered),
            set_aside: decoder.sieve.set_aside,
            by_task,
        })
    }

    /// Whether a way that does not lift the service's default window would leave out rows of the
    /// run: where nothing counts them, nobody would notice. The counters of a run that is not
    /// settled count nothing, and one that never settles is given up in the end.
    fn may_hide_rows(&self, task: &RunTask) -> bool {
        let oldest_shown = service_now(&self.client) - DEFAULT_WINDOW + DAY;
        let listed = task.listed.as_ref();
        listed.is_some_and(|run| run.scheduled < oldest_shown)
    }

    fn decoder<R: ChildRows>(&self, errand: &Errand) -> decode::Children<R> {
        let task = errand.task();
        let lineage = Lineage {
            export_id: self.export_id.clone(),
            extracted_at_micros: service_now(&self.client),
        };
        let sieve = Sieve::new(errand.child.table(), self.odd, &task.workflow_id);
        let mut rows = R::new(self.layout, &lineage, &task.workflow_id, &task.run_id);
        rows.reserve(errand.rows_expected() as usize);
        decode::Children {
            rows,
            keep_raw: self.layout.keep_raw,
            sieve: sieve.of_run(&task.run_id),
        }
    }

    /// Reads a collection to its end. A service that refuses to choose the properties of an expanded
    /// subject is asked for its default ones.
    async fn drain<R: ChildRows>(
        &self,
        path: &GraphPath,
        child: Child,
        filter: Option<String>,
        decoder: &mut decode::Children<R>,
    ) -> Result<(), ExtractError> {
        loop {
            let form = self.asking.form();
            let filter = filter.as_deref();
            let request = self.asking.request(path.clone(), child, filter, form);
            match exhaust(self.client.pages(request, decoder)).await {
                Err(error) if self.asking.can_do_with_less(child, form, &error) => {}
                outcome => return outcome,
            }
        }
    }
}

async fn exhaust(
    pages: impl Stream<Item = Result<usize, ExtractError>>,
) -> Result<(), ExtractError> {
    let mut pages = pin!(pages);
    while pages.try_next().await?.is_some() {}
    Ok(())
}

/// The service does not know what it is asked for.
fn is_bad_request(error: &ExtractError) -> bool {
    error.status() == Some(400)
}

/// What was read in one way cannot be asked for in another.
fn is_no_way(error: &ExtractError) -> bool {
    is_bad_request(error) || matches!(reach(error), Reach::Refused | Reach::Gone)
}

/// All rows of both, each once.
fn unite(known: Option<Rows>, more: Rows) -> Rows {
    let all = match known {
        None => more,
        Some(known) => Rows::concat(vec![known, more]),
    };
    all.sorted_unique(&["id"])
}

/// Rows by the id of their task.
fn by_task(rows: &Rows) -> BTreeMap<Box<str>, i32> {
    let mut counts = BTreeMap::new();
    if let Some(column) = rows.batch.column_by_name("task_id") {
        let tasks = column.as_string::<i32>();
        for task in tasks.iter().flatten() {
            match counts.get_mut(task) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(Box::from(task), 1);
                }
            }
        }
    }
    counts
}

impl RunTask {
    /// How many rows of the table the service counts for the run, where it counts them.
    pub(crate) fn counted(&self, child: Child) -> Option<i32> {
        let run = self.listed.as_ref()?;
        match child {
            Child::Results => run.total_users,
            Child::Tasks => run.total_tasks,
            Child::Subjects | Child::Reprocessed => None,
        }
    }

    /// How many rows of the table there have to be; none where the service's counter does not say.
    pub(crate) fn provable(&self, child: Child, is_filtered: bool) -> Option<usize> {
        let says_nothing = is_filtered && child == Child::Results;
        let counted = self.counted(child)?;
        (self.settled && self.counts_users && !says_nothing)
            .then_some(usize::try_from(counted).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weighs_counts_and_nobody_asks_for_more_than_there_is() {
        let runs_at_once =
            |rows, raw, expanded| ROWS_IN_FLIGHT / share_of(rows, row_weight(raw, expanded));
        assert_eq!(runs_at_once(2, false, false), 963);
        assert_eq!(runs_at_once(200, false, false), 141);
        assert_eq!(runs_at_once(200, true, false), 51);
        assert_eq!(runs_at_once(200, false, true), 75);
        assert_eq!(runs_at_once(200, true, true), 26);
        for (raw, expanded) in [(false, false), (true, false), (false, true), (true, true)] {
            let most = share_of(ROWS_IN_FLIGHT, row_weight(raw, expanded));
            assert_eq!(most, ROWS_IN_FLIGHT);
        }
    }
}
