//! What users may ask of the user processing results, checked before anything is sent.
//!
//! The service answers a wrong query with a terse 400 at the first run it is asked for, or takes it
//! and returns something else. So a query is read here, against what the reference documents for
//! `userProcessingResult`, and refused with what is allowed instead.
//!
//! Each part prints in one normal form, which means the same as what was written: two spellings of
//! one query make one dataset.
//!
//! Source: metadata and resource page of `userProcessingResult`, v1.0 and beta alike, read 2026-11.

mod error;
mod expand;
mod filter;
mod orderby;
mod property;
mod select;

pub use error::QueryError;
pub use expand::{Expand, ExpandForm};
pub use filter::Filter;
pub use orderby::OrderBy;
pub use property::Property;
pub use select::Select;

/// Which user processing results are read, and what of them.
///
/// The default asks for every row as the service sends it. It holds for the collections of
/// `userProcessingResult` alone: no other type has the same properties.
///
/// ```
/// use lcw_extractor::query::ResultQuery;
///
/// let query = ResultQuery::parse(None, Some("processingStatus  EQ 'failed'"), None, None)?;
/// assert_eq!(query.filter.unwrap().to_string(), "processingStatus eq 'failed'");
///
/// let error = ResultQuery::parse(None, Some("failedTasksCount gt 0"), None, None).unwrap_err();
/// assert!(error.to_string().contains("`failedTasksCount` cannot be filtered"));
/// # Ok::<(), lcw_extractor::query::QueryError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultQuery {
    /// Which properties are asked for; `None`: all. The service does not always obey.
    pub select: Option<Select>,
    /// Which rows are asked for; `None`: all.
    pub filter: Option<Filter>,
    /// In which order the service is asked to send them; `None`: its own.
    pub orderby: Option<OrderBy>,
    /// What is sent along with each row.
    pub expand: Vec<Expand>,
}

impl ResultQuery {
    /// Reads a query as users write it, each part as the `OData` option of its name.
    ///
    /// # Errors
    /// [`QueryError`], which names the part, what is wrong with it, and what is allowed.
    pub fn parse(
        select: Option<&str>,
        filter: Option<&str>,
        orderby: Option<&str>,
        expand: Option<&str>,
    ) -> Result<Self, QueryError> {
        Ok(Self {
            select: select.map(str::parse).transpose()?,
            filter: filter.map(str::parse).transpose()?,
            orderby: orderby.map(str::parse).transpose()?,
            expand: expand.map_or(Ok(Vec::new()), Expand::parse_list)?,
        })
    }

    /// Whether the rows come with their subjects' properties.
    pub fn expands_subject(&self) -> bool {
        self.expand.contains(&Expand::Subject)
    }
}

#[cfg(test)]
mod tests;
