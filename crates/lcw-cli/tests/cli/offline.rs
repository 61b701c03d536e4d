//! status, schema and demo.

use std::path::Path;

use lcw_pipeline::FileFormat;
use lcw_tests::facts;
use lcw_transform::Table;
use serde_json::Value;

use crate::desk::{Desk, NDJSON, contents};
use crate::program::Lcw;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn status_says_what_the_dataset_holds() {
    let desk = Desk::new().await;
    desk.export();
    let before = contents(&desk.data());
    let status = desk.bare("status --out data --json").run().with(0).json();
    assert!(contents(&desk.data()) == before);
    assert_eq!(status["format"], "parquet");
    let tenant = &status["tenants"][0];
    assert_eq!(tenant["tenant_id"], desk.tenant.tenant_id());
    let truth = desk.tenant.truth();
    for (table, rows) in [
        ("workflows", truth.workflows.len()),
        ("runs", truth.runs.len()),
        ("user_processing_results", truth.results.len()),
    ] {
        assert_eq!(tenant["tables"][table]["rows"], rows, "{table}");
    }
    assert_eq!(tenant["runs"]["total"], truth.runs.len());
    assert_eq!(tenant["runs"]["short"], 0);
    assert_eq!(tenant["last_complete_export"]["status"], "done");

    let text = desk.bare("status --out data").run().with(0).stdout;
    for part in [
        desk.tenant.tenant_id(),
        "user_processing_results",
        "last complete export",
    ] {
        assert!(text.contains(part), "{text}");
    }
    desk.write("p.toml", "[load]\nout = \"data\"\n");
    assert_eq!(desk.bare("status p.toml").run().with(0).stdout, text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn status_of_no_dataset_is_a_matter_of_usage() {
    let desk = Desk::new().await;
    std::fs::create_dir(desk.folder().join("empty")).unwrap();
    for out in ["nowhere", "empty"] {
        let ended = desk.bare(&format!("status --out {out}")).run().with(2);
        ended.says(&[
            &format!("there is no dataset in {out}"),
            "lcw export",
            "--out",
        ]);
        assert_eq!(ended.stdout, "");
    }
    let names: Vec<_> = desk.contents().into_keys().collect();
    assert_eq!(names, [Path::new("empty")]);
}

#[test]
fn schema_shows_the_published_contract() {
    let folder = tempfile::tempdir().unwrap();
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for table in Table::ALL {
        let line = format!("schema {} --json", table.name());
        let shown = Lcw::new(folder.path(), &line).run().with(0).json();
        let file = published.join(format!("{}.json", table.name()));
        let published: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(shown, published);
        let text = Lcw::new(folder.path(), &format!("schema {}", table.name()));
        let text = text.run().with(0).stdout;
        for column in table.columns(false) {
            assert!(text.contains(column.name), "{}: {text}", column.name);
        }
        assert!(text.contains("tenant_id"), "{text}");
        let too_long = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(too_long, None);
    }
    let all = Lcw::new(folder.path(), "schema --json")
        .run()
        .with(0)
        .json();
    assert_eq!(all.as_array().unwrap().len(), Table::ALL.len());
}

#[test]
fn the_demo_exports_a_tenant_and_says_what_to_ask() {
    for (flags, format, scan) in [
        ("", FileFormat::Parquet, "read_parquet('lcw-demo/"),
        ("--format ndjson", NDJSON, "read_json('lcw-demo/"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let demo = || Lcw::new(folder.path(), &format!("demo {flags}"));
        let text = demo().run().with(0).stdout;
        let out = folder.path().join("lcw-demo");
        let tenants = std::fs::read_dir(out.join("runs")).unwrap();
        let names: Vec<_> = tenants.map(|tenant| tenant.unwrap().file_name()).collect();
        let tenant = names[0]
            .to_str()
            .unwrap()
            .strip_prefix("tenant_id=")
            .unwrap();
        for table in Table::DEFAULT {
            let rows = facts(&out, format, tenant, table).len();
            let held = format!("  {:<24} {rows:>6} rows", table.name());
            assert!(text.contains(&held), "{held}: {text}");
        }
        assert!(
            text.contains(scan) && text.contains("lcw status --out"),
            "{text}"
        );
        let again = demo().words("--json").run().with(0).json();
        assert_eq!(again["tables"]["user_processing_results"]["files"], 0);
        assert_eq!(again["runs"]["fetched"], again["runs"]["open"]);
        assert_ne!(again["runs"]["open"], 0);
    }
}
