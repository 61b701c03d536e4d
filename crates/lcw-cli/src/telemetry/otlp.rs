//! The collector that the environment names, as OpenTelemetry's own libraries read it.

use lcw_extractor::{ClientConfig, SecretString};
use lcw_telemetry::Endpoint;
use lcw_telemetry::otlp::{Collector, Encoding, Trace};
use tracing::warn;

use crate::settings::{Settings, env};

/// The variables that name where to send to; nothing is sent or recorded without one of them.
const ENDPOINTS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// Whether there is somebody to send to.
pub(crate) fn is_wanted() -> bool {
    let is_off = env("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"));
    !is_off && ENDPOINTS.into_iter().any(|name| env(name).is_some())
}

/// The collector, where one is named.
pub(super) fn collector(settings: &Settings) -> Option<Collector> {
    if !is_wanted() {
        return None;
    }
    match configured(&settings.client) {
        Ok(collector) => Some(collector),
        Err(problem) => {
            warn!(
                remedy =
                    "look at the variables OTEL_EXPORTER_OTLP_*, or set OTEL_SDK_DISABLED=true",
                "no telemetry is sent, which changes nothing else: {problem}"
            );
            None
        }
    }
}

fn configured(client: &ClientConfig) -> Result<Collector, String> {
    let encoding = match env("OTEL_EXPORTER_OTLP_PROTOCOL") {
        None => Encoding::default(),
        Some(name) => Encoding::parse(&name).ok_or_else(|| {
            format!("OTEL_EXPORTER_OTLP_PROTOCOL is {name}: give http/protobuf or http/json")
        })?,
    };
    let within = env("TRACEPARENT").and_then(|parent| Trace::parse(&parent));
    Collector::new(
        endpoint("TRACES", "v1/traces", client)?,
        endpoint("METRICS", "v1/metrics", client)?,
        &headers()?,
        encoding,
        resource(),
        within.unwrap_or_default(),
    )
    .map_err(|error| error.to_string())
}

/// An address of its own is taken as it is; the common one has a path for each kind.
fn endpoint(kind: &str, path: &str, client: &ClientConfig) -> Result<Option<Endpoint>, String> {
    let named = |name: &str, url: &str| {
        Endpoint::new(url, client).map_err(|error| format!("{name}: {error}"))
    };
    let own = format!("OTEL_EXPORTER_OTLP_{kind}_ENDPOINT");
    if let Some(url) = env(&own) {
        return named(&own, &url).map(Some);
    }
    let common = env(ENDPOINTS[0]).map(|url| named(ENDPOINTS[0], &url));
    Ok(common.transpose()?.map(|to| to.below(path)))
}

/// `name=value,name=value`, with what is special percent-encoded. Values may be secrets.
fn headers() -> Result<Vec<(String, SecretString)>, String> {
    let text = env("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let header = |pair: &str| {
        let (name, value) = pair
            .split_once('=')
            .ok_or("OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,name=value")?;
        Ok((name.trim().to_owned(), decoded(value.trim()).into()))
    };
    pairs.map(header).collect()
}

/// Who sends: the environment's attributes, and a name.
fn resource() -> Vec<(String, String)> {
    let text = env("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let pair = |(name, value): (&str, &str)| (name.trim().to_owned(), decoded(value.trim()));
    let mut resource: Vec<(String, String)> = pairs.map(pair).collect();
    if let Some(name) = env("OTEL_SERVICE_NAME") {
        resource.retain(|(known, _)| known != "service.name");
        resource.push(("service.name".to_owned(), name));
    }
    let mut default = |name: &str, value: &str| {
        if !resource.iter().any(|(known, _)| known == name) {
            resource.push((name.to_owned(), value.to_owned()));
        }
    };
    default("service.name", "lcw");
    default("service.version", env!("CARGO_PKG_VERSION"));
    resource
}

/// Percent-encoding undone; what is none stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, further)) = rest.split_first() {
        let escaped = further
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let escaped = escaped.and_then(|two| u8::from_str_radix(two, 16).ok());
        let escaped = escaped.filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() {
            &further[2..]
        } else {
            further
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_where_there_is_any() {
        for (text, plain) in [
            ("a%20b%2C", "a b,"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("", ""),
        ] {
            assert_eq!(decoded(text), plain);
        }
    }
}
