//! Rows per second of each stage alone: parse, flatten, write, merge; and of a whole export.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that fails has nothing to report"
)]

use std::path::Path;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use lcw_dataset::{FileMeta, FileSink, Identity, Incoming, ManifestHead, Writer};
use lcw_model::{UserProcessingResult, parse_page};
use lcw_pipeline::{FileFormat, NdjsonCompression, layout, spec, specs};
use lcw_simulator::{Simulator, TenantConfig};
use lcw_tests::Office;
use lcw_transform::{ChildRows as _, Layout, Lineage, ResultRows, Rows, Table, Timestamps};

const ROWS_PER_PAGE: usize = 1_000;
const PARQUET: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: false,
};

fn main() {
    divan::main();
}

/// A page as the service sends it, about 410 bytes a row.
fn page() -> String {
    let rows: Vec<String> = (0..ROWS_PER_PAGE).map(row).collect();
    format!(
        "{{\"@odata.context\":\"https://graph.example\",\"value\":[{}]}}",
        rows.join(",")
    )
}

fn row(number: usize) -> String {
    let random = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let person = random % 4_000;
    format!(
        "{{\"id\":\"{random:016x}-6967-4168-a7ea-{number:012x}\",\
         \"completedDateTime\":\"2026-11-22T23:28:11.{:07}Z\",\"failedTasksCount\":0,\
         \"processingStatus\":\"completed\",\"scheduledDateTime\":\"2026-11-22T23:28:01.6476554Z\",\
         \"startedDateTime\":\"2026-11-22T23:28:04.{:07}Z\",\"totalTasksCount\":2,\
         \"totalUnprocessedTasksCount\":0,\"workflowExecutionType\":\"scheduled\",\
         \"workflowVersion\":1,\"subject\":{{\"id\":\"ea09ac2e-77e3-4134-85f2-{person:012x}\"}}}}",
        random % 10_000_000,
        random / 7 % 10_000_000,
    )
}

fn lineage() -> Lineage {
    Lineage {
        export_id: "20261122T000000.000000Z".into(),
        extracted_at_micros: 0,
    }
}

fn flattened(page: &str, layout: Layout, run: &str) -> Rows {
    let mut rows = ResultRows::new(layout, &lineage(), "workflow", run);
    for result in parse_page::<UserProcessingResult<'_>>(page).unwrap().value {
        rows.append(&result, None).unwrap();
    }
    rows.finish().sorted_unique(&["id"])
}

/// Bytes to borrowed entities.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let page = page();
    bencher.counter(ItemsCount::new(ROWS_PER_PAGE)).bench(|| {
        parse_page::<UserProcessingResult<'_>>(black_box(&page))
            .unwrap()
            .value
            .len()
    });
}

/// Borrowed entities to Arrow columns, in the layout of Parquet and of NDJSON.
#[divan::bench(args = [Timestamps::Micros, Timestamps::AsSent])]
fn flatten(bencher: Bencher<'_, '_>, timestamps: Timestamps) {
    let page = page();
    let parsed = parse_page::<UserProcessingResult<'_>>(&page).unwrap().value;
    let layout = Layout {
        timestamps,
        keep_raw: false,
    };
    bencher.counter(ItemsCount::new(ROWS_PER_PAGE)).bench(|| {
        let mut rows = ResultRows::new(layout, &lineage(), "workflow", "run");
        for result in black_box(&parsed) {
            rows.append(result, None).unwrap();
        }
        rows.finish()
    });
}

/// Columns to a file: 100 runs of 1,000 rows.
#[divan::bench(args = ["parquet", "ndjson"], sample_count = 10)]
fn write(bencher: Bencher<'_, '_>, name: &str) {
    const RUNS: usize = 100;
    let format = match name {
        "parquet" => FileFormat::Parquet,
        _ => FileFormat::Ndjson(NdjsonCompression::Zstd),
    };
    let loader = format.loader();
    let layout = layout(loader.as_ref(), false);
    let table = spec(Table::UserProcessingResults, &layout).unwrap();
    let page = page();
    let batches: Vec<Rows> = (0..RUNS)
        .map(|run| flattened(&page, layout, &format!("run {run:05}")))
        .collect();
    let meta = FileMeta {
        schema_version: 1,
        export_id: "20261122T000000.000000Z".into(),
    };
    bencher
        .counter(ItemsCount::new(RUNS * ROWS_PER_PAGE))
        .bench_local(|| {
            let sink = FileSink::new(tempfile::tempfile().unwrap());
            let mut writer = loader.create(sink, &table, &meta).unwrap();
            for rows in &batches {
                writer.write(&rows.batch).unwrap();
            }
            writer.finish().unwrap()
        });
}

/// One new run into a day that holds 100 runs of 1,000 rows: read, merge, write, check, publish.
#[divan::bench(sample_count = 10)]
fn merge(bencher: Bencher<'_, '_>) {
    const RUNS: usize = 100;
    let page = page();
    let rows: Vec<Rows> = (0..=RUNS)
        .map(|run| flattened(&page, PARQUET, &format!("run {run:05}")))
        .collect();
    bencher
        .counter(ItemsCount::new((RUNS + 1) * ROWS_PER_PAGE))
        .with_inputs(|| {
            let folder = tempfile::tempdir().unwrap();
            commit(folder.path(), &rows[..RUNS], 1);
            folder
        })
        .bench_local_values(|folder| commit(folder.path(), &rows[RUNS..], 2));
}

fn commit(folder: &Path, rows: &[Rows], export: u32) {
    let format = FileFormat::Parquet.loader();
    let tables = specs(&PARQUET).unwrap();
    let tenant = "11111111-2222-3333-4444-555555555555";
    let identity = Identity::new(format.as_ref());
    let mut writer =
        Writer::acquire(&folder.join("data"), &identity, tenant, format, tables).unwrap();
    let head = ManifestHead {
        export_id: format!("20261122T000000.{export:06}Z"),
        kind: "export".into(),
        args_hash: String::new(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        window: None,
    };
    let mut export = writer.begin(head).unwrap();
    let mut staging = export.day(Some(jiff::civil::date(2026, 11, 22))).unwrap();
    let incoming = rows.iter().map(|rows| {
        Ok::<_, std::convert::Infallible>(Incoming {
            batch: rows.batch.clone(),
            absent: rows.absent.clone(),
        })
    });
    staging
        .merge(Table::UserProcessingResults.name(), incoming)
        .unwrap();
    staging.commit().unwrap();
}

/// A whole first export of 50,000 rows over HTTP, the simulator on the same cores.
#[divan::bench(sample_count = 5)]
fn export(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tenant = runtime
        .block_on(Simulator::start(TenantConfig::bench(5, 50, 200)))
        .unwrap();
    bencher
        .counter(ItemsCount::new(50_000_usize))
        .bench_local(|| {
            let mut office = Office::new(FileFormat::Parquet);
            let summary = runtime.block_on(office.export(&tenant));
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(summary.tables["user_processing_results"].rows_total, 50_000);
        });
}
