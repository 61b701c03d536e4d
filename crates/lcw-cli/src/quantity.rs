//! Settings that are quantities: durations, the request rate, how much at once.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// All that the service keeps.
const LONGEST_LOOKBACK: Duration = Duration::from_hours(30 * 24);

/// Upper bound of the request rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    PerSecond(f64),
    Unlimited,
}

impl Rate {
    /// Requests a second, where there is a bound.
    pub(crate) fn per_second(self) -> Option<f64> {
        match self {
            Self::PerSecond(rate) => Some(rate),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            _ if text == "unlimited" => Ok(Self::Unlimited),
            Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Self::PerSecond(rate)),
            _ => Err("give a number above 0, or `unlimited`"),
        }
    }
}

/// How much at once: a whole number above 0.
pub(crate) fn count(text: &str) -> Result<usize, &'static str> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or("give a whole number above 0")
}

/// A duration such as `15m`, `6h`, `30d` or `1d 12h`. A day is 24 hours.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    let forward = Some(text).filter(|text| !text.trim_start().starts_with('-'));
    let span: Option<Span> = forward.and_then(|text| text.parse().ok());
    span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or("give a duration such as 15m, 6h or 30d")
}

/// A duration of at most 30 days.
fn lookback(text: &str) -> Result<Duration, &'static str> {
    let lookback = duration(text)?;
    if lookback > LONGEST_LOOKBACK {
        return Err("give at most 30d, which is all that the service keeps");
    }
    Ok(lookback)
}

/// A value of a pipeline file: TOML numbers are taken like the text that a flag would be.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

fn key<'de, D: Deserializer<'de>, T, E: Display>(
    from: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = match Given::deserialize(from)? {
        Given::Text(text) => text,
        Given::Whole(number) => number.to_string(),
        Given::Fraction(number) => number.to_string(),
    };
    read(&text)
        .map(Some)
        .map_err(|hint| D::Error::custom(format!("`{text}` cannot be used: {hint}")))
}

pub(crate) fn rate_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Rate>, D::Error> {
    key(from, str::parse)
}

pub(crate) fn count_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    key(from, count)
}

pub(crate) fn duration_key<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    key(from, duration)
}

pub(crate) fn lookback_key<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    key(from, lookback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_with_their_unit() {
        assert_eq!(duration("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(duration("1d 12h"), Ok(Duration::from_hours(36)));
        for text in ["30", "-5m", "soon", "", "1mo"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lookback_is_at_most_what_the_service_keeps() {
        assert_eq!(lookback("720h"), Ok(LONGEST_LOOKBACK));
        assert!(lookback("31d").is_err());
    }

    #[test]
    fn a_rate_is_a_positive_number_or_unlimited() {
        assert_eq!("2.5".parse(), Ok(Rate::PerSecond(2.5)));
        assert_eq!("unlimited".parse(), Ok(Rate::Unlimited));
        for text in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_count_is_whole_and_positive() {
        assert_eq!(count("7"), Ok(7));
        for text in ["0", "-1", "1.5", "many"] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
