//! What the service says that its metadata does not know.

use std::collections::BTreeSet;

use lcw_model::shortened;

use crate::Column;

/// Names or values that are remembered: the service decides how many it invents.
const LIMIT: usize = 100;

/// Properties and members of enumerations that the answers behind some rows contained and that
/// Graph's metadata (v1.0 and beta, August 2026) does not define: what the service has added.
///
/// Values of properties other than enumerations never come here. At most 100 names and 100 values
/// are remembered, each shortened to 60 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Graph's names of properties, with `/` inside objects: `riskSignal`, `subject/riskSignal`.
    pub properties: BTreeSet<String>,
    /// Names of properties that hold enumerations, each with a value that is no known member.
    pub values: BTreeSet<(String, String)>,
}

impl Drift {
    /// Whether the service said nothing new.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.values.is_empty()
    }

    /// Adds what other rows brought.
    pub fn merge(&mut self, other: Self) {
        for property in other.properties {
            remember(&mut self.properties, property);
        }
        for value in other.values {
            remember(&mut self.values, value);
        }
    }

    /// Notes a property that is not known. `parent` is the object it is in.
    pub(crate) fn note_property(&mut self, parent: Option<&str>, name: &str) {
        let is_it = |known: &String| match parent {
            None => known == name,
            Some(parent) => known
                .strip_prefix(parent)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|rest| rest == name),
        };
        if !self.properties.iter().any(is_it) {
            let name = shortened(name);
            let path = parent.map_or(name.clone(), |parent| format!("{parent}/{name}"));
            remember(&mut self.properties, path);
        }
    }

    /// Notes those members of a column's value that are not known.
    pub(crate) fn note_members(&mut self, column: &Column, value: &str) {
        let Some(source) = column.source else { return };
        if column.values.contains(&value) {
            return;
        }
        for member in value.split(',').map(str::trim) {
            let is_known = column.values.contains(&member);
            let is_noted = || {
                let mut noted = self.values.iter();
                noted.any(|(property, noted)| property == source && noted == member)
            };
            if !is_known && !is_noted() {
                remember(&mut self.values, (source.to_owned(), shortened(member)));
            }
        }
    }
}

fn remember<T: Ord>(noted: &mut BTreeSet<T>, one: T) {
    if noted.len() < LIMIT {
        noted.insert(one);
    }
}

#[cfg(test)]
mod tests;
