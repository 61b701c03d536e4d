//! Ready-made tenants.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::{
    Access, Answers, DEFAULT_NOW, DateProperty, DeletedHistory, DeletedSubject, IdStyle, Order,
    Outcomes, Paging, ReprocessedRuns, Schedule, TenantConfig, WindowRule, Windows, WorkflowConfig,
    roles,
};
use crate::names::HOSTILE;
use crate::plan::{Reprocessed, RunPlan};
use crate::sign_in::{DeviceSignIn, FederatedIdentity, user_roles};
use crate::words::{Category, ProcessingStatus};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl TenantConfig {
    /// A tenant without workflows: composite ids, pages of 100, a seven-day default window that lower bounds
    /// on `scheduledDateTime` and `startedDateTime` lift (of task results: `createdDateTime` and
    /// `startedDateTime`, of task reports: `completedDateTime`), 30 days of retention, every least-privileged
    /// role.
    pub fn empty(seed: u64) -> Self {
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
            windows: windows(),
            deleted_history: DeletedHistory::Readable,
            reprocessed_runs: ReprocessedRuns::Forbidden,
            access: access(),
            answers: Answers {
                date_skew_seconds: 0,
                gzip_level: Some(1),
                unknown_property: None,
                changed_type: None,
                nested_select: true,
                subject_results_on_v1: false,
                cache_bytes: 0,
            },
            record_limit: 1_000_000,
        }
    }

    /// A tenant full of traps: four workflows with odd names (one deleted), a run a day over four weeks, one
    /// that reprocesses another, mixed ids, every outcome, small and empty pages, repeated rows, unknown
    /// properties, deleted people.
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
            runs: failed_and_again(Self::empty(seed).now),
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
                by_number: false,
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
}

/// Seven days of everything, 30 days of history.
fn windows() -> Windows {
    use DateProperty::{Completed, Created, Scheduled, Started};
    Windows {
        runs: WindowRule::seven_days_unless(&[Scheduled, Started]),
        results: WindowRule::seven_days_unless(&[Scheduled, Started]),
        task_results: WindowRule::seven_days_unless(&[Created, Started]),
        task_reports: WindowRule::seven_days_unless(&[Completed]),
        summaries: Scheduled,
        retention: 30 * DAY,
    }
}

/// Every least-privileged role, tokens of an hour.
fn access() -> Access {
    let granted = [
        roles::REPORTS,
        roles::WORKFLOW_BASIC,
        roles::WORKFLOW,
        roles::EVERYTHING,
        roles::USER,
    ];
    Access {
        tenant_id: None,
        domain: "contoso.onmicrosoft.com".to_owned(),
        roles: granted.map(str::to_owned).to_vec(),
        token_lifetime: Duration::from_secs(3_599),
        token_uses: None,
        opaque_tokens: false,
        expand_needs_user_read: true,
        token_audience: None,
        login_skew_seconds: 0,
        federated: Some(FederatedIdentity::default()),
        public_client: true,
        scopes: [roles::REPORTS, roles::WORKFLOW_BASIC]
            .map(str::to_owned)
            .to_vec(),
        user_roles: vec![user_roles::GLOBAL_READER.to_owned()],
        device: DeviceSignIn::default(),
    }
}

/// A run of the first workflow that failed three days ago, and one of the day after that reprocesses the last
/// bad one.
fn failed_and_again(now: Timestamp) -> Vec<(usize, RunPlan)> {
    let before = |days: u32| now - (days * DAY + 5 * HOUR);
    let failed = RunPlan::new(before(3), 4).ending(ProcessingStatus::Failed);
    let again = RunPlan::new(before(2), 2).reprocessing(Reprocessed::Previous);
    vec![(0, failed), (0, again)]
}
