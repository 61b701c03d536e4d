//! Instants as the service keeps them: ticks of 100 nanoseconds, written in UTC with the zeros at the end dropped.

use std::time::Duration;

use jiff::Timestamp;

/// Ticks of 100 ns since 1970 in UTC.
pub(crate) type Ticks = i64;

pub(crate) const SECOND: Ticks = 10_000_000;
pub(crate) const MINUTE: Ticks = 60 * SECOND;
pub(crate) const HOUR: Ticks = 60 * MINUTE;
pub(crate) const DAY: Ticks = 24 * HOUR;

/// .NET counts its ticks from the first of January of year 1.
const DOTNET_EPOCH: Ticks = 621_355_968_000_000_000;

/// Cuts a timestamp to ticks.
pub(crate) fn from_timestamp(timestamp: Timestamp) -> Ticks {
    Ticks::try_from(timestamp.as_nanosecond().div_euclid(100)).unwrap_or(Ticks::MAX)
}

/// The same instant for callers; instants outside jiff's range end at its ends.
pub(crate) fn to_timestamp(ticks: Ticks) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ticks) * 100).unwrap_or(Timestamp::MAX)
}

/// Cuts a duration to ticks.
pub(crate) fn from_duration(duration: Duration) -> Ticks {
    Ticks::try_from(duration.as_nanos() / 100).unwrap_or(Ticks::MAX / 4)
}

/// The number at the end of composite run ids.
pub(crate) fn dotnet(ticks: Ticks) -> Ticks {
    ticks + DOTNET_EPOCH
}

/// Appends `2026-11-22T10:00:00.5Z`. Pages consist of little else, so this writes digits in pairs.
pub(crate) fn push_instant(out: &mut Vec<u8>, ticks: Ticks) {
    let seconds = ticks.div_euclid(SECOND);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let mut text = *b"0000-00-00T00:00:00.0000000Z";
    pair(&mut text, 0, year / 100);
    pair(&mut text, 2, year % 100);
    pair(&mut text, 5, month);
    pair(&mut text, 8, day);
    pair(&mut text, 11, of_day / 3600);
    pair(&mut text, 14, of_day / 60 % 60);
    pair(&mut text, 17, of_day % 60);
    let fraction = ticks.rem_euclid(SECOND);
    let mut length = 19;
    if fraction > 0 {
        pair(&mut text, 20, fraction / 100_000);
        pair(&mut text, 22, fraction / 1_000 % 100);
        pair(&mut text, 24, fraction / 10 % 100);
        text[26] = DIGITS[usize::try_from(fraction % 10 * 2).unwrap_or(0) + 1];
        length = 27;
        while text[length - 1] == b'0' {
            length -= 1;
        }
    }
    text[length] = b'Z';
    out.extend_from_slice(&text[..=length]);
}

/// `00` to `99`.
const DIGITS: &[u8; 200] = b"\
    0001020304050607080910111213141516171819\
    2021222324252627282930313233343536373839\
    4041424344454647484950515253545556575859\
    6061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899";

fn pair(text: &mut [u8; 28], at: usize, number: i64) {
    let from = usize::try_from(number % 100 * 2).unwrap_or(0);
    text[at] = DIGITS[from];
    text[at + 1] = DIGITS[from + 1];
}

/// The text of [`push_instant`].
pub(crate) fn instant_text(ticks: Ticks) -> String {
    let mut out = Vec::with_capacity(28);
    push_instant(&mut out, ticks);
    String::from_utf8_lossy(&out).into_owned()
}

/// Year, month and day of a day counted from 1970 (Hinnant's algorithm for the proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads an ISO date-time with up to seven fraction digits and `Z` or a numeric offset, or a date alone.
pub(crate) fn parse(text: &str) -> Option<Ticks> {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    if fraction.bytes().take_while(u8::is_ascii_digit).count() > 7 {
        return None;
    }
    let whole = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    whole.parse::<Timestamp>().ok().map(from_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_like_the_documented_ones_and_read_back() {
        for text in [
            "2022-08-24T23:28:04.490313Z",
            "2025-09-05T23:06:55.0522341Z",
            "2026-02-28T00:00:00Z",
            "2024-02-29T23:59:59.1Z",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.9999999Z",
        ] {
            assert_eq!(instant_text(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn run_ids_end_in_the_ticks_of_the_documented_run() {
        let scheduled = parse("2025-09-05T23:06:55.0522341Z").unwrap();
        assert_eq!(dotnet(scheduled), 638_927_104_150_522_341);
    }

    #[test]
    fn offsets_and_dates_are_read_and_eight_digits_are_not() {
        assert_eq!(
            parse("2026-11-23T13:00:00+01:00"),
            parse("2026-11-23T12:00:00Z")
        );
        assert_eq!(parse("2026-11-23"), parse("2026-11-23T00:00:00Z"));
        assert_eq!(parse("2026-11-23T12:00:00.12345678Z"), None);
        assert_eq!(parse("yesterday"), None);
    }
}
