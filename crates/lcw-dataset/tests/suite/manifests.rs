//! What manifests say, and what one hands to the next.

use std::path::Path;
use std::sync::Arc;

use lcw_dataset::{
    DatasetError, Identity, Listing, Manifest, ManifestHead, Status, Window, Writer,
};
use serde_json::json;

use crate::rows::Row;
use crate::support::{
    DAY, TENANT, at, dataset, export_day, folder, head, parquet, tables, tail, writer,
};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// The text of a file that says at its end what its contents were.
pub(crate) fn sealed(contents: &str) -> String {
    let digest = sha256(contents.as_bytes());
    format!("{contents},\n  \"content_sha256\": \"{digest}\"\n}}\n")
}

fn text(root: &Path, export_id: &str) -> String {
    std::fs::read_to_string(root.join(format!("_manifests/{export_id}.json"))).unwrap()
}

fn listing(second: i64) -> Listing {
    Listing {
        from: at(second - 100),
        listed_at: at(second),
        complete: true,
    }
}

#[test]
fn a_manifest_reads_like_this() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head = ManifestHead {
        window: Some(Window {
            from: at(-86_400),
            to: at(0),
        }),
        ..head(&writer, 0)
    };
    let mut export = writer.begin(head).unwrap();
    export.set_listing("w", listing(0));
    export.set_state(json!({"works": "scheduledDateTime"}));
    export_day(&mut export, DAY, &[Row::new("w", "1", "a", "e", 1)], &[]).unwrap();
    export.quarantine("runs", ["{}"]).unwrap();
    let mut tail = tail(Status::Done);
    (tail.proof.unproven, tail.proof.filtered) = (2, true);
    tail.not_covered = json!([{"table": "task_reports"}]);
    tail.drift = json!({"runs": ["newProperty"]});
    let closed = export.close(tail).unwrap();
    let text = text(folder.path(), &closed.export_id);
    assert_eq!(closed.sha256, sha256(text.as_bytes()));
    assert_eq!(
        closed.path,
        folder
            .path()
            .join(format!("_manifests/{}.json", closed.export_id))
    );
    let path = format!("runs/tenant_id={TENANT}/run_date=2026-11-22/part-0.parquet");
    let file = std::fs::read(folder.path().join(&path)).unwrap();
    let expected = include_str!("manifest.json")
        .replace("TENANT", TENANT)
        .replace("PATH", &path)
        .replace("SHA256", &sha256(&file))
        .replace("BYTES", &file.len().to_string());
    let contents = expected.strip_suffix("\n}\n").unwrap();
    assert_eq!(text, sealed(contents));
    let read: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(read.to_bytes().unwrap(), text.as_bytes());
}

#[test]
fn a_manifest_of_the_first_version_is_read_and_carried_forward() {
    let old = include_str!("manifest-0.1.json");
    let read: Manifest = serde_json::from_str(old).unwrap();
    assert_eq!(read.not_covered, json!([]));
    assert_eq!(read.drift, json!(null));
    assert!(read.quarantined.is_empty());
    assert_eq!((read.proof.unproven, read.proof.filtered), (0, false));
    // What it said, it still says: keys are only added.
    let said: serde_json::Map<String, serde_json::Value> = serde_json::from_str(old).unwrap();
    let mut says = serde_json::to_value(&read).unwrap();
    let proof = says["proof"].as_object_mut().unwrap();
    assert!(proof.remove("unproven").is_some() && proof.remove("filtered").is_some());
    for (key, value) in &said {
        assert_eq!(&says[key], value, "{key}");
    }
    let folder = folder();
    let format = parquet();
    drop(writer(folder.path(), &format));
    std::fs::create_dir(folder.path().join("_manifests")).unwrap();
    let path = format!("_manifests/{}.json", read.export_id);
    std::fs::write(folder.path().join(path), old).unwrap();
    let mut writer = writer(folder.path(), &format);
    let head = head(&writer, 1);
    let export = writer.begin(head).unwrap();
    let carried = export.manifest();
    assert_eq!(carried.listings["w"], listing(0));
    assert_eq!(carried.state, json!({"works": "scheduledDateTime"}));
    let previous = carried.previous.as_ref().unwrap();
    assert_eq!(previous.sha256, sha256(old.as_bytes()));
    assert!(
        export
            .dataset()
            .manifest(&read.export_id)
            .unwrap()
            .is_whole(DAY)
    );
}

