//! The only place that writes to stdout and stderr.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// One JSON object, and nothing else, on stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::failed(&error.into()))?;
    line(&text)
}

/// Text on stdout, ending with one newline.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    line(text.trim_end())
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

/// What went wrong and what to do, on stderr.
pub(crate) fn error(message: &str, remedy: Option<&str>) {
    let mut text = format!("error: {message}\n");
    if let Some(remedy) = remedy {
        text.push_str("  what to do: ");
        text.push_str(remedy);
        text.push('\n');
    }
    // Without stderr there is nobody to tell.
    let _lost = io::stderr().write_all(text.as_bytes());
}
