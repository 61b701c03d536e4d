//! Leavers against the clock.

mod judge;
mod statement;

use std::collections::HashMap;

use lcw_model::time::format_micros;

use crate::day::{Bounds, Day, Ended, Event};
use crate::model::{LeaverCase, Leavers, Outcome};
use crate::population::{Leaver, Population};
use crate::spread::Spread;
use crate::workflows::Workflows;

use judge::{Knowledge, Verdict};

pub(crate) use judge::Knowledge as LeaverKnowledge;

/// How long before a leave date an attempt still belongs to it: offboarding may begin early, and an
/// older one belongs to an earlier departure.
pub(crate) const EARLY: i64 = 7 * 24 * 3_600 * 1_000_000;

/// One attempt to offboard a user.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    workflow: usize,
    scheduled: i64,
    done: Option<Done>,
    ended: Ended,
    has_started: bool,
    is_settled: bool,
}

/// That and when an attempt did what it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    at: Option<i64>,
    /// A task says that the account was disabled or deleted; else the whole processing completed.
    by_task: bool,
}

impl Attempt {
    fn of(event: &Event) -> Self {
        use crate::day::Disabling;
        let done = match event.disabling {
            Some(Disabling::Done { at }) => Some(Done { at, by_task: true }),
            None if event.ended == Ended::Completed => Some(Done {
                at: event.completed,
                by_task: false,
            }),
            Some(Disabling::NotDone) | None => None,
        };
        Self {
            workflow: event.workflow,
            scheduled: event.scheduled,
            done,
            ended: event.ended,
            has_started: event.has_started,
            is_settled: event.is_settled,
        }
    }

    /// What it did, once that does not change any more.
    fn settled_done(&self) -> Option<Done> {
        self.done.filter(|_| self.is_settled)
    }
}

/// What starts the clock.
#[derive(Debug)]
enum Clock {
    /// The first run that takes a user up. Only users that are not done yet are remembered.
    RunSchedule { open: HashMap<(usize, u128), Open> },
    /// The leave date, by the place in the population.
    LeaveDate {
        population: Population,
        attempts: Vec<Vec<Attempt>>,
    },
}

/// A leaver that a run has taken up and that is not done.
#[derive(Debug)]
struct Open {
    start: i64,
    last: Attempt,
    name: Box<str>,
}

/// Leavers of the days so far.
#[derive(Debug)]
pub(crate) struct Tally {
    clock: Clock,
    sla: i64,
    /// Clocks of run schedules that start elsewhere belong to another report.
    window: Bounds,
    cases: Vec<LeaverCase>,
    elapsed: Spread,
    by_task: u64,
    by_result: u64,
}

impl Tally {
    /// Without a population the clock starts at the schedule of the run.
    pub(crate) fn new(population: Option<Population>, sla: i64, window: Bounds) -> Self {
        let clock = match population {
            None => Clock::RunSchedule {
                open: HashMap::new(),
            },
            Some(population) => Clock::LeaveDate {
                attempts: vec![Vec::new(); population.leavers.len()],
                population,
            },
        };
        Self {
            clock,
            sla,
            window,
            cases: Vec::new(),
            elapsed: Spread::default(),
            by_task: 0,
            by_result: 0,
        }
    }

    /// Takes the events of the next day, in the order of their schedules.
    pub(crate) fn add_day(&mut self, day: &Day, workflows: &Workflows) {
        for event in &day.events {
            if !workflows.get(event.workflow).is_leaver {
                continue;
            }
            let attempt = Attempt::of(event);
            match &mut self.clock {
                Clock::LeaveDate {
                    population,
                    attempts,
                } => {
                    if let Some(place) = population.by_subject.get(&event.subject) {
                        attempts[*place].push(attempt);
                    }
                }
                Clock::RunSchedule { open } => {
                    let key = (event.workflow, event.subject);
                    let name = || day.names.get(&event.subject).cloned().unwrap_or_default();
                    let case = open.entry(key).or_insert_with(|| Open {
                        start: event.scheduled,
                        last: attempt,
                        name: name(),
                    });
                    case.last = attempt;
                    if attempt.settled_done().is_some()
                        && let Some(done) = open.remove(&key)
                    {
                        self.close(&done, workflows, &Knowledge::default());
                    }
                }
            }
        }
    }

