//! Logs on stderr, as text or as JSON lines.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::args::{LogFormat, Output};
use crate::failure::Failure;
use crate::progress::Screen;
use crate::settings::env;

/// Starts logging. `RUST_LOG` decides what is logged; without it, what matters of `lcw` itself.
pub(crate) fn start(output: &Output, screen: &Screen) -> Result<(), Failure> {
    let filter = filter(output)?;
    let colours = screen.has_colours();
    let screen = screen.clone();
    let writer = BoxMakeWriter::new(move || screen.log_line());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match output.log_format {
        LogFormat::Text => builder.with_ansi(colours).with_target(false).init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .init(),
    }
    Ok(())
}

fn filter(output: &Output) -> Result<EnvFilter, Failure> {
    let Some(wanted) = env("RUST_LOG") else {
        return Ok(EnvFilter::new(if output.quiet { "warn" } else { "info" }));
    };
    EnvFilter::try_new(&wanted).map_err(|error| {
        Failure::usage(
            format!("RUST_LOG `{wanted}` cannot be used: {error}"),
            "set it to a level such as warn, info or debug, or unset it",
        )
    })
}
