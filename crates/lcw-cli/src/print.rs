//! The only place that writes to stdout and stderr.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;

use jiff::Timestamp;
use serde::Serialize;

use crate::args::{LogFormat, Output};
use crate::failure::Failure;
use crate::lines::{harmless, harmless_json};
use crate::settings::env;

/// One JSON object, and nothing else, on stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::failed(&error.into()))?;
    line(&harmless_json(&text))
}

/// Text on stdout, ending with one newline. Whatever the service or somebody else put into it does
/// not steer the terminal.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    line(&harmless(text.trim_end()))
}

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const PLAIN: &str = "\u{1b}[0m";

/// Whether colours are welcome where text goes.
pub(crate) fn has_colours(is_terminal: bool) -> bool {
    let is_dumb = env("TERM").is_some_and(|kind| kind == "dumb");
    is_terminal && !is_dumb && env("NO_COLOR").is_none()
}

/// Text on stdout whose lines begin with verdicts, which are coloured on a terminal.
pub(crate) fn verdicts(text: &str) -> Result<(), Failure> {
    let text = harmless(text.trim_end());
    if !has_colours(io::stdout().is_terminal()) {
        return line(&text);
    }
    let lines: Vec<String> = text.lines().map(coloured).collect();
    line(&lines.join("\n"))
}

/// The line with its first word in the colour of what it says.
fn coloured(line: &str) -> String {
    const COLOURS: [(&str, &str); 4] = [
        ("pass ", GREEN),
        ("warn ", YELLOW),
        ("FAIL ", RED),
        ("error:", RED),
    ];
    let paint = |(word, colour): &(&str, &str)| {
        let rest = line.strip_prefix(word)?;
        Some(format!("{colour}{word}{PLAIN}{rest}"))
    };
    COLOURS.iter().find_map(paint).unwrap_or(line.to_owned())
}

/// What this program alone has made, and another one is to read, as it is.
pub(crate) fn verbatim(bytes: &[u8]) -> Result<(), Failure> {
    written(|out| out.write_all(bytes))
}

fn line(text: &str) -> Result<(), Failure> {
    written(|out| writeln!(out, "{text}"))
}

fn written(
    write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        // The reader of a pipe may leave when it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(
            &anyhow::Error::from(error).context("cannot write to stdout"),
        )),
        Ok(()) => Ok(()),
    }
}

/// A question to the person in front, on stderr: the cursor stays behind it.
pub(crate) fn question(text: &str) {
    // Without stderr there is nobody to ask.
    let _lost = io::stderr().write_all(harmless(text).as_bytes());
}

/// What went wrong and what to do: on stderr in the way of the logs, and with `--json` as an object
/// on stdout, because nothing else is going to be there.
pub(crate) fn failure(failure: &Failure, to: &Output) {
    error(failure, to.log_format);
    if to.json {
        // Whoever does not read stdout has the exit code.
        let _unread = json(failure);
    }
}

/// What went wrong and what to do, on stderr.
pub(crate) fn error(failure: &Failure, format: LogFormat) {
    let text = match format {
        LogFormat::Text if has_colours(io::stderr().is_terminal()) => coloured(&as_text(failure)),
        LogFormat::Text => as_text(failure),
        LogFormat::Json => as_log_line(failure),
    };
    // Without stderr there is nobody to tell.
    let _lost = io::stderr().write_all(text.as_bytes());
}

/// Paths and other people's texts are in it: further lines of the message are set in, so that none
/// passes for an error or a log line of its own.
fn as_text(failure: &Failure) -> String {
    let set_in = |text: &str, by: &str| text.trim_end().replace('\n', by);
    let message = set_in(failure.message(), "\n  ");
    let remedy = failure.remedy().map_or_else(String::new, |remedy| {
        format!("  what to do: {}\n", set_in(remedy, "\n    "))
    });
    harmless(&format!("error: {message}\n{remedy}"))
}

/// An event like those of the log.
fn as_log_line(failure: &Failure) -> String {
    let event = serde_json::json!({
        "timestamp": Timestamp::now().to_string(),
        "level": "ERROR",
        "message": failure.message(),
        "remedy": failure.remedy(),
        "exit_code": failure.exit_code(),
    });
    harmless_json(&format!("{event}\n"))
}

/// A defect of this program, and where it is. What a panic says is made of what the program was
/// working on, which may be a secret or about a person: only words that stand in its source are
/// repeated.
pub(crate) fn defect(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    let place = place.as_deref().unwrap_or("an unknown place");
    let words = info.payload().downcast_ref::<&'static str>();
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    let text = format!(
        "error: lcw has met a defect of its own, at {place}{words}\n  what to do: run it again, what \
         was committed is good; please report this line with the version ({})\n",
        env!("CARGO_PKG_VERSION"),
    );
    let trace = Backtrace::capture();
    let trace = match trace.status() {
        BacktraceStatus::Captured => format!("{trace}\n"),
        _ => String::new(),
    };
    // Without stderr there is nobody to tell.
    let _lost = io::stderr().write_all(harmless(&(text + &trace)).as_bytes());
}
