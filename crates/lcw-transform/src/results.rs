//! Rows of `user_processing_results`.

use lcw_model::{Field, Subject, Text, UserProcessingResult};

use crate::batch::{Batch, Moment, Nested, Row, of_batch, text};
use crate::{ChildRows, FlattenError, Layout, Lineage, Rows, Table};

/// Flattens results of one run into rows of [`Table::UserProcessingResults`], one per result.
#[derive(Debug)]
pub struct ResultRows {
    batch: Batch,
}

impl ChildRows for ResultRows {
    type Entity<'a> = UserProcessingResult<'a>;

    const TABLE: Table = Table::UserProcessingResults;

    fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self {
        Self {
            batch: Batch::of_run(Self::TABLE, layout, lineage, workflow_id, run_id),
        }
    }

    fn append(
        &mut self,
        result: &UserProcessingResult<'_>,
        raw: Option<&str>,
    ) -> Result<(), FlattenError> {
        let id = result.id.as_str();
        let moment = |property, field| self.batch.moment(id, property, field);
        let scheduled = moment("scheduledDateTime", &result.scheduled_date_time)?;
        let started = moment("startedDateTime", &result.started_date_time)?;
        let completed = moment("completedDateTime", &result.completed_date_time)?;
        let subject = result.subject.as_ref();
        let person = Person::read(&self.batch, id, subject)?;
        let unprocessed = result.total_unprocessed_tasks_count;

        let mut row = self.batch.row();
        row.key("id", id)
            .text("subject_id", subject.and_then(|user| text(&user.id)))
            .member("processing_status", text(&result.processing_status))
            .member(
                "workflow_execution_type",
                text(&result.workflow_execution_type),
            )
            .int("workflow_version", result.workflow_version)
            .moment("scheduled_date_time", scheduled)
            .moment("started_date_time", started)
            .moment("completed_date_time", completed)
            .int("total_tasks_count", result.total_tasks_count)
            .int("failed_tasks_count", result.failed_tasks_count)
            .int("total_unprocessed_tasks_count", unprocessed)
            .duration("queue_ms", scheduled, started)
            .duration("processing_ms", started, completed)
            .duration("total_ms", scheduled, completed);
        person.write(&mut row);
        row.extra("_lcw_extra", &result.extra, &[person.nested()])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }

    of_batch!();
}

/// The user of a result with the instants read.
struct Person<'e> {
    subject: Field<&'e Subject<'e>>,
    hire_date: Field<Moment<'e>>,
    leave_date: Field<Moment<'e>>,
}

impl<'e> Person<'e> {
    fn read(
        batch: &Batch,
        result_id: &str,
        subject: Field<&'e Subject<'e>>,
    ) -> Result<Self, FlattenError> {
        let moment = |property, of: fn(&'e Subject<'e>) -> &'e Field<Text<'e>>| match subject {
            Field::Value(subject) => batch.moment(result_id, property, of(subject)),
            Field::Null => Ok(Field::Null),
            Field::Absent => Ok(Field::Absent),
        };
        Ok(Self {
            subject,
            hire_date: moment("subject/employeeHireDate", |it| &it.employee_hire_date)?,
            leave_date: moment("subject/employeeLeaveDateTime", |it| {
                &it.employee_leave_date_time
            })?,
        })
    }

    /// The columns from `subject_display_name` on.
    fn write(&self, row: &mut Row<'_>) {
        let it = self.subject;
        row.text(
            "subject_display_name",
            it.and_then(|it| text(&it.display_name)),
        )
        .text(
            "subject_user_principal_name",
            it.and_then(|it| text(&it.user_principal_name)),
        )
        .text("subject_mail", it.and_then(|it| text(&it.mail)))
        .text("subject_department", it.and_then(|it| text(&it.department)))
        .text("subject_job_title", it.and_then(|it| text(&it.job_title)))
        .text(
            "subject_employee_id",
            it.and_then(|it| text(&it.employee_id)),
        )
        .moment("subject_employee_hire_date", self.hire_date)
        .moment("subject_employee_leave_date_time", self.leave_date)
        .boolean(
            "subject_account_enabled",
            it.and_then(|it| it.account_enabled),
        );
    }

    fn nested(&self) -> Nested<'e> {
        Nested {
            name: "subject",
            extra: self.subject.into_option().map(|subject| &subject.extra),
            knows: Subject::knows,
        }
    }
}

#[cfg(test)]
mod tests;
