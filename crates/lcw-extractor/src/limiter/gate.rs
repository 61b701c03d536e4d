//! The gate that every request passes, repetitions included.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{InsufficientCapacity, Quota, RateLimiter};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::adaptive::{Adaptive, Sent};
use super::tokio_clock::TokioClock;

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// The longest sleep before the gate looks again: the rate may have changed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// governor's cells per request, so that the slack can be less than a request.
const CELLS: NonZeroU32 = NonZeroU32::new(16).expect("not zero");
/// How late a worker may wake without losing its place.
const SLACK_SECONDS: f64 = 0.003;
/// Above this rate, in requests a second, spacing requests out has no meaning.
const UNPACED: f64 = 100_000.0;
/// A pause longer than this is not waited for, even without a deadline.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// Leave to send one request now.
#[derive(Debug)]
pub(crate) struct Permit {
    sent: Sent,
    waited: bool,
}

/// Why the gate lets nobody through any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The pause leaves no time before the deadline.
    Paused(Duration),
    /// The deadline passed, or passes before the next request may be sent.
    Deadline,
}

/// Rate and pause of one client, shared by all its clones.
#[derive(Debug)]
pub(crate) struct RateGate {
    clock: TokioClock,
    pace: Mutex<Pace>,
    /// Workers pass one after the other, in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    /// Nothing is sent before this instant.
    not_before: watch::Sender<Option<Instant>>,
}

#[derive(Debug)]
struct Pace {
    adaptive: Adaptive,
    limiter: Option<Arc<Limiter>>,
    limiter_rate: f64,
    taken_at: Duration,
}

impl RateGate {
    pub(crate) fn new(ceiling: Option<f64>) -> Self {
        let clock = TokioClock::start();
        let adaptive = Adaptive::new(ceiling);
        let limiter_rate = adaptive.rate();
        let limiter = limiter(limiter_rate, &clock);
        Self {
            pace: Mutex::new(Pace {
                adaptive,
                limiter,
                limiter_rate,
                taken_at: Duration::ZERO,
            }),
            clock,
            turn: tokio::sync::Mutex::new(()),
            not_before: watch::Sender::new(None),
        }
    }

    /// Waits until a request may be sent.
    pub(crate) async fn pass(&self, deadline: Option<Instant>) -> Result<Permit, Closed> {
        let arrived = Instant::now();
        let _turn = self.turn.lock().await;
        // Behind others who waited for the rate; a moment is only their leaving.
        let mut waited = arrived.elapsed() >= Duration::from_millis(1);
        let mut pause = self.not_before.subscribe();
        loop {
            self.wait_out_the_pause(deadline).await?;
            let Err(wait) = self.take() else {
                // One that began this very moment, on another thread.
                if self.paused_for().is_some() {
                    continue;
                }
                return Ok(self.permit(waited));
            };
            waited = true;
            if deadline.is_some_and(|deadline| Instant::now() + wait > deadline) {
                return Err(Closed::Deadline);
            }
            pause.mark_unchanged();
            tokio::select! {
                () = sleep(wait.min(LOOK_AGAIN)) => {}
                // A pause began, or the sender is gone, which cannot be: it is ours.
                _ = pause.changed() => {}
            }
        }
    }

    /// The request was answered, and not with 429. `usage` is what the service
    /// says about the share of its limit in use.
    pub(crate) fn accepted(&self, permit: &Permit, usage: Option<f64>) {
        let now = self.clock.elapsed().as_secs_f64();
        self.lock()
            .adaptive
            .accepted(permit.sent, permit.waited, now, usage);
    }

    /// The request was answered with 429: everybody pauses, and then goes slower.
    pub(crate) fn refused(&self, permit: &Permit, pause: Duration) {
        self.pause(pause);
        let now = self.clock.elapsed().as_secs_f64();
        self.lock()
            .adaptive
            .refused(permit.sent, now, now + pause.as_secs_f64());
    }

