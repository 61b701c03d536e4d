//! `$filter`: comparisons joined by `and` and `or`, as far as the reporting types document them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::config::DateProperty;
use crate::property::{self, Comparable, Property, RowKind};
use crate::ticks::{self, Ticks};

/// A condition on rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Compare {
        property: Property,
        operator: Operator,
        literal: Literal,
    },
}

/// Why a filter is answered with 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidFilter(pub(crate) String);

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Of flags: all of these are set.
    Has,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Instant(Ticks),
    Text(String),
    Number(i64),
    Boolean(bool),
    Null,
}

/// A property's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Instant(Option<Ticks>),
    Text(Cow<'a, str>),
    Number(i64),
    Boolean(bool),
    Missing,
}

/// Something with properties.
pub(crate) trait Row {
    /// The value of a property, [`Value::Missing`] where the type has none.
    fn value(&self, property: Property) -> Value<'_>;
}

impl Filter {
    /// Reads the text of a filter on rows of one kind.
    pub(crate) fn parse(kind: RowKind, text: &str) -> Result<Self, InvalidFilter> {
        let mut parser = Parser {
            kind,
            tokens: tokens(text)?,
            next: 0,
        };
        let filter = parser.either()?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(InvalidFilter(format!(
                "Syntax error: '{token}' is unexpected."
            ))),
        }
    }

    /// Whether the row meets the condition.
    pub(crate) fn accepts(&self, row: &impl Row) -> bool {
        match self {
            Self::Both(left, right) => left.accepts(row) && right.accepts(row),
            Self::Either(left, right) => left.accepts(row) || right.accepts(row),
            Self::Compare {
                property,
                operator,
                literal,
            } => operator.holds(&row.value(*property), literal),
        }
    }

    /// Whether every row that is accepted has a lower bound for one of these dates.
    pub(crate) fn bounds_below(&self, dates: &[DateProperty]) -> bool {
        match self {
            Self::Both(left, right) => left.bounds_below(dates) || right.bounds_below(dates),
            Self::Either(left, right) => left.bounds_below(dates) && right.bounds_below(dates),
            Self::Compare {
                property: Property::Date(date),
                operator,
                ..
            } => matches!(operator, Operator::Ge | Operator::Gt) && dates.contains(date),
            Self::Compare { .. } => false,
        }
    }
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "has" => Self::Has,
            _ => return None,
        })
    }

    fn holds(self, value: &Value<'_>, literal: &Literal) -> bool {
        if self == Self::Has {
            return has(value, literal);
        }
        let order = match (value, literal) {
            (Value::Instant(Some(value)), Literal::Instant(literal))
            | (Value::Number(value), Literal::Number(literal)) => value.cmp(literal),
            (Value::Text(value), Literal::Text(literal)) => value.as_ref().cmp(literal.as_str()),
            (Value::Boolean(value), Literal::Boolean(literal)) => value.cmp(literal),
            (Value::Instant(None) | Value::Missing, Literal::Null) => return self == Self::Eq,
            // A null equals nothing and is neither before nor after anything.
            _ => return self == Self::Ne,
        };
        match self {
            Self::Eq => order == Ordering::Equal,
            Self::Ne => order != Ordering::Equal,
            Self::Lt => order == Ordering::Less,
            Self::Le => order != Ordering::Greater,
            Self::Gt => order == Ordering::Greater,
            Self::Ge => order != Ordering::Less,
            Self::Has => false,
        }
    }

    /// Whether values of this type can be compared so.
    fn fits(self, comparable: Comparable) -> bool {
        match self {
            Self::Eq | Self::Ne => comparable != Comparable::Flags,
            Self::Has => comparable == Comparable::Flags,
            _ => !matches!(
                comparable,
                Comparable::Text | Comparable::Boolean | Comparable::Flags
            ),
        }
    }
}

fn has(value: &Value<'_>, literal: &Literal) -> bool {
    let (Value::Text(set), Literal::Text(wanted)) = (value, literal) else {
        return false;
    };
    wanted
        .split(',')
        .all(|wanted| set.split(',').any(|flag| flag == wanted.trim()))
}

