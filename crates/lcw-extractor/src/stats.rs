//! What was asked of the service, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many requests went to Graph since the client was made. Token requests are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestStats {
    /// Requests sent, repetitions included.
    pub sent: u64,
    /// Those of `sent` that repeated an earlier one.
    pub retried: u64,
    /// Answers with status 429.
    pub throttled: u64,
}

/// The shared counters behind [`RequestStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: AtomicU64,
    retried: AtomicU64,
    throttled: AtomicU64,
}

impl Counters {
    pub(crate) fn count_sent(&self, is_repetition: bool) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if is_repetition {
            self.retried.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> RequestStats {
        RequestStats {
            sent: self.sent.load(Ordering::Relaxed),
            retried: self.retried.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
        }
    }
}
