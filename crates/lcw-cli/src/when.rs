//! Instants on the command line: RFC 3339, a date, or `T-7d`.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::quantity::duration;

const HINT: &str = "write 2026-11-01, 2026-11-01T06:00:00Z or T-7d";

/// An instant as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// The words, by which an unfinished backfill is found again.
    pub(crate) text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    At(Timestamp),
    /// So long before now.
    Ago(SignedDuration),
}

impl When {
    /// The instant, for a clock that shows `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Timestamp {
        match self.kind {
            Kind::At(at) => at,
            Kind::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = match text.strip_prefix('T') {
            Some("") => Some(Kind::Ago(SignedDuration::ZERO)),
            Some(rest) => ago(rest).map(Kind::Ago),
            None => fixed(text).map(Kind::At),
        };
        let text = text.to_owned();
        kind.map(|kind| Self { text, kind }).ok_or(HINT)
    }
}

fn ago(rest: &str) -> Option<SignedDuration> {
    let ago = duration(rest.strip_prefix('-')?).ok()?;
    SignedDuration::try_from(ago).ok()
}

/// A date is its midnight in UTC.
fn fixed(text: &str) -> Option<Timestamp> {
    if text.contains(['T', 't', ' ']) {
        return text.parse().ok();
    }
    let date: Date = text.parse().ok()?;
    Some(date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_three_forms() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<When>().map(|when| when.at(now).to_string());
        assert_eq!(at("2026-11-01").as_deref(), Ok("2026-11-01T00:00:00Z"));
        assert_eq!(
            at("2026-11-01T06:00:00+02:00").as_deref(),
            Ok("2026-11-01T04:00:00Z")
        );
        assert_eq!(at("T-7d").as_deref(), Ok("2026-11-17T12:00:00Z"));
        assert_eq!(at("T").as_deref(), Ok("2026-11-24T12:00:00Z"));
        for text in [
            "T+7d",
            "T--7d",
            "yesterday",
            "2026-13-01",
            "2026-11-01T06:00:00",
            "",
        ] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
