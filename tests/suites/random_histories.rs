//! Whatever happens in a tenant, and however exports of it end: once one is left alone, the
//! dataset holds what anybody could have seen who had looked whenever an export did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression, Summary};
use lcw_simulator::{
    Category, Endpoint, Fault, FaultRule, ProcessingStatus, RunChange, RunPlan, Schedule,
    Simulator, TenantConfig, Truth, WorkflowConfig,
};
use lcw_tests::{Facts, Office, expected};
use lcw_transform::Table;
use proptest::prelude::*;
use serde_json::Value;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

type Row = BTreeMap<String, Value>;

/// Something that happens to a tenant or to its dataset.
#[derive(Debug, Clone)]
enum Step {
    Wait(u32),
    AddRun {
        workflow: usize,
        users: u32,
        hours: u32,
        outcome: Outcome,
    },
    Change {
        run: usize,
        users: u32,
    },
    Drop {
        run: usize,
    },
    Rename {
        workflow: usize,
    },
    AddWorkflow {
        days: u64,
    },
    Delete {
        workflow: usize,
    },
    Purge {
        workflow: usize,
    },
    Export {
        lookback: u32,
        trouble: Trouble,
    },
    Backfill {
        from: u32,
        days: u32,
        trouble: Trouble,
    },
}

/// How a run goes that is added.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Completes,
    Fails,
    Stays,
    Held,
}

