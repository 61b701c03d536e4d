//! Ready-made tenants.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::{
    Access, Answers, DEFAULT_NOW, DateProperty, DeletedHistory, DeletedSubject, IdStyle, Order,
    Outcomes, Paging, Schedule, TenantConfig, WindowRule, Windows, WorkflowConfig, roles,
};
use crate::names::HOSTILE;
use crate::plan::{Reprocessed, RunPlan};
use crate::words::{Category, ExecutionType, ProcessingStatus};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl TenantConfig {
    /// A tenant without workflows: composite ids, pages of 100, a seven-day default window that lower bounds
    /// on `scheduledDateTime` and `startedDateTime` lift, 30 days of retention, every least-privileged role.
    pub fn empty(seed: u64) -> Self {
        let lifted_by = [DateProperty::Scheduled, DateProperty::Started];
        Self {
            seed,
            now: Timestamp::from_second(DEFAULT_NOW).unwrap_or(Timestamp::UNIX_EPOCH),
            ticking: false,
            workflows: Vec::new(),
            runs: Vec::new(),
            people: 400,
            deleted_people: 0.0,
            deleted_subject: DeletedSubject::IdOnly,
            outcomes: Outcomes::GOOD,
            ids: IdStyle::Composite,
            paging: Paging::plain(100),
            windows: Windows {
                runs: WindowRule::seven_days_unless(&lifted_by),
                results: WindowRule::seven_days_unless(&lifted_by),
                retention: 30 * DAY,
            },
            deleted_history: DeletedHistory::Readable,
            access: Access {
                tenant_id: None,
                domain: "contoso.onmicrosoft.com".to_owned(),
                roles: [roles::REPORTS, roles::WORKFLOW_BASIC, roles::WORKFLOW]
                    .map(str::to_owned)
                    .to_vec(),
                token_lifetime: Duration::from_secs(3_599),
                token_uses: None,
                opaque_tokens: false,
            },
            answers: Answers {
                date_skew_seconds: 0,
                gzip_level: Some(1),
                unknown_property: None,
                cache_bytes: 0,
            },
            record_limit: 1_000_000,
        }
    }

    /// A tenant full of traps: four workflows with odd names (one deleted), a run a day over four weeks,
    /// mixed ids, every outcome, small and empty pages, repeated rows, unknown properties, deleted people.
    pub fn small(seed: u64) -> Self {
        let name = |index: u64| {
            let count = u64::try_from(HOSTILE.len()).unwrap_or(1);
            HOSTILE
                [usize::try_from((seed.wrapping_mul(3).wrapping_add(index)) % count).unwrap_or(0)]
        };
        // The latest runs are still open, or have not settled yet, when the clock starts.
        let history = 28 * DAY + Duration::from_mins(6);
        let daily = Schedule {
            every: DAY,
            history,
            ended: None,
        };
        let mut deleted = WorkflowConfig::new(Category::Leaver, name(3)).scheduled(daily, 0..=5);
        deleted.deleted = Some(4 * DAY);
        Self {
            workflows: vec![
                WorkflowConfig::new(Category::Joiner, name(0))
                    .described("first line\nsecond \"line\"")
                    .scheduled(daily, 1..=7),
                WorkflowConfig::new(Category::Mover, name(1)).scheduled(daily, 0..=4),
                WorkflowConfig::new(Category::Leaver, name(2))
                    .described("")
                    .scheduled(daily, 1..=6),
                deleted,
            ],
            people: 40,
            deleted_people: 0.2,
            outcomes: Outcomes::MIXED,
            ids: IdStyle::Mixed,
            paging: Paging {
                page_size: 1..=6,
                empty_pages: 0.15,
                repeated_rows: 0.15,
                counted: 0.3,
                order: if seed.is_multiple_of(2) {
                    Order::OldestFirst
                } else {
                    Order::NewestFirst
                },
            },
            answers: Answers {
                unknown_property: Some("riskSignal".to_owned()),
                ..Self::empty(seed).answers
            },
            ..Self::empty(seed)
        }
    }

    /// A tenant for measurements: so many settled runs of so many users each, spread over 28 days, in pages
    /// of 100 and without any oddity. Gzip stores only, so that the simulator costs little.
    pub fn bench(workflows: u32, runs: u32, users: u32) -> Self {
        let every = (28 * DAY) / runs.max(1);
        let schedule = Schedule {
            every,
            history: 28 * DAY + 6 * HOUR,
            ended: Some(6 * HOUR + every / 2),
        };
        let workflows = (1..=workflows)
            .map(|number| {
                let name = format!("Workflow {number}");
                let workflow = WorkflowConfig::new(Category::Joiner, name);
                let mut workflow = workflow
                    .described("Measured")
                    .scheduled(schedule, users..=users);
                workflow.schedule = workflow.schedule.filter(|_| runs > 0);
                workflow.tasks = 3;
                workflow
            })
            .collect();
        let mut config = Self {
            workflows,
            people: 4_000,
            ..Self::empty(1)
        };
        config.answers.gzip_level = Some(0);
        config
    }

    /// The company that `lcw demo` exports, as of the library's fixed date.
    pub fn demo() -> Self {
        Self::demo_at(Self::empty(0).now)
    }

    /// The same company as of another date: eight workflows of joiners, movers and leavers, three weeks of
    /// history with a few thousand results, failures, a deleted workflow, a reprocessed run, an open run.
    pub fn demo_at(now: Timestamp) -> Self {
        Self {
            now,
            workflows: demo_workflows(),
            runs: demo_runs(now),
            people: 1_800,
            deleted_people: 0.04,
            outcomes: Outcomes::ORDINARY,
            paging: Paging {
                empty_pages: 0.05,
                counted: 0.5,
                ..Paging::plain(50)
            },
            ..Self::empty(2_026)
        }
    }
}

