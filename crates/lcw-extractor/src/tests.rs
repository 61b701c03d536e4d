//! Whole behaviour, against a scripted server on the same (paused) clock.

mod config;
mod paging;
mod probe;
mod quiet;
mod retrying;
mod sign_in;
mod support;
mod throttling;
mod tokens;
