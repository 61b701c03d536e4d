//! How often memory is asked for on the way from a page to a file: hardly more often for many rows
//! than for few, so that nothing is asked for row by row.
//!
//! A program of its own, because it counts what its allocator is asked for.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that asked for it"
)]

use lcw_dataset::{FileMeta, FileSink};
use lcw_model::{WithRaw, parse_page};
use lcw_pipeline::{FileFormat, NdjsonCompression, layout, spec};
use lcw_tests::days::merge_into_day;
use lcw_tests::pages::{page_of_results, page_of_task_results};
use lcw_transform::{
    ChildRows, Layout, Lineage, ResultRows, Rows, Table, TaskResultRows, Timestamps,
};

/// A page of the service, and a run that is ten of them.
const FEW: usize = 100;
const MANY: usize = 1_000;

const PARQUET: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: false,
};

fn lineage() -> Lineage {
    Lineage {
        export_id: "20261122T000000.000000Z".into(),
        extracted_at_micros: 0,
    }
}

/// How often `work` asks for memory, or for more of it.
fn requests(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

fn rows_of<R: ChildRows>(layout: Layout) -> R {
    R::new(layout, &lineage(), "workflow", "run")
}

/// What the entities of a page become, in rows with room for them.
fn flattened<R: ChildRows>(page: &str, rows: usize, layout: Layout) -> Rows {
    let mut builders = rows_of::<R>(layout);
    builders.reserve(rows);
    for entity in parse_page::<R::Entity<'_>>(page).unwrap().value {
        builders.append(&entity, None).unwrap();
    }
    builders.finish()
}

/// A page is read without asking for memory for its rows: they are borrowed from its text.
fn assert_borrowed<R: ChildRows>(page_of: fn(usize) -> String) {
    let read = |rows| {
        let page = page_of(rows);
        requests(|| {
            let entities = parse_page::<R::Entity<'_>>(&page).unwrap().value;
            assert_eq!(entities.len(), rows);
        })
    };
    // The list of the entities grows by doubling.
    let (few, many) = (read(FEW), read(MANY));
    assert!(few <= 8, "{few} requests for memory for a page");
    assert!(many <= few + 4, "{many} for {MANY} rows, {few} for {FEW}");
}

#[test]
fn results_are_borrowed_from_their_page() {
    assert_borrowed::<ResultRows>(page_of_results);
}

/// Rows are appended to columns that have room for them.
fn assert_appended<R: ChildRows>(page_of: fn(usize) -> String) {
    let append = |rows| {
        let page = page_of(rows);
        let entities = parse_page::<R::Entity<'_>>(&page).unwrap().value;
        let mut builders = rows_of::<R>(PARQUET);
        builders.reserve(rows);
        requests(|| {
            for entity in &entities {
                builders.append(entity, None).unwrap();
            }
            assert_eq!(builders.finish().sorted_unique(&["id"]).len(), rows);
        })
    };
    let (few, many) = (append(FEW), append(MANY));
    // A builder asks for its values, offsets and nulls, and once more for the array.
    let columns = R::TABLE.columns(false).len() as u64;
    assert!(
        few <= 7 * columns,
        "{few} requests for memory for {columns} columns"
    );
    assert!(many <= few, "{many} for {MANY} rows, {few} for {FEW}");
}

#[test]
fn results_are_appended_without_a_request_for_memory_per_row() {
    assert_appended::<ResultRows>(page_of_results);
}

#[test]
fn task_results_are_appended_without_a_request_for_memory_per_row() {
    assert_appended::<TaskResultRows>(page_of_task_results);
}

/// Writes a run of many rows so many times, as one file.
fn write(format: FileFormat, runs: u64) -> u64 {
    let loader = format.loader();
    let layout = layout(loader.as_ref(), false);
    let table = spec(Table::UserProcessingResults, &layout).unwrap();
    let rows = flattened::<ResultRows>(&page_of_results(MANY), MANY, layout);
    let meta = FileMeta {
        schema_version: 1,
        export_id: String::new(),
    };
    let sink = FileSink::new(tempfile::tempfile().unwrap());
    let mut writer = loader.create(sink, &table, &meta).unwrap();
    requests(|| {
        for _ in 0..runs {
            writer.write(&rows.batch).unwrap();
        }
        writer.finish().unwrap();
    })
}

#[test]
fn a_file_is_written_without_a_request_for_memory_per_row() {
    const RUNS: u64 = 20;
    for format in [
        FileFormat::Parquet,
        FileFormat::Ndjson(NdjsonCompression::Zstd),
    ] {
        let (one, all) = (write(format, 1), write(format, RUNS));
        let per_run = (all - one) / (RUNS - 1);
        let rows = MANY as u64;
        assert!(
            per_run <= rows / 10,
            "{per_run} for {rows} rows, {format:?}"
        );
    }
}

/// The most memory that writing one file of so many rows with their original objects holds at once.
fn held_by_a_file_of(runs: usize) -> u64 {
    let layout = Layout {
        keep_raw: true,
        ..PARQUET
    };
    let loader = FileFormat::Parquet.loader();
    let table = spec(Table::UserProcessingResults, &layout).unwrap();
    let page = page_of_results(MANY);
    let mut builders = rows_of::<ResultRows>(layout);
    builders.reserve(MANY);
    for row in parse_page::<WithRaw<'_, _>>(&page).unwrap().value {
        builders.append(&row.entity, Some(row.raw)).unwrap();
    }
    let rows = builders.finish();
    let meta = FileMeta {
        schema_version: 1,
        export_id: String::new(),
    };
    let sink = FileSink::new(tempfile::tempfile().unwrap());
    let written = allocation_counter::measure(|| {
        let mut writer = loader.create(sink, &table, &meta).unwrap();
        for _ in 0..runs {
            writer.write(&rows.batch).unwrap();
        }
        writer.finish().unwrap();
    });
    written.bytes_max
}

/// A row's object has some 400 bytes: 24 MB in all, of which a few pages are held.
#[test]
fn original_objects_are_held_a_page_at_a_time() {
    let (few, many) = (held_by_a_file_of(20), held_by_a_file_of(60));
    assert!(many <= 24 << 20, "{many} bytes");
    assert!(many <= few + (8 << 20), "{many} bytes, {few} for a third");
}

/// Merges a run of so many rows, named `second`, into a day that holds `run 1` with as many.
fn merge(rows: usize, second: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let page = page_of_results(rows);
    let run = |id: &str| {
        let mut builders = ResultRows::new(PARQUET, &lineage(), "workflow", id);
        builders.reserve(rows);
        for entity in parse_page(&page).unwrap().value {
            builders.append(&entity, None).unwrap();
        }
        builders.finish()
    };
    merge_into_day(folder.path(), 1, &[run("run 1")]);
    let rows = [run(second)];
    requests(|| merge_into_day(folder.path(), 2, &rows))
}

#[test]
fn rows_are_merged_without_a_request_for_memory_per_row() {
    for second in ["run 1", "run 2"] {
        let (few, many) = (merge(MANY, second), merge(10 * MANY, second));
        let more = many.saturating_sub(few);
        assert!(more <= MANY as u64, "{more} for {} rows", 9 * MANY);
    }
}
