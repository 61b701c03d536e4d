//! What can go wrong with a dataset, and what to do about it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use crate::format::FormatError;

/// Why a dataset could not be opened, read or changed.
///
/// The text says what happened and what to do next; the cause, where there is one, is the
/// [`source`](Error::source) and not repeated in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Another process writes to the dataset.
    #[error(
        "another export holds {} ({holder}, since {since}): wait until it has ended, or stop it",
        root.display()
    )]
    Locked {
        /// The dataset's folder.
        root: PathBuf,
        /// Process, host and export that hold it, as far as known.
        holder: String,
        /// When it was taken, RFC 3339, or `an unknown time`.
        since: String,
    },
    /// The folder holds something else.
    #[error(
        "{} is not a dataset: it holds {found} but no _dataset.json; name the folder of a dataset, \
         or for a first export an empty or new one",
        path.display()
    )]
    NotADataset {
        /// The folder.
        path: PathBuf,
        /// One of the names found there.
        found: String,
    },
    /// The dataset has another identity than the one asked for.
    #[error("{}", mismatch(what, has.as_deref(), wants.as_deref()))]
    Mismatch {
        /// The property of the identity, by the name that it has for users.
        what: &'static str,
        /// Its value in the dataset; `None` when the dataset was made without.
        has: Option<String>,
        /// Its value in the request; `None` when it asks for none.
        wants: Option<String>,
    },
    /// A file of the dataset is damaged, or not the one that was written.
    #[error("{} cannot be read: {}", path.display(), remedy(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A newer version of the program wrote it.
    #[error(
        "{what} has schema version {has} and this program knows {knows}: \
         use the newer program that wrote it"
    )]
    NewerSchema {
        /// The file or table.
        what: String,
        /// The version found.
        has: u32,
        /// The newest version known.
        knows: u32,
    },
    /// A file holds a column that its table does not have, so a newer program wrote it.
    #[error(
        "{} has a column {column:?} that this program does not know: \
         use the newer program that wrote it",
        path.display()
    )]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// Files cannot be made in the folder, or where it would be.
    #[error("cannot make a file in {}{}", path.display(), hint(source))]
    UnusableFolder {
        /// The folder, or the nearest one above it.
        path: PathBuf,
        /// The refusal.
        #[source]
        source: io::Error,
    },
    /// The newest manifest is not there any more, or is another one.
    #[error(
        "{} {problem}: without it nobody can tell whether the files are as they were written, and \
         people who were forgotten could come back. Restore it from a backup. Where there is none, or \
         where the whole dataset was restored from an older backup, put that on record, and exports go \
         on: lcw acknowledge --manifest {export_id} --reason '...'",
        path.display()
    )]
    LostHead {
        /// The manifest's file.
        path: PathBuf,
        /// The export that wrote it.
        export_id: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The lock of this process is not the one in the folder any more.
    #[error(
        "{} was taken away or replaced while this process held it, so that another may be writing to \
         the dataset: nothing more is changed. Leave that file where it is, always; run lcw verify, \
         and then the export again",
        path.display()
    )]
    LostLock {
        /// The lock's file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}{}", path.display(), hint(source))]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The refusal.
        #[source]
        source: io::Error,
    },
    /// A file could not be encoded.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the format says.
        #[source]
        source: FormatError,
    },
    /// A part of the dataset is a symbolic link, which is not followed.
    #[error(
        "{} is a symbolic link, and links inside a dataset are not followed: \
         replace it with the folder or file itself",
        path.display()
    )]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// Snapshots cannot be made in that folder.
    #[error("snapshots cannot be made in {}: {problem}; choose another folder", path.display())]
    SnapshotFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A part of the dataset is a pipe, a socket or a device, which is not opened: reading it
    /// might never end.
    #[error(
        "{} is a pipe, a socket or a device, and a dataset holds files and folders only: remove it",
        path.display()
    )]
    SpecialFile {
        /// What is there.
        path: PathBuf,
    },
    /// Not the id of a tenant.
    #[error(
        "{tenant:?} is not a tenant id: give the tenant's GUID in lower case, \
         like 0f000000-0000-0000-0000-00000000000f"
    )]
    InvalidTenant {
        /// The value given.
        tenant: String,
    },
    /// Not usable as the id of the next export.
    #[error("{id:?} cannot be the id of an export: {problem}")]
    InvalidExportId {
        /// The value given.
        id: String,
        /// Why not.
        problem: &'static str,
    },
    /// A table is declared in a way that cannot be stored, or is not declared at all.
    #[error("table {table:?}: {problem}")]
    InvalidTable {
        /// The table's name.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// New rows do not fit their table: a defect of the caller.
    #[error("new rows of {table} are refused: {problem}")]
    InvalidRows {
        /// The table's name.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// Somebody asked to stop, as of [`Export::stop_when`](crate::Export::stop_when); nothing of
    /// what was staged is published.
    #[error("stopped before the day was whole; the days committed so far stay")]
    Stopped,
    /// A staged file is not what was to be written; nothing was published.
    #[error(
        "the staged file for {} is not what was written ({problem}); \
         the dataset is untouched, check the disk and run again",
        path.display()
    )]
    Staged {
        /// The file that it was to replace.
        path: PathBuf,
        /// What the check found.
        problem: String,
    },
}

/// What a failure means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Another export holds the dataset.
    Busy,
    /// The request does not fit the dataset or the folder.
    Configuration,
    /// Everything else.
    Failed,
}

