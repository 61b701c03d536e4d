//! Why an export stopped.

use lcw_dataset::DatasetError;
use lcw_extractor::{ErrorKind, ExtractError};
use lcw_transform::FlattenError;
use tokio::task::JoinError;

use crate::exit;

/// Why an export stopped before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// What was asked for does not make sense.
    #[error("{message}")]
    Usage {
        /// What is wrong, and with what.
        message: String,
        /// What to do instead.
        remedy: String,
    },
    /// The token belongs to another tenant, or does not say to which.
    #[error("{message}")]
    Tenant {
        /// What does not fit.
        message: String,
        /// What to do about it.
        remedy: String,
    },
    /// The service could not be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A value that the tables cannot hold.
    #[error(transparent)]
    Flatten(#[from] FlattenError),
    /// A worker ended without an answer. What it said last is not kept: it may have been about a
    /// person.
    #[error("a worker of the export panicked")]
    Worker,
    /// The thread that writes could not be started.
    #[error("the writing thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The thread that writes ended without an answer.
    #[error("the writing thread panicked")]
    Writer,
    /// Stopped by a signal; carries the exit code.
    #[error("stopped by a signal; the days committed so far stay, run it again to continue")]
    Stopped(u8),
    /// A forget that was stopped by a signal.
    #[error("stopped by a signal; {state}")]
    ForgetStopped {
        /// The exit code.
        code: u8,
        /// What of it is done, and what to do.
        state: &'static str,
    },
}

impl PipelineError {
    /// The exit code that says so.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => exit::USAGE,
            Self::Tenant { .. } => exit::CREDENTIALS,
            Self::Extract(error) => match error.kind() {
                ErrorKind::Credentials | ErrorKind::Forbidden => exit::CREDENTIALS,
                ErrorKind::Config => exit::USAGE,
                ErrorKind::Throttled | ErrorKind::Deadline => exit::THROTTLED,
                _ => exit::FAILED,
            },
            Self::Dataset(error) => match error.kind() {
                lcw_dataset::ErrorKind::Configuration => exit::USAGE,
                lcw_dataset::ErrorKind::Busy => exit::LOCKED,
                lcw_dataset::ErrorKind::Failed => exit::FAILED,
            },
            Self::Flatten(_) | Self::Worker | Self::Thread(_) | Self::Writer => exit::FAILED,
            Self::Stopped(code) | Self::ForgetStopped { code, .. } => *code,
        }
    }

    /// What to do next, where there is something to do.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Usage { remedy, .. } | Self::Tenant { remedy, .. } => remedy.clone(),
            // What is wrong with a setting is what to do about it.
            Self::Extract(error) if error.kind() == ErrorKind::Config => String::new(),
            Self::Extract(error) => error.remedy().to_string(),
            _ => String::new(),
        };
        Some(remedy).filter(|text| !text.is_empty())
    }

    pub(crate) fn extract(&self) -> Option<&ExtractError> {
        match self {
            Self::Extract(error) => Some(error),
            _ => None,
        }
    }
}

impl From<JoinError> for PipelineError {
    fn from(_: JoinError) -> Self {
        Self::Worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::describe;

    #[tokio::test]
    async fn a_panic_is_reported_without_its_words() {
        let worker = tokio::spawn(async { panic!("about {}", "canary") });
        let error = PipelineError::from(worker.await.unwrap_err());
        let shown = format!("{} {error:?}", describe(&error));
        assert!(shown.contains("a worker of the export panicked"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
