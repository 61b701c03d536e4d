//! What is true of a dataset, whatever the service did: every row was seen like that, no row has
//! left, and what could be seen and is not there was said to be missing.

use std::collections::{BTreeMap, BTreeSet};

use lcw_pipeline::{Kind, Summary};
use lcw_simulator::{
    Contents, DeletedHistory, Endpoint, FaultRule, Listed, Reading, Simulator, Truth,
};
use lcw_tests::expected::micros;
use lcw_tests::{Facts, Office, expected};
use lcw_transform::Table;
use serde_json::{Value, json};

use crate::troubles;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

type Key = Vec<String>;
type Row = BTreeMap<String, Value>;

/// What the service showed at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The service's own clock, in microseconds.
    now: i64,
    /// What its `Date` header said.
    date: i64,
    /// Every row, by table.
    rows: BTreeMap<Table, Facts>,
    /// Workflows below `deletedItems`.
    deleted: BTreeSet<String>,
    /// Whether what is below those can be read.
    shows_deleted: bool,
    /// Tables whose rows have to have started to be shown by a request for more than seven days.
    started_only: [Option<Table>; 2],
}

/// How the service behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) deleted: DeletedHistory,
    /// Tables whose rows have to have started to be shown by a request for more than seven days.
    pub(crate) started_only: [Option<Table>; 2],
    /// How far its `Date` header is off, in hours.
    pub(crate) skew: i64,
}

/// Everything that was ever shown while an export looked, and what is stored.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    states: BTreeMap<Table, BTreeMap<Key, Vec<Row>>>,
    stored: BTreeMap<Table, Facts>,
    /// Rows that are missing as an export has said, or without anything that gave it away.
    missing: BTreeSet<(Table, Key)>,
}

/// An export that has just ended.
pub(crate) struct Ended<'a> {
    pub(crate) tenant: &'a Simulator,
    pub(crate) office: &'a Office,
    pub(crate) summary: &'a Summary,
    /// Faults that came, each with the part of a path that it was aimed at.
    pub(crate) faults: &'a [FaultRule],
    /// At its beginning, after each change meanwhile, and at its end.
    pub(crate) snapshots: &'a [Snapshot],
    /// Runs that only a listing of everything that the service keeps finds.
    pub(crate) hidden_by_lookback: &'a BTreeSet<String>,
}

impl Snapshot {
    pub(crate) fn of(tenant: &Simulator, tables: &[Table], service: Service) -> Self {
        let contents = match tables {
            all if all.contains(&Table::TaskProcessingResults) => Contents::All,
            core if core.len() == lcw_tests::CORE.len() => Contents::Core,
            _ => Contents::WithoutTaskResults,
        };
        let truth = tenant.truth_as(&Reading::of(contents));
        let now = tenant.now().as_microsecond();
        let rows = tables
            .iter()
            .map(|table| (*table, expected(&truth, *table)));
        Self {
            now,
            date: now + service.skew * HOUR,
            rows: rows.collect(),
            deleted: deleted_workflows(&truth),
            shows_deleted: service.deleted == DeletedHistory::Readable,
            started_only: service.started_only,
        }
    }

    fn run(&self, workflow: &str, run: &str) -> Option<&Row> {
        self.rows[&Table::Runs].get(&vec![workflow.to_owned(), run.to_owned()])
    }

    fn scheduled(&self, key: &Key) -> Option<i64> {
        self.run(key.first()?, key.get(1)?)?["scheduled_date_time"].as_i64()
    }

    /// Whether no way of asking brings a row: older than the default window, and without the instant
    /// that a request for more asks by. Task reports are asked for by when they were completed.
    fn is_unreachable(&self, table: Table, key: &Key) -> bool {
        let asked_by = match table {
            Table::TaskReports => "completed_date_time",
            _ if self.started_only.contains(&Some(table)) => "started_date_time",
            _ => return false,
        };
        let old = self.now.max(self.date) - 7 * DAY;
        let is_old = self.scheduled(key).is_none_or(|scheduled| scheduled < old);
        is_old && self.rows[&table][key][asked_by].is_null()
    }

    /// Whether the service counts rows that no way of asking brings.
    pub(crate) fn has_unreachable(&self) -> bool {
        let mut tables = self.rows.iter().filter(|(table, _)| table.is_by_day());
        tables.any(|(table, rows)| rows.keys().any(|key| self.is_unreachable(*table, key)))
    }

