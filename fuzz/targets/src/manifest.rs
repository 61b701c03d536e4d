//! What a dataset says of itself: `_dataset.json` and manifests.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lcw_dataset::{Dataset, Format, Identity, Manifest, Status, TableSpec, Writer};
use lcw_loader_ndjson::{Compression, NdjsonFormat};
use lcw_pipeline::{layout, specs, status};
use serde_json::{Map, Value};

const TENANT: &str = "0f00a000-0000-0000-0000-00000000000f";
const EXPORT: &str = "20261122T101500.000000Z";

/// Bytes as either file: each is written as it was read, and the rest of the program copes with it.
pub fn manifest(data: &[u8]) {
    if let Ok(identity) = serde_json::from_slice::<Identity>(data) {
        let text = serde_json::to_vec(&identity).unwrap();
        assert_eq!(serde_json::from_slice::<Identity>(&text).unwrap(), identity);
        as_identity(data, &identity);
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data)
        && [&manifest.state, &manifest.drift, &manifest.not_covered]
            .into_iter()
            .all(is_exact)
    {
        let text = serde_json::to_vec(&manifest).unwrap();
        assert_eq!(serde_json::from_slice::<Manifest>(&text).unwrap(), manifest);
        as_manifest(manifest);
    }
}

/// Whether all numbers are whole: fractions are not written as they were read, and there are none.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(values) => values.values().all(is_exact),
        _ => true,
    }
}

fn as_identity(data: &[u8], identity: &Identity) {
    let folder = folder();
    fs::write(folder.path().join("_dataset.json"), data).unwrap();
    match Dataset::inspect(folder.path()) {
        Ok(read) => {
            // Also where the bytes that are no text stand in a property that nobody reads.
            assert!(str::from_utf8(data).is_ok(), "what is no text is damaged");
            assert_eq!(read.as_ref(), Some(identity));
        }
        Err(error) => assert!(!is_as_written(data, identity), "{error}"),
    }
    shown(folder.path());
}

/// Whether a file without a digest is text and has no keys but those that are written.
fn is_as_written(data: &[u8], identity: &Identity) -> bool {
    let written = serde_json::to_value(identity).unwrap();
    let is_written = |text| {
        let keys: Map<String, Value> = serde_json::from_str(text).unwrap();
        keys.keys().all(|key| written.get(key).is_some())
    };
    str::from_utf8(data).is_ok_and(is_written)
}

/// As the newest manifest of a dataset without data: its status can be asked for, and the next
/// export finds it closed.
fn as_manifest(mut manifest: Manifest) {
    let folder = folder();
    TENANT.clone_into(&mut manifest.tenant_id);
    let (format, tables) = format();
    let identity = Identity::new(format.as_ref());
    let open = || {
        let (format, tables) = (Arc::clone(&format), tables.clone());
        Writer::acquire(folder.path(), &identity, TENANT, format, tables)
    };
    drop(open().unwrap());
    let manifests = folder.path().join("_manifests");
    fs::create_dir_all(&manifests).unwrap();
    let file = manifests.join(format!("{EXPORT}.json"));
    fs::write(file, serde_json::to_vec(&manifest).unwrap()).unwrap();
    shown(folder.path());
    let was_running = manifest.status == Status::Running;
    // A path that no file can have is an error; it must not be anything else.
    let Ok(writer) = open() else {
        return assert!(was_running, "only what is not closed is looked into");
    };
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    writer.next_export_id(now).unwrap();
    let closed = writer.previous().unwrap().unwrap();
    if was_running {
        assert_eq!(closed.status, Status::Interrupted);
        assert_eq!(closed.state, manifest.state, "it is carried forward");
    } else {
        assert_eq!(closed, manifest, "it stays as it is");
    }
    drop(writer);
    shown(folder.path());
}

/// Whatever `lcw status` makes of the folder, it can be shown.
fn shown(folder: &Path) {
    if let Ok(status) = status(folder) {
        serde_json::to_string(&status).unwrap();
    }
}

fn format() -> (Arc<dyn Format>, Vec<TableSpec>) {
    let format: Arc<dyn Format> = Arc::new(NdjsonFormat::new(Compression::None));
    let tables = specs(&layout(format.as_ref(), false)).unwrap();
    (format, tables)
}

/// A folder in memory where there is one.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
