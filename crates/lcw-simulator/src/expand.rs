//! `$expand`: which relationship, and which of its properties.

use crate::person;
use crate::query::InvalidOption;

/// A relationship that comes with the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expansion {
    /// The user, with the properties of a nested `$select` where there is one.
    Subject(Option<Vec<String>>),
    /// The task of a task report.
    Task,
    /// The definition of the task of a task report.
    TaskDefinition,
}

impl Expansion {
    /// Reads the option's value. Only one relationship can be expanded at a time.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidOption> {
        let refused = || InvalidOption(format!("The navigation '{text}' cannot be expanded."));
        match text.trim() {
            "task" => return Ok(Self::Task),
            "taskDefinition" => return Ok(Self::TaskDefinition),
            "subject" => return Ok(Self::Subject(None)),
            _ => {}
        }
        let nested = text
            .trim()
            .strip_prefix("subject(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|options| options.trim().strip_prefix("$select="))
            .ok_or_else(refused)?;
        let names: Vec<String> = nested
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        match names.iter().find(|name| !person::has_property(name)) {
            Some(name) => Err(InvalidOption(format!(
                "Could not find a property named '{name}' on type 'microsoft.graph.user'."
            ))),
            None => Ok(Self::Subject(Some(names))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_relationship_can_be_expanded_at_a_time() {
        assert_eq!(Expansion::parse("task"), Ok(Expansion::Task));
        assert_eq!(
            Expansion::parse("subject($select=id, mail)"),
            Ok(Expansion::Subject(Some(vec![
                "id".to_owned(),
                "mail".to_owned()
            ])))
        );
        for text in [
            "",
            "task,taskDefinition",
            "subject,task",
            "subject($select=nonsense)",
            "subject($expand=manager)",
            "runs",
        ] {
            assert!(Expansion::parse(text).is_err(), "{text}");
        }
    }
}