    /// Whether an export can ask for a row.
    fn is_shown(&self, table: Table, key: &Key) -> bool {
        let is_withheld = !self.shows_deleted && self.deleted.contains(&key[0]);
        let is_there = self.rows[&table].contains_key(key);
        match table {
            Table::Workflows | Table::TaskDefinitions => is_there,
            _ if !is_there || is_withheld => false,
            _ if table.is_by_day() => {
                !self.is_unreachable(Table::Runs, &key[..2].to_vec())
                    && !self.is_unreachable(table, key)
            }
            _ => true,
        }
    }

    /// Whether a run has been left alone for a quarter of an hour by this clock.
    fn is_settled(run: &Row, now: i64) -> bool {
        let status = run["processing_status"].as_str().unwrap();
        let is_final = ["completed", "completedWithErrors", "canceled", "failed"];
        let touched = run["last_updated_date_time"].as_i64();
        is_final.contains(&status) && touched.is_some_and(|at| at <= now - 15 * MINUTE)
    }
}

/// Workflows below `deletedItems`.
pub(crate) fn deleted_workflows(truth: &Truth) -> BTreeSet<String> {
    let deleted = truth.workflows.iter().filter(|workflow| workflow.deleted);
    deleted.map(|workflow| workflow.id.clone()).collect()
}

impl Oracle {
    /// Whatever an export stores is one of these.
    pub(crate) fn could_be_stored(
        &mut self,
        snapshots: &[Snapshot],
        listed: &BTreeMap<String, Listed>,
    ) {
        for snapshot in snapshots {
            for (table, rows) in &snapshot.rows {
                let states = self.states.entry(*table).or_default();
                for (key, row) in rows {
                    let states = states.entry(key.clone()).or_default();
                    remember(states, row.clone());
                    let shows_stale = |run: &String| {
                        let listed = listed.get(run).copied().unwrap_or(Listed::Once);
                        matches!(listed, Listed::StaleFirst | Listed::StaleLast)
                    };
                    if *table == Table::Runs && shows_stale(&key[1]) {
                        remember(states, stale(row));
                    }
                }
            }
        }
    }

    /// What holds after every export, however it ended.
    pub(crate) fn check(&mut self, ended: &Ended<'_>) {
        let stored: BTreeMap<Table, Facts> = ended.snapshots[0]
            .rows
            .keys()
            .map(|table| (*table, ended.office.facts(ended.tenant, *table)))
            .collect();
        self.assert_nothing_has_left(&stored);
        self.assert_nothing_is_false(&stored);
        assert_runs_have_their_results(&stored);
        if ended.summary.error.is_none() {
            let check = Completeness {
                ended,
                stored: &stored,
                before: &self.stored,
                missing: &self.missing,
            };
            let missing = check.assert_nothing_is_missing_in_silence();
            self.missing.extend(missing);
        }
        self.stored = stored;
    }

    fn assert_nothing_has_left(&self, stored: &BTreeMap<Table, Facts>) {
        for (table, before) in &self.stored {
            for key in before.keys() {
                assert!(
                    stored[table].contains_key(key),
                    "{} {key:?} has left",
                    table.name()
                );
            }
        }
    }

    fn assert_nothing_is_false(&self, stored: &BTreeMap<Table, Facts>) {
        for (table, rows) in stored {
            for (key, row) in rows {
                let states = self.states.get(table).and_then(|states| states.get(key));
                let states = states.map(Vec::as_slice).unwrap_or_default();
                let is_true = if table.is_by_day() {
                    states.iter().any(|state| is_in(state, row))
                } else {
                    is_pieced_together(states, row)
                };
                assert!(
                    is_true,
                    "{} {key:?} was never seen as {row:#?}\nbut as {states:#?}",
                    table.name()
                );
            }
        }
    }

    /// With nothing in its way, an export has stored all that can be seen, each row as it is now.
    pub(crate) fn assert_whole(&self, snapshot: &Snapshot) {
        for (table, rows) in &snapshot.rows {
            for (key, row) in rows {
                if !snapshot.is_shown(*table, key) {
                    continue;
                }
                let Some(stored) = self.stored[table].get(key) else {
                    panic!("{} {key:?} is missing at the end", table.name());
                };
                let is_dated = table.is_by_day();
                assert!(
                    !is_dated || is_in(row, stored),
                    "{} {key:?} is stored as {stored:#?}\nand is {row:#?}",
                    table.name()
                );
            }
        }
    }
}

