//! What kind of tenant is simulated, and which of the service's peculiarities it shows.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;

use crate::plan::RunPlan;
use crate::record::Endpoint;
use crate::sign_in::{DeviceSignIn, FederatedIdentity};
use crate::words::Category;

/// The instant at which library tenants start: 2026-11-23T12:00:00Z.
pub(crate) const DEFAULT_NOW: i64 = 1_795_435_200;

/// A tenant and its service. Everything observable follows from this, the clock and the mutations.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// Decides every id, date and outcome.
    pub seed: u64,
    /// Where the service's clock starts.
    pub now: Timestamp,
    /// Whether the service's clock goes on by itself (with tokio's clock).
    pub ticking: bool,
    /// The workflows, in the order in which they are listed.
    pub workflows: Vec<WorkflowConfig>,
    /// Further runs: the index of the workflow and the run.
    pub runs: Vec<(usize, RunPlan)>,
    /// How many people work there. Each run takes its users from them.
    pub people: u32,
    /// Share of the people whose account has been deleted.
    pub deleted_people: f64,
    /// How a deleted person shows as the subject of a result.
    pub deleted_subject: DeletedSubject,
    /// How runs end.
    pub outcomes: Outcomes,
    /// How ids look.
    pub ids: IdStyle,
    /// How collections are cut into pages.
    pub paging: Paging,
    /// Which rows a listing contains.
    pub windows: Windows,
    /// Whether the history of soft-deleted workflows can be read.
    pub deleted_history: DeletedHistory,
    /// Whether the runs that reprocess a run can be read.
    pub reprocessed_runs: ReprocessedRuns,
    /// Tokens and permissions.
    pub access: Access,
    /// What answers look like.
    pub answers: Answers,
    /// How many requests are remembered; the oldest are forgotten first, counts go on.
    pub record_limit: usize,
}

/// One workflow and the runs it makes by itself.
#[derive(Debug, Clone)]
pub struct WorkflowConfig {
    /// Its id; made from the seed when `None`. Any text is allowed, to test ids that need escaping.
    pub id: Option<String>,
    /// Any text.
    pub display_name: String,
    /// Any text; `null` when `None`.
    pub description: Option<String>,
    /// Its category.
    pub category: Category,
    /// Its scheduled runs; none when `None`.
    pub schedule: Option<Schedule>,
    /// How many users each scheduled run has.
    pub users_per_run: RangeInclusive<u32>,
    /// How many tasks each user has, 1 to 25.
    pub tasks: u32,
    /// How long before the start of the clock it was soft-deleted; it runs no more from then on.
    pub deleted: Option<Duration>,
}

impl WorkflowConfig {
    /// A workflow of one to five users a run with two tasks and no schedule.
    pub fn new(category: Category, display_name: impl Into<String>) -> Self {
        Self {
            id: None,
            display_name: display_name.into(),
            description: None,
            category,
            schedule: None,
            users_per_run: 1..=5,
            tasks: 2,
            deleted: None,
        }
    }

    /// The same workflow with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The same workflow with a schedule and a number of users.
    #[must_use]
    pub fn scheduled(mut self, schedule: Schedule, users_per_run: RangeInclusive<u32>) -> Self {
        self.schedule = Some(schedule);
        self.users_per_run = users_per_run;
        self
    }
}

/// When a workflow runs.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The time from one run to the next.
    pub every: Duration,
    /// How long before the start of the clock the first run was.
    pub history: Duration,
    /// How long before the start of the clock the schedule ended; `None`: it goes on.
    pub ended: Option<Duration>,
}

impl Schedule {
    /// Runs for `days` days up to the start of the clock and no longer.
    pub const fn past(every: Duration, days: u64) -> Self {
        Self {
            every,
            history: Duration::from_secs(days * 86_400),
            ended: Some(Duration::ZERO),
        }
    }

    /// Runs for `days` days up to the start of the clock, and on.
    pub const fn ongoing(every: Duration, days: u64) -> Self {
        Self {
            every,
            history: Duration::from_secs(days * 86_400),
            ended: None,
        }
    }
}

