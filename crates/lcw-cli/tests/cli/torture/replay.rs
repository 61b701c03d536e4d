//! Recorded calls, made again on the model of a disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use nix::libc;

use super::call::Call;
use super::disk::{Disk, Inode};

/// The disk while recorded calls are made on it.
pub(crate) struct Replay {
    pub(crate) disk: Disk,
    /// The folder that the disk stands for.
    top: PathBuf,
    /// Open files by descriptor; some descriptors share one.
    descriptors: HashMap<i64, usize>,
    open: Vec<Open>,
}

/// An open file or folder, and where it is read and written.
struct Open {
    inode: Inode,
    at: usize,
}

impl Replay {
    pub(crate) fn new(disk: Disk, top: &Path) -> Self {
        Self {
            disk,
            top: top.to_owned(),
            descriptors: HashMap::new(),
            open: Vec::new(),
        }
    }

    /// The program before is gone, with all that it had open.
    pub(crate) fn start_program(&mut self) {
        self.descriptors.clear();
    }

    /// Makes a call. Says whether it may have changed what a power cut leaves.
    pub(crate) fn make(&mut self, call: &Call) -> bool {
        let result = match call.result {
            Some(result) if result >= 0 => result,
            _ => return false,
        };
        let opened = descriptor(call, 0);
        match call.name {
            "openat" => return self.open(call, result),
            "close" => {
                self.descriptors.remove(&opened);
                return false;
            }
            "fcntl" | "dup" => {
                if call.name == "dup" || is_duplication(call) {
                    let open = self.descriptors[&opened];
                    self.descriptors.insert(result, open);
                }
                return false;
            }
            "lseek" => {
                self.file(opened).at = length(result);
                return false;
            }
            "read" => {
                self.file(opened).at += length(result);
                return false;
            }
            _ if !call.changes() => return false,
            "flock" | "fchmod" | "chmod" => return false,
            "mkdir" => self.disk.make_folder(&self.below(&call.path)),
            "unlink" | "unlinkat" | "rmdir" => self.disk.remove(&self.below(&call.path)),
            "rename" | "renameat" | "renameat2" => {
                let to = call.target.as_ref().unwrap();
                self.disk.rename(&self.below(&call.path), &self.below(to));
            }
            "write" => self.append(opened, &call.data[..length(result)]),
            "pwrite64" => {
                let inode = self.file(opened).inode;
                let at = usize::try_from(call.arguments[3]).unwrap();
                self.disk.write(inode, at, &call.data[..length(result)]);
            }
            "copy_file_range" | "sendfile" => self.copy(call, length(result)),
            "ftruncate" => {
                let inode = self.file(opened).inode;
                self.disk
                    .resize(inode, usize::try_from(call.arguments[1]).unwrap());
            }
            "fsync" | "fdatasync" => {
                let inode = self.file(opened).inode;
                self.disk.flush(inode);
            }
            other => panic!("the model of a disk does not know {other} of {call:?}"),
        }
        true
    }

    fn open(&mut self, call: &Call, descriptor: i64) -> bool {
        let path = self.below(&call.path);
        let found = self.disk.find(&path);
        let inode = match found {
            _ if call.is_nameless() => self.disk.nameless(),
            Some(inode) => inode,
            None => self.disk.make_file(&path),
        };
        let is_cut = found.is_some() && call.has_flag(libc::O_TRUNC);
        if is_cut {
            self.disk.resize(inode, 0);
        }
        self.open.push(Open { inode, at: 0 });
        self.descriptors.insert(descriptor, self.open.len() - 1);
        is_cut || found.is_none()
    }

    fn append(&mut self, descriptor: i64, bytes: &[u8]) {
        let file = self.file(descriptor);
        let (inode, at) = (file.inode, file.at);
        file.at += bytes.len();
        self.disk.write(inode, at, bytes);
    }

    /// From one open file to another, from where they are.
    fn copy(&mut self, call: &Call, length: usize) {
        let (from, to, offsets) = match call.name {
            "sendfile" => (1, 0, [call.arguments[2], 0]),
            _ => (0, 2, [call.arguments[1], call.arguments[3]]),
        };
        assert_eq!(offsets, [0, 0], "{call:?}");
        let file = self.file(descriptor(call, from));
        let (inode, at) = (file.inode, file.at);
        file.at += length;
        let bytes = self.disk.bytes(inode)[at..at + length].to_owned();
        self.append(descriptor(call, to), &bytes);
    }

    fn file(&mut self, descriptor: i64) -> &mut Open {
        let open = self.descriptors.get(&descriptor);
        &mut self.open[*open.expect("an open file")]
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.top).unwrap().to_owned()
    }
}

fn is_duplication(call: &Call) -> bool {
    let command = call.arguments[1];
    [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC]
        .iter()
        .any(|known| command == u64::from(known.cast_unsigned()))
}

fn length(result: i64) -> usize {
    usize::try_from(result).unwrap()
}

/// An argument that is a descriptor: only the lower half of a register counts.
fn descriptor(call: &Call, argument: usize) -> i64 {
    (call.arguments[argument] & u64::from(u32::MAX)).cast_signed()
}
