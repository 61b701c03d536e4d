//! What the service counts of a workflow as a whole.

use serde::de::Deserializer;

use crate::entity::{Read, object};
use crate::property::{Context, Element};
use crate::{Entity, Extra, PageError, Text};

object! {
    /// The answer of one of the `summary` functions, of the type `runSummary`, `userSummary` or
    /// `taskReportSummary`: numbers over the window that was asked for. It has no key, and no type
    /// has all of the numbers.
    pub struct Summary {
        total_runs: i32 = "totalRuns": "Runs; `runSummary` alone has it.",
        total_users: i32 = "totalUsers": "Users processed; not in `taskReportSummary`.",
        total_tasks: i32 = "totalTasks": "Tasks processed.",
    }
    without field: [
        "failedRuns", "failedTasks", "failedUsers", "successfulRuns", "successfulTasks",
        "successfulUsers", "unprocessedTasks",
    ]
}

impl<'a> Read<'a> for Summary<'a> {
    fn read<D: Deserializer<'a>>(deserializer: D, context: Context<'_>) -> Result<Self, D::Error> {
        let summary: Self = deserializer.deserialize_any(Element::new(context))?;
        // Without a key, nothing else tells an error from a summary.
        let is_error = |(name, _): &(Text<'a>, _)| name.as_str() == "error";
        if summary.extra.iter().any(is_error) {
            return Err(context.stop(PageError::NotAnEntity));
        }
        Ok(summary)
    }
}

impl<'a> Entity<'a> for Summary<'a> {
    const PROPERTIES: &'static [&'static str] = Summary::PROPERTIES;
    const WITHOUT_FIELD: &'static [&'static str] = Summary::WITHOUT_FIELD;

    fn extra(&self) -> &Extra<'a> {
        &self.extra
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, parse_entity};

    #[test]
    fn a_summary_has_the_numbers_of_its_type() {
        let body = r#"{"@odata.context":"c","failedTasks":1,"totalTasks":7,"totalUsers":null}"#;
        let summary: Summary<'_> = parse_entity(body).unwrap();
        assert_eq!(summary.total_runs, Field::Absent);
        assert_eq!(summary.total_users, Field::Null);
        assert_eq!(summary.total_tasks, Field::Value(7));
        assert_eq!(summary.unknown_properties().count(), 0);
    }

    #[test]
    fn an_error_is_no_summary() {
        let refusal = |body| parse_entity::<Summary<'_>>(body).unwrap_err();
        assert!(refusal(r#"{"error":{"code":"x"}}"#).is_damaged());
        assert!(refusal(r#"{"totalRuns":1,"error":{}}"#).is_damaged());
        assert!(refusal(r#"{"totalRuns":1"#).is_damaged());
        assert!(!refusal(r#"{"totalRuns":"1"}"#).is_damaged());
    }
}
