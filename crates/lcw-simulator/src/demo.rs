//! The company that the demo exports.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Outcomes, Paging, Schedule, TenantConfig, WorkflowConfig};
use crate::plan::{Reprocessed, RunPlan};
use crate::words::{Category, ExecutionType, ProcessingStatus};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A workflow of the company: category, name, description, tasks, hours from run to run, users of a run.
type Row = (
    Category,
    &'static str,
    &'static str,
    u32,
    u32,
    RangeInclusive<u32>,
);

const WORKFLOWS: [Row; 8] = [
    (
        Category::Joiner,
        "Onboard pre-hire employee",
        "A week before the first day: temporary access pass and mail to the manager",
        3,
        24,
        8..=30,
    ),
    (
        Category::Joiner,
        "Onboard new hire employee",
        "On the first day: enable the account, groups, welcome mail",
        4,
        12,
        6..=24,
    ),
    (
        Category::Joiner,
        "Accueil des stagiaires – Été",
        "Stages et alternances",
        2,
        24,
        0..=12,
    ),
    (
        Category::Mover,
        "Change of department",
        "Groups and licences follow the department",
        5,
        12,
        1..=18,
    ),
    (
        Category::Mover,
        "Promotion to people manager",
        "Adds the managers' groups and training",
        2,
        24,
        0..=4,
    ),
    (
        Category::Leaver,
        "Offboard employee, last day",
        "Disable the account, remove it from groups and teams",
        6,
        24,
        5..=22,
    ),
    (
        Category::Leaver,
        "Post-offboarding, 30 days after",
        "Remove licences and delete the account",
        3,
        24,
        5..=22,
    ),
    (
        Category::Leaver,
        "Offboard contractors (old)",
        "Replaced by the real-time termination",
        3,
        24,
        2..=9,
    ),
];

/// The workflow that was deleted, and how long ago.
const DELETED: (usize, Duration) = (7, Duration::from_hours(6 * 24));

impl TenantConfig {
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
    let history = 21 * DAY + 5 * HOUR;
    WORKFLOWS
        .into_iter()
        .enumerate()
        .map(|(index, (category, name, about, tasks, hours, users))| {
            let schedule = Schedule {
                every: hours * HOUR,
                history,
                ended: None,
            };
            let mut workflow = WorkflowConfig::new(category, name)
                .described(about)
                .scheduled(schedule, users);
            workflow.tasks = tasks;
            workflow.deleted = (index == DELETED.0).then_some(DELETED.1);
            workflow
        })
        .collect()
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
