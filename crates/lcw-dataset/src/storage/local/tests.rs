use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn publish(storage: &LocalStorage, path: &str, content: &str) -> Result<(), DatasetError> {
    let (staged, mut file) = storage.stage("_staging/e", ".txt")?;
    file.write_all(content.as_bytes()).unwrap();
    storage.publish(vec![(staged, path.to_owned())])
}

fn content(storage: &LocalStorage, path: &str) -> Option<String> {
    let mut text = String::new();
    storage
        .read(path)
        .unwrap()?
        .read_to_string(&mut text)
        .unwrap();
    Some(text)
}

#[test]
fn publishing_replaces_the_whole_file_and_leaves_nothing_staged() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path());
    publish(&storage, "a/b/c.txt", "one").unwrap();
    let mut reader = storage.read("a/b/c.txt").unwrap().unwrap();
    publish(&storage, "a/b/c.txt", "two").unwrap();
    let mut held = String::new();
    reader.read_to_string(&mut held).unwrap();
    assert_eq!(
        (held.as_str(), content(&storage, "a/b/c.txt").as_deref()),
        ("one", Some("two"))
    );
    assert!(storage.list("_staging/e").unwrap().is_empty());
}

#[test]
fn a_staged_file_that_is_not_published_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path());
    let (staged, _file) = storage.stage("_staging/e", ".txt").unwrap();
    assert_eq!(storage.list("_staging/e").unwrap().len(), 1);
    drop(staged);
    assert!(storage.list("_staging/e").unwrap().is_empty());
}

#[test]
fn what_does_not_exist_is_empty_and_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path().join("missing"));
    assert!(storage.list("").unwrap().is_empty());
    assert!(storage.read("a/b").unwrap().is_none());
    storage.sweep("_staging").unwrap();
}

#[test]
fn nothing_outside_the_root_has_a_path() {
    let outside = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(outside.path().join("data"));
    storage.create().unwrap();
    fs::write(outside.path().join("x"), "precious").unwrap();
    for path in ["../x", "runs/../../x", "/../x"] {
        storage.read(path).unwrap_err();
        publish(&storage, path, "x").unwrap_err();
    }
    let kept = fs::read_to_string(outside.path().join("x")).unwrap();
    assert_eq!(kept, "precious");
}

#[cfg(unix)]
#[test]
fn links_below_the_root_are_refused_and_nothing_is_written_through_them() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path());
    symlink(outside.path(), folder.path().join("runs")).unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    fs::write(outside.path().join("x"), "precious").unwrap();
    symlink(outside.path().join("x"), folder.path().join("real/x")).unwrap();
    let is_link = |error: DatasetError| matches!(error, DatasetError::SymbolicLink { .. });
    assert!(is_link(publish(&storage, "runs/part-0", "x").unwrap_err()));
    assert!(is_link(publish(&storage, "real/x", "x").unwrap_err()));
    assert!(is_link(storage.read("real/x").unwrap_err()));
    symlink(outside.path(), folder.path().join("_other")).unwrap();
    assert!(is_link(storage.stage("_other/e", "").unwrap_err()));
    assert!(is_link(storage.sweep("_other").unwrap_err()));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(
        fs::read_to_string(outside.path().join("x")).unwrap(),
        "precious"
    );
}

/// Opening a pipe waits for its other end, which may never come.
#[cfg(unix)]
#[test]
fn what_is_neither_file_nor_folder_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path());
    let pipe = folder.path().join("x");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::os::unix::net::UnixListener::bind(folder.path().join("_lock")).unwrap();
    let is_special = |error: DatasetError| matches!(error, DatasetError::SpecialFile { .. });
    assert!(is_special(storage.read("x").unwrap_err()));
    assert!(is_special(storage.list("x").unwrap_err()));
    assert!(is_special(publish(&storage, "x", "x").unwrap_err()));
    assert!(is_special(publish(&storage, "x/y", "x").unwrap_err()));
    assert!(is_special(storage.stage("x", "").unwrap_err()));
    assert!(is_special(storage.sweep("x").unwrap_err()));
    assert!(is_special(storage.lock().unwrap_err()));
    assert_eq!(storage.list("").unwrap().len(), 3);
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_umask_and_a_private_root() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("grand/parent/data");
    let storage = LocalStorage::new(&root);
    storage.create().unwrap();
    publish(&storage, "a/b.txt", "x").unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o750);
    assert_eq!(mode(&root.join("a/b.txt")), mode(&plain));
}

/// A writer whose lock was deleted goes on for a moment beside the next one.
#[test]
fn a_folder_is_swept_though_somebody_puts_files_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path());
    let staging = folder.path().join("_staging/x");
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                fs::create_dir_all(&staging).ok();
                fs::write(staging.join("a"), "").ok();
            }
        });
        for _ in 0..2_000 {
            let swept = storage.sweep("_staging");
            is_done.fetch_or(swept.is_err(), Ordering::Relaxed);
            swept.unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