fn remember(states: &mut Vec<Row>, row: Row) {
    if !states.contains(&row) {
        states.push(row);
    }
}

/// The row of a run as an old copy of it shows: in progress.
fn stale(row: &Row) -> Row {
    let mut stale = row.clone();
    let started = match &row["started_date_time"] {
        Value::Null => row["scheduled_date_time"].clone(),
        started => started.clone(),
    };
    let span = started.as_i64().unwrap() - row["scheduled_date_time"].as_i64().unwrap();
    stale.insert("processing_status".to_owned(), json!("inProgress"));
    stale.insert("queue_ms".to_owned(), json!(span / 1_000));
    stale.insert(
        "last_updated_date_time".to_owned(),
        json!(started.as_i64().unwrap() - 1_000_000),
    );
    stale.insert("started_date_time".to_owned(), started);
    for absent in ["completed_date_time", "processing_ms", "total_ms"] {
        stale.insert(absent.to_owned(), Value::Null);
    }
    let counts: Vec<String> = stale
        .keys()
        .filter(|name| name.ends_with("_count"))
        .cloned()
        .collect();
    for count in counts {
        stale.insert(count, json!(0));
    }
    stale
}

/// Whether a stored row has all columns of a state.
fn is_in(state: &Row, row: &Row) -> bool {
    state.iter().all(|(column, value)| &row[column] == value)
}

/// Whether each column of a stored row is one of a state: an undated row is put together from what
/// its list and its details say, and they are not read at once. When a workflow runs next is read
/// with its details, so it may be of any moment.
fn is_pieced_together(states: &[Row], row: &Row) -> bool {
    let Some(first) = states.first() else {
        return false;
    };
    let mut columns = first
        .keys()
        .filter(|column| *column != "next_schedule_run_date_time");
    columns.all(|column| {
        let stored = &row[column];
        stored.is_null() || states.iter().any(|state| holds(&state[column], stored))
    })
}

/// Whether a value is that of a state; of unknown properties a list may show fewer than the details.
fn holds(state: &Value, stored: &Value) -> bool {
    match (state, stored) {
        (Value::Object(state), Value::Object(stored)) => stored
            .iter()
            .all(|(name, value)| state.get(name) == Some(value)),
        _ => state == stored,
    }
}

fn assert_runs_have_their_results(stored: &BTreeMap<Table, Facts>) {
    let mut rows = BTreeMap::<&[String], i64>::new();
    for key in stored[&Table::UserProcessingResults].keys() {
        *rows.entry(&key[..2]).or_default() += 1;
    }
    for (key, run) in &stored[&Table::Runs] {
        let held = rows.remove(&**key).unwrap_or_default();
        if let Some(read) = run["_lcw_result_rows"].as_i64() {
            assert!(
                held >= read,
                "run {key:?} says {read} of its {held} results"
            );
        }
    }
    assert!(rows.is_empty(), "results without a run: {rows:?}");
}

/// The question after an export that reached its end: is something missing that it did not name?
struct Completeness<'a> {
    ended: &'a Ended<'a>,
    stored: &'a BTreeMap<Table, Facts>,
    before: &'a BTreeMap<Table, Facts>,
    missing: &'a BTreeSet<(Table, Key)>,
}

