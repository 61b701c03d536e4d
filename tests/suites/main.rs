//! Suites across crates: the exporter against the simulated tenant, over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that asked for it"
)]

mod acknowledgements;
mod backfills;
mod bad_values;
mod bodies;
mod changed_types;
mod clocks;
mod doubts;
mod drift;
mod economy;
mod everything;
mod expanded_subjects;
mod first_export;
mod forgotten;
mod formats;
mod growth;
mod hiccups;
mod hostile_ids;
mod interruptions;
mod limits;
mod lineage;
mod links;
mod lost_files;
mod mixed_faults;
mod moving_pages;
mod nothing_new;
mod open_runs;
mod outages;
mod pacing;
mod paging;
mod permission_table;
mod permissions;
mod proofs;
mod query_options;
mod races;
mod random_histories;
mod resumes;
mod retention;
mod routes;
mod set_aside;
mod silences;
mod subjects;
mod tables_added;
mod task_reports;
mod throttling;
mod tokens;
mod undated_tables;
mod vanishing;
mod windows;
