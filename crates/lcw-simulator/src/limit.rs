//! A rate limit that really limits, and the pauses that answers have demanded.

use std::time::Duration;

use tokio::time::Instant;

use crate::hint::{Form, RetryAfter};

/// A limit on requests to Graph resources. Refused requests are answered with 429 and use up nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// How many requests a second are admitted in the long run; must be above 0.
    pub per_second: f64,
    /// How many are admitted at once after a rest, at least 1.
    pub burst: u32,
    /// How a refusal says when to come back; `None`: it does not say.
    pub form: Option<Form>,
    /// A refusal asks for a pause of at least this long.
    pub shortest_pause: Duration,
    /// Whether answers carry `x-ms-throttle-limit-percentage` above four fifths of the burst.
    pub announced: bool,
}

impl Limit {
    /// A limit with a burst of a tenth of a second (at least 1) and whole seconds in `Retry-After`.
    pub fn per_second(per_second: f64) -> Self {
        let tenth =
            Duration::try_from_secs_f64(per_second / 10.0).map_or(1, |tenth| tenth.as_secs());
        Self {
            per_second,
            burst: u32::try_from(tenth).unwrap_or(u32::MAX).max(1),
            form: Some(Form::Seconds),
            shortest_pause: Duration::ZERO,
            announced: false,
        }
    }
}

/// The state of a limit: when the bucket will be full again.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    limit: Option<Limit>,
    full_at: Option<Instant>,
    pauses: Vec<(Instant, Instant)>,
}

/// What the gate says to a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Go on; the share of the burst in use where it is to be announced.
    Admitted(Option<f64>),
    /// Come back later.
    Refused(RetryAfter),
}

impl Gate {
    pub(crate) fn set(&mut self, limit: Option<Limit>) {
        self.limit = limit;
        self.full_at = None;
    }

    pub(crate) fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Admits or refuses a request. Exact: a request at the instant that was named is admitted.
    pub(crate) fn admit(&mut self, now: Instant) -> Verdict {
        let Some(limit) = self.limit else {
            return Verdict::Admitted(None);
        };
        let interval =
            Duration::try_from_secs_f64(1.0 / limit.per_second).unwrap_or(Duration::from_hours(1));
        let tolerance = interval * (limit.burst.max(1) - 1);
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        let backlog = full_at - now;
        if backlog > tolerance {
            let wait = backlog.saturating_sub(tolerance).max(limit.shortest_pause);
            return Verdict::Refused(
                limit
                    .form
                    .map_or(RetryAfter::Absent, |form| RetryAfter::In(form, wait)),
            );
        }
        self.full_at = Some(full_at + interval);
        let used = (backlog + interval).as_secs_f64() / (tolerance + interval).as_secs_f64();
        Verdict::Admitted((limit.announced && used > 0.8).then_some(used))
    }

    /// Remembers that an answer given at `now` asked everybody to stay away.
    pub(crate) fn demand(&mut self, now: Instant, pause: Duration) {
        // Pauses of centuries end in a day here: nobody tests longer.
        self.pauses
            .push((now, now + pause.min(Duration::from_hours(24))));
    }

    /// How long the longest pause has been on that a request arriving at `now` breaks.
    pub(crate) fn broken_pause(&mut self, now: Instant) -> Option<Duration> {
        self.pauses.retain(|&(_, until)| until > now);
        self.pauses
            .iter()
            .map(|&(from, _)| now - from)
            .max()
            .filter(|since| !since.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_steady_rate_passes_and_one_more_does_not() {
        let mut gate = Gate::default();
        gate.set(Some(Limit {
            burst: 2,
            form: Some(Form::Fraction),
            ..Limit::per_second(10.0)
        }));
        let start = Instant::now();
        assert_eq!(gate.admit(start), Verdict::Admitted(None));
        assert_eq!(gate.admit(start), Verdict::Admitted(None));
        let refused = gate.admit(start);
        let expected = RetryAfter::In(Form::Fraction, Duration::from_millis(100));
        assert_eq!(refused, Verdict::Refused(expected));
        for step in 1..100 {
            let at = start + Duration::from_millis(100) * step;
            assert_eq!(gate.admit(at), Verdict::Admitted(None), "{step}");
            assert!(matches!(gate.admit(at), Verdict::Refused(_)), "{step}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn use_is_announced_only_when_high() {
        let mut gate = Gate::default();
        gate.set(Some(Limit {
            burst: 4,
            announced: true,
            ..Limit::per_second(10.0)
        }));
        let start = Instant::now();
        let announced: Vec<_> = (0..4).map(|_| gate.admit(start)).collect();
        assert!(matches!(announced[2], Verdict::Admitted(None)));
        assert!(matches!(announced[3], Verdict::Admitted(Some(used)) if used > 0.9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_inside_a_pause_is_noticed() {
        let mut gate = Gate::default();
        let start = Instant::now();
        gate.demand(start, Duration::from_secs(2));
        assert_eq!(gate.broken_pause(start), None);
        let soon = start + Duration::from_secs(1);
        assert_eq!(gate.broken_pause(soon), Some(Duration::from_secs(1)));
        assert_eq!(gate.broken_pause(start + Duration::from_secs(2)), None);
    }
}
