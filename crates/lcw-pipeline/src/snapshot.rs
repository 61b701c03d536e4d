//! Consistent copies of the dataset for readers.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use lcw_dataset::{Dataset, storage};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::debug;

use crate::error::PipelineError;
use crate::exit;
use crate::prepare::newest_manifest;
use crate::request::FileFormat;
use crate::state::State;
use crate::status::no_dataset;
use crate::summary::{ErrorSummary, Status, Summary};
use crate::tables::{layout, specs};
use crate::vanished::Vanished;

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
    /// Recorded files with rows that are not there; as long as there are any that nobody has
    /// acknowledged, no older snapshot is removed.
    pub missing_files: u64,
    /// What the operator should know though nothing went wrong.
    pub warnings: Vec<String>,
}

/// Makes a snapshot of the dataset in `out`.
///
/// # Errors
/// When there is no dataset, and as [`storage::snapshot`].
pub fn snapshot(out: &Path, snapshots: &Snapshots) -> Result<SnapshotSummary, PipelineError> {
    let missing_files = missing_files(out)?;
    // An older one may be the only place where they still are.
    let keep = match missing_files {
        0 => snapshots.keep,
        _ => NonZeroUsize::MAX,
    };
    let made = storage::snapshot(out, &snapshots.folder, keep)?;
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
        missing_files,
        warnings: warning(missing_files).into_iter().collect(),
    })
}

fn warning(missing_files: u64) -> Option<String> {
    let files = match missing_files {
        0 => return None,
        1 => "1 recorded file is".to_owned(),
        files => format!("{files} recorded files are"),
    };
    Some(format!(
        "{files} missing from the dataset, and so from this snapshot: older snapshots are kept, because \
         one may hold what is missing; lcw verify names the files"
    ))
}

/// How many recorded files of all tenants are gone, beside those that somebody has acknowledged.
fn missing_files(out: &Path) -> Result<u64, PipelineError> {
    let Some(identity) = Dataset::inspect(out)? else {
        return Ok(0);
    };
    let Some(format) = FileFormat::from_names(&identity.format, &identity.compression) else {
        return Ok(0);
    };
    let format = format.loader();
    let tables = specs(&layout(format.as_ref(), false))?;
    let dataset = Dataset::open(out, format, tables)?;
    let mut missing = 0;
    for tenant in &identity.tenants {
        let Some(newest) = newest_manifest(&dataset, tenant)? else {
            continue;
        };
        let state = State::of(&newest);
        missing += Vanished::find(&dataset, tenant, &state)?.count(&state);
    }
    Ok(missing)
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
        Ok(snapshot) => {
            summary.warnings.extend(snapshot.warnings.iter().cloned());
            summary.snapshot = Some(snapshot);
        }
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
