//! One writer at a time, and who it is.

use std::io::{Read, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::DatasetError;
use crate::layout;
use crate::manifest::ManifestLink;
use crate::seal::{sealed, unsealed};
use crate::storage::{Storage, StorageLock};

/// The right to write to a dataset. Gone with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _lock: StorageLock,
    holder: Holder,
}

/// Who holds a dataset: `_lock.json`, beside the lock because a locked file cannot be read on
/// Windows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: String,
    export_id: Option<String>,
    /// The newest closed manifest: what is in `_manifests` is compared with it, because nothing there
    /// names the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<ManifestLink>,
}

impl Lock {
    /// Takes the lock at once or says who has it.
    pub(crate) fn acquire(storage: &dyn Storage) -> Result<Self, DatasetError> {
        let Some(lock) = storage.lock()? else {
            return Err(locked(storage));
        };
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            export_id: None,
            head: recorded_head(storage),
        };
        Ok(Self {
            _lock: lock,
            holder,
        })
    }

    /// The newest closed manifest, as far as it is known.
    pub(crate) fn head(&self) -> Option<&ManifestLink> {
        self.holder.head.as_ref()
    }

    /// Remembers the newest closed manifest, until it is announced.
    pub(crate) fn set_head(&mut self, head: Option<ManifestLink>) {
        if head.is_some() {
            self.holder.head = head;
        }
    }

    /// Says beside the lock who holds it, and for which export.
    pub(crate) fn announce(
        &mut self,
        storage: &dyn Storage,
        export_id: Option<&str>,
    ) -> Result<(), DatasetError> {
        self.holder.export_id = export_id.map(str::to_owned);
        write_json(storage, layout::STAGING, layout::LOCK_HOLDER, &self.holder).map(|_| ())
    }
}

/// The newest closed manifest, as the last writer left word of it beside the lock; `None` where it left
/// none, or where what it left is damaged.
pub(crate) fn recorded_head(storage: &dyn Storage) -> Option<ManifestLink> {
    let mut file = storage.read(layout::LOCK_HOLDER).ok().flatten()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let head = unsealed::<Holder>(&bytes).ok().flatten()?.head?;
    layout::check_export_id(&head.export_id).ok()?;
    Some(head)
}

/// Stages and publishes an object as JSON that says what its contents were: the SHA-256 of the
/// file.
pub(crate) fn write_json(
    storage: &dyn Storage,
    staging: &str,
    target: &str,
    value: &impl Serialize,
) -> Result<String, DatasetError> {
    let path = storage.locate(target);
    let bytes = sealed(value).map_err(|error| DatasetError::io("write", &path)(error.into()))?;
    let (staged, mut file) = storage.stage(staging, ".json")?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(DatasetError::io("write", &path))?;
    drop(file);
    storage.publish(vec![(staged, target.to_owned())])?;
    Ok(crate::format::digest_of(&bytes))
}

fn locked(storage: &dyn Storage) -> DatasetError {
    let holder = storage
        .read(layout::LOCK_HOLDER)
        .ok()
        .flatten()
        .and_then(|mut file| {
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            serde_json::from_str::<Holder>(&text).ok()
        });
    let root = storage.locate("");
    match holder {
        Some(Holder {
            pid,
            host,
            since,
            export_id: Some(export_id),
            ..
        }) => DatasetError::Locked {
            root,
            holder: format!("process {pid} on {host}, export {export_id}"),
            since,
        },
        Some(Holder {
            pid,
            host,
            since,
            export_id: None,
            ..
        }) => DatasetError::Locked {
            root,
            holder: format!("process {pid} on {host}"),
            since,
        },
        None => DatasetError::Locked {
            root,
            holder: "another process".into(),
            since: "an unknown time".into(),
        },
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .or_else(|| std::env::var("HOSTNAME").ok());
    let name = name
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "this host".to_owned())
}

/// Type of the network file system that holds a folder: locks there may not exclude other hosts.
pub(crate) fn network_file_system(root: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let root = std::fs::canonicalize(root).ok()?;
    file_system_of(&mounts, &root)
        .filter(|kind| is_network(kind))
        .map(str::to_owned)
}

/// The type of the mount that a path is on, from the text of `mountinfo` (proc(5)).
fn file_system_of<'m>(mounts: &'m str, path: &Path) -> Option<&'m str> {
    let mount = |line: &'m str| {
        let (mount, details) = line.split_once(" - ")?;
        let point = Path::new(mount.split(' ').nth(4)?);
        let kind = details.split(' ').next()?;
        path.starts_with(point)
            .then(|| (point.components().count(), kind))
    };
    // Of mounts on the same point the last one is visible.
    mounts
        .lines()
        .filter_map(mount)
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, kind)| kind)
}

fn is_network(kind: &str) -> bool {
    const KINDS: [&str; 14] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.blobfuse2",
        "fuse.rclone",
        "fuse.glusterfs",
        "lustre",
    ];
    KINDS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::LocalStorage;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:35 / /mnt/share rw shared:1 - nfs4 server:/export rw
41 40 0:36 / /mnt/share/local rw - tmpfs tmpfs rw";

    #[test]
    fn the_deepest_mount_decides() {
        let kind = |path: &str| file_system_of(MOUNTS, Path::new(path));
        assert_eq!(kind("/mnt/share/data"), Some("nfs4"));
        assert_eq!(kind("/mnt/share/local/data"), Some("tmpfs"));
        assert_eq!(kind("/mnt/shared"), Some("ext4"));
        assert!(is_network("nfs4") && !is_network("ext4"));
    }

    #[test]
    fn a_second_holder_is_told_who_has_it_and_a_gone_one_leaves_it_free() {
        let folder = tempfile::tempdir().unwrap();
        let storage = LocalStorage::new(folder.path());
        let mut first = Lock::acquire(&storage).unwrap();
        first
            .announce(&storage, Some("20261122T101500.000000Z"))
            .unwrap();
        let error = Lock::acquire(&storage).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("process {pid} on ")), "{error}");
        assert!(
            error.contains("export 20261122T101500.000000Z, since 2"),
            "{error}"
        );
        drop(first);
        Lock::acquire(&storage).unwrap();
    }

    #[test]
    fn a_holder_that_left_no_name_is_still_a_holder() {
        let folder = tempfile::tempdir().unwrap();
        let storage = LocalStorage::new(folder.path());
        let _first = Lock::acquire(&storage).unwrap();
        std::fs::write(folder.path().join("_lock.json"), "{\"pi").unwrap();
        let error = Lock::acquire(&storage).unwrap_err();
        assert!(matches!(error, DatasetError::Locked { .. }));
        assert!(
            error
                .to_string()
                .contains("another process, since an unknown time")
        );
    }
}
