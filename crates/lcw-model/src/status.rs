//! Processing statuses (`lifecycleWorkflowProcessingStatus`), an open enumeration.

/// Statuses after which a run or result does not move on by itself.
pub const FINAL: [&str; 4] = ["completed", "completedWithErrors", "canceled", "failed"];

/// Whether a run or result with this status is done. Every status that is not known to be final is
/// open: `queued`, `inProgress`, `canceling`, `quarantined`, `unknownFutureValue` and all that the
/// service adds later.
///
/// ```
/// assert!(lcw_model::status::is_final("completedWithErrors"));
/// assert!(!lcw_model::status::is_final("quarantined"));
/// ```
pub fn is_final(status: &str) -> bool {
    FINAL.contains(&status)
}
