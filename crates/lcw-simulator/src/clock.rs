//! The service's own clock: moved by the caller and, when it ticks, by tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::ticks::{self, Ticks};

/// Says what time the tenant has.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Ticks,
    since: Option<Instant>,
}

impl Clock {
    /// Starts at `now`. A ticking clock goes on with tokio's, so it follows a paused one too.
    pub(crate) fn new(now: Ticks, ticking: bool) -> Self {
        Self {
            base: now,
            since: ticking.then(Instant::now),
        }
    }

    pub(crate) fn now(&self) -> Ticks {
        let ticked = self
            .since
            .map_or(0, |since| ticks::from_duration(since.elapsed()));
        self.base + ticked
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.base += ticks::from_duration(by);
    }

    /// Sets the time; earlier than now is allowed, as a server's clock may be set back.
    pub(crate) fn set(&mut self, now: Ticks) {
        self.base = now;
        self.since = self.since.map(|_| Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticking_clock_follows_tokio_and_a_standing_one_does_not() {
        let standing = Clock::new(0, false);
        let mut ticking = Clock::new(0, true);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(standing.now(), 0);
        assert_eq!(ticking.now(), 5 * ticks::SECOND);
        ticking.advance(Duration::from_secs(2));
        assert_eq!(ticking.now(), 7 * ticks::SECOND);
        ticking.set(ticks::DAY);
        assert_eq!(ticking.now(), ticks::DAY);
    }
}
