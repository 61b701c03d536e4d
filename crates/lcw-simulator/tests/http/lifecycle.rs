//! What a run and its results say while time goes by.

use std::time::Duration;

use jiff::Timestamp;
use lcw_simulator::{
    Category, Outcomes, ProcessingStatus, RunPlan, Simulator, TenantConfig, WorkflowConfig,
};
use serde_json::{Value, json};

fn config() -> TenantConfig {
    TenantConfig {
        workflows: vec![WorkflowConfig::new(Category::Leaver, "Offboard")],
        ..TenantConfig::empty(9)
    }
}

async fn with(plan: impl FnOnce(Timestamp) -> RunPlan) -> (Simulator, String) {
    let config = config();
    let plan = plan(config.now);
    let simulator = Simulator::start(config).await.unwrap();
    let run = simulator.add_run(&simulator.workflow_ids()[0], &plan);
    (simulator, run)
}

fn run(simulator: &Simulator) -> Value {
    simulator.truth().runs.remove(0).value
}

const COUNTERS: [&str; 6] = [
    "totalUsersCount",
    "successfulUsersCount",
    "failedUsersCount",
    "totalTasksCount",
    "failedTasksCount",
    "totalUnprocessedTasksCount",
];

fn counters(row: &Value) -> Vec<i64> {
    COUNTERS
        .iter()
        .map(|name| row[name].as_i64().unwrap())
        .collect()
}

