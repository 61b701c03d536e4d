//! `Retry-After` in every form that occurs.

use std::time::{Duration, SystemTime};

use crate::ticks::{self, SECOND, Ticks};

/// How a `Retry-After` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Whole seconds, rounded up: `3`.
    Seconds,
    /// Milliseconds as a fraction: `2.128`.
    Fraction,
    /// The same with a comma: `2,128`.
    Comma,
    /// An HTTP date by the service's `Date`, rounded up to a second.
    Date,
}

/// What an answer says about when to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Absent,
    /// After this long.
    In(Form, Duration),
    /// Any text, such as a date of the past.
    Text(String),
}

impl RetryAfter {
    /// `Retry-After: 5`.
    pub const fn seconds(seconds: u64) -> Self {
        Self::In(Form::Seconds, Duration::from_secs(seconds))
    }

    /// `Retry-After: 2.128` for 2,128 ms.
    pub const fn fraction(millis: u64) -> Self {
        Self::In(Form::Fraction, Duration::from_millis(millis))
    }

    /// `Retry-After: 2,5` for 2,500 ms.
    pub const fn comma(millis: u64) -> Self {
        Self::In(Form::Comma, Duration::from_millis(millis))
    }

    /// `Retry-After: Mon, 23 Nov 2026 12:00:05 GMT`, so many seconds after the answer's `Date`.
    pub const fn date(seconds: u64) -> Self {
        Self::In(Form::Date, Duration::from_secs(seconds))
    }

    /// The pause that it demands, `None` where it demands none that a client must understand.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::In(Form::Seconds | Form::Date, after) => {
                Some(Duration::from_secs(ceiling(*after)))
            }
            Self::In(_, after) => Some(Duration::from_millis(millis_up(*after))),
            Self::Absent | Self::Text(_) => None,
        }
    }

    /// The header's value, when the answer's `Date` is `date`.
    pub(crate) fn header(&self, date: Ticks) -> Option<String> {
        Some(match self {
            Self::Absent => return None,
            Self::Text(text) => text.clone(),
            Self::In(Form::Seconds, after) => ceiling(*after).to_string(),
            Self::In(Form::Fraction, after) => decimal(*after, '.'),
            Self::In(Form::Comma, after) => decimal(*after, ','),
            Self::In(Form::Date, after) => {
                let until = date + ticks::from_duration(Duration::from_secs(ceiling(*after)));
                http_date(until + SECOND - 1)
            }
        })
    }
}

/// An instant as an HTTP date, cut to the second.
pub(crate) fn http_date(instant: Ticks) -> String {
    let seconds = instant.div_euclid(SECOND).max(0).unsigned_abs();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn ceiling(after: Duration) -> u64 {
    after.as_secs() + u64::from(after.subsec_nanos() > 0)
}

fn millis_up(after: Duration) -> u64 {
    u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn decimal(after: Duration, point: char) -> String {
    let millis = millis_up(after);
    let text = format!("{}{point}{:03}", millis / 1_000, millis % 1_000);
    text.trim_end_matches('0')
        .trim_end_matches(point)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_written_as_it_occurs() {
        let noon = ticks::parse("2026-11-23T12:00:00.5Z").unwrap();
        let header = |hint: RetryAfter| hint.header(noon);
        assert_eq!(header(RetryAfter::seconds(5)).as_deref(), Some("5"));
        assert_eq!(
            header(RetryAfter::fraction(2_128)).as_deref(),
            Some("2.128")
        );
        assert_eq!(header(RetryAfter::comma(2_500)).as_deref(), Some("2,5"));
        assert_eq!(header(RetryAfter::fraction(2_000)).as_deref(), Some("2"));
        assert_eq!(header(RetryAfter::Absent), None);
        assert_eq!(
            header(RetryAfter::date(4)).as_deref(),
            Some("Mon, 23 Nov 2026 12:00:05 GMT")
        );
    }

    #[test]
    fn a_pause_is_never_longer_than_its_header_says() {
        let after = Duration::from_nanos(1_234_567_890);
        assert_eq!(
            RetryAfter::In(Form::Seconds, after).pause(),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            RetryAfter::In(Form::Comma, after).pause(),
            Some(Duration::from_millis(1_235))
        );
        assert_eq!(RetryAfter::Text("soon".into()).pause(), None);
    }
}
