//! A dataset in a temporary folder, and short ways to export to it.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, date};
use lcw_dataset::{
    Dataset, DatasetError, Export, Format, Identity, Incoming, ManifestHead, ManifestRef,
    ManifestTail, MergeError, MergeStats, ProofCounts, RequestCounts, RunCounts, Staging, Status,
    TableSpec, Writer,
};
use lcw_loader_ndjson::NdjsonFormat;
use lcw_loader_parquet::ParquetFormat;

use crate::rows::{Row, incoming, rows, table};

pub(crate) const TENANT: &str = "0f00a000-0000-0000-0000-00000000000f";
pub(crate) const RUNS: &str = "runs";
pub(crate) const RESULTS: &str = "user_processing_results";
pub(crate) const WORKFLOWS: &str = "workflows";
pub(crate) const DAY: Date = date(2026, 11, 22);

pub(crate) fn formats() -> [Arc<dyn Format>; 2] {
    [
        Arc::new(ParquetFormat::new()),
        Arc::new(NdjsonFormat::default()),
    ]
}

pub(crate) fn parquet() -> Arc<dyn Format> {
    Arc::new(ParquetFormat::new())
}

/// A folder in memory where there is one: what is tested here does not depend on a disk, and
/// flushing one for every small file would take most of the time.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .unwrap()
}

pub(crate) fn tables(format: &dyn Format) -> Vec<TableSpec> {
    let timestamps = format.timestamps();
    vec![
        table(WORKFLOWS, false, timestamps, false),
        table(RUNS, true, timestamps, false),
        table(RESULTS, true, timestamps, false),
    ]
}

pub(crate) fn writer(root: &Path, format: &Arc<dyn Format>) -> Writer {
    try_writer(root, format).unwrap()
}

pub(crate) fn try_writer(root: &Path, format: &Arc<dyn Format>) -> Result<Writer, DatasetError> {
    let identity = Identity::new(format.as_ref());
    Writer::acquire(
        root,
        &identity,
        TENANT,
        Arc::clone(format),
        tables(format.as_ref()),
    )
}

pub(crate) fn dataset(root: &Path, format: &Arc<dyn Format>) -> Dataset {
    Dataset::open(root, Arc::clone(format), tables(format.as_ref())).unwrap()
}

/// As of a version that left no word of the newest manifest beside the lock.
pub(crate) fn without_head(root: &Path) {
    std::fs::remove_file(root.join("_lock.json")).unwrap();
}

/// A moment on the tests' clock.
pub(crate) fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_342_200 + second).unwrap()
}

pub(crate) fn head(writer: &Writer, second: i64) -> ManifestHead {
    ManifestHead {
        export_id: writer.next_export_id(at(second)).unwrap(),
        kind: "export".into(),
        args_hash: "a1".into(),
        started_at: at(second),
        window: None,
    }
}

pub(crate) fn tail(status: Status) -> ManifestTail {
    ManifestTail {
        status,
        finished_at: at(9_000),
        requests: RequestCounts {
            sent: 3,
            retried: 1,
            throttled: 0,
        },
        runs: RunCounts {
            listed: 2,
            fetched: 1,
            ..RunCounts::default()
        },
        proof: ProofCounts {
            matched: 1,
            ..ProofCounts::default()
        },
        not_covered: serde_json::json!([]),
        drift: serde_json::Value::Null,
    }
}

/// Merges rows into a table of a staging.
pub(crate) fn merge(
    staging: &mut Staging<'_>,
    table: &TableSpec,
    rows: &[Row],
) -> Result<MergeStats, DatasetError> {
    merge_all(staging, table.name(), vec![incoming(table, rows)])
}

pub(crate) fn merge_all(
    staging: &mut Staging<'_>,
    table: &str,
    batches: Vec<Incoming>,
) -> Result<MergeStats, DatasetError> {
    staging
        .merge(table, batches.into_iter().map(Ok::<_, Infallible>))
        .map_err(|error| match error {
            MergeError::Dataset(error) => error,
            MergeError::Rows(never) => match never {},
        })
}

/// An export of one day: rows of both dated tables.
pub(crate) fn export_day(
    export: &mut Export<'_>,
    day: Date,
    runs: &[Row],
    results: &[Row],
) -> Result<(MergeStats, MergeStats), DatasetError> {
    let (runs_table, results_table) = {
        let dataset = export.dataset();
        (
            dataset.table(RUNS)?.clone(),
            dataset.table(RESULTS)?.clone(),
        )
    };
    let mut staging = export.day(Some(day))?;
    let results = merge(&mut staging, &results_table, results)?;
    let runs = merge(&mut staging, &runs_table, runs)?;
    staging.commit()?;
    Ok((runs, results))
}

/// A whole export of one day by its own writer.
pub(crate) fn export(
    root: &Path,
    format: &Arc<dyn Format>,
    second: i64,
    runs: &[Row],
    results: &[Row],
) -> ManifestRef {
    let mut writer = writer(root, format);
    let head = head(&writer, second);
    let mut export = writer.begin(head).unwrap();
    export_day(&mut export, DAY, runs, results).unwrap();
    export.close(tail(Status::Done)).unwrap()
}

/// The stored rows of a table on [`DAY`].
pub(crate) fn stored(dataset: &Dataset, table: &str) -> Vec<Row> {
    let batches = dataset.read(table, TENANT, Some(DAY), None).unwrap();
    batches
        .into_iter()
        .flatten()
        .flat_map(|batch| rows(&batch.unwrap()))
        .collect()
}

/// Every file below a folder with its contents, `_lock.json` aside.
pub(crate) fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if !path.ends_with("_lock.json") {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

/// Makes a copy of a dataset.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, content) in contents(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}
