//! What the verbs print for people stays readable on a screen of 80 columns.

use std::time::Duration;

use lcw_simulator::RunPlan;

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

const COLUMNS: usize = 80;

/// No line is wider, unless a single word in it is: a path or a URL.
#[track_caller]
fn fits(what: &str, ended: &Ended) {
    assert!(ended.stdout.lines().count() > 0, "{what}: {ended}");
    for line in ended.stdout.lines() {
        let longest = line
            .split_whitespace()
            .map(|word| word.chars().count())
            .max();
        let is_one_word = longest.is_some_and(|longest| longest + 12 > COLUMNS);
        let width = line.chars().count();
        assert!(
            width <= COLUMNS || is_one_word,
            "{what}, {width} columns: {line}"
        );
    }
    assert!(!ended.stdout.contains('\u{1b}'), "{what}: {ended}");
}

fn show(desk: &Desk, line: &str, code: i32) {
    let lcw = desk.lcw(line).env("COLUMNS", COLUMNS.to_string());
    fits(line, &lcw.run().with(code));
}

fn bare(desk: &Desk, line: &str, code: i32) {
    let lcw = desk.bare(line).env("COLUMNS", COLUMNS.to_string());
    fits(line, &lcw.run().with(code));
}

#[test]
fn the_demo_and_what_can_be_asked_of_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let lcw = |line: &str| {
        let lcw = Lcw::new(folder.path(), line).env("COLUMNS", COLUMNS.to_string());
        fits(line, &lcw.run().with(0));
    };
    lcw("demo");
    lcw("demo --format ndjson --out demo-ndjson");
    for verb in ["status", "verify", "verify --deep", "snapshot snapshots"] {
        lcw(&format!("{verb} --out lcw-demo"));
    }
    for line in [
        "schema",
        "config show",
        "config show --origin",
        "init --defaults",
        "man man1",
    ] {
        lcw(line);
    }
    for table in lcw_transform::Table::ALL {
        lcw(&format!("schema {}", table.name()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_night_on_which_much_went_wrong() {
    let desk = Desk::today().await;
    let long = "Leavers ".repeat(20);
    let workflow = desk.tenant.workflow_ids().remove(0);
    desk.tenant.rename_workflow(&workflow, &long);
    show(&desk, "plan export --out data", 0);
    show(&desk, "doctor --out data", 0);
    let scheduled = desk.tenant.now() - Duration::from_hours(2);
    let run = desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 5));
    desk.tenant.report_users(&run, Some(7));
    let forbidden = desk.tenant.workflow_ids().remove(1);
    desk.tenant.forbid_workflow(&forbidden, true);
    show(&desk, "export --out data", 4);
    bare(&desk, "status --out data", 0);
    let reason = "--reason long-".to_owned() + &"word ".repeat(30).replace(' ', "-");
    bare(
        &desk,
        &format!("acknowledge --out data --run {run} {}", &reason[..70]),
        0,
    );
    bare(&desk, "status --out data", 0);
    let file = crate::desk::data_files(&desk.data())
        .into_keys()
        .next()
        .unwrap();
    std::fs::remove_file(desk.data().join(file)).unwrap();
    bare(&desk, "verify --out data", 1);
    show(&desk, "plan backfill --out data --from T-5d --to T", 4);
}
