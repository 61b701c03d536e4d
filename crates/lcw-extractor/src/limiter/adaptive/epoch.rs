//! What the time between two refusals says about the limit.

/// The longest gap between two answers, in seconds, in which somebody was still asking …
const LONGEST_GAP: f64 = 1.0;
/// … unless the rate asks for longer ones: then it is this many times the usual gap.
const GAPS: f64 = 4.0;
/// Two epochs whose lengths or counts are closer than this say nothing together.
const LEAST_DIFFERENCE: f64 = 0.1;
const LEAST_ANSWERS: f64 = 4.0;

/// The longest gap, in seconds, that does not say that nobody asked.
pub(super) fn longest_gap(rate: f64) -> f64 {
    LONGEST_GAP.max(GAPS / rate)
}

/// From one refusal to the next. At both ends the service's bucket was empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch {
    pub(super) number: u64,
    /// Answers that were no refusals, also to requests of the epoch before.
    pub(super) accepted: f64,
    /// Refusals that began it: the first, and those that were in flight with it.
    pub(super) refused: f64,
    /// Seconds outside of the pause in which somebody asked.
    pub(super) busy: f64,
    answered_at: f64,
    refused_at: f64,
    pub(super) resumed_at: f64,
}

impl Epoch {
    /// The one before the first refusal.
    pub(super) fn first() -> Self {
        Self {
            number: 0,
            accepted: 0.0,
            refused: 0.0,
            busy: 0.0,
            answered_at: 0.0,
            refused_at: 0.0,
            resumed_at: 0.0,
        }
    }

    /// The one that begins with a refusal now.
    pub(super) fn after(&self, now: f64, resume_at: f64) -> Self {
        Self {
            number: self.number + 1,
            refused: 1.0,
            answered_at: now,
            refused_at: now,
            resumed_at: resume_at.max(now),
            ..Self::first()
        }
    }

    /// One more refusal of a request that was in flight.
    pub(super) fn refuse(&mut self, resume_at: f64) {
        self.refused += 1.0;
        self.resumed_at = self.resumed_at.max(resume_at);
    }

    /// An answer at a time when so many requests a second may be sent.
    pub(super) fn accept(&mut self, rate: f64, now: f64) {
        let since = now - self.answered_at.max(self.resumed_at);
        self.accepted += 1.0;
        self.busy += since.clamp(0.0, longest_gap(rate));
        self.answered_at = now;
    }

    /// Seconds of the pause that it began with.
    pub(super) fn pause(&self) -> f64 {
        self.resumed_at - self.refused_at
    }

    /// Requests a second that were accepted, the pause included: as the bucket was empty at both
    /// ends, at least so much has flowed in. It is the limit itself when the bucket is deep enough
    /// to hold what flows in during the pause.
    pub(super) fn inflow(&self) -> f64 {
        self.accepted / (self.busy + self.pause()).max(0.001)
    }

    /// The limit, from two epochs that began with as much in the bucket: what one accepted more
    /// than the other flowed in while it lasted longer. `None` when they are too much alike, or
    /// contradict what is certain: no less than the inflow, no more than what was refused.
    pub(super) fn limit_with(&self, other: &Self, refused_rate: f64) -> Option<f64> {
        let longer = self.busy - other.busy;
        let more = self.accepted - other.accepted;
        let differs = longer.abs() > LEAST_DIFFERENCE * self.busy.max(other.busy)
            && more.abs() >= LEAST_ANSWERS;
        let limit = more / longer;
        let is_possible = limit > 0.9 * self.inflow() && limit < 1.03 * refused_rate;
        (other.number > 0 && differs && is_possible).then_some(limit)
    }
}
