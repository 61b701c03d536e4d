//! The folder that the dataset is in, or is going to be.

use std::io;
use std::path::Path;

use lcw_dataset::{DatasetError, ErrorKind, Writer};

use super::Check;
use crate::error::PipelineError;
use crate::exit;
use crate::human;
use crate::trouble::describe;

const MIB: u64 = 1 << 20;
/// Below this an export is likely to run into the end of the disk: it needs room for the files of
/// a day beside those that they replace.
const SCARCE: u64 = 100 * MIB;
const LITTLE: u64 = 1024 * MIB;

/// Files can be made there, there is room, and nobody else holds the dataset.
pub(super) fn examine(out: &Path, checks: &mut Vec<Check>) {
    let writable = || Check::pass("folder", format!("files can be made in {}", out.display()));
    match Writer::probe(out) {
        Ok(()) => {
            checks.push(writable());
            checks.push(Check::pass("lock", "no other export holds the dataset"));
        }
        Err(error) if error.kind() == ErrorKind::Busy => {
            checks.push(writable());
            checks.push(held(error));
        }
        Err(error) => checks.push(not_writable(error)),
    }
    checks.push(free_space(available(out)));
}

fn held(error: DatasetError) -> Check {
    let remedy = "wait until it has ended; a lock goes with its process";
    let message = describe(&PipelineError::from(error));
    Check::fail("lock", exit::LOCKED, message, Some(remedy.to_owned()))
}

fn not_writable(error: DatasetError) -> Check {
    let remedy = "choose another folder (--out), or let this user write there";
    let message = describe(&PipelineError::from(error));
    Check::fail("folder", exit::USAGE, message, Some(remedy.to_owned()))
}

/// Bytes that this user may still write where the folder is, or is going to be.
fn available(out: &Path) -> io::Result<u64> {
    let nearest = out.ancestors().find(|folder| folder.is_dir());
    fs4::available_space(nearest.unwrap_or(Path::new(".")))
}

fn free_space(available: io::Result<u64>) -> Check {
    const NAME: &str = "free_space";
    let bytes = match available {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("how much room there is cannot be known: {error}");
            return Check::warn(NAME, message, "look at the disk with df");
        }
    };
    let message = format!("{} are free", human::bytes(bytes));
    let remedy = "make room, or choose a folder on another disk (--out)";
    if bytes < SCARCE {
        Check::fail(NAME, exit::FAILED, message, Some(remedy.to_owned()))
    } else if bytes < LITTLE {
        Check::warn(NAME, message, remedy)
    } else {
        Check::pass(NAME, message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_disk_may_be_nearly_full_and_must_not_be_full() {
        for (bytes, expected) in [
            (LITTLE, Verdict::Pass),
            (LITTLE - 1, Verdict::Warn),
            (SCARCE, Verdict::Warn),
            (SCARCE - 1, Verdict::Fail),
            (0, Verdict::Fail),
        ] {
            assert_eq!(free_space(Ok(bytes)).status, expected, "{bytes}");
        }
        let unknown = free_space(Err(io::ErrorKind::Unsupported.into()));
        assert_eq!(unknown.status, Verdict::Warn);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let here = available(folder.path()).unwrap();
        assert!(here > 0);
        assert!(available(&folder.path().join("a/b/c")).is_ok());
        assert!(available(Path::new("relative/and/not/there")).is_ok());
    }

    #[test]
    fn nothing_is_left_where_the_folder_would_be() {
        let parent = tempfile::tempdir().unwrap();
        let mut checks = Vec::new();
        examine(&parent.path().join("data"), &mut checks);
        assert!(
            checks.iter().all(|check| check.status != Verdict::Fail),
            "{checks:?}"
        );
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
