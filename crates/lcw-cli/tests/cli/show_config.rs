//! `lcw config show`: what an export would use, and where each setting comes from.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::program::Lcw;

const OTHER: &str = "00000000-1111-2222-3333-444444444444";

/// The value and the origin of a setting.
fn setting(shown: &Value, key: &str) -> (Value, Value) {
    let settings = shown["settings"].as_array().unwrap();
    let found = settings.iter().find(|it| it["key"] == key);
    let found = found.unwrap_or_else(|| panic!("no {key}: {shown:#}"));
    (found["value"].clone(), found["origin"].clone())
}

fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[source]\nclient_id = \"{OTHER}\"\ntenant_id = \"file.example\"\n\n[extract]\n\
         settle = \"20m\"\n\n[load]\nout = \"from-file\"\nformat = \"ndjson\"\n"
    );
    std::fs::write(folder.path().join("p.toml"), text).unwrap();
    folder
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let folder = desk();
    let line = "config show p.toml --json --out here --table runs --table tasks \
                --requests-per-second 2.5 --select id,subject";
    let lcw = Lcw::new(folder.path(), line)
        .env("AZURE_TENANT_ID", "variable.example")
        .env("HTTPS_PROXY", "http://proxy:1");
    let shown = lcw.run().with(0).json();
    let flag = |name: &str| json!({ "kind": "flag", "name": name });
    let variable = |name: &str| json!({ "kind": "variable", "name": name });
    let file = |line: u32| json!({ "kind": "file", "path": "p.toml", "line": line });
    let plain = |kind: &str| json!({ "kind": kind });
    for (key, value, origin) in [
        ("out", json!("here"), flag("--out")),
        ("tables", json!(["runs", "tasks"]), flag("--table")),
        (
            "requests_per_second",
            json!(2.5),
            flag("--requests-per-second"),
        ),
        ("select", json!(["id", "subject"]), flag("--select")),
        (
            "tenant_id",
            json!("variable.example"),
            variable("AZURE_TENANT_ID"),
        ),
        ("proxy", json!("http://proxy:1"), variable("HTTPS_PROXY")),
        ("client_id", json!(OTHER), file(2)),
        ("settle", json!("20m"), file(6)),
        ("format", json!("ndjson"), file(10)),
        ("deadline", json!("6h"), plain("default")),
        ("snapshot", Value::Null, plain("not_set")),
        (
            "graph_url",
            json!("https://graph.microsoft.com"),
            plain("cloud"),
        ),
    ] {
        assert_eq!(setting(&shown, key), (value, origin), "{key}");
    }
    let text = Lcw::new(folder.path(), &line.replace("--json", "--origin"))
        .run()
        .with(0);
    for part in [
        "p.toml:10\n",
        "# --out\n",
        "# default\n",
        "# snapshot is not set\n",
    ] {
        assert!(text.stdout.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_clouds_hosts_win_as_they_do_in_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "[source]\ngraph_url = \"https://graph.file\"\nauthority_url = \"https://login.file\"\n";
    std::fs::write(folder.path().join("p.toml"), text).unwrap();
    let show = |flags: &str| Lcw::new(folder.path(), &format!("config show p.toml --json {flags}"));
    let shown = show("")
        .env("AZURE_AUTHORITY_HOST", "login.variable")
        .run()
        .with(0)
        .json();
    assert_eq!(setting(&shown, "graph_url").1["line"], 2);
    let (value, origin) = setting(&shown, "authority_url");
    assert_eq!(value, "https://login.variable");
    assert_eq!(origin["name"], "AZURE_AUTHORITY_HOST");
    let shown = show("--cloud usgov").env("AZURE_AUTHORITY_HOST", "login.variable");
    let shown = shown.run().with(0).json();
    for key in ["graph_url", "authority_url"] {
        let (value, origin) = setting(&shown, key);
        assert!(value.as_str().unwrap().contains(".us"), "{value}");
        assert_eq!(origin["kind"], "cloud", "{key}");
    }
}

const SECRETS: [&str; 4] = [
    "LCW_ACCESS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "IDENTITY_HEADER",
];

#[test]
fn secrets_are_said_to_be_set_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[source]\nproxy = \"http://me:canary-proxy@proxy:1\"\n";
    std::fs::write(folder.path().join("p.toml"), text).unwrap();
    for flags in ["--json", "--origin", ""] {
        let lcw = Lcw::new(folder.path(), &format!("config show p.toml {flags}"));
        let lcw = SECRETS
            .iter()
            .fold(lcw, |lcw, name| lcw.env(name, format!("canary-{name}")));
        let lcw = lcw.env("HTTPS_PROXY", "http://me:canary-variable@proxy:2");
        let ended = lcw.run().with(0);
        assert!(!ended.to_string().contains("canary-"), "{ended}");
        assert!(ended.stdout.contains("[not shown]@proxy:1"), "{ended}");
        if flags == "--json" {
            let secrets = ended.json()["secrets"].as_array().unwrap().clone();
            assert_eq!(secrets.len(), SECRETS.len());
            assert!(secrets.iter().all(|secret| secret["is_set"] == true));
            assert_eq!(ended.json()["signs_in_with"], "token");
        }
    }
    let without = Lcw::new(folder.path(), "config show --origin")
        .run()
        .with(0);
    assert!(
        without.stdout.contains("# AZURE_CLIENT_SECRET is not set"),
        "{without}"
    );
}

#[test]
fn what_is_printed_is_a_pipeline_file_that_says_the_same() {
    let folder = desk();
    let hostile = "a\"b\\\u{e9}#'";
    for flags in ["", "--origin"] {
        let line = format!("config show p.toml {flags} --expand subject --out");
        let printed = Lcw::new(folder.path(), &line)
            .arg(hostile)
            .run()
            .with(0)
            .stdout;
        std::fs::write(folder.path().join("q.toml"), &printed).unwrap();
        let of = |line: &str| {
            let shown = Lcw::new(folder.path(), line).run().with(0).json();
            let settings = shown["settings"].as_array().unwrap().clone();
            let pair = |it: &Value| (it["key"].clone(), it["value"].clone());
            settings.iter().map(pair).collect::<Vec<_>>()
        };
        let mut before = of("config show p.toml --json --expand subject");
        let out = before.iter_mut().find(|(key, _)| key == "out").unwrap();
        out.1 = json!(hostile);
        assert_eq!(of("config show q.toml --json"), before);
    }
}

#[test]
fn what_an_export_refuses_is_refused_here() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.toml"), "[load]\nfromat = \"x\"\n").unwrap();
    let ended = Lcw::new(folder.path(), "config show p.toml").run().with(2);
    ended.says(&["did you mean `format`?", "line 2"]);
    let ended = Lcw::new(
        folder.path(),
        "config show --table subject_processing_results",
    )
    .run();
    ended.with(2).says(&["--api-version beta"]);
}

/// The same command line with another verb asks the tenant that is shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_uses_what_is_shown() {
    let desk = Desk::new().await;
    desk.write(
        "p.toml",
        format!("[source]\ntenant_id = \"{OTHER}\"\n[load]\nout = \"file\"\n"),
    );
    let shown = desk.lcw("config show p.toml --json").run().with(0).json();
    assert_eq!(setting(&shown, "tenant_id").0, desk.tenant.tenant_id());
    assert_eq!(setting(&shown, "graph_url").0, desk.tenant.origin());
    desk.lcw("export p.toml").run().with(0);
    assert!(desk.folder().join("file/_dataset.json").exists());
}
