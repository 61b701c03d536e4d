//! Why there is no report.

use lcw_dataset::DatasetError;
use lcw_pipeline::PipelineError;

/// Why a report could not be made. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// What was asked for does not make sense.
    #[error("{message}")]
    Usage {
        /// What is wrong, and with what.
        message: String,
        /// What to do instead.
        remedy: String,
    },
    /// The dataset could not be read.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Files were replaced under the report again and again.
    #[error("the files of {what} were replaced while they were read, {attempts} times in a row")]
    Moving {
        /// A day, or the whole dataset.
        what: String,
        /// How often it was tried.
        attempts: u32,
    },
}

impl ReportError {
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// What to do about it, where there is something to do.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Usage { remedy, .. } => Some(remedy.clone()),
            Self::Moving { .. } => Some(
                "run it again when the export has ended, or report on a snapshot: \
                 lcw snapshot DIR, then lcw report --out DIR/current"
                    .to_owned(),
            ),
            Self::Pipeline(error) => error.remedy(),
        }
    }
}

impl From<DatasetError> for ReportError {
    fn from(error: DatasetError) -> Self {
        Self::Pipeline(error.into())
    }
}
