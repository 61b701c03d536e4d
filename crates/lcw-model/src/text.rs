//! Text of a JSON string.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Text borrowed from the body unless it holds an escape.
///
/// A newtype, because serde does not borrow inside `Option<Cow<str>>`: that form would allocate
/// every value. `Debug` prints the content.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is a slice of the body: true unless the JSON string held an escape.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }

    /// The text without its wrapper, still borrowed where it was.
    pub fn into_inner(self) -> Cow<'a, str> {
        self.0
    }

    /// The text, copied when it was borrowed.
    pub fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text::from(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text::from(text.to_owned()))
    }
}

/// Characters of a value that an error shows.
const SHOWN: usize = 60;

/// A value as an error may show it: one line, without control characters, at most 60 characters
/// of it and `…` where it was cut.
///
/// ```
/// assert_eq!(lcw_model::shortened("2022-08-24\n"), "2022-08-24\\n");
/// assert_eq!(lcw_model::shortened(&"x".repeat(1000)), format!("{}…", "x".repeat(60)));
/// ```
pub fn shortened(value: &str) -> String {
    shortened_to(value, SHOWN)
}

/// As [`shortened`], with at most `limit` characters of the value.
pub fn shortened_to(value: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(value.len().min(limit + 4));
    for (count, char) in value.chars().enumerate() {
        if count == limit {
            shown.push('…');
            break;
        }
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}
