//! Finds the rate a service bears, when it does not say which.
//!
//! A pure function of what happened when: no clock, no sleeping.
//!
//! The service is taken for a token bucket of unknown rate and depth. While
//! nothing is refused the rate doubles. A refusal says that the bucket is empty
//! and that the rate was too high; what was accepted between two refusals is at
//! most what flowed in, so the limit is no lower than that. Between these two
//! bounds a few trials close in on it. From then on the rate moves just under the
//! limit along a cubic curve, steep while far below, flat near the limit: most of
//! the time is spent close to it and the next refusal is a long way off, at least
//! sixty times the pause that it costs. A limit that has risen shows when the
//! curve is through without a refusal, one that has fallen by refusals that come
//! too soon.

use std::collections::VecDeque;

/// The first rate under a ceiling, in requests a second.
const FIRST_RATE: f64 = 5.0;
/// The first rate when no ceiling was given: a test server.
const FIRST_RATE_UNLIMITED: f64 = 100.0;
/// The rate never goes below one request in ten seconds.
const LOWEST_RATE: f64 = 0.1;
/// A doubling needs this many answers at the rate before …
const ANSWERS_PER_DOUBLING: u32 = 2;
/// … and this much time, in seconds.
const SECONDS_PER_DOUBLING: f64 = 0.15;
/// The share of the rate of late at the first refusal that is tried next: the
/// bucket was full at the start and hid the limit for a while.
const AFTER_FIRST_REFUSAL: f64 = 0.75;
/// A trial is passed after this many answers without a refusal …
const ANSWERS_PER_TRIAL: u32 = 30;
/// … and at least this many seconds …
const SECONDS_PER_TRIAL: f64 = 2.0;
/// … and this many times the pause of the last refusal.
const PAUSES_PER_TRIAL: f64 = 4.0;
/// How far above what flowed in the next trial is: the bucket then empties, and
/// its refusal says more than a pass.
const ABOVE_INFLOW: f64 = 1.05;
/// The deepest bucket that a pause is assumed to fill, in seconds of the limit.
const ASSUMED_DEPTH: f64 = 1.5;
/// Bounds this close end the trials.
const CLOSE: f64 = 1.08;
/// Growth per step when the limit turned out higher than thought …
const SEARCH_GROWTH: f64 = 1.25;
/// … and the answers and the seconds of a step.
const ANSWERS_PER_STEP: u32 = 8;
const SECONDS_PER_STEP: f64 = 1.0;
/// The limit as a share of the rate that it refused, which is a little above it. Taken for the limit
/// itself, that rate would be reached, and refused, early in the next cycle.
const UNDER_REFUSED: f64 = 0.985;
/// Where a cycle starts, as a share of the limit.
const SETTLE: f64 = 0.97;
/// The requests of a cycle, at least: refusals stay well under one in a hundred.
const SHORTEST_CYCLE: f64 = 400.0;
/// A cycle lasts this many times the pause that began it.
const PAUSES_PER_CYCLE: f64 = 60.0;
/// A refusal that comes this many pauses after the last one tells the limit closely.
const LONG_RUN_PAUSES: f64 = 10.0;
const LONG_RUN_ANSWERS: f64 = 30.0;
/// Above this share of the limit (a header) the rate only creeps.
const USAGE_WARNING: f64 = 0.8;
/// Above this share of the limit the rate goes down, below it goes up …
const USAGE_TARGET: f64 = 0.95;
/// … by this factor at a time.
const USAGE_CREEP: f64 = 1.05;
/// A share is an average over some seconds: a lower rate needs this long to show.
const SECONDS_TO_SHOW: f64 = 10.0;
/// … unless it has meanwhile grown by this factor.
const USAGE_WORSE: f64 = 1.05;
/// The sends that the rate of late is read from, at most.
const MOST_RECENT: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing was refused yet: doubling.
    Start { answers: u32, since: f64 },
    /// A constant rate between the bounds.
    Trial { answers: u32, since: f64 },
    /// Along the curve from `floor` through `plateau`, `done` of `cycle` requests through.
    Settled {
        floor: f64,
        plateau: f64,
        cycle: f64,
        done: f64,
    },
}

/// What happened since the last refusal.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    number: u64,
    accepted: f64,
    refused_at: Option<f64>,
    resumed_at: f64,
}

