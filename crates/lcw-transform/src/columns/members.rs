//! Members of the enumerations, as Graph's metadata lists them (v1.0 and beta, August 2026).
//!
//! All are open: the service sends members that it adds, to those who ask for them, as they are,
//! and to others as `unknownFutureValue`.

use crate::Proof;

/// `lifecycleWorkflowProcessingStatus`.
pub(crate) const STATUSES: &[&str] = &[
    "queued",
    "inProgress",
    "completed",
    "completedWithErrors",
    "canceled",
    "failed",
    "unknownFutureValue",
    "canceling",
    "quarantined",
];

/// `workflowExecutionType`.
pub(crate) const EXECUTION_TYPES: &[&str] = &[
    "scheduled",
    "onDemand",
    "unknownFutureValue",
    "activatedWithScope",
    "preview",
    "extensibilityOnDemand",
];

/// `lifecycleWorkflowCategory`.
pub(crate) const WORKFLOW_CATEGORIES: &[&str] = &[
    "joiner",
    "leaver",
    "unknownFutureValue",
    "mover",
    "extensibility",
];

/// `lifecycleTaskCategory`, of which a task can have several.
pub(crate) const TASK_CATEGORIES: &[&str] = WORKFLOW_CATEGORIES;

/// What a subject is, which the reference page tells and the metadata does not.
pub(crate) const SUBJECT_TYPES: &[&str] = &["user", "unknownFutureValue", "provisioningObject"];

/// Verdicts of the count proof: the exporter's own, and closed.
pub(crate) const PROOFS: &[&str] = &[
    Proof::Open.as_str(),
    Proof::Matched.as_str(),
    Proof::Short.as_str(),
    Proof::Over.as_str(),
    Proof::Expired.as_str(),
];