impl Completeness<'_> {
    fn first(&self) -> &Snapshot {
        &self.ended.snapshots[0]
    }

    fn last(&self) -> &Snapshot {
        &self.ended.snapshots[self.ended.snapshots.len() - 1]
    }

    /// Says which rows are missing: the summary names them, or nobody could have told.
    fn assert_nothing_is_missing_in_silence(&self) -> Vec<(Table, Key)> {
        let mut known = Vec::new();
        for (table, rows) in &self.first().rows {
            for key in rows.keys() {
                let missing = if !self.is_visible_throughout(*table, key) {
                    None
                } else if !self.stored[table].contains_key(key) {
                    Some("is missing")
                } else if !self.is_fresh(*table, key) {
                    Some("is out of date")
                } else {
                    None
                };
                let Some(what) = missing else { continue };
                assert!(
                    self.is_said(*table, key) || self.is_excused(*table, key),
                    "{} {key:?} {what}, {}",
                    table.name(),
                    self.in_silence(key)
                );
                known.push((*table, key.clone()));
            }
        }
        known
    }

    fn in_silence(&self, key: &Key) -> String {
        let run = key.get(1).and_then(|run| self.last().run(&key[0], run));
        let (now, summary) = (self.last().now, self.ended.summary);
        format!(
            "and exit {} does not say so: {summary:#?}\nthe run: {run:#?}\nnow: {now}",
            summary.exit_code
        )
    }

    /// Whether the service showed the row whenever it could have been asked for, and was asked for it.
    fn is_visible_throughout(&self, table: Table, key: &Key) -> bool {
        let mut snapshots = self.ended.snapshots.iter();
        snapshots.all(|snapshot| snapshot.is_shown(table, key))
            && (!table.is_by_day() || self.is_in_the_window(key))
    }

    fn is_in_the_window(&self, key: &Key) -> bool {
        let Some(scheduled) = self.first().scheduled(key) else {
            return false;
        };
        match &self.ended.office.request.kind {
            Kind::Export => scheduled >= self.last().date.max(self.first().date) - 30 * DAY,
            Kind::Backfill(backfill) => {
                let (from, to) = (backfill.from.as_microsecond(), backfill.to.as_microsecond());
                (from..to).contains(&scheduled)
            }
        }
    }

    /// Whether the stored row of a run, or of what is below one, is as the service showed it while
    /// the export looked.
    fn is_fresh(&self, table: Table, key: &Key) -> bool {
        if !table.is_by_day() {
            return true;
        }
        let stored = &self.stored[&table][key];
        let mut snapshots = self.ended.snapshots.iter();
        snapshots.any(|snapshot| is_in(&snapshot.rows[&table][key], stored))
    }

    /// What nobody could have told, or what was promised for a later export only.
    fn is_excused(&self, table: Table, key: &Key) -> bool {
        if !table.is_by_day() {
            return self.is_list_cut();
        }
        let (workflow, run) = (&key[0], &key[1]);
        let row = self.last().run(workflow, run).unwrap();
        let office = self.ended.office;
        let reaches_all = office.request.lookback.as_secs() >= 30 * 24 * 3_600
            || matches!(office.request.kind, Kind::Backfill(_));
        // A shortfall is said by the export that finds it, and by those that read it again.
        // Who is held waits for a decision: that is looked for inside the lookback only.
        let before = self.before.get(&Table::Runs);
        let before = before.and_then(|runs| runs.get(&key[..2]));
        let was_held = before.is_some_and(|run| run["processing_status"] == "quarantined");
        let is_known = was_held
            || self.ended.hidden_by_lookback.contains(run)
            || self.missing.contains(&(table, key.clone()));
        if !reaches_all && is_known {
            return true;
        }
        // A clock that runs ahead takes counters for settled that are not.
        let is_ahead = self.last().date > self.last().now;
        if is_ahead && !Snapshot::is_settled(row, self.last().now) {
            return true;
        }
        self.is_hidden_by_silence(table, &key[..2], row)
    }

    /// Whether the service kept something to itself in its answers of this kind, about a workflow, or
    /// a run of it.
    fn is_silent(&self, endpoint: Endpoint, about: &[String]) -> bool {
        let path = about.join("/runs/");
        self.ended.faults.iter().any(|rule| {
            let aim = rule.path_contains.as_deref();
            troubles::is_silent(&rule.fault)
                && rule.endpoints.contains(&endpoint)
                && aim.is_none_or(|aim| path.contains(aim))
        })
    }

    /// Whether it kept workflows to itself.
    fn is_list_cut(&self) -> bool {
        self.is_silent(Endpoint::Workflows, &[]) || self.is_silent(Endpoint::DeletedWorkflows, &[])
    }

    /// Whether the service could keep the row to itself without anything that gives it away.
    fn is_hidden_by_silence(&self, table: Table, key: &[String], run: &Row) -> bool {
        let workflow = &key[0];
        let workflow_key = vec![workflow.clone()];
        let is_known = self
            .before
            .get(&Table::Workflows)
            .is_some_and(|rows| rows.contains_key(&workflow_key));
        let is_asked_for = is_known
            && matches!(self.ended.office.request.kind, Kind::Export)
            && !self.last().deleted.contains(workflow);
        if self.is_list_cut() && !is_asked_for {
            return true;
        }
        // Counters that still move prove nothing, and a run that is not settled is read again.
        let is_settled = Snapshot::is_settled(run, self.first().date);
        let below = match table {
            Table::UserProcessingResults => self.is_silent(Endpoint::RunResults, key),
            Table::TaskProcessingResults => self.is_silent(Endpoint::TaskResults, key),
            _ => false,
        };
        (below && !is_settled)
            || (self.is_silent(Endpoint::Runs, &key[..1]) && !self.is_counted(workflow))
    }

    /// Whether the service counted the workflow's runs, and what is missing of them is more than
    /// what its count leaves room for: runs at the edges of its window.
    fn is_counted(&self, workflow: &str) -> bool {
        let proofs = &self.ended.summary.proof.workflows;
        let Some(proof) = proofs.iter().find(|proof| proof.workflow_id == workflow) else {
            return false;
        };
        if proof.runs.is_none() {
            return false;
        }
        let (from, to) = (micros(&proof.from), micros(&proof.to));
        let shown = self.first().rows[&Table::Runs].iter();
        let shown = shown.filter(|(key, _)| key[0] == workflow);
        let (mut missing, mut at_the_edges) = (0, 0);
        for (key, row) in shown {
            let scheduled = row["scheduled_date_time"].as_i64().unwrap();
            let is_inside = (from..to).contains(&scheduled);
            let is_stale =
                !self.stored[&Table::Runs].contains_key(key) || !self.is_fresh(Table::Runs, key);
            missing += u32::from(is_inside && is_stale);
            at_the_edges += u32::from(!is_inside || row["started_date_time"].is_null());
        }
        missing > at_the_edges
    }

    /// Whether the summary says that it may be missing.
    fn is_said(&self, table: Table, key: &Key) -> bool {
        let summary = self.ended.summary;
        is_named(summary, &self.last().deleted, table, key) || self.is_uncounted(table, key)
    }

    /// Where the service refuses to count runs, it is taken at its word: a listing that keeps some to
    /// itself is not found out. What is known of the run is no matter of that.
    fn is_uncounted(&self, table: Table, key: &Key) -> bool {
        let mut not_covered = self.ended.summary.not_covered.iter();
        let is_refused = not_covered.any(|missing| {
            let of_workflow = missing.workflow_id.as_ref();
            missing.what.contains("own counts, which it refuses")
                && of_workflow.is_none_or(|workflow| *workflow == key[0])
        });
        if !is_refused || !table.is_by_day() || !self.is_silent(Endpoint::Runs, &key[..1]) {
            return false;
        }
        let run = key[..2].to_vec();
        !self.stored[&Table::Runs].contains_key(&run) || !self.is_fresh(Table::Runs, &run)
    }
}