fn demo_workflows() -> Vec<WorkflowConfig> {
    let workflow = |category, name: &str, about: &str, tasks| {
        let mut workflow = WorkflowConfig::new(category, name).described(about);
        workflow.tasks = tasks;
        workflow
    };
    let history = 21 * DAY + 5 * HOUR;
    let daily = Schedule {
        every: DAY,
        history,
        ended: None,
    };
    let twice = Schedule {
        every: 12 * HOUR,
        ..daily
    };
    let mut deleted = workflow(
        Category::Leaver,
        "Offboard contractors (old)",
        "Replaced by the real-time termination",
        3,
    )
    .scheduled(daily, 2..=9);
    deleted.deleted = Some(6 * DAY);
    vec![
        workflow(
            Category::Joiner,
            "Onboard pre-hire employee",
            "A week before the first day: temporary access pass and mail to the manager",
            3,
        )
        .scheduled(daily, 8..=30),
        workflow(
            Category::Joiner,
            "Onboard new hire employee",
            "On the first day: enable the account, groups, welcome mail",
            4,
        )
        .scheduled(twice, 6..=24),
        workflow(
            Category::Joiner,
            "Accueil des stagiaires – Été",
            "Stages et alternances",
            2,
        )
        .scheduled(daily, 0..=12),
        workflow(
            Category::Mover,
            "Change of department",
            "Groups and licences follow the department",
            5,
        )
        .scheduled(twice, 1..=18),
        workflow(
            Category::Mover,
            "Promotion to people manager",
            "Adds the managers' groups and training",
            2,
        )
        .scheduled(daily, 0..=4),
        workflow(
            Category::Leaver,
            "Offboard employee, last day",
            "Disable the account, remove it from groups and teams",
            6,
        )
        .scheduled(daily, 5..=22),
        workflow(
            Category::Leaver,
            "Post-offboarding, 30 days after",
            "Remove licences and delete the account",
            3,
        )
        .scheduled(daily, 5..=22),
        deleted,
    ]
}

fn demo_runs(now: Timestamp) -> Vec<(usize, RunPlan)> {
    let before = |hours: u64| now - Duration::from_secs(hours * 3_600 + 1_111);
    let failed = RunPlan::new(before(75), 17).ending(ProcessingStatus::Failed);
    let mut open = RunPlan::new(now - Duration::from_mins(13), 14).working_for(2 * HOUR);
    open.execution = ExecutionType::OnDemand;
    vec![
        (5, failed),
        (
            5,
            RunPlan::new(before(51), 17).reprocessing(Reprocessed::Previous),
        ),
        (
            6,
            RunPlan::new(before(28), 9).ending(ProcessingStatus::CompletedWithErrors),
        ),
        (
            3,
            RunPlan::new(before(9), 140)
                .ending(ProcessingStatus::Quarantined)
                .never_starting(),
        ),
        (1, open),
    ]
}
