//! Finds the rate a service bears, when it does not say which.
//!
//! A pure function of what happened when: no clock, no sleeping.
//!
//! The service is taken for a token bucket of unknown rate and depth. While
//! nothing is refused the rate doubles. A refusal says that the bucket is empty,
//! and what was accepted between two refusals says how fast it fills. From then
//! on the rate settles just under the limit and creeps up along a cubic curve:
//! steep while far below, flat near the limit, so that most of the time is spent
//! close under it and the next refusal is a long way off. A cycle is as long as
//! the pause of a refusal asks for, so that pauses cost a few percent at most.
//! A limit that has risen shows when the curve is through without a refusal.

use std::collections::VecDeque;

/// The first rate under a ceiling, in requests a second.
const FIRST_RATE: f64 = 5.0;
/// The first rate when no ceiling was given: a test server.
const FIRST_RATE_UNLIMITED: f64 = 100.0;
/// No estimate goes below one request in ten seconds.
const LOWEST_RATE: f64 = 0.1;
/// A doubling needs this many answers at the rate before …
const ANSWERS_PER_DOUBLING: u32 = 2;
/// … and this much time, in seconds.
const SECONDS_PER_DOUBLING: f64 = 0.15;
/// Where a cycle starts, as a share of the limit.
const SETTLE: f64 = 0.97;
/// The requests of a cycle, at least: refusals stay well under one in a hundred.
const SHORTEST_CYCLE: f64 = 400.0;
/// A cycle lasts this many times the pause that began it.
const CYCLE_PAUSES: f64 = 60.0;
/// The same while the limit is only roughly known.
const SHORTEST_TRIAL: f64 = 30.0;
const TRIAL_PAUSES: f64 = 4.0;
/// Growth when the limit turned out higher than thought, per second.
const SEARCH_GROWTH: f64 = 1.25;
/// The deepest bucket that a refusal's pause is assumed to fill, in seconds of the limit.
const ASSUMED_DEPTH: f64 = 1.5;
/// Above this share of the limit (a header) the rate only creeps.
const USAGE_WARNING: f64 = 0.8;
/// Above this share of the limit the rate goes down.
const USAGE_TARGET: f64 = 0.95;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing was refused yet: doubling.
    Start { answers: u32, since: f64 },
    /// Along the curve from `floor` through `plateau`, `done` of `cycle` requests through.
    Settled {
        floor: f64,
        plateau: f64,
        cycle: f64,
        done: f64,
    },
    /// Past the curve: the limit is higher than it was.
    Search { answers: u32, since: f64 },
}

/// What is known since the last refusal.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    number: u64,
    accepted: f64,
    refused_at: Option<f64>,
    resumed_at: f64,
}

