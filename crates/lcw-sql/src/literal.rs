//! Text as SQL says it.

/// `text` as an expression. A sign that a screen may not show as it stands, or that a template
/// language gives a meaning, is written by its number: what is read is what is run, line by line.
pub(crate) fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    for letter in text.chars() {
        if is_plain(letter) {
            plain.push(letter);
            continue;
        }
        if !plain.is_empty() {
            parts.push(quoted(&std::mem::take(&mut plain)));
        }
        parts.push(format!("chr({})", u32::from(letter)));
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(quoted(&plain));
    }
    parts.join(" || ")
}

/// Words of our own between quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `text` inside a `--` comment: on one line.
pub(crate) fn remark(text: &str) -> String {
    let shown = |letter: char| match letter {
        '{' | '}' | '$' | '%' => letter,
        _ if is_plain(letter) => letter,
        _ => '?',
    };
    text.chars().map(shown).collect()
}

/// Letters and numbers of any script, and what ASCII prints, but for the signs of templates.
fn is_plain(letter: char) -> bool {
    match letter {
        '{' | '}' | '$' | '%' => false,
        ' ' => true,
        _ => letter.is_ascii_graphic() || letter.is_alphanumeric(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_ends_where_it_should() {
        assert_eq!(literal("/srv/data"), "'/srv/data'");
        assert_eq!(literal(""), "''");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("é 資料"), "'é 資料'");
    }

    #[test]
    fn what_is_not_shown_as_it_stands_is_written_by_its_number() {
        assert_eq!(literal("a\nb"), "'a' || chr(10) || 'b'");
        assert_eq!(literal("\u{202e}x"), "chr(8238) || 'x'");
        assert_eq!(literal("a{b"), "'a' || chr(123) || 'b'");
        assert_eq!(literal("🦀"), "chr(129408)");
    }

    #[test]
    fn a_remark_stays_on_its_line() {
        assert_eq!(remark("a\n; DROP TABLE b {c}"), "a?; DROP TABLE b {c}");
    }
}
