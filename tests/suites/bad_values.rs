//! Values that the tables cannot hold: one error that names them, and never a null.

use lcw_pipeline::Summary;
use lcw_simulator::{ScriptedAnswer, Simulator, TenantConfig};
use lcw_tests::{Office, data_files};
use lcw_transform::Table;
use serde_json::{Value, json};

const ROOT: &str = "/v1.0/identityGovernance/lifecycleWorkflows";
const SUBJECT: &str = "5ec7e7b0-0000-4000-8000-00000000beef";

/// One workflow with a run on each of two days, each of one result.
struct Script {
    workflow: Value,
    runs: [Value; 2],
    results: [Value; 2],
}

impl Script {
    fn new() -> Self {
        let run = |id: &str, day: &str| {
            json!({
                "id": id,
                "processingStatus": "completed",
                "workflowExecutionType": "scheduled",
                "scheduledDateTime": format!("{day}T10:00:00.1234567Z"),
                "startedDateTime": format!("{day}T10:00:05Z"),
                "completedDateTime": format!("{day}T10:05:00Z"),
                "lastUpdatedDateTime": format!("{day}T10:10:00Z"),
                "totalUsersCount": 1, "successfulUsersCount": 1, "failedUsersCount": 0,
                "totalTasksCount": 2, "failedTasksCount": 0, "totalUnprocessedTasksCount": 0,
            })
        };
        let result = |run: &str, day: &str| {
            json!({
                "id": format!("w_1_{run}_{SUBJECT}"),
                "subject": { "id": SUBJECT },
                "processingStatus": "completed",
                "workflowExecutionType": "scheduled",
                "workflowVersion": 1,
                "scheduledDateTime": format!("{day}T10:00:00Z"),
                "startedDateTime": format!("{day}T10:00:05+00:00"),
                "completedDateTime": format!("{day}T10:05:00Z"),
                "totalTasksCount": 2, "failedTasksCount": 0, "totalUnprocessedTasksCount": 0,
            })
        };
        Self {
            workflow: json!({
                "id": "w", "category": "joiner", "displayName": "Onboard", "description": null,
                "isEnabled": true, "isSchedulingEnabled": true, "version": 1,
                "createdDateTime": "2026-11-20T00:00:00Z",
                "lastModifiedDateTime": "2026-11-20T00:00:00Z",
                "deletedDateTime": null, "nextScheduleRunDateTime": null,
            }),
            runs: [run("r1", "2026-11-21"), run("r2", "2026-11-22")],
            results: [result("r1", "2026-11-21"), result("r2", "2026-11-22")],
        }
    }

    async fn play(&self) -> Simulator {
        let page = |rows: &[Value]| json!({ "value": rows }).to_string();
        let answer = |path: &str, body: String| ScriptedAnswer::new(format!("{ROOT}{path}"), body);
        let mut answers = vec![
            answer("/workflows", page(std::slice::from_ref(&self.workflow))),
            answer("/workflows/w", self.workflow.to_string()),
            answer("/deletedItems/workflows", page(&[])),
            answer("/workflows/w/runs", page(&self.runs)),
        ];
        for (run, result) in ["r1", "r2"].into_iter().zip(&self.results) {
            let path = format!("/workflows/w/runs/{run}/userProcessingResults");
            answers.push(answer(&path, page(std::slice::from_ref(result))));
        }
        Simulator::scripted_on(0, TenantConfig::empty(71), answers)
            .await
            .unwrap()
    }
}

fn assert_error_names(summary: &Summary, words: &[&str]) {
    assert_eq!(summary.exit_code, 1, "{summary:#?}");
    let error = summary.error.as_ref().unwrap();
    for word in words {
        assert!(error.message.contains(word), "{word} in: {}", error.message);
    }
    assert!(!format!("{summary:?}").contains(SUBJECT), "{summary:#?}");
}

/// After the service has mended it, the next export completes.
async fn assert_mends(office: &mut Office) {
    let tenant = Script::new().play().await;
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert_eq!(office.facts(&tenant, Table::Runs).len(), 2);
    assert_eq!(office.facts(&tenant, Table::UserProcessingResults).len(), 2);
}

