//! The pipeline files of the repository do what their comments say.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use lcw_pipeline::FileFormat;
use lcw_transform::Table;

use crate::desk::Desk;
use crate::program::Lcw;
use crate::simulate::Simulated;

fn pipeline(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines");
    folder.join(name).canonicalize().unwrap()
}

/// Command lines in a file's head comment, without what is said about them.
fn commands(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(pipeline(name)).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix('#'));
    let lines = lines.filter_map(|line| Some(&line[line.find("lcw ")?..]));
    let lines = lines.map(|line| line.split("  ").next().unwrap().trim().to_owned());
    lines
        .filter(|line| line.contains(name) || line == "lcw simulate")
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn daily_is_the_export_without_a_file() {
    assert_eq!(
        commands("daily.toml")[0],
        "lcw export /etc/lcw/daily.toml --json >> /var/log/lcw.json 2>> /var/log/lcw.log"
    );
    let desk = Desk::new().await;
    let daily = pipeline("daily.toml");
    let export = || {
        let lcw = desk.lcw("export --json");
        lcw.arg(&daily).run().with(0)
    };
    export();
    let out = desk.folder().join("lcw-data");
    desk.assert_holds(&out, FileFormat::Parquet, &Table::DEFAULT);
    let again = export();
    assert_eq!(again.json()["tables"]["runs"]["rows_new"], 0, "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn backfill_does_what_its_head_says() {
    let lines = commands("backfill.toml");
    assert_eq!(lines.len(), 3, "{lines:?}");
    // The window is counted from this machine's clock.
    let desk = Desk::today().await;
    let workflow = desk.tenant.truth().workflows.remove(0).id;
    let file = pipeline("backfill.toml");
    for line in &lines {
        let line = line.strip_prefix("lcw ").unwrap();
        let words = line.split_whitespace().map(|word| match word {
            "pipelines/backfill.toml" => file.to_str().unwrap(),
            "<id>" => &workflow,
            word => word,
        });
        let lcw = words.fold(desk.with_secret(""), Lcw::arg);
        let lcw = lcw.words(&desk.quickly());
        let is_plan = line.starts_with("plan");
        lcw.run().with(0);
        assert_eq!(desk.folder().join("lcw-data").exists(), !is_plan);
    }
    let daily = desk.lcw("export").arg(pipeline("daily.toml"));
    daily.run().with(0);
    let out = desk.folder().join("lcw-data");
    desk.assert_holds(&out, FileFormat::Parquet, &Table::DEFAULT);
}

#[test]
fn demo_exports_what_simulate_serves() {
    assert_eq!(
        commands("demo.toml"),
        ["lcw simulate", "lcw export pipelines/demo.toml"]
    );
    let text = std::fs::read_to_string(pipeline("demo.toml")).unwrap();
    // The documented port may be somebody's: then the same file with another one.
    let is_free = TcpListener::bind("127.0.0.1:8365").is_ok();
    let tenant = Simulated::start(if is_free { "" } else { "--port 0" });
    let text = text.replace("http://127.0.0.1:8365", tenant.origin());
    std::fs::write(tenant.folder.path().join("demo.toml"), text).unwrap();
    let export = || -> Lcw { tenant.with_secret("export demo.toml --json") };
    let summary = export().run().with(0).json();
    assert_eq!(summary["out"], "lcw-demo");
    assert!(summary["tables"]["user_processing_results"]["rows_new"].as_u64() > Some(1_000));
    let again = export().run().with(0).json();
    assert_eq!(again["tables"]["user_processing_results"]["rows_new"], 0);
}
