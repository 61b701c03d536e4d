//! The documented responses of runs and of user processing results.

use lcw_transform::Table;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::documented::{
    AUGUST_2022, EMPTY, FORMATS, NEW_HIRE, Served, VERSIONS, assert_rows, body, merged,
};

pub(crate) const WORKFLOW: &str = "14879e66-9ea9-48d0-804d-8fea672d0341";
pub(crate) const RUN: &str = "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d";
pub(crate) const LATER_RUN: &str = "a512bb50-3423-4bdc-ad5e-9731095b3b9a";

/// The documented run with its two documented results.
fn first_run() -> Value {
    json!({
        "workflow_id": WORKFLOW,
        "run_date": "2022-08-24",
        "id": RUN,
        "processing_status": "completed",
        "workflow_execution_type": "onDemand",
        "scheduled_date_time": "2022-08-24T23:28:01.647655Z",
        "started_date_time": "2022-08-24T23:28:04.568875Z",
        "completed_date_time": "2022-08-24T23:28:11.134886Z",
        "last_updated_date_time": "2022-08-24T23:33:09.186588Z",
        "total_users_count": 2,
        "successful_users_count": 2,
        "failed_users_count": 0,
        "total_tasks_count": 4,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "queue_ms": 2_921,
        "processing_ms": 6_566,
        "total_ms": 9_487,
        "_lcw_settled": true,
        "_lcw_result_rows": 2,
        "_lcw_proof": "matched",
    })
}

/// The documented run whose results are not documented: the service returns none of the two users
/// that it counts.
fn later_run() -> Value {
    json!({
        "workflow_id": WORKFLOW,
        "run_date": "2022-08-25",
        "id": LATER_RUN,
        "processing_status": "completed",
        "workflow_execution_type": "onDemand",
        "scheduled_date_time": "2022-08-25T00:15:04.025384Z",
        "started_date_time": "2022-08-25T00:15:05.181874Z",
        "completed_date_time": "2022-08-25T00:15:11.853544Z",
        "last_updated_date_time": "2022-08-25T00:20:05.866791Z",
        "total_users_count": 2,
        "successful_users_count": 2,
        "failed_users_count": 0,
        "total_tasks_count": 4,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "queue_ms": 1_156,
        "processing_ms": 6_671,
        "total_ms": 7_828,
        "_lcw_settled": true,
        "_lcw_result_rows": 0,
        "_lcw_proof": "short",
    })
}

