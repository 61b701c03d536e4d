//! Reasons of failures without what differs from user to user.

use lcw_dataset::digest_of;

use crate::plain;
use crate::subject::guid;

/// Letters of a reason that are kept.
const LONGEST: usize = 240;

/// What is shown where the service gives no reason.
pub(crate) const NO_REASON: &str = "(the service gives no reason)";

/// A reason with ids, numbers and addresses replaced by what they are, on one line: the same cause
/// reads the same for every user, and no user is named by id or address. Names that the service
/// writes out stay.
pub(crate) fn normalised(reason: &str) -> String {
    let shown = plain::on_one_line(reason);
    let words: Vec<String> = shown.split_whitespace().map(word).collect();
    let text = words.join(" ");
    if text.is_empty() {
        return NO_REASON.to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Twelve hexadecimal digits that stay the same from report to report.
pub(crate) fn digest(task: &str, reason: &str) -> String {
    let mut digest = digest_of(format!("{task}\n{reason}").as_bytes());
    digest.truncate(12);
    digest
}

/// A word with its variable parts replaced. Letters around it, like quotes, stay.
fn word(word: &str) -> String {
    let is_inside = |letter: char| letter.is_alphanumeric() || "-_.@+%".contains(letter);
    let mut text = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(is_inside) {
        text.push_str(&rest[..start]);
        let token = &rest[start..];
        let end = token
            .find(|letter| !is_inside(letter))
            .unwrap_or(token.len());
        push_token(&mut text, &token[..end]);
        rest = &token[end..];
    }
    text.push_str(rest);
    text
}

fn push_token(to: &mut String, token: &str) {
    let bare = token.trim_matches(['.', '-', '_']);
    let (before, after) = match token.find(bare) {
        Some(at) if !bare.is_empty() => (&token[..at], &token[at + bare.len()..]),
        _ => ("", ""),
    };
    to.push_str(before);
    if is_address(bare) {
        to.push_str("<address>");
    } else if is_id(bare) {
        to.push_str("<id>");
    } else if bare.is_empty() {
        to.push_str(token);
    } else {
        push_without_numbers(to, bare);
    }
    to.push_str(after);
}

fn is_address(token: &str) -> bool {
    token
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// GUIDs, composed ids that hold one, and long words of hexadecimal digits with a number among them.
fn is_id(token: &str) -> bool {
    let is_hex = token.len() >= 8
        && token.bytes().all(|byte| byte.is_ascii_hexdigit())
        && token.bytes().any(|byte| byte.is_ascii_digit())
        && token.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hex || token.split('_').any(|part| guid(part).is_some())
}

fn push_without_numbers(to: &mut String, token: &str) {
    let mut in_number = false;
    for letter in token.chars() {
        let is_digit = letter.is_numeric();
        if !is_digit {
            to.push(letter);
        } else if !in_number {
            to.push_str("<n>");
        }
        in_number = is_digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_user_to_user_is_gone() {
        for (reason, expected) in [
            (
                "The user does not have a manager.",
                "The user does not have a manager.",
            ),
            (
                "User 5f0c4c2e-8d2e-4a7e-9d5e-0a1b2c3d4e5f is gone (code 404).",
                "User <id> is gone (code <n>).",
            ),
            (
                "No mailbox for anna.weiß@contoso.com!",
                "No mailbox for <address>!",
            ),
            (
                "id '8f3a99c01d' at step 12 of 20",
                "id '<id>' at step <n> of <n>",
            ),
            (
                "run 5f0c4c2e-8d2e-4a7e-9d5e-0a1b2c3d4e5f_638927104150522341 ended.",
                "run <id> ended.",
            ),
            ("a\r\n\tb   c\u{1b}[31m", "a b c [<n>m"),
            ("feedface and decade", "feedface and decade"),
            ("見つかりません 🦀 42", "見つかりません 🦀 <n>"),
            ("... --", "... --"),
            ("", NO_REASON),
            (" \u{200b}\n", NO_REASON),
        ] {
            assert_eq!(normalised(reason), expected, "{reason:?}");
        }
        let long = normalised(&"é".repeat(5_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_fingerprint_is_of_task_and_reason() {
        let one = digest("Disable", "x");
        assert_eq!(one.len(), 12);
        assert_eq!(one, digest("Disable", "x"));
        assert_ne!(one, digest("Delete", "x"));
        assert_ne!(one, digest("Disable", "y"));
    }
}
