//! No secret, token, next link or subject in any log line at any level, in any error, in the
//! summary, nor beside the tables.
//!
//! A program of its own, because what it listens with is for the whole process.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that asked for it"
)]

mod errors;
mod exports;
mod listener;
