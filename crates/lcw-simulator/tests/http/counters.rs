//! Counters of runs, results and task reports against the task results.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_simulator::{Outcomes, Simulator, TenantConfig, TrueResult, Truth};
use serde_json::Value;

pub(crate) fn number(row: &Value, name: &str) -> i64 {
    row[name]
        .as_i64()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

/// Rows, failed ones, and those that were never processed.
fn counted<'a>(rows: impl Iterator<Item = &'a TrueResult>) -> (i64, i64, i64) {
    rows.fold((0, 0, 0), |(all, failed, unprocessed), row| {
        let is = |status: &str| i64::from(row.value["processingStatus"] == status);
        let waited = i64::from(row.value["startedDateTime"].is_null());
        (
            all + 1,
            failed + is("failed"),
            unprocessed + is("canceled") * waited,
        )
    })
}

fn said(row: &Value) -> (i64, i64, i64) {
    (
        number(row, "totalTasksCount"),
        number(row, "failedTasksCount"),
        number(row, "totalUnprocessedTasksCount"),
    )
}

fn assert_consistent(truth: &Truth, now: jiff::Timestamp) {
    let mut settled = 0;
    for run in &truth.runs {
        let updated: jiff::Timestamp = run.value["lastUpdatedDateTime"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let is_over = !run.value["completedDateTime"].is_null();
        if !is_over || now.duration_since(updated) < jiff::SignedDuration::from_mins(6) {
            continue;
        }
        settled += 1;
        let rows = truth.task_results.iter().filter(|row| row.run_id == run.id);
        assert_eq!(counted(rows), said(&run.value), "{}", run.value);
        for result in truth.results_of(&run.id) {
            let subject = &result.value["subject"];
            let own = truth.task_results.iter().filter(|row| row.run_id == run.id);
            let own = own.filter(|row| row.value["subject"] == *subject);
            assert_eq!(counted(own), said(&result.value), "{}", result.value);
        }
        for report in truth.task_reports.iter().filter(|row| row.run_id == run.id) {
            let task = &report.value["task"]["id"];
            let own = truth.task_results.iter().filter(|row| row.run_id == run.id);
            let (all, failed, unprocessed) =
                counted(own.filter(|row| row.value["task"]["id"] == *task));
            assert_eq!(number(&report.value, "totalUsersCount"), all);
            assert_eq!(number(&report.value, "failedUsersCount"), failed);
            assert_eq!(number(&report.value, "unprocessedUsersCount"), unprocessed);
            let successful = all - failed - unprocessed;
            assert_eq!(number(&report.value, "successfulUsersCount"), successful);
        }
    }
    assert!(settled > 60, "{settled}");
}

#[tokio::test(start_paused = true)]
async fn counters_of_settled_runs_agree_with_their_task_results_for_many_seeds() {
    for seed in 0..8 {
        let mut config = TenantConfig::small(seed);
        // A null subject could not be told from another one.
        config.deleted_people = 0.0;
        config.workflows[1].tasks = 5;
        config.workflows[2].tasks = 1;
        let simulator = Simulator::start(config).await.unwrap();
        for hours in [0, 31] {
            simulator.advance(Duration::from_hours(hours));
            assert_consistent(&simulator.truth(), simulator.now());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_are_in_order_and_failures_say_why() {
    let mut config = TenantConfig::small(4);
    config.workflows[0].tasks = 4;
    config.outcomes = Outcomes {
        with_errors: 0.3,
        failed: 0.3,
        canceled: 0.1,
        ..Outcomes::GOOD
    };
    let simulator = Simulator::start(config).await.unwrap();
    let truth = simulator.truth();
    let mut reasons = BTreeSet::new();
    for row in &truth.task_results {
        let instant = |name: &str| {
            row.value[name]
                .as_str()
                .map(|text| text.parse::<jiff::Timestamp>().unwrap())
        };
        let created = instant("createdDateTime").expect("never null");
        let (started, completed) = (instant("startedDateTime"), instant("completedDateTime"));
        assert!(started.is_none_or(|started| started >= created), "{row:?}");
        assert!(
            completed.is_none_or(|completed| Some(completed) >= started),
            "{row:?}"
        );
        let reason = row.value["failureReason"].as_str();
        assert_eq!(reason.is_some(), row.value["processingStatus"] == "failed");
        reasons.extend(reason.map(str::to_owned));
        assert!(row.value["task"]["taskDefinitionId"].is_string());
    }
    assert!(reasons.iter().any(|reason| reason.contains('"')));
    assert!(reasons.iter().any(|reason| reason.contains('\n')));
    assert!(reasons.iter().any(|reason| !reason.is_ascii()));
    let infos: Vec<_> = truth
        .task_results
        .iter()
        .map(|row| row.value.get("processingInfo"))
        .collect();
    assert!(infos.contains(&None), "the property came late");
    assert!(infos.contains(&Some(&Value::Null)));
    assert!(infos.iter().flatten().any(|info| info.is_string()));
}
