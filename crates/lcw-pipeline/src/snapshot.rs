//! Consistent copies of the dataset for readers.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use lcw_dataset::storage;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::debug;

use crate::error::PipelineError;
use crate::exit;
use crate::status::no_dataset;
use crate::summary::{ErrorSummary, Status, Summary};

/// Where snapshots go, and how many of them stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshots {
    /// Their folder, on the file system of the dataset.
    pub folder: PathBuf,
    /// The newest ones that stay.
    pub keep: NonZeroUsize,
}

/// One snapshot. Keys are only ever added.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotSummary {
    /// The export whose state it is, with `.2`, `.3`, … for further ones taken while it was writing.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// The name that leads to it until there is a newer one.
    pub current: String,
    /// Files in it.
    pub files: u64,
    /// Their size, which they share with the dataset.
    pub bytes: u64,
    /// Whether there was none yet of this state.
    pub is_new: bool,
    /// Older snapshots that were removed.
    pub removed: Vec<String>,
}

/// Makes a snapshot of the dataset in `out`.
///
/// # Errors
/// When there is no dataset, and as [`storage::snapshot`].
pub fn snapshot(out: &Path, snapshots: &Snapshots) -> Result<SnapshotSummary, PipelineError> {
    let made = storage::snapshot(out, &snapshots.folder, snapshots.keep)?;
    let made = made.ok_or_else(|| no_dataset(out))?;
    debug!(snapshot = made.name, files = made.files, "snapshot");
    Ok(SnapshotSummary {
        name: made.name,
        path: made.path.display().to_string(),
        current: snapshots
            .folder
            .join(storage::CURRENT)
            .display()
            .to_string(),
        files: made.files,
        bytes: made.bytes,
        is_new: made.is_new,
        removed: made.removed,
    })
}

/// Makes the snapshot that belongs to an export which has reached its end. One that cannot be made
/// turns the export into a failure: what it committed is good, but readers do not see it.
pub(crate) async fn after_export(
    out: PathBuf,
    snapshots: Option<Snapshots>,
    summary: &mut Summary,
) {
    let Some(snapshots) = snapshots.filter(|_| summary.error.is_none()) else {
        return;
    };
    let taken = spawn_blocking(move || snapshot(&out, &snapshots)).await;
    match taken.map_err(PipelineError::from).flatten() {
        Ok(snapshot) => summary.snapshot = Some(snapshot),
        Err(error) => {
            let mut said = ErrorSummary::from(&error);
            said.message = format!(
                "everything is committed, but readers got no snapshot of it: {}",
                said.message
            );
            summary.status = Status::Failed;
            summary.exit_code = exit::FAILED;
            summary.error = Some(said);
        }
    }
}
