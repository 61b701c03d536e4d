//! The entities: Graph's properties in snake case, each declared once.
//!
//! Source: metadata of Microsoft Graph v1.0 and beta, August 2026, and the pages of the API
//! reference. Date-times are text like `2022-08-24T23:28:01.6476554Z`, enums are open strings.

mod summary;
mod tasks;

pub use summary::Summary;
pub use tasks::{
    InlinedTask, InlinedTaskDefinition, Task, TaskDefinition, TaskProcessingResult, TaskReport,
};

use serde_json::value::RawValue;

use crate::entity::object;
use crate::{Field, Text, WithRaw};

object! {
    /// A workflow, live or soft-deleted.
    ///
    /// A listing holds a part of the properties only; the rest is absent there.
    pub struct Workflow with key id: Text<'a> = "id": "The workflow's id." {
        category: Text<'a> = "category":
            "`joiner`, `leaver`, `mover`, `extensibility`; an open enumeration.",
        display_name: Text<'a> = "displayName": "The name shown in the portal.",
        description: Text<'a> = "description": "What its author says it is for.",
        is_enabled: bool = "isEnabled": "Whether the workflow can run at all.",
        is_scheduling_enabled: bool = "isSchedulingEnabled": "Whether it runs on its schedule.",
        version: i32 = "version": "Number of its current version.",
        created_date_time: Text<'a> = "createdDateTime": "When it was made.",
        last_modified_date_time: Text<'a> = "lastModifiedDateTime": "When it was last changed.",
        deleted_date_time: Text<'a> = "deletedDateTime": "When it was soft-deleted.",
        next_schedule_run_date_time: Text<'a> = "nextScheduleRunDateTime":
            "When its schedule lets it run next.",
        created_by: Reference<'a> = "createdBy": "Who made it.",
        last_modified_by: Reference<'a> = "lastModifiedBy": "Who last changed it.",
        execution_conditions: &'a RawValue = "executionConditions":
            "For whom and when it runs: an object of one of several types.",
    }
    without field: [
        "administrationScopeTargets", "executionScope", "previewScope", "quarantineDetails", "runs",
        "settings", "subjectProcessingResults", "taskReports", "tasks", "userProcessingResults",
        "versions",
    ]
}

object! {
    /// A version of a workflow, its present one included. It has no id: its number is its key.
    ///
    /// A listing holds a part of the properties only; the rest is absent there.
    pub struct WorkflowVersion with key version_number: Field<i32> = "versionNumber":
        "Its number, counted from 1 within its workflow. Always a value." {
        category: Text<'a> = "category":
            "`joiner`, `leaver`, `mover`, `extensibility`; an open enumeration.",
        display_name: Text<'a> = "displayName": "The name shown in the portal.",
        description: Text<'a> = "description": "What its author says it is for.",
        is_enabled: bool = "isEnabled": "Whether the workflow could run at all.",
        is_scheduling_enabled: bool = "isSchedulingEnabled": "Whether it ran on its schedule.",
        created_date_time: Text<'a> = "createdDateTime": "When the version was made.",
        last_modified_date_time: Text<'a> = "lastModifiedDateTime":
            "When the workflow was last changed in this version.",
        created_by: Reference<'a> = "createdBy": "Who made it.",
        last_modified_by: Reference<'a> = "lastModifiedBy": "Who last changed it.",
        execution_conditions: &'a RawValue = "executionConditions":
            "For whom and when it ran: an object of one of several types.",
        tasks: &'a RawValue = "tasks": "Its tasks, where the answer inlines them.",
    }
    without field: ["administrationScopeTargets", "settings"]
}

object! {
    /// A run of a workflow. Its workflow's id is not in the answer.
    ///
    /// While it runs its counters are 0; they settle some minutes after it has completed.
    pub struct Run with key id: Text<'a> = "id": "The run's id: a GUID or `{workflow id}_{ticks}`, opaque in any case." {
        processing_status: Text<'a> = "processingStatus":
            "How far it is; see [`status`](crate::status).",
        workflow_execution_type: Text<'a> = "workflowExecutionType":
            "`scheduled`, `onDemand`, `activatedWithScope`, `preview`; an open enumeration.",
        scheduled_date_time: Text<'a> = "scheduledDateTime": "When it was due; never changes.",
        started_date_time: Text<'a> = "startedDateTime": "When it started; null while queued.",
        completed_date_time: Text<'a> = "completedDateTime":
            "When it ended; null until its status is final.",
        last_updated_date_time: Text<'a> = "lastUpdatedDateTime":
            "When the service last changed this object, counters included.",
        total_users_count: i32 = "totalUsersCount": "Users it processes.",
        successful_users_count: i32 = "successfulUsersCount": "Users without a failed task.",
        failed_users_count: i32 = "failedUsersCount": "Users whose processing failed.",
        total_tasks_count: i32 = "totalTasksCount": "Tasks over all users.",
        failed_tasks_count: i32 = "failedTasksCount": "Failed tasks over all users.",
        total_unprocessed_tasks_count: i32 = "totalUnprocessedTasksCount":
            "Tasks not processed, over all users.",
        activated_on_scope: &'a RawValue = "activatedOnScope":
            "What a reprocessing run was asked to process again; null on ordinary runs.",
    }
    without field: [
        "reprocessedRuns", "subjectProcessingResults", "taskProcessingResults",
        "userProcessingResults",
    ]
}

