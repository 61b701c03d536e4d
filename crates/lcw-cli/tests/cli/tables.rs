//! Every table by its name: exported, planned, refused.

use lcw_pipeline::FileFormat;
use lcw_simulator::{ChangedType, Endpoint, Reading, ReprocessedRuns};
use lcw_tests::{assert_same, compact, expected, facts};
use lcw_transform::Table;
use serde_json::{Value, json};

use crate::desk::{Desk, NDJSON};

/// A tenant of which every table can be read, and holds something.
async fn desk() -> Desk {
    desk_with(0.1).await
}

/// The same with so many subjects that are not users, who are counted with them.
async fn desk_with(non_users: f64) -> Desk {
    let mut config = compact(1);
    config.outcomes.non_users = non_users;
    config.reprocessed_runs = ReprocessedRuns::Readable;
    Desk::of(config).await
}

/// Every table, as flags.
pub(crate) fn every_table() -> String {
    let flags = Table::ALL.map(|table| format!("--table {}", table.name()));
    format!("--api-version beta {}", flags.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn all_of_them_hold_the_truth_in_both_formats() {
    for (name, format) in [("parquet", FileFormat::Parquet), ("ndjson", NDJSON)] {
        let desk = desk().await;
        let line = format!("export --out data --format {name} {}", every_table());
        let text = desk.lcw(&line).run().with(0).stdout;
        let reading = Reading {
            beta: true,
            ..Reading::default()
        };
        let truth = desk.tenant.truth_as(&reading);
        for table in Table::ALL {
            let found = facts(&desk.data(), format, desk.tenant.tenant_id(), table);
            assert!(!found.is_empty(), "{}", table.name());
            assert_same(table.name(), &found, &expected(&truth, table));
            let line = text
                .lines()
                .find(|line| line.split_whitespace().next() == Some(table.name()));
            let line = line.unwrap_or_else(|| panic!("{}: {text}", table.name()));
            let rows = line.split_whitespace().nth(1);
            assert_eq!(rows, Some(&*found.len().to_string()), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_is_exported_by_its_name_alone_by_flag_and_by_key() {
    for table in Table::ALL {
        let is_of_subjects = table == Table::SubjectProcessingResults;
        let desk = desk_with(if is_of_subjects { 0.1 } else { 0.0 }).await;
        let name = table.name();
        let version = if is_of_subjects { "beta" } else { "v1.0" };
        desk.write(
            "p.toml",
            format!("[source]\napi_version = \"{version}\"\n[extract]\ntables = [\"{name}\"]\n"),
        );
        let by_flag = format!("export --out {name}-flag --table {name} --api-version {version}");
        let by_key = format!("export p.toml --out {name}-key");
        for line in [by_flag, by_key] {
            let summary = desk.lcw(&line).words("--json").run().with(0).json();
            let told = summary["tables"].as_object().unwrap();
            let mut wanted = vec!["runs", "workflows", name];
            wanted.sort_unstable();
            wanted.dedup();
            let told: Vec<&str> = told.keys().map(String::as_str).collect();
            assert_eq!(told, wanted, "{line}");
            assert!(
                summary["tables"][name]["rows_total"].as_u64() > Some(0),
                "{line}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_counts_what_is_read_of_tasks_and_task_reports() {
    let desk = desk().await;
    let rows = |line: &str| {
        let plan = desk.lcw(line).words("--json").run().with(0).json();
        let fetch = plan["requests_to_fetch"].as_u64().unwrap();
        (plan["rows_by_table"].clone(), fetch)
    };
    let (default, by_default) = rows("plan export --out data");
    let tables = default.as_object().unwrap();
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["task_processing_results", "user_processing_results"]
    );
    assert!(
        tables.values().all(|rows| rows.as_u64() > Some(0)),
        "{default}"
    );
    let runs_alone = rows("plan export --out data --table runs");
    // The details of each workflow come with every export.
    let details = desk.tenant.truth().workflows.len() as u64;
    assert_eq!(runs_alone, (json!({}), details));
    let users = rows("plan export --out data --table user_processing_results");
    let tasks = rows("plan export --out data --table task_processing_results");
    assert_eq!(by_default, users.1 + tasks.1 - details);
    assert_eq!(
        users.0["user_processing_results"],
        default["user_processing_results"]
    );
    assert_eq!(
        tasks.0["task_processing_results"],
        default["task_processing_results"]
    );
    // One chain of requests for each workflow with a run.
    let (_, reports) = rows("plan export --out data --table task_reports");
    let truth = desk.tenant.truth();
    let with_runs = truth.runs.iter().map(|run| &run.workflow_id);
    let with_runs: std::collections::BTreeSet<_> = with_runs.collect();
    assert_eq!(reports, with_runs.len() as u64 + details);
    let text = desk.lcw("plan export --out data").run().with(0).stdout;
    for name in ["task_processing_results", "user_processing_results"] {
        let words = format!(
            "{} {}, as the service counts",
            default[name],
            name.replace('_', " ")
        );
        assert!(text.contains(&words), "no {words:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_in_beta_only_is_refused_without_it() {
    let desk = desk().await;
    desk.write(
        "p.toml",
        "[extract]\ntables = [\"subject_processing_results\"]\n",
    );
    for line in [
        "export --table subject_processing_results",
        "export p.toml",
        "export p.toml --api-version v1.0",
        "plan export p.toml",
        "backfill p.toml --from T-7d --to T",
        "doctor p.toml",
    ] {
        let ended = desk.lcw(line).run().with(2);
        ended.says(&["subject_processing_results", "beta", "--api-version beta"]);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended}");
        assert_eq!(ended.stdout, "", "{ended}");
    }
    assert!(desk.tenant.requests().is_empty(), "nothing is sent");
    assert_eq!(desk.contents().len(), 1, "nothing is written");
    // A flag wins over the file either way.
    desk.lcw("plan export p.toml --api-version beta")
        .run()
        .with(0);
    desk.lcw("plan export p.toml --table runs").run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn on_drift_decides_about_rows_that_do_not_fit() {
    let mut config = compact(1);
    config.answers.changed_type = Some(ChangedType {
        endpoint: Endpoint::RunResults,
        property: "failedTasksCount".to_owned(),
        json: "\"none\"".to_owned(),
    });
    let desk = Desk::of(config).await;
    let ended = desk.lcw("export --out fail --json").run().with(1);
    ended.says(&["user_processing_results", "failedTasksCount"]);
    desk.write("p.toml", "[extract]\non_drift = \"quarantine\"\n");
    for line in [
        "export --out flag --on-drift quarantine",
        "export p.toml --out key",
    ] {
        let summary = desk.lcw(line).words("--json").run().with(4).json();
        let rows = summary["quarantined"]["user_processing_results"].as_u64();
        assert!(rows > Some(0), "{summary:#}");
        let is_it = |missing: &&Value| missing["cause"] == "quarantine";
        let missing = summary["not_covered"].as_array().unwrap();
        assert!(missing.iter().any(|entry| is_it(&entry)), "{summary:#}");
    }
    let text = desk.lcw("export p.toml --out text").run().with(4).stdout;
    assert!(
        text.contains("of user_processing_results, in _quarantine"),
        "{text}"
    );
    let flag_wins = desk.lcw("export p.toml --out wins --on-drift fail");
    flag_wins.run().with(1);
    let ended = desk.lcw("export --on-drift ignore").run().with(2);
    ended.says(&["--on-drift", "ignore", "fail", "quarantine"]);
}
