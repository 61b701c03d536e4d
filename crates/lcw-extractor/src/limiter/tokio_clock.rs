//! governor on tokio's clock, so that a paused clock moves the limiter too.

use std::time::Duration;

use governor::clock::Clock;
use tokio::time::Instant;

/// Time since the gate was made.
#[derive(Debug, Clone)]
pub(crate) struct TokioClock {
    start: Instant,
}

impl TokioClock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.elapsed()
    }
}
