//! Faults of the service, by seed: what goes wrong, where and when, follows from a number.
//!
//! A program of its own, because it uses every core for as long as it is asked to: `LCW_TORTURE=long`
//! for ten thousand stories and every single fault, `LCW_SEED=n` to play one story and have it told.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that asked for it"
)]

mod aiming;
mod oracle;
mod playing;
mod positions;
mod stories;
mod story;
mod telling;
mod troubles;
