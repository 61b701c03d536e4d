//! Words in lines that a terminal shows as they are.

use std::fmt::{self, Write};

use jiff::civil::Date;

/// The width that text is made for.
pub(crate) const COLUMNS: usize = 80;

/// `1 file`, `2 files`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The words of `text` in lines of at most `columns` letters, each after `indent`. A longer word,
/// like a path, has a line of its own.
pub(crate) fn wrapped(text: &str, indent: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= columns;
        match lines.last_mut() {
            Some(line) if fits(line) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

/// The same with every line that is too long for a screen broken between words, and what follows set
/// in below it.
pub(crate) fn fitted(text: &str) -> String {
    let fit = |line: &str| {
        if line.chars().count() <= COLUMNS {
            return line.to_owned();
        }
        let depth = line.len() - line.trim_start_matches(' ').len();
        let lines = wrapped(line, &" ".repeat(depth + 2), COLUMNS).join("\n");
        lines[2..].to_owned()
    };
    text.lines().map(fit).collect::<Vec<_>>().join("\n")
}

/// Names are other people's words: they must not steer the terminal, nor hide in it. What is not
/// shown as it stands (controls, and signs that turn the direction of writing) becomes a space.
pub(crate) fn on_one_line(name: &str) -> String {
    let plain = |letter: char| if is_hidden(letter) { ' ' } else { letter };
    name.chars().map(plain).collect()
}

/// The same for a whole text, whose own line ends are meant.
pub(crate) fn harmless(text: &str) -> String {
    let plain = |letter: char| match letter {
        '\n' => letter,
        _ if is_hidden(letter) => ' ',
        _ => letter,
    };
    text.chars().map(plain).collect()
}

/// JSON that says the same, with everything escaped that is not shown as it stands.
pub(crate) fn harmless_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for letter in json.chars() {
        // Outside of its strings JSON has no such signs but line ends.
        if letter != '\n' && is_hidden(letter) {
            // Writing to a String cannot fail.
            let _infallible = write!(plain, "\\u{:04x}", u32::from(letter));
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// One event of the log on one line of its own, so that no text in it passes for another event.
/// Colours stay where there are any.
pub(crate) fn harmless_event(event: &str, has_colours: bool) -> String {
    let plain = |letter: char| match letter {
        '\u{1b}' if has_colours => letter,
        _ if is_hidden(letter) => ' ',
        _ => letter,
    };
    let mut line: String = event.trim_end_matches('\n').chars().map(plain).collect();
    line.push('\n');
    line
}

/// Of signs beyond U+FFFF none is hidden: JSON would need two escapes for it.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}')
}

/// Days after what they are, where there are any: days in a row as `2026-11-01 to 2026-11-03`.
pub(crate) fn days(to: &mut String, what: &str, days: &[String]) -> fmt::Result {
    if days.is_empty() {
        return Ok(());
    }
    let text = format!("{what}: {}", stretches(days).join(", "));
    for (number, line) in wrapped(&text, "    ", COLUMNS).iter().enumerate() {
        let line = if number == 0 { &line[2..] } else { line };
        writeln!(to, "{line}")?;
    }
    Ok(())
}

fn stretches(days: &[String]) -> Vec<String> {
    let date = |day: &String| day.parse::<Date>().ok();
    let is_next = |a: &String, b: &String| {
        let next = date(a).and_then(|day| day.tomorrow().ok());
        next.is_some() && next == date(b)
    };
    let stretch = |days: &[String]| match days {
        [only] => only.clone(),
        _ => format!("{} to {}", days[0], days[days.len() - 1]),
    };
    days.chunk_by(is_next).map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked_unless_a_word_is() {
        let lines = wrapped("one two  three a-very-long-word four", "  ", 9);
        assert_eq!(
            lines,
            ["  one two", "  three", "  a-very-long-word", "  four"]
        );
        assert!(wrapped("", "  ", 9).is_empty());
    }

    #[test]
    fn long_lines_are_broken_and_short_ones_left_alone() {
        let table = "  a   b";
        assert_eq!(fitted(table), table);
        let long = format!("  {} {}", "x".repeat(50), "y".repeat(50));
        let broken = format!("  {}\n    {}", "x".repeat(50), "y".repeat(50));
        assert_eq!(fitted(&long), broken);
        let word = "z".repeat(90);
        assert_eq!(fitted(&word), word);
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        let name = "a\x1b[31mb\r\n\tc\u{9b}d\u{202e}e\u{200b}f\u{7f}é";
        assert_eq!(on_one_line(name), "a [31mb   c d e f é");
        assert_eq!(harmless(name), "a [31mb \n c d e f é");
    }

    #[test]
    fn json_says_the_same_in_plain_signs() {
        let text = "a\x1b[31m\u{9b}\u{202e}\u{7f}\u{feff}é🦀\n\"";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let plain = harmless_json(&json);
        assert!(
            !plain.lines().any(|line| line.contains(is_hidden)),
            "{plain:?}"
        );
        let read: [String; 1] = serde_json::from_str(&plain).unwrap();
        assert_eq!(read[0], text);
    }

    #[test]
    fn an_event_is_one_line_and_only_colours_steer_the_terminal() {
        let event = "INFO a\nERROR b\r\x1b[31m\u{9b}c\n";
        assert_eq!(harmless_event(event, false), "INFO a ERROR b  [31m c\n");
        assert_eq!(harmless_event(event, true), "INFO a ERROR b \x1b[31m c\n");
    }

    #[test]
    fn days_in_a_row_are_one_stretch() {
        let of = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert_eq!(
            stretches(&of("2026-11-01 2026-11-02 2026-11-03 2026-11-07")),
            ["2026-11-01 to 2026-11-03", "2026-11-07"]
        );
        assert_eq!(
            stretches(&of("2026-11-30 2026-12-01 odd odd")),
            ["2026-11-30 to 2026-12-01", "odd", "odd"]
        );
        let mut text = String::new();
        days(&mut text, "lost", &[]).unwrap();
        assert_eq!(text, "");
        days(&mut text, "lost", &of("2026-11-01 2026-11-03")).unwrap();
        assert_eq!(text, "  lost: 2026-11-01, 2026-11-03\n");
    }
}
