//! `lcw status`: what the dataset holds, offline.

use std::fmt::{self, Write};

use lcw_pipeline::{
    Cell, DatasetStatus, ExportStatus, MatrixRow, Retention, StoredShortRun, TenantStatus,
};

use crate::acknowledge::words;
use crate::args::{Output, StatusArgs};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::report::{counted, counted_words};
use crate::{print, settings};

pub(crate) fn status(args: &StatusArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let out = settings::out(args.out.as_ref(), &file.load);
    let status = lcw_pipeline::status(&out).map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&status)?;
    } else {
        print::text(&text(&status))?;
    }
    Ok(0)
}

fn text(status: &DatasetStatus) -> String {
    let mut text = format!(
        "{}: {} ({})\n",
        status.out, status.format, status.compression
    );
    if let Some(filter) = &status.filter {
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            text,
            "filtered by {filter}: the number of its rows proves nothing about users"
        );
    }
    for tenant in &status.tenants {
        // Writing to a String cannot fail.
        let _infallible = write_tenant(&mut text, tenant);
    }
    text
}

fn write_tenant(to: &mut String, tenant: &TenantStatus) -> fmt::Result {
    writeln!(to, "tenant {}", tenant.tenant_id)?;
    for (name, table) in &tenant.tables {
        let days = match (&table.first_day, &table.last_day) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        let size = human_bytes(table.bytes);
        let files = counted(table.files, "file");
        writeln!(
            to,
            "  {name:<24} {:>9} rows in {files}, {size}{days}",
            table.rows
        )?;
    }
    let runs = &tenant.runs;
    writeln!(
        to,
        "  runs      {} in all: {} match the service's count, {} short, {} over, {} open, \
         {} not settled, {} without results, {} expired",
        runs.total,
        runs.matched,
        runs.short,
        runs.over,
        runs.open,
        runs.unsettled,
        runs.without_results,
        runs.expired
    )?;
    for short in &tenant.short_runs {
        write_short(to, short)?;
    }
    write_matrix(to, tenant)?;
    for missing in &tenant.not_covered {
        writeln!(to, "  not covered: {}: {}", missing.what, missing.reason)?;
    }
    for entry in &tenant.acknowledged {
        writeln!(to, "  acknowledged: {}", words(entry))?;
    }
    write_retention(to, &tenant.retention)?;
    list(to, "lost for good", &tenant.lost_days)?;
    list(to, "days without runs", &tenant.days_without_runs)?;
    export(to, "last export", tenant.last_export.as_ref())?;
    export(
        to,
        "last complete export",
        tenant.last_complete_export.as_ref(),
    )
}

fn write_short(to: &mut String, short: &StoredShortRun) -> fmt::Result {
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
        "    short: {what}: {} {} counted, {} fetched{known}",
        short.counted.unwrap_or(0),
        counted_words(&short.table),
        short.fetched.unwrap_or(0)
    )
}

/// Per workflow and day what the service counts and what the dataset holds: days on which all
/// agrees in one line, the others one by one.
fn write_matrix(to: &mut String, tenant: &TenantStatus) -> fmt::Result {
    if tenant.matrix.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "  proof     day, workflow: runs; users held/counted; tasks held/counted; verdict"
    )?;
    for day in tenant.matrix.chunk_by(|a, b| a.run_date == b.run_date) {
        let agrees = day.iter().all(|row| row.verdict == "matched");
        let first = &day[0];
        if agrees {
            let runs: u64 = day.iter().map(|row| row.runs).sum();
            let workflows = counted(day.len() as u64, "workflow");
            let sum = |cell: fn(&MatrixRow) -> Cell| {
                let cells = day.iter().map(cell);
                cells.fold((0, 0), |(held, counted), cell| {
                    (held + cell.held, counted + cell.counted)
                })
            };
            let (users, tasks) = (sum(|row| row.users), sum(|row| row.tasks));
            writeln!(
                to,
                "    {}  {workflows}: {runs}; {}/{}; {}/{}; matched",
                first.run_date, users.0, users.1, tasks.0, tasks.1
            )?;
            continue;
        }
        for row in day {
            let name = on_one_line(row.workflow.as_deref().unwrap_or(&row.workflow_id));
            writeln!(
                to,
                "    {}  {name}: {}; {}/{}; {}/{}; {}",
                row.run_date,
                row.runs,
                row.users.held,
                row.users.counted,
                row.tasks.held,
                row.tasks.counted,
                row.verdict
            )?;
        }
    }
    Ok(())
}

/// Names are other people's words: they must not steer the terminal.
fn on_one_line(name: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    name.chars().map(plain).collect()
}

fn write_retention(to: &mut String, retention: &Retention) -> fmt::Result {
    if let Some(hours) = retention.hours_since_last_good_export {
        writeln!(to, "  last good export: {hours} hours ago")?;
    }
    list(to, "at risk of being lost", &retention.days_at_risk)
}

fn list(to: &mut String, what: &str, days: &[String]) -> fmt::Result {
    if days.is_empty() {
        Ok(())
    } else {
        writeln!(to, "  {what}: {}", days.join(", "))
    }
}

fn export(to: &mut String, what: &str, export: Option<&ExportStatus>) -> fmt::Result {
    match export {
        None => writeln!(to, "  {what}: none"),
        Some(export) => writeln!(
            to,
            "  {what}: {} {}, started {}, {}",
            export.kind,
            export.export_id,
            to_the_second(&export.started_at),
            serde_json::json!(export.status)
                .as_str()
                .unwrap_or_default()
        ),
    }
}

/// `2026-11-24T03:54:17Z` without a fraction.
fn to_the_second(instant: &str) -> String {
    match instant.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => instant.to_owned(),
    }
}

/// `512 B`, `1.4 MiB`.
fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::human_bytes;

    #[test]
    fn sizes_are_human() {
        assert_eq!(human_bytes(0), "0 B");
        assert_eq!(human_bytes(1023), "1023 B");
        assert_eq!(human_bytes(1536), "1.5 KiB");
        assert_eq!(human_bytes(3 << 30), "3.0 GiB");
    }
}
