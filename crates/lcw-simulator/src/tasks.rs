//! Built-in task definitions, and the tasks that workflows make of them.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::random;
use crate::render::Style;
use crate::words::{Category, SENTINEL};
use crate::workflow::Workflow;

/// The built-in definitions with the ids that every tenant has: the documented list of 16, with the
/// categories that were added since.
const DEFINITIONS: &str = include_str!("data/task_definitions.json");

/// A kind of task that the service offers.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) display_name: String,
    /// Flags, joined by commas.
    pub(crate) category: String,
    pub(crate) seed: u64,
    value: Value,
}

/// Every definition, in the order in which they are listed.
pub(crate) fn definitions() -> &'static [Definition] {
    static PARSED: OnceLock<Vec<Definition>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let values: Vec<Value> = serde_json::from_str(DEFINITIONS).unwrap_or_default();
        values.into_iter().map(Definition::new).collect()
    })
}

impl Definition {
    fn new(value: Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            display_name: text("displayName"),
            category: text("category"),
            seed: random::mix_text(0xdef, &text("id")),
            value,
        }
    }

    /// Whether workflows of this category may have it.
    fn fits(&self, category: Category) -> bool {
        self.category
            .split(',')
            .any(|flag| flag == category.as_str())
    }
}

/// One task of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) seed: u64,
    pub(crate) definition: &'static Definition,
    value: Value,
}

/// The tasks of a workflow, by execution sequence. They are the same in each of its versions.
pub(crate) fn tasks_of(workflow: &Workflow) -> Vec<Task> {
    let fitting: Vec<&Definition> = definitions()
        .iter()
        .filter(|definition| definition.fits(workflow.category))
        .collect();
    let count = u64::try_from(fitting.len()).unwrap_or(1).max(1);
    (1..=workflow.tasks)
        .zip(0_u64..)
        .filter_map(|(sequence, index)| {
            let pick = usize::try_from((workflow.seed >> 7).wrapping_add(index) % count);
            let definition = *fitting.get(pick.unwrap_or(0))?;
            Some(task(workflow, definition, sequence, index))
        })
        .collect()
}

fn task(workflow: &Workflow, definition: &'static Definition, sequence: i32, index: u64) -> Task {
    let seed = random::mix(&[workflow.seed, 0x7a_5c, index]);
    let id = random::guid_text(random::guid(seed));
    let arguments: Vec<Value> = definition.value["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| argument(parameter, seed))
        .collect();
    Task {
        value: json!({
            "category": definition.category,
            "continueOnError": continues_on_error(index),
            "description": definition.value["description"].as_str().filter(|_| !seed.is_multiple_of(4)),
            "displayName": definition.display_name,
            "executionSequence": sequence,
            "id": id,
            "isEnabled": true,
            "taskDefinitionId": definition.id,
            "arguments": arguments,
        }),
        id,
        seed,
        definition,
    }
}

/// Every other task lets the ones behind it go on when it fails.
pub(crate) const fn continues_on_error(index: u64) -> bool {
    index % 2 == 1
}

/// An argument for a parameter: one of its values, a GUID, or a name without a value.
fn argument(parameter: &Value, seed: u64) -> Value {
    let name = &parameter["name"];
    if seed % 5 == 1 {
        return json!({ "name": name, "value": null });
    }
    let value = match parameter["values"].get(0) {
        Some(first) => first.clone(),
        None => json!(random::guid_text(random::guid(seed ^ 0xa7))),
    };
    json!({ "name": name, "value": value })
}

impl Style<'_> {
    /// Appends one task, as it stands inside a workflow, a version, a task result and a task report.
    pub(crate) fn task(&self, out: &mut Vec<u8>, task: &Task) {
        let shown = self.flags(&task.definition.category);
        push_with_category(out, &task.value, shown);
    }

    /// Appends one task as a row of a collection.
    pub(crate) fn task_row(&self, out: &mut Vec<u8>, task: &Task) {
        self.task(out, task);
        self.reopened(out, task.seed);
    }

    /// Every task as JSON, by execution sequence.
    pub(crate) fn task_texts(&self, workflow: &Workflow) -> Vec<TaskText> {
        tasks_of(workflow)
            .into_iter()
            .map(|task| {
                let mut text = Vec::new();
                self.task(&mut text, &task);
                TaskText { id: task.id, text }
            })
            .collect()
    }

    /// Appends one task definition, as it stands inside a task report.
    pub(crate) fn definition(&self, out: &mut Vec<u8>, definition: &Definition) {
        push_with_category(out, &definition.value, self.flags(&definition.category));
    }

    /// Appends one task definition as a row of a collection.
    pub(crate) fn definition_row(&self, out: &mut Vec<u8>, definition: &Definition) {
        self.definition(out, definition);
        self.reopened(out, definition.seed);
    }

    /// Adds the unknown property to an object that is closed already.
    fn reopened(&self, out: &mut Vec<u8>, seed: u64) {
        out.pop();
        self.unknown_property(out, seed);
        out.push(b'}');
    }

    /// A category of several flags: those that the request does not know become one unknown value.
    fn flags(&self, category: &str) -> String {
        let is_known = |flag: &str| match flag {
            "mover" => self.unknown_members,
            "extensibility" => self.unknown_members && self.beta,
            _ => true,
        };
        let known = category.split(',').filter(|flag| is_known(flag));
        let mut shown: Vec<&str> = known.collect();
        if shown.len() < category.split(',').count() {
            shown.push(SENTINEL);
        }
        shown.join(",")
    }
}

fn push_with_category(out: &mut Vec<u8>, value: &Value, category: String) {
    let mut value = value.clone();
    value["category"] = category.into();
    out.extend_from_slice(value.to_string().as_bytes());
}

/// A task as it is inlined in other rows.
#[derive(Debug, Clone)]
pub(crate) struct TaskText {
    pub(crate) id: String,
    pub(crate) text: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_the_documented_ones_and_fit_every_category() {
        assert_eq!(definitions().len(), 16);
        for category in [
            Category::Joiner,
            Category::Mover,
            Category::Leaver,
            Category::Extensibility,
        ] {
            assert!(
                definitions()
                    .iter()
                    .any(|definition| definition.fits(category)),
                "{category:?}"
            );
        }
    }
}
