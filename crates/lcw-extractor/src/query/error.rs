//! Why a query is refused, and what is allowed instead.

use std::fmt;

use super::property::Property;

/// Names as alike as this (Jaro-Winkler) are taken for one another's misspelling.
const ALIKE: f64 = 0.8;

/// Why a query is refused before it is sent. The message shows what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A list without a name in it, or with an empty one.
    #[error(
        "{option}: expected names separated by commas, allowed are {}",
        List(allowed)
    )]
    Empty {
        /// `$select`, `$orderby` or `$expand`.
        option: &'static str,
        /// The names that are allowed there.
        allowed: Vec<&'static str>,
    },
    /// A name that results do not have.
    #[error(
        "{option}: user processing results have no property `{name}`{}; allowed are {}",
        DidYouMean(*hint),
        List(allowed)
    )]
    UnknownProperty {
        /// The part of the query.
        option: &'static str,
        /// The name as it was written.
        name: String,
        /// The name that was probably meant.
        hint: Option<&'static str>,
        /// The names that are allowed there.
        allowed: Vec<&'static str>,
    },
    /// A relationship that is a table of its own.
    #[error(
        "{option}: `{name}` cannot be asked for with the results; it is a table of its own: \
         --table {}",
        table_of(name)
    )]
    Relationship {
        /// The part of the query.
        option: &'static str,
        /// The relationship.
        name: &'static str,
    },
    /// A name for the second time.
    #[error("{option}: `{name}` is named twice")]
    Duplicate {
        /// The part of the query.
        option: &'static str,
        /// The name.
        name: &'static str,
    },
    /// A property that rows cannot be ordered by.
    #[error(
        "$orderby: results cannot be ordered by `{name}`; allowed are {}",
        List(allowed)
    )]
    NotSortable {
        /// The property.
        name: &'static str,
        /// The properties that are allowed.
        allowed: Vec<&'static str>,
    },
    /// Something other than `asc` or `desc` after a property.
    #[error("$orderby: expected `asc` or `desc` after `{name}`, got `{got}`")]
    Direction {
        /// The property.
        name: &'static str,
        /// What stands there.
        got: String,
    },
    /// Something that cannot be expanded.
    #[error("$expand: `{name}` cannot be expanded{}; allowed is `subject`", DidYouMean(*hint))]
    NotExpandable {
        /// The name as it was written.
        name: String,
        /// The name that was probably meant.
        hint: Option<&'static str>,
    },
    /// A property that cannot be filtered.
    #[error("$filter: `{}` cannot be filtered; filterable are: {}", property.name(), Filterable)]
    NotFilterable {
        /// The property.
        property: Property,
    },
    /// Something else of the subject than its id.
    #[error(
        "$filter: of the subject only the id can be compared, write `subject/id eq '…'` instead of `{name}`"
    )]
    SubjectPath {
        /// What was written.
        name: String,
    },
    /// An operator that a property does not support.
    #[error(
        "$filter: `{}` does not support `{got}`; it supports {}{}",
        property.filter_name(),
        Operators(*property),
        InsteadOf(got)
    )]
    Operator {
        /// The property.
        property: Property,
        /// The operator as it was written.
        got: String,
    },
    /// A value of the wrong kind, or none of an enumeration.
    #[error("$filter: `{}` is compared with {expected}, got {got}{}", property.filter_name(), DidYouMean(*hint))]
    Literal {
        /// The property.
        property: Property,
        /// What it is compared with.
        expected: String,
        /// What stands there.
        got: String,
        /// The value that was probably meant.
        hint: Option<&'static str>,
    },
    /// A text that is no filter.
    #[error("$filter: {problem} at character {at}")]
    Syntax {
        /// What is wrong.
        problem: String,
        /// Where, from 1; one past the end when something is missing there.
        at: usize,
    },
}

/// The known name that is most like this one, if it is alike enough.
pub(super) fn hint(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, &known.to_ascii_lowercase());
    known
        .into_iter()
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The table that holds a relationship's rows.
fn table_of(relationship: &str) -> &'static str {
    match relationship {
        "reprocessedRuns" => "reprocessed_runs",
        _ => "task_processing_results",
    }
}

/// Names for a message.
pub(super) struct List<'a>(pub(super) &'a [&'static str]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

struct DidYouMean(Option<&'static str>);

impl fmt::Display for DidYouMean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, " (did you mean `{hint}`?)"),
            None => Ok(()),
        }
    }
}

/// How a list is written that would stand behind `in`.
struct InsteadOf<'a>(&'a str);

impl fmt::Display for InsteadOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.eq_ignore_ascii_case("in") {
            f.write_str(" (compare with each value by eq, and join them by or)")?;
        }
        Ok(())
    }
}

/// The operators of one property.
pub(super) struct Operators(pub(super) Property);

impl fmt::Display for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, operator) in self.0.operators().iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{operator}")?;
        }
        Ok(())
    }
}

/// Every property that can be filtered, with its operators.
struct Filterable;

impl fmt::Display for Filterable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut filterable = Property::ALL
            .into_iter()
            .filter(|property| !property.operators().is_empty());
        if let Some(first) = filterable.next() {
            write!(f, "{} ({})", first.filter_name(), Operators(first))?;
        }
        for property in filterable {
            write!(f, ", {} ({})", property.filter_name(), Operators(property))?;
        }
        Ok(())
    }
}
