//! Plays a story, and asks the oracle after every export.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lcw_pipeline::{Status, Summary, exit};
use lcw_simulator::{
    Category, Contents, DateProperty, Endpoint, Fault, FaultRule, Listed, ProcessingStatus,
    Reading, RequestRecord, RunChange, RunPlan, Schedule, Simulator, TrueRun, Truth,
    WorkflowConfig,
};
use lcw_tests::{Eavesdropper, Office};
use lcw_transform::Table;

use crate::aiming::{self, Sent, Target};
use crate::oracle::{Ended, Oracle, Service, Snapshot};
use crate::story::{Aim, Change, Outcome, Step, Story, Trouble};
use crate::troubles::{self, Severity};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Longer than any pause that a service is waited for.
const AFTER_EVERY_PAUSE: Duration = Duration::from_hours(25);

/// How often a request is sent before it is given up.
const ATTEMPTS: u32 = 3;

/// What a story came to: the requests, and how its exports ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) requests: Vec<String>,
    pub(crate) codes: Vec<u8>,
    /// How often a fault came.
    pub(crate) faults: u64,
    /// Rules that were laid down, and those of them whose fault came.
    pub(crate) rules: [u64; 2],
}

/// What was done to runs.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// How they show in listings, where it is not once.
    pub(crate) listed: BTreeMap<String, Listed>,
    /// They changed, or came late, without being recent: only a listing of everything that the
    /// service keeps finds them.
    pub(crate) hidden_by_lookback: BTreeSet<String>,
}

/// The tenant and the exporter of a story, and what is known of both.
struct Player<'a> {
    story: &'a Story,
    aiming: Aiming,
    tells: bool,
    tenant: Arc<Simulator>,
    office: Office,
    oracle: Oracle,
    notes: Arc<Mutex<Notes>>,
    skew: i64,
    /// The latest that the service's clock was, and when the last late row appears.
    latest: jiff::Timestamp,
    played: Played,
}

/// Whether exports are rehearsed, so that what is in their way comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aiming {
    /// Everything comes where it was drawn, or not at all. Seeds that found something before there was
    /// another way are told like that.
    Blind,
    /// Most of it comes where an export passes by.
    Rehearsed,
}

/// Plays the story of a seed; `tells` it where somebody wants to know.
pub(crate) async fn play(seed: u64, aiming: Aiming, tells: bool) -> Played {
    let elsewhere = Eavesdropper::start().await;
    let story = Story::of(seed, &format!("http://127.0.0.1:{}", elsewhere.port()));
    if tells {
        tell(&story);
    }
    let tenant = Simulator::start(story.config.clone()).await.unwrap();
    let mut office = Office::new(story.format);
    office.request.tables = story.tables.clone();
    office.request.max_concurrency = story.concurrency;
    office.request.route = story.route();
    office.client.max_attempts = ATTEMPTS;
    office.client.page_limit = 200;
    office.client.page_cap_bytes = 1 << 20;
    // While files are written nothing is waited for but a thread, and a paused clock runs away.
    office.client.deadline = None;
    let mut player = Player {
        latest: tenant.now(),
        story: &story,
        aiming,
        tells,
        tenant: Arc::new(tenant),
        office,
        oracle: Oracle::default(),
        notes: Arc::default(),
        skew: 0,
        played: Played::default(),
    };
    for step in &story.steps {
        player.step(step).await;
    }
    player.end().await;
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
    player.played
}

#[expect(clippy::print_stderr, reason = "somebody asked for this one story")]
fn tell(story: &Story) {
    eprintln!(
        "story {}: {:?}, {:?}, {} at once, {:?}",
        story.seed,
        story.format,
        story.route(),
        story.concurrency,
        story.tables
    );
    eprintln!("the tenant: {:#?}", story.config);
    for (nth, step) in story.steps.iter().enumerate() {
        eprintln!("step {nth}: {step:#?}");
    }
}

