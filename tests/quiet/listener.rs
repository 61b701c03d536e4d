//! Hears everything that any crate says, at every level: as `tracing` and as `log`.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static HEARD: Mutex<String> = Mutex::new(String::new());

/// Starts listening, once for the process.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Listener).unwrap();
        log::set_logger(&Listener).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// Everything so far, of all tests of the process.
pub(crate) fn heard() -> String {
    HEARD.lock().unwrap().clone()
}

struct Listener;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut heard = HEARD.lock().unwrap();
        let metadata = span.metadata();
        write!(heard, "\nSPAN {} {}", metadata.target(), metadata.name()).unwrap();
        span.record(&mut Line(&mut heard));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut HEARD.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut heard = HEARD.lock().unwrap();
        let metadata = event.metadata();
        write!(heard, "\n{} {}", metadata.level(), metadata.target()).unwrap();
        event.record(&mut Line(&mut heard));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut heard = HEARD.lock().unwrap();
        let (level, target) = (record.level(), record.target());
        write!(heard, "\n{level} {target} {}", record.args()).unwrap();
    }

    fn flush(&self) {}
}
