//! The figures that conditions are about.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::model::Report;
use crate::plain::shortened;
use crate::workflows::closest;

/// A figure: its name, what it is, and its value where the dataset can say.
pub struct Metric {
    /// Its name in conditions and in `metrics`.
    pub name: &'static str,
    /// What it counts.
    pub about: &'static str,
    value: fn(&Report) -> Option<f64>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a report are far below 2^53"
)]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "spans of a report are far below 2^53 ms"
)]
fn whole(number: Option<i64>) -> Option<f64> {
    number.map(|number| number as f64)
}

/// Leavers that are neither done in time nor beyond evaluation.
fn misses(it: &Report) -> u64 {
    it.leavers.missed + it.leavers.failed + it.leavers.never_processed
}

macro_rules! metrics {
    ($($name:ident: $about:literal, $value:expr;)*) => {
        [$(Metric { name: stringify!($name), about: $about, value: $value }),*]
    };
}

/// Every figure, in the order of the report.
pub const METRICS: [Metric; 25] = metrics! {
    leaver_sla_misses: "leavers missed, failed or never processed", |it| Some(count(misses(it)));
    leavers_missed: "leavers done late, or begun and not done in time", |it| Some(count(it.leavers.missed));
    leavers_failed: "leavers whose newest attempt failed", |it| Some(count(it.leavers.failed));
    leavers_never_processed: "leavers whom no attempt reached in time", |it| Some(count(it.leavers.never_processed));
    leavers_not_evaluable: "leavers of whom the dataset cannot say", |it| Some(count(it.leavers.not_evaluable));
    leavers_p95_ms: "95th percentile of leavers' time until done", |it| whole(it.leavers.elapsed.p95_ms);
    success_rate_percent: "users completed among those completed or failed", |it| it.totals.success_rate_percent;
    users: "users of settled runs", |it| Some(count(it.totals.users.total));
    failed_users: "users failed or completed with errors", |it| Some(count(it.totals.users.not_good()));
    canceled_users: "users canceled", |it| Some(count(it.totals.users.canceled));
    users_not_fixed: "users failed and not completed since", |it| Some(count(it.failed_users.not_fixed));
    failing_tasks: "failed executions of tasks", |it| it.failing_tasks.known.then(|| count(it.failing_tasks.failures));
    failure_fingerprints: "different failures of tasks", |it| it.failing_tasks.known.then(|| count(it.failing_tasks.fingerprints.len() as u64));
    stale_workflows: "enabled workflows without a recent run", |it| Some(count(it.workflows.iter().filter(|it| it.is_stale).count() as u64));
    runs: "settled runs", |it| Some(count(it.totals.runs));
    open_runs: "runs open or not settled", |it| Some(count(it.totals.open_runs));
    queue_p95_ms: "95th percentile of users' time in the queue", |it| whole(it.queue.p95_ms);
    processing_p95_ms: "95th percentile of users' processing time", |it| whole(it.processing.p95_ms);
    short_runs: "shortfalls that nobody has acknowledged", |it| Some(count(it.proof.short_unacknowledged));
    unproven_days: "days that are short or unproven", |it| Some(count(unproven(it)));
    days_without_runs: "days without any run", |it| Some(count(it.proof.days_without_runs.len() as u64));
    lost_days: "days lost for good", |it| Some(count(it.proof.lost_days.len() as u64));
    days_at_risk: "days about to be lost", |it| Some(count(it.proof.days_at_risk.len() as u64));
    not_covered: "what the newest export could not read", |it| Some(count(it.proof.not_covered.len() as u64));
    hours_since_last_good_export: "hours since the last good export", |it| whole(it.proof.hours_since_last_good_export);
};

fn unproven(it: &Report) -> u64 {
    let days = ["short", "unproven"]
        .iter()
        .filter_map(|verdict| it.proof.days.get(verdict));
    days.sum()
}

/// The value of every figure.
pub(crate) fn values(report: &Report) -> BTreeMap<&'static str, Option<f64>> {
    METRICS
        .iter()
        .map(|metric| (metric.name, (metric.value)(report)))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Greater,
    AtLeast,
    Less,
    AtMost,
    Equal,
    NotEqual,
}

