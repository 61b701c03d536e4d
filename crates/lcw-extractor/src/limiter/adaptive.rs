//! Finds the rate a service bears, when it does not say which.
//!
//! A pure function of what happened when: no clock, no sleeping.
//!
//! The service is taken for a token bucket of unknown rate and depth. While nothing is refused the
//! rate doubles. The first refusal says little, because the bucket was full: so the doubling begins
//! anew, far below. From then on each [`Epoch`] between two refusals gives bounds: the limit is no
//! lower than what flowed in, and no higher than what was refused. Between these a few trials close
//! in on it. Once they are close the rate moves just under the limit along a cubic curve: soon back
//! to the limit, then flat, then slowly beyond it, so that the next refusal is a long way off, some
//! sixty times the pause that it costs. A limit that has risen shows when the curve is through.
//!
//! A 429 that does not come from a rate limit looks like one that does, but for two things. It
//! comes at a rate that was borne for long before: then the rate goes back to that one first, and
//! only a second refusal on the way says that the limit has fallen. And going slower does not help:
//! when the rate has been refused a little lower each time, it goes up instead.

use epoch::Epoch;
use recent::Recent;

mod epoch;
mod recent;

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
/// The share of the first refused rate from which the doubling begins anew.
const START_AGAIN: f64 = 0.125;
/// A trial is passed after this many answers without a refusal …
const ANSWERS_PER_TRIAL: u32 = 12;
/// … and at least this many seconds …
const SECONDS_PER_TRIAL: f64 = 1.0;
/// … and this many times the pause of the last refusal: by then a bucket that the pause has filled
/// is empty, if the rate is a third above the limit.
const PAUSES_PER_TRIAL: f64 = 3.0;
/// How far above an estimate the next trial is: the bucket then empties, and its refusal says more
/// than a pass.
const ABOVE_ESTIMATE: f64 = 1.02;
/// A refusal never more than halves the rate.
const LOWEST_STEP: f64 = 0.5;
/// Bounds this close end the trials.
const CLOSE: f64 = 1.08;
/// A rate this close to one that was borne contradicts it when it is refused.
const SAME: f64 = 0.98;
/// The first step up when the limit turned out higher than thought; each is the square of the one
/// before …
const FIRST_GROWTH: f64 = 1.02;
/// … unless going slower did not help, …
const GROWTH_IN_VAIN: f64 = 1.08;
/// … and at most this.
const MOST_GROWTH: f64 = 1.25;
/// The answers and the seconds of a step.
const ANSWERS_PER_STEP: u32 = 20;
const SECONDS_PER_STEP: f64 = 2.0;
/// The ceiling is borne for long after so many seconds and answers: few buckets are deeper.
const SECONDS_AT_CEILING: f64 = 10.0;
const ANSWERS_AT_CEILING: u32 = 100;
/// The limit as a share of the rate that it refused, which is a little above it. Taken for the limit
/// itself, that rate would be reached, and refused, early in the next cycle.
const UNDER_REFUSED: f64 = 0.99;
/// The same after a time too short to tell a little too fast from far too fast.
const AFTER_SHORT_EPOCH: f64 = 0.97;
/// Where a cycle starts, as a share of the limit.
const SETTLE: f64 = 0.975;
/// The requests from there to the limit, at least; they last as long as a trial.
const SHORTEST_RETURN: f64 = 100.0;
/// The requests of a cycle from there on: at least so many, …
const SHORTEST_CYCLE: f64 = 400.0;
/// … this many for each refusal that began it, so that refusals stay well under one in a hundred, …
const ANSWERS_PER_REFUSAL: f64 = 250.0;
/// … and so many that it lasts this many times the pause.
const PAUSES_PER_CYCLE: f64 = 80.0;
/// A refusal below this share of what was borne for long is not taken for the limit's at once.
const DOUBTFUL: f64 = 0.93;
/// Refusals that each came at a rate lower by at least this share …
const DECLINE: f64 = 0.99;
/// … and after at least this many answers …
const ANSWERS_PER_DECLINE: f64 = 30.0;
/// … and this often in a row have another cause than the rate.
const DECLINES_IN_VAIN: u32 = 3;
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

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Doubling, up to what was refused.
    Start,
    /// A constant rate between the bounds.
    Trial,
    /// Upwards in steps; the next one by `growth`.
    Search { growth: f64 },
    /// Along the curve from `floor` to `plateau` and beyond, `done` requests through.
    Settled { floor: f64, plateau: f64, done: f64 },
}

/// How long the present rate has been tried.
#[derive(Debug, Clone, Copy)]
struct Step {
    answers: u32,
    since: f64,
}

/// What is told with the answer to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    epoch: u64,
    at: f64,
    /// Requests a second that were sent at the time.
    rate: f64,
}

