//! The entities that describe tasks, and what runs did with them.

use serde_json::value::RawValue;

use super::Reference;
use crate::Text;
use crate::entity::object;

object! {
    /// A task of a workflow, as it is now.
    pub struct Task with key id: Text<'a> = "id": "The task's id." {
        category: Text<'a> = "category":
            "For which workflows it is: comma-joined members of an open enumeration.",
        display_name: Text<'a> = "displayName": "The name shown in the portal.",
        description: Text<'a> = "description": "What its author says about it.",
        execution_sequence: i32 = "executionSequence": "Its place among the workflow's tasks.",
        continue_on_error: bool = "continueOnError":
            "Whether the next task runs when this one fails.",
        is_enabled: bool = "isEnabled": "Whether it is executed at all.",
        task_definition_id: Text<'a> = "taskDefinitionId":
            "The built-in task it makes use of; the same in every tenant.",
        arguments: &'a RawValue = "arguments": "Its settings: an array of `{name, value}`.",
    }
    without field: ["taskProcessingResults"]
}

object! {
    /// A task inside another entity: a copy of it as it is now, not as it was executed.
    pub struct InlinedTask {
        id: Text<'a> = "id": "The task's id.",
        category: Text<'a> = "category":
            "For which workflows it is: comma-joined members of an open enumeration.",
        display_name: Text<'a> = "displayName": "The name shown in the portal.",
        execution_sequence: i32 = "executionSequence": "Its place among the workflow's tasks.",
        continue_on_error: bool = "continueOnError":
            "Whether the next task runs when this one fails.",
        task_definition_id: Text<'a> = "taskDefinitionId":
            "The built-in task it makes use of; the same in every tenant.",
    }
    without field: ["arguments", "description", "isEnabled", "taskProcessingResults"]
}

object! {
    /// What one run did to one user with one task. Neither the run's id nor the workflow's is in
    /// the answer, and no id of the user's result either.
    pub struct TaskProcessingResult with key id: Text<'a> = "id": "The result's id; opaque." {
        subject: Reference<'a> = "subject": "The user.",
        task: InlinedTask<'a> = "task": "The task.",
        processing_status: Text<'a> = "processingStatus":
            "How far it is; see [`status`](crate::status).",
        failure_reason: Text<'a> = "failureReason": "Why it failed; null unless it did.",
        processing_info: Text<'a> = "processingInfo": "What the service says about it besides.",
        created_date_time: Text<'a> = "createdDateTime": "When it was queued.",
        started_date_time: Text<'a> = "startedDateTime": "When it started; null while queued.",
        completed_date_time: Text<'a> = "completedDateTime":
            "When it ended; null until its status is final.",
    }
    without field: ["workflowSubject"]
}

object! {
    /// A task that the service offers, the same for all tenants.
    pub struct TaskDefinition with key id: Text<'a> = "id": "The definition's id." {
        category: Text<'a> = "category":
            "For which workflows it is: comma-joined members of an open enumeration.",
        display_name: Text<'a> = "displayName": "The name shown in the portal.",
        description: Text<'a> = "description": "What it does.",
        version: i32 = "version": "Number of its version.",
        continue_on_error: bool = "continueOnError":
            "Whether tasks made of it let the next one run when they fail.",
        parameters: &'a RawValue = "parameters":
            "The settings it takes: an array of `{name, values, valueType}`.",
    }
    without field: []
}

object! {
    /// A task definition inside another entity. Nothing of it has a column.
    pub struct InlinedTaskDefinition {}
    without field: [
        "category", "continueOnError", "description", "displayName", "id", "parameters", "version",
    ]
}

object! {
    /// What one run did with one task, counted over its users. The only reporting entity that names
    /// its run.
    pub struct TaskReport with key id: Text<'a> = "id": "The report's id; opaque." {
        run_id: Text<'a> = "runId": "The run it is about.",
        task: InlinedTask<'a> = "task": "The task; absent unless the request expanded it.",
        task_definition: InlinedTaskDefinition<'a> = "taskDefinition":
            "The built-in task; absent unless the request expanded it.",
        processing_status: Text<'a> = "processingStatus":
            "How far it is; see [`status`](crate::status).",
        total_users_count: i32 = "totalUsersCount": "Users the task is for.",
        successful_users_count: i32 = "successfulUsersCount": "Users it succeeded for.",
        failed_users_count: i32 = "failedUsersCount": "Users it failed for.",
        unprocessed_users_count: i32 = "unprocessedUsersCount": "Users it was not executed for.",
        started_date_time: Text<'a> = "startedDateTime": "When it started; null while queued.",
        completed_date_time: Text<'a> = "completedDateTime":
            "When it ended; null until its status is final.",
        last_updated_date_time: Text<'a> = "lastUpdatedDateTime":
            "When the service last changed this object, counters included.",
    }
    without field: ["taskProcessingResults"]
}
