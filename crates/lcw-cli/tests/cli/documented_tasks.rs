//! The documented responses about tasks, subjects and reprocessed runs, and the service's own counts,
//! served word for word, come out as the rows and values that they document, in both formats.

use lcw_transform::Table;
use serde_json::{Value, json};

use crate::documented::{AUGUST_2022, EMPTY, FORMATS, Served, assert_rows, body};
use crate::documented_runs::{LATER_RUN, RUN, WORKFLOW};

/// A listing of one completed run with so many users and tasks.
fn a_run(id: &str, scheduled: &str, completed: &str, users: u32, tasks: u32) -> String {
    let run = json!({
        "id": id,
        "processingStatus": "completed",
        "scheduledDateTime": scheduled,
        "completedDateTime": completed,
        "totalUsersCount": users,
        "totalTasksCount": tasks,
    });
    json!({ "value": [run] }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_task_results_of_a_run() {
    let workflow = "a977dbe8-0f3f-4ae6-b3a7-29e1010ac4cc";
    let run = "33bf1a9c-2b26-49b6-996f-ca416c518341";
    let selected = json!({
        "workflow_id": workflow,
        "run_id": run,
        "run_date": "2023-01-20",
        "id": "7a21089f-ec13-4e9c-997e-b31f4e59d41e",
        "subject_id": "1baa57fa-3c4e-4526-ba5a-db47a9df95f0",
        "task_id": "c8dbaed8-3d23-4e5a-8f65-130767639667",
        "task_definition_id": "22085229-5809-45e8-97fd-270d28d66910",
        "task_display_name": "Add User To Groups",
        "task_category": "joiner,leaver",
        "execution_sequence": 3,
        "continue_on_error": false,
        "processing_status": "completed",
        "_lcw_extra": {
            "task": {
                "description": "Add user to selected groups",
                "isEnabled": true,
                "arguments": [{
                    "name": "groupID",
                    "value": "1624be55-d924-491e-ac72-401f6f961e4d",
                }],
            },
        },
    });
    let mut whole = selected.clone();
    whole.as_object_mut().unwrap().extend([
        (
            "created_date_time".to_owned(),
            json!("2023-01-20T17:16:00.909501Z"),
        ),
        (
            "started_date_time".to_owned(),
            json!("2023-01-20T17:16:02.802516Z"),
        ),
        (
            "completed_date_time".to_owned(),
            json!("2023-01-20T17:16:03.486355Z"),
        ),
        ("queue_ms".to_owned(), json!(1_893)),
        ("processing_ms".to_owned(), json!(683)),
    ]);
    let line = "backfill --out data --json --from 2023-01-01 --to 2023-02-01 \
        --table task_processing_results";
    for (example, expected) in [("1", whole), ("2", selected)] {
        let file = format!("list-run-taskprocessingresults-v1.0-{example}.json");
        let runs = a_run(run, "2023-01-20T17:15:00Z", "2023-01-20T17:17:00Z", 1, 1);
        let path = format!("workflows/{workflow}/runs/{run}/taskProcessingResults");
        let served = Served::with_runs("v1.0", workflow, runs).at(&path, body(&file));
        for format in FORMATS {
            let (desk, ended) = served.export(format, line, 0).await;
            let table = Table::TaskProcessingResults;
            assert_rows(&desk, format, table, std::slice::from_ref(&expected));
            assert_eq!(ended.json()["proof"]["tasks"]["matched"], 1, "{ended}");
        }
    }
}

/// A documented task report, as a row.
fn report(run: &str, day: &str, id: &str, times: [&str; 3], processing_ms: u32) -> Value {
    let [started, completed, updated] = times;
    json!({
        "workflow_id": WORKFLOW,
        "run_id": run,
        "run_date": day,
        "id": id,
        "processing_status": "completed",
        "total_users_count": 2,
        "successful_users_count": 2,
        "failed_users_count": 0,
        "unprocessed_users_count": 0,
        "started_date_time": started,
        "completed_date_time": completed,
        "last_updated_date_time": updated,
        "processing_ms": processing_ms,
    })
}

fn reports() -> [Value; 4] {
    let (first, later) = ("2022-08-24T23:28:11.134886Z", "2022-08-25T00:15:11.853544Z");
    [
        report(
            LATER_RUN,
            "2022-08-25",
            "462e6deb-a7b4-4777-a494-389c495862b8",
            [
                "2022-08-25T00:15:05.25581Z",
                later,
                "2022-08-25T00:20:05.875908Z",
            ],
            6_597,
        ),
        report(
            LATER_RUN,
            "2022-08-25",
            "e3dd0719-a50a-463d-b32d-7176fa4519e4",
            [
                "2022-08-25T00:15:05.277138Z",
                later,
                "2022-08-25T00:20:05.900255Z",
            ],
            6_576,
        ),
        report(
            RUN,
            "2022-08-24",
            "23f37fcb-040d-4ee9-91df-1234700ebeb6",
            [
                "2022-08-24T23:28:04.586128Z",
                first,
                "2022-08-24T23:33:09.205157Z",
            ],
            6_548,
        ),
        report(
            RUN,
            "2022-08-24",
            "3a3bea11-99ca-462d-86fb-d283db8d734a",
            [
                "2022-08-24T23:28:04.578533Z",
                first,
                "2022-08-24T23:33:09.198035Z",
            ],
            6_556,
        ),
    ]
}

/// The window in which a backfill of August 2022 counts runs and users.
const COUNTED: &str =
    "summary(startDateTime=2022-08-02T00:00:00Z,endDateTime=2022-08-31T23:00:00Z)";

/// The window in which it counts tasks over reports: since the oldest run was scheduled.
const REPORTED: &str =
    "summary(startDateTime=2022-08-24T23:28:01.647655Z,endDateTime=2022-08-31T23:00:00Z)";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_task_reports_of_a_workflow_and_what_the_service_counts_itself() {
    let below = |path: &str| format!("workflows/{WORKFLOW}/{path}");
    let results = below(&format!("runs/{RUN}/userProcessingResults"));
    let of_later = below(&format!("runs/{LATER_RUN}/userProcessingResults"));
    let runs_summary = body("run-summary-v1.0-1.json");
    let more_runs = runs_summary.replace("\"totalRuns\": 2", "\"totalRuns\": 3");
    assert_ne!(runs_summary, more_runs);
    let line = format!("{AUGUST_2022} --table user_processing_results --table task_reports");
    for (summary, runs) in [(runs_summary, 2), (more_runs, 3)] {
        let served = Served::with_runs("v1.0", WORKFLOW, body("list-runs-v1.0-1.json"))
            .at(&results, body("list-run-userprocessingresults-v1.0-1.json"))
            .at(&of_later, EMPTY)
            .at(&below("taskReports"), body("list-taskreports-v1.0-1.json"))
            .at(&below(&format!("runs/{COUNTED}")), summary)
            .at(
                &below(&format!("userProcessingResults/{COUNTED}")),
                body("userprocessingresult-summary-v1.0-1.json"),
            )
            .at(
                &below(&format!("taskReports/{REPORTED}")),
                body("taskreport-summary-v1.0-1.json"),
            );
        for format in FORMATS {
            let (desk, ended) = served.export(format, &line, 5).await;
            assert_rows(&desk, format, Table::TaskReports, &reports());
            let counted = &ended.json()["proof"]["workflows"][0];
            assert_eq!(counted["workflow_id"], WORKFLOW, "{ended}");
            let measure = |counted: u32, held: u32| json!({ "counted": counted, "held": held });
            assert_eq!(counted["runs"], measure(runs, 2), "{ended}");
            assert_eq!(counted["users"], measure(2, 2), "{ended}");
            assert_eq!(counted["reported_tasks"], measure(8, 8), "{ended}");
            let verdict = if runs == 2 { "matched" } else { "short" };
            assert_eq!(counted["verdict"], verdict, "{ended}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn selected_properties_of_task_reports() {
    let workflow = "15239232-66ed-445b-8292-2f5bbb2eb833";
    let run = "e65e08a0-d68d-41dc-915b-8c4019af5cc2";
    let runs = a_run(run, "2022-08-24T18:00:00Z", "2022-08-24T23:30:00Z", 1, 3);
    // The example leaves out which run they are of, without which a report has no day.
    let mut reports: Value = serde_json::from_str(&body("list-taskreports-v1.0-2.json")).unwrap();
    for report in reports["value"].as_array_mut().unwrap() {
        report["runId"] = json!(run);
    }
    let path = format!("workflows/{workflow}/taskReports");
    let served = Served::with_runs("v1.0", workflow, runs).at(&path, reports.to_string());
    let expected = [
        "443c7611-45df-48c0-bf5e-dc6068c402f0",
        "92bbb4a0-3815-48a7-8f83-f5dadc4f6793",
        "d64d2b78-3823-4ec8-b6d3-efd3d41a5e98",
    ]
    .map(|id| {
        json!({
            "workflow_id": workflow,
            "run_id": run,
            "run_date": "2022-08-24",
            "id": id,
            "processing_status": "completed",
            "total_users_count": 1,
            "successful_users_count": 1,
            "failed_users_count": 0,
            "unprocessed_users_count": 0,
        })
    });
    let line = format!("{AUGUST_2022} --table task_reports");
    for format in FORMATS {
        let (desk, _) = served.export(format, &line, 0).await;
        assert_rows(&desk, format, Table::TaskReports, &expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_result_of_a_subject_that_is_no_user() {
    let workflow = "14879a93-6b91-4153-b7e6-5df4a7b7c5c8";
    let run = "e831ffea-4156-482a-b431-e26f94d0a3dc";
    let runs = a_run(run, "2026-05-15T10:30:00Z", "2026-05-15T10:36:00Z", 1, 3);
    let below = |name: &str| format!("workflows/{workflow}/runs/{run}/{name}");
    let served = Served::with_runs("beta", workflow, runs)
        .at(
            &below("subjectProcessingResults"),
            body("list-run-subjectprocessingresults-beta-1.json"),
        )
        .at(&below("userProcessingResults"), EMPTY);
    let expected = json!({
        "workflow_id": workflow,
        "run_id": run,
        "run_date": "2026-05-15",
        "id": "6c6d9550-4adc-117f-b307-ee188d511d67",
        "subject_id": "b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe",
        "processing_status": "completed",
        "workflow_execution_type": "extensibilityOnDemand",
        "workflow_version": 1,
        "scheduled_date_time": "2026-05-15T10:30:00Z",
        "started_date_time": "2026-05-15T10:30:15Z",
        "completed_date_time": "2026-05-15T10:35:00Z",
        "total_tasks_count": 3,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "queue_ms": 15_000,
        "processing_ms": 285_000,
        "total_ms": 300_000,
        "subject": {
            "@odata.type": "#microsoft.graph.identityGovernance.provisioningObjectWorkflowSubject",
            "id": "b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe",
            "attributeSetEntries": [],
        },
    });
    let line = "backfill --out data --json --from 2026-05-01 --to 2026-06-01 \
        --table user_processing_results --table subject_processing_results";
    for format in FORMATS {
        let (desk, ended) = served.export(format, line, 0).await;
        let table = Table::SubjectProcessingResults;
        assert_rows(&desk, format, table, std::slice::from_ref(&expected));
        let proof = &ended.json()["proof"];
        assert_eq!((&proof["matched"], &proof["short"]), (&json!(1), &json!(0)));
    }
}

/// What the program makes of the documented links, as those of this run.
async fn assert_links(old: &str, expected: &Value) {
    let workflow = "78799042-265a-4e8f-8d61-94a2dcd2d395";
    let runs = a_run(old, "2025-09-05T18:00:00Z", "2025-09-05T18:10:00Z", 1, 1);
    let path = format!("workflows/{workflow}/runs/{old}/reprocessedRuns");
    let links = body("list-run-reprocessedruns-v1.0-1.json");
    let served = Served::with_runs("v1.0", workflow, runs).at(&path, links);
    let line = "backfill --out data --json --from 2025-09-01 --to 2025-10-01 \
        --table reprocessed_runs";
    for format in FORMATS {
        let (desk, _) = served.export(format, line, 0).await;
        let table = Table::ReprocessedRuns;
        assert_rows(&desk, format, table, std::slice::from_ref(expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_runs_that_process_a_run_again() {
    let workflow = "78799042-265a-4e8f-8d61-94a2dcd2d395";
    let documented = "78799042-265a-4e8f-8d61-94a2dcd2d395_638927021459357126";
    // The page shows the run itself with the later one inside.
    let later = json!({
        "workflow_id": workflow,
        "run_id": documented,
        "run_date": "2025-09-05",
        "id": "78799042-265a-4e8f-8d61-94a2dcd2d395_638927099502974630",
        "processing_status": "queued",
        "workflow_execution_type": "activatedWithScope",
        "scheduled_date_time": "2025-09-05T22:59:10.297463Z",
    });
    assert_links(documented, &later).await;
    // The metadata says that the answer lists the later runs.
    let earlier = "78799042-265a-4e8f-8d61-94a2dcd2d395_638926000000000000";
    let listed = json!({
        "workflow_id": workflow,
        "run_id": earlier,
        "run_date": "2025-09-05",
        "id": documented,
        "processing_status": "completedWithErrors",
        "workflow_execution_type": "onDemand",
        "scheduled_date_time": "2025-09-05T20:49:05.935712Z",
    });
    assert_links(earlier, &listed).await;
}
