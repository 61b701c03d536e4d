//! A disk as a journaling file system keeps it, of which a power cut leaves what was flushed and
//! any part of what was not.
//!
//! What a file holds is on the disk once the file is flushed; its name, once its folder is. Of
//! what a folder was asked for since, the first so many changes may have got there, each folder by
//! itself; of what was written to a file, anything. No real file system is as mean: ext4, for one,
//! never takes a name away from one folder without giving it to the other.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::desk::Contents;
use lcw_tests::Dice;

/// Something that has a name or had one.
pub(crate) type Inode = usize;

/// What a power cut leaves of all that was not flushed.
#[derive(Debug)]
pub(crate) enum Fate<'c> {
    /// Nothing.
    Nothing,
    /// Every name, but nothing of what was written: files are empty, or as they were last flushed.
    Names,
    /// Everything, as if the process alone had died.
    Everything,
    /// Some of it.
    Some(&'c mut Dice),
}

/// Folders and files, as they are and as the disk has them.
#[derive(Debug)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Folder {
        now: Names,
        flushed: Names,
        /// Each is made as a whole or not at all.
        changes: Vec<Vec<(OsString, Option<Inode>)>>,
    },
    File {
        now: Vec<u8>,
        flushed: Vec<u8>,
        writes: Vec<Write>,
    },
}

type Names = BTreeMap<OsString, Inode>;

#[derive(Debug, Clone)]
enum Write {
    At(usize, Vec<u8>),
    Length(usize),
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(*length, 0),
            Self::At(at, bytes) => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*at..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    /// The folder that everything is in.
    const TOP: Inode = 0;

    /// A disk with all of this flushed.
    pub(crate) fn with(contents: &Contents) -> Self {
        let mut disk = Self { nodes: Vec::new() };
        disk.folder();
        for (path, bytes) in contents {
            match bytes {
                None => disk.make_folder(path),
                Some(bytes) => {
                    let file = disk.make_file(path);
                    disk.write(file, 0, bytes);
                }
            }
        }
        for inode in 0..disk.nodes.len() {
            disk.flush(inode);
        }
        disk
    }

    fn folder(&mut self) -> Inode {
        self.nodes.push(Node::Folder {
            now: Names::new(),
            flushed: Names::new(),
            changes: Vec::new(),
        });
        self.nodes.len() - 1
    }

    /// A file that has no name yet.
    pub(crate) fn nameless(&mut self) -> Inode {
        self.nodes.push(Node::File {
            now: Vec::new(),
            flushed: Vec::new(),
            writes: Vec::new(),
        });
        self.nodes.len() - 1
    }

    /// What has this path now.
    pub(crate) fn find(&self, path: &Path) -> Option<Inode> {
        path.iter().try_fold(Self::TOP, |inode, name| {
            let Node::Folder { now, .. } = &self.nodes[inode] else {
                return None;
            };
            now.get(name).copied()
        })
    }

    pub(crate) fn make_folder(&mut self, path: &Path) {
        let folder = self.folder();
        self.name(path, folder);
    }

    pub(crate) fn make_file(&mut self, path: &Path) -> Inode {
        let file = self.nameless();
        self.name(path, file);
        file
    }

    fn name(&mut self, path: &Path, inode: Inode) {
        let (folder, name) = self.place(path);
        self.change(folder, vec![(name, Some(inode))]);
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        let (folder, name) = self.place(path);
        self.change(folder, vec![(name, None)]);
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        let inode = self.find(from).expect("what is renamed is there");
        let (old_folder, old_name) = self.place(from);
        let (folder, name) = self.place(to);
        let (gone, come) = ((old_name, None), (name, Some(inode)));
        if old_folder == folder {
            self.change(folder, vec![gone, come]);
        } else {
            self.change(old_folder, vec![gone]);
            self.change(folder, vec![come]);
        }
    }

    fn place(&self, path: &Path) -> (Inode, OsString) {
        let folder = path.parent().and_then(|folder| self.find(folder));
        let name = path.file_name().map(OsStr::to_owned);
        folder.zip(name).expect("a name in a folder that is there")
    }

