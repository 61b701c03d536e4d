//! The documented versions, tasks and task definitions, served word for word, come out as the rows
//! and values that they document, in both formats.

use lcw_transform::Table;
use serde_json::{Value, json};

use crate::documented::{AUGUST_2022, EMPTY, FORMATS, NEW_HIRE, Served, assert_rows, body};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_versions_of_a_workflow() {
    let about = "Configure new hire tasks for onboarding employees on their first day";
    let version = |number: u32, name: &str, scheduled: bool, created: &str, modified: &str| {
        json!({
            "workflow_id": NEW_HIRE,
            "version_number": number,
            "category": "joiner",
            "description": about,
            "display_name": name,
            "is_enabled": true,
            "is_scheduling_enabled": scheduled,
            "created_date_time": created,
            "last_modified_date_time": modified,
        })
    };
    let name = "Onboard new hire employee";
    let expected = [
        version(
            1,
            name,
            false,
            "2022-08-24T15:39:17.649678Z",
            "2022-08-24T19:18:18.563363Z",
        ),
        version(
            2,
            name,
            false,
            "2022-08-24T19:18:18.684147Z",
            "2022-08-24T19:31:33.430323Z",
        ),
        version(
            3,
            "Global onboard new hire employee",
            true,
            "2022-08-24T19:31:33.553476Z",
            "2022-08-24T19:33:03.866494Z",
        ),
    ];
    assert_versions(NEW_HIRE, "list-versions-v1.0-1.json", &expected).await;
    let workflow = "15239232-66ed-445b-8292-2f5bbb2eb833";
    let selected = [1, 2].map(|number| {
        json!({
            "workflow_id": workflow,
            "version_number": number,
            "category": "leaver",
            "display_name": "Post-Offboarding of an employee",
        })
    });
    assert_versions(workflow, "list-versions-v1.0-2.json", &selected).await;
}

/// These rows come of this list; of a version, nothing but what the list says of it is known.
async fn assert_versions(workflow: &str, file: &str, expected: &[Value]) {
    let path = format!("workflows/{workflow}/versions");
    let mut served = Served::with_runs("v1.0", workflow, EMPTY).at(&path, body(file));
    let listed: Value = serde_json::from_str(&body(file)).unwrap();
    for version in listed["value"].as_array().unwrap() {
        let path = format!("{path}/{}", version["versionNumber"]);
        served = served.at(&path, version.to_string());
    }
    let line = format!("{AUGUST_2022} --table workflow_versions");
    for format in FORMATS {
        let (desk, _) = served.export(format, &line, 0).await;
        assert_rows(&desk, format, Table::WorkflowVersions, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_tasks_of_a_workflow() {
    let path = format!("workflows/{NEW_HIRE}/tasks");
    let served =
        Served::with_runs("v1.0", NEW_HIRE, EMPTY).at(&path, body("list-tasks-v1.0-1.json"));
    let task = |order: u32, id: &str, definition: &str, name: &str, about: &str, category: &str| {
        json!({
            "workflow_id": NEW_HIRE,
            "id": id,
            "category": category,
            "display_name": name,
            "description": about,
            "execution_sequence": order,
            "continue_on_error": false,
            "is_enabled": true,
            "task_definition_id": definition,
            "arguments": [],
        })
    };
    let expected = [
        task(
            1,
            "4d9d41d7-a8e1-4f2f-8c8c-a883bc02e6ee",
            "6fc52c9d-398b-4305-9763-15f42c1676fc",
            "Enable User Account",
            "Enable user account in the directory",
            "joiner,leaver",
        ),
        task(
            2,
            "a51a6a57-2ef7-4006-b0ca-285b19d5e1c8",
            "70b29d51-b59a-4773-9280-8841dfd3f2ea",
            "Send Welcome Email",
            "Send welcome email to new hire",
            "joiner",
        ),
    ];
    let line = format!("{AUGUST_2022} --table tasks");
    for format in FORMATS {
        let (desk, _) = served.export(format, &line, 0).await;
        assert_rows(&desk, format, Table::Tasks, &expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_task_definitions_of_the_service() {
    let list = body("list-taskdefinitions-v1.0-1.json");
    // Renamed by hand: sixteen definitions differ in nothing but their values.
    let parsed: Value = serde_json::from_str(&list).unwrap();
    let row = |definition: &Value| {
        json!({
            "id": definition["id"],
            "category": definition["category"],
            "display_name": definition["displayName"],
            "description": definition["description"],
            "version": definition["version"],
            "parameters": definition["parameters"],
        })
    };
    let mut expected: Vec<Value> = parsed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect();
    expected.sort_by_key(|row| row["id"].to_string());
    assert_eq!(expected.len(), 16);
    let tap = expected
        .iter()
        .find(|row| row["id"] == "1b555e50-7f65-41d5-b514-5894a026d10d");
    assert_eq!(
        tap.unwrap(),
        &json!({
            "id": "1b555e50-7f65-41d5-b514-5894a026d10d",
            "category": "joiner",
            "display_name": "Generate TAP And Send Email",
            "description": "Generate Temporary Access Pass and send via email to user's manager",
            "version": 1,
            "parameters": [
                { "name": "tapLifetimeMinutes", "values": [], "valueType": "string" },
                { "name": "tapIsUsableOnce", "values": ["true", "false"], "valueType": "enum" },
            ],
        })
    );
    let served = Served::new("v1.0")
        .at("taskDefinitions", list)
        .workflows(EMPTY);
    let line = format!("{AUGUST_2022} --table task_definitions");
    for format in FORMATS {
        let (desk, _) = served.export(format, &line, 0).await;
        assert_rows(&desk, format, Table::TaskDefinitions, &expected);
    }
}