    /// Puts down what became of a leaver whom a run has taken up.
    fn close(&mut self, open: &Open, workflows: &Workflows, knowledge: &Knowledge) {
        if !self.window.contains(open.start) {
            return;
        }
        let verdict = judge::attempt(&open.last, open.start.saturating_add(self.sla), knowledge);
        self.put(&open.name, open.start, &verdict, workflows);
    }

    fn put(&mut self, subject: &str, start: i64, verdict: &Verdict, workflows: &Workflows) {
        let done_at = verdict.done.and_then(|done| done.at);
        let elapsed_ms = done_at.map(|at| (at - start) / 1_000);
        if let (Some(done), Some(elapsed)) = (verdict.done, elapsed_ms) {
            self.elapsed.add(elapsed);
            *if done.by_task {
                &mut self.by_task
            } else {
                &mut self.by_result
            } += 1;
        }
        let workflow = verdict.workflow.map(|place| workflows.get(place));
        let measured_by = |done: Done| {
            if done.by_task {
                "disable_task"
            } else {
                "result"
            }
        };
        self.cases.push(LeaverCase {
            subject_id: subject.to_owned(),
            workflow_id: workflow.map(|it| it.id.clone()),
            workflow: workflow.and_then(|it| it.name.clone()),
            outcome: verdict.outcome,
            clock_start: format_micros(start),
            deadline: format_micros(start.saturating_add(self.sla)),
            done_at: done_at.map(format_micros),
            elapsed_ms,
            measured_by: verdict.done.map(measured_by),
            reason: verdict.reason,
        });
    }

    /// What is said of them, as far as the dataset knows.
    pub(crate) fn section(
        mut self,
        workflows: &Workflows,
        knowledge: &Knowledge,
        has_tasks: bool,
    ) -> Leavers {
        let clock = std::mem::replace(
            &mut self.clock,
            Clock::RunSchedule {
                open: HashMap::new(),
            },
        );
        let name = match clock {
            Clock::RunSchedule { open } => {
                for open in open.values() {
                    self.close(open, workflows, knowledge);
                }
                "run_schedule"
            }
            Clock::LeaveDate {
                population,
                attempts,
            } => {
                for (leaver, attempts) in population.leavers.iter().zip(attempts) {
                    self.judge_leaver(leaver, &attempts, workflows, knowledge);
                }
                "leave_date"
            }
        };
        let has_leaver_workflow = workflows.iter().any(|it| it.is_chosen && it.is_leaver);
        let mut cases = self.cases;
        cases.sort_by(|a, b| order(a).cmp(&order(b)));
        let count = |outcome| cases.iter().filter(|it| it.outcome == outcome).count() as u64;
        Leavers {
            sla_ms: self.sla / 1_000,
            clock: name,
            statement: statement::of(name, has_tasks, has_leaver_workflow, self.by_result),
            total: cases.len() as u64,
            met: count(Outcome::Met),
            missed: count(Outcome::Missed),
            failed: count(Outcome::Failed),
            never_processed: count(Outcome::NeverProcessed),
            not_evaluable: count(Outcome::NotEvaluable),
            measured_by_task: self.by_task,
            measured_by_result: self.by_result,
            elapsed: self.elapsed.quantiles(),
            cases,
        }
    }

    fn judge_leaver(
        &mut self,
        leaver: &Leaver,
        attempts: &[Attempt],
        workflows: &Workflows,
        knowledge: &Knowledge,
    ) {
        let deadline = leaver.left.saturating_add(self.sla);
        let verdict = judge::leaver(attempts, leaver.left, deadline, knowledge);
        self.put(&leaver.subject, leaver.left, &verdict, workflows);
    }
}

/// What cases are sorted by: those that met the bound last, the oldest of each outcome first.
fn order(it: &LeaverCase) -> (Outcome, &str, &str, Option<&str>) {
    let workflow = it.workflow_id.as_deref();
    (it.outcome, &it.clock_start, &it.subject_id, workflow)
}
