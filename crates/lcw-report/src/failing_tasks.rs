//! Failing tasks by what they say.

use std::collections::{BTreeSet, HashMap, HashSet};

use lcw_model::time::format_micros;

use crate::fingerprint::{digest, normalised};
use crate::model::{FailingTasks, Fingerprint};
use crate::plain::shortened;
use crate::workflows::Workflows;

/// Fingerprints that are kept: reasons that never repeat must not fill the memory.
const MOST: usize = 1_000;

/// Letters of a task's name that are kept.
const NAME: usize = 120;

/// Failures by task and normalised reason.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    kinds: HashMap<(String, String), Kind>,
    left_out: u64,
}

#[derive(Debug, Default)]
struct Kind {
    failures: u64,
    users: HashSet<u128>,
    workflows: BTreeSet<usize>,
    first: i64,
    last: i64,
}

impl Failures {
    /// Adds the failure of a task for a user, which ended at `at`.
    pub(crate) fn add(&mut self, task: &str, reason: &str, user: u128, workflow: usize, at: i64) {
        let key = (shortened(task, NAME), normalised(reason));
        let one = Kind {
            failures: 1,
            users: HashSet::from([user]),
            workflows: BTreeSet::from([workflow]),
            first: at,
            last: at,
        };
        self.unite_kind(key, one);
    }

    /// Adds all failures of another day.
    pub(crate) fn unite(&mut self, other: Self) {
        self.left_out += other.left_out;
        // In the order of their names, so that the same ones are kept every time.
        let mut kinds: Vec<_> = other.kinds.into_iter().collect();
        kinds.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, kind) in kinds {
            self.unite_kind(key, kind);
        }
    }

    fn unite_kind(&mut self, key: (String, String), kind: Kind) {
        if let Some(known) = self.kinds.get_mut(&key) {
            known.failures += kind.failures;
            known.users.extend(kind.users);
            known.workflows.extend(kind.workflows);
            known.first = known.first.min(kind.first);
            known.last = known.last.max(kind.last);
        } else if self.kinds.len() < MOST {
            self.kinds.insert(key, kind);
        } else {
            self.left_out += kind.failures;
        }
    }

    /// What is said of them.
    pub(crate) fn section(self, known: bool, workflows: &Workflows) -> FailingTasks {
        let fingerprint = |((task, reason), kind): ((String, String), Kind)| Fingerprint {
            fingerprint: digest(&task, &reason),
            task,
            reason,
            failures: kind.failures,
            users: kind.users.len() as u64,
            workflows: kind
                .workflows
                .iter()
                .map(|it| workflows.get(*it).label())
                .collect(),
            first_seen: format_micros(kind.first),
            last_seen: format_micros(kind.last),
        };
        let mut fingerprints: Vec<_> = self.kinds.into_iter().map(fingerprint).collect();
        fingerprints.sort_by(|a, b| {
            let most = b.failures.cmp(&a.failures);
            most.then_with(|| (&a.task, &a.reason).cmp(&(&b.task, &b.reason)))
        });
        let kept: u64 = fingerprints.iter().map(|it| it.failures).sum();
        FailingTasks {
            known,
            failures: kept + self.left_out,
            fingerprints,
            failures_left_out: self.left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_is_one_fingerprint_and_memory_is_bounded() {
        let mut failures = Failures::default();
        failures.add("t", "user 1 of 2", 1, 0, 50);
        failures.add("t", "user 3 of 4", 1, 0, 70);
        let mut more = Failures::default();
        more.add("t", "user 5 of 6", 2, 0, 20);
        for number in 0..2_000_u32 {
            // Letters only: no number to replace.
            let name: String = format!("{number:04}")
                .bytes()
                .map(|it| char::from(it + 49))
                .collect();
            more.add(&name, "x", 1, 0, 1);
        }
        failures.unite(more);
        let mut workflows = Workflows::default();
        workflows.place("w");
        let said = failures.section(true, &workflows);
        assert_eq!((said.fingerprints.len(), said.failures), (MOST, 2_003));
        assert_eq!(said.failures_left_out, 1_001);
        let first = &said.fingerprints[0];
        assert_eq!((first.failures, first.users), (3, 2));
        assert_eq!(first.first_seen, format_micros(20));
        assert_eq!(first.last_seen, format_micros(70));
        assert_eq!(first.workflows, ["w"]);
    }
}
