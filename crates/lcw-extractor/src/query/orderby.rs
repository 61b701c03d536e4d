//! `$orderby`: in which order the service sends its rows.

use std::fmt;
use std::str::FromStr;

use super::error::QueryError;
use super::property::{Property, names};

const OPTION: &str = "$orderby";

/// Upwards or downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// `asc`, which is what the service does when nothing is said.
    Ascending,
    /// `desc`.
    Descending,
}

/// The order in which rows are asked for. Says nothing about the order of rows in a dataset, which
/// is always that of their keys.
///
/// Prints without `asc`.
///
/// ```
/// use lcw_extractor::query::OrderBy;
/// let order: OrderBy = "startedDateTime DESC, id asc".parse()?;
/// assert_eq!(order.to_string(), "startedDateTime desc,id");
/// # Ok::<(), lcw_extractor::query::QueryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    terms: Vec<(Property, Direction)>,
}

impl FromStr for OrderBy {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let mut terms: Vec<(Property, Direction)> = Vec::new();
        for term in text.split(',') {
            let (property, direction) = read(term)?;
            if terms.iter().any(|(known, _)| *known == property) {
                return Err(QueryError::Duplicate {
                    option: OPTION,
                    name: property.name(),
                });
            }
            terms.push((property, direction));
        }
        Ok(Self { terms })
    }
}

fn read(term: &str) -> Result<(Property, Direction), QueryError> {
    let mut words = term.split_whitespace();
    let Some(name) = words.next() else {
        return Err(QueryError::Empty {
            option: OPTION,
            allowed: names(Property::is_sortable),
        });
    };
    let property = Property::find(name, OPTION, || names(Property::is_sortable))?;
    if !property.is_sortable() {
        return Err(QueryError::NotSortable {
            name: property.name(),
            allowed: names(Property::is_sortable),
        });
    }
    let rest: Vec<&str> = words.collect();
    let direction = match rest.as_slice() {
        [] => Direction::Ascending,
        [word] if word.eq_ignore_ascii_case("asc") => Direction::Ascending,
        [word] if word.eq_ignore_ascii_case("desc") => Direction::Descending,
        words => {
            return Err(QueryError::Direction {
                name: property.name(),
                got: words.join(" "),
            });
        }
    };
    Ok((property, direction))
}

impl fmt::Display for OrderBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (property, direction)) in self.terms.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let suffix = match direction {
                Direction::Ascending => "",
                Direction::Descending => " desc",
            };
            write!(f, "{separator}{property}{suffix}")?;
        }
        Ok(())
    }
}
