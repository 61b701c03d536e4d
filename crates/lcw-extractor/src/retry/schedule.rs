//! Delays between the attempts of one request.
//!
//! The only file that knows `backoff`, which is no longer maintained
//! (RUSTSEC-2025-0012): it computes delays here and nothing else.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// Doubling delays with half of jitter either way, up to a cap.
#[derive(Debug)]
pub(crate) struct Schedule {
    inner: ExponentialBackoff,
}

impl Schedule {
    pub(crate) fn new(initial: Duration, cap: Duration) -> Self {
        let inner = ExponentialBackoff {
            current_interval: initial,
            initial_interval: initial,
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: cap,
            // The deadline is the client's, not the schedule's.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Self { inner }
    }

    /// The next delay, never shorter than what the server asked for.
    pub(crate) fn next_delay(&mut self, retry_after: Option<Duration>) -> Duration {
        let own = self.inner.next_backoff().unwrap_or(self.inner.max_interval);
        retry_after.map_or(own, |asked| asked.max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_with_jitter_up_to_the_cap() {
        let mut schedule = Schedule::new(Duration::from_millis(100), Duration::from_secs(1));
        for expected in [100, 200, 400, 800, 1000, 1000, 1000] {
            let delay = schedule.next_delay(None).as_millis();
            assert!(
                (expected / 2..=expected * 3 / 2 + 1).contains(&delay),
                "{delay} {expected}"
            );
        }
    }

    #[test]
    fn a_delay_is_never_shorter_than_asked() {
        let mut schedule = Schedule::new(Duration::from_millis(100), Duration::from_secs(1));
        let asked = Duration::from_secs(77);
        assert_eq!(schedule.next_delay(Some(asked)), asked);
        assert!(schedule.next_delay(Some(Duration::ZERO)) >= Duration::from_millis(100));
    }
}
