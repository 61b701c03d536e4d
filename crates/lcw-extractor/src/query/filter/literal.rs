//! What properties are compared with.

use std::fmt;

use lcw_model::time::{format_micros, parse_micros};

use super::super::error::{QueryError, hint};
use super::super::property::{Kind, Property};
use super::Operator;
use super::lexer::What;
use crate::text::presentable;

/// The right side of a comparison, in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Literal {
    Null,
    /// RFC 3339 in UTC, without trailing zeros.
    DateTime(String),
    /// A member of the property's enumeration.
    Member(&'static str),
    Text(String),
}

impl Literal {
    /// Reads what `property` is compared with.
    pub(super) fn read(
        property: Property,
        operator: Operator,
        written: &What,
    ) -> Result<Self, QueryError> {
        if is_null(written) && property.is_nullable() && operator.is_equality() {
            return Ok(Self::Null);
        }
        let literal = match (property.kind(), written) {
            (Kind::DateTime, What::Word(word)) => date_time(word).map(Self::DateTime),
            (Kind::Text, What::Quoted(text)) => Some(Self::Text(text.clone())),
            (Kind::Enum(members), What::Quoted(text)) => members
                .iter()
                .find(|member| member.eq_ignore_ascii_case(text))
                .map(|member| Self::Member(member)),
            _ => None,
        };
        literal.ok_or_else(|| QueryError::Literal {
            property,
            expected: expected(property),
            got: presentable(&written.as_written()),
            hint: match (property.kind(), written) {
                (Kind::Enum(members), What::Quoted(text) | What::Word(text)) => {
                    hint(text, members.iter().copied())
                }
                _ => None,
            },
        })
    }
}

fn is_null(written: &What) -> bool {
    matches!(written, What::Word(word) if word.eq_ignore_ascii_case("null"))
}

/// What a property is compared with, for a message.
fn expected(property: Property) -> String {
    match property.kind() {
        Kind::DateTime if property.is_nullable() => {
            "a date-time like 2026-11-22T10:00:00Z, without quotes and with 7 fraction digits at most, \
             or by eq and ne with null"
                .to_owned()
        }
        Kind::DateTime => "a date-time like 2026-11-22T10:00:00Z, without quotes and with 7 fraction \
                           digits at most"
            .to_owned(),
        Kind::Enum(members) => format!("one of '{}'", members.join("', '")),
        Kind::Text => "a text in quotes ('' is a quote within it)".to_owned(),
        Kind::Integer => "nothing".to_owned(),
    }
}

/// Digits after the second in the service's own date-times. It does not take more.
const MOST_DIGITS: usize = 7;

/// The normal form of a date-time: in UTC, without trailing zeros. `None` if it is none that the
/// service could compare with.
fn date_time(word: &str) -> Option<String> {
    let micros = parse_micros(word).ok()?;
    let seconds = format_micros(micros - micros.rem_euclid(1_000_000));
    let digits: String = word
        .split_once('.')
        .map(|(_, fraction)| fraction)
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Some(match digits.trim_end_matches('0') {
        "" => seconds,
        digits if digits.len() > MOST_DIGITS => return None,
        digits => format!("{}.{digits}Z", seconds.trim_end_matches('Z')),
    })
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::DateTime(text) => f.write_str(text),
            Self::Member(name) => write!(f, "'{name}'"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}