/// Whether a summary names a row: itself, its run, its workflow or its table.
pub(crate) fn is_named(
    summary: &Summary,
    deleted: &BTreeSet<String>,
    table: Table,
    key: &Key,
) -> bool {
    let workflow = key
        .first()
        .map(String::as_str)
        .filter(|_| table != Table::TaskDefinitions);
    let run = key.get(1).map(String::as_str).filter(|_| table.is_by_day());
    let of_table = |named: Option<&str>| {
        named.is_none_or(|named| {
            [table.name(), Table::Runs.name(), Table::Workflows.name()].contains(&named)
        })
    };
    let mut not_covered = summary.not_covered.iter();
    let is_named = not_covered.any(|missing| {
        let is_workflow = workflow.is_some_and(|id| {
            missing.workflow_id.as_deref() == Some(id)
                || (missing.run_id.is_none() && missing.what.contains(id))
        });
        let is_run = missing.run_id.is_none() || missing.run_id.as_deref() == run;
        let is_all = missing.workflow_id.is_none()
            && missing.run_id.is_none()
            && missing.table.as_deref() == Some(table.name());
        let is_deleted = missing.what == "soft-deleted workflows"
            && workflow.is_some_and(|id| deleted.contains(id));
        (is_workflow && is_run && of_table(missing.table.as_deref())) || is_all || is_deleted
    });
    let mut short = summary.proof.short_runs.iter();
    is_named
        || short.any(|short| {
            Some(&*short.workflow_id) == workflow
                // What a workflow lacks may be rows of runs that it lacks, too.
                && (short.run_id.is_empty()
                    || (Some(&*short.run_id) == run && of_table(Some(short.table))))
        })
}
