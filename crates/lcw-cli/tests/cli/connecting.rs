//! connect and sql: where the script goes, what it reads, and what is refused.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::{Desk, contents};
use crate::program::Lcw;

/// The program with a home of its own.
fn at_home(desk: &Desk, line: &str) -> Lcw {
    desk.bare(line).env("HOME", desk.folder().join("home"))
}

/// The script that a command line leads to, and what is in it.
#[track_caller]
fn script(desk: &Desk, line: &str) -> (PathBuf, String) {
    let ended = at_home(desk, line).run().with(0);
    assert_eq!(ended.stderr, "", "{ended}");
    let path = PathBuf::from(ended.stdout.strip_suffix('\n').unwrap());
    assert!(path.is_absolute(), "{ended}");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Moves a folder, as its owner does.
fn moved(from: &Path, to: &Path) {
    let status = std::process::Command::new("mv").arg(from).arg(to).status();
    assert!(status.unwrap().success());
}

/// Whether the script reads this table of the folder.
fn reads(text: &str, folder: &Path) -> bool {
    text.contains(&format!("'{}/runs/*/*/part-0.parquet'", folder.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connect_prints_the_path_of_a_script_of_one_s_own() {
    let desk = Desk::new().await;
    desk.export();
    let before = contents(&desk.data());
    let (path, text) = script(&desk, "connect --out data");
    assert!(reads(&text, &desk.data()), "{text}");
    assert!(
        contents(&desk.data()) == before,
        "nothing of the dataset changes"
    );
    assert_eq!(
        path.parent().unwrap(),
        desk.folder().join("home/.cache/lcw")
    );
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    // A shell takes it for one word wherever the cache is one.
    let name = path.file_name().unwrap().to_str().unwrap();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    assert!(name.chars().all(is_word), "{name}");

    let (again, _) = script(&desk, "connect --out ./data/");
    assert_eq!(again, path, "one dataset, one script");
    desk.write("p.toml", "[load]\nout = \"data\"\n");
    assert_eq!(script(&desk, "connect p.toml").0, path);
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1, "nothing else is left there");

    let json = at_home(&desk, "connect --out data --json")
        .run()
        .with(0)
        .json();
    assert_eq!(json["script"], path.to_str().unwrap());
    assert_eq!(json["dataset"], desk.data().to_str().unwrap());
    assert_eq!(json["is_snapshot"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connect_leads_to_the_newest_snapshot_by_its_own_name() {
    let desk = Desk::new().await;
    desk.export();
    desk.write(
        "p.toml",
        "[load]\nout = \"data\"\nsnapshot = \"snapshots\"\n",
    );
    // Before there is a snapshot there is the dataset.
    assert!(reads(&script(&desk, "connect p.toml").1, &desk.data()));
    let made = |desk: &Desk| {
        let made = desk
            .bare("snapshot snapshots --out data --json")
            .run()
            .with(0);
        let name = made.json()["name"].as_str().unwrap().to_owned();
        desk.folder().join("snapshots").join(name)
    };
    let first = made(&desk);
    let (path, text) = script(&desk, "connect p.toml");
    assert!(reads(&text, &first), "{text}");
    let (of_folder, text) = script(&desk, "connect --out snapshots");
    assert!(reads(&text, &first), "{text}");
    assert_eq!(of_folder, path, "one folder of snapshots, one script");
    // What is named on the command line is meant.
    assert!(reads(
        &script(&desk, "connect p.toml --out data").1,
        &desk.data()
    ));

    desk.tenant.advance(std::time::Duration::from_hours(24));
    desk.export();
    let second = made(&desk);
    assert_ne!(first, second);
    let (newer, text) = script(&desk, "connect p.toml");
    assert!(reads(&text, &second) && !reads(&text, &first), "{text}");
    assert_eq!(newer, path, "under the same name");
    let json = at_home(&desk, "connect p.toml --json").run().with(0).json();
    assert_eq!(json["is_snapshot"], true);
    assert_eq!(json["dataset"], second.to_str().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sql_prints_the_parts_of_the_script() {
    let desk = Desk::new().await;
    desk.export();
    let (_, whole) = script(&desk, "connect --out data");
    for part in ["views", "macros"] {
        let text = desk
            .bare(&format!("sql {part} --out data"))
            .run()
            .with(0)
            .stdout;
        for paragraph in text.trim_end().split("\n\n") {
            assert!(whole.contains(paragraph), "{part}: {paragraph}");
        }
        assert!(text.lines().count() > 100, "{part}");
        let json = desk
            .bare(&format!("sql {part} --out data --json"))
            .run()
            .with(0)
            .json();
        assert_eq!(json["part"], part);
        assert_eq!(json["text"].as_str().unwrap().trim_end(), text.trim_end());
    }
    // What is the same for every dataset needs none.
    let macros = desk.bare("sql macros").run().with(0).stdout;
    assert!(macros.contains("MACRO leaver_sla(within)"), "{macros}");
    let examples = desk.bare("sql examples").run().with(0).stdout;
    assert!(examples.contains("FROM leaver_sla('24h')"), "{examples}");
    let dbt = desk.bare("sql dbt --out data").run().with(0).stdout;
    for table in lcw_transform::Table::ALL {
        assert!(
            dbt.contains(&format!("      - name: {}\n", table.name())),
            "{dbt}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_filter_is_said_before_anybody_counts() {
    let desk = Desk::new().await;
    let export = desk.lcw("export --out data").arg("--filter");
    export.arg("processingStatus eq 'failed'").run().with(0);
    let (_, text) = script(&desk, "connect --out data");
    assert!(
        text.contains("--   processingStatus eq 'failed'\n"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_dataset_there_is_no_script() {
    let desk = Desk::new().await;
    std::fs::create_dir(desk.folder().join("empty")).unwrap();
    desk.write(
        "p.toml",
        "[load]\nout = \"nowhere\"\nsnapshot = \"empty\"\n",
    );
    for line in [
        "connect",
        "connect --out empty",
        "connect p.toml",
        "sql views --out nowhere",
        "sql dbt --out empty",
    ] {
        let ended = at_home(&desk, line).run().with(2);
        ended.says(&["there is no dataset in", "lcw export", "--out"]);
        assert_eq!(ended.stdout, "", "{ended}");
    }
    let ended = at_home(&desk, "connect --json").run().with(2);
    assert_eq!(ended.json()["exit_code"], 2);
    assert!(!desk.folder().join("home").exists(), "nothing is written");
    let ended = at_home(&desk, "sql view --out data").run().with(2);
    ended.says(&["view", "views", "macros", "examples", "dbt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_folder_that_duckdb_would_misread_is_refused() {
    let desk = Desk::new().await;
    desk.export();
    let folder = desk.folder().to_owned();
    let not_text = OsString::from_vec(b"not-\xff-text".to_vec());
    for (name, why) in [
        (OsString::from("id=5"), "the value of a column"),
        (OsString::from("back\\slash"), "backslash"),
        (not_text, "UTF-8"),
    ] {
        std::fs::create_dir(folder.join(&name)).unwrap();
        let out = folder.join(&name).join("data");
        moved(&desk.data(), &out);
        for line in ["connect --out", "sql views --out", "sql dbt --out"] {
            let ended = at_home(&desk, line).arg(&out).run().with(2);
            ended.says(&[why, "ln -s", "link"]);
            assert_eq!(ended.stdout, "", "{ended}");
        }
        // What it says to do helps.
        std::os::unix::fs::symlink(&out, desk.data()).unwrap();
        assert!(reads(&script(&desk, "connect --out data").1, &desk.data()));
        std::fs::remove_file(desk.data()).unwrap();
        moved(&out, &desk.data());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_script_that_cannot_be_kept_is_said_with_another_way() {
    let desk = Desk::new().await;
    desk.export();
    let no_home = desk.bare("connect --out data").run().with(2);
    no_home.says(&["XDG_CACHE_HOME", "HOME", "lcw sql views"]);
    desk.write("file", "");
    let taken = desk.folder().join("file");
    let ended = desk
        .bare("connect --out data")
        .env("XDG_CACHE_HOME", &taken)
        .run()
        .with(2);
    ended.says(&["cannot make the folder", "XDG_CACHE_HOME", "lcw sql views"]);
    // A relative one is no folder of anybody's, and is passed over as the standard says.
    let (path, _) = script(&desk, "connect --out data");
    let relative = at_home(&desk, "connect --out data").env("XDG_CACHE_HOME", "cache");
    assert_eq!(
        relative.run().with(0).stdout.trim_end(),
        path.to_str().unwrap()
    );
    let other = desk.folder().join("other cache");
    let ended = at_home(&desk, "connect --out data")
        .env("XDG_CACHE_HOME", &other)
        .run()
        .with(0);
    assert!(
        Path::new(ended.stdout.trim_end()).starts_with(&other),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_table_without_a_file_is_a_view_without_rows() {
    let desk = Desk::new().await;
    desk.export();
    let (_, text) = script(&desk, "connect --out data");
    let words = "no file of this table yet";
    assert!(!text.contains(words), "{text}");
    for table in ["tasks", "reprocessed_runs"] {
        std::fs::remove_dir_all(desk.data().join(table)).unwrap();
    }
    let (_, text) = script(&desk, "connect --out data");
    assert_eq!(text.matches(words).count(), 2, "{text}");
    for table in ["tasks", "reprocessed_runs"] {
        assert!(text.contains(&format!("TEMP VIEW {table} AS")), "{text}");
        assert!(!text.contains(&format!("data/{table}/")), "{text}");
    }
}

#[test]
fn the_dictionary_is_the_committed_one() {
    let lcw = |line: &str| Lcw::new(&std::env::temp_dir(), line).run();
    let text = lcw("schema --markdown").with(0).stdout;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let committed = std::fs::read_to_string(root.join("docs/data-dictionary.md")).unwrap();
    assert_eq!(text, committed);
    for table in lcw_transform::Table::ALL {
        for column in table.columns(true) {
            assert!(
                text.contains(&format!("| `{}` |", column.name)),
                "{}",
                column.name
            );
        }
    }
    let both: Value = lcw("schema --markdown --json").with(2).json();
    assert_eq!(both["exit_code"], 2);
}
