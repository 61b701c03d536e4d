//! The order of a commit, the layout, and stored files that cannot be trusted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::date;
use lcw_dataset::{DatasetError, Format, Identity, Status, Writer};
use lcw_loader_ndjson::{Compression, NdjsonFormat};

use crate::crashes::{Fault, Faulty, Log};
use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, WORKFLOWS, contents, dataset, export, export_day, folder, formats,
    head, merge, parquet, stored, tables, tail, try_writer, writer,
};

fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

fn part(root: &Path, table: &str) -> PathBuf {
    root.join(format!(
        "{table}/tenant_id={TENANT}/run_date=2026-11-22/part-0.parquet"
    ))
}

#[test]
fn files_lie_where_readers_look_for_them() {
    for (format, name) in [
        (parquet(), "part-0.parquet"),
        (
            Arc::new(NdjsonFormat::default()) as Arc<dyn Format>,
            "part-0.ndjson.zst",
        ),
        (
            Arc::new(NdjsonFormat::new(Compression::Gzip)),
            "part-0.ndjson.gz",
        ),
        (
            Arc::new(NdjsonFormat::new(Compression::None)),
            "part-0.ndjson",
        ),
    ] {
        let folder = folder();
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 0);
        let mut export = writer.begin(head).unwrap();
        let workflows = export.dataset().table(WORKFLOWS).unwrap().clone();
        let mut staging = export.day(None).unwrap();
        merge(&mut staging, &workflows, &[row("1", "a")]).unwrap();
        staging.commit().unwrap();
        export_day(&mut export, DAY, &[row("1", "a")], &[row("1", "a")]).unwrap();
        export.close(tail(Status::Done)).unwrap();
        drop(writer);
        let names: Vec<_> = contents(folder.path())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "_commit.lock".to_owned(),
                "_dataset.json".to_owned(),
                "_lock".to_owned(),
                "_manifests/20261122T101000.000000Z.json".to_owned(),
                format!("runs/tenant_id={TENANT}/run_date=2026-11-22/{name}"),
                format!("user_processing_results/tenant_id={TENANT}/run_date=2026-11-22/{name}"),
                format!("workflows/tenant_id={TENANT}/{name}"),
            ]
        );
        assert!(folder.path().join("_lock.json").exists());
    }
}

#[test]
fn days_and_files_are_listed_oldest_first() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 0);
    let mut export = writer.begin(head).unwrap();
    let days = [date(2026, 11, 23), date(2026, 2, 1), date(1, 1, 1)];
    for day in days {
        export_day(&mut export, day, &[row("1", "a")], &[]).unwrap();
    }
    fs::create_dir(
        folder
            .path()
            .join(format!("runs/tenant_id={TENANT}/run_date=other")),
    )
    .unwrap();
    let dataset = export.dataset();
    assert_eq!(
        dataset.days(RUNS, TENANT).unwrap(),
        [days[2], days[1], days[0]]
    );
    assert!(dataset.days(RESULTS, TENANT).unwrap().is_empty());
    let files = dataset.files(RUNS, TENANT).unwrap();
    let first = &files[0];
    assert_eq!(
        first.path,
        format!("runs/tenant_id={TENANT}/run_date=0001-01-01/part-0.parquet")
    );
    assert_eq!(
        first.bytes,
        fs::metadata(folder.path().join(&first.path)).unwrap().len()
    );
    assert_eq!(dataset.count(RUNS, TENANT, Some(days[0])).unwrap(), Some(1));
    assert_eq!(dataset.count(RUNS, TENANT, Some(DAY)).unwrap(), None);
}

#[test]
fn intent_comes_first_then_children_then_runs() {
    let folder = folder();
    let format = parquet();
    let log = Log::default();
    let storage = Arc::new(Faulty::new(
        folder.path(),
        log.clone(),
        Fault::Dies,
        usize::MAX,
    ));
    let identity = Identity::new(format.as_ref());
    let tables = tables(format.as_ref());
    let mut writer =
        Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables).unwrap();
    let head = head(&writer, 0);
    let mut export = writer.begin(head).unwrap();
    log.clear();
    export_day(&mut export, DAY, &[row("1", "a")], &[row("1", "a")]).unwrap();
    let steps: Vec<String> = log
        .steps()
        .into_iter()
        .filter(|step| !step.starts_with("stage "))
        .collect();
    let manifest = "publish _manifests/20261122T101000.000000Z.json";
    let published = |table: &str| {
        format!("publish {table}/tenant_id={TENANT}/run_date=2026-11-22/part-0.parquet")
    };
    assert_eq!(
        steps,
        [
            manifest.to_owned(),
            "commit lock".to_owned(),
            published(RESULTS),
            published(RUNS),
            manifest.to_owned(),
        ]
    );
}

