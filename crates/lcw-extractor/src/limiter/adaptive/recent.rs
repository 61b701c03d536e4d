//! The rate at which requests were in fact sent of late.

use std::collections::VecDeque;

use super::epoch::longest_gap;

/// The sends that are remembered, at most, …
const MOST: usize = 512;
/// … of the last second, and in any case this many.
const FEWEST: usize = 8;

/// The last sends, as seconds.
#[derive(Debug, Default)]
pub(super) struct Recent {
    sends: VecDeque<f64>,
}

impl Recent {
    /// A send at a time when so many requests a second may be sent. What was sent before an hour in
    /// which nobody asked says nothing about the rate.
    pub(super) fn send(&mut self, rate: f64, now: f64) {
        if self
            .sends
            .back()
            .is_some_and(|last| now - last > longest_gap(rate))
        {
            self.forget();
        }
        self.sends.push_back(now);
        let is_old = |at: &f64| now - at > 1.0;
        while self.sends.len() > MOST
            || (self.sends.len() > FEWEST && self.sends.front().is_some_and(is_old))
        {
            self.sends.pop_front();
        }
    }

    pub(super) fn forget(&mut self) {
        self.sends.clear();
    }

    /// In requests a second; infinite while too few were sent to say.
    pub(super) fn rate(&self, now: f64) -> f64 {
        match self.sends.front() {
            Some(first) if self.sends.len() >= 4 && now > *first => {
                #[expect(clippy::cast_precision_loss, reason = "at most 512")]
                let gaps = (self.sends.len() - 1) as f64;
                gaps / (now - first)
            }
            _ => f64::INFINITY,
        }
    }
}
