//! How far the service's memory reaches back, and how close the dataset came to its end.

use std::time::Duration;

use jiff::civil::Date;
use lcw_model::time::{date_of, format_micros};
use serde::Serialize;

use crate::coverage::{DAY, RETENTION};

/// How long Microsoft Graph keeps the history of Lifecycle Workflows: about 30 days.
pub const SERVICE_MEMORY: Duration = Duration::from_micros(RETENTION.unsigned_abs());

const HOUR: i64 = DAY / 24;

/// The retention guard of one tenant.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Retention {
    /// Schedule of the oldest run that the service still serves; RFC 3339. Null when it listed none.
    pub oldest_run_served: Option<String>,
    /// When the export before this one began that left no workflow behind; RFC 3339. Null when there
    /// was none.
    pub last_good_export: Option<String>,
    /// How long ago that was, in hours.
    pub hours_since_last_good_export: Option<i64>,
    /// Days that the service still has, that no complete export has covered since, and that it will
    /// forget within half of the time for which it keeps history.
    pub days_at_risk: Vec<String>,
    /// Days that the service forgot before they were exported, in all the dataset's life.
    pub days_lost: Vec<String>,
}

impl Retention {
    /// As of `now`, when the last complete listing of every workflow began at `last_good`.
    pub(crate) fn new(
        now: i64,
        oldest: Option<i64>,
        last_good: Option<i64>,
        days_lost: Vec<String>,
    ) -> Self {
        Self {
            oldest_run_served: oldest.map(format_micros),
            last_good_export: last_good.map(format_micros),
            hours_since_last_good_export: last_good.map(|last| (now - last) / HOUR),
            days_at_risk: days_at_risk(now, last_good)
                .iter()
                .map(Date::to_string)
                .collect(),
            days_lost,
        }
    }
}

/// Days since the last complete listing that are older than half of what the service keeps.
fn days_at_risk(now: i64, last_good: Option<i64>) -> Vec<Date> {
    let oldest_kept = now - RETENTION;
    let half = now - RETENTION / 2;
    let Some(from) = last_good.map(|last| last.max(oldest_kept)) else {
        return Vec::new();
    };
    date_of(from)
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day < date_of(half))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_899_200_000_000;

    #[test]
    fn days_are_at_risk_once_half_of_the_retention_has_passed() {
        assert!(days_at_risk(NOW, None).is_empty(), "nothing was covered");
        assert!(days_at_risk(NOW, Some(NOW - DAY)).is_empty());
        assert!(days_at_risk(NOW, Some(NOW - 15 * DAY)).is_empty());
        let three = days_at_risk(NOW, Some(NOW - 18 * DAY));
        assert_eq!(three.len(), 3);
        assert_eq!(three[0], date_of(NOW - 18 * DAY));
        let all = days_at_risk(NOW, Some(NOW - 90 * DAY));
        assert_eq!(all.len(), 15, "those before are lost, not at risk");
    }

    #[test]
    fn ages_are_told_in_hours() {
        let retention = Retention::new(NOW, Some(NOW - 30 * DAY), Some(NOW - DAY - 1), Vec::new());
        assert_eq!(retention.hours_since_last_good_export, Some(24));
        let oldest = retention.oldest_run_served.unwrap();
        assert_eq!(oldest, format_micros(NOW - 30 * DAY));
    }
}