#[tokio::test]
async fn a_date_of_a_result_that_cannot_be_read_ends_the_export_before_that_day() {
    for property in ["scheduledDateTime", "startedDateTime", "completedDateTime"] {
        for mut office in Office::of_each_format() {
            let mut script = Script::new();
            script.results[1][property] = json!("22/11/2026 10:05");
            let tenant = script.play().await;
            let summary = office.export(&tenant).await;
            let words = [
                "user_processing_results",
                "w_1_r2_",
                property,
                "22/11/2026 10:05",
            ];
            assert_error_names(&summary, &words);

            let stored = office.facts(&tenant, Table::Runs);
            let days: Vec<_> = stored.values().map(|run| run["run_date"].clone()).collect();
            assert_eq!(
                days,
                ["2026-11-21"],
                "the day before is committed, that day is not"
            );
            assert!(
                data_files(office.out())
                    .keys()
                    .all(|path| { !path.display().to_string().contains("2026-11-22") })
            );
            assert_mends(&mut office).await;
        }
    }
}

#[tokio::test]
async fn a_date_of_a_run_that_cannot_be_read_ends_the_export_before_anything_is_written() {
    for (property, value) in [
        ("scheduledDateTime", json!("2026-13-01T00:00:00Z")),
        ("completedDateTime", json!("yesterday")),
        ("lastUpdatedDateTime", json!("2026-11-22")),
    ] {
        for mut office in Office::of_each_format() {
            let mut script = Script::new();
            script.runs[1][property] = value.clone();
            let tenant = script.play().await;
            let summary = office.export(&tenant).await;
            let words = ["table runs", "row r2", property, value.as_str().unwrap()];
            assert_error_names(&summary, &words);
            assert!(data_files(office.out()).is_empty());
            assert_mends(&mut office).await;
        }
    }
}

#[tokio::test]
async fn a_run_without_a_schedule_has_no_day_and_is_an_error() {
    for value in [None, Some(Value::Null)] {
        for mut office in Office::of_each_format() {
            let mut script = Script::new();
            let run = script.runs[0].as_object_mut().unwrap();
            run.remove("scheduledDateTime");
            if let Some(value) = value.clone() {
                run.insert("scheduledDateTime".to_owned(), value);
            }
            let tenant = script.play().await;
            let summary = office.export(&tenant).await;
            assert_error_names(&summary, &["table runs", "row r1", "scheduledDateTime"]);
            assert!(data_files(office.out()).is_empty());
            assert_mends(&mut office).await;
        }
    }
}

#[tokio::test]
async fn a_date_of_a_workflow_that_cannot_be_read_is_an_error() {
    for mut office in Office::of_each_format() {
        let mut script = Script::new();
        script.workflow["createdDateTime"] = json!("a while ago");
        let tenant = script.play().await;
        let summary = office.export(&tenant).await;
        let words = ["table workflows", "row w", "createdDateTime", "a while ago"];
        assert_error_names(&summary, &words);
        assert!(data_files(office.out()).is_empty());
        assert_mends(&mut office).await;
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_that_names_property_and_value() {
    for (place, property, value, shown) in [
        (0, "totalUsersCount", json!("three"), "three"),
        (0, "scheduledDateTime", json!(20_261_122), "20261122"),
        (1, "totalTasksCount", json!(2.5), "2.5"),
        (
            1,
            "failedTasksCount",
            json!(99_999_999_999_i64),
            "99999999999",
        ),
        (1, "processingStatus", json!(true), "true"),
        (1, "subject", json!(["someone"]), "subject"),
    ] {
        for mut office in Office::of_each_format() {
            let mut script = Script::new();
            let row = if place == 0 {
                &mut script.runs[1]
            } else {
                &mut script.results[1]
            };
            row[property] = value.clone();
            let tenant = script.play().await;
            let summary = office.export(&tenant).await;
            assert_error_names(&summary, &[property, shown]);
            if place == 0 {
                assert!(data_files(office.out()).is_empty());
            } else {
                assert!(summary.error.as_ref().unwrap().message.contains("r2"));
                assert_eq!(office.facts(&tenant, Table::Runs).len(), 1);
            }
            assert_mends(&mut office).await;
        }
    }
}

#[tokio::test]
async fn a_row_without_an_id_is_an_error() {
    for mut office in Office::of_each_format() {
        let mut script = Script::new();
        script.results[1].as_object_mut().unwrap().remove("id");
        let tenant = script.play().await;
        let summary = office.export(&tenant).await;
        assert_error_names(&summary, &["r2", "id"]);
        assert_eq!(office.facts(&tenant, Table::Runs).len(), 1);
        assert_mends(&mut office).await;
    }
}
