//! Logs on stderr, as text or as JSON lines.

use tracing::Subscriber;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::args::{LogFormat, Output};
use crate::failure::Failure;
use crate::progress::Screen;
use crate::settings::env;

/// Starts logging. `RUST_LOG` decides what is logged; without it, what matters of `lcw` itself.
pub(crate) fn start(output: &Output, screen: &Screen) -> Result<(), Failure> {
    let filter = filter(output)?;
    let lines = lines(output.log_format, screen).with_filter(filter);
    let layers = vec![lines.boxed()];
    // What is recorded for a collector does not depend on what is logged, nor the other way round: a
    // list of layers keeps their filters apart.
    #[cfg(feature = "otlp")]
    let layers: Vec<_> = layers
        .into_iter()
        .chain(crate::telemetry::recorder().map(Layer::boxed))
        .collect();
    registry().with(layers).init();
    Ok(())
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(
    format: LogFormat,
    screen: &Screen,
) -> Box<dyn Layer<S> + Send + Sync> {
    let colours = screen.has_colours();
    let screen = screen.clone();
    let writer = BoxMakeWriter::new(move || screen.log_line());
    let lines = fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => lines.with_ansi(colours).with_target(false).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    }
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
