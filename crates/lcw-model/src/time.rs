//! Date-times as Graph writes them: RFC 3339 text to and from microseconds since 1970, UTC.
//!
//! A page of 1,000 results holds 3,000 date-times, nearly all of them in the one shape that Graph
//! writes: that is checked and read at once. Everything else goes to a reader of all that RFC 3339
//! allows with up to 12 fraction digits, which no general parser reads.

use std::fmt::Write as _;

use jiff::civil::Date;

/// `0001-01-01T00:00:00Z`, the earliest date-time Graph can send ("no date").
pub const MIN_MICROS: i64 = -62_135_596_800_000_000;
/// `9999-12-31T23:59:59.999999Z`, the latest date-time Graph can send ("never").
pub const MAX_MICROS: i64 = 253_402_300_799_999_999;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH_OF_YEAR_0: i64 = 719_468;
/// Days of 400 years.
const DAYS_PER_ERA: i64 = 146_097;

/// Why a text is no date-time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDateTime {
    /// Not `YYYY-MM-DDThh:mm:ss`, up to 12 fraction digits, and `Z` or `±hh:mm`.
    #[error("not a date-time like 2026-11-22T10:00:00.1234567Z")]
    Malformed,
    /// The right shape, but a month, day, hour, minute, second or offset that does not exist.
    #[error("no such day or time of day")]
    NoSuchTime,
    /// Second 60. The service's clock has no leap seconds, and a stored instant could not say it.
    #[error("leap seconds are not supported")]
    LeapSecond,
    /// In UTC before year 1 or after year 9999.
    #[error("outside the years 0001 to 9999 in UTC")]
    OutOfRange,
}

/// Reads RFC 3339 with 0 to 12 fraction digits and `Z` or a numeric offset.
///
/// Returns microseconds since 1970-01-01T00:00:00Z; further digits are cut off (towards the past).
///
/// # Errors
/// [`InvalidDateTime`] for every other text, and for instants outside the years 0001 to 9999.
///
/// ```
/// use lcw_model::time::parse_micros;
///
/// assert_eq!(parse_micros("1970-01-01T00:00:01.2345678Z"), Ok(1_234_567));
/// assert_eq!(parse_micros("1970-01-01T02:00:00+02:00"), Ok(0));
/// assert!(parse_micros("2026-02-29T00:00:00Z").is_err());
/// ```
pub fn parse_micros(text: &str) -> Result<i64, InvalidDateTime> {
    use InvalidDateTime::Malformed;

    if let Some(micros) = read_usual(text.as_bytes()) {
        return Ok(micros);
    }
    let (head, tail) = text.as_bytes().split_first_chunk().ok_or(Malformed)?;
    let seconds = read_seconds(head)?;
    let (fraction, zone) = read_fraction(tail).ok_or(Malformed)?;
    let micros = (seconds - read_offset(zone)?) * MICROS_PER_SECOND + fraction;
    if (MIN_MICROS..=MAX_MICROS).contains(&micros) {
        Ok(micros)
    } else {
        Err(InvalidDateTime::OutOfRange)
    }
}

/// The first of the characters that may stand at each place of the usual shape, and zeros up to a
/// length that the processor compares at once.
const USUAL: &[u8; 32] = b"0000-00-00T00:00:00.0000000Z\0\0\0\0";

/// How many more may: the other nine digits, or none.
const USUAL_MORE: [u8; 32] = {
    let mut more = [0; 32];
    let mut at = 0;
    while at < 32 {
        if USUAL[at] == b'0' {
            more[at] = 9;
        }
        at += 1;
    }
    more
};

/// Reads `YYYY-MM-DDThh:mm:ss.fffffffZ`, as Graph writes nearly all instants; none where a text has
/// another shape or is no instant, for the reader of all shapes to say why.
fn read_usual(text: &[u8]) -> Option<i64> {
    let text: &[u8; 28] = text.try_into().ok()?;
    let mut digits = [0_u8; 32];
    digits[..28].copy_from_slice(text);
    let mut beyond = 0;
    for at in 0..32 {
        digits[at] = digits[at].wrapping_sub(USUAL[at]);
        beyond |= digits[at].saturating_sub(USUAL_MORE[at]);
    }
    let is_usual = beyond == 0;
    let two = |at: usize| u32::from(digits[at]) * 10 + u32::from(digits[at + 1]);
    let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
    let (hour, minute, second) = (two(11), two(14), two(17));
    let exists = year > 0
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !(is_usual && exists) {
        return None;
    }
    let of_day = hour * 3600 + minute * 60 + second;
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + i64::from(of_day);
    let micros = (two(20) * 100 + two(22)) * 100 + two(24);
    Some(seconds * MICROS_PER_SECOND + i64::from(micros))
}

