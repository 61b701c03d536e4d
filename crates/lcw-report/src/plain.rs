//! Other people's words, so that they can be shown.

/// Text on one line in which nothing steers a terminal or turns the direction of writing: controls,
/// line ends and invisible signs become spaces.
pub(crate) fn on_one_line(text: &str) -> String {
    let plain = |letter: char| if is_hidden(letter) { ' ' } else { letter };
    text.chars().map(plain).collect()
}

/// The same, with at most `columns` letters.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    let line = on_one_line(text);
    if line.chars().count() <= columns {
        return line;
    }
    let mut short: String = line.chars().take(columns.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_line() {
        assert_eq!(
            on_one_line("a\x1b[31m\r\n\u{202e}b\u{200b}é"),
            "a [31m   b é"
        );
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }
}
