//! Every documented response of workflows comes out as the rows and values that it documents, in both formats;
//! and the service that sends documented responses word for word over HTTP.
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
pub(crate) const VERSIONS: [&str; 2] = ["v1.0", "beta"];

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

    pub(crate) fn export_at(&self, desk: &Desk, format: FileFormat, line: &str) -> Ended {
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

pub(crate) fn merged(mut row: Value, more: Value) -> Value {
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
