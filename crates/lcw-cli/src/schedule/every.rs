//! How often: an interval that every scheduler can keep, day after day.

use std::fmt;
use std::str::FromStr;

use crate::quantity::duration;

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
/// The hour of what happens once a day: while little else does.
const HOUR_OF_DAY: u32 = 3;

/// Minutes that divide an hour, or whole hours that divide a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Every(u32);

impl FromStr for Every {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "give 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h: what divides the \
                             day evenly, and is no more often than anything new is there";
        let seconds = duration(text).map_err(|_| WRONG)?.as_secs();
        let minutes = u32::try_from(seconds / 60).map_err(|_| WRONG)?;
        let is_even = match minutes {
            15..60 => HOUR.is_multiple_of(minutes),
            HOUR..=DAY => minutes.is_multiple_of(HOUR) && DAY.is_multiple_of(minutes),
            _ => false,
        };
        if is_even && seconds.is_multiple_of(60) {
            Ok(Self(minutes))
        } else {
            Err(WRONG)
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            minutes @ ..HOUR => write!(f, "{minutes} minutes"),
            HOUR => write!(f, "hour"),
            minutes => write!(f, "{} hours", minutes / HOUR),
        }
    }
}

impl Every {
    /// Minutes past the hour, beginning with the first.
    fn minutes(self, minute: u8) -> String {
        let step = self.0.min(HOUR);
        let first = u32::from(minute) % step;
        let all = (first..HOUR).step_by(step as usize);
        all.map(|minute| format!("{minute:02}"))
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Five fields, as cron, Kubernetes, GitHub, Airflow and Container Apps read them.
    pub(crate) fn cron(self, minute: u8) -> String {
        let minutes = self.minutes(minute);
        let plain: Vec<&str> = minutes
            .split(',')
            .map(|two| two.trim_start_matches('0'))
            .collect();
        let minutes = plain
            .into_iter()
            .map(|one| if one.is_empty() { "0" } else { one });
        let minutes = minutes.collect::<Vec<_>>().join(",");
        let hours = match self.0 {
            ..=HOUR => "*".to_owned(),
            DAY => HOUR_OF_DAY.to_string(),
            step => format!("*/{}", step / HOUR),
        };
        format!("{minutes} {hours} * * *")
    }

    /// The same as systemd reads it.
    pub(crate) fn calendar(self, minute: u8) -> String {
        let minutes = self.minutes(minute);
        let hours = match self.0 {
            ..=HOUR => "*".to_owned(),
            DAY => format!("{HOUR_OF_DAY:02}"),
            step => format!("00/{}", step / HOUR),
        };
        format!("*-*-* {hours}:{minutes}:00")
    }

    /// The same as an interval in XML.
    pub(crate) fn interval(self) -> String {
        match self.0 {
            minutes @ ..HOUR => format!("PT{minutes}M"),
            minutes => format!("PT{}H", minutes / HOUR),
        }
    }

    /// How much later than planned an export may start, in minutes: a tenth, and no more than ten.
    pub(crate) fn jitter_minutes(self) -> u32 {
        (self.0 / 10).clamp(1, 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(text: &str) -> Every {
        text.parse().unwrap()
    }

    #[test]
    fn each_scheduler_is_told_in_its_own_words() {
        for (text, cron, calendar, interval) in [
            (
                "15m",
                "2,17,32,47 * * * *",
                "*-*-* *:02,17,32,47:00",
                "PT15M",
            ),
            ("30m", "17,47 * * * *", "*-*-* *:17,47:00", "PT30M"),
            ("60m", "17 * * * *", "*-*-* *:17:00", "PT1H"),
            ("3h", "17 */3 * * *", "*-*-* 00/3:17:00", "PT3H"),
            ("1d", "17 3 * * *", "*-*-* 03:17:00", "PT24H"),
        ] {
            let every = every(text);
            assert_eq!(every.cron(17), cron);
            assert_eq!(every.calendar(17), calendar);
            assert_eq!(every.interval(), interval);
        }
        assert_eq!(every("20m").cron(0), "0,20,40 * * * *");
        assert_eq!(every("3h").cron(5), "5 */3 * * *");
    }

    #[test]
    fn what_does_not_divide_the_day_is_refused() {
        for text in [
            "", "0", "1m", "25m", "90m", "5h", "48h", "3h 30s", "-3h", "3",
        ] {
            assert!(text.parse::<Every>().is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_is_kept_longer_than_the_interval() {
        assert_eq!(every("15m").jitter_minutes(), 1);
        assert_eq!(every("1h").jitter_minutes(), 6);
        assert_eq!(every("24h").jitter_minutes(), 10);
    }
}
