//! A day is given up when somebody asks to stop, at any point before it is published.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use lcw_dataset::{DatasetError, Status};

use crate::rows::Row;
use crate::support::{
    DAY, contents, export, export_day, folder, formats, head, parquet, tail, writer,
};

fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

/// The files that readers look at.
fn data(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = contents(root);
    files.retain(|(name, _)| !name.starts_with('_'));
    files
}

/// Asked to stop from the n-th time on that anybody looks.
fn stop_at(nth: u32) -> impl Fn() -> bool + Send + Sync + 'static {
    let looks = AtomicU32::new(0);
    move || looks.fetch_add(1, Ordering::Relaxed) + 1 >= nth
}

#[test]
fn a_day_that_is_given_up_leaves_everything_as_it_was() {
    for format in formats() {
        let folder = folder();
        export(
            folder.path(),
            &format,
            0,
            &[row("1", "a")],
            &[row("1", "a")],
        );
        let mut given_up = 0;
        for nth in 1.. {
            let mut writer = writer(folder.path(), &format);
            let head = head(&writer, i64::from(nth));
            let mut export = writer.begin(head).unwrap();
            export.stop_when(stop_at(nth));
            let before = data(folder.path());
            let rows = [row("1", &format!("b{nth}"))];
            let outcome = export_day(&mut export, DAY, &rows, &rows);
            let manifest = export.close(tail(Status::Interrupted)).unwrap();
            let all = contents(folder.path());
            let is_staged = |(name, _): &(String, Vec<u8>)| name.starts_with("_staging/");
            assert!(!all.iter().any(is_staged));
            let dataset = writer.dataset();
            dataset.manifest(&manifest.export_id).unwrap();
            if outcome.is_ok() {
                assert_ne!(data(folder.path()), before);
                break;
            }
            assert!(matches!(outcome, Err(DatasetError::Stopped)), "{outcome:?}");
            assert_eq!(data(folder.path()), before);
            given_up += 1;
        }
        // Two tables are merged.
        assert_eq!(given_up, 2);
    }
}

#[test]
fn a_commit_that_others_keep_waiting_is_given_up() {
    let folder = folder();
    let format = parquet();
    export(folder.path(), &format, 0, &[row("1", "a")], &[]);
    let held = File::open(folder.path().join("_commit.lock")).unwrap();
    held.lock().unwrap();
    let before = data(folder.path());
    let mut writer = writer(folder.path(), &format);
    let head1 = head(&writer, 1);
    let mut export = writer.begin(head1).unwrap();
    // Long after it has begun to wait.
    export.stop_when(stop_at(20));
    let outcome = export_day(&mut export, DAY, &[row("1", "b")], &[]);
    assert!(matches!(outcome, Err(DatasetError::Stopped)), "{outcome:?}");
    export.close(tail(Status::Interrupted)).unwrap();
    assert_eq!(data(folder.path()), before);
    drop(held);
    let head2 = head(&writer, 2);
    let mut export = writer.begin(head2).unwrap();
    export_day(&mut export, DAY, &[row("1", "b")], &[]).unwrap();
    assert_ne!(data(folder.path()), before);
}
