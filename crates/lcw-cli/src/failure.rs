//! Errors that end the program: one message, what to do, and the exit code.

use lcw_extractor::{ConfigError, ExtractError, OriginError};
use lcw_pipeline::{ErrorSummary, PipelineError, Status, exit};
use serde::Serialize;

/// An error on its way to the person in front. As JSON it looks like the summary of an export that
/// failed, as far as there is one.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    status: Status,
    exit_code: u8,
    error: ErrorSummary,
}

impl Failure {
    pub(crate) fn new(code: u8, error: ErrorSummary) -> Self {
        Self {
            status: Status::Failed,
            exit_code: code,
            error,
        }
    }

    fn said(code: u8, message: impl Into<String>, remedy: Option<String>) -> Self {
        let error = ErrorSummary {
            message: message.into(),
            remedy,
            code: None,
            request_id: None,
        };
        Self::new(code, error)
    }

    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::said(exit::USAGE, message, Some(remedy.into()))
    }

    pub(crate) fn credentials(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::said(exit::CREDENTIALS, message, Some(remedy.into()))
    }

    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        Self::said(exit::FAILED, format!("{error:#}"), None)
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    pub(crate) fn message(&self) -> &str {
        &self.error.message
    }

    pub(crate) fn remedy(&self) -> Option<&str> {
        self.error.remedy.as_deref()
    }
}

/// What a configuration does not allow is a matter of usage.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::said(exit::USAGE, format!("{error:#}"), None)
    }
}

impl From<&PipelineError> for Failure {
    fn from(error: &PipelineError) -> Self {
        let mut said = ErrorSummary::from(error);
        if let PipelineError::Extract(ExtractError::Config(ConfigError::Url { what, problem })) =
            error
        {
            said.remedy = url_remedy(what, problem);
        }
        Self::new(error.exit_code(), said)
    }
}

/// What to write instead of a URL that cannot be used. `what` is `Graph` or `authority`.
fn url_remedy(what: &str, problem: &OriginError) -> Option<String> {
    let flag = match what {
        "Graph" => "--graph-url",
        _ => "--authority-url",
    };
    Some(match problem {
        OriginError::NotAUrl => {
            format!("give {flag} a whole URL, or leave it out and choose the cloud with --cloud")
        }
        OriginError::MoreThanAnOrigin { origin } => {
            format!("write {flag} {origin}; tenant and API version have flags of their own")
        }
        OriginError::UserInfo { origin } => {
            format!("write {flag} {origin}; credentials are given by environment or file")
        }
        OriginError::NotSecure { .. } => format!(
            "give {flag} an https URL: over plain http anybody in between could read the token"
        ),
        _ => return None,
    })
}
