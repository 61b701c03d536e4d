//! Settings as the text of a pipeline file.

use serde_json::Value;

use crate::lines::{harmless_json, on_one_line};

/// A value as TOML has it, on one line. Strings are JSON's, which TOML's basic strings contain once
/// everything is escaped that no editor shows.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        other => harmless_json(&other.to_string()),
    }
}

/// A list of which every entry has a line of its own.
pub(crate) fn list(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(value).collect();
    format!("[\n    {},\n]", items.join(",\n    "))
}

/// The path of a file as a word of a shell's command line, in a comment.
pub(crate) fn word(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-~".contains(letter);
    let path = on_one_line(path);
    if !path.is_empty() && path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_back_as_it_was() {
        let values = [
            serde_json::json!("a\"b\\c\n\u{1b}[31m\u{7f}\u{202e}é🦀#"),
            serde_json::json!(["a", "b]"]),
            serde_json::json!(5),
            serde_json::json!(2.5),
            serde_json::json!(true),
        ];
        for value in values {
            let mut texts = vec![super::value(&value)];
            texts.extend(value.as_array().map(|items| list(items)));
            for text in texts {
                let table: toml::Table = format!("key = {text}\n").parse().unwrap();
                assert_eq!(serde_json::json!(table["key"]), value, "{text}");
                assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7f}']), "{text:?}");
            }
        }
    }

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(word("/etc/lcw/daily.toml"), "/etc/lcw/daily.toml");
        assert_eq!(word("it's here\n.toml"), r"'it'\''s here .toml'");
    }
}
