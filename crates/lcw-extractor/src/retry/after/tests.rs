use proptest::prelude::*;
use reqwest::header::HeaderValue;

use super::*;

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn millis(text: &str) -> Option<u128> {
    parse(text, now()).map(|pause| pause.as_millis())
}

#[test]
fn every_form_is_read() {
    for (text, expected) in [
        ("2", Some(2_000)),
        (" 120 ", Some(120_000)),
        ("2.128", Some(2_128)),
        ("2.1281", Some(2_129)),
        ("0.0001", Some(1)),
        (".5", Some(500)),
        ("2,128", Some(2_128)),
        ("5, 10", Some(10_000)),
        ("5, 10, 7", Some(10_000)),
        ("2.5, 1", Some(2_500)),
        ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30_000)),
        ("Monday, 23-Nov-26 10:00:30 GMT", Some(30_000)),
        ("Mon Nov 23 10:00:30 2026", Some(30_000)),
        ("Mon, 23 Nov 2026 09:59:59 GMT", None),
        ("0", None),
        ("0.0", None),
        ("-5", None),
        ("+5", None),
        ("", None),
        (".", None),
        ("soon", None),
        ("NaN", None),
        ("inf", None),
        ("1e3", None),
        ("5s", None),
    ] {
        assert_eq!(millis(text), expected, "{text:?}");
    }
}

#[test]
fn a_huge_value_is_a_huge_pause() {
    for text in [
        "99999999999",
        "18446744073709551616",
        &"9".repeat(400),
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        assert_eq!(parse(text, now()), Some(LONGEST), "{text}");
    }
}

#[test]
fn the_longest_of_several_headers_counts() {
    let mut headers = HeaderMap::new();
    assert_eq!(retry_after(&headers, now()), None);
    headers.append(RETRY_AFTER, HeaderValue::from_static("3"));
    headers.append(RETRY_AFTER, HeaderValue::from_static("nonsense"));
    headers.append(RETRY_AFTER, HeaderValue::from_static("7"));
    headers.append(RETRY_AFTER, HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(retry_after(&headers, now()), Some(Duration::from_secs(7)));
}

proptest! {
    #[test]
    fn no_text_panics_and_no_pause_is_beyond_the_longest(text in "\\PC{0,40}|[0-9., ]{0,30}") {
        if let Some(pause) = parse(&text, now()) {
            prop_assert!(pause <= LONGEST && !pause.is_zero());
        }
    }

    #[test]
    fn seconds_with_a_fraction_are_never_shorter_than_asked(
        whole in 0_u64..1_000_000, digits in "[0-9]{0,9}", separator in "[.,]",
    ) {
        let text = if digits.is_empty() { whole.to_string() } else { format!("{whole}{separator}{digits}") };
        let nanos: u64 = format!("{digits:0<9}").parse().unwrap();
        let asked = Duration::new(whole, u32::try_from(nanos).unwrap());
        match parse(&text, now()) {
            Some(pause) => prop_assert!(pause >= asked && pause < asked + Duration::from_millis(1)),
            None => prop_assert!(asked.is_zero()),
        }
    }

    #[test]
    fn dates_are_read_against_the_services_clock(offset in -100_000_i64..100_000) {
        let date = now() + jiff::SignedDuration::from_secs(offset);
        let text = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let expected = u64::try_from(offset).ok().filter(|seconds| *seconds > 0);
        prop_assert_eq!(parse(&text, now()), expected.map(Duration::from_secs));
    }
}