/// Spellings, the longer ones first.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

impl Operator {
    fn holds(self, value: f64, bound: f64) -> bool {
        let is_equal = (value - bound).abs() < 1e-9;
        match self {
            Self::Greater => value > bound && !is_equal,
            Self::AtLeast => value > bound || is_equal,
            Self::Less => value < bound && !is_equal,
            Self::AtMost => value < bound || is_equal,
            Self::Equal => is_equal,
            Self::NotEqual => !is_equal,
        }
    }
}

/// A condition such as `leaver_sla_misses>0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    metric: &'static str,
    operator: Operator,
    sign: &'static str,
    bound: f64,
}

/// A condition and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// As it reads without spaces.
    pub condition: String,
    /// The value of its figure; null where the dataset cannot say.
    pub value: Option<f64>,
    /// Whether it is met; also where the dataset cannot say: silence must not pass for health.
    pub is_met: bool,
}

impl Condition {
    /// Whether a report meets it.
    pub(crate) fn check(&self, values: &BTreeMap<&'static str, Option<f64>>) -> Checked {
        let value = values.get(self.metric).copied().flatten();
        Checked {
            condition: self.to_string(),
            value,
            is_met: value.is_none_or(|value| self.operator.holds(value, self.bound)),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.metric, self.sign, self.bound)
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = "write METRIC, one of > >= < <= == !=, and a number, as in leaver_sla_misses>0";
        let at = text.find(['>', '<', '=', '!']).ok_or(shape)?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let is_it = |(sign, _): &&(&'static str, Operator)| rest.starts_with(*sign);
        let (sign, operator) = *OPERATORS.iter().find(is_it).ok_or(shape)?;
        let number = rest[sign.len()..].trim();
        let bound = number.parse().ok().filter(|bound: &f64| bound.is_finite());
        let bound =
            bound.ok_or_else(|| format!("{:?} is no number; {shape}", shortened(number, 40)))?;
        let known = METRICS.iter().find(|metric| metric.name == name);
        let metric = known.ok_or_else(|| unknown(name))?.name;
        Ok(Self {
            metric,
            operator,
            sign,
            bound,
        })
    }
}

fn unknown(name: &str) -> String {
    let names = METRICS.iter().map(|metric| metric.name);
    let hint = match closest(name, names.clone()) {
        Some(close) => format!("did you mean {close}?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("there is no metric {:?}; {hint}", shortened(name, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(condition: &str, value: Option<f64>) -> bool {
        let condition: Condition = condition.parse().unwrap();
        condition.check(&BTreeMap::from([("users", value)])).is_met
    }

    #[test]
    fn every_operator_holds_where_it_says() {
        for (sign, below, same, above) in [
            (">", false, false, true),
            (">=", false, true, true),
            ("<", true, false, false),
            ("<=", true, true, false),
            ("==", false, true, false),
            ("!=", true, false, true),
        ] {
            for (value, expected) in [(1.0, below), (2.5, same), (3.0, above)] {
                let condition = format!(" users {sign} 2.5 ");
                assert_eq!(
                    met(&condition, Some(value)),
                    expected,
                    "{condition} {value}"
                );
            }
            assert!(met(&format!("users{sign}2.5"), None), "unknown is not good");
        }
    }

    #[test]
    fn what_is_no_condition_says_how_to_write_one() {
        for (text, said) in [
            ("users", "one of >"),
            ("users=1", "one of >"),
            ("users>many", "\"many\" is no number"),
            ("users>NaN", "no number"),
            ("user>1", "did you mean users?"),
            ("leaver_sla_miss>0", "did you mean leaver_sla_misses?"),
            ("zzz>0", "there are leaver_sla_misses, "),
        ] {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let shown = "failed_users >= 10"
            .parse::<Condition>()
            .unwrap()
            .to_string();
        assert_eq!(shown, "failed_users>=10");
    }
}
