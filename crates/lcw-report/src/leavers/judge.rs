//! What became of one leaver. Nothing is taken for done that no row says.

use jiff::civil::Date;
use lcw_model::time::date_of;

use super::{Attempt, Done, EARLY};
use crate::day::Ended;
use crate::model::Outcome;

/// What the dataset can know, in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge {
    /// Schedules before this are not looked at, or not in the dataset.
    pub(crate) from: i64,
    /// What happened later is not in the dataset, or not looked at; `None`: nobody knows.
    pub(crate) until: Option<i64>,
    /// Why users may be missing in the dataset as a whole.
    pub(crate) lacks_users: Option<&'static str>,
    /// Schedules of leaver runs that may hold users who are not in the dataset, in order.
    pub(crate) doubtful_runs: Vec<i64>,
    /// Days that are lost for good.
    pub(crate) lost_days: Vec<Date>,
}

impl Knowledge {
    /// Whether the dataset's knowledge reaches beyond this instant.
    fn is_past(&self, at: i64) -> bool {
        self.until.is_some_and(|until| until > at)
    }
}

/// What became of one leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) workflow: Option<usize>,
    pub(super) done: Option<Done>,
    pub(super) reason: Option<&'static str>,
}

impl Verdict {
    fn of(outcome: Outcome, attempt: &Attempt, reason: Option<&'static str>) -> Self {
        Self {
            outcome,
            workflow: Some(attempt.workflow),
            done: None,
            reason,
        }
    }

    fn without_attempt(outcome: Outcome, reason: Option<&'static str>) -> Self {
        Self {
            outcome,
            workflow: None,
            done: None,
            reason,
        }
    }
}

/// By the newest attempt, or the one that did it.
pub(super) fn attempt(it: &Attempt, deadline: i64, knowledge: &Knowledge) -> Verdict {
    match (it.done, it.is_settled) {
        (Some(done), true) => finished(it, done, deadline),
        (Some(Done { at: Some(at), .. }), false) if at > deadline => Verdict::of(
            Outcome::Missed,
            it,
            Some("it was not done when the time was up"),
        ),
        (Some(_), false) => {
            let reason = "the run that did it is not settled yet";
            Verdict::of(Outcome::NotEvaluable, it, Some(reason))
        }
        (None, true) => unfinished(it, deadline, knowledge),
        (None, false) if knowledge.is_past(deadline) => unfinished(it, deadline, knowledge),
        (None, false) => Verdict::of(
            Outcome::NotEvaluable,
            it,
            Some("a run is not over, and the time is not up"),
        ),
    }
}

fn finished(it: &Attempt, done: Done, deadline: i64) -> Verdict {
    let (outcome, reason) = match done.at {
        Some(at) if at <= deadline => (Outcome::Met, None),
        Some(_) => (Outcome::Missed, None),
        None => (
            Outcome::NotEvaluable,
            Some("it is done, and the service does not say when"),
        ),
    };
    Verdict {
        done: Some(done),
        ..Verdict::of(outcome, it, reason)
    }
}

fn unfinished(it: &Attempt, deadline: i64, knowledge: &Knowledge) -> Verdict {
    let (outcome, reason) = match it.ended {
        Ended::Badly => (Outcome::Failed, None),
        Ended::Completed => {
            let reason = "processing completed, but not the task that disables the account";
            (Outcome::Failed, Some(reason))
        }
        Ended::Canceled if it.has_started => (Outcome::Failed, Some("it was canceled")),
        Ended::Canceled => (
            Outcome::NeverProcessed,
            Some("it was canceled before it began"),
        ),
        Ended::Open if !knowledge.is_past(deadline) => (
            Outcome::NotEvaluable,
            Some("it is not over, and the time is not up"),
        ),
        Ended::Open if it.has_started => (
            Outcome::Missed,
            Some("it was not done when the time was up"),
        ),
        Ended::Open => (Outcome::NeverProcessed, Some("it never began")),
    };
    Verdict::of(outcome, it, reason)
}

