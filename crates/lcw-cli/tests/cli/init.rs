//! `lcw init`: asks, writes a pipeline file that works, and never takes a secret.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::desk::{Desk, contents};
use crate::program::{Ended, Lcw};

/// What a person types, line by line, on a terminal.
fn typed(lcw: Lcw, answers: &[&str]) -> Ended {
    let mut command = lcw.on_a_terminal(80).env("NO_COLOR", "1").command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for answer in answers {
        writeln!(stdin, "{answer}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code(),
        was_killed: false,
        stdout: text(output.stdout).replace('\r', ""),
        stderr: text(output.stderr),
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn in_a_folder(line: &str) -> (tempfile::TempDir, Lcw) {
    let folder = tempfile::tempdir().unwrap();
    let lcw = Lcw::new(folder.path(), line);
    (folder, lcw)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn by_flags_it_writes_a_file_that_an_export_can_be_made_with() {
    let desk = Desk::today().await;
    desk.write("client-secret", desk.tenant.client_secret());
    let line = format!(
        "init nightly.toml --defaults --tenant-id {} --client-id {} --client-secret-file \
         client-secret --out data --format ndjson {} --doctor",
        desk.tenant.tenant_id(),
        desk.tenant.client_id(),
        desk.quickly(),
    );
    let ended = desk.bare(&line).run().with(0);
    assert!(ended.stdout.contains("wrote nightly.toml"), "{ended}");
    assert!(ended.stdout.contains("pass  token"), "{ended}");
    // Nothing but the file, in a shell that has no variables: what cron has.
    let plan = desk
        .bare("plan export nightly.toml --json")
        .run()
        .with(0)
        .json();
    let export = desk.bare("export nightly.toml --json").run().with(0).json();
    assert_eq!(plan["runs"]["fetched"], export["runs"]["fetched"]);
    desk.assert_whole(crate::desk::NDJSON);
    desk.bare("verify nightly.toml --deep").run().with(0);
    let text = read(&desk.folder().join("nightly.toml"));
    assert!(!text.contains(desk.tenant.client_secret()), "{text}");
}

#[test]
fn the_defaults_are_those_of_an_export_without_a_file() {
    let (folder, lcw) = in_a_folder("init --defaults");
    lcw.run().with(0);
    let show = |line: &str| {
        let shown = Lcw::new(folder.path(), line).run().with(0).json();
        let settings = shown["settings"].as_array().unwrap().clone();
        let pair = |it: &serde_json::Value| (it["key"].clone(), it["value"].clone());
        settings.iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(
        show("config show lcw.toml --json"),
        show("config show --json")
    );
}

#[test]
fn editors_get_the_published_schema() {
    let (folder, lcw) = in_a_folder("init --defaults");
    lcw.run().with(0);
    let text = read(&folder.path().join("lcw.toml"));
    assert!(
        text.starts_with("#:schema pipeline.schema.json\n"),
        "{text}"
    );
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let json = |path: &Path| serde_json::from_str::<serde_json::Value>(&read(path)).unwrap();
    let published = json(&repository.join("schemas/pipeline.schema.json"));
    assert_eq!(json(&folder.path().join("pipeline.schema.json")), published);
    for entry in std::fs::read_dir(repository.join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        let text = read(&path);
        let line = text.lines().find_map(|line| line.strip_prefix("#:schema "));
        let schema = path.with_file_name(line.unwrap_or_else(|| panic!("{}", path.display())));
        assert_eq!(json(&schema), published);
    }
    // Somebody else's file of that name stays, and is not pointed to.
    std::fs::write(folder.path().join("pipeline.schema.json"), "{}").unwrap();
    Lcw::new(folder.path(), "init other.toml --defaults")
        .run()
        .with(0);
    assert_eq!(read(&folder.path().join("pipeline.schema.json")), "{}");
    assert!(!read(&folder.path().join("other.toml")).contains("#:schema"));
}

#[test]
fn a_file_that_is_there_stays_unless_that_is_forced() {
    let (folder, lcw) = in_a_folder("init --defaults");
    std::fs::write(folder.path().join("lcw.toml"), "mine").unwrap();
    let before = contents(folder.path());
    lcw.run()
        .with(2)
        .says(&["lcw.toml is there already", "--force"]);
    assert!(contents(folder.path()) == before);
    std::os::unix::fs::symlink("nowhere", folder.path().join("link.toml")).unwrap();
    let ended = Lcw::new(folder.path(), "init link.toml --defaults").run();
    ended.with(2).says(&["link.toml is there already"]);
    assert!(!folder.path().join("nowhere").exists());
    Lcw::new(folder.path(), "init --defaults --force")
        .run()
        .with(0);
    assert!(read(&folder.path().join("lcw.toml")).contains("[source]"));
}

#[test]
fn without_anybody_to_ask_nothing_is_written() {
    for (line, says) in [
        ("init", "there is nobody to ask"),
        ("init --out x", "--defaults"),
        ("init --defaults --doctor --json", "--doctor and --json"),
        (
            "init --defaults --table subject_processing_results",
            "--api-version beta",
        ),
        ("init nowhere/lcw.toml --defaults", "cannot write nowhere/"),
        (
            "init --defaults --filter x",
            "unexpected argument '--filter'",
        ),
    ] {
        let (folder, lcw) = in_a_folder(line);
        lcw.run().with(2).says(&[says]);
        assert!(contents(folder.path()).is_empty(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_asks_and_then_tries() {
    let desk = Desk::today().await;
    desk.write("secret.txt", desk.tenant.client_secret());
    let answers = [
        desk.tenant.tenant_id(),
        "not an id",
        desk.tenant.client_id(),
        "sekret",
        "secret",
        "secret.txt",
        "?",
        "rums",
        "user_processing_results",
        "data",
        "",
        "y",
    ];
    let lcw = desk.bare(&format!("init {}", desk.quickly()));
    let ended = typed(lcw, &answers).with(0);
    for part in [
        "Tenant: GUID or domain name [$AZURE_TENANT_ID when it runs]: ",
        "an application id is 0000",
        "did you mean secret?",
        "there are: workflows, runs, ",
        "did you mean runs?",
        "wrote lcw.toml",
        "pass  token",
    ] {
        assert!(ended.stdout.contains(part), "no {part:?} in {ended}");
    }
    desk.bare("export lcw.toml --json").run().with(0);
    assert!(desk.data().join("user_processing_results").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_takes_the_offered_way_to_sign_in_is_asked_where_the_secret_is() {
    let desk = Desk::today().await;
    desk.write("client-secret", desk.tenant.client_secret());
    let answers = [
        desk.tenant.tenant_id(),
        desk.tenant.client_id(),
        "",
        "client-secret",
        "",
        "data",
        "",
        "y",
    ];
    let lcw = desk.bare(&format!("init {}", desk.quickly()));
    let ended = typed(lcw, &answers).with(0);
    assert!(ended.stdout.contains("pass  token"), "{ended}");
}

#[test]
fn a_secret_that_is_pasted_is_not_written() {
    let secret = "abc8Q~0123456789_abcdefghijklmnopqrstuvw";
    let (folder, lcw) = in_a_folder("init --cloud global");
    let answers = [
        secret, "", secret, "", "secret", secret, "", "", "", "", "n",
    ];
    let ended = typed(lcw, &answers).with(0);
    assert!(
        ended.stdout.contains("looks like the secret itself"),
        "{ended}"
    );
    let written = read(&folder.path().join("lcw.toml"));
    assert!(!written.contains("abc8Q"), "{written}");
    assert!(written.contains("auth = \"secret\""), "{written}");
}

#[test]
fn questions_that_end_early_write_nothing() {
    let (folder, lcw) = in_a_folder("init");
    let ended = typed(lcw, &["global"]).with(2);
    assert!(ended.stdout.contains("nothing was written"), "{ended}");
    assert!(contents(folder.path()).is_empty());
}