impl Epoch {
    /// Seconds of the pause that it began with.
    fn pause(&self) -> f64 {
        self.refused_at
            .map_or(0.0, |refused_at| self.resumed_at - refused_at)
    }
}

/// The rate controller. Times are seconds from any fixed start.
#[derive(Debug)]
pub(crate) struct Adaptive {
    ceiling: f64,
    rate: f64,
    /// A rate that was borne, as far as is known.
    borne: f64,
    /// A rate that was refused.
    refused: f64,
    phase: Phase,
    epoch: Epoch,
    recent: VecDeque<f64>,
    binding_until: f64,
    adjusted_at: f64,
    adjusted_for: f64,
}

impl Adaptive {
    pub(crate) fn new(ceiling: Option<f64>) -> Self {
        let first = if ceiling.is_some() {
            FIRST_RATE
        } else {
            FIRST_RATE_UNLIMITED
        };
        let ceiling = ceiling.unwrap_or(f64::INFINITY);
        Self {
            ceiling,
            rate: first.min(ceiling),
            borne: 0.0,
            refused: f64::INFINITY,
            phase: Phase::Start {
                answers: 0,
                since: 0.0,
            },
            epoch: Epoch {
                number: 0,
                accepted: 0.0,
                refused_at: None,
                resumed_at: 0.0,
            },
            recent: VecDeque::new(),
            binding_until: 0.0,
            adjusted_at: f64::NEG_INFINITY,
            adjusted_for: 0.0,
        }
    }

    /// Requests a second that may be sent now.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// A request is sent. Returns the epoch, to be told with its answer.
    pub(crate) fn sent(&mut self, now: f64) -> u64 {
        self.recent.push_back(now);
        let is_old = |at: &f64| now - at > 1.0;
        while self.recent.len() > MOST_RECENT
            || (self.recent.len() > 8 && self.recent.front().is_some_and(is_old))
        {
            self.recent.pop_front();
        }
        self.epoch.number
    }

    /// A request was accepted. `waited` says that the rate held it back: only
    /// then does its acceptance say anything about a higher one.
    pub(crate) fn accepted(
        &mut self,
        epoch: u64,
        sent_at: f64,
        waited: bool,
        now: f64,
        usage: Option<f64>,
    ) {
        if epoch != self.epoch.number {
            return;
        }
        self.epoch.accepted += 1.0;
        if waited {
            self.binding_until = now + (4.0 / self.rate).max(0.05);
        }
        if let Some(usage) = usage.filter(|usage| *usage > USAGE_WARNING) {
            self.near_the_limit(usage, now);
            return;
        }
        if now <= self.binding_until {
            self.grow(sent_at, now);
        }
    }

    /// A request was refused, and nothing is sent before `resume_at`.
    ///
    /// Only the first refusal of an epoch says something about the rate; the
    /// others were in flight already.
    pub(crate) fn refused(&mut self, epoch: u64, now: f64, resume_at: f64) {
        if epoch != self.epoch.number {
            self.epoch.resumed_at = self.epoch.resumed_at.max(resume_at);
            return;
        }
        let ended = self.epoch;
        self.epoch = Epoch {
            number: epoch + 1,
            accepted: 0.0,
            refused_at: Some(now),
            resumed_at: resume_at.max(now),
        };
        let sent = self.rate.min(self.recent_rate(now));
        self.recent.clear();
        match ended.refused_at {
            None => {
                self.refused = self.rate;
                self.try_rate(AFTER_FIRST_REFUSAL * sent, now);
            }
            Some(_) => self.learn(&ended, sent, now),
        }
    }

    /// What a refusal after an epoch says about the limit.
    fn learn(&mut self, ended: &Epoch, sent: f64, now: f64) {
        let pause = ended.pause();
        let running = (now - ended.resumed_at).max(0.001);
        let is_settled = matches!(self.phase, Phase::Settled { .. });
        self.refused = sent;
        if is_settled && running >= LONG_RUN_PAUSES * pause && ended.accepted >= LONG_RUN_ANSWERS {
            self.settle(UNDER_REFUSED * sent);
            return;
        }
        // The bucket was empty at both ends: the limit is no lower than this.
        let inflow = ended.accepted / (running + pause);
        self.borne = if self.borne < 0.98 * sent {
            self.borne.max(inflow)
        } else {
            inflow
        };
        if sent < CLOSE * self.borne {
            self.settle(UNDER_REFUSED * sent);
            return;
        }
        // Most buckets are deep enough to hold what flows in during a short pause.
        let likely = ended.accepted / (running + pause.min(ASSUMED_DEPTH));
        let (low, high) = (1.03 * self.borne, 0.97 * sent);
        self.try_rate((ABOVE_INFLOW * likely).min(high).max(low), now);
    }

