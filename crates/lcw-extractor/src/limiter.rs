//! One gate for all requests: how fast, and not before when.

mod adaptive;
mod gate;
mod tokio_clock;

pub(crate) use gate::{Closed, LONGEST_PAUSE, Permit, RateGate};
