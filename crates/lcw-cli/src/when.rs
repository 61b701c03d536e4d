//! Instants on the command line: RFC 3339, a date, or `T-7d`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// Reads an instant; `now` is what `T` stands for. A date is its midnight in UTC.
pub(crate) fn instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some(rest) = text.strip_prefix('T') {
        return relative(rest, now)
            .with_context(|| format!("`{text}` is not an instant: write T, or T-7d, T-12h"));
    }
    if let Ok(date) = text.parse::<Date>()
        && !text.contains('T')
    {
        return Ok(date.to_zoned_datetime(TimeZone::UTC)?.timestamp());
    }
    text.parse::<Timestamp>().with_context(|| {
        format!("`{text}` is not an instant: write 2026-11-01, 2026-11-01T06:00:00Z or T-7d")
    })
}

fn relative(rest: &str, now: Timestamp) -> Result<Timestamp> {
    if rest.is_empty() {
        return Ok(now);
    }
    let Some(back) = rest.strip_prefix('-') else {
        bail!("expected T-… ")
    };
    Ok(now.checked_sub(SignedDuration::try_from(duration(back)?)?)?)
}

/// Reads a duration such as `15m`, `6h`, `30d` or `1d 12h`. A day is 24 hours.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    let hint = || format!("`{text}` is not a duration: write 15m, 6h or 30d");
    if text.trim_start().starts_with('-') {
        bail!(hint());
    }
    let span: Span = text.parse().with_context(hint)?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .with_context(hint)?;
    Duration::try_from(duration).with_context(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_three_forms() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let at = |text| instant(text, now).map(|at| at.to_string()).ok();
        assert_eq!(at("2026-11-01").as_deref(), Some("2026-11-01T00:00:00Z"));
        assert_eq!(
            at("2026-11-01T06:00:00+02:00").as_deref(),
            Some("2026-11-01T04:00:00Z")
        );
        assert_eq!(at("T-7d").as_deref(), Some("2026-11-17T12:00:00Z"));
        assert_eq!(at("T").as_deref(), Some("2026-11-24T12:00:00Z"));
        assert_eq!(at("T+7d"), None);
        assert_eq!(at("T--7d"), None);
        assert_eq!(at("yesterday"), None);
        assert_eq!(at("2026-13-01"), None);
    }

    #[test]
    fn durations_are_written_with_their_unit() {
        assert_eq!(duration("15m").unwrap(), Duration::from_secs(900));
        assert_eq!(duration("30d").unwrap(), Duration::from_secs(30 * 86_400));
        assert!(duration("30").is_err());
        assert!(duration("-5m").is_err());
        assert!(duration("soon").is_err());
    }
}
