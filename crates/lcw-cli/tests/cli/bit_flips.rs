//! Whatever happens to a file of a dataset, `lcw verify` finds it, and blames no other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use lcw_dataset::Class;
use lcw_pipeline::{FileFormat, NdjsonCompression, Verification, VerifyRequest};
use lcw_simulator::Endpoint;
use lcw_tests::damage::{flip, rewrite};
use lcw_tests::torture::seeds;
use lcw_tests::{Dice, mistype};
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON, contents, data_files};

const FORMATS: [(FileFormat, &str); 2] = [(FileFormat::Parquet, "parquet"), (NDJSON, "ndjson")];

/// A desk with two exports, of which the second has replaced files of the first.
async fn desk(format: &str) -> Desk {
    let desk = Desk::new().await;
    for _ in 0..2 {
        desk.lcw(&format!("export --out data --json --format {format}"))
            .run()
            .with(0);
        desk.tenant.advance(Duration::from_hours(12));
    }
    desk
}

/// The same, with a third export that has set rows aside.
async fn desk_with_lines(format: &str) -> Desk {
    let desk = desk(format).await;
    mistype(
        &desk.tenant,
        Endpoint::TaskResults,
        "startedDateTime",
        "\"soon\"",
    );
    let line = format!("export --out data --json --format {format} --on-drift quarantine");
    desk.lcw(&line).run().with(4);
    assert!(desk.data().join("_quarantine").is_dir());
    desk
}

fn verify(out: &Path, deep: bool) -> Verification {
    let request = VerifyRequest {
        out: out.to_owned(),
        deep,
        expect_head: None,
    };
    lcw_pipeline::verify(&request).unwrap()
}

#[track_caller]
fn assert_good(out: &Path) {
    for deep in [false, true] {
        let done = verify(out, deep);
        assert!(done.is_good && done.notes.is_empty(), "{done:#?}");
    }
}

/// Files of the dataset that are worth something: not locks.
fn files(out: &Path) -> Vec<PathBuf> {
    let files = contents(out).into_iter();
    let files = files.filter(|(path, bytes)| {
        let is_lock = path.to_string_lossy().contains("lock");
        bytes.as_ref().is_some_and(|bytes| !bytes.is_empty()) && !is_lock
    });
    files.map(|(path, _)| path).collect()
}

