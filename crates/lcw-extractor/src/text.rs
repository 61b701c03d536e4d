//! Texts of other people, made fit for a message: short, one line, no secrets.

/// The longest text of a service that an error repeats, in characters.
const LONGEST: usize = 600;

/// A text of the service for an error or a log line.
///
/// Control characters are escaped (they could drive a terminal), URLs lose their
/// query (it may hold a skiptoken), words that look like a token go, and what is
/// longer than 600 characters is cut.
pub(crate) fn presentable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    let mut words = text.split_whitespace();
    if let Some(first) = words.next() {
        push_word(&mut clean, first);
    }
    for word in words {
        if clean.chars().count() >= LONGEST {
            break;
        }
        clean.push(' ');
        push_word(&mut clean, word);
    }
    if clean.chars().count() > LONGEST {
        clean = clean.chars().take(LONGEST).collect();
        clean.push('…');
    }
    clean
}

/// The first line of a text, presentable.
pub(crate) fn first_line(text: &str) -> String {
    presentable(text.trim_start().lines().next().unwrap_or_default())
}

fn push_word(clean: &mut String, word: &str) {
    let (shown, query) = match word.split_once('?') {
        Some((url, query)) if url.contains("://") => (url, Some(query)),
        _ => (word, None),
    };
    let lower = shown.to_ascii_lowercase();
    if lower.contains("skiptoken") || lower.contains("$skip") || is_token(shown) {
        clean.push_str("[redacted]");
        return;
    }
    for character in shown.chars().take(LONGEST + 1) {
        if character.is_control() {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    if query.is_some() {
        clean.push_str("?[redacted]");
    }
}

/// Whether a word holds something of the shape of a JSON web token.
fn is_token(word: &str) -> bool {
    word.find("eyJ")
        .is_some_and(|start| word.len() - start > 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_lines_joined() {
        assert_eq!(presentable("a\u{1b}[31m\r\n  b\tc"), "a\\u{1b}[31m b c");
        assert_eq!(
            first_line("\r\nAADSTS1: no.\r\nTrace ID: x"),
            "AADSTS1: no."
        );
        assert_eq!(presentable(""), "");
    }

    #[test]
    fn queries_skiptokens_and_tokens_go() {
        let shown = presentable(&format!(
            "see https://g.example/v1.0/x?$skiptoken=canary and $skiptoken=canary or skipToken='canary' or token=eyJ{}canary.",
            "a".repeat(50)
        ));
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.starts_with("see https://g.example/v1.0/x"), "{shown}");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(presentable(&"é".repeat(5000)).chars().count(), LONGEST + 1);
        assert!(presentable(&"word ".repeat(5000)).chars().count() <= LONGEST + 6);
    }
}
