//! A report for a terminal, at most eighty columns wide unless an id is wider.

use std::fmt::{self, Write};

use super::human::{bound, counted, instant, maybe_span, number, percent, span};
use crate::model::{LeaverCase, Outcome, Outcomes, Report};
use crate::plain::{on_one_line, shortened};
use crate::spread::Quantiles;

/// Rows of a list that are shown; the rest is in CSV and JSON.
const ROWS: usize = 10;

/// Things that are not covered: each is a long sentence.
const NOT_COVERED: usize = 2;

/// Days of the trend that are shown, the newest ones.
const DAYS: usize = 14;

const COLUMNS: usize = 80;

/// The report as text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut text, report);
    text
}

fn write(to: &mut String, report: &Report) -> fmt::Result {
    head(to, report)?;
    conditions(to, report)?;
    leavers(to, report)?;
    failing_tasks(to, report)?;
    failed_users(to, report)?;
    workflows(to, report)?;
    trend(to, report)?;
    proof(to, report)
}

/// Words in lines that fit, each set in.
fn paragraph(to: &mut String, indent: &str, words: &str) -> fmt::Result {
    let mut line = String::new();
    for word in on_one_line(words).split_whitespace() {
        let width = indent.chars().count() + line.chars().count() + word.chars().count();
        if !line.is_empty() && width + 1 > COLUMNS {
            writeln!(to, "{indent}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() {
        return Ok(());
    }
    writeln!(to, "{indent}{line}")
}

fn more(to: &mut String, all: usize, section: &str) -> fmt::Result {
    match all.saturating_sub(ROWS) {
        0 => Ok(()),
        more => writeln!(
            to,
            "  and {} more: --csv {section} lists them",
            number(more as u64)
        ),
    }
}

fn head(to: &mut String, report: &Report) -> fmt::Result {
    writeln!(
        to,
        "{}, tenant {}",
        on_one_line(&report.out),
        on_one_line(&report.tenant_id)
    )?;
    let until = report.window.to.as_deref().map_or_else(
        || "no end".to_owned(),
        |to| format!("before {}", instant(Some(to))),
    );
    writeln!(
        to,
        "runs scheduled from {}, {until}",
        instant(Some(&report.window.from))
    )?;
    writeln!(
        to,
        "as of {} (all times in UTC)",
        instant(report.window.as_of.as_deref())
    )?;
    if !report.window.workflow_ids.is_empty() {
        let ids = report.window.workflow_ids.join(", ");
        paragraph(to, "", &format!("only workflow {ids}"))?;
    }
    let totals = &report.totals;
    let rate = match totals.success_rate_percent {
        Some(rate) => format!(
            "{} of the users that were completed or failed",
            percent(Some(rate))
        ),
        None => "not known: no user was completed or failed".to_owned(),
    };
    let others = format!(
        "{} open, {} dry",
        number(totals.open_runs),
        number(totals.preview_runs)
    );
    writeln!(
        to,
        "\n{:<10}{} settled, {others}",
        "runs",
        number(totals.runs)
    )?;
    writeln!(to, "{:<10}{}", "users", outcomes(&totals.users))?;
    writeln!(to, "{:<10}{rate}", "success")?;
    for note in &report.notes {
        paragraph(to, "  ", &format!("note: {note}"))?;
    }
    Ok(())
}

fn outcomes(users: &Outcomes) -> String {
    let parts = [
        (users.completed, "completed"),
        (users.completed_with_errors, "with errors"),
        (users.failed, "failed"),
        (users.canceled, "canceled"),
        (users.unfinished, "unfinished"),
    ];
    let some = parts.iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some
        .map(|(count, what)| format!("{} {what}", number(*count)))
        .collect();
    match some.len() {
        0 => "none".to_owned(),
        _ => format!("{}: {}", number(users.total), some.join(", ")),
    }
}

fn conditions(to: &mut String, report: &Report) -> fmt::Result {
    for it in &report.conditions {
        let value = it
            .value
            .map_or_else(|| "not known".to_owned(), |value| value.to_string());
        let what = if it.is_met { "FAIL" } else { "ok" };
        writeln!(to, "{what:<10}{} (it is {value})", it.condition)?;
    }
    Ok(())
}

fn leavers(to: &mut String, report: &Report) -> fmt::Result {
    let it = &report.leavers;
    writeln!(to, "\nLEAVERS within {}", bound(it.sla_ms))?;
    if it.total == 0 {
        writeln!(to, "  there are none in the window")?;
        return paragraph(to, "  ", &it.statement);
    }
    let counts = format!(
        "{} in all: {} met, {} missed, {} failed, {} never processed, {} not evaluable",
        number(it.total),
        number(it.met),
        number(it.missed),
        number(it.failed),
        number(it.never_processed),
        number(it.not_evaluable)
    );
    paragraph(to, "  ", &counts)?;
    if it.elapsed.count > 0 {
        writeln!(to, "  time until done: {}", quantiles(&it.elapsed))?;
    }
    paragraph(to, "  ", &it.statement)?;
    let bad: Vec<&LeaverCase> = it
        .cases
        .iter()
        .filter(|it| it.outcome != Outcome::Met)
        .collect();
    for case in bad.iter().take(ROWS) {
        let outcome = case.outcome.name().replace('_', " ");
        writeln!(to, "  {outcome:<16}{}", on_one_line(&case.subject_id))?;
        let workflow = case.workflow.as_deref().or(case.workflow_id.as_deref());
        let took = case.elapsed_ms.map(|ms| format!("took {}", span(ms)));
        let since = format!("clock from {}", instant(Some(&case.clock_start)));
        let parts = [
            workflow.map(|it| shortened(it, 40)),
            Some(since),
            took,
            case.reason.map(str::to_owned),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        paragraph(to, &" ".repeat(18), &parts.join("; "))?;
    }
    more(to, bad.len(), "leavers")
}

fn quantiles(it: &Quantiles) -> String {
    let (half, most) = (maybe_span(it.p50_ms), maybe_span(it.p95_ms));
    format!("p50 {half}, p95 {most}, at most {}", maybe_span(it.max_ms))
}

fn failing_tasks(to: &mut String, report: &Report) -> fmt::Result {
    let it = &report.failing_tasks;
    writeln!(to, "\nFAILING TASKS")?;
    if !it.known {
        return writeln!(to, "  not known: there are no task results for this window");
    }
    writeln!(to, "  {}", counted(it.failures, "failure"))?;
    for failing in it.fingerprints.iter().take(ROWS) {
        let users = counted(failing.users, "user");
        let failures = counted(failing.failures, "failure");
        writeln!(
            to,
            "  {}  {}",
            on_one_line(&failing.fingerprint),
            shortened(&failing.task, 60)
        )?;
        paragraph(to, "    ", &shortened(&failing.reason, 200))?;
        let (first, last) = (
            instant(Some(&failing.first_seen)),
            instant(Some(&failing.last_seen)),
        );
        writeln!(to, "    {failures}, {users}; {first} to {last}")?;
    }
    more(to, it.fingerprints.len(), "failing-tasks")
}

fn failed_users(to: &mut String, report: &Report) -> fmt::Result {
    let it = &report.failed_users;
    writeln!(to, "\nFAILED USERS")?;
    if it.total == 0 {
        return writeln!(to, "  none");
    }
    writeln!(
        to,
        "  {} in all: {} completed later by the same workflow, {} not so far",
        number(it.total),
        number(it.fixed_later),
        number(it.not_fixed)
    )?;
    if it.fixed_later > 0 {
        writeln!(to, "  time until fixed: {}", quantiles(&it.time_to_fix))?;
    }
    for user in it.open_cases.iter().take(ROWS) {
        let workflow = user.workflow.as_deref().unwrap_or(&user.workflow_id);
        writeln!(to, "  {}", on_one_line(&user.subject_id))?;
        let since = instant(Some(&user.first_failed));
        let attempts = counted(user.attempts, "failure");
        writeln!(
            to,
            "    {}; {attempts} since {since}",
            shortened(workflow, 36)
        )?;
    }
    more(to, it.open_cases.len(), "failed-users")
}

fn workflows(to: &mut String, report: &Report) -> fmt::Result {
    writeln!(to, "\nWORKFLOWS")?;
    if report.workflows.is_empty() {
        return writeln!(to, "  the dataset holds none");
    }
    writeln!(
        to,
        "  {:<34}{:>6}{:>8}{:>7}{:>9}  last run",
        "name", "runs", "users", "bad", "success"
    )?;
    for it in &report.workflows {
        let name = it.workflow.as_deref().unwrap_or(&it.workflow_id);
        let last = it
            .last_run
            .as_deref()
            .and_then(|at| at.get(..10))
            .unwrap_or("–");
        writeln!(
            to,
            "  {:<34}{:>6}{:>8}{:>7}{:>9}  {last}",
            shortened(name, 33),
            it.runs,
            it.users.total,
            it.users.not_good(),
            percent(it.success_rate_percent)
        )?;
        if it.is_stale {
            writeln!(to, "    ENABLED, BUT WITHOUT A RECENT RUN")?;
        }
        if let Some(at) = &it.deleted_at {
            writeln!(to, "    deleted {}", instant(Some(at)))?;
        }
    }
    Ok(())
}

fn trend(to: &mut String, report: &Report) -> fmt::Result {
    writeln!(to, "\nDAYS")?;
    if report.days.is_empty() {
        return writeln!(to, "  there are no runs in the window");
    }
    writeln!(to, "  queue      {}", quantiles(&report.queue))?;
    writeln!(to, "  processing {}", quantiles(&report.processing))?;
    let first = report.days.len().saturating_sub(DAYS);
    if first > 0 {
        writeln!(
            to,
            "  the newest {DAYS} of {} days: --csv days lists all",
            report.days.len()
        )?;
    }
    writeln!(
        to,
        "  {:<12}{:>5}{:>8}{:>6}{:>16}{:>16}  proof",
        "day", "runs", "users", "bad", "queue p95", "processing p95"
    )?;
    for it in &report.days[first..] {
        writeln!(
            to,
            "  {:<12}{:>5}{:>8}{:>6}{:>16}{:>16}  {}",
            it.run_date,
            it.runs,
            it.users.total,
            it.users.not_good(),
            maybe_span(it.queue.p95_ms),
            maybe_span(it.processing.p95_ms),
            it.verdict
        )?;
    }
    Ok(())
}

fn proof(to: &mut String, report: &Report) -> fmt::Result {
    let it = &report.proof;
    writeln!(to, "\nGAPS AND PROOF: {}", it.verdict.replace('_', " "))?;
    let days = it
        .days
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"));
    let days: Vec<String> = days.collect();
    if !days.is_empty() {
        writeln!(to, "  days by verdict: {}", days.join(", "))?;
    }
    for (what, days) in [
        ("lost for good", &it.lost_days),
        ("about to be lost", &it.days_at_risk),
        ("without any run", &it.days_without_runs),
    ] {
        if !days.is_empty() {
            paragraph(to, "  ", &format!("{what}: {}", days.join(", ")))?;
        }
    }
    for short in it.short.iter().take(ROWS) {
        let what = short.run_id.as_deref().unwrap_or(&short.workflow_id);
        let count = |count: Option<i64>| count.map_or_else(|| "?".to_owned(), |it| it.to_string());
        let known = if short.acknowledged.is_some() {
            ", acknowledged"
        } else {
            ""
        };
        let (held, counted) = (count(short.held), count(short.counted));
        writeln!(
            to,
            "  short: {held} of {counted} rows of {}{known}",
            on_one_line(&short.table)
        )?;
        writeln!(to, "    {}", on_one_line(what))?;
    }
    more(to, it.short.len(), "short")?;
    for missing in it.not_covered.iter().take(NOT_COVERED) {
        paragraph(to, "  ", &format!("not covered: {missing}"))?;
    }
    if it.not_covered.len() > NOT_COVERED {
        let more = number((it.not_covered.len() - NOT_COVERED) as u64);
        writeln!(to, "  and {more} more are not covered: --json lists them")?;
    }
    let none = || "none".to_owned();
    let last = it
        .last_export
        .as_ref()
        .map_or_else(none, |it| on_one_line(it));
    writeln!(to, "  last export: {last}")?;
    let complete = it.last_complete_export.as_deref();
    writeln!(to, "  last complete export: {}", instant(complete))
}
