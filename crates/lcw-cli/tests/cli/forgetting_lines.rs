//! `lcw forget` and lines that were set aside, when something is in its way.

use std::path::PathBuf;

use lcw_simulator::Endpoint;
use lcw_tests::{compact, mistype};
use serde_json::Value;

use crate::desk::{Contents, Desk, contents};
use crate::program::until;
use crate::signals::SIGNALS;

/// A desk with lines that an export has set aside.
async fn desk_with_lines() -> Desk {
    let desk = Desk::of(compact(5)).await;
    mistype(
        &desk.tenant,
        Endpoint::RunResults,
        "failedTasksCount",
        "\"three\"",
    );
    desk.lcw("export --out data --on-drift quarantine")
        .run()
        .with(4);
    desk
}

/// The files of lines, by their paths below the desk's folder.
fn files_of_lines(desk: &Desk) -> Vec<(PathBuf, Vec<u8>)> {
    let root = desk.data().join("_quarantine");
    let files = contents(&root).into_iter();
    let files = files.filter_map(|(path, bytes)| Some((root.join(path), bytes?)));
    files.collect()
}

/// Whom the first line is about.
fn first_subject(lines: &[(PathBuf, Vec<u8>)]) -> String {
    let text = String::from_utf8(lines[0].1.clone()).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    line["row"]["subject"]["id"].as_str().unwrap().to_owned()
}

fn hold(contents: Contents, subject: &str) -> bool {
    let mut files = contents.into_values().flatten();
    files.any(|bytes| {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        text.contains(subject)
    })
}

/// The newest manifest.
fn newest(desk: &Desk) -> Value {
    let manifests = contents(&desk.data().join("_manifests"));
    let newest = manifests.into_values().next_back().flatten();
    serde_json::from_slice(&newest.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forget_is_stopped_while_a_snapshot_keeps_its_lines_waiting() {
    for (signal, code) in SIGNALS {
        let desk = desk_with_lines().await;
        let lines = files_of_lines(&desk);
        let ada = first_subject(&lines);
        let forget = format!("forget --out data --subject {ada}");
        desk.bare(&forget).run().with(0);
        // From a backup: now they are nowhere else.
        for (path, bytes) in &lines {
            std::fs::write(path, bytes).unwrap();
        }
        let held = desk.hold_commits();
        let running = desk.bare(&forget).start();
        until("an intent", || {
            let manifest = newest(&desk);
            manifest["status"] == "running" && manifest["quarantine_files"].is_object()
        });
        running.signal(signal);
        let ended = running.end().with(code);
        assert!(!ended.was_killed, "{ended}");
        ended.says(&["run the same again to finish"]);
        assert_eq!(newest(&desk)["status"], "interrupted");
        assert!(files_of_lines(&desk) == lines);
        drop(held);
        let status = desk.bare("status --out data --json").run().with(0).json();
        assert_eq!(status["tenants"][0]["unfinished_forget"], true);
        desk.bare(&forget).run().with(0);
        assert!(!hold(contents(&desk.data()), &ada));
        let status = desk.bare("status --out data --json").run().with(0).json();
        assert_eq!(status["tenants"][0]["unfinished_forget"], false);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forget_takes_somebody_out_of_lines_that_are_damaged() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 3] = [
        // No UTF-8 any more, and JSON nevertheless.
        |bytes| {
            let at = bytes.windows(8).position(|it| it == b"\"three\\\"");
            let at = at.or_else(|| bytes.windows(5).position(|it| it == b"three"));
            bytes[at.unwrap() + 2] ^= 0x80;
        },
        // Neither.
        |bytes| bytes[0] ^= 0x80,
        // Two lines that have become one.
        |bytes| {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            bytes[end.unwrap()] ^= 0x40;
        },
    ];
    for (at, damage) in damages.into_iter().enumerate() {
        let desk = desk_with_lines().await;
        let mut lines = files_of_lines(&desk);
        let ada = first_subject(&lines);
        let (path, bytes) = &mut lines[0];
        damage(bytes);
        std::fs::write(&*path, bytes).unwrap();
        assert!(hold(contents(&desk.data()), &ada), "{at}");
        let line = format!("forget --out data --json --subject {ada}");
        let done = desk.bare(&line).run().with(0).json();
        let found = done["tenants"][0]["quarantined"][0]["lines"].as_u64();
        assert!(found > Some(0), "{at}: {done:#}");
        assert!(!hold(contents(&desk.data()), &ada), "{at}");
        // That they were damaged is still said.
        let done = desk.bare("verify --out data --json").run().with(1).json();
        let findings = done["findings"].as_array().unwrap().iter();
        let mut classes = findings.map(|it| it["class"].as_str().unwrap());
        assert!(classes.any(|it| it == "broken_chain"), "{at}: {done:#}");
    }
}