    /// The rate at which requests were in fact sent of late.
    fn recent_rate(&self, now: f64) -> f64 {
        match self.recent.front() {
            Some(first) if self.recent.len() >= 4 && now > *first => {
                #[expect(clippy::cast_precision_loss, reason = "at most 512")]
                let gaps = (self.recent.len() - 1) as f64;
                gaps / (now - first)
            }
            _ => f64::INFINITY,
        }
    }

    fn try_rate(&mut self, rate: f64, now: f64) {
        self.recent.clear();
        self.phase = Phase::Trial {
            answers: 0,
            since: now,
        };
        self.set_rate(rate);
    }

    /// Goes to just under a limit that is known closely.
    fn settle(&mut self, limit: f64) {
        let limit = limit.max(LOWEST_RATE).min(self.ceiling);
        let cycle = (PAUSES_PER_CYCLE * self.epoch.pause() * limit).max(SHORTEST_CYCLE);
        let floor = SETTLE * limit;
        self.phase = Phase::Settled {
            floor,
            plateau: limit,
            cycle,
            done: 0.0,
        };
        self.set_rate(floor);
    }

    /// One more answer at a rate that held the workers back.
    fn grow(&mut self, sent_at: f64, now: f64) {
        match &mut self.phase {
            Phase::Start { since, .. } | Phase::Trial { since, .. } if sent_at < *since => {}
            Phase::Start { answers, since } => {
                *answers += 1;
                let is_due = self.ceiling.is_infinite() || now - *since >= SECONDS_PER_DOUBLING;
                if *answers >= ANSWERS_PER_DOUBLING && is_due {
                    (*answers, *since) = (0, now);
                    self.set_rate(self.rate * 2.0);
                }
            }
            Phase::Trial { answers, since } => {
                *answers += 1;
                let (answers, lasted) = (*answers, now - since.max(self.epoch.resumed_at));
                self.go_on_with_trials(answers, lasted, now);
            }
            Phase::Settled {
                floor,
                plateau,
                cycle,
                done,
            } => {
                *done += 1.0;
                let along = *done / *cycle - 1.0;
                let (is_through, rate) =
                    (along >= 1.0, *plateau + (*plateau - *floor) * along.powi(3));
                self.set_rate(rate);
                if is_through {
                    self.refused = f64::INFINITY;
                    self.try_rate(rate, now);
                }
            }
        }
    }

    fn go_on_with_trials(&mut self, answers: u32, lasted: f64, now: f64) {
        if self.refused.is_infinite() {
            if answers >= ANSWERS_PER_STEP && lasted >= SECONDS_PER_STEP {
                self.borne = self.rate;
                self.try_rate(SEARCH_GROWTH * self.rate, now);
            }
            return;
        }
        let needed = SECONDS_PER_TRIAL.max(PAUSES_PER_TRIAL * self.epoch.pause());
        if answers < ANSWERS_PER_TRIAL || lasted < needed {
            return;
        }
        self.borne = self.rate;
        if self.refused < CLOSE * self.borne {
            self.settle(self.refused);
        } else {
            self.try_rate((self.borne * self.refused).sqrt(), now);
        }
    }

    /// The service says which share of its limit is used, before it refuses.
    fn near_the_limit(&mut self, usage: f64, now: f64) {
        if !matches!(self.phase, Phase::Settled { .. }) {
            self.settle(self.rate.min(self.recent_rate(now)) / usage);
        }
        let has_shown = now - self.adjusted_at >= (5.0 / self.rate).max(SECONDS_TO_SHOW);
        let is_worse = usage > USAGE_WORSE * self.adjusted_for;
        let change = (USAGE_TARGET / usage).min(USAGE_CREEP);
        let is_due = if change < 1.0 {
            has_shown || is_worse
        } else {
            has_shown && now <= self.binding_until
        };
        if is_due {
            (self.adjusted_at, self.adjusted_for) = (now, usage);
            self.settle(self.rate * change / SETTLE);
        }
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate.max(LOWEST_RATE).min(self.ceiling);
    }
}

#[cfg(test)]
mod tests;
