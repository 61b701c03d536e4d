//! Every documented response of workflows, runs and user processing results, served word for word
//! over HTTP, comes out as the rows and values that it documents, in both formats.
//!
//! The expected rows are written out by hand. Instants have microseconds: the seventh digit of the
//! documentation is cut off. Durations are milliseconds between them. What is null is left out.

use std::path::Path;

use lcw_pipeline::FileFormat;
use lcw_simulator::{ScriptedAnswer, Simulator, TenantConfig};
use lcw_tests::facts;
use lcw_transform::{Kind, Table};
use serde_json::{Map, Value, json};

use crate::desk::{Desk, NDJSON};
use crate::program::Ended;

/// When nearly all of the examples were made.
pub(crate) const AUGUST_2022: &str = "backfill --out data --json --from 2022-08-01 --to 2022-09-01";

pub(crate) const EMPTY: &str = r#"{"value": []}"#;

/// A documented body.
pub(crate) fn body(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/graph");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The versions of the API and the names of their examples' files.
const VERSIONS: [&str; 2] = ["v1.0", "beta"];

/// A service that answers nothing but what it is told, in one version of the API.
pub(crate) struct Served {
    version: &'static str,
    answers: Vec<ScriptedAnswer>,
}

impl Served {
    pub(crate) fn new(version: &'static str) -> Self {
        Self {
            version,
            answers: Vec::new(),
        }
    }

    /// A body below `lifecycleWorkflows`; what was said first of a path holds.
    pub(crate) fn at(mut self, path: &str, body: impl Into<Vec<u8>>) -> Self {
        self.answers
            .push(ScriptedAnswer::new(self.path(path), body));
        self
    }

    fn path(&self, path: &str) -> String {
        format!(
            "/{}/identityGovernance/lifecycleWorkflows/{path}",
            self.version
        )
    }

    /// A tenant with one workflow, of which nothing but the id is known, and these runs.
    pub(crate) fn with_runs(
        version: &'static str,
        workflow: &str,
        runs: impl Into<Vec<u8>>,
    ) -> Self {
        let list = json!({ "value": [{ "id": workflow }] }).to_string();
        let runs_path = format!("workflows/{workflow}/runs");
        Self::new(version).at(&runs_path, runs).workflows(&list)
    }

    /// A list of workflows. Each has no runs, and its details are what the list says of it, unless
    /// something else was said before.
    pub(crate) fn workflows(self, list: &str) -> Self {
        self.list("workflows", list)
    }

    fn deleted_workflows(self, list: &str) -> Self {
        self.list("deletedItems/workflows", list)
    }

    fn list(self, path: &str, list: &str) -> Self {
        let parsed: Value = serde_json::from_str(list).unwrap();
        let workflows = parsed["value"].as_array().unwrap();
        workflows
            .iter()
            .fold(self.at(path, list), |served, workflow| {
                let path = format!("{path}/{}", workflow["id"].as_str().unwrap());
                served
                    .at(&path, workflow.to_string())
                    .at(&format!("{path}/runs"), EMPTY)
            })
    }

    /// The results of a run.
    pub(crate) fn results(self, workflow: &str, run: &str, body: impl Into<Vec<u8>>) -> Self {
        let path = format!("workflows/{workflow}/runs/{run}/userProcessingResults");
        self.at(&path, body)
    }

    /// The service at a time.
    pub(crate) async fn start(&self, now: &str) -> Simulator {
        let config = TenantConfig {
            now: now.parse().unwrap(),
            ..TenantConfig::empty(0)
        };
        Simulator::scripted_on(0, config, self.answers.clone())
            .await
            .unwrap()
    }

    /// Exports it in this format, today, and looks at what was made.
    pub(crate) async fn export(&self, format: FileFormat, line: &str, code: i32) -> (Desk, Ended) {
        let desk = Desk::with(self.start("2026-11-24T12:00:00Z").await);
        let ended = self.export_at(&desk, format, line).with(code);
        (desk, ended)
    }

    fn export_at(&self, desk: &Desk, format: FileFormat, line: &str) -> Ended {
        let name = match format {
            FileFormat::Parquet => "parquet",
            FileFormat::Ndjson(_) => "ndjson",
        };
        // Other tables than the one below runs that most examples are of are named by their tests.
        let tables = if line.contains("--table") {
            ""
        } else {
            "--table user_processing_results"
        };
        let version = self.version;
        desk.lcw(&format!(
            "{line} --format {name} --api-version {version} {tables}"
        ))
        .run()
    }
}

pub(crate) const FORMATS: [FileFormat; 2] = [FileFormat::Parquet, NDJSON];

/// The rows of a table as objects, by key, without nulls and without what says when and by which
/// export they were written.
fn rows(desk: &Desk, format: FileFormat, table: Table) -> Vec<Value> {
    let facts = facts(&desk.data(), format, desk.tenant.tenant_id(), table);
    let columns = table.columns(false);
    let kind = |name: &str| {
        columns
            .iter()
            .find(|column| column.name == name)
            .map(|c| c.kind)
    };
    let shown = |name: &str, value: Value| match (kind(name), value.as_i64()) {
        (Some(Kind::Timestamp), Some(micros)) => {
            json!(
                jiff::Timestamp::from_microsecond(micros)
                    .unwrap()
                    .to_string()
            )
        }
        _ => value,
    };
    let is_shown = |name: &str| {
        let ours = [
            "export_id",
            "extracted_at",
            "first_extracted_at",
            "first_seen",
            "last_seen",
        ];
        !ours.iter().any(|our| name == format!("_lcw_{our}"))
    };
    let object = |row: std::collections::BTreeMap<String, Value>| -> Value {
        let known = row
            .into_iter()
            .filter(|(name, value)| is_shown(name) && !value.is_null());
        known
            .map(|(name, value)| (name.clone(), shown(&name, value)))
            .collect::<Map<_, _>>()
            .into()
    };
    facts.into_values().map(object).collect()
}

#[track_caller]
pub(crate) fn assert_rows(desk: &Desk, format: FileFormat, table: Table, expected: &[Value]) {
    let found = rows(desk, format, table);
    assert_eq!(
        found.len(),
        expected.len(),
        "{table:?} {format:?}: {found:#?}"
    );
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{table:?} {format:?}");
    }
}

