use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::testing::cases;

#[test]
fn fractions_of_0_to_12_digits_are_cut_to_microseconds() {
    let digits = "123456789123";
    for count in 0..=12 {
        let point = if count == 0 { "" } else { "." };
        let text = format!("1970-01-01T00:00:00{point}{}Z", &digits[..count]);
        let expected = format!("{:0<6}", &digits[..count.min(6)]);
        assert_eq!(parse_micros(&text), Ok(expected.parse().unwrap()), "{text}");
    }
    assert_eq!(
        parse_micros("1969-12-31T23:59:59.9999999Z"),
        Ok(-1),
        "cut towards the past"
    );
}

#[test]
fn offsets_lead_to_utc() {
    let noon = parse_micros("2026-11-22T12:00:00Z");
    for text in [
        "2026-11-22T14:00:00+02:00",
        "2026-11-22T06:30:00-05:30",
        "2026-11-23T11:59:00+23:59",
        "2026-11-22T12:00:00+00:00",
        "2026-11-22T12:00:00-00:00",
        "2026-11-22t12:00:00z",
    ] {
        assert_eq!(parse_micros(text), noon, "{text}");
    }
}

#[test]
fn the_first_and_the_last_day_are_read_and_written() {
    for (text, micros) in [
        ("0001-01-01T00:00:00Z", MIN_MICROS),
        ("9999-12-31T23:59:59.999999Z", MAX_MICROS),
        ("2000-02-29T00:00:00.5Z", 951_782_400_500_000),
    ] {
        assert_eq!(parse_micros(text), Ok(micros));
        assert_eq!(format_micros(micros), text);
    }
    assert_eq!(
        parse_micros("9999-12-31T23:59:59.999999999999Z"),
        Ok(MAX_MICROS)
    );
    assert_eq!(date_of(MIN_MICROS), Date::constant(1, 1, 1));
    assert_eq!(date_of(MAX_MICROS), Date::constant(9999, 12, 31));
    assert_eq!(date_of(-1), Date::constant(1969, 12, 31));
}

#[test]
fn instants_out_of_range_are_refused_and_clamped() {
    for text in ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
        assert_eq!(
            parse_micros(text),
            Err(InvalidDateTime::OutOfRange),
            "{text}"
        );
    }
    assert_eq!(format_micros(i64::MIN), "0001-01-01T00:00:00Z");
    assert_eq!(date_of(i64::MAX), Date::constant(9999, 12, 31));
}

#[test]
fn leap_seconds_are_refused() {
    for text in [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5Z",
        "2017-01-01T00:59:60+01:00",
    ] {
        assert_eq!(
            parse_micros(text),
            Err(InvalidDateTime::LeapSecond),
            "{text}"
        );
    }
}

#[test]
fn times_that_do_not_exist_are_refused() {
    for text in [
        "0000-01-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
    ] {
        assert_eq!(
            parse_micros(text),
            Err(InvalidDateTime::NoSuchTime),
            "{text}"
        );
    }
}

#[test]
fn other_shapes_are_refused() {
    for text in [
        "",
        "2026-11-22",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00,5Z",
        "2026-11-22T10:00:00.1234567890123Z",
        "2026-11-22T10:00:00+0200",
        "2026-11-22T10:00:00+02",
        "2026-11-22T10:00:00+02:00:00",
        "2026-11-22T10:00:00ZZ",
        "2026-11-22T10:00:00Z ",
        " 2026-11-22T10:00:00Z",
        "+002026-11-22T10:00:00Z",
        "12026-11-22T10:00:00Z",
        "2026-1-022T10:00:00Z",
        "2026-11-22T10:00:00[Europe/Vienna]",
        "2026-11-22T1٠:00:00Z",
        "/Date(1661383681647)/",
    ] {
        assert_eq!(
            parse_micros(text),
            Err(InvalidDateTime::Malformed),
            "{text}"
        );
    }
}

/// Instants that jiff can hold, too.
fn instants() -> impl Strategy<Value = Timestamp> {
    (MIN_MICROS..253_402_207_200_000_000, 0..1000_i32).prop_map(|(micros, nanos)| {
        Timestamp::from_microsecond(micros).unwrap()
            + jiff::SignedDuration::from_nanos(nanos.into())
    })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn dates_are_read_as_jiff_reads_them(instant in instants(), places in 0..10_usize, minutes in -1439..=1439_i64) {
        let offset = jiff::tz::Offset::from_seconds(i32::try_from(minutes * 60).unwrap()).unwrap();
        let local = offset.to_datetime(instant);
        prop_assume!(local.year() >= 1);
        let text = format!("{local:.places$}{}", offset_text(minutes));
        let text = if places == 0 { text.replace(".0", "") } else { text };
        let expected: Timestamp = text.parse().unwrap();
        prop_assume!(expected.as_microsecond() >= MIN_MICROS);
        let floor = expected.as_nanosecond().div_euclid(1000);
        prop_assert_eq!(i128::from(parse_micros(&text).unwrap()), floor, "{}", text);
    }

    #[test]
    fn days_exist_when_they_do_for_jiff(year in 1..=9999_i16, month in 0..=13_i8, day in 0..=32_i8) {
        let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
        let expected = Date::new(year, month, day).map_err(|_| InvalidDateTime::NoSuchTime);
        prop_assert_eq!(parse_micros(&text).map(date_of), expected);
    }

    /// A `t` in place of the `T` makes no difference but that another reader reads it.
    #[test]
    fn the_usual_shape_is_read_as_any_other(
        instant in instants(),
        ticks in 0..10_000_000_u32,
        changes in proptest::collection::vec((0..28_usize, 0x20..0x7f_u8), 0..2),
    ) {
        let date = instant.strftime("%Y-%m-%dT%H:%M:%S");
        let mut text = format!("{date}.{ticks:07}Z").into_bytes();
        for (at, byte) in changes {
            text[at] = byte;
        }
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(parse_micros(&text), parse_micros(&text.replace('T', "t")), "{}", text);
    }

    #[test]
    fn what_is_written_is_read_again(micros in MIN_MICROS..=MAX_MICROS) {
        let text = format_micros(micros);
        prop_assert_eq!(parse_micros(&text), Ok(micros));
        prop_assert!(!text.contains('.') || !text.ends_with("0Z"), "no trailing zeros: {}", text);
    }

    #[test]
    fn days_are_those_of_jiff(instant in instants()) {
        let day = jiff::tz::Offset::UTC.to_datetime(instant).date();
        prop_assert_eq!(date_of(instant.as_microsecond()), day);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}", place in 0..27_usize, other in any::<char>()) {
        parse_micros(&text).unwrap_or_default();
        let mut chars: Vec<char> = "2026-11-22T10:00:00.1234567Z".chars().collect();
        chars[place] = other;
        parse_micros(&chars.iter().collect::<String>()).unwrap_or_default();
    }
}

fn offset_text(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