#[test]
fn the_same_rows_give_the_same_files() {
    for format in formats() {
        let (one, two) = (folder(), folder());
        let rows = [row("1", "a"), row("2", "b")];
        for folder in [&one, &two] {
            export(folder.path(), &format, 1, &rows, &rows);
        }
        let data = |root: &Path| {
            let files = contents(root).into_iter();
            files
                .filter(|(name, _)| !name.starts_with('_'))
                .collect::<Vec<_>>()
        };
        assert_eq!(data(one.path()), data(two.path()));
    }
}

/// Damages the stored runs, and expects that an export of that day stops with the remedy.
fn refuses(damage: impl FnOnce(&Path)) -> DatasetError {
    let folder = folder();
    let format = parquet();
    export(
        folder.path(),
        &format,
        1,
        &[row("1", "a"), row("2", "a")],
        &[row("1", "a")],
    );
    let path = part(folder.path(), RUNS);
    damage(&path);
    let before = contents(folder.path());
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 2);
    let mut export = writer.begin(head).unwrap();
    let error = export_day(&mut export, DAY, &[row("3", "b")], &[row("3", "b")]).unwrap_err();
    drop(writer);
    assert_eq!(contents(folder.path()), before, "the dataset is untouched");
    error
}

#[test]
fn a_damaged_partition_stops_the_day_and_says_how_to_repair_it() {
    let cut = refuses(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    let flipped = refuses(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[30] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    let emptied = refuses(|path| fs::write(path, "").unwrap());
    for error in [cut, flipped, emptied] {
        let text = error.to_string();
        assert!(matches!(error, DatasetError::Unreadable { .. }), "{text}");
        assert!(text.contains("runs/tenant_id="), "{text}");
        assert!(text.contains("run a backfill over its day"), "{text}");
    }
}

#[test]
fn a_partition_that_reads_well_but_is_not_what_was_written_is_damaged_too() {
    let folder = folder();
    let format: Arc<dyn Format> = Arc::new(NdjsonFormat::new(Compression::None));
    export(folder.path(), &format, 1, &[row("1", "a")], &[]);
    let name = format!("runs/tenant_id={TENANT}/run_date=2026-11-22/part-0.ndjson");
    let path = folder.path().join(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"a\"", "\"b\"")).unwrap();
    let mut writer = writer(folder.path(), &format);
    assert_eq!(stored(writer.dataset(), RUNS).len(), 1, "it can be read");
    let head = head(&writer, 2);
    let mut export = writer.begin(head).unwrap();
    let error = export_day(&mut export, DAY, &[row("2", "b")], &[]).unwrap_err();
    assert!(matches!(error, DatasetError::Unreadable { .. }), "{error}");
}

#[test]
fn a_damaged_partition_without_manifests_is_found_by_reading_it() {
    let error = refuses(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        let root = path.ancestors().nth(4).unwrap();
        fs::remove_dir_all(root.join("_manifests")).unwrap();
        crate::support::without_head(root);
    });
    assert!(matches!(error, DatasetError::Unreadable { .. }), "{error}");
}

#[test]
fn a_partition_that_was_moved_away_is_written_anew() {
    let folder = folder();
    let format = parquet();
    export(
        folder.path(),
        &format,
        1,
        &[row("1", "a"), row("2", "a")],
        &[],
    );
    fs::remove_file(part(folder.path(), RUNS)).unwrap();
    export(folder.path(), &format, 2, &[row("2", "b")], &[]);
    let rows = stored(&dataset(folder.path(), &format), RUNS);
    assert_eq!(
        rows.iter()
            .map(|row| row.key.1.as_str())
            .collect::<Vec<_>>(),
        ["2"]
    );
}

#[cfg(unix)]
#[test]
fn links_in_the_place_of_partitions_are_refused() {
    let outside = folder();
    for is_file in [true, false] {
        let error = refuses(|path| {
            let place = if is_file {
                path
            } else {
                path.parent().unwrap()
            };
            let target = outside.path().join(is_file.to_string());
            let bytes = fs::read(path).unwrap();
            let file = if is_file {
                fs::remove_file(place).unwrap();
                target.clone()
            } else {
                fs::remove_dir_all(place).unwrap();
                fs::create_dir(&target).unwrap();
                target.join("part-0.parquet")
            };
            fs::write(file, bytes).unwrap();
            std::os::unix::fs::symlink(&target, place).unwrap();
        });
        assert!(
            matches!(error, DatasetError::SymbolicLink { .. }),
            "{error}"
        );
    }
}