impl Value<'_> {
    /// The same value on its own.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Instant(instant) => Value::Instant(instant),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Value::Number(number),
            Self::Boolean(flag) => Value::Boolean(flag),
            Self::Missing => Value::Missing,
        }
    }

    /// The order of two values of a property; nulls come first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Instant(one), Self::Instant(two)) => one.cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            (Self::Number(one), Self::Number(two)) => one.cmp(two),
            (Self::Boolean(one), Self::Boolean(two)) => one.cmp(two),
            _ => Ordering::Equal,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<String>, InvalidFilter> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '\'' => quoted_length(rest)
                .ok_or_else(|| InvalidFilter("There is an unterminated string literal.".into()))?,
            _ => rest.find([' ', '(', ')', '\'']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The length of a quoted string with its quotes; two quotes inside stand for one.
fn quoted_length(text: &str) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + text.get(from..)?.find('\'')?;
        if text.get(end + 1..)?.starts_with('\'') {
            from = end + 2;
        } else {
            return Some(end + 1);
        }
    }
}

#[derive(Debug)]
struct Parser {
    kind: RowKind,
    tokens: Vec<String>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(String::as_str)
    }

    fn take(&mut self) -> Result<String, InvalidFilter> {
        let token =
            self.tokens.get(self.next).cloned().ok_or_else(|| {
                InvalidFilter("Expression expected at the end of the filter.".into())
            })?;
        self.next += 1;
        Ok(token)
    }

    fn either(&mut self) -> Result<Filter, InvalidFilter> {
        let mut filter = self.both()?;
        while self.peek() == Some("or") {
            self.next += 1;
            filter = Filter::Either(Box::new(filter), Box::new(self.both()?));
        }
        Ok(filter)
    }

    fn both(&mut self) -> Result<Filter, InvalidFilter> {
        let mut filter = self.term()?;
        while self.peek() == Some("and") {
            self.next += 1;
            filter = Filter::Both(Box::new(filter), Box::new(self.term()?));
        }
        Ok(filter)
    }

    fn term(&mut self) -> Result<Filter, InvalidFilter> {
        if self.peek() != Some("(") {
            return self.comparison();
        }
        self.next += 1;
        let filter = self.either()?;
        match self.take()?.as_str() {
            ")" => Ok(filter),
            other => Err(InvalidFilter(format!(
                "Syntax error: ')' expected before '{other}'."
            ))),
        }
    }

    fn comparison(&mut self) -> Result<Filter, InvalidFilter> {
        let name = self.take()?;
        let (property, comparable) = property::filtered(self.kind, &name).ok_or_else(|| {
            InvalidFilter(format!(
                "Could not find a property named '{name}' to filter by."
            ))
        })?;
        let text = self.take()?;
        let operator = Operator::parse(&text)
            .ok_or_else(|| InvalidFilter(format!("The operator '{text}' is not supported.")))?;
        if !operator.fits(comparable) {
            return Err(InvalidFilter(format!(
                "The operator '{text}' is not supported for '{name}'."
            )));
        }
        let text = self.take()?;
        let literal = literal(comparable, &text).ok_or_else(|| {
            InvalidFilter(format!(
                "'{text}' cannot be compared with the property '{name}'."
            ))
        })?;
        Ok(Filter::Compare {
            property,
            operator,
            literal,
        })
    }
}

fn literal(comparable: Comparable, text: &str) -> Option<Literal> {
    match comparable {
        Comparable::Instant if text == "null" => Some(Literal::Null),
        Comparable::Instant => ticks::parse(text).map(Literal::Instant),
        Comparable::Text | Comparable::OrderedText | Comparable::Flags => {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(Literal::Text(inner.replace("''", "'")))
        }
        Comparable::Number => text.parse().ok().map(Literal::Number),
        Comparable::Boolean => text.parse().ok().map(Literal::Boolean),
    }
}

#[cfg(test)]
mod tests;
