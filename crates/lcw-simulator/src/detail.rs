//! A single workflow as GET shows it: richer than its row in the list.

use serde_json::{Value, json};

use crate::json;
use crate::random;
use crate::render::{Style, flag, int, text};
use crate::tasks;
use crate::ticks::Ticks;
use crate::words::Category;
use crate::workflow::Workflow;

impl Style<'_> {
    /// Appends the properties of a single workflow, without braces, so that a context can stand before them.
    pub(crate) fn workflow_detail(&self, out: &mut Vec<u8>, workflow: &Workflow, now: Ticks) {
        self.workflow_head(out, workflow);
        out.extend_from_slice(b",\"deletedDateTime\":");
        json::push_optional_instant(out, workflow.deleted.filter(|&deleted| deleted <= now));
        text(out, "id", &workflow.id);
        flag(out, "isEnabled", workflow.enabled);
        flag(out, "isSchedulingEnabled", workflow.grid.is_some());
        out.extend_from_slice(b",\"nextScheduleRunDateTime\":");
        let upcoming = workflow
            .grid
            .as_ref()
            .and_then(|grid| grid.upcoming(workflow.seed));
        json::push_optional_instant(out, upcoming.filter(|_| workflow.deleted.is_none()));
        int(out, "version", workflow.version);
        self.conditions_and_authors(out, workflow, u64::MAX);
        self.unknown_property(out, workflow.seed);
    }

    /// What single workflows and single versions have and their rows in lists do not. `salt` decides who made
    /// the latest change.
    pub(crate) fn conditions_and_authors(&self, out: &mut Vec<u8>, workflow: &Workflow, salt: u64) {
        value(out, "executionConditions", &conditions(workflow));
        value(
            out,
            "lastModifiedBy",
            &json!({ "id": administrator(workflow, salt) }),
        );
        self.tasks_inlined(out, workflow);
        value(
            out,
            "createdBy",
            &json!({ "id": administrator(workflow, 0) }),
        );
    }

    fn tasks_inlined(&self, out: &mut Vec<u8>, workflow: &Workflow) {
        out.extend_from_slice(b",\"tasks\":[");
        for (task, index) in tasks::tasks_of(workflow).iter().zip(0..) {
            if index > 0 {
                out.push(b',');
            }
            self.task(out, task);
        }
        out.push(b']');
    }
}

fn value(out: &mut Vec<u8>, name: &str, value: &Value) {
    out.push(b',');
    json::push_text(out, name);
    out.push(b':');
    out.extend_from_slice(value.to_string().as_bytes());
}

fn administrator(workflow: &Workflow, salt: u64) -> String {
    random::guid_text(random::guid(random::mix(&[
        workflow.seed % 3,
        salt & 1,
        0xad,
    ])))
}

fn conditions(workflow: &Workflow) -> Value {
    const PREFIX: &str = "#microsoft.graph.identityGovernance.";
    if workflow.grid.is_none() {
        return json!({ "@odata.type": format!("{PREFIX}onDemandExecutionOnly") });
    }
    let trigger = match workflow.category {
        Category::Joiner => json!({
            "@odata.type": format!("{PREFIX}timeBasedAttributeTrigger"),
            "timeBasedAttribute": "employeeHireDate",
            "offsetInDays": -i32::try_from(workflow.seed % 8).unwrap_or(0),
        }),
        // beta's mapping of provisioning attributes has no properties that are documented.
        Category::Extensibility => {
            return json!({ "@odata.type": format!("{PREFIX}provisioningAttributeMapping") });
        }
        Category::Mover => json!({
            "@odata.type": format!("{PREFIX}attributeChangeTrigger"),
            "triggerAttributes": [{ "name": "department" }],
        }),
        Category::Leaver => json!({
            "@odata.type": format!("{PREFIX}timeBasedAttributeTrigger"),
            "timeBasedAttribute": "employeeLeaveDateTime",
            "offsetInDays": i32::try_from(workflow.seed % 31).unwrap_or(0),
        }),
    };
    json!({
        "@odata.type": format!("{PREFIX}triggerAndScopeBasedConditions"),
        "scope": {
            "@odata.type": format!("{PREFIX}ruleBasedSubjectSet"),
            "rule": format!("(department eq '{}')", crate::names::department(workflow.seed)),
        },
        "trigger": trigger,
    })
}
