//! Texts of other people, made fit for a message: short, one line, no secrets.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest text of a service that an error repeats, in characters.
const LONGEST: usize = 600;

/// The shortest secret that is looked for, in bytes: less would take half of a message with it.
const SHORTEST_SECRET: usize = 6;

/// What stays as it is in the value of a form, where a space is a plus.
const FORM_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// A text of a service without the secrets that it was sent: it may repeat what it was asked, as
/// it was meant or as it was written into a form.
pub(crate) fn without<'t>(text: &'t str, secrets: &[&str]) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    let secrets = secrets
        .iter()
        .filter(|secret| secret.len() >= SHORTEST_SECRET);
    for secret in secrets {
        let encoded = utf8_percent_encode(secret, FORM_VALUE).to_string();
        for shape in [*secret, &encoded, &encoded.replace("%20", "+")] {
            if text.contains(shape) {
                text = text.replace(shape, "[redacted]").into();
            }
        }
    }
    text
}

/// A text without what names people: mail addresses and user names, and ids that are not part of
/// `known`, the path that was asked for. Graph's refusals name the object that they are about.
pub(crate) fn without_people(text: &str, known: &str) -> String {
    let known = known.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|letter| !is_of_a_name(letter))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.contains('@') {
            clean.push_str("[redacted]");
        } else {
            push_without_ids(&mut clean, name, &known);
        }
        let separator = after.chars().next().map_or(0, char::len_utf8);
        clean.push_str(&after[..separator]);
        rest = &after[separator..];
    }
    clean
}

/// What user names and ids are made of.
fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || "@.-_+#'%".contains(letter)
}

fn push_without_ids(clean: &mut String, name: &str, known: &str) {
    const GUID: usize = 36;
    let mut rest = name;
    while let Some(start) = (0..rest.len()).find(|at| is_guid(rest.as_bytes(), *at)) {
        let id = &rest[start..start + GUID];
        clean.push_str(&rest[..start]);
        let is_known = known.contains(&id.to_ascii_lowercase());
        clean.push_str(if is_known { id } else { "[redacted]" });
        rest = &rest[start + GUID..];
    }
    clean.push_str(rest);
}

/// Whether a GUID begins there.
fn is_guid(bytes: &[u8], start: usize) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let guid = bytes.get(start..start + 36);
    guid.is_some_and(|guid| guid.iter().enumerate().all(fits))
}

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
    fn what_was_sent_does_not_come_back() {
        let echoed = "bad token canary~1, canary~1 is bad; ab too";
        assert_eq!(
            without(echoed, &["canary~1", "ab", ""]),
            "bad token [redacted], [redacted] is bad; ab too"
        );
        assert_eq!(
            without("s=canary+%7E%2F&x canary%20%7E%2F", &["canary ~/"]),
            "s=[redacted]&x [redacted]"
        );
    }

    #[test]
    fn nobody_is_named_but_what_was_asked_for() {
        let (asked, other) = (
            "8CDF25A8-c9d2-423e-a03d-3f39f03c3e97",
            "5ec7e7b0-1111-4222-8333-44445555beef",
        );
        let path = format!("/workflows/{}/runs", asked.to_ascii_lowercase());
        let text = format!(
            "No '{asked}' for {other}, ({other}_7) nor u.ö'name#EXT#@x.example;\n  Ünï x-{other}."
        );
        assert_eq!(
            without_people(&text, &path),
            format!(
                "No '{asked}' for [redacted], ([redacted]_7) nor [redacted];\n  Ünï x-[redacted]."
            )
        );
        assert_eq!(without_people("", ""), "");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(presentable(&"é".repeat(5000)).chars().count(), LONGEST + 1);
        assert!(presentable(&"word ".repeat(5000)).chars().count() <= LONGEST + 6);
    }
}
