//! A damaged file of a day that the service has forgotten, with no backup of it: the whole way out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lcw_simulator::{RunPlan, Simulator, TenantConfig};
use lcw_tests::compact;
use lcw_tests::damage::flip;

use crate::desk::{Desk, data_files};

const DAY: Duration = Duration::from_hours(24);

/// A dataset that exports have kept up for forty days, the last of them twenty days ago.
async fn old_desk(flags: &str) -> Desk {
    let config = TenantConfig {
        now: jiff::Timestamp::now() - 60 * DAY,
        ..compact(9)
    };
    let desk = Desk::with(Simulator::start(config).await.unwrap());
    export(&desk, flags, 0);
    for _ in 0..2 {
        desk.tenant.advance(20 * DAY);
        export(&desk, flags, 0);
    }
    desk
}

#[track_caller]
fn export(desk: &Desk, flags: &str, code: i32) -> serde_json::Value {
    let line = format!("export --json {flags}");
    desk.lcw(&line).run().with(code).json()
}

/// The oldest file of a table with rows in it, below the dataset's folder, and its day.
fn oldest(desk: &Desk, table: &str) -> (PathBuf, String) {
    let files = data_files(&desk.data()).into_keys();
    let path = files.into_iter().find(|path| path.starts_with(table));
    let path = path.unwrap();
    let text = path.to_string_lossy().into_owned();
    let (_, rest) = text.split_once("run_date=").unwrap();
    (path, rest[..10].to_owned())
}

fn move_away(desk: &Desk, file: &Path) {
    let to = desk.data().join("_damaged").join(file);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(desk.data().join(file), to).unwrap();
    std::fs::remove_file(desk.data().join(file)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_file_that_nothing_brings_back_is_moved_away_and_put_on_record() {
    for (flags, table, refusal, why) in [
        ("--out data", "runs", 2, "nothing is missing of day"),
        (
            "--out data",
            "user_processing_results",
            2,
            "nothing is missing of day",
        ),
        // One that cannot even be read.
        (
            "--out data --format ndjson",
            "task_processing_results",
            1,
            "move it out of the dataset",
        ),
    ] {
        let desk = old_desk(flags).await;
        let (file, day) = oldest(&desk, table);
        flip(&desk.data().join(&file), 777);
        let verify = |code| {
            let ended = desk.bare("verify --out data --deep --json").run();
            ended.with(code).json()
        };
        // Exports go on meanwhile: nobody needs the file.
        export(&desk, flags, 0);
        let found = verify(1);
        assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found:#}");
        let finding = &found["findings"][0];
        assert_eq!(finding["class"], "changed");
        assert_eq!(finding["file"], file.to_str().unwrap());
        let remedy = finding["remedy"].as_str().unwrap();
        for part in [
            "a backup",
            "move it away",
            "the next export",
            "acknowledge --day",
        ] {
            assert!(remedy.contains(part), "{remedy}");
        }
        // Restoring comes first, so no command moves it; where to read on is said.
        let plan = desk.bare("verify --out data --repair-plan").run().with(1);
        assert_eq!(plan.stdout, "", "{plan}");
        plan.says(&[&day, "where there is none, lcw verify says how"]);
        let acknowledge = || {
            let line = format!("acknowledge --out data --day {day} --reason case-12");
            desk.bare(&line).run()
        };
        acknowledge().with(refusal).says(&[why]);

        move_away(&desk, &file);
        let told = export(&desk, flags, 5);
        assert_eq!(told["lost_days"], serde_json::json!([day]), "{told:#}");
        acknowledge().with(0);
        let after = verify(0);
        let notes = after["notes"].as_array().unwrap();
        let note = notes.iter().find(|it| it["file"] == file.to_str().unwrap());
        let note = note.unwrap_or_else(|| panic!("{after:#}"));
        assert_eq!(note["class"], "acknowledged");
        assert!(note["found"].as_str().unwrap().contains("case-12"));

        // What comes later is exported, proven and copied as ever.
        let workflow = desk.tenant.workflow_ids().remove(0);
        desk.tenant.advance(DAY);
        let run = RunPlan::new(desk.tenant.now() - DAY / 4, 3);
        let run = desk.tenant.add_run(&workflow, &run);
        let summary = export(&desk, flags, 0);
        assert!(
            summary["runs"]["fetched"].as_u64() > Some(0),
            "{run}: {summary:#}"
        );
        let copy = desk.bare("snapshot copies --out data --json").run().with(0);
        assert_eq!(copy.json()["missing_files"], 0, "{copy}");
        verify(0);
    }
}