/// The rate controller. Times are seconds from any fixed start.
#[derive(Debug)]
pub(crate) struct Adaptive {
    ceiling: f64,
    rate: f64,
    phase: Phase,
    epoch: Epoch,
    recent: VecDeque<f64>,
    binding_until: f64,
    slowed_at: f64,
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
            slowed_at: f64::NEG_INFINITY,
        }
    }

    /// Requests a second that may be sent now.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// A request is sent. Returns the epoch, to be told with its answer.
    pub(crate) fn sent(&mut self, now: f64) -> u64 {
        self.recent.push_back(now);
        while self.recent.len() > 512
            || (self.recent.len() > 8 && self.recent.front().is_some_and(|at| now - at > 1.0))
        {
            self.recent.pop_front();
        }
        self.epoch.number
    }

    /// A request was accepted. `waited` says that the rate held it back: only
    /// then does its acceptance say anything about a higher one.
    pub(crate) fn accepted(&mut self, epoch: u64, waited: bool, now: f64, usage: Option<f64>) {
        if epoch != self.epoch.number {
            return;
        }
        self.epoch.accepted += 1.0;
        if let Some(usage) = usage.filter(|usage| *usage > USAGE_WARNING) {
            self.near_the_limit(usage, now);
            return;
        }
        if waited {
            self.binding_until = now + (4.0 / self.rate).max(0.05);
        }
        if now <= self.binding_until {
            self.grow(now);
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
        let (limit, is_certain) = self.estimate(now);
        let pause = (resume_at - now).max(0.0);
        self.settle(limit, pause, is_certain);
        self.epoch = Epoch {
            number: epoch + 1,
            accepted: 0.0,
            refused_at: Some(now),
            resumed_at: resume_at,
        };
    }

    /// The limit, as far as this refusal tells, and whether that is close.
    fn estimate(&self, now: f64) -> (f64, bool) {
        let sent = self.rate.min(self.recent_rate(now));
        let Some(refused_at) = self.epoch.refused_at else {
            // The bucket's depth hid the limit for an unknown while.
            return ((self.rate / 2.0).min(sent), false);
        };
        let pause = self.epoch.resumed_at - refused_at;
        let running = (now - self.epoch.resumed_at).max(0.001);
        if running >= 10.0 * pause && self.epoch.accepted >= 100.0 {
            let is_certain = !matches!(self.phase, Phase::Search { .. });
            return (
                if is_certain {
                    sent
                } else {
                    sent / SEARCH_GROWTH
                },
                is_certain,
            );
        }
        // Empty at both ends: what was accepted is what flowed in between,
        // of which the pause's share counts as far as the bucket is deep.
        let filled = self.epoch.accepted / (running + pause.min(ASSUMED_DEPTH));
        if filled >= 0.85 * sent {
            return (filled.clamp(SETTLE * sent, sent), true);
        }
        let share = if self.epoch.accepted < 5.0 { 0.7 } else { 0.97 };
        (filled.min(share * sent), false)
    }

    /// The rate at which requests were in fact sent of late.
    fn recent_rate(&self, now: f64) -> f64 {
        match self.recent.front() {
            Some(first) if self.recent.len() >= 4 && now > *first => {
                // The count is far below 2^52.
                #[expect(clippy::cast_precision_loss, reason = "at most 512")]
                let gaps = (self.recent.len() - 1) as f64;
                gaps / (now - first)
            }
            _ => f64::INFINITY,
        }
    }

    fn settle(&mut self, limit: f64, pause: f64, is_certain: bool) {
        let limit = limit.max(LOWEST_RATE);
        let cycle = if is_certain {
            (CYCLE_PAUSES * pause * limit).max(SHORTEST_CYCLE)
        } else {
            (TRIAL_PAUSES * pause * limit).max(SHORTEST_TRIAL)
        };
        let floor = SETTLE * limit;
        self.phase = Phase::Settled {
            floor,
            plateau: limit,
            cycle,
            done: 0.0,
        };
        self.set_rate(floor);
    }

    fn grow(&mut self, now: f64) {
        match self.phase {
            Phase::Start { answers, since } => {
                let is_due = self.ceiling.is_infinite() || now - since >= SECONDS_PER_DOUBLING;
                if answers + 1 >= ANSWERS_PER_DOUBLING && is_due {
                    self.set_rate(self.rate * 2.0);
                    self.phase = Phase::Start {
                        answers: 0,
                        since: now,
                    };
                } else {
                    self.phase = Phase::Start {
                        answers: answers + 1,
                        since,
                    };
                }
            }
            Phase::Settled {
                floor,
                plateau,
                cycle,
                done,
            } => {
                let done = done + 1.0;
                let along = done / cycle - 1.0;
                self.set_rate(plateau + (plateau - floor) * along.powi(3));
                self.phase = if done >= 2.0 * cycle {
                    Phase::Search {
                        answers: 0,
                        since: now,
                    }
                } else {
                    Phase::Settled {
                        floor,
                        plateau,
                        cycle,
                        done,
                    }
                };
            }
            Phase::Search { answers, since } => {
                if answers + 1 >= ANSWERS_PER_DOUBLING && now - since >= 1.0 {
                    self.set_rate(self.rate * SEARCH_GROWTH);
                    self.phase = Phase::Search {
                        answers: 0,
                        since: now,
                    };
                } else {
                    self.phase = Phase::Search {
                        answers: answers + 1,
                        since,
                    };
                }
            }
        }
    }

    /// The service says which share of its limit is used, before it refuses.
    fn near_the_limit(&mut self, usage: f64, now: f64) {
        if let Phase::Start { .. } | Phase::Search { .. } = self.phase {
            self.settle(self.rate.min(self.recent_rate(now)) / usage, 1.0, true);
        }
        // The share is an average: give a lower rate the time to show.
        let has_shown = now - self.slowed_at >= (5.0 / self.rate).max(1.0);
        if usage > USAGE_TARGET && has_shown {
            self.slowed_at = now;
            self.settle(self.rate * USAGE_TARGET / usage, 1.0, true);
        }
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate.clamp(LOWEST_RATE.min(self.ceiling), self.ceiling);
    }
}

#[cfg(test)]
mod tests;
