//! A single workflow as GET shows it: richer than its row in the list.

use serde_json::{Value, json};

use crate::json;
use crate::random;
use crate::render::{Style, flag, int, text};
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
        value(out, "executionConditions", &conditions(workflow));
        value(
            out,
            "lastModifiedBy",
            &json!({ "id": administrator(workflow, u64::MAX) }),
        );
        value(out, "tasks", &tasks(workflow, self.unknown_members));
        value(
            out,
            "createdBy",
            &json!({ "id": administrator(workflow, 0) }),
        );
        self.unknown_property(out, workflow.seed);
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

/// Built-in tasks: category, name, definition.
const TASKS: [(&str, &str, &str); 6] = [
    (
        "joiner,leaver",
        "Enable User Account",
        "6fc52c9d-398b-4305-9763-15f42c1676fc",
    ),
    (
        "joiner",
        "Send Welcome Email",
        "70b29d51-b59a-4773-9280-8841dfd3f2ea",
    ),
    (
        "joiner,leaver,mover",
        "Add User To Groups",
        "22085229-5809-45e8-97fd-270d28d66910",
    ),
    (
        "leaver",
        "Disable User Account",
        "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950",
    ),
    (
        "leaver",
        "Remove user from all groups",
        "b3a31406-2a15-4c9a-b25b-a658fa5f07fc",
    ),
    (
        "leaver",
        "Delete User Account",
        "8d18588d-9ad3-4c0f-99d0-ec215f0e3dff",
    ),
];

fn tasks(workflow: &Workflow, unknown_members: bool) -> Value {
    (1..=workflow.tasks)
        .zip(0_u64..)
        .map(|(sequence, index)| {
            let pick = usize::try_from((workflow.seed >> 7).wrapping_add(index) % 6).unwrap_or(0);
            let (category, name, definition) = TASKS[pick];
            let category = match category.strip_suffix(",mover") {
                Some(shown) if !unknown_members => format!("{shown},unknownFutureValue"),
                _ => category.to_owned(),
            };
            json!({
                "category": category,
                "continueOnError": index % 2 == 1,
                "description": null,
                "displayName": name,
                "executionSequence": sequence,
                "id": random::guid_text(random::guid(random::mix(&[workflow.seed, 0x7a_5c, index]))),
                "isEnabled": true,
                "taskDefinitionId": definition,
                "arguments": [],
            })
        })
        .collect()
}