/// The documented results of the first run, by id.
fn results() -> [Value; 2] {
    [
        json!({
            "workflow_id": WORKFLOW,
            "run_id": RUN,
            "run_date": "2022-08-24",
            "id": "16db611b-2518-48cf-89c0-3763abf8d0ab",
            "subject_id": "8cdf25a8-c9d2-423e-a03d-3f39f03c3e97",
            "processing_status": "completed",
            "workflow_execution_type": "onDemand",
            "workflow_version": 1,
            "scheduled_date_time": "2022-08-24T23:28:01.647655Z",
            "started_date_time": "2022-08-24T23:28:04.546949Z",
            "completed_date_time": "2022-08-24T23:28:11.110013Z",
            "total_tasks_count": 2,
            "failed_tasks_count": 0,
            "total_unprocessed_tasks_count": 0,
            "queue_ms": 2_899,
            "processing_ms": 6_563,
            "total_ms": 9_462,
        }),
        json!({
            "workflow_id": WORKFLOW,
            "run_id": RUN,
            "run_date": "2022-08-24",
            "id": "78b83505-6967-4168-a7ea-4921c0543ce9",
            "subject_id": "ea09ac2e-77e3-4134-85f2-25ccf3c33387",
            "processing_status": "completed",
            "workflow_execution_type": "onDemand",
            "workflow_version": 1,
            "scheduled_date_time": "2022-08-24T23:28:01.647655Z",
            "started_date_time": "2022-08-24T23:28:04.490313Z",
            "completed_date_time": "2022-08-24T23:28:11.134886Z",
            "total_tasks_count": 2,
            "failed_tasks_count": 0,
            "total_unprocessed_tasks_count": 0,
            "queue_ms": 2_842,
            "processing_ms": 6_644,
            "total_ms": 9_487,
        }),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn runs_and_the_results_of_one_of_them() {
    for version in VERSIONS {
        let runs = body(&format!("list-runs-{version}-1.json"));
        let results_of_first = body(&format!("list-run-userprocessingresults-{version}-1.json"));
        let served = Served::with_runs(version, WORKFLOW, runs)
            .results(WORKFLOW, RUN, results_of_first)
            .results(WORKFLOW, LATER_RUN, EMPTY);
        for format in FORMATS {
            let (desk, ended) = served.export(format, AUGUST_2022, 5).await;
            assert_rows(&desk, format, Table::Runs, &[later_run(), first_run()]);
            assert_rows(&desk, format, Table::UserProcessingResults, &results());
            let summary = ended.json();
            assert_eq!(summary["status"], "unproven");
            let proof = &summary["proof"];
            assert_eq!((&proof["matched"], &proof["short"]), (&json!(1), &json!(1)));
            let short = json!([{
                "table": "user_processing_results",
                "workflow_id": WORKFLOW,
                "run_id": LATER_RUN,
                "run_date": "2022-08-25",
                "counted": 2,
                "fetched": 0,
            }]);
            assert_eq!(proof["short_runs"], short);
            let text = desk.bare("status --out data").run().with(0).stdout;
            assert!(text.contains(&format!("short: run {LATER_RUN}")), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ndjson_keeps_instants_as_they_were_sent() {
    let served = Served::with_runs("v1.0", WORKFLOW, body("list-runs-v1.0-1.json"))
        .results(
            WORKFLOW,
            RUN,
            body("list-run-userprocessingresults-v1.0-1.json"),
        )
        .results(WORKFLOW, LATER_RUN, EMPTY);
    let desk = Desk::with(served.start("2026-11-24T12:00:00Z").await);
    desk.write(
        "p.toml",
        "[load]\nformat = \"ndjson\"\ncompression = \"none\"\n",
    );
    let line = AUGUST_2022.replace("backfill", "backfill p.toml");
    let lcw = desk.lcw(&line).words("--table user_processing_results");
    lcw.run().with(5);
    let tenant = desk.tenant.tenant_id();
    let folder = format!("tenant_id={tenant}/run_date=2022-08-24/part-0.ndjson");
    let text =
        |table: &str| std::fs::read_to_string(desk.data().join(table).join(&folder)).unwrap();
    for instant in [
        "23:28:01.6476554Z",
        "23:28:04.5688752Z",
        "23:28:11.1348863Z",
    ] {
        assert!(text("runs").contains(instant), "{instant}");
    }
    for instant in ["23:28:04.490313Z", "23:28:04.5469497Z", "23:28:11.1100134Z"] {
        assert!(
            text("user_processing_results").contains(instant),
            "{instant}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_by_its_id() {
    let open = json!({ "value": [{
        "id": RUN,
        "processingStatus": "inProgress",
        "scheduledDateTime": "2022-08-24T23:28:01.6476554Z",
        "totalUsersCount": 0,
    }] });
    let before =
        Served::with_runs("v1.0", WORKFLOW, open.to_string()).results(WORKFLOW, RUN, EMPTY);
    // Later no listing brings it any more.
    let run_path = format!("workflows/{WORKFLOW}/runs/{RUN}");
    let after = Served::with_runs("v1.0", WORKFLOW, EMPTY)
        .at(&run_path, body("get-run-v1.0-1.json"))
        .results(
            WORKFLOW,
            RUN,
            body("list-run-userprocessingresults-v1.0-1.json"),
        );
    let selected = Served::with_runs("v1.0", WORKFLOW, EMPTY).at(
        &run_path,
        body("get-run-v1.0-2.json").replace("e65e08a0-d68d-41dc-915b-8c4019af5cc2", RUN),
    );
    for format in FORMATS {
        let mut desk = Desk::with(before.start("2022-08-24T23:29:00Z").await);
        before.export_at(&desk, format, "export --out data").with(0);
        desk.tenant = selected.start("2022-08-25T00:00:00Z").await.into();
        let ended = selected
            .export_at(&desk, format, "export --out data")
            .with(1);
        ended.says(&[RUN, "scheduledDateTime", "missing"]);
        desk.tenant = after.start("2022-08-25T00:00:00Z").await.into();
        after.export_at(&desk, format, "export --out data").with(0);
        assert_rows(&desk, format, Table::Runs, &[first_run()]);
        assert_rows(&desk, format, Table::UserProcessingResults, &results());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn selected_properties_of_runs_have_no_day() {
    let workflow = "15239232-66ed-445b-8292-2f5bbb2eb833";
    for version in VERSIONS {
        let runs = body(&format!("list-runs-{version}-2.json"));
        let served = Served::with_runs(version, workflow, runs);
        for format in FORMATS {
            let (desk, ended) = served.export(format, AUGUST_2022, 1).await;
            let id = "e65e08a0-d68d-41dc-915b-8c4019af5cc2";
            ended.says(&["runs", id, "scheduledDateTime", "missing"]);
            let message = ended.json()["error"]["message"].to_string();
            assert!(message.contains("scheduledDateTime"), "{message}");
            assert!(crate::desk::data_files(&desk.data()).is_empty());
        }
    }
}

/// A listing of one completed run of August 2022 with so many users.
fn a_run(id: &str, users: u32) -> String {
    let run = json!({
        "id": id,
        "processingStatus": "completed",
        "scheduledDateTime": "2022-08-24T18:00:00Z",
        "completedDateTime": "2022-08-24T23:30:00Z",
        "totalUsersCount": users,
    });
    json!({ "value": [run] }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn selected_properties_of_results() {
    let workflow = "15239232-66ed-445b-8292-2f5bbb2eb833";
    let run = "e65e08a0-d68d-41dc-915b-8c4019af5cc2";
    let expected = json!({
        "workflow_id": workflow,
        "run_id": run,
        "run_date": "2022-08-24",
        "id": "40efc576-840f-47d0-ab95-5abca800f8a2",
        "subject_id": "df744d9e-2148-4922-88a8-633896c1e929",
        "processing_status": "completed",
        "total_tasks_count": 3,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
    });
    let listed = |version| body(&format!("list-run-userprocessingresults-{version}-2.json"));
    let single = format!(
        r#"{{"value": [{}]}}"#,
        body("get-userprocessingresult-v1.0-2.json")
    );
    let bodies = [
        ("v1.0", listed("v1.0")),
        ("beta", listed("beta")),
        ("v1.0", single),
    ];
    for (version, body) in bodies {
        let served =
            Served::with_runs(version, workflow, a_run(run, 1)).results(workflow, run, body);
        for format in FORMATS {
            let (desk, _) = served.export(format, AUGUST_2022, 0).await;
            let table = Table::UserProcessingResults;
            assert_rows(&desk, format, table, std::slice::from_ref(&expected));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_single_result() {
    // The program asks for collections only: the documented object as the one row of one.
    let single = format!(
        r#"{{"value": [{}]}}"#,
        body("get-userprocessingresult-v1.0-1.json")
    );
    let runs = body("list-runs-v1.0-1.json");
    let served = Served::with_runs("v1.0", WORKFLOW, runs)
        .results(WORKFLOW, RUN, single)
        .results(WORKFLOW, LATER_RUN, EMPTY);
    let [_, expected] = results();
    for format in FORMATS {
        let (desk, _) = served.export(format, AUGUST_2022, 5).await;
        let table = Table::UserProcessingResults;
        assert_rows(&desk, format, table, std::slice::from_ref(&expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_results_of_a_workflow() {
    let run = "00000000-0000-0000-0000-000000000001";
    // Served as those of a run: the rows themselves do not name theirs.
    let result = |id: &str, subject: &str, status: &str, tasks: [u32; 3]| {
        json!({
            "workflow_id": NEW_HIRE,
            "run_id": run,
            "run_date": "2022-08-24",
            "id": id,
            "subject_id": subject,
            "processing_status": status,
            "workflow_execution_type": "onDemand",
            "total_tasks_count": tasks[0],
            "failed_tasks_count": tasks[1],
            "total_unprocessed_tasks_count": tasks[2],
        })
    };
    let selected = [
        result(
            "0481a153-f437-45f0-b07c-ebe1008f10c5",
            "ea09ac2e-77e3-4134-85f2-25ccf3c33387",
            "completed",
            [2, 0, 0],
        ),
        result(
            "c1fab0b4-222d-4bdf-ab09-eb99fc5a8061",
            "b276ff04-835d-414c-a2a7-5c59e37cccc9",
            "failed",
            [3, 1, 2],
        ),
        result(
            "e831ffea-4156-482a-ba43-a8161f83efa8",
            "b276ff04-835d-414c-a2a7-5c59e37cccc9",
            "failed",
            [3, 1, 2],
        ),
    ];
    let times = [
        json!({
            "workflow_version": 13,
            "scheduled_date_time": "2022-08-24T23:26:24.11784Z",
            "started_date_time": "2022-08-24T23:26:29.315238Z",
            "completed_date_time": "2022-08-24T23:26:41.442559Z",
            "queue_ms": 5_197,
            "processing_ms": 12_127,
            "total_ms": 17_324,
        }),
        json!({
            "workflow_version": 1,
            "scheduled_date_time": "2022-08-24T18:35:39.002138Z",
            "started_date_time": "2022-08-24T18:35:48.08242Z",
            "completed_date_time": "2022-08-24T18:35:53.587173Z",
            "queue_ms": 9_080,
            "processing_ms": 5_504,
            "total_ms": 14_585,
        }),
        json!({
            "workflow_version": 1,
            "scheduled_date_time": "2022-08-24T18:27:28.410569Z",
            "started_date_time": "2022-08-24T18:27:34.47941Z",
            "completed_date_time": "2022-08-24T18:27:43.128374Z",
            "queue_ms": 6_068,
            "processing_ms": 8_648,
            "total_ms": 14_717,
        }),
    ];
    let whole: Vec<Value> = selected
        .iter()
        .cloned()
        .zip(times)
        .map(|(a, b)| merged(a, b))
        .collect();
    for (file, expected) in [("1", whole), ("2", selected.to_vec())] {
        let body = body(&format!(
            "list-workflow-userprocessingresults-v1.0-{file}.json"
        ));
        let served =
            Served::with_runs("v1.0", NEW_HIRE, a_run(run, 3)).results(NEW_HIRE, run, body);
        for format in FORMATS {
            let (desk, _) = served.export(format, AUGUST_2022, 0).await;
            assert_rows(&desk, format, Table::UserProcessingResults, &expected);
        }
    }
}

const SEPTEMBER_2025: &str = "backfill --out data --json --from 2025-09-01 --to 2025-10-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_in_progress_that_reprocesses_another() {
    let workflow = "78799042-265a-4e8f-8d61-94a2dcd2d395";
    let run = "78799042-265a-4e8f-8d61-94a2dcd2d395_638927104150522341";
    let runs = body("list-userprocessingresult-reprocessedruns-v1.0-1.json");
    let served = Served::with_runs("v1.0", workflow, runs).results(workflow, run, EMPTY);
    let expected = json!({
        "workflow_id": workflow,
        "run_date": "2025-09-05",
        "id": run,
        "processing_status": "inProgress",
        "workflow_execution_type": "activatedWithScope",
        "scheduled_date_time": "2025-09-05T23:06:55.052234Z",
        "started_date_time": "2025-09-05T23:07:02.920614Z",
        "last_updated_date_time": "2025-09-05T23:07:02.920615Z",
        "total_users_count": 0,
        "successful_users_count": 0,
        "failed_users_count": 0,
        "total_tasks_count": 0,
        "failed_tasks_count": 0,
        "total_unprocessed_tasks_count": 0,
        "activated_on_scope": {
            "@odata.type": "#microsoft.graph.identityGovernance.activateProcessingResultScope",
            "taskScope": "allTasks",
            "processingResults": [{
                "id": "78799042-265a-4e8f-8d61-94a2dcd2d395_1_78799042-265a-4e8f-8d61-94a2dcd2d395\
                    _638927021459357126_0cdd8963-1c30-4632-a1f2-ac96723069cb",
                "completedDateTime": "2025-09-05T20:50:16.3660921Z",
                "failedTasksCount": 1,
                "processingStatus": "completedWithErrors",
                "scheduledDateTime": "2025-09-05T20:48:50.4546835Z",
                "startedDateTime": "2025-09-05T20:49:37.6050235Z",
                "totalTasksCount": 1,
                "totalUnprocessedTasksCount": 0,
                "workflowExecutionType": "onDemand",
                "workflowVersion": 1,
                "subject": { "id": "0cdd8963-1c30-4632-a1f2-ac96723069cb" },
            }],
        },
        "queue_ms": 7_868,
        "_lcw_settled": false,
        "_lcw_result_rows": 0,
        "_lcw_proof": "open",
        "_lcw_extra": { "reprocessedRuns": [] },
    });
    for format in FORMATS {
        let (desk, ended) = served.export(format, SEPTEMBER_2025, 0).await;
        assert_rows(&desk, format, Table::Runs, std::slice::from_ref(&expected));
        assert_eq!(ended.json()["runs"]["open"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_with_errors_that_was_reprocessed() {
    let workflow = "78799042-265a-4e8f-8d61-94a2dcd2d395";
    let run = "78799042-265a-4e8f-8d61-94a2dcd2d395_638927021459357126";
    let runs = body("list-run-reprocessedruns-v1.0-1.json");
    let served = Served::with_runs("v1.0", workflow, runs).results(workflow, run, EMPTY);
    let expected = json!({
        "workflow_id": workflow,
        "run_date": "2025-09-05",
        "id": run,
        "processing_status": "completedWithErrors",
        "workflow_execution_type": "onDemand",
        "scheduled_date_time": "2025-09-05T20:49:05.935712Z",
        "started_date_time": "2025-09-05T20:49:38.126477Z",
        "completed_date_time": "2025-09-05T20:50:16.366092Z",
        "last_updated_date_time": "2025-09-05T20:54:48.211326Z",
        "total_users_count": 1,
        "successful_users_count": 0,
        "failed_users_count": 0,
        "total_tasks_count": 1,
        "failed_tasks_count": 1,
        "total_unprocessed_tasks_count": 0,
        "queue_ms": 32_190,
        "processing_ms": 38_239,
        "total_ms": 70_430,
        "_lcw_settled": true,
        "_lcw_result_rows": 0,
        "_lcw_proof": "short",
        "_lcw_extra": {
            "reprocessedRuns": [{
                "id": "78799042-265a-4e8f-8d61-94a2dcd2d395_638927099502974630",
                "completedDateTime": null,
                "failedTasksCount": 0,
                "failedUsersCount": 0,
                "lastUpdatedDateTime": "2025-09-05T22:59:10.341998Z",
                "processingStatus": "queued",
                "scheduledDateTime": "2025-09-05T22:59:10.297463Z",
                "startedDateTime": null,
                "successfulUsersCount": 0,
                "totalTasksCount": 0,
                "totalUsersCount": 0,
                "totalUnprocessedTasksCount": 0,
                "workflowExecutionType": "activatedWithScope",
                "activatedOnScope": null,
            }],
        },
    });
    for format in FORMATS {
        let (desk, _) = served.export(format, SEPTEMBER_2025, 5).await;
        assert_rows(&desk, format, Table::Runs, std::slice::from_ref(&expected));
    }
}
