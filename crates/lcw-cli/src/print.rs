//! The only place that writes to stdout and stderr.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::args::{LogFormat, Output};
use crate::failure::Failure;
use crate::lines::harmless;

/// One JSON object, and nothing else, on stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::failed(&error.into()))?;
    line(&text)
}

/// Text on stdout, ending with one newline. Whatever the service or somebody else put into it does
/// not steer the terminal.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    line(&harmless(text.trim_end()))
}

fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // The reader of a pipe may leave when it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(
            &anyhow::Error::from(error).context("cannot write to stdout"),
        )),
        Ok(()) => Ok(()),
    }
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
        LogFormat::Text => as_text(failure),
        LogFormat::Json => as_log_line(failure),
    };
    // Without stderr there is nobody to tell.
    let _lost = io::stderr().write_all(text.as_bytes());
}

fn as_text(failure: &Failure) -> String {
    let mut text = format!("error: {}\n", failure.message());
    if let Some(remedy) = failure.remedy() {
        text.push_str("  what to do: ");
        text.push_str(remedy);
        text.push('\n');
    }
    text
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
    format!("{event}\n")
}
