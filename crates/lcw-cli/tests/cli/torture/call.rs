//! System calls that have to do with files.

use std::path::{Component, Path, PathBuf};

use nix::libc;

/// One call, as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// The path that it names, or the one of the file that it is about.
    pub(crate) path: PathBuf,
    /// The second one, of calls that have two.
    pub(crate) target: Option<PathBuf>,
    /// Whether it is about an open folder.
    pub(crate) is_of_folder: bool,
    pub(crate) arguments: [u64; 6],
    /// What it writes.
    pub(crate) data: Vec<u8>,
    /// What it came to; negative: the error. Nothing when the process was killed before.
    pub(crate) result: Option<i64>,
}

/// A call of a record, as it is found in another export: how much of a file is read at once depends
/// on how well its times are compressed, so numbers alone do not lead there.
#[derive(Debug)]
pub(crate) struct Point {
    name: &'static str,
    label: String,
    /// So many calls of the same label come before it.
    before: usize,
}

impl Point {
    pub(crate) fn of(record: &[Call], index: usize, root: &Path) -> Self {
        let call = &record[index];
        let label = call.label(root);
        let earlier = record[..index].iter();
        let same = earlier.filter(|other| other.name == call.name && other.label(root) == label);
        Self {
            name: call.name,
            before: same.count(),
            label,
        }
    }

    /// Whether this call of another export is the one; asked for each in its turn.
    pub(crate) fn is_met(&mut self, call: &Call, root: &Path) -> bool {
        if call.name != self.name || call.label(root) != self.label {
            return false;
        }
        let is_it = self.before == 0;
        self.before = self.before.wrapping_sub(1);
        is_it
    }
}

/// How the arguments of a call are laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A path.
    Path,
    /// An open folder and a path.
    PathAt,
    /// Two paths.
    Paths,
    /// An open folder and a path, twice.
    PathsAt,
    /// An open file.
    File,
    /// An open file, and what is written to it.
    Data,
    /// Two open files.
    Files { from: usize, to: usize },
}

/// What is known of a call by its number.
pub(crate) fn shape_of(number: i64) -> Option<(&'static str, Shape)> {
    let (_, name, shape) = CALLS.iter().find(|(known, ..)| *known == number)?;
    Some((name, *shape))
}

const CALLS: &[(i64, &str, Shape)] = &[
    (libc::SYS_access, "access", Shape::Path),
    (libc::SYS_chmod, "chmod", Shape::Path),
    (libc::SYS_close, "close", Shape::File),
    (
        libc::SYS_copy_file_range,
        "copy_file_range",
        Shape::Files { from: 0, to: 2 },
    ),
    (libc::SYS_creat, "creat", Shape::Path),
    (libc::SYS_dup, "dup", Shape::File),
    (libc::SYS_faccessat, "faccessat", Shape::PathAt),
    (libc::SYS_faccessat2, "faccessat2", Shape::PathAt),
    (libc::SYS_fallocate, "fallocate", Shape::File),
    (libc::SYS_fchmod, "fchmod", Shape::File),
    (libc::SYS_fchmodat, "fchmodat", Shape::PathAt),
    (libc::SYS_fchown, "fchown", Shape::File),
    (libc::SYS_fcntl, "fcntl", Shape::File),
    (libc::SYS_fdatasync, "fdatasync", Shape::File),
    (libc::SYS_flock, "flock", Shape::File),
    (libc::SYS_fstat, "fstat", Shape::File),
    (libc::SYS_fsync, "fsync", Shape::File),
    (libc::SYS_ftruncate, "ftruncate", Shape::File),
    (libc::SYS_getdents64, "getdents64", Shape::File),
    (libc::SYS_link, "link", Shape::Paths),
    (libc::SYS_linkat, "linkat", Shape::PathsAt),
    (libc::SYS_lseek, "lseek", Shape::File),
    (libc::SYS_lstat, "lstat", Shape::Path),
    (libc::SYS_mkdir, "mkdir", Shape::Path),
    (libc::SYS_mkdirat, "mkdirat", Shape::PathAt),
    (libc::SYS_newfstatat, "newfstatat", Shape::PathAt),
    (libc::SYS_open, "open", Shape::Path),
    (libc::SYS_openat, "openat", Shape::PathAt),
    (libc::SYS_pread64, "pread64", Shape::File),
    (libc::SYS_preadv, "preadv", Shape::File),
    (libc::SYS_pwrite64, "pwrite64", Shape::Data),
    (libc::SYS_pwritev, "pwritev", Shape::File),
    (libc::SYS_read, "read", Shape::File),
    (libc::SYS_readlink, "readlink", Shape::Path),
    (libc::SYS_readv, "readv", Shape::File),
    (libc::SYS_rename, "rename", Shape::Paths),
    (libc::SYS_renameat, "renameat", Shape::PathsAt),
    (libc::SYS_renameat2, "renameat2", Shape::PathsAt),
    (libc::SYS_rmdir, "rmdir", Shape::Path),
    (
        libc::SYS_sendfile,
        "sendfile",
        Shape::Files { from: 1, to: 0 },
    ),
    (libc::SYS_splice, "splice", Shape::Files { from: 0, to: 2 }),
    (libc::SYS_stat, "stat", Shape::Path),
    (libc::SYS_statx, "statx", Shape::PathAt),
    (libc::SYS_symlink, "symlink", Shape::Paths),
    (libc::SYS_sync_file_range, "sync_file_range", Shape::File),
    (libc::SYS_truncate, "truncate", Shape::Path),
    (libc::SYS_unlink, "unlink", Shape::Path),
    (libc::SYS_unlinkat, "unlinkat", Shape::PathAt),
    (libc::SYS_utimensat, "utimensat", Shape::PathAt),
    (libc::SYS_write, "write", Shape::Data),
    (libc::SYS_writev, "writev", Shape::File),
];

