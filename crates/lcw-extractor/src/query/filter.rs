//! `$filter`: which rows are asked for.

mod lexer;
mod literal;
mod parser;

use std::fmt;
use std::str::FromStr;

use super::error::QueryError;
use super::property::Property;
use literal::Literal;

/// A condition on user processing results.
///
/// What is understood is what the reference documents: `property operator literal`, joined by
/// `and`, `or` and parentheses, with the operators of each property. `not`, functions, lambdas and
/// arithmetic are refused. Date-times are written without quotes; texts and values of
/// enumerations in quotes, in which `''` is one quote; the subject is compared as `subject/id`;
/// `null` stands only after `eq` and `ne`, for the date-times that can be null.
///
/// Some values of the enumerations are sent by the service only to those who ask for them with a
/// header (`canceling` and `quarantined`; `activatedWithScope`, `preview` and
/// `extensibilityOnDemand`). They can be filtered for here, but the reference does not say whether
/// the service compares a row's real value then, or `unknownFutureValue`.
///
/// Prints in a normal form: single spaces, the casing of the metadata, date-times in UTC without
/// trailing zeros, and no parentheses that do not matter.
///
/// ```
/// use lcw_extractor::query::Filter;
/// let filter: Filter = "(PROCESSINGSTATUS eq 'Failed') and startedDateTime Ge 2026-11-22T01:00:00+01:00".parse()?;
/// assert_eq!(
///     filter.to_string(),
///     "processingStatus eq 'failed' and startedDateTime ge 2026-11-22T00:00:00Z",
/// );
/// # Ok::<(), lcw_extractor::query::QueryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    root: Expression,
}

/// A condition, or several joined. Neither joins its own kind, and both join two at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Compare(Comparison),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// A property, an operator that it supports, and a literal of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) property: Property,
    pub(super) operator: Operator,
    pub(super) literal: Literal,
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

impl Operator {
    const ALL: [Self; 6] = [Self::Lt, Self::Le, Self::Gt, Self::Ge, Self::Eq, Self::Ne];

    fn name(self) -> &'static str {
        match self {
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Eq => "eq",
            Self::Ne => "ne",
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.name().eq_ignore_ascii_case(name))
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Eq | Self::Ne)
    }
}

impl Filter {
    /// Whether it compares a property with something.
    pub fn compares(&self, property: Property) -> bool {
        self.root.compares(property)
    }
}

impl Expression {
    fn compares(&self, property: Property) -> bool {
        match self {
            Self::Compare(comparison) => comparison.property == property,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|it| it.compares(property)),
        }
    }

    /// All of `parts`, which are one or more.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::join(parts, Self::And, |part| match part {
            Self::And(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Any of `parts`, which are one or more.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::join(parts, Self::Or, |part| match part {
            Self::Or(inner) => Ok(inner),
            other => Err(other),
        })
    }

    fn join(
        parts: Vec<Self>,
        joined: fn(Vec<Self>) -> Self,
        of_the_same_kind: fn(Self) -> Result<Vec<Self>, Self>,
    ) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match of_the_same_kind(part) {
                Ok(inner) => flat.extend(inner),
                Err(other) => flat.push(other),
            }
        }
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => {
                flat.extend(last);
                joined(flat)
            }
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(comparison) => write!(f, "{comparison}"),
            Self::And(parts) => write_joined(f, parts, " and "),
            Self::Or(parts) => write_joined(f, parts, " or "),
        }
    }
}

/// `and` binds closer than `or`, so only an `or` within an `and` needs its parentheses.
fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Expression], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if matches!(part, Expression::Or(_)) {
            f.write_str("(")?;
            part.write(f)?;
            f.write_str(")")?;
        } else {
            part.write(f)?;
        }
    }
    Ok(())
}

impl FromStr for Filter {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let root = parser::parse(text)?;
        Ok(Self { root })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.write(f)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.property.filter_name();
        write!(f, "{name} {} {}", self.operator, self.literal)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
