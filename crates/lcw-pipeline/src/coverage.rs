//! Which window a workflow's runs are listed for, and what the service has forgotten meanwhile.

use jiff::civil::Date;
use lcw_model::time::date_of;

/// Microseconds of one day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// How long the service keeps history.
pub(crate) const RETENTION: i64 = 30 * DAY;

/// The window that an unfiltered listing answers with.
pub(crate) const DEFAULT_WINDOW: i64 = 7 * DAY;

/// Since when runs of a workflow are listed: far enough back that nothing between its last
/// complete listing and now is skipped, and never past what the service keeps.
pub(crate) fn window_start(now: i64, lookback: i64, last_complete: Option<i64>) -> i64 {
    let oldest_kept = now - RETENTION;
    match last_complete {
        None => oldest_kept,
        Some(last) => (now.min(last) - lookback).max(oldest_kept),
    }
}

/// Days of which at least a part lies between a workflow's last complete listing and what the
/// service still has.
pub(crate) fn lost_days(now: i64, last_complete: Option<i64>) -> Vec<Date> {
    let Some(last) = last_complete.filter(|last| *last < now - RETENTION) else {
        return Vec::new();
    };
    let kept_from = date_of(now - RETENTION);
    date_of(last)
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= kept_from)
        .collect()
}

/// Whether the gap since the last complete listing has used up half of what the service keeps.
pub(crate) fn is_half_gone(now: i64, last_complete: Option<i64>) -> bool {
    last_complete.is_some_and(|last| now - last > RETENTION / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_899_200_000_000;

    #[test]
    fn without_a_record_everything_the_service_keeps_is_listed() {
        assert_eq!(window_start(NOW, 2 * DAY, None), NOW - RETENTION);
    }

    #[test]
    fn the_window_reaches_back_from_the_last_complete_listing() {
        assert_eq!(window_start(NOW, 2 * DAY, Some(NOW - DAY)), NOW - 3 * DAY);
        assert_eq!(
            window_start(NOW, 2 * DAY, Some(NOW - 10 * DAY)),
            NOW - 12 * DAY
        );
        assert_eq!(
            window_start(NOW, 2 * DAY, Some(NOW - 29 * DAY)),
            NOW - RETENTION
        );
        assert_eq!(
            window_start(NOW, 2 * DAY, Some(NOW + DAY)),
            NOW - 2 * DAY,
            "clock went back"
        );
    }

    #[test]
    fn days_are_lost_only_once_the_gap_is_longer_than_retention() {
        assert!(lost_days(NOW, None).is_empty());
        assert!(lost_days(NOW, Some(NOW - 29 * DAY)).is_empty());
        let lost = lost_days(NOW, Some(NOW - 33 * DAY));
        assert_eq!(lost.len(), 4, "the last one in part");
        assert_eq!(lost[0], date_of(NOW - 33 * DAY));
    }
}
