//! When a request is sent again, and when not.

pub(crate) mod after;
pub(crate) mod classify;
pub(crate) mod schedule;

pub(crate) use after::retry_after;
pub(crate) use classify::{Verdict, classify};
pub(crate) use schedule::Schedule;
