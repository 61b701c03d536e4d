//! What somebody deletes from a dataset, and what every verb says then.

use std::path::PathBuf;
use std::time::Duration;

use lcw_simulator::{Endpoint, Simulator, TenantConfig};
use lcw_tests::{compact, mistype};
use serde_json::Value;

use crate::desk::{Desk, contents, data_files};
use crate::program::until;

const DAY: Duration = Duration::from_hours(24);

/// The manifests, oldest first.
fn manifests(desk: &Desk) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(desk.data().join("_manifests")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn id_of(manifest: &std::path::Path) -> String {
    manifest.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Two exports, a day apart.
async fn exported() -> Desk {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(DAY);
    desk.export();
    desk
}

fn verify(desk: &Desk) -> Value {
    desk.bare("verify --out data --json").run().json()
}

/// The classes of what verify finds, each once.
fn classes(desk: &Desk) -> Vec<String> {
    let done = verify(desk);
    let findings = done["findings"].as_array().unwrap().iter();
    let mut classes: Vec<_> = findings
        .map(|it| it["class"].as_str().unwrap().to_owned())
        .collect();
    classes.sort();
    classes.dedup();
    classes
}

/// No plan moves anything or asks for a backfill.
#[track_caller]
fn assert_left_to_people(desk: &Desk) {
    let plan = desk.bare("verify --out data --repair-plan").run().with(1);
    assert_eq!(plan.stdout, "", "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_its_newest_manifests_a_dataset_waits_for_a_backup_or_a_word() {
    for lost in [1, 2] {
        let desk = exported().await;
        let mut gone = manifests(&desk).split_off(2 - lost);
        let saved: Vec<_> = gone.iter().map(|it| std::fs::read(it).unwrap()).collect();
        for path in &gone {
            std::fs::remove_file(path).unwrap();
        }
        let before = data_files(&desk.data());
        let ended = desk.lcw("export --out data").run().with(1);
        let newest = id_of(gone.last().unwrap());
        ended.says(&[
            "is gone",
            "backup",
            &format!("acknowledge --manifest {newest}"),
        ]);
        assert!(data_files(&desk.data()) == before);
        assert_eq!(classes(&desk), ["missing", "unverifiable"]);
        assert_left_to_people(&desk);
        // With a backup it is what it was.
        for (path, bytes) in gone.iter().zip(saved) {
            std::fs::write(path, bytes).unwrap();
        }
        desk.bare("verify --out data --deep").run().with(0);
        // Without one it is on record that there is none.
        for path in gone.drain(..) {
            std::fs::remove_file(path).unwrap();
        }
        let line = format!("acknowledge --out data --manifest {newest} --reason case-7");
        desk.bare(&line).run().with(0);
        let text = desk.bare("verify --out data --deep").run().with(0).stdout;
        assert!(
            text.contains("note: acknowledged") && text.contains("case-7"),
            "{text}"
        );
        let text = desk.bare("status --out data").run().with(0).stdout;
        assert!(
            text.contains(&format!("manifest {newest}: case-7")),
            "{text}"
        );
        // Open runs have changed: files are merged into that only the lost manifest told of.
        desk.tenant.advance(DAY);
        desk.export();
        desk.bare("verify --out data --deep").run().with(0);
        desk.assert_whole(lcw_pipeline::FileFormat::Parquet);
        desk.bare(&line)
            .run()
            .with(2)
            .says(&["nothing is wrong with"]);
    }
}

/// Nothing that a forget leaves says who wrote it: only the lost manifest knew.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_lost_forget_wrote_anew_is_put_on_record() {
    let desk = exported().await;
    desk.tenant.advance(DAY);
    mistype(
        &desk.tenant,
        Endpoint::TaskResults,
        "startedDateTime",
        "\"soon\"",
    );
    desk.lcw("export --out data --on-drift quarantine")
        .run()
        .with(4);
    let quarantined = contents(&desk.data().join("_quarantine")).into_values();
    let lines = quarantined.flatten().next().unwrap();
    let line: Value =
        serde_json::from_slice(lines.split(|it| *it == b'\n').next().unwrap()).unwrap();
    let ada = line["row"]["subject"]["id"].as_str().unwrap();
    let line = format!("forget --out data --json --subject {ada}");
    let done = desk.bare(&line).run().with(0).json();
    let of_tenant = &done["tenants"][0];
    for what in ["files", "quarantined"] {
        assert_ne!(of_tenant[what], serde_json::json!([]), "{what}: {done:#}");
    }
    let lost = manifests(&desk).pop().unwrap();
    std::fs::remove_file(&lost).unwrap();
    let found = verify(&desk);
    let files: Vec<_> = found["findings"].as_array().unwrap().iter().collect();
    let unknown = files.iter().filter(|it| it["class"] == "unverifiable");
    let is_of_lines = |it: &&&Value| it["file"].as_str().unwrap().starts_with("_quarantine/");
    assert!(unknown.clone().any(|it| is_of_lines(&it)), "{found:#}");
    assert_eq!(unknown.count() + 1, files.len(), "{found:#}");
    assert_left_to_people(&desk);
    let line = format!(
        "acknowledge --out data --manifest {} --reason case-8",
        id_of(&lost)
    );
    desk.bare(&line).run().with(0);
    let text = desk.bare("verify --out data --deep").run().stdout;
    assert!(text.contains("note: acknowledged"), "{text}");
    assert!(
        !text.contains("_quarantine/") && !text.contains("changed"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn good_files_are_good_though_nobody_knows_that_manifests_were_lost() {
    let desk = exported().await;
    let all = manifests(&desk);
    for path in &all {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_file(desk.data().join("_lock.json")).unwrap();
    let summary = desk.lcw("export --out data --json").run().with(0).json();
    let warnings = summary["warnings"].as_array().unwrap();
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.contains("no manifest") && warning.contains("backup"),
        "{summary:#}"
    );
    assert_eq!(classes(&desk), ["unverifiable"]);
    assert_left_to_people(&desk);
    let line = format!(
        "acknowledge --out data --manifest {} --reason case-8",
        id_of(&all[1])
    );
    desk.bare(&line).run().with(0);
    desk.bare("verify --out data --deep").run().with(0);
    desk.export();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_that_are_newer_than_every_manifest_are_said() {
    let desk = exported().await;
    let newest = manifests(&desk).remove(1);
    std::fs::remove_file(&newest).unwrap();
    std::fs::remove_file(desk.data().join("_lock.json")).unwrap();
    let summary = desk.lcw("export --out data --json").run().json();
    let said = format!("rows of export {}, but no manifest", id_of(&newest));
    assert!(
        summary["warnings"].to_string().contains(&said),
        "{summary:#}"
    );
    assert_eq!(classes(&desk), ["unverifiable"]);
    assert_left_to_people(&desk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_that_nobody_has_any_more_are_missed() {
    let desk = exported().await;
    desk.tenant.purge_workflow(&desk.tenant.workflow_ids()[0]);
    let files = data_files(&desk.data()).into_keys();
    let mut files = files.filter(|path| path.starts_with("workflows"));
    let file = files.next().unwrap();
    std::fs::remove_file(desk.data().join(&file)).unwrap();
    let summary = desk.export().json();
    assert!(
        summary["warnings"]
            .to_string()
            .contains("the rows of workflows"),
        "{summary:#}"
    );
    let done = desk.bare("verify --out data --json").run().with(1).json();
    let findings = done["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{done:#}");
    assert_eq!(findings[0]["class"], "rows_gone");
    assert_eq!(findings[0]["file"], file.to_str().unwrap());
    assert_left_to_people(&desk);
    let id = summary["export_id"].as_str().unwrap();
    assert!(
        findings[0]["found"].as_str().unwrap().contains(id),
        "{done:#}"
    );
    let line = format!("acknowledge --out data --manifest {id} --reason purged");
    desk.bare(&line).run().with(0);
    let text = desk.bare("verify --out data").run().with(0).stdout;
    assert!(text.contains("acknowledged: purged"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_snapshot_of_what_is_left_does_not_take_the_place_of_whole_ones() {
    let long_ago = jiff::Timestamp::now() - 60 * DAY;
    let config = TenantConfig {
        now: long_ago,
        ..compact(1)
    };
    let desk = Desk::with(Simulator::start(config).await.unwrap());
    desk.export();
    let snapshot = || {
        desk.bare("snapshot copies --out data --keep 1 --json")
            .run()
            .with(0)
    };
    let whole = snapshot().json();
    assert_eq!(whole["missing_files"], 0);
    for _ in 0..2 {
        desk.tenant.advance(20 * DAY);
        desk.export();
    }
    let files = data_files(&desk.data()).into_keys();
    let mut files = files.filter(|path| path.starts_with("runs"));
    let gone = desk.data().join(files.next().unwrap());
    std::fs::remove_file(&gone).unwrap();
    // Before an export has looked, and after it has.
    for code in [5, 0] {
        let ended = snapshot();
        ended.says(&["1 recorded file is missing"]);
        let made = ended.json();
        assert_eq!(
            (&made["missing_files"], &made["removed"]),
            (&1.into(), &serde_json::json!([]))
        );
        let copies = desk.folder().join("copies");
        assert!(copies.join(whole["name"].as_str().unwrap()).is_dir());
        desk.lcw("export --out data --json").run().with(code);
    }
    assert_eq!(classes(&desk), ["missing"]);
    // Once it is on record, they are rotated again.
    let day = gone.parent().unwrap().to_string_lossy().into_owned();
    let (_, day) = day.split_once("run_date=").unwrap();
    let line = format!("acknowledge --out data --day {day} --reason known");
    desk.bare(&line).run().with(0);
    let text = desk.bare("verify --out data --deep").run().with(0).stdout;
    assert!(text.contains("acknowledged: known"), "{text}");
    // Another file of the day is news.
    let other = data_files(&desk.data()).into_keys().find(|path| {
        let path = path.to_string_lossy();
        path.starts_with("user_processing_results") && path.contains(day)
    });
    let other = desk.data().join(other.unwrap());
    let kept = std::fs::read(&other).unwrap();
    std::fs::remove_file(&other).unwrap();
    assert_eq!(classes(&desk), ["missing"]);
    std::fs::write(&other, kept).unwrap();
    // It is as welcome as before when it comes back.
    let path = gone.strip_prefix(desk.data()).unwrap();
    let copy = desk
        .folder()
        .join("copies")
        .join(whole["name"].as_str().unwrap());
    std::fs::copy(copy.join(path), &gone).unwrap();
    desk.bare("verify --out data --deep").run().with(0);
    std::fs::remove_file(&gone).unwrap();
    let made = snapshot().json();
    assert_eq!(made["missing_files"], 0, "{made:#}");
    assert!(
        made["removed"]
            .to_string()
            .contains(whole["name"].as_str().unwrap())
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_whose_lock_was_deleted_stops_beside_the_next_one() {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(DAY);
    let held = desk.hold_commits();
    let first = desk.lcw("export --out data").start();
    desk.until_a_commit_waits();
    std::fs::remove_file(desk.data().join("_lock")).unwrap();
    let second = desk.lcw("export --out data --json").start();
    until("a second writer", || {
        contents(&desk.data())
            .keys()
            .any(|path| path.ends_with("_lock"))
    });
    drop(held);
    first
        .end()
        .with(1)
        .says(&["_lock was taken away", "lcw verify"]);
    second.end().with(0);
    desk.bare("verify --out data --deep").run().with(0);
    desk.assert_whole(lcw_pipeline::FileFormat::Parquet);
}
