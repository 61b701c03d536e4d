//! Audits: the chain of manifests, and files against it. What exports leave, killed or not, is good.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use lcw_dataset::{
    Audit, Class, Examiner, Finding, Format, Manifest, ManifestRef, Place, Status, TableSpec,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::rows::Row;
use crate::support::{
    DAY, RESULTS, RUNS, TENANT, at, export, export_day, folder, formats, head, parquet, tables,
    without_head, writer,
};

/// Counts the rows that it is shown.
#[derive(Default)]
struct Counter(usize);

impl Examiner for Counter {
    fn rows(&mut self, _place: &Place, _table: &TableSpec, batch: &RecordBatch) {
        self.0 += batch.num_rows();
    }
}

/// Everything that an audit finds, rows read.
pub(crate) fn findings(root: &Path, format: &Arc<dyn Format>) -> Vec<Finding> {
    let audit = Audit::open(root).unwrap().unwrap();
    let mut findings = audit.findings();
    findings.extend(audit.identity().err().cloned());
    let dataset = audit.dataset(Arc::clone(format), tables(format.as_ref()));
    let (units, strays) = audit.units(&dataset);
    findings.extend(strays);
    for unit in units {
        let shallow = audit.examine(&dataset, &unit, None);
        let mut counter = Counter::default();
        let deep = audit.examine(&dataset, &unit, Some(&mut counter));
        assert_eq!((shallow.files, shallow.rows), (deep.files, deep.rows));
        // What a damaged manifest counts is nothing to go by.
        if deep.findings.is_empty() && audit.findings().is_empty() {
            assert_eq!(counter.0 as u64, deep.rows);
        }
        findings.extend(deep.findings);
    }
    findings
}

pub(crate) fn classes(root: &Path, format: &Arc<dyn Format>) -> Vec<(Class, String)> {
    let findings = findings(root, format).into_iter();
    findings.map(|it| (it.class, it.file)).collect()
}

pub(crate) fn row(id: &str, status: &str) -> Row {
    Row::new("w", id, status, "e", 1)
}

/// Four exports, each of which changes a row.
pub(crate) fn history(root: &Path, format: &Arc<dyn Format>) -> Vec<ManifestRef> {
    let export = |second: i64| {
        let id = at(second).strftime("%Y%m%dT%H%M%S.%6fZ").to_string();
        let row = |run: &str, status: &str| Row::new("w", run, status, &id, 1);
        let rows = [row("1", &format!("s{second}")), row("2", "a")];
        let closed = export(root, format, second, &rows, &rows);
        assert_eq!(closed.export_id, id);
        closed
    };
    (1..5).map(export).collect()
}

pub(crate) fn name(manifest: &ManifestRef) -> String {
    format!("_manifests/{}.json", manifest.export_id)
}

/// Changes a manifest as somebody would who knows how they are written.
pub(crate) fn edit(manifest: &ManifestRef, change: impl FnOnce(&mut Manifest)) {
    let bytes = fs::read(&manifest.path).unwrap();
    let mut edited: Manifest = serde_json::from_slice(&bytes).unwrap();
    change(&mut edited);
    fs::write(&manifest.path, edited.to_bytes().unwrap()).unwrap();
}

#[test]
fn a_history_is_good_and_its_newest_manifest_is_its_head() {
    for format in formats() {
        let folder = folder();
        let exports = history(folder.path(), &format);
        assert_eq!(classes(folder.path(), &format), []);
        let audit = Audit::open(folder.path()).unwrap().unwrap();
        assert_eq!(audit.head().unwrap().sha256, exports[3].sha256);
        assert_eq!(audit.manifests(), 4);
        for (after, export) in exports.iter().rev().zip(0..).map(|(it, n)| (n, it)) {
            let (link, exports_after) = audit.find(&export.sha256).unwrap();
            assert_eq!((&link.export_id, exports_after), (&export.export_id, after));
        }
        assert!(audit.find("0").is_none());
        assert!(audit.leftovers().is_empty());
    }
}

