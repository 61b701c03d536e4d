//! What an export left that was not closed.

use std::collections::BTreeSet;

use tracing::warn;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::format;
use crate::layout;
use crate::lock::write_json;
use crate::manifest::{DayState, FileChange, FileRecord, Manifest, ManifestLink, Status};
use crate::quarantine;

/// The newest manifest of a dataset, which is closed.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) manifest: Manifest,
    /// The digest of its file.
    sha256: String,
}

impl Newest {
    pub(crate) fn link(&self) -> ManifestLink {
        ManifestLink {
            export_id: self.manifest.export_id.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

/// Closes the manifests that a crash left open, and hands the newest one out.
pub(crate) fn reconcile(dataset: &Dataset) -> Result<Option<Newest>, DatasetError> {
    let mut newest = None;
    for export_id in dataset.manifest_ids()?.into_iter().rev() {
        let (mut manifest, mut sha256) = dataset.manifest_and_digest(&export_id)?;
        let was_running = manifest.is_running();
        if was_running {
            settle(dataset, &mut manifest)?;
            manifest.quarantined = quarantine::recount(dataset, &manifest)?;
            manifest.status = Status::Interrupted;
            let target = layout::manifest_file(&export_id);
            sha256 = write_json(dataset.storage(), layout::STAGING, &target, &manifest)?;
            warn!(export.id = export_id, "an earlier export was interrupted");
        }
        newest.get_or_insert(Newest { manifest, sha256 });
        // Whoever comes first after a crash does this, so older ones are closed.
        if !was_running {
            break;
        }
    }
    Ok(newest)
}

/// Records, for what was about to be published, what is there now.
pub(crate) fn settle(dataset: &Dataset, manifest: &mut Manifest) -> Result<(), DatasetError> {
    let days = manifest.days.values_mut();
    for day in days.filter(|day| day.state == DayState::Intended) {
        let mut is_whole = true;
        for file in day.files.values_mut() {
            is_whole &= settle_file(dataset, file)?;
        }
        day.state = if is_whole {
            DayState::Committed
        } else {
            DayState::Incomplete
        };
    }
    let counted = counted_lines(manifest);
    for (path, file) in &mut manifest.quarantine_files {
        settle_lines(dataset, file, counted.contains(path))?;
    }
    let is_something = |file: &FileChange| file.before.is_some() || file.after.is_some();
    manifest
        .quarantine_files
        .retain(|_, file| is_something(file));
    Ok(())
}

/// Whether a file is the intended one; if it is still the old one, says so.
fn settle_file(dataset: &Dataset, file: &mut FileChange) -> Result<bool, DatasetError> {
    let found = match dataset.storage().read(&file.path)? {
        Some(mut opened) => {
            let shown = dataset.storage().locate(&file.path);
            let digest = format::digest(&mut opened).map_err(DatasetError::io("read", &shown))?;
            Some(digest.0)
        }
        None => None,
    };
    let is = |record: &Option<FileRecord>| record.as_ref().map(|r| &r.sha256) == found.as_ref();
    if is(&file.after) {
        // Only its name may be missing on the disk: it was flushed before it was renamed.
        dataset.storage().confirm(&file.path)?;
        return Ok(true);
    }
    if is(&file.before) {
        file.after.clone_from(&file.before);
    } else {
        // Neither: the record stays, so that whoever reads the file next finds the damage.
        warn!(
            path = file.path,
            "a file is neither the old nor the intended one"
        );
    }
    Ok(false)
}

/// The files of an export's own lines that it has published: it counts lines afterwards.
pub(crate) fn counted_lines(manifest: &Manifest) -> BTreeSet<String> {
    let counts = manifest.quarantined.iter().filter(|(_, lines)| **lines > 0);
    counts
        .map(|(table, _)| layout::quarantine_file(&manifest.export_id, table))
        .collect()
}

/// The same for a file of lines. Where some of it were counted, that there is none is not how it was
/// before: they are lost, and stay on record.
pub(crate) fn settle_lines(
    dataset: &Dataset,
    file: &mut FileChange,
    is_counted: bool,
) -> Result<(), DatasetError> {
    if is_counted && dataset.storage().read(&file.path)?.is_none() {
        warn!(path = file.path, "quarantined lines are gone");
        return Ok(());
    }
    settle_file(dataset, file).map(|_| ())
}
