//! Manifests that are no exports: a fact of the tenant changes, and nothing else.

use std::path::Path;
use std::sync::Arc;

use lcw_dataset::{
    Dataset, Format, Identity, Listing, Manifest, ManifestHead, ManifestTail, ProofCounts,
    RequestCounts, RunCounts, Status, TableSpec, Writer,
};
use serde_json::{Value, json};

use crate::manifests::sha256;
use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, at, contents, dataset, export_day, folder, formats, head, parquet,
    stored, tail, writer,
};

fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

fn listing() -> Listing {
    Listing {
        from: at(-100),
        listed_at: at(0),
        complete: true,
    }
}

/// Changes the state of the tenant as an acknowledgement does, knowing some tables.
fn acknowledge(root: &Path, format: &Arc<dyn Format>, tables: Vec<TableSpec>, state: Value) {
    let identity = Dataset::inspect(root).unwrap().unwrap();
    let mut writer = Writer::acquire(root, &identity, TENANT, Arc::clone(format), tables).unwrap();
    let head = ManifestHead {
        kind: "acknowledge".into(),
        args_hash: "other".into(),
        ..head(&writer, 5)
    };
    let started_at = head.started_at;
    let mut export = writer.begin(head).unwrap();
    export.set_state(state);
    let tail = ManifestTail {
        status: Status::Done,
        finished_at: started_at,
        requests: RequestCounts::default(),
        runs: RunCounts::default(),
        proof: ProofCounts::default(),
        not_covered: json!([]),
        drift: Value::Null,
    };
    export.close(tail).unwrap();
}

fn manifests(root: &Path, format: &Arc<dyn Format>) -> Vec<Manifest> {
    let dataset = dataset(root, format);
    dataset.manifests().unwrap().map(Result::unwrap).collect()
}

/// Each manifest names the one before by the digest that it has on the disk.
fn check_chain(root: &Path, manifests: &[Manifest]) {
    for pair in manifests.windows(2) {
        let previous = pair[0].previous.as_ref().unwrap();
        let path = format!("_manifests/{}.json", pair[1].export_id);
        assert_eq!(previous.export_id, pair[1].export_id);
        assert_eq!(
            previous.sha256,
            sha256(&std::fs::read(root.join(path)).unwrap())
        );
    }
}

#[test]
fn an_acknowledgement_changes_the_state_and_adds_one_manifest() {
    for format in formats() {
        for knows_tables in [true, false] {
            let folder = folder();
            let root = folder.path();
            let mut first = writer(root, &format);
            let head1 = head(&first, 1);
            let mut export = first.begin(head1).unwrap();
            export.set_listing("w", listing());
            export.set_state(json!({"lost_days": ["2026-11-01"]}));
            export_day(&mut export, DAY, &[row("1", "a")], &[row("1", "a")]).unwrap();
            export.close(tail(Status::Done)).unwrap();
            drop(first);
            let before = contents(root);
            let tables = if knows_tables {
                crate::support::tables(format.as_ref())
            } else {
                Vec::new()
            };
            acknowledge(root, &format, tables, json!({"lost_days": []}));
            let after = contents(root);
            let new: Vec<_> = after.iter().filter(|file| !before.contains(file)).collect();
            assert!(before.iter().all(|file| after.contains(file)));
            assert_eq!(new.len(), 1);
            assert!(new[0].0.starts_with("_manifests/"));

            let all = manifests(root, &format);
            check_chain(root, &all);
            let newest = &all[0];
            assert_eq!(
                (newest.kind.as_str(), newest.status),
                ("acknowledge", Status::Done)
            );
            assert_eq!(newest.state, json!({"lost_days": []}));
            assert_eq!(newest.listings["w"], listing());
            assert_eq!(newest.window, None);
            assert!(newest.days.is_empty() && newest.tables.is_empty());
            assert!(newest.quarantined.is_empty());
            // The next export starts from there, and knows its files.
            let mut next = writer(root, &format);
            assert_eq!(next.previous().unwrap().as_ref(), Some(newest));
            let head9 = head(&next, 9);
            let mut export = next.begin(head9).unwrap();
            assert_eq!(export.manifest().state, json!({"lost_days": []}));
            assert_eq!(export.manifest().listings["w"], listing());
            export_day(&mut export, DAY, &[row("2", "a")], &[row("2", "a")]).unwrap();
            export.close(tail(Status::Done)).unwrap();
            check_chain(root, &manifests(root, &format));
            assert_eq!(stored(next.dataset(), RUNS).len(), 2);
        }
    }
}

#[test]
fn a_backfill_that_was_killed_is_found_behind_an_acknowledgement() {
    let folder = folder();
    let format = parquet();
    let root = folder.path();
    let mut first = writer(root, &format);
    let backfill = ManifestHead {
        kind: "backfill".into(),
        args_hash: "b1".into(),
        ..head(&first, 1)
    };
    let mut export = first.begin(backfill).unwrap();
    export.set_listing("w", listing());
    export.set_state(json!({"n": 1}));
    export_day(&mut export, DAY, &[row("1", "a")], &[row("1", "a")]).unwrap();
    drop(export);
    drop(first);
    // The one who acknowledges is the first to come after the crash.
    acknowledge(
        root,
        &format,
        crate::support::tables(format.as_ref()),
        json!({"n": 2}),
    );
    let all = manifests(root, &format);
    check_chain(root, &all);
    let killed = &all[1];
    assert_eq!(
        (killed.status, killed.args_hash.as_str()),
        (Status::Interrupted, "b1")
    );
    assert!(killed.is_whole(DAY));
    let dataset = dataset(root, &format);
    for table in [RUNS, RESULTS] {
        let file = &killed.days[&DAY.to_string()].files[table];
        assert!(dataset.is_in_place(file).unwrap());
    }
    let resumed = writer(root, &format).previous().unwrap().unwrap();
    assert_eq!(resumed.state, json!({"n": 2}));
    assert_eq!(resumed.listings["w"], listing());
    // A file that is damaged behind it is still found out.
    let path = format!("{RUNS}/tenant_id={TENANT}/run_date={DAY}/part-0.parquet");
    let mut bytes = std::fs::read(root.join(&path)).unwrap();
    bytes[30] ^= 1;
    std::fs::write(root.join(&path), bytes).unwrap();
    let mut next = writer(root, &format);
    let head9 = head(&next, 9);
    let mut export = next.begin(head9).unwrap();
    assert!(export_day(&mut export, DAY, &[row("2", "a")], &[]).is_err());
}

#[test]
fn an_acknowledgement_that_dies_leaves_nothing() {
    let folder = folder();
    let format = parquet();
    let root = folder.path();
    crate::support::export(root, &format, 1, &[row("1", "a")], &[]);
    let before = contents(root);
    let identity = Identity::new(format.as_ref());
    let tables = crate::support::tables(format.as_ref());
    let mut writer = Writer::acquire(root, &identity, TENANT, format, tables).unwrap();
    let head = head(&writer, 5);
    let mut export = writer.begin(head).unwrap();
    export.set_state(json!({"n": 2}));
    drop(export);
    drop(writer);
    assert_eq!(contents(root), before);
}