#[test]
fn each_names_the_one_before_and_carries_its_listings_and_state() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head1 = head(&writer, 1);
    let mut export = writer.begin(head1).unwrap();
    export.set_listing("w1", listing(1));
    export.set_listing("w2", listing(1));
    export.set_state(json!({"n": 1}));
    let first = export.close(tail(Status::Partial)).unwrap();
    let head2 = head(&writer, 2);
    let mut export = writer.begin(head2).unwrap();
    assert_eq!(export.manifest().state, json!({"n": 1}));
    export.set_listing("w2", listing(2));
    let second = export.close(tail(Status::Done)).unwrap();
    let manifest = writer.previous().unwrap().unwrap();
    assert_eq!(manifest.export_id, second.export_id);
    let previous = manifest.previous.unwrap();
    assert_eq!(
        (previous.export_id, previous.sha256),
        (first.export_id, first.sha256)
    );
    assert_eq!(manifest.listings["w1"], listing(1));
    assert_eq!(manifest.listings["w2"], listing(2));
    assert_eq!(manifest.state, json!({"n": 1}));
    let newest_first: Vec<_> = dataset(folder.path(), &format)
        .manifests()
        .unwrap()
        .map(|manifest| manifest.unwrap().status)
        .collect();
    assert_eq!(newest_first, [Status::Done, Status::Partial]);
}

#[test]
fn tenants_share_the_chain_and_nothing_else() {
    let folder = folder();
    let format = parquet();
    let other = "11111111-2222-3333-4444-555555555555";
    let open = |tenant: &str| {
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        Writer::acquire(
            folder.path(),
            &identity,
            tenant,
            Arc::clone(&format),
            tables,
        )
        .unwrap()
    };
    let mut one = open(TENANT);
    let head1 = head(&one, 1);
    let mut export = one.begin(head1).unwrap();
    export.set_listing("w1", listing(1));
    let first = export.close(tail(Status::Done)).unwrap();
    drop(one);
    let mut two = open(other);
    assert!(two.previous().unwrap().is_none());
    let head2 = head(&two, 2);
    let export = two.begin(head2).unwrap();
    assert!(export.manifest().listings.is_empty());
    assert_eq!(
        export.manifest().previous.as_ref().unwrap().export_id,
        first.export_id
    );
    export.close(tail(Status::Done)).unwrap();
    drop(two);
    let mut one = open(TENANT);
    let head3 = head(&one, 3);
    assert_eq!(
        one.begin(head3).unwrap().manifest().listings["w1"],
        listing(1)
    );
}

#[test]
fn ids_ascend_even_when_the_clock_is_set_back() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let mut ids = Vec::new();
    for second in [10, 10, 5, 20] {
        let head = head(&writer, second);
        ids.push(head.export_id.clone());
        writer
            .begin(head)
            .unwrap()
            .close(tail(Status::Done))
            .unwrap();
    }
    assert_eq!(
        ids,
        [
            "20261122T101010.000000Z",
            "20261122T101010.000001Z",
            "20261122T101010.000002Z",
            "20261122T101020.000000Z",
        ]
    );
    let old = ManifestHead {
        export_id: ids[0].clone(),
        ..head(&writer, 30)
    };
    assert!(matches!(
        writer.begin(old),
        Err(DatasetError::InvalidExportId { .. })
    ));
    let climbing = ManifestHead {
        export_id: "../../x".into(),
        ..head(&writer, 30)
    };
    assert!(matches!(
        writer.begin(climbing),
        Err(DatasetError::InvalidExportId { .. })
    ));
}

#[test]
fn a_damaged_manifest_is_named() {
    let folder = folder();
    let format = parquet();
    let mut first = writer(folder.path(), &format);
    let head = head(&first, 1);
    let closed = first
        .begin(head)
        .unwrap()
        .close(tail(Status::Done))
        .unwrap();
    drop(first);
    std::fs::write(&closed.path, "{\"manifest_version\": 1").unwrap();
    let error = crate::support::try_writer(folder.path(), &format).unwrap_err();
    assert!(matches!(&error, DatasetError::Unreadable { path, .. } if *path == closed.path));
}

#[test]
fn an_export_that_does_nothing_leaves_one_manifest() {
    let folder = folder();
    let format = parquet();
    let mut writer = writer(folder.path(), &format);
    let head1 = head(&writer, 1);
    drop(writer.begin(head1).unwrap());
    assert!(writer.dataset().manifest_ids().unwrap().is_empty());
    let head2 = head(&writer, 2);
    writer
        .begin(head2)
        .unwrap()
        .close(tail(Status::Done))
        .unwrap();
    assert_eq!(writer.dataset().manifest_ids().unwrap().len(), 1);
}
