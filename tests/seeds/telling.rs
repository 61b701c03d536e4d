//! Makes a story of a seed.

use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression};
use lcw_simulator::{
    Category, DateProperty, DeletedHistory, Endpoint, FaultRule, Form, IdStyle, Limit, Listed,
    Order, Outcomes, Pages, Paging, ProcessingStatus, Schedule, TenantConfig, When, WindowRule,
    WorkflowConfig,
};
use lcw_tests::Dice;
use lcw_transform::Table;

use crate::story::{Aim, Aimed, Change, Outcome, Step, Story, Trouble};
use crate::troubles::{self, COUNTED};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Story {
    /// The story of this seed. `elsewhere` is an origin that nobody has any business with.
    pub(crate) fn of(seed: u64, elsewhere: &str) -> Self {
        let mut dice = Dice::new(seed);
        let tables = tables(&mut dice);
        let config = config(&mut dice, seed);
        let teller = Teller {
            endpoints: troubles::endpoints(&tables),
            elsewhere,
        };
        let steps = teller.steps(&mut dice);
        Self {
            seed,
            format: format(&mut dice),
            concurrency: dice.pick(&[1, 1, 2, 8]),
            tables,
            config,
            steps,
        }
    }
}

fn format(dice: &mut Dice) -> FileFormat {
    let ndjson = FileFormat::Ndjson(dice.pick(&[
        NdjsonCompression::Zstd,
        NdjsonCompression::Gzip,
        NdjsonCompression::None,
    ]));
    dice.pick(&[FileFormat::Parquet, ndjson])
}

fn tables(dice: &mut Dice) -> Vec<Table> {
    let mut tables = lcw_tests::CORE.to_vec();
    for table in [
        Table::TaskProcessingResults,
        Table::WorkflowVersions,
        Table::Tasks,
        Table::TaskDefinitions,
        Table::TaskReports,
    ] {
        if dice.percent(15) {
            tables.push(table);
        }
    }
    tables
}

fn config(dice: &mut Dice, seed: u64) -> TenantConfig {
    let mut config = TenantConfig::empty(seed);
    // Not noon, not this year, now and then on either side of a midnight or of a new year.
    let shift = i64::from(dice.within(0..=2_000_000)) * 37 - 40_000_000;
    config.now += jiff::SignedDuration::from_secs(shift);
    config.people = dice.within(1..=12);
    config.deleted_people = 0.2;
    config.ids = dice.pick(&[IdStyle::Composite, IdStyle::Guid, IdStyle::Mixed]);
    config.outcomes = Outcomes {
        non_users: 0.0,
        ..dice.pick(&[Outcomes::GOOD, Outcomes::ORDINARY, Outcomes::MIXED])
    };
    config.paging = Paging {
        page_size: dice.pick(&[1..=1, 1..=3, 2..=2, 2..=6, 50..=50]),
        empty_pages: dice.pick(&[0.0, 0.2]),
        repeated_rows: 0.0,
        counted: dice.pick(&[0.0, 0.5]),
        order: dice.pick(&[Order::OldestFirst, Order::NewestFirst]),
        by_number: false,
    };
    // A page that begins with the last row of the one before needs room for another.
    if *config.paging.page_size.start() > 1 {
        config.paging.repeated_rows = dice.pick(&[0.0, 0.2]);
    }
    let lifted_by = [
        vec![DateProperty::Scheduled, DateProperty::Started],
        vec![DateProperty::Scheduled],
        vec![DateProperty::Started],
    ];
    config.windows.runs = WindowRule::seven_days_unless(&dice.pick(&lifted_by));
    config.windows.results = WindowRule::seven_days_unless(&dice.pick(&lifted_by));
    config.windows.summaries = dice.pick(&[DateProperty::Scheduled, DateProperty::Started]);
    config.deleted_history = dice.pick(&[
        DeletedHistory::Readable,
        DeletedHistory::Readable,
        DeletedHistory::Forbidden,
        DeletedHistory::NotFound,
    ]);
    config.answers.gzip_level = dice.pick(&[Some(1), Some(0), None]);
    config.answers.unknown_property = dice.pick(&[None, Some("riskSignal".to_owned())]);
    for name in 0..dice.within(1..=3) {
        config.workflows.push(workflow(dice, name));
    }
    config
}

fn workflow(dice: &mut Dice, name: u32) -> WorkflowConfig {
    let category = dice.pick(&[Category::Joiner, Category::Mover, Category::Leaver]);
    let days = dice.pick(&[1, 2, 3, 9, 27]);
    let schedule = Schedule {
        every: DAY * dice.pick(&[1, 1, 3]) + HOUR * dice.pick(&[0, 0, 5]),
        history: DAY * days + Duration::from_mins(6),
        ended: dice.pick(&[None, None, Some(HOUR)]),
    };
    let users = dice.pick(&[0..=2, 1..=3, 0..=5]);
    let mut workflow = WorkflowConfig::new(category, format!("W{name}")).scheduled(schedule, users);
    workflow.tasks = dice.within(1..=2);
    if dice.percent(15) {
        workflow.deleted = Some(DAY / 2);
    }
    workflow
}

struct Teller<'a> {
    endpoints: Vec<Endpoint>,
    elsewhere: &'a str,
}