const GLOBAL_PRE_HIRE: &str = "c007a148-5bf1-4f38-82b4-377fb23b1711";
const GLOBAL_NEW_HIRE: &str = "559d8339-ab4e-4c41-a517-ed5d8dd9fbf5";
const PRE_HIRE: &str = "d0454160-b8e9-432f-8a85-790021e64c9e";
const POST_OFFBOARDING: &str = "15f9c6db-ada8-4417-927f-17ac24b54b9b";
const TERMINATION: &str = "57bc6612-2c20-4141-9dab-aa11a95b8fbc";
pub(crate) const NEW_HIRE: &str = "156ce798-1eb6-4e0a-8515-e79f54d04390";
const PRE_OFFBOARDING: &str = "c0548e6c-8849-46e8-be14-8b6d2b04957e";

/// The six workflows of the documented list, by id.
fn listed_workflows() -> [Value; 6] {
    [
        json!({
            "id": NEW_HIRE,
            "category": "joiner",
            "description": "Configure new hire tasks for onboarding employees on their first day",
            "display_name": "Onboard new hire employee",
            "last_modified_date_time": "2022-08-24T15:39:17.649674Z",
            "created_date_time": "2022-08-24T15:39:17.64967Z",
            "is_enabled": true,
            "is_scheduling_enabled": false,
            "version": 1,
        }),
        json!({
            "id": POST_OFFBOARDING,
            "category": "leaver",
            "description": "Configure offboarding tasks for employees after their last day of work",
            "display_name": "Post-Offboarding of an employee",
            "last_modified_date_time": "2022-08-17T18:57:30.509155Z",
            "created_date_time": "2022-08-17T18:57:07.184004Z",
            "is_enabled": true,
            "is_scheduling_enabled": false,
            "version": 1,
        }),
        json!({
            "id": GLOBAL_NEW_HIRE,
            "category": "joiner",
            "description": "Configure new hire tasks for onboarding employees on their first day",
            "display_name": "Global new hire",
            "last_modified_date_time": "2022-08-18T17:24:42.605125Z",
            "created_date_time": "2022-05-06T14:10:39.970026Z",
            "is_enabled": true,
            "is_scheduling_enabled": true,
            "version": 5,
        }),
        json!({
            "id": TERMINATION,
            "category": "leaver",
            "description":
                "Execute real-time termination tasks for employees on their last day of work",
            "display_name": "Real-time employee termination",
            "last_modified_date_time": "2022-08-19T20:34:15.42125Z",
            "created_date_time": "2022-08-19T20:34:15.421248Z",
            "is_enabled": true,
            "is_scheduling_enabled": false,
            "version": 1,
        }),
        json!({
            "id": GLOBAL_PRE_HIRE,
            "category": "joiner",
            "description":
                "Configure pre-hire tasks for onboarding employees before their first day",
            "display_name": "Global pre hire",
            "last_modified_date_time": "2022-08-16T20:05:51.46186Z",
            "created_date_time": "2022-01-10T20:04:30.619368Z",
            "is_enabled": true,
            "is_scheduling_enabled": true,
            "version": 12,
        }),
        json!({
            "id": PRE_HIRE,
            "category": "joiner",
            "description":
                "Configure pre-hire tasks for onboarding employees before their first day",
            "display_name": "Onboard pre-hire employee",
            "last_modified_date_time": "2022-08-16T20:01:28.358906Z",
            "created_date_time": "2022-08-16T17:48:55.22629Z",
            "is_enabled": false,
            "is_scheduling_enabled": false,
            "version": 1,
        }),
    ]
}