/// How scheduled runs come out: shares of all runs. The rest completes.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes {
    /// Ends as `completedWithErrors`.
    pub with_errors: f64,
    /// Ends as `failed`.
    pub failed: f64,
    /// Ends as `canceled`.
    pub canceled: f64,
    /// Is `quarantined` and stays so.
    pub quarantined: f64,
    /// Has no users.
    pub empty: f64,
    /// Is started on demand rather than by the schedule.
    pub on_demand: f64,
    /// Is a dry run.
    pub preview: f64,
    /// Has subjects that are not users: counted, without user processing results.
    pub non_users: f64,
    /// Settles hours after its end instead of minutes, with nothing that says so.
    pub settling_late: f64,
}

impl Outcomes {
    /// Every run completes.
    pub const GOOD: Self = Self {
        with_errors: 0.0,
        failed: 0.0,
        canceled: 0.0,
        quarantined: 0.0,
        empty: 0.0,
        on_demand: 0.0,
        preview: 0.0,
        non_users: 0.0,
        settling_late: 0.0,
    };
    /// What an ordinary tenant sees.
    pub const ORDINARY: Self = Self {
        with_errors: 0.08,
        failed: 0.03,
        canceled: 0.01,
        on_demand: 0.05,
        ..Self::GOOD
    };
    /// Some of everything.
    pub const MIXED: Self = Self {
        with_errors: 0.15,
        failed: 0.08,
        canceled: 0.06,
        quarantined: 0.02,
        empty: 0.06,
        on_demand: 0.1,
        preview: 0.05,
        non_users: 0.03,
        settling_late: 0.0,
    };
}

/// The shape of run and result ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdStyle {
    /// `{workflow}_{ticks}` and `{workflow}_{version}_{run}_{user}`.
    Composite,
    /// GUIDs, as in the samples of 2022.
    Guid,
    /// Either, by run.
    Mixed,
}

/// How a deleted person shows as a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedSubject {
    /// `{"id": "…"}`, also with `$expand=subject`.
    IdOnly,
    /// `null`.
    Null,
}

/// How collections are cut into pages.
#[derive(Debug, Clone)]
pub struct Paging {
    /// Rows of a page; each page chooses by the seed.
    pub page_size: RangeInclusive<u32>,
    /// Share of pages that are empty and still have a next link.
    pub empty_pages: f64,
    /// Share of pages that begin with the last row of the page before.
    pub repeated_rows: f64,
    /// Share of collections that say `@odata.count` on their first page.
    pub counted: f64,
    /// The order of runs and results.
    pub order: Order,
    /// Whether a page of runs, results or reports begins at a number, so that rows which come or go before it
    /// move the rest over its edge; else it begins at a row.
    pub by_number: bool,
}

impl Paging {
    /// Pages of exactly `size` rows and nothing odd.
    pub const fn plain(size: u32) -> Self {
        Self {
            page_size: size..=size,
            empty_pages: 0.0,
            repeated_rows: 0.0,
            counted: 0.0,
            order: Order::OldestFirst,
            by_number: false,
        }
    }
}

/// The order of runs and results in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By schedule, ascending.
    OldestFirst,
    /// By schedule, descending.
    NewestFirst,
}

/// Which rows a listing contains.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Of runs.
    pub runs: WindowRule,
    /// Of results, of a run and of a workflow alike; of subject results too.
    pub results: WindowRule,
    /// Of task results, by `createdDateTime`.
    pub task_results: WindowRule,
    /// Of task reports, by the schedule of their run.
    pub task_reports: WindowRule,
    /// Which date of a row decides whether a summary counts it. Rows without such a date have one of their
    /// run's.
    pub summaries: DateProperty,
    /// How long history is kept, by the schedule of its run.
    pub retention: Duration,
}

/// The default window of a listing.
#[derive(Debug, Clone)]
pub struct WindowRule {
    /// How far back a listing reaches that names no window; `None`: as far as history goes.
    pub default: Option<Duration>,
    /// The properties whose lower bound (`ge` or `gt`) in a filter lifts the default.
    pub lifted_by: Vec<DateProperty>,
}

impl WindowRule {
    /// Seven days unless the filter has a lower bound for one of these.
    pub fn seven_days_unless(lifted_by: &[DateProperty]) -> Self {
        Self {
            default: Some(Duration::from_hours(7 * 24)),
            lifted_by: lifted_by.to_vec(),
        }
    }
}

