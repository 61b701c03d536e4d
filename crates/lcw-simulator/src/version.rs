//! The versions of a workflow.

use crate::json;
use crate::random;
use crate::render::{Style, flag, int, text};
use crate::ticks::{SECOND, Ticks};
use crate::workflow::Workflow;

/// How long before the next version a version was changed for the last time.
const BEFORE_NEXT: Ticks = SECOND / 8;

/// One version: what of it differs from the workflow as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: i32,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) scheduling: bool,
    pub(crate) created: Ticks,
    pub(crate) modified: Ticks,
}

impl Version {
    pub(crate) fn seed(&self, workflow: &Workflow) -> u64 {
        random::mix(&[
            workflow.seed,
            0x7e_25,
            u64::from(self.number.unsigned_abs()),
        ])
    }
}

/// When the `count` versions of a workflow were made that is as old as this: the first with the workflow, the
/// last before its latest change.
pub(crate) fn births(created: Ticks, modified: Ticks, count: i32) -> Vec<Ticks> {
    let span = modified - created;
    (0..count)
        .map(|index| created + span * i64::from(index) / i64::from(count.max(1)))
        .collect()
}

/// The versions before the current one, as they come with the workflow: the first has no schedule yet.
pub(crate) fn past_of(workflow: &Workflow, births: &[Ticks]) -> Vec<Version> {
    let current = current_of(workflow);
    births
        .windows(2)
        .zip(1..)
        .map(|(pair, number)| Version {
            number,
            description: current
                .description
                .clone()
                .filter(|_| number > 1 || workflow.seed & 1 == 0),
            enabled: true,
            scheduling: current.scheduling && number > 1,
            created: pair[0],
            modified: (pair[1] - BEFORE_NEXT).max(pair[0]),
            ..current.clone()
        })
        .collect()
}

/// The version that runs now.
pub(crate) fn current_of(workflow: &Workflow) -> Version {
    Version {
        number: workflow.version,
        display_name: workflow.display_name.clone(),
        description: workflow.description.clone(),
        enabled: workflow.enabled,
        scheduling: workflow.grid.is_some(),
        created: workflow.version_created,
        modified: workflow.modified,
    }
}

impl Workflow {
    /// Every version, the newest first.
    pub(crate) fn versions(&self) -> Vec<Version> {
        let past = self.past_versions.iter().rev().cloned();
        std::iter::once(current_of(self)).chain(past).collect()
    }

    /// Lets a new version begin: what the workflow is until now becomes its past.
    pub(crate) fn begin_version(&mut self, now: Ticks) {
        let mut past = current_of(self);
        past.modified = (now - BEFORE_NEXT).max(past.created);
        self.past_versions.push(past);
        self.version += 1;
        self.version_created = now;
        self.modified = now;
    }
}

impl Style<'_> {
    /// Appends the poorer form of a version, which lists contain.
    pub(crate) fn version(&self, out: &mut Vec<u8>, workflow: &Workflow, version: &Version) {
        out.push(b'{');
        self.version_head(out, workflow, version);
        out.push(b'}');
    }

    /// Appends the properties of a single version, without braces.
    pub(crate) fn version_detail(&self, out: &mut Vec<u8>, workflow: &Workflow, version: &Version) {
        self.version_head(out, workflow, version);
        self.conditions_and_authors(out, workflow, u64::from(version.number.unsigned_abs()));
    }

    fn version_head(&self, out: &mut Vec<u8>, workflow: &Workflow, version: &Version) {
        out.extend_from_slice(b"\"category\":");
        let category = workflow.category.shown(self.unknown_members, self.beta);
        json::push_text(out, category);
        out.extend_from_slice(b",\"description\":");
        match &version.description {
            Some(description) => json::push_text(out, description),
            None => out.extend_from_slice(b"null"),
        }
        text(out, "displayName", &version.display_name);
        flag(out, "isEnabled", version.enabled);
        flag(out, "isSchedulingEnabled", version.scheduling);
        out.extend_from_slice(b",\"lastModifiedDateTime\":");
        json::push_quoted_instant(out, version.modified);
        int(out, "versionNumber", version.number);
        out.extend_from_slice(b",\"createdDateTime\":");
        json::push_quoted_instant(out, version.created);
        self.unknown_property(out, version.seed(workflow));
    }
}
