//! Who else is told how an export went: Prometheus by a file, a catalogue by `OpenLineage`.

use std::collections::BTreeMap;

use lcw_simulator::{Fault, FaultRule};
use lcw_tests::impostor::{Impostor, answer};
use lcw_transform::{Table, published_schema};
use serde_json::Value;

use crate::desk::Desk;

const SUCCESS: &str = "lcw_export_last_success_timestamp_seconds";
const CODE: &str = "lcw_export_exit_code";

/// The numbers of a metrics file, by name and labels.
fn metrics(desk: &Desk) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(desk.folder().join("lcw.prom")).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let number = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    samples.map(number).collect()
}

fn of(name: &str, kind: &str, further: &str) -> String {
    format!("{name}{{dataset=\"data\",kind=\"{kind}\"{further}}}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_metrics_file_says_what_the_summary_says() {
    let desk = Desk::new().await;
    let line = "export --out data --json --metrics-file lcw.prom";
    let summary = desk.lcw(line).run().with(0).json();
    let metrics = metrics(&desk);
    let export = |name: &str, further: &str| metrics[&of(name, "export", further)];
    assert!(export(CODE, "").abs() < 0.5);
    let counted = |pointer: &str| summary.pointer(pointer).unwrap().as_f64().unwrap();
    for (name, further, pointer) in [
        ("lcw_export_requests", "", "/requests/sent"),
        ("lcw_export_requests_throttled", "", "/requests/throttled"),
        ("lcw_export_runs", ",state=\"listed\"", "/runs/listed"),
        ("lcw_export_runs", ",state=\"open\"", "/runs/open"),
    ] {
        let difference = export(name, further) - counted(pointer);
        assert!(difference.abs() < 0.5, "{name}");
    }
    for (table, counts) in summary["tables"].as_object().unwrap() {
        let rows = export("lcw_table_rows", &format!(",table=\"{table}\""));
        let difference = rows - counts["rows_total"].as_f64().unwrap();
        assert!(difference.abs() < 0.5, "{table}");
    }
    let finished = export("lcw_export_last_finish_timestamp_seconds", "");
    assert!((export(SUCCESS, "") - finished).abs() < 0.001);
    let covered = export("lcw_retention_covered_timestamp_seconds", "");
    let loses = export("lcw_retention_loss_timestamp_seconds", "");
    assert!((loses - covered - 30.0 * 86_400.0).abs() < 0.001);
    let tenant = desk.tenant.tenant_id();
    let version = env!("CARGO_PKG_VERSION");
    export(
        "lcw_export_info",
        &format!(",tenant_id=\"{tenant}\",version=\"{version}\""),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_last_success_outlives_a_failure_of_any_kind() {
    let desk = Desk::new().await;
    desk.write(
        "p.toml",
        "[load]\nout = \"data\"\n[report]\nmetrics_file = \"lcw.prom\"\n",
    );
    desk.lcw("export p.toml").run().with(0);
    let success = metrics(&desk)[&of(SUCCESS, "export", "")];
    let loses = metrics(&desk)[&of("lcw_retention_loss_timestamp_seconds", "export", "")];

    // Without credentials there is no summary.
    desk.bare("export p.toml").words(&desk.urls()).run().with(3);
    let after = metrics(&desk);
    assert!((after[&of(CODE, "export", "")] - 3.0).abs() < 0.5);
    assert!((after[&of(SUCCESS, "export", "")] - success).abs() < 0.001);

    desk.tenant.inject(FaultRule::new(Fault::status(403)));
    desk.lcw("export p.toml").run().with(3);
    let after = metrics(&desk);
    assert!((after[&of(SUCCESS, "export", "")] - success).abs() < 0.001);
    let still = after[&of("lcw_retention_loss_timestamp_seconds", "export", "")];
    assert!((still - loses).abs() < 0.001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_leaves_what_is_known_of_exports() {
    let desk = Desk::new().await;
    desk.lcw("export --out data --metrics-file lcw.prom")
        .run()
        .with(0);
    let before = metrics(&desk);
    let line = "backfill --out data --metrics-file lcw.prom --from T-3d --to T";
    let code = desk.lcw(line).run().code.unwrap();
    let after = metrics(&desk);
    assert!((after[&of(CODE, "backfill", "")] - f64::from(code)).abs() < 0.5);
    let exports = |all: &BTreeMap<String, f64>| -> Vec<(String, String)> {
        let of_export = all
            .iter()
            .filter(|(name, _)| name.contains("kind=\"export\""));
        of_export
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect()
    };
    assert_eq!(exports(&after), exports(&before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_that_finds_another_one_leaves_the_metrics_to_it() {
    let desk = Desk::new().await;
    desk.export();
    let lock = std::fs::File::open(desk.data().join("_lock")).unwrap();
    lock.lock().unwrap();
    desk.lcw("export --out data --metrics-file lcw.prom")
        .run()
        .with(75);
    assert!(!desk.folder().join("lcw.prom").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn metrics_that_cannot_be_written_are_a_warning() {
    let desk = Desk::new().await;
    let ended = desk
        .lcw("export --out data --metrics-file nowhere/lcw.prom")
        .run()
        .with(0);
    ended.says(&[
        "WARN",
        "nowhere/lcw.prom",
        "nobody is told how this export ended",
    ]);
    assert!(!desk.folder().join("nowhere").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn metrics_have_no_place_inside_the_dataset() {
    let desk = Desk::new().await;
    let ended = desk
        .lcw("export --out data --metrics-file data/lcw.prom")
        .run()
        .with(2);
    ended.says(&["data/lcw.prom", "inside the dataset", "--metrics-file"]);
    assert!(desk.contents().is_empty());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_users_can_read_the_metrics_and_no_part_is_left_beside_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new().await;
    std::fs::create_dir(desk.folder().join("metrics")).unwrap();
    desk.lcw("export --out data --metrics-file metrics/lcw.prom")
        .run()
        .with(0);
    let file = desk.folder().join("metrics/lcw.prom");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o044, 0o044, "{mode:o}");
    assert_eq!(
        std::fs::read_dir(desk.folder().join("metrics"))
            .unwrap()
            .count(),
        1
    );
}

/// The events that a catalogue was sent, in order.
fn events(catalogue: &Impostor) -> Vec<Value> {
    let heard = catalogue.heard();
    let bodies = heard.iter().map(|heard| serde_json::from_str(&heard.body));
    bodies.collect::<Result<_, _>>().unwrap()
}

async fn catalogue(status: u16) -> Impostor {
    Impostor::start(move |_, _| answer(status, &[], "{}")).await
}

/// What the standard requires of a run event and of every facet.
fn assert_is_an_event(event: &Value) {
    let text = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    for pointer in [
        "/eventType",
        "/producer",
        "/run/runId",
        "/job/namespace",
        "/job/name",
    ] {
        assert!(
            text(pointer).is_some_and(|text| !text.is_empty()),
            "{pointer}: {event}"
        );
    }
    let time = text("/eventTime").unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    let schema = text("/schemaURL").unwrap();
    assert!(
        schema.starts_with("https://openlineage.io/spec/2-"),
        "{schema}"
    );
    let datasets = ["inputs", "outputs"].map(|side| event[side].as_array().unwrap());
    let datasets: Vec<&Value> = datasets.into_iter().flatten().collect();
    for dataset in &datasets {
        assert!(
            dataset["namespace"].is_string() && dataset["name"].is_string(),
            "{dataset}"
        );
    }
    let owners = datasets.into_iter().chain([&event["run"], &event["job"]]);
    for facets in owners.flat_map(|owner| [&owner["facets"], &owner["outputFacets"]]) {
        for facet in facets
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::values)
        {
            for key in ["_producer", "_schemaURL"] {
                assert!(facet[key].is_string(), "{facet}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_catalogue_is_told_of_the_start_and_of_the_end() {
    let (desk, catalogue) = (Desk::new().await, catalogue(201).await);
    let parent = "0190b4f6-7f4b-7b7c-9b8e-0123456789ab";
    let export = desk.lcw("export --out data --json");
    let export = export.env("OPENLINEAGE_URL", catalogue.origin());
    let export = export.env("OPENLINEAGE_API_KEY", "canary-key");
    let export = export.env("OPENLINEAGE_NAMESPACE", "entra");
    let export = export.env("OPENLINEAGE_PARENT_ID", format!("prod/dag.task/{parent}"));
    let ended = export.run().with(0);
    let summary = ended.json();
    assert!(!format!("{ended}").contains("canary-key"));
    for heard in catalogue.heard() {
        assert!(
            heard.head.starts_with("POST /api/v1/lineage "),
            "{}",
            heard.head
        );
        assert_eq!(heard.header("authorization"), Some("Bearer canary-key"));
        assert_eq!(heard.header("content-type"), Some("application/json"));
    }
    let events = events(&catalogue);
    for event in &events {
        assert_is_an_event(event);
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["START", "COMPLETE"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    assert_eq!(events[0]["job"]["namespace"], "entra");
    assert_eq!(events[1]["run"]["facets"]["parent"]["run"]["runId"], parent);
    assert_eq!(
        events[1]["run"]["facets"]["lcw_export"]["exportId"],
        summary["export_id"]
    );
    let data = std::fs::canonicalize(desk.data()).unwrap();
    let outputs = events[1]["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), Table::DEFAULT.len());
    for (output, table) in outputs.iter().zip(Table::DEFAULT) {
        assert_eq!(output["namespace"], "file");
        assert_eq!(output["name"], data.join(table.name()).to_str().unwrap());
        let fields = output["facets"]["schema"]["fields"].as_array().unwrap();
        let published = published_schema(table, false);
        assert_eq!(
            fields.len(),
            published.columns.len() + published.partition_columns.len()
        );
        let rows = &output["outputFacets"]["outputStatistics"]["rowCount"];
        assert_eq!(
            *rows,
            summary["tables"][table.name()]["rows_written"],
            "{}",
            table.name()
        );
        assert_ne!(*rows, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_catalogue_is_told_of_a_failure_and_why() {
    let (desk, catalogue) = (Desk::new().await, catalogue(200).await);
    desk.write(
        "p.toml",
        format!(
            "[load]\nout = \"data\"\n[report]\nopenlineage_url = \"{}\"\n",
            catalogue.origin()
        ),
    );
    desk.bare("export p.toml").words(&desk.urls()).run().with(3);
    desk.tenant.inject(FaultRule::new(Fault::status(403)));
    let failed = desk.lcw("export p.toml --json").run().with(3).json();
    let events = events(&catalogue);
    for event in &events {
        assert_is_an_event(event);
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["START", "FAIL", "START", "FAIL"]);
    let message = &events[3]["run"]["facets"]["errorMessage"]["message"];
    assert_eq!(*message, failed["error"]["message"]);
    assert!(events[1]["run"]["facets"]["errorMessage"]["message"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_catalogue_that_does_not_listen_is_warned_of_once_and_changes_nothing() {
    let desk = Desk::new().await;
    let refusing = catalogue(401).await;
    for (url, said) in [
        (refusing.origin(), "the answer was 401"),
        ("http://127.0.0.1:9", "no answer"),
        (
            "http://marquez.example:5000",
            "plain http is for loopback only",
        ),
        (
            "https://user:canary@marquez.example",
            "user name or password",
        ),
    ] {
        let export = desk.lcw("export --out data").env("OPENLINEAGE_URL", url);
        let ended = export.run().with(0);
        ended.says(&[said, "changes nothing else"]);
        assert_eq!(ended.stderr.matches("WARN").count(), 1, "{ended}");
        assert!(!ended.stderr.contains("canary"), "{ended}");
    }
    let off = desk
        .lcw("export --out data")
        .env("OPENLINEAGE_URL", "http://127.0.0.1:9");
    let off = off.env("OPENLINEAGE_DISABLED", "true").run().with(0);
    assert_eq!(off.stderr.matches("WARN").count(), 0, "{off}");
}
