//! Errors that end the program: one message, what to do, and the exit code.

use lcw_pipeline::{ErrorSummary, exit};

/// An error on its way to the person in front.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: exit::USAGE,
            message: message.into(),
            remedy: None,
        }
    }

    pub(crate) fn credentials(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: exit::CREDENTIALS,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }

    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        Self {
            code: exit::FAILED,
            message: format!("{error:#}"),
            remedy: None,
        }
    }
}

/// What a configuration does not allow is a matter of usage.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::usage(format!("{error:#}"))
    }
}

impl From<&lcw_pipeline::PipelineError> for Failure {
    fn from(error: &lcw_pipeline::PipelineError) -> Self {
        let summary = ErrorSummary::from(error);
        Self {
            code: error.exit_code(),
            message: summary.message,
            remedy: summary.remedy,
        }
    }
}
