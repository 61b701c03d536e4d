//! Writes JSON text straight into a buffer.

use crate::ticks::{self, Ticks};

/// Appends a quoted and escaped string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The quoted and escaped string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_text(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a whole number.
pub(crate) fn push_int(out: &mut Vec<u8>, number: i32) {
    if let Ok(digit @ 0..10) = u8::try_from(number) {
        out.push(b'0' + digit);
    } else {
        out.extend_from_slice(number.to_string().as_bytes());
    }
}

/// Appends a quoted instant, or `null`.
pub(crate) fn push_optional_instant(out: &mut Vec<u8>, instant: Option<Ticks>) {
    match instant {
        Some(ticks) => push_quoted_instant(out, ticks),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a quoted instant.
pub(crate) fn push_quoted_instant(out: &mut Vec<u8>, ticks: Ticks) {
    out.push(b'"');
    ticks::push_instant(out, ticks);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_survives_a_parser() {
        let text = "quote \" back \\ line \n\r\t bell \u{7} del \u{7f} é 🦀 \u{202e}\u{2028}";
        assert_eq!(serde_json::from_str::<String>(&quoted(text)).unwrap(), text);
    }

    #[test]
    fn numbers_are_decimal() {
        let mut out = Vec::new();
        for number in [0, 9, 10, -1, i32::MAX] {
            push_int(&mut out, number);
            out.push(b' ');
        }
        assert_eq!(out, b"0 9 10 -1 2147483647 ");
    }
}