object! {
    /// What one run did to one user. Neither the run's id nor the workflow's is in the answer.
    pub struct UserProcessingResult with key id: Text<'a> = "id": "The result's id; opaque." {
        subject: Subject<'a> = "subject": "The user.",
        processing_status: Text<'a> = "processingStatus":
            "How far it is; see [`status`](crate::status).",
        workflow_execution_type: Text<'a> = "workflowExecutionType":
            "How its run came about; an open enumeration.",
        workflow_version: i32 = "workflowVersion": "Version of the workflow that was executed.",
        scheduled_date_time: Text<'a> = "scheduledDateTime":
            "When the user was due; may be before the run's.",
        started_date_time: Text<'a> = "startedDateTime": "When it started; null while queued.",
        completed_date_time: Text<'a> = "completedDateTime":
            "When it ended; null until its status is final.",
        total_tasks_count: i32 = "totalTasksCount": "Tasks for this user.",
        failed_tasks_count: i32 = "failedTasksCount": "Failed tasks for this user.",
        total_unprocessed_tasks_count: i32 = "totalUnprocessedTasksCount":
            "Tasks not processed for this user.",
    }
    without field: ["reprocessedRuns", "taskProcessingResults"]
}

object! {
    /// What one run did to one subject that need not be a user (beta). Neither the run's id nor the
    /// workflow's is in the answer.
    pub struct SubjectProcessingResult with key id: Text<'a> = "id": "The result's id; opaque." {
        subject: WithRaw<'a, WorkflowSubject<'a>> = "subject":
            "The subject: an object of one of several types.",
        subject_type: Text<'a> = "subjectType":
            "What the subject is: comma-joined members of an open enumeration. On the reference page, not in the metadata.",
        processing_status: Text<'a> = "processingStatus":
            "How far it is; see [`status`](crate::status).",
        workflow_execution_type: Text<'a> = "workflowExecutionType":
            "How its run came about; an open enumeration.",
        workflow_version: i32 = "workflowVersion": "Version of the workflow that was executed.",
        scheduled_date_time: Text<'a> = "scheduledDateTime": "When the subject was due.",
        started_date_time: Text<'a> = "startedDateTime": "When it started; null while queued.",
        completed_date_time: Text<'a> = "completedDateTime":
            "When it ended; null until its status is final.",
        total_tasks_count: i32 = "totalTasksCount": "Tasks for this subject.",
        failed_tasks_count: i32 = "failedTasksCount": "Failed tasks for this subject.",
        total_unprocessed_tasks_count: i32 = "totalUnprocessedTasksCount":
            "Tasks not processed for this subject.",
    }
    without field: ["reprocessedRuns", "taskProcessingResults"]
}

object! {
    /// The subject of a [`SubjectProcessingResult`].
    pub struct WorkflowSubject {
        id: Text<'a> = "id": "The subject's id.",
    }
    without field: ["attributeSetEntries"]
}

object! {
    /// The user that a result is about: the id alone unless the request expanded it.
    ///
    /// A deleted user's subject is not documented, so the id may be missing.
    pub struct Subject {
        id: Text<'a> = "id": "The user's id.",
        display_name: Text<'a> = "displayName": "The name shown of the user.",
        user_principal_name: Text<'a> = "userPrincipalName": "The name the user signs in with.",
        mail: Text<'a> = "mail": "The user's mail address.",
        department: Text<'a> = "department": "Where the user works.",
        job_title: Text<'a> = "jobTitle": "What the user works as.",
        employee_id: Text<'a> = "employeeId": "The organization's own id of the user.",
        employee_hire_date: Text<'a> = "employeeHireDate": "When the user starts or started.",
        employee_leave_date_time: Text<'a> = "employeeLeaveDateTime":
            "When the user leaves or left.",
        account_enabled: bool = "accountEnabled": "Whether the user can sign in.",
    }
    without field: USER
}

object! {
    /// A user named by another entity: the id alone unless the request expanded it.
    pub struct Reference {
        id: Text<'a> = "id": "The user's id.",
    }
    without field: USER
}

/// Graph's names of a user's properties. Those that hold no plain value (`manager`, `licenseDetails`
/// and many more) are not here: no request of the exporter brings them.
const USER: [&str; 67] = [
    "aboutMe",
    "accountEnabled",
    "ageGroup",
    "birthday",
    "businessPhones",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "createdDateTime",
    "creationType",
    "deletedDateTime",
    "department",
    "deviceEnrollmentLimit",
    "displayName",
    "employeeHireDate",
    "employeeId",
    "employeeLeaveDateTime",
    "employeeType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "faxNumber",
    "givenName",
    "hireDate",
    "identityParentId",
    "imAddresses",
    "infoCatalogs",
    "interests",
    "isManagementRestricted",
    "isResourceAccount",
    "jobTitle",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "mail",
    "mailNickname",
    "mobilePhone",
    "mySite",
    "officeLocation",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "pastProjects",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "preferredName",
    "proxyAddresses",
    "refreshTokensValidFromDateTime",
    "responsibilities",
    "schools",
    "securityIdentifier",
    "showInAddressList",
    "signInSessionsValidFromDateTime",
    "skills",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
];
