//! `Retry-After`, in every form that services send it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use lcw_extractor::fuzzing::retry_after as read;

/// Longer than any pause may be that is read.
const BOUND: Duration = Duration::from_hours(11 * 366 * 24);

/// Lines as header values; the first two bytes move the service's clock by hours.
pub fn retry_after(data: &[u8]) {
    let Some((hours, lines)) = data.split_first_chunk() else {
        return;
    };
    let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let now = now + jiff::SignedDuration::from_hours(i16::from_le_bytes(*hours).into());
    let values: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    let mut longest = None;
    for value in &values {
        let pause = read([*value], now);
        if let Ok(text) = std::str::from_utf8(value) {
            check(text.trim_matches([' ', '\t']), pause, now);
        }
        if let Some(pause) = pause {
            assert!(pause > Duration::ZERO && pause < BOUND, "{pause:?}");
        }
        longest = longest.max(pause);
    }
    assert_eq!(read(values, now), longest, "the longest of all values");
}

/// Against what is plainly seconds, a list of whole seconds, or a date.
fn check(text: &str, pause: Option<Duration>, now: Timestamp) {
    if let Some((asked, is_exact)) = seconds(text) {
        let waited = pause.unwrap_or_default().as_nanos();
        assert!(waited >= asked.min(SURELY_KEPT), "{text:?}: {pause:?}");
        let most = if is_exact { asked } else { asked + 999_999 };
        assert!(waited <= most, "{text:?}: {pause:?}");
    }
    if let Some(asked) = listed(text) {
        assert_eq!(pause.unwrap_or_default().as_secs(), asked, "{text:?}");
    }
    if let Some(date) = date(text) {
        let asked = Duration::try_from(date.duration_since(now)).unwrap_or_default();
        let expected = Some(asked).filter(|asked| !asked.is_zero());
        if asked < Duration::from_hours(10 * 365 * 24) {
            assert_eq!(pause, expected, "{text:?}");
        }
    }
}

/// No pause up to here is cut: ten years, in nanoseconds.
const SURELY_KEPT: u128 = 10 * 365 * 86_400 * 1_000_000_000;

/// Nanoseconds of a number with up to nine digits before and behind its point or comma, and
/// whether they are whole milliseconds.
fn seconds(text: &str) -> Option<(u128, bool)> {
    let (whole, fraction) = match text.find(['.', ',']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=9).contains(&whole.len()) && fraction.len() <= 9;
    if !fits || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let nanos: u128 = format!("{fraction:0<9}").parse().ok()?;
    let whole: u128 = whole.parse().ok()?;
    Some((
        whole * 1_000_000_000 + nanos,
        nanos.is_multiple_of(1_000_000),
    ))
}

/// The largest of three or more whole numbers with a blank behind each comma.
fn listed(text: &str) -> Option<u64> {
    let numbers: Vec<&str> = text.split(", ").collect();
    let is_number = |text: &&str| {
        (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if numbers.len() < 3 || !numbers.iter().all(is_number) {
        return None;
    }
    numbers.iter().filter_map(|text| text.parse().ok()).max()
}

/// A date as RFC 9110 wants it, read by jiff's reader of mail headers.
fn date(text: &str) -> Option<Timestamp> {
    let is_shaped = text.len() == 29 && text.is_ascii() && text.ends_with(" GMT");
    let date = is_shaped.then(|| rfc2822::DateTimeParser::new().parse_timestamp(text));
    let date = date?.ok()?;
    // The mail header's reader takes more forms than this one.
    let again = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    (again == text).then_some(date)
}
