//! Leavers in `lcw report`: each of them has an outcome, and none is assumed.

use std::collections::BTreeMap;

use lcw_simulator::{
    Category, ProcessingStatus, Reprocessed, ResultChange, RunChange, RunPlan, TaskChange,
    TenantConfig, WorkflowConfig,
};
use serde_json::Value;

use crate::desk::Desk;
use crate::reporting::{DISABLING, ago, one_leaver_run, report};

/// The outcome of each leaver, by the subject's id.
fn outcomes(report: &Value) -> BTreeMap<String, String> {
    let cases = report["leavers"]["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases
        .map(|case| (text(&case["subject_id"]), text(&case["outcome"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn leavers_of_a_population_are_each_accounted_for() {
    let (desk, ids) = one_leaver_run(4, |_| {}).await;
    let change = |status| ResultChange {
        status: Some(status),
        ..ResultChange::default()
    };
    desk.tenant
        .change_result("r", 1, &change(ProcessingStatus::Failed));
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let late = ago(240 + 30).to_string();
    let lines = [
        format!("{},{}", ids[0], ago(239)),
        format!("{},{}", ids[1], ago(240)),
        format!("{},{late}", ids[2]),
        format!("00000000-0000-0000-0000-00000000000a,{}", ago(200)),
        format!("00000000-0000-0000-0000-00000000000b,{}", ago(3)),
        "00000000-0000-0000-0000-00000000000c,2026-09-01".to_owned(),
    ];
    desk.write(
        "leavers.csv",
        format!("subject_id,leave_date\n{}\n", lines.join("\n")),
    );
    let found = report(&desk, "--population leavers.csv --sla 24h");
    let expected = [
        (ids[0].as_str(), "met"),
        (ids[1].as_str(), "failed"),
        (ids[2].as_str(), "missed"),
        ("00000000-0000-0000-0000-00000000000a", "never_processed"),
        ("00000000-0000-0000-0000-00000000000b", "not_evaluable"),
        ("00000000-0000-0000-0000-00000000000c", "not_evaluable"),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(id, it)| (id.to_owned(), it.to_owned()))
        .into();
    assert_eq!(outcomes(&found), expected);
    let statement = found["leavers"]["statement"].as_str().unwrap();
    assert!(
        statement.contains("leave date") && statement.contains("disabled is not shown"),
        "{statement}"
    );
    assert_eq!(found["metrics"]["leaver_sla_misses"], 3.0);
    assert_eq!(found["metrics"]["failing_tasks"], Value::Null);
    // Who is missing in a run that is short may have been in it.
    desk.tenant.report_users("r", Some(9));
    desk.tenant.change_run("r", &RunChange::default());
    desk.lcw("backfill --out data --table user_processing_results --from T-400d --to T")
        .run();
    let wide = report(&desk, "--population leavers.csv --sla 60h");
    assert_eq!(
        outcomes(&wide)["00000000-0000-0000-0000-00000000000a"],
        "not_evaluable"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_leaver_whose_account_was_disabled_in_time_is_met_although_a_later_task_failed() {
    let mut config = TenantConfig::empty(5);
    let mut workflow = WorkflowConfig::new(Category::Leaver, "Offboard");
    workflow.tasks = 12;
    config.workflows = vec![workflow];
    config.runs = vec![(0, RunPlan::new(ago(240), 2).named("r"))];
    let desk = Desk::of(config).await;
    let truth = desk.tenant.truth();
    let user = |nth: usize| {
        truth.results[nth].value["subject"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let is_disabling = |row: &lcw_simulator::TrueResult| {
        DISABLING.contains(&row.value["task"]["taskDefinitionId"].as_str().unwrap())
    };
    let of_first = truth
        .task_results
        .iter()
        .filter(|row| row.value["subject"]["id"] == user(0).as_str());
    let failing = TaskChange {
        status: Some(ProcessingStatus::Failed),
        failure_reason: Some("no".to_owned()),
        ..TaskChange::default()
    };
    let tasks = |wanted: bool| -> Vec<(u32, TaskChange)> {
        let all = of_first.clone().zip(0..);
        all.filter(|(row, _)| is_disabling(row) == wanted)
            .map(|(_, nth)| (nth, failing.clone()))
            .collect()
    };
    assert!(!tasks(true).is_empty() && !tasks(false).is_empty());
    let change = |status, tasks| ResultChange {
        status: Some(status),
        tasks,
        ..ResultChange::default()
    };
    desk.tenant
        .change_result("r", 0, &change(ProcessingStatus::Failed, tasks(false)));
    desk.tenant
        .change_result("r", 1, &change(ProcessingStatus::Completed, tasks(true)));
    desk.lcw("export --out data").run().with(0);
    let found = report(&desk, "");
    let expected = BTreeMap::from([(user(0), "met".to_owned()), (user(1), "failed".to_owned())]);
    assert_eq!(outcomes(&found), expected);
    assert_eq!(found["leavers"]["measured_by_task"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_clock_that_starts_before_the_window_is_not_started_anew_in_it() {
    let (desk, _) = one_leaver_run(2, |plan| plan.outcome = ProcessingStatus::Failed).await;
    let workflow = desk.tenant.workflow_ids().remove(0);
    let again = RunPlan::new(ago(100), 2).reprocessing(Reprocessed::Run("r".to_owned()));
    desk.tenant.add_run(&workflow, &again);
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let leavers = |more: String| {
        let line = format!("report --out data --json {more}");
        let found = desk.bare(&line).run().with(0).json()["leavers"].clone();
        ["total", "met", "missed", "failed"].map(|key| found[key].as_u64().unwrap())
    };
    assert_eq!(leavers("--from 2026-10-20".to_owned()), [2, 0, 2, 0]);
    assert_eq!(leavers(format!("--from {}", ago(120))), [0, 0, 0, 0]);
    // What happened after the window stops a clock that started in it.
    let to = ago(200);
    assert_eq!(
        leavers(format!("--from 2026-10-20 --to {to} --sla 150h")),
        [2, 2, 0, 0]
    );
    assert_eq!(
        leavers(format!("--from 2026-10-20 --to {to}")),
        [2, 0, 0, 2]
    );
}
