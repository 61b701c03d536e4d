//! Rows as JSON, written straight into the page.

use crate::config::DeletedSubject;
use crate::expand::Expansion;
use crate::json;
use crate::person;
use crate::random;
use crate::result::ResultView;
use crate::run::RunView;
use crate::tenant::Tenant;
use crate::workflow::Workflow;

/// The type of `activatedOnScope` of a run that reprocesses another one.
const ACTIVATE_RUN_SCOPE: &str = "#microsoft.graph.identityGovernance.activateRunScope";

/// What an answer depends on besides its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style<'a> {
    pub(crate) tenant: &'a Tenant,
    /// `Prefer: include-unknown-enum-members` was sent.
    pub(crate) unknown_members: bool,
    /// The request went to beta, which has more enum members.
    pub(crate) beta: bool,
    /// What `$expand` asked for.
    pub(crate) expand: Option<&'a Expansion>,
}

impl Style<'_> {
    /// Appends one run.
    pub(crate) fn run(&self, out: &mut Vec<u8>, view: &RunView<'_>) {
        let run = view.run;
        out.extend_from_slice(b"{\"id\":");
        json::push_text(out, &run.id);
        out.extend_from_slice(b",\"completedDateTime\":");
        json::push_optional_instant(out, view.completed);
        int(out, "failedTasksCount", view.totals.failed_tasks);
        int(out, "failedUsersCount", view.totals.failed);
        out.extend_from_slice(b",\"lastUpdatedDateTime\":");
        json::push_quoted_instant(out, view.last_updated);
        word(
            out,
            "processingStatus",
            view.status.shown(self.unknown_members),
        );
        out.extend_from_slice(b",\"scheduledDateTime\":");
        json::push_quoted_instant(out, run.scheduled);
        out.extend_from_slice(b",\"startedDateTime\":");
        json::push_optional_instant(out, view.started);
        int(out, "successfulUsersCount", view.totals.successful);
        int(out, "totalTasksCount", view.totals.tasks);
        int(out, "totalUsersCount", view.totals.users);
        int(out, "totalUnprocessedTasksCount", view.totals.unprocessed);
        word(
            out,
            "workflowExecutionType",
            run.execution.shown(self.unknown_members, self.beta),
        );
        match &run.reprocesses {
            Some(old) => {
                out.extend_from_slice(b",\"activatedOnScope\":{\"@odata.type\":");
                json::push_text(out, ACTIVATE_RUN_SCOPE);
                out.extend_from_slice(
                    b",\"taskScope\":\"failedTasks\",\"userScope\":\"failedUsers\"",
                );
                out.extend_from_slice(b",\"run\":{\"id\":");
                json::push_text(out, old);
                out.extend_from_slice(b"}}");
            }
            // The property came late to v1.0: some rows lack it, others say null.
            None if run.guid_ids => {}
            None => out.extend_from_slice(b",\"activatedOnScope\":null"),
        }
        self.unknown_property(out, run.seed);
        out.push(b'}');
    }

    /// Appends one user processing result; `prefix` is [`result_id_prefix`] of its run.
    pub(crate) fn result(&self, out: &mut Vec<u8>, view: &ResultView<'_>, prefix: &[u8]) {
        out.extend_from_slice(b"{\"id\":\"");
        self.push_result_id(out, view, prefix);
        out.extend_from_slice(b"\",\"completedDateTime\":");
        json::push_optional_instant(out, view.completed);
        int(out, "failedTasksCount", view.failed_tasks);
        word(
            out,
            "processingStatus",
            view.status.shown(self.unknown_members),
        );
        out.extend_from_slice(b",\"scheduledDateTime\":");
        json::push_quoted_instant(out, view.scheduled);
        out.extend_from_slice(b",\"startedDateTime\":");
        json::push_optional_instant(out, view.started);
        int(out, "totalTasksCount", view.total_tasks);
        int(out, "totalUnprocessedTasksCount", view.unprocessed_tasks);
        word(
            out,
            "workflowExecutionType",
            view.execution().shown(self.unknown_members, self.beta),
        );
        int(out, "workflowVersion", view.run.version);
        self.unknown_property(out, view.row_seed());
        self.subject(out, view);
        out.push(b'}');
    }

    pub(crate) fn push_result_id(&self, out: &mut Vec<u8>, view: &ResultView<'_>, prefix: &[u8]) {
        if view.run.guid_ids {
            random::push_guid(out, random::guid(view.row_seed()));
        } else {
            out.extend_from_slice(prefix);
            random::push_guid(out, self.tenant.person_id(view.person()));
        }
    }

    /// The id of a result as plain text.
    pub(crate) fn result_id(&self, workflow: &Workflow, view: &ResultView<'_>) -> String {
        if view.run.guid_ids {
            random::guid_text(random::guid(view.row_seed()))
        } else {
            let person = random::guid_text(self.tenant.person_id(view.person()));
            format!(
                "{}_{}_{}_{person}",
                workflow.id, view.run.version, view.run.id
            )
        }
    }

    pub(crate) fn subject(&self, out: &mut Vec<u8>, view: &ResultView<'_>) {
        let person = view.person();
        let config = &self.tenant.config;
        let deleted = config.deleted_people > 0.0 && self.tenant.is_deleted_person(person);
        if deleted && config.deleted_subject == DeletedSubject::Null {
            out.extend_from_slice(b",\"subject\":null");
            return;
        }
        out.extend_from_slice(b",\"subject\":{");
        if view.row_seed() & 0xf == 9 {
            out.extend_from_slice(b"\"@odata.type\":\"microsoft.graph.user\",");
        }
        out.extend_from_slice(b"\"id\":\"");
        random::push_guid(out, self.tenant.person_id(person));
        out.push(b'"');
        if let Some(Expansion::Subject(selected)) = self.expand
            && !deleted
        {
            person::push_properties(out, config, person, selected.as_deref());
        }
        out.push(b'}');
    }

    /// Appends the poorer form of a workflow, which lists contain.
    pub(crate) fn workflow(&self, out: &mut Vec<u8>, workflow: &Workflow, deleted: bool) {
        out.push(b'{');
        self.workflow_head(out, workflow);
        if deleted {
            out.extend_from_slice(b",\"deletedDateTime\":");
            json::push_optional_instant(out, workflow.deleted);
        }
        text(out, "id", &workflow.id);
        if !deleted {
            flag(out, "isEnabled", workflow.enabled);
            flag(out, "isSchedulingEnabled", workflow.grid.is_some());
        }
        int(out, "version", workflow.version);
        self.unknown_property(out, workflow.seed);
        out.push(b'}');
    }

    /// The properties with which both forms of a workflow begin.
    pub(crate) fn workflow_head(&self, out: &mut Vec<u8>, workflow: &Workflow) {
        let shown = workflow.category.shown(self.unknown_members, self.beta);
        out.extend_from_slice(b"\"category\":\"");
        out.extend_from_slice(shown.as_bytes());
        out.extend_from_slice(b"\",\"description\":");
        match &workflow.description {
            Some(description) => json::push_text(out, description),
            None => out.extend_from_slice(b"null"),
        }
        text(out, "displayName", &workflow.display_name);
        out.extend_from_slice(b",\"lastModifiedDateTime\":");
        json::push_quoted_instant(out, workflow.modified);
        out.extend_from_slice(b",\"createdDateTime\":");
        json::push_quoted_instant(out, workflow.created);
    }

    /// Appends a property that nobody documents, on two rows of three.
    pub(crate) fn unknown_property(&self, out: &mut Vec<u8>, seed: u64) {
        if let Some(name) = &self.tenant.config.answers.unknown_property
            && !seed.is_multiple_of(3)
        {
            out.push(b',');
            json::push_text(out, name);
            out.extend_from_slice(b":{\"level\":");
            json::push_int(out, i32::try_from(seed % 100).unwrap_or(0));
            out.extend_from_slice(b",\"tags\":[\"a\",null]}");
        }
    }
}

/// What the composite ids of a run's results begin with, as it stands in JSON.
pub(crate) fn result_id_prefix(workflow: &Workflow, run: &crate::run::Run) -> Vec<u8> {
    let quoted = json::quoted(&format!("{}_{}_{}_", workflow.id, run.version, run.id));
    quoted
        .as_bytes()
        .get(1..quoted.len() - 1)
        .unwrap_or_default()
        .to_vec()
}

pub(crate) fn int(out: &mut Vec<u8>, name: &str, number: i32) {
    key(out, name);
    json::push_int(out, number);
}

pub(crate) fn text(out: &mut Vec<u8>, name: &str, text: &str) {
    key(out, name);
    json::push_text(out, text);
}

pub(crate) fn flag(out: &mut Vec<u8>, name: &str, flag: bool) {
    key(out, name);
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

/// A value that needs no escaping.
pub(crate) fn word(out: &mut Vec<u8>, name: &str, word: &str) {
    key(out, name);
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}
