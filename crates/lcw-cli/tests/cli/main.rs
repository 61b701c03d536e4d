//! Drives the built program as its users do: command lines, files, environment, signals, a
//! terminal; and looks at its exit code, its words and the dataset.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong here fails the test that asked for it"
)]

mod acknowledging;
mod bit_flips;
mod connecting;
mod desk;
mod disk;
mod doctor;
mod doctor_settings;
mod documented;
mod documented_runs;
mod documented_tasks;
mod documented_workflows;
mod eighty_columns;
mod exports;
mod forgetting;
mod forgetting_lines;
mod help;
mod hostile_text;
mod init;
mod losses;
mod lost_lines;
mod named_workflows;
mod offline;
mod old_damage;
mod pipelines;
mod plans;
mod planted;
mod precedence;
mod program;
mod pseudonyms;
mod queries;
mod refusals;
mod repairs;
mod report_questions;
mod reporting;
mod reporting_leavers;
mod secrets;
mod shells;
mod show_config;
mod sign_in;
mod signals;
mod simulate;
mod snapshots;
mod soak;
mod statuses;
mod stopped;
mod stopping;
mod streams;
mod tables;
mod telemetry;
mod terminal;
mod tls;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod torture;
mod two_writers;
mod verifying;

#[cfg(all(target_os = "linux", not(target_arch = "x86_64")))]
#[test]
fn crashes_are_tested_on_x86_64() {
    panic!("the tracer knows the registers of x86_64 alone: run this suite on such a machine");
}