/// The rate controller. Times are seconds from any fixed start.
#[derive(Debug)]
pub(crate) struct Adaptive {
    ceiling: f64,
    rate: f64,
    phase: Phase,
    step: Step,
    /// A rate that was borne, as far as is known.
    borne: f64,
    /// A rate that was refused.
    refused: f64,
    /// The highest rate that was borne for long.
    best: f64,
    /// It was refused well below that, and is on its way back.
    is_doubted: bool,
    /// How often in a row it was refused at a lower rate than before.
    declines: u32,
    epoch: Epoch,
    before: Epoch,
    recent: Recent,
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
            phase: Phase::Start,
            step: Step {
                answers: 0,
                since: 0.0,
            },
            borne: 0.0,
            refused: f64::INFINITY,
            best: 0.0,
            is_doubted: false,
            declines: 0,
            epoch: Epoch::first(),
            before: Epoch::first(),
            recent: Recent::default(),
            binding_until: 0.0,
            adjusted_at: f64::NEG_INFINITY,
            adjusted_for: 0.0,
        }
    }

    /// Requests a second that may be sent now.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// A request is sent. Returns what is to be told with its answer.
    pub(crate) fn sent(&mut self, now: f64) -> Sent {
        self.recent.send(self.rate, now);
        Sent {
            epoch: self.epoch.number,
            at: now,
            rate: self.rate.min(self.recent.rate(now)),
        }
    }

    /// A request was accepted. `waited` says that the rate held it back: only
    /// then does its acceptance say anything about a higher one.
    pub(crate) fn accepted(&mut self, sent: Sent, waited: bool, now: f64, usage: Option<f64>) {
        self.epoch.accept(self.rate, now);
        if sent.epoch != self.epoch.number {
            return;
        }
        if waited {
            self.binding_until = now + (4.0 / self.rate).max(0.05);
        }
        if let Some(usage) = usage.filter(|usage| *usage > USAGE_WARNING) {
            self.near_the_limit(usage, now);
            return;
        }
        // Answers to what was sent at another rate say nothing about this one.
        if now <= self.binding_until && sent.at >= self.step.since {
            self.grow(now);
        }
    }

    /// A request was refused, and nothing is sent before `resume_at`.
    ///
    /// Only the first refusal of an epoch says something about the rate; the
    /// others were in flight already.
    pub(crate) fn refused(&mut self, sent: Sent, now: f64, resume_at: f64) {
        if sent.epoch != self.epoch.number {
            self.epoch.refuse(resume_at);
            return;
        }
        let ended = self.epoch;
        self.epoch = ended.after(now, resume_at);
        if ended.number == 0 && self.phase == Phase::Start {
            self.refused = sent.rate;
            self.go(Phase::Start, START_AGAIN * sent.rate, now);
        } else {
            self.learn(sent.rate, &ended, now);
        }
        self.before = ended;
    }

    /// What a refusal at a rate says about the limit.
    fn learn(&mut self, refused: f64, ended: &Epoch, now: f64) {
        let estimate = ended.limit_with(&self.before, refused);
        let was_doubted = std::mem::take(&mut self.is_doubted);
        let was_found = matches!(self.phase, Phase::Settled { .. } | Phase::Search { .. });
        if was_found && !was_doubted {
            if refused < DOUBTFUL * self.best {
                self.is_doubted = true;
                self.follow_curve(SETTLE * refused, self.best, now);
                return;
            }
            if refused < CLOSE * ended.inflow() {
                self.settle_after(refused, ended, estimate, now);
                return;
            }
            if estimate.is_none_or(|estimate| refused < CLOSE * estimate) {
                self.settle(AFTER_SHORT_EPOCH * refused, now);
                return;
            }
        }
        self.best = self.best.min(refused);
        self.try_between(refused, ended.inflow(), estimate, now);
    }

    /// Refused where the limit was thought to be, after a time long enough to tell it closely.
    fn settle_after(&mut self, refused: f64, ended: &Epoch, estimate: Option<f64>, now: f64) {
        if refused >= DECLINE * self.refused {
            self.declines = 0;
        } else if ended.accepted >= ANSWERS_PER_DECLINE {
            self.declines += 1;
        }
        self.refused = refused;
        if self.declines >= DECLINES_IN_VAIN {
            self.declines = 0;
            let growth = GROWTH_IN_VAIN;
            self.go(Phase::Search { growth }, SETTLE * refused, now);
        } else {
            let lowest = 0.95 * refused;
            let estimate = estimate.map_or(refused, |estimate| estimate / UNDER_REFUSED);
            self.settle(estimate.min(refused).max(lowest), now);
        }
    }

    /// Refused with bounds that are still far apart.
    fn try_between(&mut self, refused: f64, inflow: f64, estimate: Option<f64>, now: f64) {
        self.refused = refused;
        self.borne = if self.borne < SAME * refused {
            self.borne.max(inflow)
        } else {
            inflow
        };
        let next = match estimate {
            None => (self.borne * refused).sqrt(),
            Some(estimate) => {
                self.borne = self.borne.min(estimate).max(inflow);
                (ABOVE_ESTIMATE * estimate)
                    .min(0.97 * refused)
                    .max(ABOVE_ESTIMATE * inflow)
            }
        };
        self.close_in(next.max(LOWEST_STEP * refused), now);
    }

    /// Settles when the bounds are close, and tries a rate between them when not.
    fn close_in(&mut self, next: f64, now: f64) {
        if self.refused < CLOSE * self.borne {
            self.settle(self.refused, now);
        } else {
            self.go(Phase::Trial, next, now);
        }
    }

    /// Goes to just under a rate that was refused.
    fn settle(&mut self, refused: f64, now: f64) {
        self.settle_at(UNDER_REFUSED * refused, now);
    }

    fn settle_at(&mut self, limit: f64, now: f64) {
        self.follow_curve(SETTLE * limit, limit, now);
    }

    fn follow_curve(&mut self, floor: f64, limit: f64, now: f64) {
        let plateau = limit.max(LOWEST_RATE).min(self.ceiling);
        let done = 0.0;
        let phase = Phase::Settled {
            floor,
            plateau,
            done,
        };
        self.go(phase, floor, now);
    }

    /// One more answer at a rate that held the workers back.
    fn grow(&mut self, now: f64) {
        self.step.answers += 1;
        let answers = self.step.answers;
        let lasted = now - self.step.since.max(self.epoch.resumed_at);
        match self.phase {
            Phase::Start => {
                let is_due = self.ceiling.is_infinite() || lasted >= SECONDS_PER_DOUBLING;
                if answers >= ANSWERS_PER_DOUBLING && is_due {
                    self.double(now);
                }
            }
            Phase::Trial => {
                let needed = SECONDS_PER_TRIAL.max(PAUSES_PER_TRIAL * self.epoch.pause());
                if answers >= ANSWERS_PER_TRIAL && lasted >= needed {
                    self.borne = self.rate;
                    self.close_in((self.borne * self.refused).sqrt(), now);
                }
            }
            Phase::Search { growth } => {
                if self.rate >= self.ceiling {
                    self.rest_at_the_ceiling(lasted);
                } else if answers >= ANSWERS_PER_STEP && lasted >= SECONDS_PER_STEP {
                    self.borne = self.rate;
                    let next = (growth * growth).min(MOST_GROWTH);
                    self.go(Phase::Search { growth: next }, self.rate * growth, now);
                }
            }
            Phase::Settled {
                floor,
                plateau,
                done,
            } => self.go_along(floor, plateau, done + 1.0, now),
        }
    }

    /// Doubles the rate below what was refused; from there on, tries.
    fn double(&mut self, now: f64) {
        if self.rate >= self.ceiling {
            let growth = FIRST_GROWTH;
            self.go(Phase::Search { growth }, self.rate, now);
        } else if self.rate * 2.0 < self.refused {
            self.go(Phase::Start, self.rate * 2.0, now);
        } else {
            self.close_in((self.rate * self.refused).sqrt(), now);
        }
    }

    /// There is nothing to search for any more.
    fn rest_at_the_ceiling(&mut self, lasted: f64) {
        self.borne = self.rate;
        if lasted >= SECONDS_AT_CEILING && self.step.answers >= ANSWERS_AT_CEILING {
            self.best = self.rate;
        }
    }

    /// Goes on along the curve.
    fn go_along(&mut self, floor: f64, plateau: f64, done: f64, now: f64) {
        // Both may still grow, by refusals of what is in flight.
        let cycle = (PAUSES_PER_CYCLE * self.epoch.pause() * plateau)
            .max(ANSWERS_PER_REFUSAL * self.epoch.refused)
            .max(SHORTEST_CYCLE);
        let back = (PAUSES_PER_TRIAL * self.epoch.pause() * plateau).max(SHORTEST_RETURN);
        let along = if done < back {
            done / back - 1.0
        } else {
            (done - back) / cycle
        };
        let rate = plateau + (plateau - floor) * along.powi(3);
        if along >= 0.0 {
            self.is_doubted = false;
            self.best = self.best.max(plateau);
        }
        if along >= 1.0 {
            self.refused = f64::INFINITY;
            let growth = FIRST_GROWTH;
            self.go(Phase::Search { growth }, rate, now);
            return;
        }
        self.phase = Phase::Settled {
            floor,
            plateau,
            done,
        };
        self.set_rate(rate);
    }

    /// The service says which share of its limit is used, before it refuses.
    fn near_the_limit(&mut self, usage: f64, now: f64) {
        if !matches!(self.phase, Phase::Settled { .. }) {
            self.settle_at(self.rate.min(self.recent.rate(now)) / usage, now);
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
            self.settle_at(self.rate * change / SETTLE, now);
        }
    }

    /// Goes to another rate at once: what was sent before says nothing about it.
    fn go(&mut self, phase: Phase, rate: f64, now: f64) {
        self.phase = phase;
        self.step = Step {
            answers: 0,
            since: now,
        };
        self.recent.forget();
        self.set_rate(rate);
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate.max(LOWEST_RATE).min(self.ceiling);
    }
}

#[cfg(test)]
mod tests;