#[test]
fn every_table_gets_a_file_and_the_first_data_replaces_it() {
    for format in formats() {
        let folder = folder();
        let mut writer = writer(folder.path(), &format);
        let all = [WORKFLOWS, RUNS, RESULTS];
        let head1 = head(&writer, 1);
        let mut export = writer.begin(head1).unwrap();
        export.ensure_every_table_has_a_file(&all, DAY).unwrap();
        export.close(tail(Status::Done)).unwrap();
        let files =
            |writer: &Writer| all.map(|table| writer.dataset().files(table, TENANT).unwrap().len());
        assert_eq!(files(&writer), [1, 1, 1]);
        assert_eq!(
            writer.dataset().count(RUNS, TENANT, Some(DAY)).unwrap(),
            Some(0)
        );
        assert_eq!(
            writer.dataset().count(WORKFLOWS, TENANT, None).unwrap(),
            Some(0)
        );
        let head2 = head(&writer, 2);
        let mut export = writer.begin(head2).unwrap();
        export_day(&mut export, DAY, &[row("1", "a")], &[]).unwrap();
        let before = contents(folder.path());
        export
            .ensure_every_table_has_a_file(&all, date(2026, 11, 30))
            .unwrap();
        assert_eq!(
            contents(folder.path()),
            before,
            "tables with a file are left alone"
        );
        export.close(tail(Status::Done)).unwrap();
        assert_eq!(files(&writer), [1, 1, 1]);
        assert_eq!(stored(writer.dataset(), RUNS).len(), 1);
    }
}

#[test]
fn days_and_tables_have_to_fit() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    let dataset = export.dataset().clone();
    let mut fails = |day, table: &str| {
        let table = dataset.table(table).unwrap();
        merge(&mut export.day(day).unwrap(), table, &[row("1", "a")])
            .unwrap_err()
            .to_string()
    };
    assert!(fails(None, RUNS).contains("it is kept by day"));
    assert!(fails(Some(DAY), WORKFLOWS).contains("it is not kept by day"));
    assert!(fails(Some(date(-1, 1, 1)), RUNS).contains("cannot be a partition"));
    assert!(
        dataset
            .days("none", TENANT)
            .unwrap_err()
            .to_string()
            .contains("unknown")
    );
    assert!(dataset.read(RUNS, "../x", Some(DAY), None).is_err());
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let root = folder.path().join("data");
    try_writer(&root, &parquet()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o750);
    let plain = root.join("plain");
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&root.join("_dataset.json")), mode(&plain));
}

/// Only run by the test below, in a process with a limit.
#[test]
#[ignore = "needs a limited process and a prepared dataset"]
fn export_under_a_limit() {
    let root = std::env::var("LCW_TEST_ROOT").unwrap();
    let mut writer = writer(Path::new(&root), &parquet());
    let head = head(&writer, 2);
    let mut export = writer.begin(head).unwrap();
    let rows: Vec<Row> = (0..20_000)
        .map(|number: u64| {
            row(
                &format!("{number:05}{:x}", number.wrapping_mul(0x9e37_79b9)),
                "b",
            )
        })
        .collect();
    let error = export_day(&mut export, DAY, &rows, &[]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("larger than this process or file system allows"),
        "{text}"
    );
    assert!(
        text.contains("raise the limit (ulimit -f) and run again"),
        "{text}"
    );
    let closed = export.close(tail(Status::Failed)).unwrap();
    assert!(closed.path.exists());
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_leaves_the_dataset_as_it_was() {
    let folder = folder();
    export(
        folder.path(),
        &parquet(),
        1,
        &[row("1", "a")],
        &[row("1", "a")],
    );
    let before = contents(folder.path());
    // Without its signal, the limit is an error of the write, as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" --ignored --exact \"$1\"";
    let status = std::process::Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .arg("commits::export_under_a_limit")
        .env("LCW_TEST_ROOT", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.status.success() && said.contains("1 passed"),
        "{said}"
    );
    let after = contents(folder.path());
    assert!(before.iter().all(|file| after.contains(file)));
    assert_eq!(
        after.len(),
        before.len() + 1,
        "only the manifest of the failed export is new"
    );
}

#[test]
fn writers_and_exports_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Writer>();
    is_send::<lcw_dataset::Export<'_>>();
    is_send::<lcw_dataset::Staging<'_>>();
    is_send::<lcw_dataset::Rows>();
    is_send::<lcw_dataset::Dataset>();
}
