//! Tells others how an export went, when they are configured. Whatever fails here is a warning.

#[cfg(feature = "otlp")]
mod otlp;

use std::path::PathBuf;

use jiff::Timestamp;
use lcw_extractor::{ClientConfig, Origin, SecretString};
use lcw_pipeline::{Summary, exit};
use lcw_telemetry::{Ended, Endpoint, Lineage, LineageConfig, MetricsFile, Parent};
use tracing::warn;

use crate::config;
use crate::failure::Failure;
use crate::settings::{Settings, env};
use crate::sign_in::files;

/// Where a catalogue takes events, below its address.
const LINEAGE_PATH: &str = "api/v1/lineage";

/// Those who want to be told about one export.
pub(crate) struct Teller {
    dataset: String,
    kind: &'static str,
    started_at: Timestamp,
    metrics: Option<MetricsFile>,
    lineage: Option<Lineage>,
    #[cfg(feature = "otlp")]
    collector: Option<lcw_telemetry::otlp::Collector>,
}

impl Teller {
    /// Tells them that it starts.
    pub(crate) fn start(settings: &Settings) -> Self {
        Self {
            dataset: settings.request.out.display().to_string(),
            kind: settings.request.kind.name(),
            started_at: Timestamp::now(),
            metrics: settings.report.metrics_file.clone().map(MetricsFile::new),
            lineage: lineage(settings),
            #[cfg(feature = "otlp")]
            collector: otlp::collector(settings),
        }
    }

    /// Tells them how it ended. An export that found another one at work leaves the metrics to it.
    pub(crate) async fn end(self, outcome: Result<&Summary, &Failure>) {
        let exit_code = outcome.map_or_else(Failure::exit_code, |summary| summary.exit_code);
        let said = |summary: &'_ Summary| summary.error.as_ref().map(|error| error.message.clone());
        let error = outcome.map_or_else(|failure| Some(failure.message().to_owned()), said);
        let ended = Ended {
            dataset: &self.dataset,
            kind: self.kind,
            exit_code,
            started_at: self.started_at,
            finished_at: Timestamp::now(),
            error: error.as_deref(),
            summary: outcome.ok(),
        };
        if exit_code != exit::LOCKED {
            write_metrics(self.metrics.as_ref(), &ended);
        }
        if let Some(lineage) = self.lineage {
            lineage.end(&ended).await;
        }
        #[cfg(feature = "otlp")]
        if let Some(collector) = self.collector {
            collector.end(&ended).await;
        }
    }
}

fn write_metrics(file: Option<&MetricsFile>, ended: &Ended<'_>) {
    if let Some(Err(error)) = file.map(|file| file.write(ended)) {
        warn!(
            remedy = "make its folder, and let this user write there",
            "nobody is told how this export ended: {error}"
        );
    }
}

/// The catalogue of lineage, where one is configured.
fn lineage(settings: &Settings) -> Option<Lineage> {
    let keys = &settings.report.keys;
    let is_off = env("OPENLINEAGE_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"));
    let url = env("OPENLINEAGE_URL").or_else(|| keys.openlineage_url.clone());
    let url = url.filter(|_| !is_off)?;
    match catalogue(&url, keys, &settings.client) {
        Ok(to) => Some(Lineage::start(about(settings), to)),
        Err(problem) => {
            warn!(
                remedy = "look at OPENLINEAGE_URL and OPENLINEAGE_API_KEY (openlineage_* under \
                    [report] in the pipeline file), or unset them",
                "no lineage is sent, which changes nothing else: {problem}"
            );
            None
        }
    }
}

fn catalogue(url: &str, keys: &config::Report, client: &ClientConfig) -> Result<Endpoint, String> {
    let path = env("OPENLINEAGE_ENDPOINT");
    let path = path.as_deref().unwrap_or(LINEAGE_PATH);
    let to = Endpoint::new(url, client).map_err(|error| error.to_string())?;
    let to = to.below(path);
    match key(keys.openlineage_api_key_file.as_ref())? {
        Some(key) => to.bearing(&key).map_err(|error| error.to_string()),
        None => Ok(to),
    }
}

fn key(file: Option<&PathBuf>) -> Result<Option<SecretString>, String> {
    if let Some(key) = env("OPENLINEAGE_API_KEY") {
        return Ok(Some(key.trim().to_owned().into()));
    }
    let read = file.map(|path| files::secret("openlineage_api_key_file", path));
    read.transpose()
        .map_err(|failure| failure.message().to_owned())
}

fn about(settings: &Settings) -> LineageConfig {
    let namespace = env("OPENLINEAGE_NAMESPACE");
    let namespace = namespace.or_else(|| settings.report.keys.openlineage_namespace.clone());
    let request = &settings.request;
    LineageConfig {
        namespace: namespace.unwrap_or_else(|| "default".to_owned()),
        parent: env("OPENLINEAGE_PARENT_ID").and_then(|id| Parent::parse(&id)),
        // One that is no origin is refused later, and may hold a password.
        graph: Origin::parse(&settings.client.graph_url)
            .map_or_else(|_| "unknown".to_owned(), |origin| origin.to_string()),
        out: request.out.display().to_string(),
        tables: request.wanted_tables().collect(),
        keep_raw: request.keep_raw,
        kind: request.kind.name(),
    }
}

/// What records for the collector, where one is named.
#[cfg(feature = "otlp")]
pub(crate) fn recorder<S>() -> Option<impl tracing_subscriber::Layer<S>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    use lcw_telemetry::otlp::SpanRecorder;
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::filter::{LevelFilter, filter_fn};
    let wants = filter_fn(SpanRecorder::wants).with_max_level_hint(LevelFilter::DEBUG);
    otlp::is_wanted().then(|| lcw_telemetry::otlp::recorder().with_filter(wants))
}