/// The dates of runs, results and task results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateProperty {
    /// `scheduledDateTime`, never null.
    Scheduled,
    /// `startedDateTime`.
    Started,
    /// `completedDateTime`.
    Completed,
    /// `lastUpdatedDateTime`, of runs only.
    LastUpdated,
    /// `createdDateTime`, of task results only.
    Created,
}

/// What the subtree below `deletedItems/workflows/{id}` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedHistory {
    /// Runs and results, like those of live workflows.
    Readable,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
}

/// What `runs/{id}/reprocessedRuns` answers. The documentation calls it not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReprocessedRuns {
    /// The runs that reprocess the run.
    Readable,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
}

/// Tokens and permissions.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tenant's GUID; made from the seed when `None`.
    pub tenant_id: Option<String>,
    /// The tenant's domain name, which the token endpoint takes as well.
    pub domain: String,
    /// The application roles in tokens issued from now on.
    pub roles: Vec<String>,
    /// How long tokens live, on tokio's clock.
    pub token_lifetime: Duration,
    /// After how many requests a token is refused; `None`: never.
    pub token_uses: Option<u32>,
    /// Whether tokens are opaque text instead of a JWT.
    pub opaque_tokens: bool,
    /// Whether `$expand=subject` needs [`roles::USER`] or [`roles::USER_BASIC`] besides the permission for the
    /// rows; otherwise it is 403.
    pub expand_needs_user_read: bool,
    /// Whom tokens say they are for; the resource that was asked for when `None`.
    pub token_audience: Option<String>,
    /// What the login service's clock is ahead of this machine's, in seconds.
    pub login_skew_seconds: i64,
    /// The external identity that the application trusts; `None`: it trusts none.
    pub federated: Option<FederatedIdentity>,
    /// Whether the application may sign people in without a secret.
    pub public_client: bool,
    /// The delegated permissions that an administrator has consented to.
    pub scopes: Vec<String>,
    /// The roles in the tenant of the user who signs in, as of [`user_roles`](crate::user_roles).
    pub user_roles: Vec<String>,
    /// What becomes of sign-ins by device code that begin from now on.
    pub device: DeviceSignIn,
}

/// What answers look like.
#[derive(Debug, Clone)]
pub struct Answers {
    /// What the `Date` header is ahead of the service's clock, in seconds.
    pub date_skew_seconds: i64,
    /// The level of gzip for clients that ask for it (0 stores without compressing); `None`: never gzip.
    pub gzip_level: Option<u32>,
    /// A property unknown to every documentation, on some rows of each kind.
    pub unknown_property: Option<String>,
    /// A property that has another type than documented, on the first row of a page and every third after it.
    pub changed_type: Option<ChangedType>,
    /// Whether `$expand=subject($select=…)` is understood; otherwise it is 400.
    pub nested_select: bool,
    /// Whether v1.0 has subject processing results, as its newest pages say; otherwise only beta has them.
    pub subject_results_on_v1: bool,
    /// Keeps rendered bodies up to this many bytes until the clock or the tenant changes; 0: none.
    pub cache_bytes: usize,
}

/// A value in place of a documented one.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedType {
    /// The kind of requests whose rows have it.
    pub endpoint: Endpoint,
    /// The property; a slash leads to a property inside it. Rows without it stay as they are.
    pub property: String,
    /// What stands there instead, as JSON; text that is no JSON becomes a string.
    pub json: String,
}

/// Least-privileged permissions, as application roles.
pub mod roles {
    /// Runs, results and reports.
    pub const REPORTS: &str = "LifecycleWorkflows-Reports.Read.All";
    /// List and get workflows.
    pub const WORKFLOW_BASIC: &str = "LifecycleWorkflows-Workflow.ReadBasic.All";
    /// The same, deleted workflows, versions and tasks.
    pub const WORKFLOW: &str = "LifecycleWorkflows-Workflow.Read.All";
    /// Everything of Lifecycle Workflows that can be read; the least that task definitions need.
    pub const EVERYTHING: &str = "LifecycleWorkflows.Read.All";
    /// Everything, writing included.
    pub const WRITE: &str = "LifecycleWorkflows.ReadWrite.All";
    /// Every property of users, for `$expand=subject`.
    pub const USER: &str = "User.Read.All";
    /// The same; the simulator does not hold properties back.
    pub const USER_BASIC: &str = "User.ReadBasic.All";
}