/// What only looks, at whatever.
const LOOKS: [&str; 17] = [
    "access",
    "close",
    "dup",
    "faccessat",
    "faccessat2",
    "fcntl",
    "fstat",
    "getdents64",
    "lseek",
    "lstat",
    "newfstatat",
    "pread64",
    "preadv",
    "read",
    "readlink",
    "readv",
    "stat",
];

impl Call {
    /// Whether it may leave something else in the folder, or on its disk, than it has found.
    pub(crate) fn changes(&self) -> bool {
        match self.name {
            "openat" => self.has_flag(libc::O_CREAT | libc::O_TRUNC),
            "statx" => false,
            name => !LOOKS.contains(&name),
        }
    }

    /// Whether the folder is another one after it. To flush a file or to lock it does not count.
    pub(crate) fn has_changed(&self) -> bool {
        let is_made = !matches!(self.name, "flock" | "fsync" | "fdatasync");
        is_made && self.changes() && self.result.is_some_and(|result| result >= 0)
    }

    /// Whether it opens with one of these flags.
    pub(crate) fn has_flag(&self, flags: i32) -> bool {
        self.name == "openat" && self.arguments[2] & u64::from(flags.cast_unsigned()) != 0
    }

    /// Whether it makes a file without a name.
    pub(crate) fn is_nameless(&self) -> bool {
        let flags = u64::from(libc::O_TMPFILE.cast_unsigned());
        self.name == "openat" && self.arguments[2] & flags == flags
    }

    /// What another export would call the same: without random names and the time.
    pub(crate) fn label(&self, root: &Path) -> String {
        let mut label = format!("{} {}", self.name, anonymous(&self.path, root));
        if let Some(target) = &self.target {
            label.push_str(" -> ");
            label.push_str(&anonymous(target, root));
        }
        label
    }
}

fn anonymous(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names = below.components().map(|part| match part {
        Component::Normal(name) => without_chance(&name.to_string_lossy()),
        other => other.as_os_str().to_string_lossy().into_owned(),
    });
    names.collect::<Vec<_>>().join("/")
}

/// A name with its random part, its time, or its number left out.
fn without_chance(name: &str) -> String {
    const RANDOM: usize = 6;
    let is_export = name.len() > 20 && name.as_bytes()[8] == b'T' && name.contains('Z');
    let rest = name.get(RANDOM..).unwrap_or_default();
    let is_staged = rest == ".json" || rest.starts_with('-') && name.is_char_boundary(RANDOM);
    match name {
        name if name.starts_with('#') => "#".to_owned(),
        "_partial-current" => name.to_owned(),
        name if name.starts_with("_partial-") => "_partial-*".to_owned(),
        name if is_export => name.split_once('Z').map_or("Z", |(_, end)| end).to_owned() + "@",
        _ if is_staged && !name.starts_with('_') => format!("*{rest}"),
        name => name.to_owned(),
    }
}