/// By all attempts of a leaver of whom the leave date is known, in the order of their schedules.
pub(super) fn leaver(
    attempts: &[Attempt],
    left: i64,
    deadline: i64,
    knowledge: &Knowledge,
) -> Verdict {
    let belongs = |it: &&Attempt| it.scheduled >= left.saturating_sub(EARLY);
    let fitting: Vec<&Attempt> = attempts.iter().filter(belongs).collect();
    let first_done = fitting
        .iter()
        .filter(|it| it.settled_done().is_some())
        .min_by_key(|it| {
            it.settled_done()
                .and_then(|done| done.at)
                .unwrap_or(i64::MAX)
        });
    let best = first_done.or(fitting.last());
    let verdict = match best {
        Some(best) => attempt(best, deadline, knowledge),
        None => nothing(!attempts.is_empty(), left, deadline, knowledge),
    };
    // What came before the window may have been in time.
    let is_bad = !matches!(verdict.outcome, Outcome::Met | Outcome::NotEvaluable);
    if is_bad && left < knowledge.from {
        let reason = Some("the leave date is before what the report looks at");
        return Verdict {
            outcome: Outcome::NotEvaluable,
            reason,
            ..verdict
        };
    }
    verdict
}

/// No attempt belongs to the leave date.
fn nothing(has_older: bool, left: i64, deadline: i64, knowledge: &Knowledge) -> Verdict {
    let cannot = |reason| Verdict::without_attempt(Outcome::NotEvaluable, Some(reason));
    let (first, last) = (left.saturating_sub(EARLY), deadline);
    let at = knowledge.doubtful_runs.partition_point(|run| *run < first);
    let has_doubt = knowledge
        .doubtful_runs
        .get(at)
        .is_some_and(|run| *run <= last);
    let is_lost = |day: &Date| (date_of(first)..=date_of(last)).contains(day);
    if left < knowledge.from {
        cannot("the leave date is before what the report looks at")
    } else if !knowledge.is_past(deadline) {
        cannot("the time is not up in what the dataset knows")
    } else if let Some(reason) = knowledge.lacks_users {
        cannot(reason)
    } else if has_doubt {
        cannot("a run in that time is open or not proven complete")
    } else if knowledge.lost_days.iter().any(is_lost) {
        cannot("a day in that time is lost")
    } else if has_older {
        cannot("processed only more than 7 days before the leave date")
    } else {
        Verdict::without_attempt(Outcome::NeverProcessed, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600 * 1_000_000;

    fn attempt_of(ended: Ended, done_at: Option<i64>) -> Attempt {
        Attempt {
            workflow: 3,
            scheduled: 100 * DAY,
            done: done_at.map(|at| Done {
                at: Some(at),
                by_task: false,
            }),
            ended,
            has_started: true,
            is_settled: true,
        }
    }

    fn knowing(until: i64) -> Knowledge {
        Knowledge {
            from: 50 * DAY,
            until: Some(until),
            ..Knowledge::default()
        }
    }

    #[test]
    fn a_clock_that_runs_out_decides_and_nothing_is_assumed_met() {
        let deadline = 101 * DAY;
        let (before, after) = (knowing(deadline), knowing(deadline + 1));
        let outcome =
            |it: Attempt, knowledge: &Knowledge| attempt(&it, deadline, knowledge).outcome;
        let done = |at| attempt_of(Ended::Completed, Some(at));
        assert_eq!(outcome(done(deadline), &before), Outcome::Met);
        assert_eq!(outcome(done(deadline + 1), &before), Outcome::Missed);
        let timeless = Attempt {
            done: Some(Done {
                at: None,
                by_task: true,
            }),
            ..done(0)
        };
        assert_eq!(outcome(timeless, &after), Outcome::NotEvaluable);
        let unsettled = |it| Attempt {
            is_settled: false,
            ..it
        };
        assert_eq!(
            outcome(unsettled(done(deadline)), &after),
            Outcome::NotEvaluable
        );
        assert_eq!(
            outcome(unsettled(done(deadline + 1)), &after),
            Outcome::Missed
        );
        let waiting = |it| Attempt {
            has_started: false,
            ..it
        };
        for (ended, now, later, never_began) in [
            (
                Ended::Badly,
                Outcome::Failed,
                Outcome::Failed,
                Outcome::Failed,
            ),
            (
                Ended::Completed,
                Outcome::Failed,
                Outcome::Failed,
                Outcome::Failed,
            ),
            (
                Ended::Canceled,
                Outcome::Failed,
                Outcome::Failed,
                Outcome::NeverProcessed,
            ),
            (
                Ended::Open,
                Outcome::NotEvaluable,
                Outcome::Missed,
                Outcome::NeverProcessed,
            ),
        ] {
            let it = attempt_of(ended, None);
            assert_eq!(outcome(it, &before), now, "{ended:?}");
            assert_eq!(outcome(it, &after), later, "{ended:?}");
            assert_eq!(outcome(waiting(it), &after), never_began, "{ended:?}");
            assert_eq!(
                outcome(unsettled(it), &before),
                Outcome::NotEvaluable,
                "{ended:?}"
            );
            assert_eq!(outcome(unsettled(it), &after), later, "{ended:?}");
        }
    }

    #[test]
    fn a_leaver_is_never_processed_only_where_the_dataset_can_know() {
        let (left, deadline) = (100 * DAY, 101 * DAY);
        let of = |attempts: &[Attempt], knowledge: &Knowledge| {
            leaver(attempts, left, deadline, knowledge).outcome
        };
        let good = knowing(deadline + 1);
        assert_eq!(of(&[], &good), Outcome::NeverProcessed);
        for cannot in [
            knowing(deadline),
            Knowledge {
                until: None,
                ..good.clone()
            },
            Knowledge {
                from: left + 1,
                ..good.clone()
            },
            Knowledge {
                lacks_users: Some("x"),
                ..good.clone()
            },
            Knowledge {
                doubtful_runs: vec![left - EARLY],
                ..good.clone()
            },
            Knowledge {
                doubtful_runs: vec![deadline],
                ..good.clone()
            },
            Knowledge {
                lost_days: vec![date_of(left)],
                ..good.clone()
            },
        ] {
            assert_eq!(of(&[], &cannot), Outcome::NotEvaluable, "{cannot:?}");
        }
        let elsewhere = Knowledge {
            doubtful_runs: vec![left - EARLY - 1, deadline + 1],
            lost_days: vec![date_of(left + 3 * DAY)],
            ..good.clone()
        };
        assert_eq!(of(&[], &elsewhere), Outcome::NeverProcessed);
        let older = Attempt {
            scheduled: left - EARLY - 1,
            ..attempt_of(Ended::Completed, Some(left))
        };
        assert_eq!(of(&[older], &good), Outcome::NotEvaluable);
    }

    #[test]
    fn of_several_attempts_the_first_that_did_it_counts() {
        let (left, deadline) = (100 * DAY, 101 * DAY);
        let failed = attempt_of(Ended::Badly, None);
        let late = attempt_of(Ended::Completed, Some(deadline + 5));
        let early = attempt_of(Ended::Completed, Some(left - DAY));
        let good = knowing(deadline + 1);
        let of = |attempts: &[Attempt], knowledge: &Knowledge| {
            leaver(attempts, left, deadline, knowledge)
        };
        assert_eq!(of(&[failed, late], &good).outcome, Outcome::Missed);
        assert_eq!(of(&[failed, late, early], &good).outcome, Outcome::Met);
        assert_eq!(of(&[early, failed], &good).outcome, Outcome::Met);
        assert_eq!(of(&[failed, failed], &good).outcome, Outcome::Failed);
        let narrow = Knowledge {
            from: left + 1,
            ..good
        };
        assert_eq!(of(&[late], &narrow).outcome, Outcome::NotEvaluable);
        assert_eq!(of(&[early], &narrow).outcome, Outcome::Met);
    }
}
