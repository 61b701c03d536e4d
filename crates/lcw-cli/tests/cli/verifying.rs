//! `lcw verify`: its words, its JSON, its exit codes, and what happens around it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lcw_pipeline::VerifyRequest;
use lcw_tests::damage::flip;
use lcw_tests::single;

use crate::desk::{Desk, contents, data_files};
use crate::lost_lines::set_aside;
use crate::program::{Ended, Lcw};

fn verify(desk: &Desk, more: &str) -> Ended {
    desk.bare(&format!("verify --out data {more}")).run()
}

fn first_file(desk: &Desk, table: &str) -> PathBuf {
    let files = data_files(&desk.data()).into_keys();
    let mut files = files.filter(|path| path.starts_with(table));
    files.next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_good_dataset_is_called_good_and_left_alone() {
    let desk = Desk::new().await;
    let ended = desk.export();
    let manifest = &ended.json()["manifest"];
    let head = manifest["sha256"].as_str().unwrap();
    // Also in the log, where it can be kept apart from the dataset.
    ended.says(&[" manifest sha256=", head]);
    let before = contents(desk.folder());
    let rows = desk.bare("status --out data --json").run().with(0).json();
    let rows = rows["tenants"][0]["tables"].as_object().unwrap();
    let rows: u64 = rows.values().map(|it| it["rows"].as_u64().unwrap()).sum();
    for (more, runs) in [("", None), ("--deep", Some(desk.tenant.truth().runs.len()))] {
        let done = verify(&desk, &format!("{more} --json")).with(0).json();
        assert_eq!(
            (&done["is_good"], &done["exit_code"]),
            (&true.into(), &0.into())
        );
        assert_eq!(done["head"]["sha256"], head, "{done:#}");
        assert_eq!(done["head"]["exports_after"], 0);
        assert_eq!(done["identity"]["format"], "parquet");
        assert_eq!(done["checked"]["rows"], rows, "{done:#}");
        assert_eq!(done["checked"]["manifests"], 1);
        assert_eq!(done["checked"]["files"], data_files(&desk.data()).len());
        assert_eq!(done["checked"]["runs"], serde_json::json!(runs));
        for empty in ["findings", "notes"] {
            assert_eq!(done[empty], serde_json::json!([]), "{done:#}");
        }
        let text = verify(&desk, more).with(0).stdout;
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for part in ["data: parquet (zstd)", "good: ", head, "1 manifest,"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(contents(desk.folder()) == before);
    desk.write("p.toml", "[load]\nout = \"data\"\n");
    desk.bare("verify p.toml --deep").run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn damage_is_said_with_what_to_do() {
    let desk = Desk::today().await;
    desk.export();
    let file = first_file(&desk, "runs");
    flip(&desk.data().join(&file), 1_000);
    let text = verify(&desk, "").with(1).stdout;
    let (_, day) = file.to_str().unwrap().split_once("run_date=").unwrap();
    let day = &day[..10];
    for part in [
        "damaged: 1 finding",
        &format!("changed: runs of {day}"),
        file.to_str().unwrap(),
        "expected: SHA-256",
        "lcw backfill",
        &format!("to backfill: {day}"),
        "--repair-plan",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for line in text.lines().filter(|line| line.contains(' ')) {
        let is_path = line.trim().split(' ').count() == 1;
        assert!(is_path || line.chars().count() <= 80, "{line}");
    }
    let done = verify(&desk, "--json").with(1).json();
    let finding = &done["findings"][0];
    assert_eq!(finding["class"], "changed");
    assert_eq!(finding["table"], "runs");
    assert_eq!(finding["run_date"], day);
    assert_eq!(finding["file"], file.to_str().unwrap());
    assert_eq!(done["repair"]["refills"][0]["from"], day);
    assert_eq!(done["repair"]["moves"][0], file.to_str().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_no_dataset_is_that_is_a_matter_of_usage() {
    let desk = Desk::new().await;
    std::fs::create_dir_all(desk.folder().join("empty")).unwrap();
    std::fs::create_dir_all(desk.folder().join("photos/2026")).unwrap();
    for out in ["nowhere", "empty"] {
        let ended = desk.bare(&format!("verify --out {out}")).run().with(2);
        ended.says(&[&format!("there is no dataset in {out}"), "--out"]);
        assert_eq!(ended.stdout, "");
    }
    let ended = desk.bare("verify --out photos").run().with(2);
    ended.says(&["photos is not a dataset", "2026"]);
    let ended = desk.bare("verify --expect-head 12ab").run().with(2);
    ended.says(&["--expect-head", "64 hexadecimal digits"]);
    desk.bare("verify nothing.toml").run().with(2);
    let names: Vec<_> = desk.contents().into_keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_digest_that_was_kept_tells_whether_history_was_rewritten() {
    let desk = Desk::new().await;
    let first = desk.export().json();
    let first = first["manifest"]["sha256"].as_str().unwrap();
    desk.export();
    let wanted = first.to_ascii_uppercase();
    let done = verify(&desk, &format!("--json --expect-head {wanted}"))
        .with(0)
        .json();
    assert_eq!(done["expected_head"]["sha256"], first);
    assert_eq!(done["expected_head"]["exports_after"], 1);
    let text = verify(&desk, &format!("--expect-head {first}"))
        .with(0)
        .stdout;
    assert!(text.contains("1 export after it"), "{text}");

    // Somebody writes all of it anew: consistent in itself.
    let manifests = desk.data().join("_manifests");
    let mut before = None;
    let mut names: Vec<_> = std::fs::read_dir(&manifests).unwrap().collect();
    names.sort_by_key(|it| it.as_ref().unwrap().path());
    for entry in names {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let mut manifest: lcw_dataset::Manifest = serde_json::from_slice(&bytes).unwrap();
        manifest.kind = "other".to_owned();
        if let (Some(link), Some(before)) = (&mut manifest.previous, before.take()) {
            link.sha256 = before;
        }
        let bytes = manifest.to_bytes().unwrap();
        std::fs::write(&path, &bytes).unwrap();
        before = Some(lcw_dataset::digest_of(&bytes));
    }
    // Also what is said beside the lock of the newest one.
    let changed = verify(&desk, "--json").with(1).json();
    assert_eq!(changed["findings"][0]["class"], "changed", "{changed:#}");
    std::fs::remove_file(desk.data().join("_lock.json")).unwrap();
    verify(&desk, "--deep").with(0);
    let done = verify(&desk, &format!("--json --expect-head {first}"))
        .with(1)
        .json();
    assert_eq!(done["findings"][0]["class"], "unknown_head", "{done:#}");
    assert_eq!(done["expected_head"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn after_a_kill_it_is_good_with_a_note() {
    let desk = Desk::new().await;
    let busy = desk.trickle_from(25);
    let export = desk.lcw("export --out data --max-concurrency 2").start();
    busy.recv_timeout(Duration::from_mins(1)).unwrap();
    crate::program::until("a day", || !data_files(&desk.data()).is_empty());
    // While it runs nothing is strange.
    let done = verify(&desk, "--deep --json").with(0).json();
    assert_eq!(done["notes"], serde_json::json!([]), "{done:#}");
    assert_eq!(done["head"], serde_json::Value::Null);
    export.signal("KILL");
    drop(export.end());
    let before = contents(&desk.data());
    let done = verify(&desk, "--deep --json").with(0).json();
    let notes = done["notes"].as_array().unwrap();
    assert!(
        notes.iter().any(|it| it["class"] == "interrupted_export"),
        "{done:#}"
    );
    assert!(contents(&desk.data()) == before);
    desk.tenant.clear_faults();
    desk.export();
    let done = verify(&desk, "--deep --json").with(0).json();
    assert_eq!(done["notes"], serde_json::json!([]), "{done:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_kill_between_two_renames_leaves_either_file() {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(Duration::from_hours(24));
    let held = desk.hold_commits();
    let export = desk.lcw("export --out data").start();
    desk.until_a_commit_waits();
    verify(&desk, "--deep").with(0);
    export.signal("KILL");
    drop(export.end());
    drop(held);
    let text = verify(&desk, "--deep").with(0).stdout;
    assert!(text.contains("note: interrupted export"), "{text}");
    assert!(text.contains("note: leftover staging"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn beside_a_running_export_nothing_looks_wrong() {
    let desk = Desk::new().await;
    desk.export();
    let has_ended = AtomicBool::new(false);
    let out = desk.data();
    let looks = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            while !has_ended.load(Ordering::Relaxed) {
                let request = VerifyRequest {
                    out: out.clone(),
                    deep: looks % 2 == 0,
                    expect_head: None,
                };
                let done = lcw_pipeline::verify(&request).unwrap();
                assert!(done.is_good, "look {looks}: {done:#?}");
                looks += 1;
            }
            looks
        });
        for _ in 0..3 {
            desk.tenant.advance(Duration::from_hours(24));
            let window = "--from 2026-11-01 --to 2026-12-31";
            desk.lcw("export --out data").run().with(0);
            desk.lcw(&format!("backfill --out data {window}"))
                .run()
                .with(0);
        }
        has_ended.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert!(looks > 3, "{looks}");
    verify(&desk, "--deep").with(0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn links_are_named_and_not_followed() {
    let desk = Desk::new().await;
    desk.export();
    let file = first_file(&desk, "runs");
    let path = desk.data().join(&file);
    let elsewhere = desk.folder().join("elsewhere");
    std::fs::copy(&path, &elsewhere).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let done = verify(&desk, "--json --deep").with(1).json();
    let findings = done["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{done:#}");
    assert_eq!(findings[0]["class"], "symbolic_link");
    assert_eq!(findings[0]["file"], file.to_str().unwrap());
    let plan = verify(&desk, "--repair-plan").with(1);
    assert_eq!(plan.stdout, "", "{plan}");
    // The folder itself may be one.
    std::os::unix::fs::symlink(desk.data(), desk.folder().join("link")).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::copy(&elsewhere, &path).unwrap();
    desk.bare("verify --out link --deep").run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_does_not_belong_is_named_where_readers_look() {
    let desk = Desk::new().await;
    desk.export();
    let file = first_file(&desk, "runs");
    let good = std::fs::read(desk.data().join(&file)).unwrap();
    let tenant = desk.tenant.tenant_id();
    let strays = [
        format!("runs/tenant_id={tenant}/run_date=2026-02-30/part-0.parquet"),
        format!("runs/tenant_id={tenant}/run_date=2020-01-01/part-0.parquet"),
        format!("runs/tenant_id={tenant}/part-0.parquet"),
        "runs/tenant_id=other/run_date=2026-11-20/part-0.parquet".to_owned(),
        format!("{}.bak", file.display()),
        "_manifests/notes.txt".to_owned(),
        "_quarantine/20260101T000000.000000Z/runs.ndjson".to_owned(),
    ];
    for stray in &strays {
        let path = desk.data().join(stray);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &good).unwrap();
        let done = verify(&desk, "--json").with(1).json();
        let findings = done["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{stray}: {done:#}");
        assert_eq!(findings[0]["class"], "stray", "{stray}");
        let named = findings[0]["file"].as_str().unwrap();
        assert!(Path::new(stray).starts_with(named), "{stray}: {named}");
        let gone = desk.data().join(named);
        if gone.is_dir() {
            std::fs::remove_dir_all(gone).unwrap();
        } else {
            std::fs::remove_file(gone).unwrap();
        }
    }
    // Beside the tables it harms nobody.
    std::fs::write(desk.data().join("README.txt"), "ours").unwrap();
    let text = verify(&desk, "").with(0).stdout;
    assert!(
        text.contains("note: unknown name") && text.contains("README.txt"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_that_were_set_aside_are_held_against_their_digest() {
    let (desk, id) = set_aside().await;
    verify(&desk, "--deep").with(0);
    let folder = desk.data().join("_quarantine").join(&id);
    let path = folder.join("user_processing_results.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    // As many lines, and all of them JSON.
    let another = text.replacen("two", "TWO", 1);
    assert_ne!(another, text);
    for (damaged, class) in [
        (Some(&*another), "changed"),
        (Some(rest), "changed"),
        (Some("no object\n"), "changed"),
        (None, "missing"),
    ] {
        match damaged {
            Some(damaged) => std::fs::write(&path, damaged).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let done = verify(&desk, "--json").with(1).json();
        let finding = &done["findings"][0];
        assert_eq!(finding["class"], class, "{done:#}");
        let remedy = finding["remedy"].as_str().unwrap();
        assert!(
            remedy.contains("nothing brings these lines back"),
            "{remedy}"
        );
        assert_eq!(done["repair"]["moves"], serde_json::json!([]));
        assert_eq!(done["repair"]["refills"], serde_json::json!([]));
        assert_eq!(done["repair"]["by_hand"][0], finding["file"], "{done:#}");
        verify(&desk, "--repair-plan")
            .with(1)
            .says(&["no command puts", "_quarantine/"]);
    }
    let line = format!("acknowledge --out data --manifest {id} --reason known");
    desk.bare(&line).run().with(0);
    let done = verify(&desk, "--json").with(0).json();
    assert_eq!(done["notes"][0]["class"], "acknowledged", "{done:#}");
    // What is in its place now is not what was acknowledged.
    std::fs::write(&path, another).unwrap();
    let done = verify(&desk, "--json").with(1).json();
    assert_eq!(done["findings"][0]["class"], "changed", "{done:#}");
    std::fs::write(&path, text).unwrap();
    verify(&desk, "").with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dataset_of_a_newer_program_is_said_to_be_one() {
    let desk = Desk::new().await;
    desk.export();
    let path = desk.data().join("_dataset.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut identity: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = identity.as_object_mut().unwrap();
    keys.remove("content_sha256").unwrap();
    keys["schema_versions"]["runs"] = 99.into();
    std::fs::write(&path, identity.to_string()).unwrap();
    let done = verify(&desk, "--json").with(1).json();
    assert_eq!(done["findings"][0]["class"], "newer_schema", "{done:#}");
    assert_eq!(done["findings"][0]["file"], "_dataset.json");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dataset_of_an_export_without_runs_is_good() {
    let desk = Desk::of(single(4)).await;
    desk.export();
    verify(&desk, "--deep").with(0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_cannot_be_read_is_damage() {
    let desk = Desk::new().await;
    desk.export();
    let file = first_file(&desk, "runs");
    let path = desk.data().join(&file);
    // A folder of that name can be opened and not be read, whoever asks.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let done = verify(&desk, "--json").with(1).json();
    let findings = done["findings"].as_array().unwrap();
    let is_of = |class: &str| findings.iter().any(|it| it["class"] == class);
    assert!(is_of("unreadable"), "{done:#}");
    let text = Lcw::new(desk.folder(), "verify --out data")
        .run()
        .with(1)
        .stdout;
    assert!(text.contains("unreadable: runs of"), "{text}");
}

/// Nobody wrote so much: it is not read into memory to be found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_record_of_any_size_is_refused_before_it_is_read() {
    const TERABYTE: u64 = 1 << 40;
    for name in ["_manifests", "_dataset.json"] {
        let desk = Desk::today().await;
        desk.export();
        let mut path = desk.data().join(name);
        if path.is_dir() {
            let mut manifests = std::fs::read_dir(&path).unwrap();
            path = manifests.next().unwrap().unwrap().path();
        }
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(TERABYTE).unwrap();
        let text = verify(&desk, "").with(1).stdout;
        assert!(text.contains("larger than 256 MiB"), "{text}");
        let export = desk.lcw("export --out data").run().with(1);
        let name = path.file_name().unwrap().to_str().unwrap();
        export.says(&["larger than 256 MiB", name]);
    }
}