/// What the documented details of [`NEW_HIRE`] say beyond the list.
fn new_hire_in_detail() -> Value {
    let task = |order: u32, id: &str, definition: &str, name: &str, about: &str, category: &str| {
        json!({
            "category": category,
            "continueOnError": false,
            "description": about,
            "displayName": name,
            "executionSequence": order,
            "id": id,
            "isEnabled": true,
            "taskDefinitionId": definition,
            "arguments": [],
        })
    };
    let mut groups = task(
        3,
        "072a6872-6052-4d4a-93f0-a0ff3f1dec19",
        "22085229-5809-45e8-97fd-270d28d66910",
        "Add User To Groups",
        "Add user to selected groups",
        "joiner,leaver",
    );
    groups["arguments"] = json!([{
        "name": "groupID",
        "value": "e5659cb0-bcbb-4a9f-9092-90f72bd19028",
    }]);
    json!({
        "created_by_id": "a698128f-b34f-44db-a9f9-7661c7aba8d8",
        "last_modified_by_id": "a698128f-b34f-44db-a9f9-7661c7aba8d8",
        "execution_conditions": {
            "@odata.type":
                "#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions",
            "scope": {
                "@odata.type": "#microsoft.graph.identityGovernance.ruleBasedSubjectSet",
                "rule": "(department eq 'Marketing')",
            },
            "trigger": {
                "@odata.type": "#microsoft.graph.identityGovernance.timeBasedAttributeTrigger",
                "timeBasedAttribute": "employeeHireDate",
                "offsetInDays": 0,
            },
        },
        "_lcw_extra": {
            "tasks": [
                task(
                    1,
                    "4469d2ee-0626-4aa6-a792-84afcb9f3759",
                    "6fc52c9d-398b-4305-9763-15f42c1676fc",
                    "Enable User Account",
                    "Enable user account in the directory",
                    "joiner,leaver",
                ),
                task(
                    2,
                    "e93e4d5d-1bcd-4175-b8a1-81729e3b4df9",
                    "70b29d51-b59a-4773-9280-8841dfd3f2ea",
                    "Send Welcome Email",
                    "Send welcome email to new hire",
                    "joiner",
                ),
                groups,
            ],
        },
    })
}

