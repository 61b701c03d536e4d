//! `lcw status`: what the dataset holds, offline.

mod matrix;

use std::fmt::{self, Write};

use lcw_pipeline::{DatasetStatus, ExportStatus, Retention, StoredShortRun, TenantStatus, human};
use lcw_transform::Table;

use crate::acknowledge::words;
use crate::args::{Output, StatusArgs};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::lines::{COLUMNS, counted, days, fitted, on_one_line, wrapped};
use crate::missing::{Short, write_drift, write_not_covered};
use crate::{print, settings};

pub(crate) fn status(args: &StatusArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let out = settings::out(args.out.as_ref(), &file.load);
    let status = lcw_pipeline::status(&out).map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&status)?;
    } else {
        print::text(&fitted(&text(&status)))?;
    }
    Ok(0)
}

fn text(status: &DatasetStatus) -> String {
    let mut text = format!(
        "{}: {} ({})\n",
        status.out, status.format, status.compression
    );
    // Writing to a String cannot fail.
    let _infallible = write_query(&mut text, status);
    for tenant in &status.tenants {
        // Writing to a String cannot fail.
        let _infallible = write_tenant(&mut text, tenant);
    }
    text
}

/// How the dataset's user processing results are asked for.
fn write_query(to: &mut String, status: &DatasetStatus) -> fmt::Result {
    if let Some(select) = &status.select {
        writeln!(to, "only these properties of users: {select}")?;
    }
    if let Some(filter) = &status.filter {
        writeln!(
            to,
            "filtered by {filter}: the number of its rows proves nothing about users"
        )?;
    }
    if let Some(expand) = &status.expand {
        writeln!(to, "with the properties of each {expand}")?;
    }
    if let Some(key) = &status.pseudonymisation {
        writeln!(to, "people have pseudonyms, made with the key {key}")?;
    }
    Ok(())
}

fn write_tenant(to: &mut String, tenant: &TenantStatus) -> fmt::Result {
    writeln!(to, "tenant {}", tenant.tenant_id)?;
    write_tables(to, tenant)?;
    write_runs(to, tenant)?;
    for short in &tenant.short_runs {
        write_short(to, short)?;
    }
    matrix::write(to, &tenant.matrix)?;
    write_not_covered(to, &tenant.not_covered, &tenant.lost_days)?;
    for entry in &tenant.acknowledged {
        writeln!(to, "  acknowledged: {}", on_one_line(&words(entry)))?;
    }
    for entry in tenant.drift.as_array().into_iter().flatten() {
        let text = |key: &str| entry.get(key).and_then(serde_json::Value::as_str);
        let (table, property) = (text("table"), text("property"));
        let (table, property) = (table.unwrap_or_default(), property.unwrap_or_default());
        write_drift(to, table, property, text("value"))?;
    }
    if tenant.forgotten > 0 {
        writeln!(to, "  forgotten: {}", counted(tenant.forgotten, "subject"))?;
    }
    if tenant.unfinished_forget {
        writeln!(to, "  lcw forget was stopped: run it again to finish it")?;
    }
    write_retention(to, &tenant.retention)?;
    days(to, "lost for good", &tenant.lost_days)?;
    days(to, "days without runs", &tenant.days_without_runs)?;
    export(to, "last export", tenant.last_export.as_ref())?;
    export(
        to,
        "last complete export",
        tenant.last_complete_export.as_ref(),
    )
}

fn write_tables(to: &mut String, tenant: &TenantStatus) -> fmt::Result {
    let name = "tables";
    writeln!(
        to,
        "  {name:<26}{:>9}{:>6}{:>11}  days",
        "rows", "files", "size"
    )?;
    for table in Table::ALL {
        let Some(held) = tenant.tables.get(table.name()) else {
            continue;
        };
        // A file without rows lies under a day that says nothing.
        let days = match (&held.first_day, &held.last_day) {
            (Some(first), Some(last)) if held.rows > 0 => format!("  {first} to {last}"),
            _ => String::new(),
        };
        let (name, size) = (table.name(), human::bytes(held.bytes));
        writeln!(
            to,
            "  {name:<26}{:>9}{:>6}{size:>11}{days}",
            held.rows, held.files
        )?;
    }
    Ok(())
}

/// What is known of the runs; nothing of what there is none of.
fn write_runs(to: &mut String, tenant: &TenantStatus) -> fmt::Result {
    let runs = &tenant.runs;
    let some = |parts: &[(u64, &str)]| -> Vec<String> {
        let some = parts.iter().filter(|(count, _)| *count > 0);
        some.map(|(count, what)| format!("{count} {what}"))
            .collect()
    };
    let users = some(&[
        (runs.matched, "with as many users as the service counts"),
        (runs.short, "short of users"),
        (runs.over, "with more users than counted"),
        (runs.open, "open"),
        (runs.unsettled, "not settled"),
        (runs.without_results, "without results"),
        (runs.expired, "forgotten by the service while open"),
    ]);
    let tasks = some(&[
        (runs.tasks_matched, "with as many tasks as it counts"),
        (runs.tasks_short, "short of tasks"),
        (runs.tasks_over, "with more tasks than counted"),
    ]);
    let text = format!("runs: {} in all", runs.total);
    let parts = std::iter::once(text).chain(users).chain(tasks);
    let text = parts.collect::<Vec<_>>().join(", ");
    for (number, line) in wrapped(&text, "    ", COLUMNS).iter().enumerate() {
        writeln!(to, "{}", if number == 0 { &line[2..] } else { line })?;
    }
    Ok(())
}

fn write_short(to: &mut String, short: &StoredShortRun) -> fmt::Result {
    let short = Short {
        table: &short.table,
        workflow_id: &short.workflow_id,
        run_id: &short.run_id,
        run_date: &short.run_date,
        counted: short.counted.unwrap_or(0),
        fetched: short.fetched.unwrap_or(0),
        acknowledged: short.acknowledged.as_deref(),
    };
    short.write(to)
}

fn write_retention(to: &mut String, retention: &Retention) -> fmt::Result {
    if let Some(hours) = retention.hours_since_last_good_export {
        let ago = match hours {
            ..1 => "less than an hour".to_owned(),
            hours => human::duration(hours.unsigned_abs() * 60 * 60),
        };
        writeln!(to, "  last good export: {ago} ago")?;
    }
    days(to, "at risk of being lost", &retention.days_at_risk)
}

fn export(to: &mut String, what: &str, export: Option<&ExportStatus>) -> fmt::Result {
    match export {
        None => writeln!(to, "  {what}: none"),
        // Its id says when it began.
        Some(export) => writeln!(
            to,
            "  {what}: {} {}, {}",
            export.kind,
            export.export_id,
            serde_json::json!(export.status)
                .as_str()
                .unwrap_or_default()
        ),
    }
}
