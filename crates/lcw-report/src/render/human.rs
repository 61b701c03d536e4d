//! Numbers and instants for people.

/// `850 ms`, `12.5 s`, `3 min 5 s`, `26 h 3 min`, `4 d 2 h`.
pub(super) fn span(ms: i64) -> String {
    let size = ms.unsigned_abs();
    let sign = if ms < 0 { "-" } else { "" };
    let (second, minute, hour, day) = (1_000, 60_000, 3_600_000, 86_400_000);
    let two = |whole: u64, of: &str, part: u64, of_part: &str| match part {
        0 => format!("{sign}{whole} {of}"),
        _ => format!("{sign}{whole} {of} {part} {of_part}"),
    };
    match size {
        _ if size < second => format!("{sign}{size} ms"),
        _ if size < minute => format!("{sign}{}.{} s", size / second, size % second / 100),
        _ if size < hour => two(size / minute, "min", size % minute / second, "s"),
        _ if size < 2 * day => two(size / hour, "h", size % hour / minute, "min"),
        _ => two(size / day, "d", size % day / hour, "h"),
    }
}

/// The same, or a dash.
pub(super) fn maybe_span(ms: Option<i64>) -> String {
    ms.map_or_else(|| "–".to_owned(), span)
}

/// `24 h` and `30 d`: a bound that somebody chose.
pub(super) fn bound(ms: i64) -> String {
    span(ms)
}

/// `2026-11-22 10:00:05` of an RFC 3339 instant in UTC, or a dash.
pub(super) fn instant(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "–".to_owned();
    };
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        _ => text.to_owned(),
    }
}

/// `1,234,567`.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `97.5 %`, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{share} %"))
}

/// `1 user`, `2 users`.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_numbers_are_human() {
        for (ms, shown) in [
            (0, "0 ms"),
            (-850, "-850 ms"),
            (12_540, "12.5 s"),
            (185_000, "3 min 5 s"),
            (3_600_000, "1 h"),
            (93_780_000, "26 h 3 min"),
            (86_400_000, "24 h"),
            (2_592_000_000, "30 d"),
            (352_800_000, "4 d 2 h"),
        ] {
            assert_eq!(span(ms), shown);
        }
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(999), "999");
        assert_eq!(percent(Some(97.5)), "97.5 %");
        assert_eq!(
            instant(Some("2026-11-22T10:00:05.123Z")),
            "2026-11-22 10:00:05"
        );
        assert_eq!(instant(Some("é")), "é");
        assert_eq!(instant(None), "–");
    }
}
