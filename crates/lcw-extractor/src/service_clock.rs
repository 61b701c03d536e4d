//! The service's own clock, read from its `Date` headers.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap};
use tokio::time::Instant;

/// The last `Date` header and when it came.
#[derive(Debug, Default)]
pub(crate) struct ServiceClock {
    last: Mutex<Option<(Timestamp, Instant)>>,
}

impl ServiceClock {
    /// Takes the `Date` of an answer that just came in, and returns it.
    pub(crate) fn observe(&self, headers: &HeaderMap) -> Option<Timestamp> {
        let date = date_of(headers)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((date, Instant::now()));
        Some(date)
    }

    /// The last `Date` plus the time since; `None` before the first.
    ///
    /// The header counts whole seconds, so this is up to one second behind.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, at) = last?;
        date.checked_add(at.elapsed()).ok()
    }
}

/// The `Date` header of an answer; `None` when it is missing or not an HTTP date.
pub(crate) fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}