#[expect(clippy::print_stderr, reason = "somebody asked for this one story")]
fn tell_trouble(trouble: &Trouble) {
    eprintln!("as it comes: {trouble:#?}");
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(time) => self.tenant.advance(*time),
            Step::Change(change) => {
                self.foresee(change);
                apply(&self.tenant, &self.notes, change);
            }
            Step::SetClock(hours) => {
                let now = self.tenant.now() + jiff::SignedDuration::from_hours(*hours);
                self.tenant.set_now(now);
            }
            Step::Skew(hours) => self.skew(*hours),
            Step::Export { lookback, trouble } => {
                self.office.request.lookback = *lookback * DAY;
                self.attempt(trouble, None).await;
            }
            Step::Backfill {
                from,
                days,
                trouble,
            } => {
                let from = self.tenant.now() - DAY * *from;
                self.attempt(trouble, Some((from, from + DAY * *days)))
                    .await;
            }
        }
        self.latest = self.latest.max(self.tenant.now());
    }

    fn skew(&mut self, hours: i64) {
        self.skew = hours;
        self.tenant
            .update_config(|config| config.answers.date_skew_seconds = hours * 3_600);
    }

    /// When the last row will be there that a change holds back.
    fn foresee(&mut self, change: &Change) {
        if let Change::LateRow { hours, .. } = change {
            // A change of the clock may come first.
            let until = self.tenant.now() + HOUR * *hours + 4 * DAY;
            self.latest = self.latest.max(until);
        }
    }

    /// An export or a backfill, and the oracle's word on it.
    async fn attempt(
        &mut self,
        trouble: &Trouble,
        window: Option<(jiff::Timestamp, jiff::Timestamp)>,
    ) -> Summary {
        // Pauses that were demanded of an earlier export are over.
        tokio::time::advance(AFTER_EVERY_PAUSE).await;
        let trouble = &self.aimed(trouble, window).await;
        self.tenant.reset_requests();
        let snapshots = Arc::new(Mutex::new(vec![self.look()]));
        let is_on = Arc::new(AtomicBool::new(true));
        let rules = self.prepare(trouble, &snapshots, &is_on);
        let summary = self.export(window).await;
        is_on.store(false, Ordering::Relaxed);
        let came = self.came(&rules);
        self.clear_up();
        let mut snapshots = std::mem::take(&mut *snapshots.lock().unwrap());
        if !trouble.meanwhile.is_empty() {
            snapshots.push(self.look());
        }
        self.note(&summary);
        self.oracle
            .could_be_stored(&snapshots, &self.notes.lock().unwrap().listed);
        assert_code(trouble, &came, &summary);
        let inside = self.tenant.requests_inside_pauses(Duration::ZERO);
        assert!(
            inside.is_empty(),
            "{} inside a pause: {:?}",
            inside.len(),
            inside[0]
        );
        if self.office.out().join("_dataset.json").exists() {
            self.oracle.check(&Ended {
                tenant: &self.tenant,
                office: &self.office,
                summary: &summary,
                faults: &rules_of(&came),
                snapshots: &snapshots,
                hidden_by_lookback: &self.notes.lock().unwrap().hidden_by_lookback,
            });
        }
        summary
    }

    async fn export(&mut self, window: Option<(jiff::Timestamp, jiff::Timestamp)>) -> Summary {
        match window {
            None => self.office.export(&self.tenant).await,
            Some((from, to)) => {
                let (from, to) = (from.to_string(), to.to_string());
                self.office.backfill(&self.tenant, &from, &to).await
            }
        }
    }

    /// The trouble with each of its faults at a workflow or run that there is and, where exports are
    /// rehearsed, at what this one will ask for.
    async fn aimed(
        &mut self,
        trouble: &Trouble,
        window: Option<(jiff::Timestamp, jiff::Timestamp)>,
    ) -> Trouble {
        let mut trouble = trouble.clone();
        self.find_aims(&mut trouble);
        if self.aiming == Aiming::Rehearsed && !trouble.is_none() {
            let faults = trouble.faults.iter();
            let targets = faults.map(|aimed| Target::new(self.story, &aimed.rule));
            let targets: Vec<Target> = targets.collect();
            let (counts, sent) = self.rehearse(&targets, window).await;
            for ((aimed, target), counts) in trouble.faults.iter_mut().zip(&targets).zip(&counts) {
                aimed.rule = target.aim(counts);
            }
            for (endpoint, nth, _) in &mut trouble.meanwhile {
                (*endpoint, *nth) = aiming::moment(&sent, (*endpoint, *nth));
            }
            trouble.stop = trouble.stop.map(|stop| aiming::moment(&sent, stop));
        }
        if self.tells {
            tell_trouble(&trouble);
        }
        trouble
    }

    /// Exports into a copy of the dataset with nothing in its way: what each target could hit, in the order
    /// of its counters, and what was asked for.
    async fn rehearse(
        &mut self,
        targets: &[Target],
        window: Option<(jiff::Timestamp, jiff::Timestamp)>,
    ) -> (Vec<Vec<u64>>, Sent) {
        let counters: Vec<Vec<FaultRule>> =
            targets.iter().map(|it| it.counters().collect()).collect();
        for rule in counters.iter().flatten() {
            self.tenant.inject(rule.clone());
        }
        let copy = self.office.scratch().join("rehearsal");
        if self.office.out().exists() {
            aiming::copy(self.office.out(), &copy);
        }
        self.tenant.reset_requests();
        let out = std::mem::replace(&mut self.office.request.out, copy);
        self.export(window).await;
        let copy = std::mem::replace(&mut self.office.request.out, out);
        if copy.exists() {
            std::fs::remove_dir_all(copy).unwrap();
        }
        let mut matched = self.tenant.matched().into_iter();
        let counts = counters
            .iter()
            .map(|rules| matched.by_ref().take(rules.len()).collect());
        let counts = counts.collect();
        let mut sent = BTreeMap::<Endpoint, u64>::new();
        for ((endpoint, _), count) in self.tenant.counts() {
            *sent.entry(endpoint).or_default() += count;
        }
        self.tenant.clear_faults();
        (counts, sent.into_iter().collect())
    }

    fn look(&self) -> Snapshot {
        Snapshot::of(&self.tenant, &self.story.tables, self.service())
    }

    fn service(&self) -> Service {
        let config = &self.story.config;
        Service {
            deleted: config.deleted_history,
            started_only: [
                (&config.windows.runs, Table::Runs),
                (&config.windows.results, Table::UserProcessingResults),
            ]
            .map(|(rule, table)| (rule.lifted_by == [DateProperty::Started]).then_some(table)),
            skew: self.skew,
        }
    }

    /// The rules whose faults came, and how often.
    fn came(&mut self, rules: &[FaultRule]) -> Vec<(FaultRule, u64)> {
        let fired = self.tenant.fired();
        assert_eq!(fired.len(), rules.len());
        let pairs = rules.iter().cloned().zip(fired);
        let came: Vec<_> = pairs.filter(|(_, times)| *times > 0).collect();
        self.played.faults += came.iter().map(|(_, times)| times).sum::<u64>();
        self.played.rules[0] += rules.len() as u64;
        self.played.rules[1] += came.len() as u64;
        came
    }

    /// Says of each fault the path of the workflow or run that it is aimed at.
    fn find_aims(&self, trouble: &mut Trouble) {
        let truth = core(&self.tenant);
        let workflows: Vec<_> = truth.workflows.iter().map(|it| &it.id).collect();
        let runs: Vec<_> = truth.runs.iter().map(|it| &it.id).collect();
        for aimed in &mut trouble.faults {
            let at = match aimed.at {
                Some(Aim::Workflow(nth)) if !workflows.is_empty() => {
                    Some(workflows[nth % workflows.len()])
                }
                Some(Aim::Run(nth)) if !runs.is_empty() => Some(runs[nth % runs.len()]),
                _ => None,
            };
            aimed.rule.path_contains = at.cloned();
        }
    }

    /// Lays the trouble down, and says which faults are part of it.
    fn prepare(
        &mut self,
        trouble: &Trouble,
        snapshots: &Arc<Mutex<Vec<Snapshot>>>,
        is_on: &Arc<AtomicBool>,
    ) -> Vec<FaultRule> {
        let rules: Vec<FaultRule> = trouble.faults.iter().map(|it| it.rule.clone()).collect();
        for rule in &rules {
            self.tenant.inject(rule.clone());
        }
        for (endpoint, nth, change) in &trouble.meanwhile {
            self.foresee(change);
            self.change_before(*endpoint, *nth, change, snapshots, is_on);
        }
        self.tenant.set_limit(trouble.limit);
        self.tenant
            .update_config(|config| config.access.token_uses = trouble.token_uses);
        if let Some((endpoint, nth)) = trouble.stop {
            self.office.stop_before(&self.tenant, endpoint, nth);
        }
        rules
    }

    /// Has something change while the export reads; both what was before and what is then count as
    /// seen.
    fn change_before(
        &self,
        endpoint: Endpoint,
        nth: u64,
        change: &Change,
        snapshots: &Arc<Mutex<Vec<Snapshot>>>,
        is_on: &Arc<AtomicBool>,
    ) {
        let tables = self.story.tables.clone();
        let service = self.service();
        let (snapshots, is_on) = (Arc::clone(snapshots), Arc::clone(is_on));
        let (weak, notes) = (Arc::downgrade(&self.tenant), Arc::clone(&self.notes));
        let change = change.clone();
        self.tenant.before(endpoint, nth, move || {
            let tenant = weak.upgrade().filter(|_| is_on.load(Ordering::Relaxed));
            let Some(tenant) = tenant else { return };
            apply(&tenant, &notes, &change);
            let seen = Snapshot::of(&tenant, &tables, service);
            snapshots.lock().unwrap().push(seen);
        });
    }

    fn clear_up(&mut self) {
        self.office.keep_going();
        self.tenant.clear_faults();
        self.tenant.set_limit(None);
        self.tenant
            .update_config(|config| config.access.token_uses = None);
    }

    fn note(&mut self, summary: &Summary) {
        self.played.codes.push(summary.exit_code);
        let requests = self.tenant.requests();
        self.played.requests.extend(requests.iter().map(line));
    }

    /// Two exports that nothing disturbs: the first makes the dataset whole, the second has nothing
    /// to do.
    async fn end(&mut self) {
        self.skew(0);
        self.tenant.set_now(self.latest + 2 * HOUR);
        self.office.request.lookback = 30 * DAY;
        for _ in 0..2 {
            let seen = self.look();
            let summary = self.attempt(&Trouble::default(), None).await;
            // What no way of asking brings stays counted; days that were lost stay lost.
            let is_explained = if summary.proof.unacknowledged > 0 {
                seen.has_unreachable()
            } else {
                !summary.lost_days.is_empty()
            };
            assert!(
                summary.exit_code == exit::DONE
                    || (summary.exit_code == exit::UNPROVEN && is_explained),
                "the last export: {summary:#?}"
            );
            self.oracle.assert_whole(&seen);
            for table in &self.story.tables {
                let rows = self.office.facts(&self.tenant, *table).len() as u64;
                assert_eq!(
                    summary.tables[table.name()].rows_total,
                    rows,
                    "{}",
                    table.name()
                );
            }
        }
    }
}

