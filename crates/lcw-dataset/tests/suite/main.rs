//! The dataset over both formats: merges, commits, crashes, locks.

#![allow(clippy::unwrap_used, reason = "the helpers of tests may fail them")]

mod audits;
mod commits;
mod crashes;
mod evolution;
mod forgetting;
mod formats;
mod losses;
mod lost_lines;
mod manifests;
mod merges;
mod model;
mod openings;
mod quarantine;
mod records;
mod rows;
mod snapshots;
mod stops;
mod support;