fn instant(row: &Value, name: &str) -> Timestamp {
    row[name].as_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_is_queued_in_progress_completed_and_settled() {
    let minute = Duration::from_mins(1);
    let (simulator, _) = with(|now| {
        let mut plan = RunPlan::new(now + minute, 8).working_for(10 * minute);
        plan.queue = Some(minute);
        plan.settling = 5 * minute;
        plan.ending(ProcessingStatus::CompletedWithErrors)
    })
    .await;
    assert!(simulator.truth().runs.is_empty(), "it is not due yet");

    simulator.advance(minute);
    let queued = run(&simulator);
    assert_eq!(queued["processingStatus"], "queued");
    assert!(queued["startedDateTime"].is_null() && queued["completedDateTime"].is_null());
    assert_eq!(counters(&queued), [0; 6]);

    simulator.advance(minute);
    let running = run(&simulator);
    assert_eq!(running["processingStatus"], "inProgress");
    assert!(running["startedDateTime"].is_string() && running["completedDateTime"].is_null());
    assert_eq!(counters(&running), [0; 6]);
    assert_ne!(
        running["lastUpdatedDateTime"],
        queued["lastUpdatedDateTime"]
    );

    simulator.advance(10 * minute);
    let completed = run(&simulator);
    assert_eq!(completed["processingStatus"], "completedWithErrors");
    assert_eq!(instant(&completed, "completedDateTime"), simulator.now());
    assert_ne!(completed["totalUsersCount"], 8, "counters lag");

    simulator.advance(5 * minute);
    let settled = run(&simulator);
    assert_eq!(instant(&settled, "lastUpdatedDateTime"), simulator.now());
    simulator.advance(100 * minute);
    assert_eq!(run(&simulator), settled, "nothing changes any more");
}

#[tokio::test(start_paused = true)]
async fn settled_counters_are_the_sums_of_the_rows() {
    let (simulator, _) = with(|now| {
        RunPlan::new(now - Duration::from_hours(2), 8).ending(ProcessingStatus::CompletedWithErrors)
    })
    .await;
    let rows = simulator.truth().results;
    let failed = rows
        .iter()
        .filter(|row| row.value["processingStatus"] != "completed")
        .count();
    assert_eq!((rows.len(), failed), (8, 2));
    let sum = |name: &str| {
        rows.iter()
            .map(|row| row.value[name].as_i64().unwrap())
            .sum::<i64>()
    };
    let settled = counters(&run(&simulator));
    assert_eq!(settled[..2], [8, 6]);
    assert_eq!(
        settled[3..],
        [
            sum("totalTasksCount"),
            sum("failedTasksCount"),
            sum("totalUnprocessedTasksCount"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn results_of_an_open_run_are_queued_or_in_progress_with_zero_counters() {
    let (simulator, _) =
        with(|now| RunPlan::new(now, 60).working_for(Duration::from_hours(1))).await;
    simulator.advance(Duration::from_mins(15));
    let rows = simulator.truth().results;
    let of = |status: &str| {
        rows.iter()
            .filter(|row| row.value["processingStatus"] == status)
            .collect::<Vec<_>>()
    };
    let (queued, running, done) = (of("queued"), of("inProgress"), of("completed"));
    assert_eq!(queued.len() + running.len() + done.len(), 60);
    assert!(!queued.is_empty() && !running.is_empty() && !done.is_empty());
    for row in queued.iter().chain(&running) {
        assert!(row.value["completedDateTime"].is_null());
        for name in [
            "totalTasksCount",
            "failedTasksCount",
            "totalUnprocessedTasksCount",
        ] {
            assert_eq!(row.value[name], 0);
        }
    }
    assert!(
        queued
            .iter()
            .all(|row| row.value["startedDateTime"].is_null())
    );
    let started = running
        .iter()
        .filter(|row| row.value["startedDateTime"].is_string())
        .count();
    assert!(
        started > 0 && started < running.len(),
        "{started} of {}",
        running.len()
    );
}

#[tokio::test(start_paused = true)]
async fn some_results_are_scheduled_and_started_before_their_run() {
    let (simulator, _) = with(|now| RunPlan::new(now - Duration::from_hours(2), 300)).await;
    let (row, rows) = (run(&simulator), simulator.truth().results);
    let before = |name: &str| {
        rows.iter()
            .filter(|result| instant(&result.value, name) < instant(&row, name))
            .count()
    };
    assert_eq!(before("scheduledDateTime"), 300);
    let started = before("startedDateTime");
    assert!((3..60).contains(&started), "{started}");
    for result in &rows {
        let [scheduled, started, completed] =
            ["scheduledDateTime", "startedDateTime", "completedDateTime"]
                .map(|name| instant(&result.value, name));
        assert!(scheduled <= started && started <= completed);
        assert!(completed <= instant(&row, "completedDateTime"));
    }
}

#[tokio::test(start_paused = true)]
async fn instants_have_up_to_seven_digits_without_zeros_at_the_end() {
    let simulator = Simulator::start(TenantConfig::small(1)).await.unwrap();
    let mut lengths = std::collections::BTreeSet::new();
    for result in simulator.truth().results {
        for name in ["startedDateTime", "completedDateTime"] {
            if let Some(text) = result.value[name].as_str() {
                let digits = text
                    .trim_end_matches('Z')
                    .split_once('.')
                    .map_or("", |(_, rest)| rest);
                assert!(!digits.ends_with('0') && digits.len() <= 7, "{text}");
                lengths.insert(digits.len());
            }
        }
    }
    assert!(
        lengths.contains(&0) && lengths.contains(&3) && lengths.contains(&7),
        "{lengths:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_outcome_has_its_rows() {
    let statuses = async |outcome, change: fn(RunPlan) -> RunPlan| {
        let (simulator, _) =
            with(|now| change(RunPlan::new(now - Duration::from_hours(2), 40).ending(outcome)))
                .await;
        let mut statuses: Vec<String> = simulator
            .truth()
            .results
            .iter()
            .map(|row| row.value["processingStatus"].as_str().unwrap().to_owned())
            .collect();
        statuses.sort();
        statuses.dedup();
        (run(&simulator), statuses)
    };
    let same = |plan| plan;
    let (row, rows) = statuses(ProcessingStatus::Failed, same).await;
    assert_eq!(
        (&row["processingStatus"], rows),
        (&json!("failed"), vec!["failed".to_owned()])
    );
    assert_eq!(row["failedUsersCount"], 40);
    let (_, rows) = statuses(ProcessingStatus::CompletedWithErrors, same).await;
    assert_eq!(rows, ["completed", "completedWithErrors", "failed"]);
    let (_, rows) = statuses(ProcessingStatus::Canceled, same).await;
    assert_eq!(rows, ["canceled", "completed"]);
    let (row, rows) = statuses(ProcessingStatus::Quarantined, RunPlan::never_starting).await;
    assert_eq!(row["processingStatus"], "quarantined");
    assert_eq!(rows, ["quarantined"]);
    assert!(row["startedDateTime"].is_null() && row["totalUsersCount"] == 40);
    let (row, _) = statuses(ProcessingStatus::Completed, RunPlan::never_ending).await;
    assert_eq!(row["processingStatus"], "inProgress");
    let (row, _) = statuses(ProcessingStatus::Canceling, RunPlan::never_ending).await;
    assert_eq!(row["processingStatus"], "canceling");
    let (row, _) = statuses(ProcessingStatus::Other("paused"), same).await;
    assert_eq!(row["processingStatus"], "paused");
}

#[tokio::test(start_paused = true)]
async fn subjects_that_are_no_users_are_counted_without_rows() {
    let (simulator, _) = with(|now| {
        let mut plan = RunPlan::new(now - Duration::from_hours(2), 3);
        plan.non_users = 2;
        plan
    })
    .await;
    assert_eq!(run(&simulator)["totalUsersCount"], 5);
    assert_eq!(simulator.truth().results.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_of_mixed_outcomes_shows_all_of_them() {
    let mut config = TenantConfig::bench(4, 120, 4);
    config.outcomes = Outcomes::MIXED;
    let simulator = Simulator::start(config).await.unwrap();
    let truth = simulator.truth();
    let count = |name: &str, value: &str| {
        truth
            .runs
            .iter()
            .filter(|run| run.value[name] == value)
            .count()
    };
    for status in [
        "completed",
        "completedWithErrors",
        "failed",
        "canceled",
        "quarantined",
    ] {
        assert!(count("processingStatus", status) > 0, "{status}");
    }
    for kind in ["scheduled", "onDemand", "preview"] {
        assert!(count("workflowExecutionType", kind) > 0, "{kind}");
    }
    let empty = truth
        .runs
        .iter()
        .filter(|run| run.value["totalUsersCount"] == 0)
        .count();
    assert!(empty > 0);
    let odd = truth.runs.iter().filter(|run| {
        let row = &run.value;
        let sum = row["successfulUsersCount"].as_i64().unwrap()
            + row["failedUsersCount"].as_i64().unwrap();
        row["processingStatus"] == "completedWithErrors"
            && sum < row["totalUsersCount"].as_i64().unwrap()
    });
    assert!(
        odd.count() > 0,
        "successful and failed users need not add up"
    );
}

#[tokio::test(start_paused = true)]
async fn schedules_go_on_with_the_clock() {
    let mut config = config();
    let hourly = lcw_simulator::Schedule::ongoing(Duration::from_hours(1), 2);
    config.workflows[0] = config.workflows[0].clone().scheduled(hourly, 1..=2);
    let simulator = Simulator::start(config).await.unwrap();
    let before = simulator.truth().runs.len();
    assert!((48..=49).contains(&before), "{before}");
    simulator.advance(Duration::from_hours(24));
    assert_eq!(simulator.truth().runs.len(), before + 24);
    let id = &simulator.workflow_ids()[0];
    let detail = simulator.truth().workflows.remove(0).detail;
    let next = instant(&detail, "nextScheduleRunDateTime");
    assert!(next > simulator.now());
    simulator.set_now(next);
    assert_eq!(simulator.run_ids(id).len(), before + 25);
}
