use serde_json::{Value, json};

use super::*;

fn published(table: Table) -> Value {
    serde_json::to_value(published_schema(table, false)).unwrap()
}

#[test]
fn a_contract_names_table_key_partitions_and_columns() {
    let contract = published(Table::UserProcessingResults);
    assert_eq!(contract["table"], "user_processing_results");
    assert_eq!(contract["schema_version"], 2);
    assert_eq!(contract["key"], json!(["workflow_id", "run_id", "id"]));
    let partitions = contract["partition_columns"].as_array().unwrap();
    assert_eq!(
        (&partitions[0]["name"], &partitions[0]["type"]),
        (&json!("tenant_id"), &json!("VARCHAR"))
    );
    assert_eq!(
        (&partitions[1]["name"], &partitions[1]["type"]),
        (&json!("run_date"), &json!("DATE"))
    );
    assert_eq!(
        published(Table::Workflows)["partition_columns"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let columns = contract["columns"].as_array().unwrap();
    let column = |name: &str| {
        columns
            .iter()
            .find(|column| column["name"] == name)
            .unwrap()
    };
    let subject = column("subject_id");
    assert_eq!(subject["type"], "VARCHAR");
    assert_eq!(subject["source_property"], "subject/id");
    assert_eq!(subject["nullable"], true);
    assert_eq!(subject["unit"], Value::Null);
    assert!(subject.get("derived_from").is_none());
    let queue = column("queue_ms");
    assert_eq!(
        (&queue["type"], &queue["unit"]),
        (&json!("BIGINT"), &json!("ms"))
    );
    assert_eq!(
        queue["derived_from"],
        json!(["scheduled_date_time", "started_date_time"])
    );
    assert_eq!(
        column("started_date_time")["type"],
        "TIMESTAMP WITH TIME ZONE"
    );
    assert_eq!(column("total_tasks_count")["type"], "INTEGER");
    assert_eq!(column("_lcw_extra")["type"], "JSON");
    assert_eq!(column("workflow_id")["nullable"], false);
}

#[test]
fn a_contract_names_the_members_of_enumerations() {
    let contract = published(Table::Runs);
    let columns = contract["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|it| it["name"] == name).unwrap();
    let status = column("processing_status");
    assert_eq!(
        status["values"],
        json!([
            "queued",
            "inProgress",
            "completed",
            "completedWithErrors",
            "canceled",
            "failed",
            "unknownFutureValue",
            "canceling",
            "quarantined"
        ])
    );
    assert_eq!(status["values_are_open"], true, "the service may add some");
    let proof = column("_lcw_proof");
    assert_eq!(
        proof["values"],
        json!(["open", "matched", "short", "over", "expired"])
    );
    assert_eq!(proof["values_are_open"], false);
    assert!(column("id").get("values").is_none());
    assert!(column("id").get("values_are_open").is_none());
}

#[test]
fn a_contract_serialises_in_a_fixed_order() {
    let text = serde_json::to_string(&published_schema(Table::Runs, false)).unwrap();
    assert!(text.starts_with(r#"{"table":"runs","description":"#));
    assert!(text.contains(r#"{"name":"_lcw_settled","type":"BOOLEAN","unit":null,"nullable":false,"source_property":null,"description":"#));
}

#[test]
fn the_original_object_is_in_the_contract_on_request_only() {
    for table in Table::ALL {
        let names = |keep_raw| -> Vec<_> {
            published_schema(table, keep_raw)
                .columns
                .iter()
                .map(|column| column.name)
                .collect()
        };
        assert_eq!(names(true).last(), Some(&"_lcw_raw"));
        assert_eq!(names(true)[..names(false).len()], names(false));
    }
}
