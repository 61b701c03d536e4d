//! Suites across crates: the exporter against the simulated tenant, over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that asked for it"
)]

mod bad_values;
mod clocks;
mod first_export;
mod hiccups;
mod hostile_ids;
mod limits;
mod mixed_faults;
mod outages;
mod paging;
mod permissions;
mod resumes;
mod throttling;
mod vanishing;
