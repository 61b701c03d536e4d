//! The summary of an export in words, for people.

use std::fmt::Write;

use lcw_pipeline::{ShortRun, Status, Summary};
use lcw_transform::Table;

use crate::lines::{counted, days};
use crate::missing::{Short, write_drift, write_not_covered};

/// The summary as text, several lines.
pub(crate) fn text(summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_summary(&mut text, summary);
    text
}

fn write_summary(to: &mut String, summary: &Summary) -> std::fmt::Result {
    let ended = match summary.status {
        Status::Complete => "complete",
        Status::Partial => "partial: what is committed is good, some could not be fetched",
        Status::Unproven => "committed, but not proven complete",
        Status::Failed => "failed",
        Status::Interrupted => "stopped; the days committed so far stay",
    };
    writeln!(to, "{} {}: {ended}", summary.kind, summary.export_id)?;
    if let Some(from) = &summary.window.from {
        let until = summary.window.to.as_deref().unwrap_or("now");
        writeln!(to, "  window    runs scheduled from {from} until {until}")?;
    }
    write_runs(to, summary)?;
    let requests = &summary.requests;
    let mut line = format!("  requests  {} sent", requests.sent);
    append(&mut line, requests.retried, "repeated");
    append(&mut line, requests.throttled, "throttled");
    writeln!(to, "{line}")?;
    write_tables(to, summary)?;
    write_proof(to, summary)?;
    write_not_covered(to, &summary.not_covered, &summary.lost_days)?;
    for entry in &summary.drift {
        write_drift(to, &entry.table, &entry.property, entry.value.as_deref())?;
    }
    for (table, rows) in &summary.quarantined {
        let rows = counted(*rows, "row");
        writeln!(to, "  set aside: {rows} of {table}, in _quarantine")?;
    }
    if !summary.lost_days.is_empty() {
        let what = "lost for good (the service has forgotten these days)";
        days(to, what, &summary.lost_days)?;
    }
    days(to, at_risk(summary), &summary.retention.days_at_risk)?;
    if let Some(snapshot) = &summary.snapshot {
        writeln!(to, "  snapshot  {}", snapshot.path)?;
    }
    for warning in &summary.warnings {
        writeln!(to, "  warning: {warning}")?;
    }
    Ok(())
}

/// Days are at risk as of the exports before this one, which has read them if it left nothing out.
fn at_risk(summary: &Summary) -> &'static str {
    let is_whole = matches!(summary.status, Status::Complete | Status::Unproven);
    if is_whole && summary.kind == "export" {
        "were at risk of being lost, until this export"
    } else {
        "at risk of being lost"
    }
}

/// Adds what there is any of.
fn append(line: &mut String, count: u64, what: &str) {
    if count > 0 {
        // Writing to a String cannot fail.
        let _infallible = write!(line, ", {count} {what}");
    }
}

fn write_runs(to: &mut String, summary: &Summary) -> std::fmt::Result {
    let runs = &summary.runs;
    let mut line = format!("  runs      {} listed, {} read", runs.listed, runs.fetched);
    append(&mut line, runs.skipped_settled, "known and settled");
    append(&mut line, runs.skipped_empty, "empty");
    append(&mut line, runs.skipped_committed, "committed before");
    append(&mut line, runs.open, "still open");
    append(&mut line, runs.expired, "forgotten while open");
    writeln!(to, "{line}")
}

fn write_tables(to: &mut String, summary: &Summary) -> std::fmt::Result {
    let table_of = |table: Table| Some((table.name(), summary.tables.get(table.name())?));
    let tables: Vec<_> = Table::ALL.into_iter().filter_map(table_of).collect();
    if tables.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "  {:<28}{:>10}{:>9}{:>10}  files written",
        "tables", "rows", "new", "replaced"
    )?;
    for (name, table) in tables {
        writeln!(
            to,
            "    {name:<26}{:>10}{:>9}{:>10}{:>15}",
            table.rows_total, table.rows_new, table.rows_replaced, table.files
        )?;
    }
    Ok(())
}

/// A verdict for each count that there is one of: nothing is said of what was not counted.
fn write_proof(to: &mut String, summary: &Summary) -> std::fmt::Result {
    let proof = &summary.proof;
    let (tasks, reports) = (&proof.tasks, &proof.task_reports);
    let mut head = "proof";
    let mut line = |(matched, short, over): (u64, u64, u64), what: &str| -> std::fmt::Result {
        if matched + short + over == 0 {
            return Ok(());
        }
        let mut text = format!("{matched} {what}");
        append(&mut text, short, "short");
        append(&mut text, over, "over");
        let head = std::mem::take(&mut head);
        writeln!(to, "  {head:<8}  {text}")
    };
    line(
        (proof.matched, proof.short, proof.over),
        "runs have as many users as the service counts",
    )?;
    line(
        (tasks.matched, tasks.short, tasks.over),
        "runs have as many tasks as it counts",
    )?;
    line(
        (reports.matched, reports.short, reports.over),
        "task reports have as many task results as they count users",
    )?;
    if proof.filtered {
        let what = "none of users: a filter leaves some out";
        writeln!(to, "  {head:<8}  {what}")?;
    }
    proof
        .short_runs
        .iter()
        .try_for_each(|run| write_short(to, run))
}

fn write_short(to: &mut String, run: &ShortRun) -> std::fmt::Result {
    let short = Short {
        table: run.table,
        workflow_id: &run.workflow_id,
        run_id: &run.run_id,
        run_date: &run.run_date,
        counted: run.counted,
        fetched: i64::try_from(run.fetched).unwrap_or(i64::MAX),
        acknowledged: run.acknowledged.as_deref(),
    };
    short.write(to)
}