    fn change(&mut self, folder: Inode, change: Vec<(OsString, Option<Inode>)>) {
        let Node::Folder { now, changes, .. } = &mut self.nodes[folder] else {
            panic!("names are in folders");
        };
        apply(&change, now);
        changes.push(change);
    }

    pub(crate) fn write(&mut self, file: Inode, at: usize, bytes: &[u8]) {
        self.put(file, Write::At(at, bytes.to_owned()));
    }

    pub(crate) fn resize(&mut self, file: Inode, length: usize) {
        self.put(file, Write::Length(length));
    }

    fn put(&mut self, file: Inode, write: Write) {
        let Node::File { now, writes, .. } = &mut self.nodes[file] else {
            panic!("a folder is not written to");
        };
        write.apply(now);
        writes.push(write);
    }

    /// What a file holds now.
    pub(crate) fn bytes(&self, file: Inode) -> &[u8] {
        match &self.nodes[file] {
            Node::File { now, .. } => now,
            Node::Folder { .. } => &[],
        }
    }

    /// Brings a file, or the names in a folder, to the disk.
    pub(crate) fn flush(&mut self, inode: Inode) {
        match &mut self.nodes[inode] {
            Node::Folder {
                now,
                flushed,
                changes,
            } => {
                flushed.clone_from(now);
                changes.clear();
            }
            Node::File {
                now,
                flushed,
                writes,
            } => {
                flushed.clone_from(now);
                writes.clear();
            }
        }
    }

    /// What is there when the power comes back.
    pub(crate) fn after_power_cut(&self, fate: &mut Fate<'_>) -> Contents {
        // Decided once for each, however many names lead to it.
        let mut left = Contents::new();
        let kept: Vec<Kept> = self.nodes.iter().map(|node| node.keep(fate)).collect();
        let mut folders = vec![(PathBuf::new(), Self::TOP)];
        while let Some((path, folder)) = folders.pop() {
            let Kept::Folder(names) = &kept[folder] else {
                continue;
            };
            for (name, inode) in names {
                let path = path.join(name);
                match &kept[*inode] {
                    Kept::File(bytes) => left.insert(path, Some(bytes.clone())),
                    Kept::Folder(_) => {
                        folders.push((path.clone(), *inode));
                        left.insert(path, None)
                    }
                };
            }
        }
        left
    }
}

fn apply(change: &[(OsString, Option<Inode>)], to: &mut Names) {
    for (name, inode) in change {
        match inode {
            Some(inode) => to.insert(name.clone(), *inode),
            None => to.remove(name),
        };
    }
}

/// What is left of a folder or a file.
enum Kept {
    Folder(Names),
    File(Vec<u8>),
}

impl Node {
    fn keep(&self, fate: &mut Fate<'_>) -> Kept {
        match self {
            Self::Folder {
                flushed, changes, ..
            } => {
                let count = match fate {
                    Fate::Nothing => 0,
                    Fate::Names | Fate::Everything => changes.len(),
                    Fate::Some(dice) => dice.below(changes.len() + 1),
                };
                let mut names = flushed.clone();
                for change in &changes[..count] {
                    apply(change, &mut names);
                }
                Kept::Folder(names)
            }
            Self::File {
                now,
                flushed,
                writes,
            } => Kept::File(match fate {
                Fate::Nothing | Fate::Names => flushed.clone(),
                Fate::Everything => now.clone(),
                Fate::Some(dice) => some_of(flushed, writes, dice),
            }),
        }
    }
}

