//! Damage to a dataset, as disks, people and defects do it, by seeds that can be replayed.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use jiff::civil::Date;
use lcw_dataset::{Dataset, FileMeta, FileRecord, FileSink, Manifest, digest_of};
use lcw_pipeline::{FileFormat, layout, specs};
use lcw_transform::Table;

/// Turns one bit of a file. Turned once more it is what it was.
pub fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

/// Writes the file of a day anew with other rows, and has the manifests say that this was written:
/// only the rows themselves can tell.
pub fn rewrite(
    out: &Path,
    format: FileFormat,
    tenant: &str,
    table: Table,
    day: Date,
    change: impl FnOnce(Vec<RecordBatch>) -> Vec<RecordBatch>,
) {
    let format = format.loader();
    let tables = specs(&layout(format.as_ref(), false)).unwrap();
    let dataset = Dataset::open(out, Arc::clone(&format), tables).unwrap();
    let rows = dataset.read(table.name(), tenant, Some(day), None);
    let rows = rows.unwrap().unwrap().collect::<Result<_, _>>().unwrap();
    let file_name = format.file_name();
    let name = table.name();
    let path = format!("{name}/tenant_id={tenant}/run_date={day}/{file_name}");
    let sink = FileSink::new(std::fs::File::create(out.join(&path)).unwrap());
    let spec = dataset.table(name).unwrap();
    let meta = FileMeta {
        schema_version: spec.schema_version(),
        export_id: "20261101T000000.000000Z".to_owned(),
    };
    let mut writer = format.create(sink, spec, &meta).unwrap();
    for batch in change(rows) {
        writer.write(&batch).unwrap();
    }
    let (sink, rows) = writer.finish().unwrap();
    let (sha256, bytes) = sink.finish().unwrap();
    record(
        &dataset,
        out,
        &path,
        &FileRecord {
            sha256,
            rows,
            bytes,
        },
    );
}

/// Has every manifest that names a file say that it holds this, and keeps them chained.
fn record(dataset: &Dataset, out: &Path, path: &str, record: &FileRecord) {
    let mut before: Option<String> = None;
    for id in dataset.manifest_ids().unwrap() {
        let mut manifest: Manifest = dataset.manifest(&id).unwrap();
        let changes = manifest.days.values_mut();
        for change in changes.flat_map(|day| day.files.values_mut()) {
            if change.path == path {
                if change.before.is_some() {
                    change.before = Some(record.clone());
                }
                change.after = Some(record.clone());
            }
        }
        if let (Some(link), Some(before)) = (&mut manifest.previous, before.take()) {
            link.sha256 = before;
        }
        let bytes = manifest.to_bytes().unwrap();
        std::fs::write(out.join(format!("_manifests/{id}.json")), &bytes).unwrap();
        before = Some(digest_of(&bytes));
    }
    // It says which manifest was the newest.
    std::fs::remove_file(out.join("_lock.json")).unwrap_or_default();
}