fn line(request: &RequestRecord) -> String {
    format!(
        "{} {} {}?{}",
        request.status, request.method, request.path, request.query
    )
}

fn rules_of(came: &[(FaultRule, u64)]) -> Vec<FaultRule> {
    came.iter().map(|(rule, _)| rule.clone()).collect()
}

/// Whether what came can end an export for good: what another request does not help against, or as
/// many failures as a request has attempts.
fn can_fail(came: &[(FaultRule, u64)]) -> bool {
    let mut failures = 0;
    for (rule, times) in came {
        match troubles::severity(&rule.fault) {
            Severity::Harmless => {}
            Severity::Passing => failures += times,
            Severity::Lasting => return true,
        }
    }
    failures >= u64::from(ATTEMPTS)
}

/// The exit code is one that the trouble explains, and says what the status says.
fn assert_code(trouble: &Trouble, came: &[(FaultRule, u64)], summary: &Summary) {
    let code = summary.exit_code;
    let faults = || came.iter().map(|(rule, _)| &rule.fault);
    let is_explained = match code {
        exit::DONE => summary.error.is_none(),
        exit::UNPROVEN => summary.proof.unacknowledged > 0 || !summary.lost_days.is_empty(),
        exit::PARTIAL => !trouble.is_none() && summary.not_covered.iter().any(|it| it.is_partial),
        exit::FAILED => can_fail(came),
        exit::CREDENTIALS => {
            trouble.token_uses.is_some()
                || faults().any(|fault| matches!(fault, Fault::Unauthorized | Fault::Forbidden))
                || came
                    .iter()
                    .any(|(rule, _)| rule.endpoints.contains(&Endpoint::Token))
        }
        exit::THROTTLED => {
            trouble.limit.is_some()
                || faults().any(|fault| {
                    matches!(
                        fault,
                        Fault::Throttled(_) | Fault::Status { .. } | Fault::SlowBytes { .. }
                    )
                })
        }
        exit::INTERRUPTED => trouble.stop.is_some(),
        _ => false,
    };
    assert!(
        is_explained,
        "exit {code} is not explained by {came:#?}: {summary:#?}"
    );
    let status = match code {
        exit::DONE => Status::Complete,
        exit::UNPROVEN => Status::Unproven,
        exit::PARTIAL => Status::Partial,
        exit::INTERRUPTED => Status::Interrupted,
        _ => Status::Failed,
    };
    assert_eq!(summary.status, status);
    assert_eq!(
        summary.error.is_some(),
        matches!(status, Status::Failed | Status::Interrupted)
    );
}