#[test]
fn every_break_of_the_chain_is_found() {
    let format = parquet();
    let broken = |damage: &dyn Fn(&[ManifestRef])| {
        let folder = folder();
        let exports = history(folder.path(), &format);
        damage(&exports);
        let found = classes(folder.path(), &format);
        (exports, found)
    };
    // One in the middle is gone, or was changed by somebody who knows how it is written.
    let (exports, found) = broken(&|exports| fs::remove_file(&exports[1].path).unwrap());
    assert_eq!(found, [(Class::Missing, name(&exports[1]))]);
    let (exports, found) = broken(&|exports| edit(&exports[1], |it| it.kind = "x".into()));
    assert_eq!(found, [(Class::Changed, name(&exports[1]))]);
    let (exports, found) = broken(&|exports| fs::write(&exports[1].path, "{").unwrap());
    assert_eq!(found, [(Class::Undecodable, name(&exports[1]))]);
    // The first is gone, one is passed over, one claims to be the first.
    let (exports, found) = broken(&|exports| fs::remove_file(&exports[0].path).unwrap());
    assert_eq!(found, [(Class::Missing, name(&exports[0]))]);
    let (exports, found) = broken(&|exports| {
        let bytes = fs::read(&exports[1].path).unwrap();
        let second: Manifest = serde_json::from_slice(&bytes).unwrap();
        edit(&exports[3], |it| it.previous = second.previous);
    });
    assert_eq!(found, [(Class::BrokenChain, name(&exports[3]))]);
    let (exports, found) = broken(&|exports| edit(&exports[3], |it| it.previous = None));
    assert_eq!(found, [(Class::BrokenChain, name(&exports[3]))]);
    // Only the newest may run, and each is about its own export.
    let (exports, found) = broken(&|exports| edit(&exports[2], |it| it.status = Status::Running));
    let of_third = |class| (class, name(&exports[2]));
    assert!(found.contains(&of_third(Class::BrokenChain)), "{found:?}");
    let (exports, found) = broken(&|exports| {
        fs::copy(&exports[2].path, &exports[3].path).unwrap();
    });
    assert!(
        found.contains(&(Class::Changed, name(&exports[3]))),
        "{found:?}"
    );
}

/// What files are found by without reading their rows.
fn findings_without_rows(root: &Path, format: &Arc<dyn Format>) -> Vec<Finding> {
    let audit = Audit::open(root).unwrap().unwrap();
    let dataset = audit.dataset(Arc::clone(format), tables(format.as_ref()));
    let (units, _) = audit.units(&dataset);
    let looks = units.iter().map(|it| audit.examine(&dataset, it, None));
    looks.flat_map(|seen| seen.findings).collect()
}

/// The digest agrees, and what else is recorded does not: whoever seals a manifest anew would have
/// to count, too.
#[test]
fn another_size_or_number_of_rows_than_the_recorded_one_is_found() {
    for format in formats() {
        for what in ["bytes", "rows"] {
            let folder = folder();
            let exports = history(folder.path(), &format);
            let mut path = String::new();
            edit(&exports[3], |manifest| {
                let day = manifest.days.get_mut(&DAY.to_string()).unwrap();
                let file = day.files.get_mut(RUNS).unwrap();
                path.clone_from(&file.path);
                let recorded = file.after.as_mut().unwrap();
                match what {
                    "bytes" => recorded.bytes += 1,
                    _ => recorded.rows += 1,
                }
            });
            without_head(folder.path());
            let found = findings(folder.path(), &format);
            assert_eq!(found.len(), 1, "{what}: {found:?}");
            assert_eq!((found[0].class, &found[0].file), (Class::RowCount, &path));
            assert!(found[0].expected.ends_with(what), "{:?}", found[0]);
            // NDJSON does not say how many rows there are.
            let is_stated = what == "bytes" || format.name() == "parquet";
            let without_rows = findings_without_rows(folder.path(), &format);
            assert_eq!(without_rows, found[..usize::from(is_stated)], "{what}");
        }
    }
}

#[test]
fn a_manifest_of_a_newer_program_is_said_to_be_one() {
    let format = parquet();
    let folder = folder();
    let exports = history(folder.path(), &format);
    edit(&exports[3], |it| it.manifest_version += 1);
    let found = classes(folder.path(), &format);
    assert_eq!(found, [(Class::NewerSchema, name(&exports[3]))]);
}

#[test]
fn a_manifest_that_was_taken_away_does_not_make_good_files_bad() {
    for format in formats() {
        let folder = folder();
        let exports = history(folder.path(), &format);
        fs::remove_file(&exports[3].path).unwrap();
        let mut found = findings(folder.path(), &format);
        assert_eq!(found.len(), 3, "{found:?}");
        let gone = found.remove(0);
        assert_eq!((gone.class, gone.file), (Class::Missing, name(&exports[3])));
        for finding in found {
            assert_eq!(finding.class, Class::Unverifiable, "{finding:?}");
            assert!(
                finding.expected.contains(&exports[3].export_id),
                "{finding:?}"
            );
        }
    }
}

#[test]
fn manifests_and_identity_from_before_they_were_sealed_stay_readable() {
    let format = parquet();
    let folder = folder();
    let exports = history(folder.path(), &format);
    let unseal = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let (contents, _) = text.split_once(",\n  \"content_sha256\"").unwrap();
        let text = format!("{contents}\n}}\n");
        fs::write(path, &text).unwrap();
        lcw_dataset::digest_of(text.as_bytes())
    };
    let mut before = None;
    for export in &exports {
        edit(export, |it| {
            if let (Some(link), Some(before)) = (&mut it.previous, before.take()) {
                link.sha256 = before;
            }
        });
        before = Some(unseal(&export.path));
    }
    unseal(&folder.path().join("_dataset.json"));
    without_head(folder.path());
    assert_eq!(classes(folder.path(), &format), []);
    let rows = [row("1", "new")];
    export(folder.path(), &format, 9, &rows, &rows);
    assert_eq!(classes(folder.path(), &format), []);
}

