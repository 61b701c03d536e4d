//! Subject processing results: the subjects of a run that are no users.

use crate::json;
use crate::random;
use crate::render::{Style, int, text, word};
use crate::run::Run;
use crate::ticks::Ticks;
use crate::words::{ProcessingStatus, SENTINEL};
use crate::workflow::Workflow;

/// What can be seen of one subject's result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubjectView<'a> {
    pub(crate) run: &'a Run,
    /// Its number in the run, from 0.
    pub(crate) index: u32,
    pub(crate) status: ProcessingStatus,
    pub(crate) started: Option<Ticks>,
    pub(crate) completed: Option<Ticks>,
    pub(crate) total_tasks: i32,
}

/// The subjects of a run as an answer given at `now` shows them.
pub(crate) fn views(run: &Run, now: Ticks) -> impl Iterator<Item = SubjectView<'_>> {
    (0..run.non_users).map(move |index| view_of(run, index, now))
}

fn view_of(run: &Run, index: u32, now: Ticks) -> SubjectView<'_> {
    let completed = run.completed.filter(|&completed| completed <= now);
    let started = run.started.filter(|&started| started <= now);
    let status = match (started, completed) {
        (_, Some(_)) => ProcessingStatus::Completed,
        _ if run.held() => run.outcome,
        (Some(_), None) => ProcessingStatus::InProgress,
        (None, None) => ProcessingStatus::Queued,
    };
    SubjectView {
        run,
        index,
        status,
        started,
        completed,
        total_tasks: if completed.is_some() { run.tasks } else { 0 },
    }
}

impl SubjectView<'_> {
    pub(crate) fn seed(&self) -> u64 {
        random::mix(&[self.run.seed, 0x50_b1, u64::from(self.index)])
    }

    fn subject_id(&self) -> String {
        random::guid_text(random::guid(self.seed() ^ 0x1d))
    }

    pub(crate) fn id(&self, workflow: &Workflow) -> String {
        if self.run.guid_ids {
            return random::guid_text(random::guid(self.seed()));
        }
        let (version, run) = (self.run.version, &self.run.id);
        format!("{}_{version}_{run}_{}", workflow.id, self.subject_id())
    }
}

impl Style<'_> {
    /// Appends one subject processing result.
    pub(crate) fn subject_result(
        &self,
        out: &mut Vec<u8>,
        view: &SubjectView<'_>,
        workflow: &Workflow,
    ) {
        out.extend_from_slice(b"{\"id\":");
        json::push_text(out, &view.id(workflow));
        out.extend_from_slice(b",\"completedDateTime\":");
        json::push_optional_instant(out, view.completed);
        int(out, "failedTasksCount", 0);
        let status = view.status.shown(self.unknown_members);
        word(out, "processingStatus", status);
        out.extend_from_slice(b",\"scheduledDateTime\":");
        json::push_quoted_instant(out, view.run.scheduled);
        out.extend_from_slice(b",\"startedDateTime\":");
        json::push_optional_instant(out, view.started);
        int(out, "totalTasksCount", view.total_tasks);
        int(out, "totalUnprocessedTasksCount", 0);
        let execution = view.run.execution.shown(self.unknown_members, self.beta);
        word(out, "workflowExecutionType", execution);
        int(out, "workflowVersion", view.run.version);
        // The property came late: rows of older style lack it.
        if !view.run.guid_ids {
            let shown = self.unknown_members;
            let kind = if shown {
                "provisioningObject"
            } else {
                SENTINEL
            };
            word(out, "subjectType", kind);
        }
        self.unknown_property(out, view.seed());
        out.extend_from_slice(b",\"subject\":{\"@odata.type\":");
        json::push_text(out, SUBJECT);
        text(out, "id", &view.subject_id());
        out.extend_from_slice(b",\"attributeSetEntries\":[");
        if view.seed() & 1 == 0 {
            out.extend_from_slice(
                b"{\"name\":\"costCenter\",\"value\":\"R&D \\\"7\\\" \xc3\xa9\"}",
            );
        }
        out.extend_from_slice(b"]}}");
    }
}

/// The one subtype of a workflow's subject that is documented.
const SUBJECT: &str = "#microsoft.graph.identityGovernance.provisioningObjectWorkflowSubject";
