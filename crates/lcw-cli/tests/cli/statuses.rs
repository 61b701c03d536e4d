//! `lcw status`: what the dataset holds beside what the service counts.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, RunPlan, Simulator, TenantConfig};
use lcw_tests::{compact, single};
use serde_json::{Value, json};

use crate::desk::Desk;

/// A name that would clear a terminal, forge a line of the matrix and turn the direction of writing.
const HOSTILE: &str = "\u{1b}[2Jlure\r\n    2026-01-01  forged\u{202e}\u{9b}31m\u{7}";

fn status(desk: &Desk) -> (Value, String) {
    let found = desk.bare("status --out data --json").run().with(0).json();
    let text = desk.bare("status --out data").run().with(0).stdout;
    (found["tenants"][0].clone(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_workflow_and_day_has_a_line_of_its_counts() {
    let desk = Desk::new().await;
    desk.export();
    let (tenant, text) = status(&desk);
    let truth = desk.tenant.truth();
    let rows = tenant["matrix"].as_array().unwrap();
    let sum = |cell: &str, key: &str| -> i64 {
        let values = rows.iter().map(|row| row[cell][key].as_i64().unwrap());
        values.sum()
    };
    let runs: u64 = rows.iter().map(|row| row["runs"].as_u64().unwrap()).sum();
    assert_eq!(runs, truth.runs.len() as u64);
    let held = |rows: usize| i64::try_from(rows).unwrap();
    assert_eq!(sum("users", "held"), held(truth.results.len()));
    assert_eq!(sum("tasks", "held"), held(truth.task_results.len()));
    for row in rows {
        let day = row["run_date"].as_str().unwrap();
        let of_row = |run: &&lcw_simulator::TrueRun| {
            row["workflow_id"] == *run.workflow_id
                && run.value["scheduledDateTime"]
                    .as_str()
                    .unwrap()
                    .starts_with(day)
        };
        assert_eq!(
            row["runs"],
            truth.runs.iter().filter(of_row).count(),
            "{row}"
        );
        if row["verdict"] == "matched" {
            assert_eq!(row["users"]["counted"], row["users"]["held"], "{row}");
            assert_eq!(row["tasks"]["counted"], row["tasks"]["held"], "{row}");
        }
        assert!(text.contains(day), "{day}: {text}");
    }
    assert!(
        rows.iter().any(|row| row["verdict"] == "matched"),
        "{rows:#?}"
    );
    for part in ["verdict", "matched", "last good export: ", "days"] {
        assert!(text.contains(part), "no {part:?}: {text}");
    }
    assert_eq!(tenant["retention"]["days_lost"], json!([]));
    assert!(tenant["retention"]["last_good_export"].is_string());
    let too_wide = text.lines().skip(1).find(|line| line.chars().count() > 80);
    assert_eq!(too_wide, None, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_short_run_is_a_short_line() {
    let desk = Desk::with(Simulator::start(single(2)).await.unwrap());
    let workflow = desk.tenant.workflow_ids().remove(0);
    let scheduled = desk.tenant.now() - Duration::from_hours(2);
    let run = desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 5));
    desk.tenant.report_users(&run, Some(7));
    desk.lcw("export --out data").run().with(5);
    let (tenant, text) = status(&desk);
    let row = &tenant["matrix"][0];
    assert_eq!(row["users"], json!({ "counted": 7, "held": 5 }));
    assert_eq!(
        (&row["verdict"], &row["short"]),
        (&json!("short"), &json!(1))
    );
    let line = text.lines().find(|line| line.ends_with("short")).unwrap();
    assert!(line.contains(" 5/7 "), "{text}");

    // An export that is unproven is not a complete one, until somebody says that it is.
    assert_eq!(tenant["last_export"]["status"], "done");
    assert_eq!(tenant["last_complete_export"], Value::Null);
    let acknowledge = format!("acknowledge --out data --reason known --workflow {workflow}");
    desk.bare(&acknowledge).run().with(0);
    let (tenant, _) = status(&desk);
    assert_eq!(tenant["last_complete_export"], tenant["last_export"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_that_has_not_settled_is_open_whatever_it_counts() {
    let desk = Desk::with(Simulator::start(single(2)).await.unwrap());
    let workflow = desk.tenant.workflow_ids().remove(0);
    let scheduled = desk.tenant.now() - Duration::from_mins(12);
    let run = desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 5));
    desk.tenant.report_users(&run, Some(7));
    desk.export();
    let (tenant, _) = status(&desk);
    let row = &tenant["matrix"][0];
    assert_eq!(
        (&row["verdict"], &row["undecided"]),
        (&json!("open"), &json!(1))
    );
    assert_eq!(tenant["runs"]["unsettled"], 1, "{}", tenant["runs"]);
    assert_eq!(tenant["runs"]["short"], 0);
    assert_eq!(tenant["short_runs"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_oldest_run_that_the_service_has_stays_known() {
    for format in ["parquet", "ndjson"] {
        let desk = Desk::new().await;
        let line = format!("export --out data --format {format} --json");
        let export = desk.lcw(&line).run().with(0).json();
        let (tenant, _) = status(&desk);
        let oldest = &export["retention"]["oldest_run_served"];
        assert!(oldest.is_string());
        assert_eq!(tenant["retention"]["oldest_run_served"], *oldest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn task_reports_have_numbers_where_they_are_exported() {
    let desk = Desk::new().await;
    desk.export();
    let (tenant, _) = status(&desk);
    let rows = tenant["matrix"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["task_reports"].is_null()));
    let line = "export --out data --table task_reports --table task_processing_results";
    desk.lcw(line).run().with(0);
    let (tenant, _) = status(&desk);
    let rows = tenant["matrix"].as_array().unwrap();
    // While a run is under way its reports count nothing.
    let is_decided = |row: &&Value| row["verdict"] == "matched" && row["task_reports"].is_object();
    let decided: Vec<&Value> = rows.iter().filter(is_decided).collect();
    assert!(!decided.is_empty(), "{rows:#?}");
    for row in decided {
        let reports = &row["task_reports"];
        assert_eq!(reports["counted"], reports["held"], "{row}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn names_of_others_do_not_reach_the_terminal_raw() {
    let mut config: TenantConfig = compact(1);
    config.now = jiff::Timestamp::now();
    HOSTILE.clone_into(&mut config.workflows[0].display_name);
    let desk = Desk::of(config).await;
    let export = desk.lcw("export --out data").run().with(0).stdout;
    // An open run makes every workflow of its day show up by name.
    let workflow = desk.tenant.workflow_ids().remove(0);
    let days = desk.tenant.truth().runs;
    let last = days.iter().rfind(|run| run.workflow_id == workflow);
    assert!(last.is_some());
    desk.tenant.report_users(&last.unwrap().id, Some(9_999));
    let backfill = desk.lcw("backfill --out data --from T-30d --to T").run();
    let status = desk.bare("status --out data").run().with(0).stdout;
    assert!(status.contains("lure"), "{status}");
    for text in [export, backfill.stdout, status] {
        let raw = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
        assert!(!text.contains(raw), "{text:?}");
        let forged = text
            .lines()
            .any(|line| line.trim_start().starts_with("2026-01-01"));
        assert!(!forged, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_not_covered_is_told_until_it_is() {
    let desk = Desk::new().await;
    let rule = FaultRule::new(Fault::Forbidden).on(Endpoint::TaskResults);
    desk.tenant.inject(rule);
    let report = desk.lcw("export --out data").run().with(4).stdout;
    let (tenant, text) = status(&desk);
    let missing = &tenant["not_covered"][0];
    assert_eq!(missing["table"], "task_processing_results");
    assert_eq!(missing["cause"], "permission");
    assert_eq!(tenant["last_export"]["status"], "partial");
    assert_eq!(tenant["last_complete_export"], Value::Null);
    assert!(tenant["retention"]["last_good_export"].is_string());
    // What was refused is counted, and proves nothing.
    let rows = tenant["matrix"].as_array().unwrap();
    let counted: i64 = rows
        .iter()
        .map(|row| row["tasks"]["counted"].as_i64().unwrap())
        .sum();
    assert!(counted > 0, "{rows:#?}");
    for row in rows {
        let has_tasks = row["tasks"]["counted"] != 0;
        assert!(!has_tasks || row["verdict"] != "matched", "{row}");
        assert_eq!(row["tasks"]["held"], 0, "{row}");
    }
    for text in [report, text] {
        for part in [
            "not covered: ",
            "403",
            "LifecycleWorkflows-Reports.Read.All",
        ] {
            assert!(text.contains(part), "no {part:?}: {text}");
        }
        // Alike for every workflow: told once.
        assert_eq!(text.matches("not covered: ").count(), 1, "{text}");
    }
    desk.tenant.clear_faults();
    desk.export();
    let (tenant, text) = status(&desk);
    assert_eq!(tenant["not_covered"], json!([]), "{text}");
    assert_eq!(tenant["last_complete_export"], tenant["last_export"]);
    assert!(!text.contains("not covered"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn days_that_were_lost_are_told_once() {
    let desk = Desk::new().await;
    desk.export();
    desk.tenant.advance(Duration::from_hours(33 * 24));
    let report = desk.lcw("export --out data").run().with(5).stdout;
    let (tenant, text) = status(&desk);
    let lost = tenant["lost_days"].as_array().unwrap();
    assert!(lost.len() > 2, "{tenant:#}");
    for text in [&report, &text] {
        assert_eq!(text.matches("lost for good").count(), 1, "{text}");
        assert!(!text.contains("not covered: runs of"), "{text}");
    }
    // The export that finds days at risk has read them.
    assert!(report.contains("were at risk of being lost"), "{report}");
    assert!(!text.contains("at risk"), "{text}");
}
