//! `$select`: which properties are asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::error::QueryError;
use super::property::{Property, names};

const OPTION: &str = "$select";

/// The properties of `userProcessingResult` that are asked for.
///
/// `id` is always among them: a row without it has no key. Prints in the order of the metadata.
/// The service may send more than it was asked for, and the dataset keeps what a row does not
/// contain as it was.
///
/// ```
/// use lcw_extractor::query::Select;
/// let select: Select = "startedDateTime, processingStatus".parse()?;
/// assert_eq!(select.to_string(), "id,processingStatus,startedDateTime");
/// # Ok::<(), lcw_extractor::query::QueryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    properties: BTreeSet<Property>,
}

impl Select {
    /// Reads a list of names, in any casing and order.
    ///
    /// # Errors
    /// [`QueryError`] when there is none, when results have no such property, or when one is
    /// named twice.
    pub fn of<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let mut properties = BTreeSet::new();
        for name in written {
            let name = name.trim();
            if name.is_empty() {
                return Err(empty());
            }
            let property = Property::find(name, OPTION, || names(|_| true))?;
            if !properties.insert(property) {
                return Err(QueryError::Duplicate {
                    option: OPTION,
                    name: property.name(),
                });
            }
        }
        if properties.is_empty() {
            return Err(empty());
        }
        properties.insert(Property::Id);
        Ok(Self { properties })
    }

    /// Whether this property is asked for.
    pub fn contains(&self, property: Property) -> bool {
        self.properties.contains(&property)
    }

    /// The same and `property`.
    pub(crate) fn with(&self, property: Property) -> Self {
        let mut more = self.clone();
        more.properties.insert(property);
        more
    }
}

fn empty() -> QueryError {
    QueryError::Empty {
        option: OPTION,
        allowed: names(|_| true),
    }
}

impl FromStr for Select {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::of(text.split(','))
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, property) in self.properties.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{property}")?;
        }
        Ok(())
    }
}