#[test]
fn a_changed_manifest_or_identity_is_not_used() {
    let format = parquet();
    let folder = folder();
    let exports = history(folder.path(), &format);
    for path in [exports[3].path.clone(), folder.path().join("_dataset.json")] {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen(TENANT, &TENANT.replace('f', "e"), 1)).unwrap();
        let error = crate::support::try_writer(folder.path(), &format).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "its contents are not what was written");
        fs::write(&path, text).unwrap();
    }
    drop(writer(folder.path(), &format));
}

#[test]
fn a_damaged_manifest_is_nothing_against_the_files_that_it_names() {
    for format in formats() {
        let folder = folder();
        let exports = history(folder.path(), &format);
        let newest = &exports[3];
        let good = fs::read_to_string(&newest.path).unwrap();
        for (from, to) in [
            ("\"bytes\": ", "\"bytes\": 9"),
            ("\"rows\": ", "\"rows\": 9"),
            ("run_date=2026-11-22", "run_date=2026-11-23"),
            ("/part-0", "/part-1"),
            ("\"sha256\": \"", "\"sha256\": \"0"),
            ("{", "["),
        ] {
            fs::write(&newest.path, good.replace(from, to)).unwrap();
            let mut found = classes(folder.path(), &format);
            found.retain(|(class, _)| *class != Class::Unverifiable);
            let [(class, file)] = found.as_slice() else {
                panic!("{from}: {found:?}");
            };
            assert!(
                matches!(class, Class::Changed | Class::Undecodable),
                "{from}"
            );
            assert_eq!(*file, name(newest), "{from}");
        }
    }
}

#[test]
fn an_export_under_way_may_have_left_either_file() {
    for format in formats() {
        let folder = folder();
        let root = folder.path();
        history(root, &format);
        let path = |table: &str| -> PathBuf {
            let file = format.file_name();
            root.join(format!("{table}/tenant_id={TENANT}/run_date={DAY}/{file}"))
        };
        let before = [RUNS, RESULTS].map(|table| fs::read(path(table)).unwrap());
        let mut writer = writer(root, &format);
        let head = head(&writer, 9);
        let mut export = writer.begin(head).unwrap();
        let rows = [row("1", "new")];
        export_day(&mut export, DAY, &rows, &rows).unwrap();
        assert_eq!(classes(root, &format), []);
        // As if it were still about to rename the second one, or both.
        let open = fs::read_dir(root.join("_manifests")).unwrap();
        let newest = open.map(|it| it.unwrap().path()).max().unwrap();
        let mut manifest: Manifest = serde_json::from_slice(&fs::read(&newest).unwrap()).unwrap();
        for day in manifest.days.values_mut() {
            day.state = lcw_dataset::DayState::Intended;
        }
        fs::write(&newest, manifest.to_bytes().unwrap()).unwrap();
        for (table, bytes) in [RUNS, RESULTS].into_iter().zip(before) {
            assert_eq!(classes(root, &format), []);
            fs::write(path(table), bytes).unwrap();
        }
        assert_eq!(classes(root, &format), []);
        fs::remove_file(path(RUNS)).unwrap();
        assert_eq!(classes(root, &format)[0].0, Class::Missing);
        drop(export);
    }
}

#[test]
fn any_damage_to_any_file_is_found() {
    for format in formats() {
        let folder = folder();
        history(folder.path(), &format);
        let files: Vec<PathBuf> = crate::support::contents(folder.path())
            .into_iter()
            .filter(|(name, bytes)| !name.contains("lock") && !bytes.is_empty())
            .map(|(name, _)| folder.path().join(name))
            .collect();
        let config = ProptestConfig {
            rng_seed: RngSeed::Fixed(17),
            failure_persistence: None,
            ..ProptestConfig::with_cases(64)
        };
        proptest!(config, |(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>())| {
            let path = &files[file.index(files.len())];
            let good = fs::read(path).unwrap();
            let at = at.index(good.len());
            let mut bad = good.clone();
            if cut {
                bad.truncate(at);
            } else {
                bad[at] = to;
            }
            fs::write(path, &bad).unwrap();
            let found = findings(folder.path(), &format);
            fs::write(path, &good).unwrap();
            prop_assert_eq!(found.is_empty(), bad == good, "{} at {}", path.display(), at);
        });
        assert_eq!(classes(folder.path(), &format), []);
    }
}
