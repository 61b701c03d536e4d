//! `$expand`: what is sent along with each row.

use super::error::{QueryError, hint};
use super::property::relationship;

const OPTION: &str = "$expand";

/// The subject's properties that become columns.
const OF_SUBJECT: &str = "subject($select=id,displayName,userPrincipalName,mail,department,\
    jobTitle,employeeId,employeeHireDate,employeeLeaveDateTime,accountEnabled)";

/// What can be sent along with each user processing result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expand {
    /// The user. Reading users needs a permission of its own, `User.Read.All`.
    Subject,
}

/// How an expansion is spelled. No page shows which one the service takes for results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExpandForm {
    /// With the properties that are wanted of it: some are not sent otherwise.
    #[default]
    Selected,
    /// By its name alone, for when the service answers the other form with 400.
    Plain,
}

impl Expand {
    /// Its name in Graph.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
        }
    }

    /// Reads a list of names, in any casing.
    ///
    /// # Errors
    /// [`QueryError`] when there is none, when one is not `subject`, or when it is named twice.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, QueryError> {
        let mut expand = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name.is_empty() {
                return Err(QueryError::Empty {
                    option: OPTION,
                    allowed: vec![Self::Subject.name()],
                });
            }
            if !name.eq_ignore_ascii_case(Self::Subject.name()) {
                return Err(refuse(name));
            }
            if expand.contains(&Self::Subject) {
                return Err(QueryError::Duplicate {
                    option: OPTION,
                    name: Self::Subject.name(),
                });
            }
            expand.push(Self::Subject);
        }
        Ok(expand)
    }

    /// The value of `$expand`, not encoded.
    pub(crate) fn option(self, form: ExpandForm) -> &'static str {
        match (self, form) {
            (Self::Subject, ExpandForm::Selected) => OF_SUBJECT,
            (Self::Subject, ExpandForm::Plain) => self.name(),
        }
    }
}

/// What is wrong with a name that is not `subject`.
fn refuse(name: &str) -> QueryError {
    match relationship(name) {
        Some(name) => QueryError::Relationship {
            option: OPTION,
            name,
        },
        None => QueryError::NotExpandable {
            name: name.to_owned(),
            hint: hint(name, [Expand::Subject.name()]),
        },
    }
}
