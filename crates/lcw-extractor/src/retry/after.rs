//! `Retry-After`, in every form that services send it.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Longer than any pause that makes sense, short enough to add to any clock.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// The pause an answer asks for; `None` when it asks for none that can be read.
///
/// `now` is the service's clock: the answer's own `Date` where it has one.
/// Several values ask for the longest of them.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    values
        .filter_map(|value| parse(value.to_str().ok()?, now))
        .max()
}

/// One header value: seconds (whole, with a fraction, with a decimal comma), a
/// list of such, or an HTTP date.
///
/// A date that has passed, zero and negative seconds ask for nothing. Fractions
/// are rounded up to a millisecond, so that a pause is never shorter than asked.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let pause = match httpdate::parse_http_date(text) {
        // A date beyond the calendar is as good as never.
        Ok(date) => match Timestamp::try_from(date) {
            Ok(date) => Duration::try_from(date.duration_since(now)).ok()?,
            Err(_) => LONGEST,
        },
        Err(_) => {
            parse_seconds(text).or_else(|| text.split(',').filter_map(parse_seconds).max())?
        }
    };
    Some(pause.min(LONGEST)).filter(|pause| !pause.is_zero())
}

/// `2`, `2.128` or `2,128`.
fn parse_seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    // Only a number too large for the type fails to parse here.
    let seconds = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap_or(u64::MAX)
    };
    let pause = Duration::from_secs(seconds).saturating_add(round_up(fraction));
    Some(pause.min(LONGEST))
}

/// The digits of a fraction as milliseconds, rounded up.
fn round_up(fraction: &str) -> Duration {
    let digits = fraction.bytes().map(|byte| u64::from(byte - b'0'));
    let millis = digits
        .clone()
        .chain([0, 0, 0])
        .take(3)
        .fold(0, |sum, digit| sum * 10 + digit);
    let is_more = digits.skip(3).any(|digit| digit > 0);
    Duration::from_millis(millis + u64::from(is_more))
}

#[cfg(test)]
mod tests;
