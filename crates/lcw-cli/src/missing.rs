//! What is missing, in words: the same in the report of an export and in the status of a dataset.

use std::fmt::{self, Write};

use lcw_pipeline::{Cause, NotCovered};

use crate::lines::{counted, on_one_line};

/// What is not covered. What is alike is told once, with how many more there are. Lost days are
/// told in a line of their own.
pub(crate) fn write_not_covered(
    to: &mut String,
    missing: &[NotCovered],
    lost_days: &[String],
) -> fmt::Result {
    let is_lost = |entry: &&NotCovered| {
        let day = entry.run_date.as_ref();
        entry.cause == Cause::Retention && day.is_some_and(|day| lost_days.contains(day))
    };
    let mut told: Vec<&NotCovered> = Vec::new();
    for entry in missing.iter().filter(|entry| !is_lost(entry)) {
        if told.iter().any(|other| are_alike(other, entry)) {
            continue;
        }
        told.push(entry);
        writeln!(to, "  not covered: {}", on_one_line(&entry.what))?;
        writeln!(to, "    {}", on_one_line(&entry.reason))?;
        if let Some(remedy) = entry.remedy.as_ref().filter(|_| entry.is_partial) {
            writeln!(to, "    what to do: {remedy}")?;
        }
        let alike = || missing.iter().filter(|other| are_alike(entry, other));
        let more = alike().skip(1).count();
        if more > 0 {
            let runs: u64 = alike().map(|entry| entry.runs.unwrap_or(0)).sum();
            let runs = if runs > 0 {
                format!(", {} in all", counted(runs, "run"))
            } else {
                String::new()
            };
            writeln!(to, "    and {more} more like it{runs}: --json names each")?;
        }
    }
    Ok(())
}

/// The same table for the same reason: one line says enough. What has no table is like itself only.
fn are_alike(one: &NotCovered, other: &NotCovered) -> bool {
    let kind = |entry: &NotCovered| -> (Option<String>, Cause, Option<String>, bool) {
        let (table, code) = (entry.table.clone(), entry.code.clone());
        (table, entry.cause, code, entry.is_partial)
    };
    std::ptr::eq(one, other) || (one.table.is_some() && kind(one) == kind(other))
}

/// Something that has fewer rows than the service counts.
pub(crate) struct Short<'a> {
    pub(crate) table: &'a str,
    pub(crate) workflow_id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) run_date: &'a str,
    pub(crate) counted: i64,
    pub(crate) fetched: i64,
    pub(crate) acknowledged: Option<&'a str>,
}

impl Short<'_> {
    pub(crate) fn write(&self, to: &mut String) -> fmt::Result {
        let (workflow, run) = (on_one_line(self.workflow_id), on_one_line(self.run_id));
        let what = match self.table {
            _ if run.is_empty() => format!("workflow {workflow}"),
            "task_reports" => format!("a task report of run {run} on {}", self.run_date),
            _ => format!("run {run} on {}", self.run_date),
        };
        let rows = match self.table {
            "runs" => "runs",
            "user_processing_results" => "users",
            "task_reports" => "users of the task",
            _ => "tasks",
        };
        writeln!(
            to,
            "    short: {what}: {} of {} {rows}",
            self.fetched, self.counted
        )?;
        if !run.is_empty() {
            writeln!(to, "      of workflow {workflow}")?;
        }
        match self.acknowledged {
            Some(reason) => writeln!(to, "      acknowledged: {}", on_one_line(reason)),
            None => Ok(()),
        }
    }
}

/// What the service has added to its contract.
pub(crate) fn write_drift(
    to: &mut String,
    table: &str,
    property: &str,
    value: Option<&str>,
) -> fmt::Result {
    let value = value.map_or_else(String::new, |value| format!(" = {}", on_one_line(value)));
    let property = on_one_line(property);
    writeln!(to, "  new in the service: {table}: {property}{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(workflow: &str, runs: u64) -> NotCovered {
        serde_json::from_value(serde_json::json!({
            "what": format!("the task results of {runs} runs of workflow {workflow}"),
            "cause": "permission",
            "reason": "403 \u{1b}[31m",
            "table": "task_processing_results",
            "runs": runs,
            "remedy": "grant it",
            "is_partial": true,
        }))
        .unwrap()
    }

    #[test]
    fn what_is_alike_is_told_once() {
        let mut text = String::new();
        write_not_covered(&mut text, &[refused("a", 2), refused("b", 3)], &[]).unwrap();
        assert_eq!(
            text,
            "  not covered: the task results of 2 runs of workflow a\n    403  [31m\n    what to \
             do: grant it\n    and 1 more like it, 5 runs in all: --json names each\n"
        );
    }

    #[test]
    fn what_has_no_table_is_told_each() {
        let mut text = String::new();
        let plain = |workflow| NotCovered {
            table: None,
            ..refused(workflow, 1)
        };
        write_not_covered(&mut text, &[plain("a"), plain("b")], &[]).unwrap();
        assert_eq!(text.matches("not covered").count(), 2, "{text}");
        assert!(!text.contains("more like it"), "{text}");
    }

    #[test]
    fn lost_days_are_left_to_their_own_line() {
        let lost = |day: &str| NotCovered {
            table: None,
            cause: Cause::Retention,
            run_date: Some(day.to_owned()),
            ..refused("a", 1)
        };
        let mut text = String::new();
        let missing = [lost("2026-11-01"), lost("2026-11-02")];
        write_not_covered(&mut text, &missing, &["2026-11-01".to_owned()]).unwrap();
        assert_eq!(text.matches("not covered").count(), 1, "{text}");
    }
}
