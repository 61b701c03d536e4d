//! Traces and metrics for an OpenTelemetry collector, over OTLP/HTTP, as protobuf or JSON.
//!
//! One trace per export: the export, and below it the requests to Graph. The metrics are those of the
//! metrics file, under the same names. Both are sent once, when the export has ended.

mod document;
mod message;
mod spans;

use secrecy::{ExposeSecret as _, SecretString};
use tracing::warn;
use uuid::Uuid;

use crate::delivery::{Endpoint, EndpointError};
use crate::measure::{Ended, measure};
pub use message::Encoding;
pub use spans::{SpanRecorder, recorder};

/// Where a collector takes what, and what it is told of who sends it.
#[derive(Debug)]
pub struct Collector {
    traces: Option<Endpoint>,
    metrics: Option<Endpoint>,
    encoding: Encoding,
    resource: Vec<(String, String)>,
    within: Trace,
}

/// The trace that an export belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace_id: [u8; 16],
    /// The span that started this program.
    parent: Option<[u8; 8]>,
}

impl Trace {
    /// Reads `traceparent` as W3C defines it: what started this program is traced, too.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = parts.next()?;
        let (trace, parent) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
        let is_valid = version.len() == 2
            && version != "ff"
            && parts.next().is_some()
            && trace != [0; 16]
            && parent != [0; 8];
        is_valid.then_some(Self {
            trace_id: trace,
            parent: Some(parent),
        })
    }

    /// A trace of its own.
    pub fn new() -> Self {
        Self {
            trace_id: *Uuid::new_v4().as_bytes(),
            parent: None,
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let is_lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hex.len() != 2 * N || !hex.bytes().all(is_lower) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

impl Collector {
    /// A collector that takes traces and metrics at these addresses, with these headers.
    ///
    /// # Errors
    /// When a header cannot be sent.
    pub fn new(
        traces: Option<Endpoint>,
        metrics: Option<Endpoint>,
        headers: &[(String, SecretString)],
        encoding: Encoding,
        resource: Vec<(String, String)>,
        within: Trace,
    ) -> Result<Self, EndpointError> {
        let with_headers = |to: Option<Endpoint>| {
            let add = |to: Endpoint| {
                let mut headers = headers.iter();
                headers.try_fold(to, |to, (name, value)| {
                    to.header(name, value.expose_secret())
                })
            };
            to.map(add).transpose()
        };
        Ok(Self {
            traces: with_headers(traces)?,
            metrics: with_headers(metrics)?,
            encoding,
            resource,
            within,
        })
    }

    /// Sends what is known of an export that has ended. A collector that does not take it is a warning.
    pub async fn end(self, ended: &Ended<'_>) {
        let families = measure(ended);
        let requests = spans::take();
        let trace = document::trace(&self.resource, self.within, ended, &requests);
        let metrics = document::metrics(&self.resource, ended, &families);
        for (to, document) in [(&self.traces, trace), (&self.metrics, metrics)] {
            let Some(to) = to else { continue };
            let body = self.encoding.encode(&document);
            if let Err(error) = to.send(self.encoding.content_type(), body).await {
                warn!(
                    to = to.origin(),
                    remedy = error.remedy(),
                    "telemetry was not delivered, which changes nothing else: {error}"
                );
                // It would be the same again.
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_or_ignored() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let read = Trace::parse(&format!("00-{trace}-{span}-01")).unwrap();
        assert_eq!((read.trace_id[0], read.parent.unwrap()[7]), (0x0a, 0x31));
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{zeros}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-é{}-01", &span[2..]),
        ] {
            assert_eq!(Trace::parse(&wrong), None, "{wrong}");
        }
    }
}
