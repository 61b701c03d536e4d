//! A Microsoft Entra tenant with Lifecycle Workflows on loopback, for the demo, the tests and the benchmarks.
//!
//! It answers the part of Microsoft Graph that reports on workflows with their versions and tasks, their runs,
//! and what each run and each of its tasks did to each user, over real HTTP, together with its login service
//! and the endpoints of managed identities. It behaves as the service is documented, traps included: a
//! seven-day default window, 30 days of retention, pages whose size the server chooses, values hidden behind
//! `unknownFutureValue`, counters that lag. Everything observable is a function of the seed, the clock and the
//! mutations that the caller makes, so a test can say what is true ([`Simulator::truth`]) and compare whole
//! tables. Faults and limits are played on request ([`Simulator::inject`], [`Simulator::set_limit`]), and
//! every request is recorded ([`Simulator::requests`]).
//!
//! ```
//! use std::time::Duration;
//! use lcw_simulator::{Endpoint, Fault, FaultRule, RetryAfter, Simulator, TenantConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let simulator = Simulator::start(TenantConfig::small(7)).await?;
//! simulator.inject(
//!     FaultRule::new(Fault::Throttled(RetryAfter::fraction(2_128))).on(Endpoint::Runs).times(2),
//! );
//! // … let a client export from `simulator.origin()` …
//! simulator.advance(Duration::from_secs(24 * 3600));
//! assert_eq!(simulator.count(Endpoint::Runs), 0);
//! assert!(!simulator.truth().results.is_empty());
//! # Ok(())
//! # }
//! ```

mod answer;
mod authority;
mod base64;
mod body;
mod broken;
mod cache;
mod certificate;
mod clock;
mod collections;
mod config;
mod control;
mod credentials;
mod demo;
mod detail;
mod expand;
mod faults;
mod filter;
mod graph;
mod hint;
mod hooks;
mod json;
mod limit;
mod listed;
mod listing;
mod managed;
mod mutate;
mod names;
mod order;
mod page;
mod paging;
mod permission;
mod person;
mod plan;
mod presets;
mod property;
mod query;
mod random;
mod record;
mod render;
mod report;
mod result;
mod route;
mod row;
mod run;
mod scripted;
mod server;
mod service;
mod sign_in;
mod simulator;
mod subject;
mod summary;
mod task_result;
mod tasks;
mod tenant;
mod ticks;
mod token;
mod truth;
mod version;
mod words;
mod workflow;

pub use config::{
    Access, Answers, ChangedType, DateProperty, DeletedHistory, DeletedSubject, IdStyle, Order,
    Outcomes, Paging, ReprocessedRuns, Schedule, TenantConfig, WindowRule, Windows, WorkflowConfig,
    roles,
};
pub use faults::{Fault, FaultBody, FaultRule, Pages, When};
pub use hint::{Form, RetryAfter};
pub use limit::Limit;
pub use plan::{Listed, Reprocessed, ResultChange, RunChange, RunPlan, TaskChange};
pub use record::{Endpoint, RequestRecord};
pub use scripted::ScriptedAnswer;
pub use sign_in::{DeviceOutcome, DeviceSignIn, FederatedIdentity, user_roles};
pub use simulator::Simulator;
pub use truth::{Contents, Expand, Reading, TrueItem, TrueResult, TrueRun, TrueWorkflow, Truth};
pub use words::{Category, ExecutionType, ProcessingStatus};