/// Local seconds since 1970 of `YYYY-MM-DDThh:mm:ss`.
fn read_seconds(head: &[u8; 19]) -> Result<i64, InvalidDateTime> {
    use InvalidDateTime::{LeapSecond, Malformed, NoSuchTime};

    let shaped = head[4] == b'-'
        && head[7] == b'-'
        && matches!(head[10], b'T' | b't')
        && head[13] == b':'
        && head[16] == b':';
    if !shaped {
        return Err(Malformed);
    }
    let number = |at: usize| two_digits([head[at], head[at + 1]]).ok_or(Malformed);
    let (year, month, day) = (number(0)? * 100 + number(2)?, number(5)?, number(8)?);
    let (hour, minute, second) = (number(11)?, number(14)?, number(17)?);
    if year == 0 || day == 0 || day > days_in_month(year, month) || hour > 23 || minute > 59 {
        return Err(NoSuchTime);
    }
    match second {
        0..=59 => {}
        60 => return Err(LeapSecond),
        _ => return Err(NoSuchTime),
    }
    let of_day = hour * 3600 + minute * 60 + second;
    Ok(days_from_civil(year, month, day) * SECONDS_PER_DAY + i64::from(of_day))
}

/// Microseconds of an optional fraction, and what follows it.
fn read_fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = tail.strip_prefix(b".") else {
        return Some((0, tail));
    };
    let (mut micros, mut count) = (0, 0);
    while let Some(digit @ b'0'..=b'9') = digits.get(count) {
        if count < 6 {
            micros = micros * 10 + i64::from(digit - b'0');
        }
        count += 1;
    }
    if !(1..=12).contains(&count) {
        return None;
    }
    for _ in count..6 {
        micros *= 10;
    }
    Some((micros, &digits[count..]))
}

/// Seconds by which the local time is ahead of UTC.
fn read_offset(zone: &[u8]) -> Result<i64, InvalidDateTime> {
    use InvalidDateTime::{Malformed, NoSuchTime};

    match zone {
        b"Z" | b"z" => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = two_digits([*h1, *h2]).ok_or(Malformed)?;
            let minutes = two_digits([*m1, *m2]).ok_or(Malformed)?;
            if hours > 23 || minutes > 59 {
                return Err(NoSuchTime);
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(Malformed),
    }
}

fn two_digits(digits: [u8; 2]) -> Option<u32> {
    match digits {
        [ten @ b'0'..=b'9', one @ b'0'..=b'9'] => {
            Some(u32::from(ten - b'0') * 10 + u32::from(one - b'0'))
        }
        _ => None,
    }
}

/// 0 for a month that does not exist.
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years begin in March here, so that
/// the leap day is the last of its year.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i64::from(era) * DAYS_PER_ERA + i64::from(day_of_era) - EPOCH_FROM_MARCH_OF_YEAR_0
}

/// Year, month and day of a count of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_FROM_MARCH_OF_YEAR_0;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Writes an instant in Graph's style: `2026-11-22T10:00:00.5Z`, trailing zeros dropped.
///
/// Instants outside [`MIN_MICROS`] to [`MAX_MICROS`] are written as the nearer of the two.
pub fn format_micros(micros: i64) -> String {
    let micros = micros.clamp(MIN_MICROS, MAX_MICROS);
    let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
    let of_day = micros.rem_euclid(MICROS_PER_DAY);
    let (second, fraction) = (of_day / MICROS_PER_SECOND, of_day % MICROS_PER_SECOND);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = String::with_capacity(27);
    write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    )
    .unwrap_or_default();
    if fraction != 0 {
        write!(text, ".{fraction:06}").unwrap_or_default();
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('Z');
    text
}

/// The UTC day of an instant.
///
/// Instants outside [`MIN_MICROS`] to [`MAX_MICROS`] have the day of the nearer of the two.
pub fn date_of(micros: i64) -> Date {
    let micros = micros.clamp(MIN_MICROS, MAX_MICROS);
    let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
    let date = || {
        let (year, month, day) = (
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        );
        Date::new(year, month, day).ok()
    };
    date().unwrap_or(Date::ZERO)
}

#[cfg(test)]
mod tests;
