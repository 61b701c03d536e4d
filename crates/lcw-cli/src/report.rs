//! The summary of an export in words, for people.

use std::fmt::Write;

use lcw_pipeline::{ShortRun, Status, Summary, Verdicts};

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
    for (name, table) in &summary.tables {
        let files = counted(table.files, "file");
        writeln!(
            to,
            "  {name:<24} {:>9} rows, {} new, {} replaced, {files} written",
            table.rows_total, table.rows_new, table.rows_replaced
        )?;
    }
    let runs = &summary.runs;
    writeln!(
        to,
        "  runs      {} listed, {} read, {} known and settled, {} empty, {} still open",
        runs.listed, runs.fetched, runs.skipped_settled, runs.skipped_empty, runs.open
    )?;
    let requests = &summary.requests;
    writeln!(
        to,
        "  requests  {} sent, {} repeated, {} throttled",
        requests.sent, requests.retried, requests.throttled
    )?;
    write_proof(to, summary)?;
    for missing in &summary.not_covered {
        writeln!(to, "  not covered: {}: {}", missing.what, missing.reason)?;
        if let Some(remedy) = missing.remedy.as_ref().filter(|_| missing.is_partial) {
            writeln!(to, "    {remedy}")?;
        }
    }
    for warning in &summary.warnings {
        writeln!(to, "  warning: {warning}")?;
    }
    Ok(())
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn write_proof(to: &mut String, summary: &Summary) -> std::fmt::Result {
    let proof = &summary.proof;
    writeln!(
        to,
        "  proof     {} runs match the service's own count, {} short, {} over",
        proof.matched, proof.short, proof.over
    )?;
    let (tasks, reports) = (&proof.tasks, &proof.task_reports);
    if *tasks != Verdicts::default() {
        writeln!(
            to,
            "            {} runs match it in their task results, {} short, {} over",
            tasks.matched, tasks.short, tasks.over
        )?;
    }
    if *reports != Verdicts::default() {
        writeln!(
            to,
            "            {} task reports match their task results, {} short, {} over",
            reports.matched, reports.short, reports.over
        )?;
    }
    for run in &proof.short_runs {
        write_short(to, run)?;
    }
    for entry in &summary.drift {
        let value = entry.value.as_ref();
        let value = value.map_or_else(String::new, |value| format!(" = {value}"));
        let (table, property) = (&entry.table, &entry.property);
        writeln!(to, "  new in the service: {table}: {property}{value}")?;
    }
    for (table, rows) in &summary.quarantined {
        writeln!(to, "  set aside: {rows} rows of {table}, in _quarantine")?;
    }
    if !summary.lost_days.is_empty() {
        writeln!(
            to,
            "  lost for good: {} (the service forgot these days before this export)",
            summary.lost_days.join(", ")
        )?;
    }
    Ok(())
}

fn write_short(to: &mut String, short: &ShortRun) -> std::fmt::Result {
    let what = if short.run_id.is_empty() {
        format!("workflow {}", short.workflow_id)
    } else {
        format!(
            "run {} of workflow {} on {}",
            short.run_id, short.workflow_id, short.run_date
        )
    };
    let known = short.acknowledged.as_ref();
    let known = known.map_or_else(String::new, |reason| format!(" (acknowledged: {reason})"));
    writeln!(
        to,
        "    short: {what}: the service counts {} {} and returned {}{known}",
        short.counted,
        counted_words(short.table),
        short.fetched
    )
}

/// What the service counts where it speaks of the rows of a table.
pub(crate) fn counted_words(table: &str) -> &'static str {
    match table {
        "runs" => "runs",
        "user_processing_results" => "users",
        _ => "tasks",
    }
}
