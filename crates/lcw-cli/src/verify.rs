//! `lcw verify`: whether every file is still what was written, offline.

mod plan;

use std::fmt::{self, Write};

use lcw_pipeline::{Head, Problem, Verification, VerifyRequest, human};

use crate::args::{Output, VerifyArgs};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::lines::{COLUMNS, counted, days, fitted, on_one_line, wrapped};
use crate::{print, settings};

pub(crate) fn verify(args: &VerifyArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let request = VerifyRequest {
        out: settings::out(args.out.as_ref(), &file.load),
        deep: args.deep,
        expect_head: args.expect_head.clone(),
    };
    let done = lcw_pipeline::verify(&request).map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&done)?;
    } else if args.repair_plan {
        let plan = plan::plan(args, &file, &request.out, &done);
        for note in &plan.notes {
            tracing::warn!("{note}");
        }
        if !plan.commands.is_empty() {
            print::text(&plan.commands.join("\n"))?;
        }
    } else {
        print::text(&fitted(&text(&done)))?;
    }
    Ok(done.exit_code)
}

fn text(done: &Verification) -> String {
    let mut text = format!("{}:", done.out);
    // Writing to a String cannot fail.
    let _infallible = write_all(&mut text, done);
    text
}

fn write_all(to: &mut String, done: &Verification) -> fmt::Result {
    match &done.identity {
        Some(it) => writeln!(to, " {} ({})", it.format, it.compression)?,
        None => writeln!(
            to,
            " what it is cannot be known, so its files were not looked at"
        )?,
    }
    write_checked(to, done)?;
    write_head(to, "head", done.head.as_ref())?;
    if let Some(expected) = &done.expected_head {
        write_head(to, "expected head", Some(expected))?;
    }
    if done.is_good {
        writeln!(to, "  good: everything is as it was written")?;
    } else {
        writeln!(
            to,
            "  damaged: {}",
            counted(done.findings.len() as u64, "finding")
        )?;
    }
    for problem in done.findings.iter().chain(&done.notes) {
        write_problem(to, problem)?;
    }
    let mut backfill: Vec<String> = Vec::new();
    for refill in &done.repair.refills {
        let of_window = done.findings.iter().filter_map(|it| it.run_date.clone());
        let in_window = |day: &String| {
            refill.from.as_ref().is_some_and(|from| from <= day)
                && refill.to.as_ref().is_some_and(|to| day < to)
        };
        backfill.extend(of_window.filter(in_window));
    }
    backfill.sort_unstable();
    backfill.dedup();
    days(to, "to backfill", &backfill)?;
    days(to, "forgotten by the service", &done.repair.forgotten_days)?;
    // Some damage has no command that would mend it.
    if done.repair.moves.is_empty() && done.repair.refills.is_empty() {
        return Ok(());
    }
    writeln!(to, "  lcw verify --repair-plan prints the commands")
}

fn write_checked(to: &mut String, done: &Verification) -> fmt::Result {
    let checked = &done.checked;
    let rows = if done.deep {
        "rows read"
    } else {
        "rows as recorded"
    };
    writeln!(
        to,
        "  looked at: {}, {} ({}), {} {rows}",
        counted(checked.manifests, "manifest"),
        counted(checked.files, "file"),
        human::bytes(checked.bytes),
        checked.rows
    )?;
    match (checked.runs, checked.runs_not_read) {
        (Some(runs), Some(0)) => writeln!(to, "  runs: {runs}"),
        (Some(runs), Some(unread)) => {
            writeln!(
                to,
                "  runs: {runs}, of {unread} of them no rows were read yet"
            )
        }
        _ => Ok(()),
    }
}

fn write_head(to: &mut String, what: &str, head: Option<&Head>) -> fmt::Result {
    let Some(head) = head else {
        return writeln!(to, "  {what}: none, no export has ended yet");
    };
    let after = match head.exports_after {
        0 => String::new(),
        after => format!(", {} after it", counted(after, "export")),
    };
    writeln!(to, "  {what}: {}{after}", head.export_id)?;
    writeln!(to, "    {}", head.sha256)
}

fn write_problem(to: &mut String, problem: &Problem) -> fmt::Result {
    let what = problem.class.name().replace('_', " ");
    let note = if problem.class.is_note() {
        "note: "
    } else {
        ""
    };
    let place = match (&problem.table, &problem.run_date) {
        (Some(table), Some(day)) => format!(": {table} of {day}"),
        (Some(table), None) => format!(": {table}"),
        _ => String::new(),
    };
    writeln!(to, "  {note}{what}{place}")?;
    writeln!(to, "    {}", on_one_line(&problem.file))?;
    for (name, words) in [
        ("expected", &problem.expected),
        ("found", &problem.found),
        ("what to do", &problem.remedy),
    ] {
        let text = format!("{name}: {}", on_one_line(words));
        for (number, line) in wrapped(&text, "      ", COLUMNS).iter().enumerate() {
            writeln!(to, "{}", if number == 0 { &line[2..] } else { line })?;
        }
    }
    Ok(())
}
