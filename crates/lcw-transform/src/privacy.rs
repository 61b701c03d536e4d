//! What of the tables is about people, and what becomes of it.
//!
//! Every column says so itself ([`Privacy`]). [`PseudonymKey`] and [`pseudonymise`] put pseudonyms
//! in the place of people before rows reach a dataset; [`Forgotten`] takes people out of rows whose
//! ids somebody has asked to forget.

mod forgotten;
mod json;
mod key;
mod pseudonyms;

use serde::Serialize;

pub use forgotten::{FORGOTTEN, Forgotten, Mark, Redacted};
pub use key::{KeyedHash, PseudonymKey, WeakKey};
pub use pseudonyms::{pseudonymise, pseudonymise_object};

/// Whether the values of a column are about people.
///
/// A pseudonymised dataset keeps what is impersonal, holds a pseudonym in the place of a personal id
/// or text, and NULL in the place of a personal value that no text can replace. Of a column that may
/// name people, texts become a pseudonym as a whole; of JSON the structure stays, and its texts and
/// numbers become pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// About no person, beside saying what happened to the subject of its row.
    Impersonal,
    /// A person, or something about one.
    Personal,
    /// Other people's words, ids and objects in which a person may be named.
    MayNamePeople,
}

impl Privacy {
    /// Its name, as the published contracts have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Impersonal => "impersonal",
            Self::Personal => "personal",
            Self::MayNamePeople => "may_name_people",
        }
    }
}

#[cfg(test)]
mod tests;
