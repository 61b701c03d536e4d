//! What was asked for and is not in the dataset: data, not prose alone.

use jiff::civil::Date;
use lcw_extractor::{ErrorKind, ExtractError};
use lcw_transform::Table;
use serde::{Deserialize, Serialize};

use crate::trouble::describe;

/// Why something is not in the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The service refuses it: a permission, a role or a licence is missing.
    Permission,
    /// The service does not have it, or no longer.
    NotFound,
    /// The service forgot it before it was exported.
    Retention,
    /// It could not be read this time.
    Failure,
    /// Its rows hold what the tables cannot: they were set aside in `_quarantine`.
    Quarantine,
    /// Somebody chose not to ask for it.
    Choice,
}

/// Something that was asked for and is not in the dataset, with the service's reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCovered {
    /// What is missing, in words.
    pub what: String,
    /// Why, in one word.
    pub cause: Cause,
    /// Why, as one line.
    pub reason: String,
    /// The table that lacks rows, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The workflow whose rows are missing, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// The run whose rows are missing, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The day whose rows are missing, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_date: Option<String>,
    /// How many runs it is about, where it is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Graph's error code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Graph's `request-id`, for a support case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether it makes the export partial (exit 4).
    pub is_partial: bool,
}

impl NotCovered {
    /// What an answer of the service kept out.
    pub(crate) fn new(what: impl Into<String>, error: &ExtractError, is_partial: bool) -> Self {
        Self {
            code: error.code().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            remedy: Some(error.remedy().to_owned()).filter(|text| !text.is_empty()),
            ..Self::plain(what, cause(error), describe(error), is_partial)
        }
    }

    /// What something else than an answer of the service kept out.
    pub(crate) fn plain(
        what: impl Into<String>,
        cause: Cause,
        reason: impl Into<String>,
        is_partial: bool,
    ) -> Self {
        Self {
            what: what.into(),
            cause,
            reason: reason.into(),
            table: None,
            workflow_id: None,
            run_id: None,
            run_date: None,
            runs: None,
            code: None,
            request_id: None,
            remedy: None,
            is_partial,
        }
    }

    pub(crate) fn in_table(mut self, table: Table) -> Self {
        self.table = Some(table.name().to_owned());
        self
    }

    pub(crate) fn of_workflow(mut self, workflow_id: &str) -> Self {
        self.workflow_id = Some(workflow_id.to_owned());
        self
    }

    pub(crate) fn of_run(mut self, run_id: &str) -> Self {
        self.run_id = Some(run_id.to_owned());
        self
    }

    pub(crate) fn on_day(mut self, day: Date) -> Self {
        self.run_date = Some(day.to_string());
        self
    }

    pub(crate) fn of_runs(mut self, runs: u64) -> Self {
        self.runs = Some(runs);
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

fn cause(error: &ExtractError) -> Cause {
    match error.kind() {
        ErrorKind::Forbidden => Cause::Permission,
        ErrorKind::NotFound => Cause::NotFound,
        _ => Cause::Failure,
    }
}
