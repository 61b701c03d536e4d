//! export, backfill and plan as they are meant to be used.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_pipeline::FileFormat;
use lcw_simulator::{Endpoint, Fault, FaultRule};
use lcw_transform::Table;
use serde_json::Value;

use crate::desk::{Desk, NDJSON, contents, data_files};

const DAY: Duration = Duration::from_hours(24);

/// Names of an object's keys.
fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[track_caller]
fn has_keys(object: &Value, wanted: &[&str]) {
    let missing: Vec<_> = wanted
        .iter()
        .filter(|key| !keys(object).contains(**key))
        .collect();
    assert!(missing.is_empty(), "no {missing:?} in {object:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_holds_the_truth_in_both_formats() {
    for (flags, format) in [("", FileFormat::Parquet), ("--format ndjson", NDJSON)] {
        let desk = Desk::new().await;
        let line = format!("export --out data {flags}");
        let ended = desk.lcw(&line).run().with(0);
        desk.assert_whole(format);
        assert!(ended.stdout.contains(": complete"), "{ended}");
        desk.tenant.advance(DAY);
        desk.lcw(&line).run().with(0);
        desk.assert_whole(format);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_summary_is_one_object_with_every_documented_key() {
    let desk = Desk::new().await;
    let backfill = "backfill --out data --json --from T-30d --to T";
    for line in [
        "export --out data --json",
        "export --out data --json",
        backfill,
    ] {
        let summary = desk.lcw(line).run().with(0).json();
        has_keys(
            &summary,
            &[
                "export_id",
                "status",
                "exit_code",
                "started_at",
                "finished_at",
                "window",
                "tables",
                "requests",
                "runs",
                "proof",
            ],
        );
        assert_eq!(summary["status"], "complete");
        assert_eq!(summary["exit_code"], 0);
        has_keys(&summary["window"], &["from", "to"]);
        let names = Table::DEFAULT.map(Table::name);
        assert_eq!(keys(&summary["tables"]), BTreeSet::from(names));
        for name in names {
            let table = &summary["tables"][name];
            let wanted = [
                "rows_written",
                "rows_new",
                "rows_replaced",
                "rows_total",
                "files",
            ];
            has_keys(table, &wanted);
        }
        has_keys(
            &summary["requests"],
            &["sent", "retried", "throttled", "least"],
        );
        let wanted = [
            "listed",
            "fetched",
            "skipped_settled",
            "skipped_empty",
            "open",
        ];
        has_keys(&summary["runs"], &wanted);
        has_keys(&summary["proof"], &["matched", "short", "over"]);
        for instant in ["started_at", "finished_at"] {
            let text = summary[instant].as_str().unwrap();
            assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_summary_counts_what_happened() {
    let desk = Desk::new().await;
    let first = desk.export().json();
    let truth = desk.tenant.truth();
    let rows = [
        ("workflows", truth.workflows.len()),
        ("runs", truth.runs.len()),
        ("user_processing_results", truth.results.len()),
    ];
    for (table, rows) in rows {
        for key in ["rows_new", "rows_written", "rows_total"] {
            assert_eq!(first["tables"][table][key], rows, "{table} {key}");
        }
    }
    assert_eq!(first["runs"]["listed"], truth.runs.len());
    assert_eq!(
        first["requests"]["sent"],
        desk.tenant.requests().len() - 1,
        "no token"
    );
    let second = desk.export().json();
    for (table, rows) in rows {
        let told = &second["tables"][table];
        assert_eq!(told["rows_total"], rows);
        assert_eq!(told["rows_new"], 0);
    }
    assert!(second["runs"]["skipped_settled"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn runs_alone_come_without_what_they_did_to_users() {
    let desk = Desk::new().await;
    let line = "export --out data --json --table runs";
    let summary = desk.lcw(line).run().with(0).json();
    assert_eq!(
        keys(&summary["tables"]),
        BTreeSet::from(["runs", "workflows"])
    );
    desk.assert_holds(
        &desk.data(),
        FileFormat::Parquet,
        &[Table::Workflows, Table::Runs],
    );
    // Whoever reads the third table finds its columns and no rows.
    let tenant = desk.tenant.tenant_id();
    let table = Table::UserProcessingResults;
    let rows = lcw_tests::facts(&desk.data(), FileFormat::Parquet, tenant, table);
    assert_eq!(rows.len(), 0);
    assert!(desk.data().join(table.name()).is_dir());
    assert_eq!(desk.tenant.count(Endpoint::RunResults), 0);
    // The table can be added at any time.
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_reads_a_window_of_one_workflow() {
    let desk = Desk::new().await;
    let truth = desk.tenant.truth();
    let id = &truth.workflows[0].id;
    let line = "backfill --out data --json --from 2026-11-10 --to 2026-11-14";
    let backfill = desk.lcw(line).arg("--workflow").arg(id);
    let summary = backfill.run().with(0).json();
    assert_eq!(summary["kind"], "backfill");
    assert_eq!(summary["window"]["from"], "2026-11-10T00:00:00Z");
    assert_eq!(summary["window"]["to"], "2026-11-14T00:00:00Z");
    let is_inside = |run: &&lcw_simulator::TrueRun| {
        let scheduled = run.value["scheduledDateTime"].as_str().unwrap();
        run.workflow_id == *id && ("2026-11-10".."2026-11-14").contains(&scheduled)
    };
    let inside = truth.runs.iter().filter(is_inside).count();
    assert!(inside > 0);
    assert_eq!(summary["tables"]["runs"]["rows_total"], inside);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_writes_nothing_and_foretells_the_export() {
    let desk = Desk::new().await;
    let plan = desk
        .lcw("plan export --out data --json")
        .run()
        .with(0)
        .json();
    assert!(desk.contents().is_empty());
    let backfill = "plan backfill --out data --from T-30d --to T";
    let text = desk.lcw(backfill).run().with(0).stdout;
    assert!(text.contains("nothing was written"), "{text}");
    assert!(desk.contents().is_empty());

    let done = desk.export().json();
    assert_eq!(plan["runs"]["fetched"], done["runs"]["fetched"]);
    assert_eq!(plan["runs"]["listed"], done["runs"]["listed"]);
    let partitions = plan["partitions"].as_array().unwrap();
    // Tables that were not asked for hold a file without rows.
    let empty = Table::ALL.len() - Table::DEFAULT.len();
    let files = data_files(&desk.data()).len() - empty;
    assert_eq!(partitions.len(), files);
    assert!(
        partitions
            .iter()
            .all(|partition| partition["exists"] == false)
    );

    desk.tenant.advance(DAY);
    let before = contents(&desk.data());
    let plan = desk
        .lcw("plan export --out data --json")
        .run()
        .with(0)
        .json();
    assert!(contents(&desk.data()) == before);
    let done = desk.export().json();
    assert_eq!(plan["runs"]["fetched"], done["runs"]["fetched"]);
    assert!(plan["runs"]["skipped_settled"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_names_the_tables_without_days_and_counts_what_they_ask_for() {
    const UNDATED: [&str; 4] = [
        "workflows",
        "workflow_versions",
        "tasks",
        "task_definitions",
    ];
    let desk = Desk::new().await;
    let tables = UNDATED.map(|table| format!("--table {table}")).join(" ");
    let plan = |desk: &Desk| {
        let line = format!("plan export --out data --json {tables}");
        desk.lcw(&line).run().with(0).json()
    };
    let of_one_file = |plan: &Value| -> Vec<String> {
        let partitions = plan["partitions"].as_array().unwrap().iter();
        let undated = partitions.filter(|partition| partition["run_date"].is_null());
        undated
            .map(|partition| partition["table"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = plan(&desk);
    assert_eq!(of_one_file(&first), UNDATED);
    let export = format!("export --out data --json {tables}");
    desk.tenant.reset_requests();
    desk.lcw(&export).run().with(0);
    let endpoints = [
        Endpoint::Workflow,
        Endpoint::Versions,
        Endpoint::Version,
        Endpoint::Tasks,
        Endpoint::TaskDefinitions,
    ];
    let sent: u64 = endpoints.map(|kind| desk.tenant.count(kind)).iter().sum();
    // Pages beyond the first are not foreseen.
    let foreseen = first["requests_to_fetch"].as_u64().unwrap();
    assert!(
        (sent / 2..=sent).contains(&foreseen),
        "{foreseen} of {sent}"
    );

    // Nothing is new: what was read is not asked for again.
    let second = plan(&desk);
    assert!(of_one_file(&second).is_empty(), "{second:#}");
    assert_eq!(second["requests_to_fetch"], 0);
    let text = desk.lcw(&format!("plan export --out other {tables}"));
    let text = text.run().with(0).stdout;
    assert!(text.contains("new     workflow_versions\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_with_a_filter_promises_no_rows_and_fits_the_screen() {
    let desk = Desk::new().await;
    let backfill = desk
        .lcw("plan backfill --out data --from T-30d --to T")
        .arg("--filter")
        .arg("processingStatus eq 'failed'");
    let text = backfill.run().with(0).stdout;
    let promised = " user processing results: the filter leaves out some\n";
    assert!(text.contains("rows        at most "), "{text}");
    assert!(text.contains(promised), "{text}");
    let too_wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(too_wide, None, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_be_fetched_is_partial_and_named() {
    let desk = Desk::new().await;
    let rule = FaultRule::new(Fault::Forbidden).on(Endpoint::RunResults);
    desk.tenant.inject(rule);
    let ended = desk.lcw("export --out data --json").run().with(4);
    let summary = ended.json();
    assert_eq!(summary["status"], "partial");
    let missing = &summary["not_covered"][0];
    assert_eq!(missing["table"], "user_processing_results");
    assert_eq!(missing["cause"], "permission");
    let remedy = missing["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("LifecycleWorkflows-Reports.Read.All"),
        "{remedy}"
    );
    assert!(missing["request_id"].is_string());
    desk.tenant.clear_faults();
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}
