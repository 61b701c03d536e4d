//! Remembers the requests to Graph while an export runs.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// As many requests as one trace tells of; the export's span says how many more there were.
const MOST: usize = 4_096;

/// A request that has ended.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) started_at: SystemTime,
    pub(super) ended_at: SystemTime,
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Requests so far.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) kept: Vec<Request>,
    pub(super) dropped: u64,
}

static REQUESTS: Mutex<Requests> = Mutex::new(Requests {
    kept: Vec::new(),
    dropped: 0,
});

/// Everything since the last time.
pub(super) fn take() -> Requests {
    let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    let nothing = Requests {
        kept: Vec::new(),
        dropped: 0,
    };
    std::mem::replace(&mut requests, nothing)
}

/// Listens to the spans of requests, whatever is logged.
#[derive(Debug)]
pub struct SpanRecorder(());

/// What remembers requests; to be added to the subscriber with [`SpanRecorder::wants`] as its filter.
pub fn recorder() -> SpanRecorder {
    SpanRecorder(())
}

impl SpanRecorder {
    /// Whether it listens to this: the spans named `request` of the extractor, and nothing else.
    pub fn wants(metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
            && metadata.name() == "request"
            && metadata.target().starts_with("lcw_extractor")
    }
}

struct Pending {
    started_at: SystemTime,
    fields: Fields,
}

#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanRecorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Pending {
            started_at: SystemTime::now(),
            fields,
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let Some(pending) = span.extensions_mut().remove::<Pending>() else {
            return;
        };
        let mut requests = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.kept.len() == MOST {
            requests.dropped += 1;
            return;
        }
        requests.kept.push(Request {
            started_at: pending.started_at,
            ended_at: SystemTime::now(),
            fields: pending.fields.0,
        });
    }
}