impl DatasetError {
    /// What the failure means for the exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Locked { .. } => ErrorKind::Busy,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                ErrorKind::Configuration
            }
            Self::NotADataset { .. }
            | Self::UnusableFolder { .. }
            | Self::Mismatch { .. }
            | Self::SnapshotFolder { .. }
            | Self::InvalidTenant { .. } => ErrorKind::Configuration,
            _ => ErrorKind::Failed,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// A stored file that its format could not read.
    pub(crate) fn read(path: &Path, source: FormatError) -> Self {
        let path = path.to_owned();
        match source {
            FormatError::NewerSchema { has, knows } => Self::NewerSchema {
                what: path.display().to_string(),
                has,
                knows,
            },
            FormatError::UnknownColumn { name } => Self::UnknownColumn { path, column: name },
            FormatError::Io(source) => Self::Io {
                action: "read",
                path,
                source,
            },
            other @ FormatError::Invalid { .. } => Self::Unreadable {
                path,
                source: Box::new(other),
            },
        }
    }

    /// A staged file that its format could not write.
    pub(crate) fn write(path: &Path, source: FormatError) -> Self {
        let path = path.to_owned();
        match source {
            FormatError::Io(source) => Self::Io {
                action: "write",
                path,
                source,
            },
            source => Self::Write { path, source },
        }
    }

    pub(crate) fn unreadable(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

/// Why new rows could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError<E> {
    /// The iterator of new rows failed.
    #[error(transparent)]
    Rows(E),
    /// The dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

fn remedy(path: &Path) -> &'static str {
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        "it is damaged; restore it from a backup, or move it out of the dataset and run again, which \
         says what to do without it"
    } else {
        "it is damaged or was changed by something else; restore it from a backup, or move it out \
         of the dataset and run a backfill over its day (the service keeps runs for 30 days)"
    }
}

/// How the dataset and the request differ, and which of them can be changed.
fn mismatch(what: &str, has: Option<&str>, wants: Option<&str>) -> String {
    if what == PSEUDONYMISATION {
        return other_pseudonyms(has, wants);
    }
    let (difference, keep) = match (has, wants) {
        (Some(has), Some(wants)) => (
            format!("the dataset's {what} is {has}, not {wants}"),
            format!("keep {has} for this folder"),
        ),
        (Some(has), None) => (
            format!("this dataset was made with {what} = {has}, this export asks for none"),
            format!("ask for {what} = {has}"),
        ),
        (None, wants) => (
            format!(
                "this dataset was made without {what}, this export asks for {what} = {}",
                wants.unwrap_or("nothing")
            ),
            format!("leave {what} out"),
        ),
    };
    format!("{difference}: {keep}, or export to another folder")
}

/// The property of a dataset's identity that is a key's id: what can be changed is the key.
pub(crate) const PSEUDONYMISATION: &str = "pseudonymisation";

fn other_pseudonyms(has: Option<&str>, wants: Option<&str>) -> String {
    let (difference, keep) = match (has, wants) {
        (Some(has), Some(wants)) => (
            format!(
                "the dataset's pseudonyms are made with the key {has}, and this is the key {wants}"
            ),
            "give the key that the dataset was made with",
        ),
        (Some(has), None) => (
            format!(
                "the dataset is pseudonymised with the key {has}, and this export is not to be"
            ),
            "ask for pseudonymize with that key",
        ),
        (None, _) => (
            "the dataset was made without pseudonyms, and holds people's ids".to_owned(),
            "leave pseudonymize out",
        ),
    };
    format!("{difference}: {keep}, or export to another folder")
}

/// The common refusals in words, with what to do.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => ": the disk is full; free some space and run again",
        io::ErrorKind::QuotaExceeded => {
            ": the disk quota is used up; free some space and run again"
        }
        io::ErrorKind::FileTooLarge => {
            ": the file would be larger than this process or file system allows; \
             raise the limit (ulimit -f) and run again"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            ": the file system is read-only; choose another folder"
        }
        io::ErrorKind::PermissionDenied => {
            ": permission denied; let this user read and write there, or choose another folder"
        }
        io::ErrorKind::CrossesDevices => {
            ": the two folders are on different file systems; choose one on the same"
        }
        io::ErrorKind::NotADirectory => ": a part of the path is a file; choose another folder",
        io::ErrorKind::IsADirectory => ": a folder is in the place of a file; move it away",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_words() {
        let error = DatasetError::io("write", Path::new("d/x"))(io::ErrorKind::StorageFull.into());
        assert_eq!(
            error.to_string(),
            "cannot write d/x: the disk is full; free some space and run again"
        );
        let error = DatasetError::io("write", Path::new("d/x"))(io::ErrorKind::FileTooLarge.into());
        assert!(error.to_string().contains("ulimit -f"));
    }

    #[test]
    fn kinds_follow_the_exit_codes() {
        let busy = DatasetError::Locked {
            root: PathBuf::from("d"),
            holder: "process 7".into(),
            since: "now".into(),
        };
        assert_eq!(busy.kind(), ErrorKind::Busy);
        let other = DatasetError::InvalidTenant {
            tenant: "contoso".into(),
        };
        assert_eq!(other.kind(), ErrorKind::Configuration);
        let newer = DatasetError::NewerSchema {
            what: "runs".into(),
            has: 2,
            knows: 1,
        };
        assert_eq!(newer.kind(), ErrorKind::Failed);
    }

    #[test]
    fn a_damaged_manifest_has_another_remedy_than_a_damaged_partition() {
        let manifest = DatasetError::unreadable(Path::new("_manifests/a.json"), "cut");
        assert!(!manifest.to_string().contains("backfill"));
        let partition = DatasetError::unreadable(Path::new("runs/part-0.parquet"), "cut");
        assert!(partition.to_string().contains("backfill"));
    }
}
