use arrow::datatypes::{DataType, TimeUnit};

use super::*;
use crate::testing::{AS_SENT, MICROS, WITH_RAW};
use crate::{Layout, Table};

fn names(table: Table) -> String {
    let columns = table.columns(true).iter();
    columns
        .map(|column| column.name)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_columns_and_their_order_are_the_contract() {
    assert_eq!(
        names(Table::Workflows),
        "id category display_name description is_enabled is_scheduling_enabled version \
         created_date_time last_modified_date_time deleted_date_time next_schedule_run_date_time \
         created_by_id last_modified_by_id execution_conditions _lcw_first_seen _lcw_last_seen \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::Runs),
        "workflow_id id processing_status workflow_execution_type scheduled_date_time \
         started_date_time completed_date_time last_updated_date_time total_users_count \
         successful_users_count failed_users_count total_tasks_count failed_tasks_count \
         total_unprocessed_tasks_count activated_on_scope queue_ms processing_ms total_ms \
         _lcw_settled _lcw_result_rows _lcw_proof _lcw_task_rows _lcw_task_proof \
         _lcw_subject_rows _lcw_report_rows _lcw_reprocessed_rows \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::UserProcessingResults),
        "workflow_id run_id id subject_id processing_status workflow_execution_type \
         workflow_version scheduled_date_time started_date_time completed_date_time \
         total_tasks_count failed_tasks_count total_unprocessed_tasks_count queue_ms \
         processing_ms total_ms subject_display_name subject_user_principal_name subject_mail \
         subject_department subject_job_title subject_employee_id subject_employee_hire_date \
         subject_employee_leave_date_time subject_account_enabled \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
}

#[test]
fn the_columns_of_the_other_tables_are_the_contract() {
    assert_eq!(
        names(Table::TaskProcessingResults),
        "workflow_id run_id id subject_id task_id task_definition_id task_display_name \
         task_category execution_sequence continue_on_error processing_status \
         failure_reason processing_info created_date_time started_date_time \
         completed_date_time queue_ms processing_ms \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::WorkflowVersions),
        "workflow_id version_number category display_name description is_enabled \
         is_scheduling_enabled created_date_time last_modified_date_time created_by_id \
         last_modified_by_id execution_conditions tasks _lcw_first_seen _lcw_last_seen \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::Tasks),
        "workflow_id id category display_name description execution_sequence \
         continue_on_error is_enabled task_definition_id arguments _lcw_first_seen \
         _lcw_last_seen \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::TaskDefinitions),
        "id category display_name description version continue_on_error parameters \
         _lcw_first_seen _lcw_last_seen \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::TaskReports),
        "workflow_id run_id id task_id task_definition_id task_display_name task_category \
         execution_sequence continue_on_error processing_status total_users_count \
         successful_users_count failed_users_count unprocessed_users_count \
         started_date_time completed_date_time last_updated_date_time processing_ms \
         _lcw_task_rows _lcw_proof \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::SubjectProcessingResults),
        "workflow_id run_id id subject_id subject_type processing_status \
         workflow_execution_type workflow_version scheduled_date_time started_date_time \
         completed_date_time total_tasks_count failed_tasks_count \
         total_unprocessed_tasks_count queue_ms processing_ms total_ms subject \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
    assert_eq!(
        names(Table::ReprocessedRuns),
        "workflow_id run_id id processing_status workflow_execution_type \
         scheduled_date_time \
         _lcw_export_id _lcw_extracted_at _lcw_first_extracted_at _lcw_extra _lcw_raw"
    );
}

#[test]
fn tables_have_names_keys_and_room_for_a_bit_per_column() {
    for table in Table::ALL {
        assert_eq!(Table::from_name(table.name()), Some(table));
        assert!(table.columns(true).len() <= 64);
        assert!(
            table
                .columns(false)
                .iter()
                .all(|column| column.role != Role::Raw)
        );
    }
    assert_eq!(Table::from_name("Runs"), None);
    assert_eq!(Table::Workflows.key(), ["id"]);
    assert_eq!(Table::Runs.key(), ["workflow_id", "id"]);
    assert_eq!(
        Table::WorkflowVersions.key(),
        ["workflow_id", "version_number"]
    );
    assert_eq!(Table::Tasks.key(), ["workflow_id", "id"]);
    assert_eq!(Table::TaskDefinitions.key(), ["id"]);
    for table in [
        Table::UserProcessingResults,
        Table::TaskProcessingResults,
        Table::TaskReports,
        Table::SubjectProcessingResults,
        Table::ReprocessedRuns,
    ] {
        assert_eq!(table.key(), ["workflow_id", "run_id", "id"]);
        assert!(table.is_by_day());
    }
    let one_file = Table::ALL.into_iter().filter(|table| !table.is_by_day());
    let names: Vec<_> = one_file.map(Table::name).collect();
    assert_eq!(
        names,
        [
            "workflows",
            "workflow_versions",
            "tasks",
            "task_definitions"
        ]
    );
    assert_eq!(Table::DEFAULT, Table::ALL[..4]);
}

#[test]
fn enumerations_know_their_members() {
    for table in Table::ALL {
        for column in table.columns(false) {
            let name = column.name;
            let is_enum = column.kind == Kind::Enum;
            assert_eq!(is_enum, !column.values.is_empty(), "{table:?} {name}");
            let is_open = column.values.contains(&"unknownFutureValue");
            assert_eq!(is_open, is_enum && column.source.is_some(), "{name}");
        }
    }
}

#[test]
fn every_column_is_declared_soundly() {
    for table in Table::ALL {
        let columns = table.columns(true);
        for (at, column) in columns.iter().enumerate() {
            let name = column.name;
            assert!(
                columns[..at].iter().all(|other| other.name != name),
                "{name} twice"
            );
            assert!(
                column.doc.ends_with('.') && column.doc.len() > 15,
                "{name} has a sentence"
            );
            if let Role::Duration { from, to } = column.role {
                let kind = |name| columns.iter().find(|it| it.name == name).map(|it| it.kind);
                assert_eq!(
                    (kind(from), kind(to)),
                    (Some(Kind::Timestamp), Some(Kind::Timestamp))
                );
                assert_eq!((column.kind, column.unit), (Kind::Milliseconds, Some("ms")));
            }
            match column.source {
                Some(source) => {
                    let property = source.split('/').next().unwrap();
                    assert!(table.knows_property(property), "{table:?} {source}");
                    let own = snake_case(source);
                    let own = match own.strip_prefix("task_") {
                        // `task/taskDefinitionId` and what no other object of the row has.
                        Some(own)
                            if source.starts_with("task/") && !AMBIGUOUS.contains(&source) =>
                        {
                            own
                        }
                        _ => &own,
                    };
                    assert_eq!(own, name);
                }
                None => assert!(
                    name.starts_with("_lcw_") || name.ends_with("_id") || name.ends_with("_ms"),
                    "{name} comes from somewhere"
                ),
            }
        }
    }
}

#[test]
fn what_a_null_never_takes_back() {
    let sticky = |table: Table| -> Vec<&str> {
        let columns = table.columns(false).iter();
        let columns = columns.filter(|column| column.role == Role::Sticky);
        columns.map(|column| column.name).collect()
    };
    assert_eq!(
        sticky(Table::UserProcessingResults),
        [
            "subject_id",
            "subject_display_name",
            "subject_user_principal_name",
            "subject_mail",
            "subject_department",
            "subject_job_title",
            "subject_employee_id",
            "subject_employee_hire_date",
            "subject_employee_leave_date_time",
            "subject_account_enabled",
        ]
    );
    assert_eq!(
        sticky(Table::TaskReports),
        [
            "task_id",
            "task_definition_id",
            "task_display_name",
            "task_category",
            "execution_sequence",
            "continue_on_error",
        ]
    );
    assert_eq!(sticky(Table::TaskProcessingResults), ["subject_id"]);
    assert_eq!(sticky(Table::SubjectProcessingResults), ["subject_id"]);
}

/// Properties of a task that its row would mistake for its own.
const AMBIGUOUS: [&str; 3] = ["task/id", "task/displayName", "task/category"];

fn snake_case(source: &str) -> String {
    let mut name = String::new();
    for char in source.chars() {
        match char {
            '/' => name.push('_'),
            _ if char.is_ascii_uppercase() => {
                name.push('_');
                name.push(char.to_ascii_lowercase());
            }
            _ => name.push(char),
        }
    }
    name
}

#[test]
fn types_follow_the_layout() {
    let field = |layout: &Layout, name: &str| {
        Table::Workflows
            .schema(layout)
            .field_with_name(name)
            .unwrap()
            .clone()
    };
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(field(&MICROS, "created_date_time").data_type(), &utc);
    assert_eq!(field(&MICROS, "_lcw_extracted_at").data_type(), &utc);
    assert_eq!(
        field(&AS_SENT, "created_date_time").data_type(),
        &DataType::Utf8
    );
    assert_eq!(
        field(&AS_SENT, "_lcw_extracted_at").data_type(),
        &DataType::Utf8
    );
    assert_eq!(field(&MICROS, "version").data_type(), &DataType::Int32);
    assert_eq!(field(&MICROS, "is_enabled").data_type(), &DataType::Boolean);
    assert!(
        Table::Workflows
            .schema(&MICROS)
            .field_with_name("_lcw_raw")
            .is_err()
    );
    for name in ["execution_conditions", "_lcw_extra", "_lcw_raw"] {
        let json = field(&WITH_RAW, name);
        assert_eq!(json.data_type(), &DataType::Utf8);
        assert_eq!(json.extension_type_name(), Some("arrow.json"));
        assert_eq!(json.extension_type_metadata(), Some(""));
    }
    assert_eq!(field(&MICROS, "id").extension_type_name(), None);
}

#[test]
fn keys_and_lineage_are_never_null() {
    for table in Table::ALL {
        for column in table.columns(false) {
            let required = matches!(
                column.role,
                Role::Key
                    | Role::ExportId
                    | Role::ExtractedAt
                    | Role::FirstExtractedAt
                    | Role::FirstSeen
                    | Role::LastSeen
            ) || (table == Table::Runs
                && ["scheduled_date_time", "_lcw_settled"].contains(&column.name));
            assert_eq!(column.nullable, !required, "{table:?} {}", column.name);
        }
    }
}
