//! One section of a report as CSV: comma-separated, a header of the JSON keys, LF line ends, UTC.

use crate::model::{Outcomes, Report};
use crate::plain;
use crate::spread::Quantiles;

/// A part of the report that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Each leaver.
    Leavers,
    /// Failures by task and reason.
    FailingTasks,
    /// Users that were failed and not fixed.
    FailedUsers,
    /// Each workflow.
    Workflows,
    /// Each day.
    Days,
    /// What has fewer rows than the service counts.
    Short,
    /// The figures of `--fail-on`.
    Metrics,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 7] = [
        Self::Leavers,
        Self::FailingTasks,
        Self::FailedUsers,
        Self::Workflows,
        Self::Days,
        Self::Short,
        Self::Metrics,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leavers => "leavers",
            Self::FailingTasks => "failing-tasks",
            Self::FailedUsers => "failed-users",
            Self::Workflows => "workflows",
            Self::Days => "days",
            Self::Short => "short",
            Self::Metrics => "metrics",
        }
    }
}

/// The section as CSV, header first. Cells that a spreadsheet would take for a formula begin with an
/// apostrophe; controls become spaces.
pub fn csv(report: &Report, section: Section) -> String {
    match section {
        Section::Leavers => leavers(report),
        Section::FailingTasks => failing_tasks(report),
        Section::FailedUsers => failed_users(report),
        Section::Workflows => workflows(report),
        Section::Days => days(report),
        Section::Short => short(report),
        Section::Metrics => metrics(report),
    }
}

/// Rows in the making.
struct Table(String);

impl Table {
    fn new(header: &str) -> Self {
        Self(format!("{header}\n"))
    }

    fn row<const N: usize>(&mut self, cells: &[String; N]) {
        self.0.push_str(&cells.join(","));
        self.0.push('\n');
    }
}

/// Other people's words as a cell.
fn text(words: &str) -> String {
    let line = plain::on_one_line(words);
    let is_formula = |letter: char| "=+-@\t\r＝＋－＠".contains(letter);
    // What stood in front may be hidden, or dropped by whoever opens the file.
    let shown = words.trim_start_matches(|letter: char| {
        letter != '\t' && letter != '\r' && letter.is_whitespace()
    });
    let starts = shown.starts_with(is_formula) || line.trim_start().starts_with(is_formula);
    let line = if starts { format!("'{line}") } else { line };
    if line.contains([',', '"', '\n', ';']) || line.starts_with(' ') || line.ends_with(' ') {
        format!("\"{}\"", line.replace('"', "\"\""))
    } else {
        line
    }
}

fn maybe(words: Option<&str>) -> String {
    words.map(text).unwrap_or_default()
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn leavers(report: &Report) -> String {
    let mut table = Table::new(
        "subject_id,workflow_id,workflow,outcome,clock_start,deadline,done_at,elapsed_ms,measured_by,reason",
    );
    for it in &report.leavers.cases {
        table.row(&[
            text(&it.subject_id),
            maybe(it.workflow_id.as_deref()),
            maybe(it.workflow.as_deref()),
            it.outcome.name().to_owned(),
            it.clock_start.clone(),
            it.deadline.clone(),
            shown(it.done_at.as_ref()),
            shown(it.elapsed_ms),
            shown(it.measured_by),
            maybe(it.reason),
        ]);
    }
    table.0
}

fn failing_tasks(report: &Report) -> String {
    let mut table =
        Table::new("fingerprint,task,reason,failures,users,workflows,first_seen,last_seen");
    for it in &report.failing_tasks.fingerprints {
        table.row(&[
            text(&it.fingerprint),
            text(&it.task),
            text(&it.reason),
            it.failures.to_string(),
            it.users.to_string(),
            text(&it.workflows.join("; ")),
            it.first_seen.clone(),
            it.last_seen.clone(),
        ]);
    }
    table.0
}

fn failed_users(report: &Report) -> String {
    let mut table = Table::new("subject_id,workflow_id,workflow,first_failed,last_failed,attempts");
    for it in &report.failed_users.open_cases {
        table.row(&[
            text(&it.subject_id),
            text(&it.workflow_id),
            maybe(it.workflow.as_deref()),
            it.first_failed.clone(),
            it.last_failed.clone(),
            it.attempts.to_string(),
        ]);
    }
    table.0
}

const USERS: &str = "users,completed,completed_with_errors,failed,canceled,unfinished";

fn users(users: &Outcomes) -> String {
    let Outcomes {
        total,
        completed,
        completed_with_errors,
        failed,
        canceled,
        unfinished,
    } = users;
    format!("{total},{completed},{completed_with_errors},{failed},{canceled},{unfinished}")
}

fn workflows(report: &Report) -> String {
    let mut table = Table::new(&format!(
        "workflow_id,workflow,category,is_enabled,is_scheduling_enabled,deleted_at,last_run,is_stale,\
         runs,open_runs,preview_runs,{USERS},success_rate_percent"
    ));
    for it in &report.workflows {
        table.row(&[
            text(&it.workflow_id),
            maybe(it.workflow.as_deref()),
            maybe(it.category.as_deref()),
            shown(it.is_enabled),
            shown(it.is_scheduling_enabled),
            shown(it.deleted_at.as_ref()),
            shown(it.last_run.as_ref()),
            it.is_stale.to_string(),
            it.runs.to_string(),
            it.open_runs.to_string(),
            it.preview_runs.to_string(),
            users(&it.users),
            shown(it.success_rate_percent),
        ]);
    }
    table.0
}

fn days(report: &Report) -> String {
    let mut table = Table::new(&format!(
        "run_date,runs,open_runs,preview_runs,{USERS},queue_p50_ms,queue_p95_ms,processing_p50_ms,\
         processing_p95_ms,verdict"
    ));
    let quantiles = |it: &Quantiles| format!("{},{}", shown(it.p50_ms), shown(it.p95_ms));
    for it in &report.days {
        table.row(&[
            it.run_date.clone(),
            it.runs.to_string(),
            it.open_runs.to_string(),
            it.preview_runs.to_string(),
            users(&it.users),
            quantiles(&it.queue),
            quantiles(&it.processing),
            it.verdict.to_owned(),
        ]);
    }
    table.0
}

fn short(report: &Report) -> String {
    let mut table = Table::new("table,workflow_id,run_id,run_date,counted,held,acknowledged");
    for it in &report.proof.short {
        table.row(&[
            text(&it.table),
            text(&it.workflow_id),
            maybe(it.run_id.as_deref()),
            maybe(it.run_date.as_deref()),
            shown(it.counted),
            shown(it.held),
            maybe(it.acknowledged.as_deref()),
        ]);
    }
    table.0
}

fn metrics(report: &Report) -> String {
    let mut table = Table::new("metric,value");
    for (name, value) in &report.metrics {
        table.row(&[(*name).to_owned(), shown(*value)]);
    }
    table.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_breaks_a_row() {
        for (words, cell) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\tx", "' x"),
            ("\rx", "' x"),
            (" =1", "' =1"),
            ("\u{feff}=1", "' =1"),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
            (" a", "\" a\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=H(\"x\",1)", "\"'=H(\"\"x\"\",1)\""),
            ("a\nb", "a b"),
            ("a;b", "\"a;b\""),
        ] {
            assert_eq!(text(words), cell, "{words:?}");
        }
    }
}
