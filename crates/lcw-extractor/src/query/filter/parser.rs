//! Reads a filter by recursive descent: `or` joins what `and` joins.

use super::super::error::{Operators, QueryError};
use super::super::property::{Property, filter_names};
use super::lexer::{Token, What, tokens};
use super::literal::Literal;
use super::{Comparison, Expression, Operator};
use crate::text::presentable;

const OPTION: &str = "$filter";

/// What a filter is made of.
const ALLOWED: &str = "allowed are comparisons by eq, ne, lt, le, gt and ge, joined by and, or and \
    parentheses";

/// More parentheses within one another than a filter of six properties can need: the reader calls
/// itself for each.
const DEEPEST: usize = 32;

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Expression, QueryError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        end: text.chars().count() + 1,
        tokens: tokens.iter().peekable(),
        depth: 0,
    };
    let expression = parser.any()?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) if token.what == What::Close => Err(QueryError::Syntax {
            problem: "there is no opening parenthesis for the `)`".to_owned(),
            at: token.at,
        }),
        Some(token) => Err(expected("`and` or `or`", token)),
    }
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::slice::Iter<'a, Token>>,
    /// One past the last character.
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(Expression::any(parts))
    }

    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(Expression::all(parts))
    }

    fn one(&mut self) -> Result<Expression, QueryError> {
        let token = self.next("a property")?;
        match &token.what {
            What::Open => self.group(token.at),
            What::Word(word) => self.comparison(word, token.at),
            _ => Err(expected("a property", token)),
        }
    }

    fn group(&mut self, at: usize) -> Result<Expression, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let problem = format!("more than {DEEPEST} parentheses within one another");
            return Err(QueryError::Syntax { problem, at });
        }
        let expression = self.any()?;
        let close = self.next("`)`")?;
        if close.what != What::Close {
            return Err(expected("`and`, `or` or `)`", close));
        }
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self, name: &str, at: usize) -> Result<Expression, QueryError> {
        if name.eq_ignore_ascii_case("not") {
            let problem = format!(
                "`not` is not documented for results (use `ne`, or the opposite operator); \
                 {ALLOWED}; it stands"
            );
            return Err(QueryError::Syntax { problem, at });
        }
        if self
            .tokens
            .peek()
            .is_some_and(|token| token.what == What::Open)
        {
            let problem = format!(
                "`{}(…)` is a function, and none is documented for results; {ALLOWED}; it stands",
                presentable(name)
            );
            return Err(QueryError::Syntax { problem, at });
        }
        let property = property(name)?;
        let operator = self.operator(property)?;
        let written = self.next("a value")?;
        let literal = Literal::read(property, operator, &written.what)?;
        Ok(Expression::Compare(Comparison {
            property,
            operator,
            literal,
        }))
    }

    fn operator(&mut self, property: Property) -> Result<Operator, QueryError> {
        let token = self.next(&format!("an operator ({})", Operators(property)))?;
        let found = match &token.what {
            What::Word(word) => Operator::find(word),
            _ => None,
        };
        found
            .filter(|operator| property.operators().contains(operator))
            .ok_or_else(|| QueryError::Operator {
                property,
                got: presentable(&token.what.as_written()),
            })
    }

    fn next(&mut self, wanted: &str) -> Result<&'a Token, QueryError> {
        self.tokens.next().ok_or_else(|| QueryError::Syntax {
            problem: format!("expected {wanted}, but the filter ends"),
            at: self.end,
        })
    }

    fn takes_word(&mut self, expected: &str) -> bool {
        let is_it = |token: &&Token| matches!(&token.what, What::Word(word) if word.eq_ignore_ascii_case(expected));
        self.tokens.next_if(is_it).is_some()
    }
}

fn expected(wanted: &str, token: &Token) -> QueryError {
    let got = presentable(&token.what.as_written());
    QueryError::Syntax {
        problem: format!("expected {wanted}, got `{got}`"),
        at: token.at,
    }
}

/// The property of that name, when it can be filtered.
fn property(name: &str) -> Result<Property, QueryError> {
    if name.eq_ignore_ascii_case(Property::Subject.filter_name()) {
        return Ok(Property::Subject);
    }
    if name.eq_ignore_ascii_case("subject") || name.to_ascii_lowercase().starts_with("subject/") {
        return Err(QueryError::SubjectPath {
            name: presentable(name),
        });
    }
    let property = Property::find(name, OPTION, filter_names)?;
    if property.operators().is_empty() {
        return Err(QueryError::NotFilterable { property });
    }
    Ok(property)
}