/// What is said of the one file that is said to be damaged. Files that only a damaged manifest
/// knows cannot be judged, and nothing is to be done to them.
#[track_caller]
fn only_finding(out: &Path, deep: bool, file: &Path, what: &str) -> Class {
    let done = verify(out, deep);
    let is_manifest = file.starts_with("_manifests");
    let file = file.to_string_lossy();
    let findings = done.findings.iter();
    let mut findings: Vec<_> = findings
        .filter(|it| !is_manifest || it.class != Class::Unverifiable)
        .collect();
    let Some(finding) = findings.pop().filter(|_| findings.is_empty()) else {
        panic!("{what}: {done:#?}");
    };
    assert_eq!(finding.file, file, "{what}: {done:#?}");
    assert_eq!(done.exit_code, 1, "{what}");
    assert!(
        !is_manifest || done.repair.refills.is_empty(),
        "{what}: {done:#?}"
    );
    for path in &done.repair.moves {
        assert_eq!(*path, file, "{what}: {done:#?}");
    }
    finding.class
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_flipped_bit_is_found() {
    let mut count = 0;
    for (_, format) in FORMATS {
        let desk = desk_with_lines(format).await;
        let out = desk.data();
        assert_good(&out);
        let files = files(&out);
        for seed in seeds(30, 1_000) {
            // Each kind of file comes as often as another: there are few manifests.
            let kinds = ["_manifests", "_dataset.json", "_quarantine", ""];
            let mut dice = Dice::new(seed);
            let kind = dice.pick(&kinds);
            let of_kind = |path: &&PathBuf| match kind {
                "" => !path.to_string_lossy().starts_with('_'),
                kind => path.starts_with(kind),
            };
            let of_kind: Vec<_> = files.iter().filter(of_kind).collect();
            let file = of_kind[dice.below(of_kind.len())];
            let path = out.join(file);
            let bits = usize::try_from(path.metadata().unwrap().len()).unwrap() * 8;
            let bit = dice.below(bits);
            flip(&path, bit);
            let what = format!(
                "bit {bit} of {}; replay with LCW_SEED={seed}, {format}",
                file.display()
            );
            let class = only_finding(&out, false, file, &what);
            // A manifest may not be read any more; of other files only the digest is looked at.
            let is_known =
                class == Class::Changed || class == Class::Undecodable && kind != "_quarantine";
            assert!(is_known, "{what}: {class:?}");
            flip(&path, bit);
            count += 1;
        }
        assert_good(&out);
    }
    assert!(count > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_deleted_file_is_found() {
    for (_, format) in FORMATS {
        let desk = desk_with_lines(format).await;
        let out = desk.data();
        for file in files(&out) {
            let path = out.join(&file);
            let bytes = std::fs::read(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            let done = verify(&out, false);
            let name = file.to_string_lossy();
            assert_eq!(done.exit_code, 1, "{name}");
            let is_newest = done
                .findings
                .iter()
                .all(|it| it.class == Class::Unverifiable);
            let is_named = done
                .findings
                .iter()
                .any(|it| it.class == Class::Missing && it.file == name);
            // The newest manifest is missed by the files that it names, and by nothing else.
            assert!(is_named || is_newest, "{name}: {done:#?}");
            assert!(done.repair.moves.is_empty(), "{name}: {done:#?}");
            std::fs::write(&path, bytes).unwrap();
        }
        assert_good(&out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_older_file_is_found() {
    for (_, format) in FORMATS {
        let desk = Desk::new().await;
        let out = desk.data();
        let export = || {
            let line = format!("export --out data --json --format {format}");
            desk.lcw(&line).run().with(0)
        };
        export();
        let before = data_files(&out);
        // Runs that were open have ended.
        desk.tenant.advance(Duration::from_hours(12));
        export();
        let mut stale = 0;
        for (file, bytes) in before {
            let path = out.join(&file);
            let now = std::fs::read(&path).unwrap();
            if Some(&now) == bytes.as_ref() {
                continue;
            }
            std::fs::write(&path, bytes.unwrap()).unwrap();
            let what = file.display().to_string();
            assert_eq!(only_finding(&out, false, &file, &what), Class::Stale);
            std::fs::write(&path, now).unwrap();
            stale += 1;
        }
        assert!(stale > 0, "no file was replaced");
        assert_good(&out);
    }
}

/// Two days in a row that have runs with results.
fn days(desk: &Desk, format: FileFormat) -> (Date, Date) {
    let results = lcw_tests::facts(
        &desk.data(),
        format,
        desk.tenant.tenant_id(),
        Table::UserProcessingResults,
    );
    let mut days: Vec<Date> = results
        .values()
        .map(|row| row["run_date"].as_str().unwrap().parse().unwrap())
        .collect();
    days.sort_unstable();
    days.dedup();
    (days[1], days[2])
}

fn file_of(desk: &Desk, format: FileFormat, table: Table, day: Date) -> PathBuf {
    let (table, tenant) = (table.name(), desk.tenant.tenant_id());
    let name = format.loader();
    let name = name.file_name();
    format!("{table}/tenant_id={tenant}/run_date={day}/{name}").into()
}

/// What only the rows can tell: the files are exactly what the manifests say.
#[track_caller]
fn assert_only_deep_finds(desk: &Desk, file: &Path, class: Class) {
    let out = desk.data();
    let shallow = verify(&out, false);
    assert!(shallow.is_good, "{shallow:#?}");
    let done = verify(&out, true);
    let is_it = |it: &&lcw_pipeline::Problem| it.class == class && Path::new(&it.file) == file;
    assert_eq!(done.findings.iter().filter(is_it).count(), 1, "{done:#?}");
    assert_eq!(done.exit_code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_that_comes_twice_is_found_by_reading_the_rows() {
    for (format, name) in FORMATS {
        let desk = desk(name).await;
        let (day, next) = days(&desk, format);
        let tenant = desk.tenant.tenant_id();
        let mut run = None;
        // Twice in the same file.
        rewrite(
            &desk.data(),
            format,
            tenant,
            Table::Runs,
            day,
            |mut rows| {
                let again = rows[0].slice(0, 1);
                run = Some(again.clone());
                rows.insert(0, again);
                rows
            },
        );
        let file = file_of(&desk, format, Table::Runs, day);
        assert_only_deep_finds(&desk, &file, Class::DuplicateKey);
        rewrite(
            &desk.data(),
            format,
            tenant,
            Table::Runs,
            day,
            |mut rows| {
                let rest = rows[0].num_rows() - 1;
                rows[0] = rows[0].slice(1, rest);
                rows
            },
        );
        assert_good(&desk.data());
        // In its own file and in that of the next day.
        rewrite(
            &desk.data(),
            format,
            tenant,
            Table::Runs,
            next,
            |mut rows| {
                rows.insert(0, run.unwrap());
                rows
            },
        );
        let file = file_of(&desk, format, Table::Runs, next);
        assert_only_deep_finds(&desk, &file, Class::DuplicateKey);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_row_that_is_missing_is_found_by_reading_the_rows() {
    for (format, name) in FORMATS {
        for table in [Table::UserProcessingResults, Table::TaskProcessingResults] {
            let desk = desk(name).await;
            let (day, _) = days(&desk, format);
            let tenant = desk.tenant.tenant_id();
            rewrite(&desk.data(), format, tenant, table, day, |mut rows| {
                let rest = rows[0].num_rows() - 1;
                rows[0] = rows[0].slice(1, rest);
                rows
            });
            let file = file_of(&desk, format, table, day);
            assert_only_deep_finds(&desk, &file, Class::ChildRowsMissing);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_without_their_run_and_out_of_order_are_found_by_reading_them() {
    for (format, name) in FORMATS {
        let desk = desk(name).await;
        let (day, next) = days(&desk, format);
        let tenant = desk.tenant.tenant_id();
        rewrite(&desk.data(), format, tenant, Table::Runs, day, |rows| {
            rows.iter().map(|rows| rows.slice(0, 0)).collect()
        });
        let file = file_of(&desk, format, Table::UserProcessingResults, day);
        assert_only_deep_finds(&desk, &file, Class::OrphanRows);
        rewrite(&desk.data(), format, tenant, Table::Runs, next, |rows| {
            let count = rows[0].num_rows();
            (0..count).rev().map(|row| rows[0].slice(row, 1)).collect()
        });
        let file = file_of(&desk, format, Table::Runs, next);
        assert_only_deep_finds(&desk, &file, Class::Unsorted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_compression_is_read() {
    for compression in [
        NdjsonCompression::Zstd,
        NdjsonCompression::Gzip,
        NdjsonCompression::None,
    ] {
        let desk = Desk::new().await;
        let format = FileFormat::Ndjson(compression);
        let loader = format.loader();
        desk.write(
            "p.toml",
            format!(
                "[load]\nformat = \"ndjson\"\ncompression = \"{}\"\n",
                loader.compression()
            ),
        );
        desk.lcw("export p.toml --out data --json").run().with(0);
        assert_good(&desk.data());
        let file = files(&desk.data())
            .into_iter()
            .find(|path| path.starts_with("runs"));
        let file = file.unwrap();
        flip(&desk.data().join(&file), 77);
        only_finding(&desk.data(), true, &file, loader.compression());
    }
}
