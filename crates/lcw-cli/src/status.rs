//! `lcw status`: what the dataset holds, offline.

use std::fmt::{self, Write};

use lcw_pipeline::{DatasetStatus, ExportStatus, TenantStatus};

use crate::args::{Output, StatusArgs};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::report::counted;
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
    for run in &tenant.short_runs {
        writeln!(
            to,
            "    short: run {} of workflow {} on {}: {} counted, {} fetched",
            run.run_id,
            run.workflow_id,
            run.run_date,
            run.counted.unwrap_or(0),
            run.fetched.unwrap_or(0)
        )?;
    }
    list(to, "lost for good", &tenant.lost_days)?;
    list(to, "days without runs", &tenant.days_without_runs)?;
    export(to, "last export", tenant.last_export.as_ref())?;
    export(
        to,
        "last complete export",
        tenant.last_complete_export.as_ref(),
    )
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
