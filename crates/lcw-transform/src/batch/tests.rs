use lcw_model::{Text, UserProcessingResult, parse_page};

use super::*;
use crate::testing::{MICROS, body, lineage};

/// Gives a batch of results so many rows of two columns.
fn fill(batch: &mut Batch, rows: usize) {
    let body = body("list-run-userprocessingresults-v1.0-1");
    let page = parse_page::<UserProcessingResult<'_>>(&body).unwrap();
    let result = &page.value[0];
    let scheduled = batch
        .moment("r", "scheduledDateTime", &result.scheduled_date_time)
        .unwrap();
    let status = result.processing_status.as_ref().map(Text::as_str);
    for _ in 0..rows {
        batch
            .row()
            .key("id", &result.id)
            .text(
                "subject_id",
                Field::Value("ea09ac2e-77e3-4134-85f2-25ccf3c33387"),
            )
            .text("processing_status", status)
            .text("workflow_execution_type", Field::Null)
            .int("workflow_version", result.workflow_version)
            .moment("scheduled_date_time", scheduled)
            .moment("started_date_time", Field::Null)
            .moment("completed_date_time", Field::Absent)
            .int("total_tasks_count", Field::Value(1))
            .int("failed_tasks_count", Field::Value(2))
            .int("total_unprocessed_tasks_count", Field::Absent)
            .duration("queue_ms", scheduled, Field::Null)
            .duration("processing_ms", Field::Null, Field::Absent)
            .duration("total_ms", scheduled, scheduled)
            .text(
                "subject_display_name",
                Field::Value("A name of a usual length"),
            )
            .text("subject_user_principal_name", Field::Absent)
            .text("subject_mail", Field::Absent)
            .text("subject_department", Field::Absent)
            .text("subject_job_title", Field::Absent)
            .text("subject_employee_id", Field::Absent)
            .moment("subject_employee_hire_date", scheduled)
            .moment("subject_employee_leave_date_time", Field::Absent)
            .boolean("subject_account_enabled", Field::Value(true))
            .extra("_lcw_extra", &result.extra, &[])
            .raw("_lcw_raw", None)
            .end();
    }
}

fn batch() -> Batch {
    let each = [("workflow_id", "w"), ("run_id", "r")];
    Batch::new(
        Table::UserProcessingResults,
        MICROS,
        &lineage(),
        &each,
        None,
    )
}

#[test]
fn rows_within_the_room_that_was_made_do_not_make_builders_grow() {
    let mut batch = batch();
    batch.reserve(1000);
    assert!(
        batch.capacities().iter().all(|room| *room <= 1),
        "no room before the first row"
    );
    fill(&mut batch, 1);
    let room = batch.capacities();
    fill(&mut batch, 999);
    assert_eq!(batch.capacities(), room);
    assert_eq!(batch.finish().len(), 1000);

    // What the first batch needed is there for the next one at once.
    fill(&mut batch, 1);
    let room = batch.capacities();
    fill(&mut batch, 999);
    assert_eq!(batch.capacities(), room);
}

#[test]
fn a_service_that_promises_too_many_rows_gets_no_more_room_than_the_limit() {
    let mut batch = batch();
    batch.reserve(usize::MAX);
    fill(&mut batch, 1);
    assert!(
        batch
            .capacities()
            .iter()
            .all(|room| *room <= 2 * 40 * MAX_RESERVED_ROWS)
    );
}

#[test]
fn a_batch_without_rows_has_the_whole_schema() {
    let mut batch = batch();
    for _ in 0..2 {
        let rows = batch.finish();
        assert_eq!(rows.len(), 0);
        assert_eq!(rows.absent, None);
        assert_eq!(
            rows.batch.schema(),
            Table::UserProcessingResults.schema(&MICROS)
        );
    }
}
