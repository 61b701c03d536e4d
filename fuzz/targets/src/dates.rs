//! Date-times of the service; durations and instants of users.

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::{Timestamp, Unit};
use lcw_cli::fuzzing::{duration, when};
use lcw_model::time::{MAX_MICROS, MIN_MICROS, date_of, format_micros, parse_micros};

/// Texts as date-times, durations and instants; the first eight bytes as an instant, too.
pub fn dates(data: &[u8]) {
    if let Some((bytes, _)) = data.split_first_chunk() {
        written(i64::from_le_bytes(*bytes));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = parse_micros(text).ok();
    assert_eq!(read, reference(text), "{text:?}");
    if let Some(micros) = read {
        written(micros);
        if let Ok(jiff) = text.parse::<Timestamp>() {
            let expected = jiff.as_nanosecond().div_euclid(1_000);
            assert_eq!(i128::from(micros), expected, "{text:?}");
        }
    }
    quantities(text);
}

/// What is written is read as the same, in the years that there are.
fn written(micros: i64) {
    let kept = micros.clamp(MIN_MICROS, MAX_MICROS);
    let text = format_micros(micros);
    assert_eq!(parse_micros(&text), Ok(kept), "{text}");
    let days = i32::try_from(kept.div_euclid(86_400_000_000)).unwrap();
    let day = EPOCH.checked_add(jiff::Span::new().days(days)).unwrap();
    assert_eq!(date_of(micros), day, "{text}");
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Seven parts, split where RFC 3339 splits them; days are counted by jiff.
fn reference(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset_minutes) = split_zone(time)?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (time, "0"),
    };
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let is_fraction = (1..=12).contains(&fraction.len()) && is_digits(fraction);
    if !is_fraction || year == 0 {
        return None;
    }
    let small = |number: i64| i8::try_from(number).ok();
    let day = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    let days = i64::from(day.since((Unit::Day, EPOCH)).ok()?.get_days());
    let minutes = (days * 24 + hour) * 60 + minute - offset_minutes;
    let fraction: i64 = format!("{fraction:0<6}")[..6].parse().ok()?;
    let micros = (minutes * 60 + second) * 1_000_000 + fraction;
    (MIN_MICROS..=MAX_MICROS)
        .contains(&micros)
        .then_some(micros)
}

/// The time of day, and the minutes by which it is ahead of UTC.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let at = time.find(['+', '-'])?;
    let (time, zone) = time.split_at(at);
    let [hours, minutes] = numbers(&zone[1..], ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let minutes = hours * 60 + minutes;
    Some((
        time,
        if zone.starts_with('-') {
            -minutes
        } else {
            minutes
        },
    ))
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(separator).collect();
    if parts.len() != N {
        return None;
    }
    let mut numbers = [0; N];
    for ((number, part), width) in numbers.iter_mut().zip(parts).zip(widths) {
        if part.len() != width || !is_digits(part) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn quantities(text: &str) {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    when(text, now);
    let read = duration(text);
    if let Some(expected) = simple_duration(text) {
        assert_eq!(read, Some(expected), "{text:?}");
    }
    if let Some(ago) = read {
        let at = when(&format!("T-{text}"), now).expect("what is a duration can be gone back by");
        let is_exact = i64::try_from(ago.as_secs()).is_ok_and(|seconds| seconds < 60_000_000_000);
        assert!(at <= now, "{text:?}");
        if is_exact {
            assert_eq!(now.duration_since(at).unsigned_abs(), ago, "{text:?}");
        }
    }
}

/// A number of up to five digits and a unit.
fn simple_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    if !(1..=5).contains(&number.len()) || !is_digits(number) {
        return None;
    }
    Some(Duration::from_secs(number.parse::<u64>().ok()? * seconds))
}