fn merged(mut row: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more}")
    };
    row.as_object_mut().unwrap().extend(more);
    row
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_list_of_workflows() {
    for version in VERSIONS {
        let list = body(&format!("list-workflows-{version}-1.json"));
        let served = Served::new(version).workflows(&list);
        for format in FORMATS {
            let (desk, ended) = served.export(format, AUGUST_2022, 0).await;
            assert_rows(&desk, format, Table::Workflows, &listed_workflows());
            assert_eq!(ended.json()["tables"]["runs"]["rows_total"], 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_workflow_in_detail_and_the_list_of_deleted_ones() {
    let served = Served::new("v1.0")
        .at(
            &format!("workflows/{NEW_HIRE}"),
            body("get-workflow-v1.0-1.json"),
        )
        .workflows(&body("list-workflows-v1.0-1.json"))
        .deleted_workflows(&body("list-deleted-workflows-v1.0-1.json"));
    let deleted = |id: &str, name: &str, modified: &str, created: &str, deleted: &str| {
        json!({
            "id": id,
            "category": "joiner",
            "description": "Configure new hire tasks for onboarding employees on their first day",
            "display_name": name,
            "last_modified_date_time": modified,
            "created_date_time": created,
            "deleted_date_time": deleted,
            "version": 1,
        })
    };
    let [
        new_hire,
        post_offboarding,
        global_new_hire,
        termination,
        global_pre_hire,
        pre_hire,
    ] = listed_workflows();
    let expected = [
        merged(new_hire, new_hire_in_detail()),
        post_offboarding,
        deleted(
            "21d2c0fb-dcaa-4abb-88db-891d76c84e9a",
            "EU Onboard new hire employee",
            "2022-08-24T18:25:09.405044Z",
            "2022-08-24T18:24:40.068983Z",
            "2022-08-24T18:25:09.554295Z",
        ),
        global_new_hire,
        termination,
        global_pre_hire,
        pre_hire,
        deleted(
            "f1937e0c-c509-4250-ab51-d5e6e35fcbda",
            "US Onboard new hire employee",
            "2022-08-24T18:25:09.421282Z",
            "2022-08-24T18:24:14.406787Z",
            "2022-08-24T18:25:09.572986Z",
        ),
    ];
    for format in FORMATS {
        let (desk, _) = served.export(format, AUGUST_2022, 0).await;
        assert_rows(&desk, format, Table::Workflows, &expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn selected_properties_of_workflows() {
    let listed = json!({
        "id": PRE_OFFBOARDING,
        "category": "leaver",
        "display_name": "Pre-Offboarding employees in the R&D department",
        "is_enabled": true,
        "is_scheduling_enabled": true,
    });
    for version in VERSIONS {
        let list = body(&format!("list-workflows-{version}-2.json"));
        let served = Served::new(version).workflows(&list);
        for format in FORMATS {
            let (desk, _) = served.export(format, AUGUST_2022, 0).await;
            assert_rows(
                &desk,
                format,
                Table::Workflows,
                std::slice::from_ref(&listed),
            );
        }
    }
    let served = Served::new("v1.0")
        .at(
            &format!("workflows/{PRE_OFFBOARDING}"),
            body("get-workflow-v1.0-2.json"),
        )
        .workflows(&body("list-workflows-v1.0-2.json"))
        .deleted_workflows(&body("list-deleted-workflows-v1.0-2.json"));
    let expected = [
        json!({
            "id": "952b23c5-cc25-48c9-8848-95da4dd9dc6d",
            "category": "leaver",
            "description": "Employee offboarding for Contoso Germany.",
            "display_name": "Germany offboard employees",
            "version": 4,
        }),
        // The details say nothing of what the list says, and are what is stored.
        json!({
            "id": PRE_OFFBOARDING,
            "category": "leaver",
            "display_name": "Pre-Offboarding employees in the R&D department",
            "execution_conditions": {
                "@odata.type":
                    "#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions",
                "scope": {
                    "@odata.type": "#microsoft.graph.identityGovernance.ruleBasedSubjectSet",
                    "rule": "(department eq 'R&D')",
                },
                "trigger": {
                    "@odata.type":
                        "#microsoft.graph.identityGovernance.timeBasedAttributeTrigger",
                    "timeBasedAttribute": "employeeLeaveDateTime",
                    "offsetInDays": -7,
                },
            },
        }),
    ];
    for format in FORMATS {
        let (desk, _) = served.export(format, AUGUST_2022, 0).await;
        assert_rows(&desk, format, Table::Workflows, &expected);
    }
}

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

/// A service that answers the list of workflows with an error.
fn refusing(status: u16, file: &str) -> Served {
    let mut served = Served::new("v1.0");
    let answer = ScriptedAnswer::new(served.path("workflows"), body(file)).status(status);
    served.answers.push(answer);
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_for_want_of_a_permission() {
    let served = refusing(403, "error-403-batch-item-v1.0-1.json");
    let (desk, ended) = served.export(FileFormat::Parquet, AUGUST_2022, 3).await;
    ended.says(&[
        "403 (Authorization_RequestDenied)",
        "Insufficient privileges to complete the operation.",
        "LifecycleWorkflows-Workflow.ReadBasic.All",
    ]);
    assert_eq!(ended.json()["error"]["code"], "Authorization_RequestDenied");
    assert!(desk.contents().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_for_too_many_requests_that_does_not_end() {
    let served = refusing(429, "error-429-v1.0-1.json");
    let desk = Desk::with(served.start("2026-11-24T12:00:00Z").await);
    desk.write("p.toml", "[extract]\ndeadline = \"1s\"\n");
    let line = AUGUST_2022.replace("backfill", "backfill p.toml");
    let ended = desk.lcw(&line).run().with(7);
    ended.says(&[
        "429 (TooManyRequests)",
        "Please retry again later.",
        "throttled",
        "deadline",
    ]);
    assert!(!desk.data().exists());
}
