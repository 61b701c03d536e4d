//! Objects that could not become rows.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lcw_dataset::{DatasetError, Identity, Status, Writer};

use crate::crashes::{Fault, Faulty, Log};
use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, contents, dataset, export_day, folder, formats, head, merge,
    parquet, stored, tables, tail, writer,
};

const ONE: &str = r#"{"id":"1","x":{"y":[1]}}"#;
const TWO: &str = r#"{"id":"2"}"#;

fn row(id: &str) -> Row {
    Row::new("w", id, "a", "e", 1)
}

fn lines(root: &Path, export_id: &str, table: &str) -> Option<String> {
    fs::read_to_string(root.join(format!("_quarantine/{export_id}/{table}.ndjson"))).ok()
}

#[test]
fn lines_are_published_with_the_next_commit_and_counted() {
    for format in formats() {
        let folder = folder();
        let mut writer = writer(folder.path(), &format);
        let head = head(&writer, 1);
        let id = head.export_id.clone();
        let mut export = writer.begin(head).unwrap();
        assert_eq!(export.quarantine(RESULTS, [ONE]).unwrap(), 1);
        assert_eq!(export.quarantine(RESULTS, Vec::<String>::new()).unwrap(), 0);
        assert_eq!(
            lines(folder.path(), &id, RESULTS),
            None,
            "nothing is committed"
        );
        export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
        let first = format!("{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RESULTS).as_deref(), Some(&*first));
        // While a day is staged, with a line feed of their own, and for another table.
        let table = export.dataset().table(RUNS).unwrap().clone();
        let mut staging = export.day(DAY.tomorrow().ok()).unwrap();
        merge(&mut staging, &table, &[row("2")]).unwrap();
        staging
            .quarantine(RESULTS, [format!("{TWO}\n"), ONE.to_owned()])
            .unwrap();
        staging.quarantine(RUNS, [TWO]).unwrap();
        staging.commit().unwrap();
        let manifest = export.dataset().manifest(&id).unwrap();
        assert_eq!(manifest.quarantined[RESULTS], 3);
        // Without a commit, at the end.
        export.quarantine(RUNS, [ONE]).unwrap();
        export.close(tail(Status::Done)).unwrap();
        let manifest = writer.previous().unwrap().unwrap();
        let counts: Vec<_> = manifest.quarantined.into_iter().collect();
        assert_eq!(counts, [(RUNS.to_owned(), 2), (RESULTS.to_owned(), 3)]);
        let all = format!("{ONE}\n{TWO}\n{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RESULTS), Some(all));
        let all = format!("{TWO}\n{ONE}\n");
        assert_eq!(lines(folder.path(), &id, RUNS), Some(all));
    }
}

#[test]
fn quarantined_lines_are_no_rows_and_outlast_later_exports() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head1 = head(&writer, 1);
    let id = head1.export_id.clone();
    let mut export = writer.begin(head1).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
    export.close(tail(Status::Done)).unwrap();
    drop(writer);
    let mut writer = crate::support::writer(folder.path(), &format);
    let head2 = head(&writer, 2);
    let mut export = writer.begin(head2).unwrap();
    export_day(&mut export, DAY, &[row("2")], &[]).unwrap();
    export.close(tail(Status::Done)).unwrap();
    assert!(writer.previous().unwrap().unwrap().quarantined.is_empty());
    assert_eq!(lines(folder.path(), &id, RUNS), Some(format!("{ONE}\n")));
    let dataset = dataset(folder.path(), &format);
    assert_eq!(stored(&dataset, RUNS).len(), 2);
    assert_eq!(dataset.files(RUNS, TENANT).unwrap().len(), 1);
    // A table's files are below its own folder, and no table can be called like this one.
    let is_outside = |name: &str| name.starts_with("_quarantine/");
    let outside = contents(folder.path()).into_iter().map(|(name, _)| name);
    assert_eq!(outside.filter(|name| is_outside(name)).count(), 1);
}

#[test]
fn only_whole_objects_of_known_tables_are_taken_and_all_or_none() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    for bad in [
        "",
        "\n",
        "secret",
        "[1]",
        "null",
        "{\"secret\":1",
        "{\"a\":\n1}",
        "{\"a\":\r1}",
        "{} {}",
        "{}\n{}\n",
        "{}\n\n",
    ] {
        let error = export.quarantine(RUNS, [ONE, bad]).unwrap_err();
        assert!(matches!(error, DatasetError::InvalidRows { .. }), "{bad:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    for table in ["none", "../runs", ""] {
        assert!(matches!(
            export.quarantine(table, [ONE]),
            Err(DatasetError::InvalidTable { .. })
        ));
    }
    export.close(tail(Status::Done)).unwrap();
    assert!(!folder.path().join("_quarantine").exists());
}

#[test]
fn lines_that_could_not_be_published_wait_for_the_next_commit() {
    let format = parquet();
    let probe = Log::default();
    for at in 0.. {
        let folder = folder();
        let (fault, log) = if at == 0 {
            (usize::MAX, probe.clone())
        } else {
            (at - 1, Log::default())
        };
        let storage = Arc::new(Faulty::new(folder.path(), log, Fault::Refuses, fault));
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        let Ok(mut writer) =
            Writer::acquire_in(storage, &identity, TENANT, Arc::clone(&format), tables)
        else {
            continue;
        };
        let head = head(&writer, 1);
        let id = head.export_id.clone();
        let Ok(mut export) = writer.begin(head) else {
            continue;
        };
        // Once more after a refusal; by then the disk is well again.
        if export.quarantine(RUNS, [ONE, TWO]).is_err() {
            export.quarantine(RUNS, [ONE, TWO]).unwrap();
        }
        let mut day = |day| {
            if export_day(&mut export, day, &[row("1")], &[]).is_err() {
                export_day(&mut export, day, &[row("1")], &[]).unwrap();
            }
        };
        day(DAY);
        let Ok(_) = export.close(tail(Status::Done)) else {
            continue;
        };
        let expected = format!("{ONE}\n{TWO}\n");
        assert_eq!(lines(folder.path(), &id, RUNS), Some(expected), "step {at}");
        let manifest = writer.previous().unwrap().unwrap();
        assert_eq!(manifest.quarantined[RUNS], 2, "step {at}");
        if at > probe.steps().len() {
            break;
        }
    }
    let steps = probe.steps();
    let position = |prefix: &str| steps.iter().position(|step| step.starts_with(prefix));
    let manifest = position("publish _manifests/");
    let lines = position("publish _quarantine/");
    assert!(
        manifest < lines && lines < position("publish runs/"),
        "{steps:?}"
    );
    assert!(manifest.is_some());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_and_permissions_are_the_umask_s() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (outside, folder) = (folder(), folder());
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    symlink(outside.path(), folder.path().join("_quarantine")).unwrap();
    let head = head(&writer, 1);
    let id = head.export_id.clone();
    let mut export = writer.begin(head).unwrap();
    export.quarantine(RUNS, [ONE]).unwrap();
    let refused = export_day(&mut export, DAY, &[row("1")], &[]).unwrap_err();
    assert!(matches!(refused, DatasetError::SymbolicLink { .. }));
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
    fs::remove_file(folder.path().join("_quarantine")).unwrap();
    export_day(&mut export, DAY, &[row("1")], &[]).unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = folder.path().join(format!("_quarantine/{id}/runs.ndjson"));
    assert_eq!(mode(&file), mode(&plain));
}
