//! Users that a workflow failed, and whether it completed them later.

use std::collections::HashMap;

use lcw_model::time::format_micros;

use crate::day::{Day, Ended, Event};
use crate::model::{FailedUser, FailedUsers};
use crate::spread::Spread;
use crate::workflows::Workflows;

/// Failures that nothing has fixed yet, and how many were. Grows with the users that failed.
#[derive(Debug, Default)]
pub(crate) struct Fixes {
    open: HashMap<(usize, u128), Failing>,
    fixed: u64,
    time_to_fix: Spread,
}

#[derive(Debug)]
struct Failing {
    name: Box<str>,
    first: i64,
    last: i64,
    attempts: u64,
}

impl Fixes {
    /// Takes the events of the next day, in the order of their schedules.
    pub(crate) fn add_day(&mut self, day: &Day) {
        let counts = |event: &&Event| event.is_settled && event.is_in_window;
        for event in day.events.iter().filter(counts) {
            let key = (event.workflow, event.subject);
            let at = event.completed.unwrap_or(event.scheduled);
            match event.ended {
                Ended::Badly => {
                    let name = || day.names.get(&event.subject).cloned().unwrap_or_default();
                    let failing = self.open.entry(key).or_insert_with(|| Failing {
                        name: name(),
                        first: at,
                        last: at,
                        attempts: 0,
                    });
                    failing.last = failing.last.max(at);
                    failing.attempts += 1;
                }
                Ended::Completed => {
                    if let Some(failing) = self.open.remove(&key) {
                        self.fixed += 1;
                        self.time_to_fix.add((at - failing.first) / 1_000);
                    }
                }
                Ended::Canceled | Ended::Open => {}
            }
        }
    }

    /// What is said of them.
    pub(crate) fn section(mut self, workflows: &Workflows) -> FailedUsers {
        let mut open: Vec<_> = self.open.into_iter().collect();
        open.sort_unstable_by(|(a_key, a), (b_key, b)| {
            (a.first, a_key.0, &a.name).cmp(&(b.first, b_key.0, &b.name))
        });
        let case = |((workflow, _), failing): ((usize, u128), Failing)| FailedUser {
            subject_id: failing.name.into(),
            workflow_id: workflows.get(workflow).id.clone(),
            workflow: workflows.get(workflow).name.clone(),
            first_failed: format_micros(failing.first),
            last_failed: format_micros(failing.last),
            attempts: failing.attempts,
        };
        let open_cases: Vec<FailedUser> = open.into_iter().map(case).collect();
        let not_fixed = open_cases.len() as u64;
        FailedUsers {
            total: self.fixed + not_fixed,
            fixed_later: self.fixed,
            not_fixed,
            time_to_fix: self.time_to_fix.quantiles(),
            open_cases,
        }
    }
}
