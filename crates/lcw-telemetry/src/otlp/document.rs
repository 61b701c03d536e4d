//! An export in the words of OTLP. Numbers of fields are those of opentelemetry-proto 1.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use lcw_pipeline::exit;
use uuid::Uuid;

use super::Trace;
use super::message::{Message, Value};
use super::spans::{Request, Requests};
use crate::family::{Family, Sample};
use crate::measure::Ended;

const INTERNAL: u32 = 1;
const CLIENT: u32 = 3;
const OK: u32 = 1;
const ERROR: u32 = 2;

/// `ExportTraceServiceRequest`: the export, and its requests below it.
pub(super) fn trace(
    resource: &[(String, String)],
    within: Trace,
    ended: &Ended<'_>,
    requests: &Requests,
) -> Message {
    let own = span_id();
    let mut spans = vec![export_span(within, &own, ended, requests)];
    let below = requests.kept.iter();
    spans.extend(below.map(|request| request_span(within, &own, request)));
    let scope = scope().with(2, "spans", Value::Many(spans));
    let all = about(resource).with(2, "scopeSpans", Value::Many(vec![scope]));
    Message::default().with(1, "resourceSpans", Value::Many(vec![all]))
}

/// `ExportMetricsServiceRequest`: gauges, as they were when the export ended.
pub(super) fn metrics(
    resource: &[(String, String)],
    ended: &Ended<'_>,
    families: &[Family],
) -> Message {
    let at = moment(ended.finished_at);
    let metrics = families.iter().map(|family| metric(family, at)).collect();
    let scope = scope().with(2, "metrics", Value::Many(metrics));
    let all = about(resource).with(2, "scopeMetrics", Value::Many(vec![scope]));
    Message::default().with(1, "resourceMetrics", Value::Many(vec![all]))
}

fn export_span(within: Trace, own: &[u8], ended: &Ended<'_>, requests: &Requests) -> Message {
    let mut attributes = vec![
        text("lcw.dataset", ended.dataset),
        text("lcw.kind", ended.kind),
        number("lcw.exit_code", i64::from(ended.exit_code)),
    ];
    if let Some(summary) = ended.summary {
        attributes.push(text("lcw.export_id", &summary.export_id));
        let sent = i64::try_from(summary.requests.sent).unwrap_or(i64::MAX);
        attributes.push(number("lcw.requests", sent));
    }
    if requests.dropped > 0 {
        let dropped = i64::try_from(requests.dropped).unwrap_or(i64::MAX);
        attributes.push(number("lcw.requests_not_traced", dropped));
    }
    let span = Message::default()
        .with(1, "traceId", Value::Bytes(within.trace_id.to_vec()))
        .with(2, "spanId", Value::Bytes(own.to_vec()));
    let span = match within.parent {
        Some(parent) => span.with(4, "parentSpanId", Value::Bytes(parent.to_vec())),
        None => span,
    };
    span.with(5, "name", Value::Text(format!("lcw {}", ended.kind)))
        .with(6, "kind", Value::Small(INTERNAL))
        .with(
            7,
            "startTimeUnixNano",
            Value::Fixed(moment(ended.started_at)),
        )
        .with(
            8,
            "endTimeUnixNano",
            Value::Fixed(moment(ended.finished_at)),
        )
        .with(9, "attributes", Value::Many(attributes))
        .with(15, "status", Value::One(status(ended)))
}

/// Another export at work is no error.
fn status(ended: &Ended<'_>) -> Message {
    match ended.exit_code {
        exit::DONE | exit::LOCKED => Message::default().with(3, "code", Value::Small(OK)),
        code => {
            let said = ended.error.map(str::to_owned);
            let said = said.unwrap_or_else(|| format!("exit code {code}"));
            Message::default()
                .with(2, "message", Value::Text(said))
                .with(3, "code", Value::Small(ERROR))
        }
    }
}

fn request_span(within: Trace, parent: &[u8], request: &Request) -> Message {
    let attribute = |(name, value): &(&'static str, String)| match *name {
        "path" => Some(text("url.path", value)),
        // The field counts attempts, the attribute those after the first; it is not set for that one.
        "retry.attempt" => {
            let again = value.parse::<i64>().unwrap_or_default() - 1;
            (again > 0).then(|| number("http.request.resend_count", again))
        }
        name => Some(text(name, value)),
    };
    let mut attributes: Vec<Message> = request.fields.iter().filter_map(attribute).collect();
    attributes.push(text("http.request.method", "GET"));
    Message::default()
        .with(1, "traceId", Value::Bytes(within.trace_id.to_vec()))
        .with(2, "spanId", Value::Bytes(span_id()))
        .with(4, "parentSpanId", Value::Bytes(parent.to_vec()))
        .with(5, "name", Value::Text("GET".to_owned()))
        .with(6, "kind", Value::Small(CLIENT))
        .with(
            7,
            "startTimeUnixNano",
            Value::Fixed(nanoseconds(request.started_at)),
        )
        .with(
            8,
            "endTimeUnixNano",
            Value::Fixed(nanoseconds(request.ended_at)),
        )
        .with(9, "attributes", Value::Many(attributes))
}

fn metric(family: &Family, at: u64) -> Message {
    let definition = family.definition;
    let unit = if definition.name.ends_with("_seconds") {
        "s"
    } else {
        "1"
    };
    let points = family
        .samples
        .iter()
        .map(|sample| point(sample, at))
        .collect();
    let gauge = Message::default().with(1, "dataPoints", Value::Many(points));
    Message::default()
        .with(1, "name", Value::Text(definition.name.to_owned()))
        .with(2, "description", Value::Text(definition.help.to_owned()))
        .with(3, "unit", Value::Text(unit.to_owned()))
        .with(5, "gauge", Value::One(gauge))
}

fn point(sample: &Sample, at: u64) -> Message {
    let labels = sample
        .labels
        .iter()
        .map(|(name, value)| text(name, value))
        .collect();
    Message::default()
        .with(3, "timeUnixNano", Value::Fixed(at))
        .with(4, "asDouble", Value::Double(sample.value))
        .with(7, "attributes", Value::Many(labels))
}

fn about(resource: &[(String, String)]) -> Message {
    let attributes = resource
        .iter()
        .map(|(name, value)| text(name, value))
        .collect();
    let resource = Message::default().with(1, "attributes", Value::Many(attributes));
    Message::default().with(1, "resource", Value::One(resource))
}

fn scope() -> Message {
    let scope = Message::default()
        .with(1, "name", Value::Text("lcw".to_owned()))
        .with(
            2,
            "version",
            Value::Text(env!("CARGO_PKG_VERSION").to_owned()),
        );
    Message::default().with(1, "scope", Value::One(scope))
}

fn text(key: &str, value: &str) -> Message {
    let value = Message::default().with(1, "stringValue", Value::Text(value.to_owned()));
    attribute(key, value)
}

fn number(key: &str, value: i64) -> Message {
    attribute(
        key,
        Message::default().with(3, "intValue", Value::Int(value)),
    )
}

fn attribute(key: &str, value: Message) -> Message {
    Message::default()
        .with(1, "key", Value::Text(key.to_owned()))
        .with(2, "value", Value::One(value))
}

fn span_id() -> Vec<u8> {
    Uuid::new_v4().as_bytes()[8..].to_vec()
}

fn moment(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn nanoseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
