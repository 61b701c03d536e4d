//! Columns of `tasks`.

use super::members::TASK_CATEGORIES;
use super::{
    EXPORT_ID, EXTRA, EXTRACTED_AT, FIRST_EXTRACTED_AT, FIRST_SEEN, LAST_SEEN, RAW, WORKFLOW_ID,
};
use crate::{Column, Kind};

pub(crate) static TASKS: [Column; 17] = [
    WORKFLOW_ID,
    Column::key("id", "id", "The task's id, unique within its workflow."),
    Column::member(
        "category",
        "category",
        TASK_CATEGORIES,
        "For which workflows the task is: members of `joiner`, `leaver`, `mover`, `extensibility`, comma-joined where there are several. The service may add values.",
    ),
    Column::new(
        "display_name",
        Kind::Text,
        "displayName",
        "Its name in the portal.",
    ),
    Column::new(
        "description",
        Kind::Text,
        "description",
        "What its author says about it.",
    ).may_name_people(),
    Column::new(
        "execution_sequence",
        Kind::Int32,
        "executionSequence",
        "Its place among the tasks of the workflow.",
    ),
    Column::new(
        "continue_on_error",
        Kind::Boolean,
        "continueOnError",
        "Whether a user's next task runs although this one fails.",
    ),
    Column::new(
        "is_enabled",
        Kind::Boolean,
        "isEnabled",
        "Whether it is executed at all.",
    ),
    Column::new(
        "task_definition_id",
        Kind::Id,
        "taskDefinitionId",
        "The built-in task that it makes use of, the same in every tenant. Joins to `task_definitions.id`.",
    ),
    Column::new(
        "arguments",
        Kind::Json,
        "arguments",
        "Its settings: an array of objects with `name` and `value`. They can hold texts and addresses of mails.",
    ).may_name_people(),
    FIRST_SEEN,
    LAST_SEEN,
    EXPORT_ID,
    EXTRACTED_AT,
    FIRST_EXTRACTED_AT,
    EXTRA,
    RAW,
];