/// Any of the writes, in any order, and each in part.
fn some_of(flushed: &[u8], writes: &[Write], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = flushed.to_owned();
    let count = dice.below(writes.len() + 1);
    for write in &writes[..count] {
        match write {
            // Its place on the disk is taken, but it never got there.
            Write::At(at, data) if dice.below(4) == 0 => {
                Write::At(*at, vec![0; data.len()]).apply(&mut bytes);
            }
            Write::At(at, data) if dice.below(4) == 0 => {
                let part = dice.below(data.len() + 1);
                Write::At(*at, data[..part].to_owned()).apply(&mut bytes);
            }
            whole => whole.apply(&mut bytes),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"old";
    const NEW: &[u8] = b"new and longer";

    /// What an export does to replace a file, with some of it left out. Whether the file was the
    /// old or the new one at any moment, and the new one in the end.
    fn replaced_well(flush_file: bool, flush_folder: bool) -> bool {
        let (staged, file) = (Path::new("staging/a"), Path::new("day/part"));
        let mut before = Contents::new();
        for folder in ["staging", "day"] {
            before.insert(folder.into(), None);
        }
        before.insert(file.to_owned(), Some(OLD.to_owned()));
        let steps: [&dyn Fn(&mut Disk); 5] = [
            &|disk| {
                disk.make_file(staged);
            },
            &|disk| {
                let inode = disk.find(staged).unwrap();
                disk.write(inode, 0, NEW);
            },
            &|disk| {
                if flush_file {
                    disk.flush(disk.find(staged).unwrap());
                }
            },
            &|disk| disk.rename(staged, file),
            &|disk| {
                if flush_folder {
                    disk.flush(disk.find(Path::new("day")).unwrap());
                }
            },
        ];
        let mut disk = Disk::with(&before);
        let mut is_good = true;
        let mut dice = Dice::new(1);
        for step in steps {
            step(&mut disk);
            for seed in 0..40 {
                let mut fate = match seed {
                    0 => Fate::Nothing,
                    1 => Fate::Names,
                    2 => Fate::Everything,
                    _ => Fate::Some(&mut dice),
                };
                let left = disk.after_power_cut(&mut fate);
                let found = left.get(file).and_then(Option::as_deref);
                is_good &= found == Some(OLD) || found == Some(NEW);
            }
        }
        let left = disk.after_power_cut(&mut Fate::Nothing);
        is_good && left[file].as_deref() == Some(NEW)
    }

    #[test]
    fn a_file_is_replaced_well_only_when_file_and_folder_are_flushed() {
        assert!(replaced_well(true, true));
        assert!(!replaced_well(false, true), "renamed before it was flushed");
        assert!(!replaced_well(true, false), "its folder was never flushed");
        assert!(!replaced_well(false, false));
    }

    #[test]
    fn a_new_folder_is_there_only_when_its_parent_is_flushed() {
        let mut disk = Disk::with(&Contents::new());
        disk.make_folder(Path::new("a"));
        let file = disk.make_file(Path::new("a/b"));
        disk.write(file, 0, NEW);
        disk.flush(file);
        disk.flush(disk.find(Path::new("a")).unwrap());
        assert!(disk.after_power_cut(&mut Fate::Nothing).is_empty());
        disk.flush(Disk::TOP);
        let left = disk.after_power_cut(&mut Fate::Nothing);
        assert_eq!(left[Path::new("a/b")].as_deref(), Some(NEW));
    }

    #[test]
    fn what_is_written_over_a_flushed_file_may_be_lost_in_any_part() {
        let mut disk = Disk::with(&Contents::new());
        let file = disk.make_file(Path::new("a"));
        disk.write(file, 0, OLD);
        disk.flush(file);
        disk.flush(Disk::TOP);
        disk.write(file, 2, NEW);
        disk.resize(file, 5);
        let seen = |fate: &mut Fate<'_>| disk.after_power_cut(fate)[Path::new("a")].clone();
        assert_eq!(seen(&mut Fate::Nothing).as_deref(), Some(OLD));
        assert_eq!(seen(&mut Fate::Everything).as_deref(), Some(&b"olnew"[..]));
        let mut dice = Dice::new(3);
        let mut states: Vec<_> = (0..50).map(|_| seen(&mut Fate::Some(&mut dice))).collect();
        states.sort_unstable();
        states.dedup();
        assert!(states.len() > 5, "{states:?}");
    }
}
