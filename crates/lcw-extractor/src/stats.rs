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
    /// The requests that would have been enough, had the service answered each at once: one for
    /// each page and each entity that was asked for.
    pub least: u64,
}

/// The shared counters behind [`RequestStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: AtomicU64,
    retried: AtomicU64,
    throttled: AtomicU64,
    /// First requests for pages that were then asked for anew, because their collection began again.
    in_vain: AtomicU64,
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

    /// So many requests of a collection have to be made again.
    pub(crate) fn count_in_vain(&self, requests: u64) {
        self.in_vain.fetch_add(requests, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> RequestStats {
        // What takes away is read first: it was counted after what it takes away from.
        let in_vain = self.in_vain.load(Ordering::Relaxed);
        let retried = self.retried.load(Ordering::Relaxed);
        let sent = self.sent.load(Ordering::Relaxed);
        RequestStats {
            sent,
            retried,
            throttled: self.throttled.load(Ordering::Relaxed),
            least: sent.saturating_sub(retried + in_vain),
        }
    }
}
