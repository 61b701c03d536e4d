//! What is read of an answer's links and headers, as functions of their text: for the fuzz targets
//! alone, and no part of the interface.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use crate::Origin;
use crate::pages::own_url;

/// The URL that is asked for when a page of `origin` names `link` as the next; `None`: it is refused.
pub fn next_link(origin: &Origin, link: &str) -> Option<String> {
    own_url(origin, link).ok().map(Into::into)
}

/// The pause that an answer with these `Retry-After` headers asks for. Bytes that no header can have
/// are left out.
pub fn retry_after<'v>(
    values: impl IntoIterator<Item = &'v [u8]>,
    now: Timestamp,
) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    for value in values {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(RETRY_AFTER, value);
        }
    }
    crate::retry::retry_after(&headers, now)
}