impl Teller<'_> {
    fn steps(&self, dice: &mut Dice) -> Vec<Step> {
        let mut steps: Vec<Step> = (0..dice.within(4..=10)).map(|_| self.step(dice)).collect();
        if !steps.iter().any(|step| matches!(step, Step::Export { .. })) {
            steps.push(self.export(dice));
        }
        steps
    }

    fn step(&self, dice: &mut Dice) -> Step {
        match dice.within(0..=99) {
            0..=17 => Step::Wait(pause(dice)),
            18..=44 => Step::Change(change(dice)),
            45..=48 => Step::SetClock(i64::from(dice.within(0..=24)) - 12),
            49..=53 => Step::Skew(dice.pick(&[0, 0, -9, -2, -1, 1, 3, 9])),
            54..=89 => self.export(dice),
            _ => Step::Backfill {
                from: dice.within(0..=20),
                days: dice.within(1..=12),
                trouble: self.trouble(dice),
            },
        }
    }

    fn export(&self, dice: &mut Dice) -> Step {
        Step::Export {
            lookback: dice.pick(&[1, 3, 30, 30, 30]),
            trouble: self.trouble(dice),
        }
    }

    fn trouble(&self, dice: &mut Dice) -> Trouble {
        let mut trouble = Trouble::default();
        if dice.percent(25) {
            return trouble;
        }
        let faults = dice.pick(&[0, 1, 1, 2, 2, 3, 6]);
        trouble.faults = (0..faults).map(|_| self.fault(dice)).collect();
        let meanwhile = dice.pick(&[0, 0, 0, 1, 2]);
        trouble.meanwhile = (0..meanwhile)
            .map(|_| {
                let nth = u64::from(dice.within(1..=8));
                (dice.pick(&self.endpoints), nth, change(dice))
            })
            .collect();
        if dice.percent(20) {
            let nth = u64::from(dice.within(1..=12));
            trouble.stop = Some((dice.pick(&self.endpoints), nth));
        }
        if dice.percent(10) {
            trouble.limit = Some(Limit {
                form: dice.pick(&[Some(Form::Seconds), Some(Form::Fraction), Some(Form::Date)]),
                ..Limit::per_second(f64::from(dice.within(2..=60)))
            });
        }
        if dice.percent(15) {
            trouble.token_uses = Some(dice.within(2..=9));
        }
        trouble
    }

    fn fault(&self, dice: &mut Dice) -> Aimed {
        let fault = troubles::any(dice, self.elsewhere);
        let endpoints: Vec<Endpoint> = if troubles::is_silent(&fault) {
            vec![dice.pick(&COUNTED)]
        } else {
            let kinds = dice.pick(&[0, 1, 1, 1, 2]);
            (0..kinds).map(|_| dice.pick(&self.endpoints)).collect()
        };
        let mut rule = FaultRule::new(fault)
            .when(when(dice))
            .pages(dice.pick(&[Pages::Any, Pages::Any, Pages::First, Pages::Further]))
            .seed(dice.roll());
        rule.endpoints = endpoints;
        rule.times = dice.pick(&[None, Some(1), Some(1), Some(2), Some(5)]);
        let nth = dice.below(50);
        let at = match dice.within(0..=9) {
            0..=1 => Some(Aim::Workflow(nth)),
            2..=3 => Some(Aim::Run(nth)),
            _ => None,
        };
        Aimed { rule, at }
    }
}

fn when(dice: &mut Dice) -> When {
    let nth = u64::from(dice.within(1..=15));
    match dice.within(0..=9) {
        0..=1 => When::Always,
        2..=4 => When::Nth(nth),
        5..=6 => When::EveryNth(nth.clamp(2, 7)),
        _ => When::Chance(dice.pick(&[0.03, 0.1, 0.4])),
    }
}

/// From minutes, in which counters settle, to weeks, after which the service forgets.
fn pause(dice: &mut Dice) -> Duration {
    match dice.within(0..=9) {
        0..=2 => Duration::from_mins(u64::from(dice.within(1..=20))),
        3..=6 => HOUR * dice.within(1..=30),
        7..=8 => DAY * dice.within(2..=9),
        _ => DAY * dice.within(10..=33),
    }
}

fn change(dice: &mut Dice) -> Change {
    let nth = dice.below(50);
    match dice.within(0..=99) {
        0..=39 => Change::AddRun {
            workflow: nth,
            users: dice.within(0..=4),
            hours_ago: dice.pick(&[0, 0, 1, 30, 200]),
            working_hours: dice.pick(&[0, 0, 1, 20, 80]),
            outcome: outcome(dice),
        },
        40..=54 => Change::Reprocess {
            run: nth,
            users: dice.within(0..=2),
        },
        55..=61 => Change::LateRow {
            run: nth,
            hours: dice.within(1..=40),
        },
        62..=66 => Change::Forget { run: nth },
        67..=73 => Change::List {
            run: nth,
            listed: dice.pick(&[
                Listed::Once,
                Listed::Twice,
                Listed::StaleFirst,
                Listed::StaleLast,
            ]),
        },
        74..=80 => Change::Rename { workflow: nth },
        81..=85 => Change::AddWorkflow {
            days: u64::from(dice.within(0..=12)),
        },
        86..=90 => Change::Delete { workflow: nth },
        91..=93 => Change::Purge { workflow: nth },
        _ => Change::Pass(pause(dice).min(3 * DAY)),
    }
}

fn outcome(dice: &mut Dice) -> Outcome {
    use ProcessingStatus::{Canceled, Completed, CompletedWithErrors, Failed};
    dice.pick(&[
        Outcome::Ends(Completed),
        Outcome::Ends(Completed),
        Outcome::Ends(CompletedWithErrors),
        Outcome::Ends(Failed),
        Outcome::Ends(Canceled),
        Outcome::Stays,
        Outcome::Held,
    ])
}