fn core(tenant: &Simulator) -> Truth {
    tenant.truth_as(&Reading::of(Contents::Core))
}

fn chosen(runs: &[TrueRun], nth: usize) -> Option<&TrueRun> {
    (!runs.is_empty()).then(|| &runs[nth % runs.len()])
}

/// Changes the tenant, where there is something to change.
fn apply(tenant: &Simulator, notes: &Mutex<Notes>, change: &Change) {
    let mut notes = notes.lock().unwrap();
    let truth = core(tenant);
    let run = |nth| chosen(&truth.runs, nth).map(|run| run.id.clone());
    let workflow = |nth: usize, is_live: bool| {
        let known = truth.workflows.iter().filter(|it| !is_live || !it.deleted);
        let known: Vec<_> = known.map(|known| known.id.clone()).collect();
        (!known.is_empty()).then(|| known[nth % known.len()].clone())
    };
    match change {
        Change::AddRun {
            workflow: nth,
            users,
            hours_ago,
            working_hours,
            outcome,
        } => {
            if let Some(id) = workflow(*nth, true) {
                let plan = RunPlan::new(tenant.now() - HOUR * *hours_ago, *users)
                    .working_for(HOUR * *working_hours + HOUR / 60);
                let run = tenant.add_run(&id, &outcome.of(plan));
                if *hours_ago > 20 {
                    notes.hidden_by_lookback.insert(run);
                }
            }
        }
        Change::Reprocess { run: nth, users } => {
            if let Some(run) = chosen(&truth.runs, *nth).filter(|run| is_at_rest(tenant, run)) {
                let change = RunChange {
                    outcome: Some(ProcessingStatus::CompletedWithErrors),
                    add_users: *users,
                    ..RunChange::default()
                };
                tenant.change_run(&run.id, &change);
                notes.hidden_by_lookback.insert(run.id.clone());
            }
        }
        Change::LateRow { run: nth, hours } => {
            if let Some(run) = run(*nth) {
                tenant.delay_result(&run, 0, tenant.now() + HOUR * *hours);
                notes.hidden_by_lookback.insert(run);
            }
        }
        Change::Forget { run: nth } => {
            if let Some(run) = run(*nth) {
                tenant.drop_run(&run);
            }
        }
        Change::List {
            run: nth,
            listed: how,
        } => {
            if let Some(run) = run(*nth) {
                tenant.list_run(&run, *how);
                notes.listed.insert(run, *how);
            }
        }
        Change::Rename { workflow: nth } => {
            if let Some(id) = workflow(*nth, false) {
                tenant.rename_workflow(&id, &format!("as of {}", tenant.now()));
            }
        }
        Change::AddWorkflow { days } => {
            let late = WorkflowConfig::new(Category::Mover, "Late");
            tenant.add_workflow(&late.scheduled(Schedule::past(3 * DAY, *days), 1..=2));
        }
        Change::Delete { workflow: nth } => {
            if let Some(id) = workflow(*nth, true) {
                tenant.delete_workflow(&id);
            }
        }
        Change::Purge { workflow: nth } => {
            if let Some(id) = workflow(*nth, false) {
                tenant.purge_workflow(&id);
            }
        }
        Change::Pass(time) => tenant.advance(*time),
    }
}

/// Whether a run is final and its counters have settled.
fn is_at_rest(tenant: &Simulator, run: &TrueRun) -> bool {
    let completed = run.value["completedDateTime"].as_str();
    let completed = completed.map(|text| text.parse::<jiff::Timestamp>().unwrap());
    completed.is_some_and(|at| at + Duration::from_mins(16) < tenant.now())
}

impl Outcome {
    fn of(self, plan: RunPlan) -> RunPlan {
        match self {
            Self::Ends(outcome) => plan.ending(outcome),
            Self::Stays => plan.never_ending(),
            Self::Held => plan.ending(ProcessingStatus::Quarantined).never_starting(),
        }
    }
}