/// What an export runs into.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// It is stopped before the n-th request for results.
    Stop(u64),
    /// The n-th request for results is refused in a way that ends the export.
    Refusal(u64),
    /// The results of a run cannot be read at all.
    Unreadable(usize),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        3 => Just(Trouble::None),
        1 => (1..12_u64).prop_map(Trouble::Stop),
        1 => (1..12_u64).prop_map(Trouble::Refusal),
        1 => (0..50_usize).prop_map(Trouble::Unreadable),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        Just(Outcome::Completes),
        Just(Outcome::Fails),
        Just(Outcome::Stays),
        Just(Outcome::Held),
    ];
    let lookback = prop_oneof![Just(1), Just(3), Just(30)];
    prop_oneof![
        4 => prop_oneof![1..5_u32, 20..60_u32, 100..300_u32].prop_map(Step::Wait),
        4 => (0..8_usize, 0..5_u32, 0..80_u32, outcome).prop_map(
            |(workflow, users, hours, outcome)| Step::AddRun { workflow, users, hours, outcome }
        ),
        2 => (0..50_usize, 0..3_u32).prop_map(|(run, users)| Step::Change { run, users }),
        1 => (0..50_usize).prop_map(|run| Step::Drop { run }),
        1 => (0..8_usize).prop_map(|workflow| Step::Rename { workflow }),
        1 => (0..20_u64).prop_map(|days| Step::AddWorkflow { days }),
        1 => (0..8_usize).prop_map(|workflow| Step::Delete { workflow }),
        1 => (0..8_usize).prop_map(|workflow| Step::Purge { workflow }),
        5 => (lookback, trouble()).prop_map(|(lookback, trouble)| Step::Export { lookback, trouble }),
        2 => (0..20_u32, 1..10_u32, trouble()).prop_map(
            |(from, days, trouble)| Step::Backfill { from, days, trouble }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_dataset_holds_what_anybody_could_have_seen(
        seed in 0..1_000_u64,
        parquet in any::<bool>(),
        steps in prop::collection::vec(step(), 4..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let format = if parquet {
            FileFormat::Parquet
        } else {
            FileFormat::Ndjson(NdjsonCompression::Zstd)
        };
        runtime.block_on(play(seed, format, &steps));
    }
}

async fn play(seed: u64, format: FileFormat, steps: &[Step]) {
    let tenant = Simulator::start(config(seed)).await.unwrap();
    let mut story = Story {
        tenant,
        office: Office::new(format),
        seen: Seen::default(),
        changed: BTreeSet::new(),
    };
    story.office.client.max_attempts = 2;
    for step in steps {
        story.play(step).await;
    }
    story.tenant.advance(HOUR);
    story.end().await;
}

/// Two workflows with a run a day over four days and nothing to come.
fn config(seed: u64) -> TenantConfig {
    let workflow = |category, name: &str| {
        WorkflowConfig::new(category, name).scheduled(Schedule::past(DAY, 4), 0..=3)
    };
    let mut config = TenantConfig {
        workflows: vec![
            workflow(Category::Joiner, "J"),
            workflow(Category::Leaver, "L"),
        ],
        people: 20,
        ..TenantConfig::small(seed)
    };
    config.outcomes.non_users = 0.0;
    config
}

/// A tenant, an exporter, and everything that was there to be seen.
struct Story {
    tenant: Simulator,
    office: Office,
    seen: Seen,
    /// Runs that have changed after they had settled.
    changed: BTreeSet<String>,
}

/// By table: the states in which a row may be stored, and the rows that have to be.
#[derive(Default)]
struct Seen {
    states: BTreeMap<Table, BTreeMap<Vec<String>, Vec<Row>>>,
    kept: BTreeSet<(Table, Vec<String>)>,
}

impl Story {
    async fn play(&mut self, step: &Step) {
        let tenant = &self.tenant;
        let now = tenant.now();
        let truth = tenant.truth();
        let known = |nth: usize| {
            let known: Vec<_> = truth
                .workflows
                .iter()
                .map(|known| known.id.clone())
                .collect();
            (!known.is_empty()).then(|| known[nth % known.len()].clone())
        };
        let settled = |nth: usize| {
            let runs = truth
                .runs
                .iter()
                .filter(|run| self.office.is_settled(tenant, run));
            let runs: Vec<_> = runs.map(|run| run.id.clone()).collect();
            (!runs.is_empty()).then(|| runs[nth % runs.len()].clone())
        };
        match *step {
            Step::Wait(hours) => tenant.advance(HOUR * hours),
            Step::AddRun {
                workflow,
                users,
                hours,
                outcome,
            } => {
                let live = truth.workflows.iter().filter(|workflow| !workflow.deleted);
                let live: Vec<_> = live.map(|live| live.id.as_str()).collect();
                if !live.is_empty() {
                    let plan = RunPlan::new(now, users).working_for(HOUR * hours + HOUR / 60);
                    tenant.add_run(live[workflow % live.len()], &outcome.of(plan));
                }
            }
            Step::Change { run, users } => {
                if let Some(run) = settled(run) {
                    let change = RunChange {
                        outcome: Some(ProcessingStatus::CompletedWithErrors),
                        add_users: users,
                        ..RunChange::default()
                    };
                    tenant.change_run(&run, &change);
                    self.changed.insert(run);
                }
            }
            Step::Drop { run } => {
                if !truth.runs.is_empty() {
                    tenant.drop_run(&truth.runs[run % truth.runs.len()].id);
                }
            }
            Step::Rename { workflow } => {
                if let Some(id) = known(workflow) {
                    tenant.rename_workflow(&id, &format!("as of {now}"));
                }
            }
            Step::AddWorkflow { days } => {
                let late = WorkflowConfig::new(Category::Mover, "Late");
                tenant.add_workflow(&late.scheduled(Schedule::past(3 * DAY, days), 1..=2));
            }
            Step::Delete { workflow } => {
                if let Some(id) = known(workflow).filter(|id| is_live(&truth, id)) {
                    tenant.delete_workflow(&id);
                }
            }
            Step::Purge { workflow } => {
                if let Some(id) = known(workflow) {
                    tenant.purge_workflow(&id);
                }
            }
            Step::Export { lookback, trouble } => self.export(lookback, trouble).await,
            Step::Backfill {
                from,
                days,
                trouble,
            } => self.backfill(from, days, trouble).await,
        }
    }

    async fn export(&mut self, lookback: u32, trouble: Trouble) {
        self.office.request.lookback = lookback * DAY;
        let truth = self.tenant.truth();
        self.seen.could_be_stored(&truth);
        self.prepare(trouble, &truth);
        let summary = self.office.export(&self.tenant).await;
        self.clear_up();
        if is_whole(&summary) {
            let found = |run: &str| lookback == 30 || !self.changed.contains(run);
            self.seen.is_stored(&truth, found);
            self.assert_right();
        } else {
            assert!(!matches!(trouble, Trouble::None), "{summary:#?}");
        }
    }

    async fn backfill(&mut self, from: u32, days: u32, trouble: Trouble) {
        let truth = self.tenant.truth();
        self.seen.could_be_stored(&truth);
        self.prepare(trouble, &truth);
        let from = self.tenant.now() - DAY * from;
        let (from, to) = (from.to_string(), (from + DAY * days).to_string());
        let summary = self.office.backfill(&self.tenant, &from, &to).await;
        self.clear_up();
        assert!(
            is_whole(&summary) || !matches!(trouble, Trouble::None),
            "{summary:#?}"
        );
    }

    fn prepare(&mut self, trouble: Trouble, truth: &Truth) {
        let refused = |status| FaultRule::new(Fault::status(status)).on(Endpoint::RunResults);
        match trouble {
            Trouble::None => {}
            Trouble::Stop(nth) => {
                self.office
                    .stop_before(&self.tenant, Endpoint::RunResults, nth);
            }
            Trouble::Refusal(nth) => {
                self.tenant
                    .inject(refused(400).when(lcw_simulator::When::Nth(nth)));
            }
            Trouble::Unreadable(run) => {
                if !truth.runs.is_empty() {
                    let run = &truth.runs[run % truth.runs.len()].id;
                    self.tenant.inject(refused(503).path_contains(run.as_str()));
                }
            }
        }
    }

    fn clear_up(&mut self) {
        self.office.keep_going();
        self.tenant.clear_faults();
    }

    /// An export that nothing disturbs, and the whole truth after it.
    async fn end(&mut self) {
        self.office.request.lookback = 30 * DAY;
        let truth = self.tenant.truth();
        self.seen.could_be_stored(&truth);
        let summary = self.office.export(&self.tenant).await;
        assert!(is_whole(&summary), "{summary:#?}");
        self.seen.is_stored(&truth, |_| true);
        self.assert_right();
        self.office.assert_markers(&self.tenant, &truth);
        for table in lcw_tests::CORE {
            let stored = self.office.facts(&self.tenant, table);
            for (key, row) in expected(&truth, table) {
                assert!(
                    holds(&stored, &key, &row),
                    "{} {key:?}: {row:#?}",
                    table.name()
                );
            }
            let rows = summary.tables[table.name()].rows_total;
            assert_eq!(rows, stored.len() as u64);
        }
        let again = self.office.export(&self.tenant).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
        self.assert_right();
    }

    /// Every row that has to be there is, and every row that is there was seen like that.
    fn assert_right(&self) {
        for table in lcw_tests::CORE {
            let stored = self.office.facts(&self.tenant, table);
            for (key, row) in &stored {
                let states = self.seen.states.get(&table).and_then(|rows| rows.get(key));
                let seen =
                    states.is_some_and(|states| states.iter().any(|state| is_in(state, row)));
                assert!(seen, "{} {key:?} was never seen as {row:#?}", table.name());
            }
            let kept = self.seen.kept.iter().filter(|(of, _)| *of == table);
            for (_, key) in kept {
                assert!(
                    stored.contains_key(key),
                    "{} {key:?} has left",
                    table.name()
                );
            }
        }
    }
}

impl Seen {
    /// An export starts: whatever it stores is one of these.
    fn could_be_stored(&mut self, truth: &Truth) {
        for table in lcw_tests::CORE {
            let rows = self.states.entry(table).or_default();
            for (key, row) in expected(truth, table) {
                let states = rows.entry(key).or_default();
                if !states.contains(&row) {
                    states.push(row);
                }
            }
        }
    }

    /// An export has ended that nothing disturbed: it has stored every row of the runs that it
    /// can have `found` to be new, open or changed.
    fn is_stored(&mut self, truth: &Truth, found: impl Fn(&str) -> bool) {
        for table in lcw_tests::CORE {
            for key in expected(truth, table).into_keys() {
                let run = match table {
                    Table::UserProcessingResults => &key[1],
                    _ => "",
                };
                if found(run) {
                    self.kept.insert((table, key));
                }
            }
        }
    }
}

impl Outcome {
    fn of(self, plan: RunPlan) -> RunPlan {
        match self {
            Self::Completes => plan,
            Self::Fails => plan.ending(ProcessingStatus::Failed),
            Self::Stays => plan.never_ending(),
            Self::Held => plan.ending(ProcessingStatus::Quarantined).never_starting(),
        }
    }
}

/// Nothing was left out but what the service had forgotten before.
fn is_whole(summary: &Summary) -> bool {
    assert_eq!(summary.proof.short + summary.proof.over, 0, "{summary:#?}");
    match summary.exit_code {
        0 => true,
        5 => !summary.lost_days.is_empty(),
        _ => false,
    }
}

fn is_live(truth: &Truth, id: &str) -> bool {
    let workflow = truth.workflows.iter().find(|workflow| workflow.id == id);
    workflow.is_some_and(|workflow| !workflow.deleted)
}

fn holds(stored: &Facts, key: &Vec<String>, row: &Row) -> bool {
    stored.get(key).is_some_and(|stored| is_in(row, stored))
}

/// Whether a stored row has all columns of an expected one.
fn is_in(expected: &Row, stored: &Row) -> bool {
    expected
        .iter()
        .all(|(column, value)| &stored[column] == value)
}