    /// Nothing is sent for this long from now. A longer pause stays.
    pub(crate) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.not_before.send_if_modified(|current| {
            let is_later = current.is_none_or(|current| current < until);
            if is_later {
                *current = Some(until);
            }
            is_later
        });
    }

    /// How long the pause still lasts; `None` outside of one.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        let until = (*self.not_before.borrow())?;
        let left = until.saturating_duration_since(Instant::now());
        Some(left).filter(|left| !left.is_zero())
    }

    /// Requests a second that may be sent, outside of pauses.
    pub(crate) fn rate(&self) -> f64 {
        self.lock().adaptive.rate()
    }

    async fn wait_out_the_pause(&self, deadline: Option<Instant>) -> Result<(), Closed> {
        let mut pause = self.not_before.subscribe();
        while let Some(left) = self.paused_for() {
            let until = Instant::now() + left;
            if left > LONGEST_PAUSE || deadline.is_some_and(|deadline| until >= deadline) {
                return Err(Closed::Paused(left));
            }
            // It may have been made longer meanwhile, so look again after it; and
            // while it lasts, too, for one that reaches beyond the deadline.
            tokio::select! {
                () = sleep_until(until) => {}
                _ = pause.changed() => {}
            }
        }
        match deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Closed::Deadline),
            _ => Ok(()),
        }
    }

    /// Takes one request from the limiter, or says how long until there is one.
    fn take(&self) -> Result<(), Duration> {
        let mut pace = self.lock();
        pace.follow(&self.clock);
        let Some(limiter) = &pace.limiter else {
            return Ok(());
        };
        match limiter.check_n(CELLS) {
            // A request is never more than a burst.
            Ok(Ok(())) | Err(InsufficientCapacity(_)) => {
                pace.taken_at = self.clock.elapsed();
                Ok(())
            }
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.clock.now())),
        }
    }

    fn permit(&self, waited: bool) -> Permit {
        let now = self.clock.elapsed().as_secs_f64();
        Permit {
            sent: self.lock().adaptive.sent(now),
            waited,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    /// governor's quota is fixed, so a new rate is a new limiter. It begins with what the time since
    /// the last request is worth at the new rate, at most a request: with nothing, every change of
    /// the rate would cost a part of a request.
    fn follow(&mut self, clock: &TokioClock) {
        let rate = self.adaptive.rate();
        if (rate - self.limiter_rate).abs() < 0.002 * self.limiter_rate {
            return;
        }
        self.limiter_rate = rate;
        self.limiter = limiter(rate, clock);
        let since = clock.elapsed().saturating_sub(self.taken_at).as_secs_f64();
        let earned = cells(rate * since).min(CELLS.get());
        let spent = NonZeroU32::new(burst(rate).get() - earned);
        if let (Some(limiter), Some(spent)) = (&self.limiter, spent) {
            // A burst never exceeds the quota's own, so there is nothing to report.
            drop(limiter.check_n(spent));
        }
    }
}

/// A limiter for a rate; `None` when it is too high to space requests out.
fn limiter(rate: f64, clock: &TokioClock) -> Option<Arc<Limiter>> {
    if rate > UNPACED {
        return None;
    }
    let period = Duration::from_secs_f64(1.0 / (rate * f64::from(CELLS.get())));
    let quota = Quota::with_period(period)?.allow_burst(burst(rate));
    Some(Arc::new(RateLimiter::direct_with_clock(
        quota,
        clock.clone(),
    )))
}

/// One request, and the slack: timers count whole milliseconds, and without it
/// each late waking would lower the rate.
fn burst(rate: f64) -> NonZeroU32 {
    CELLS.saturating_add(cells(rate * SLACK_SECONDS).saturating_add(1))
}

/// Whole cells of so many requests.
fn cells(requests: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let cells = (requests * f64::from(CELLS.get())) as u32;
    cells
}

#[cfg(test)]
mod tests;
