//! What one check came to, and what all of them come to.

use lcw_extractor::{ErrorKind, ExtractError};
use serde::Serialize;

use crate::exit;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// An export works, but somebody should look at this.
    Warn,
    /// An export would fail, or lack something that was asked for.
    Fail,
}

/// One thing that an export needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in a word that stays the same from version to version: `cloud`
    /// (of the caller), `token`, `audience`, `tenant`, `permissions`, `least_privilege`, `directory_role`, `clock`,
    /// `table:<name>`, `deleted_workflows`, `folder`, `free_space`, `lock`, `dataset`,
    /// `last_export`.
    pub name: String,
    /// What it came to.
    pub status: Verdict,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The exit code of a failure; 0 for anything else.
    #[serde(skip)]
    pub exit_code: u8,
}

impl Check {
    /// As it should be.
    pub fn pass(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status: Verdict::Pass,
            message: message.into(),
            remedy: None,
            exit_code: exit::DONE,
        }
    }

    /// Worth a look.
    pub fn warn(
        name: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Verdict::Warn,
            remedy: Some(remedy.into()),
            ..Self::pass(name, message)
        }
    }

    /// A failure, with the exit code of its kind.
    pub fn fail(
        name: impl Into<String>,
        exit_code: u8,
        message: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        Self {
            status: Verdict::Fail,
            remedy,
            exit_code,
            ..Self::pass(name, message)
        }
    }

    /// The service, or its token service, said no or nothing.
    pub(super) fn refused(name: impl Into<String>, error: &ExtractError) -> Self {
        let exit_code = match error.kind() {
            ErrorKind::Credentials | ErrorKind::Forbidden => exit::CREDENTIALS,
            ErrorKind::Config => exit::USAGE,
            _ => exit::FAILED,
        };
        let message = crate::trouble::describe(error);
        Self::fail(name, exit_code, message, Some(error.remedy().to_owned()))
    }
}

/// Every check, and the exit code that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// In the order in which an export would come upon them.
    pub checks: Vec<Check>,
    /// 0 when nothing failed, warnings or not. Else that of the failure that comes first in: 3
    /// credentials or permissions, 2 folder, format or configuration, 1 anything else, and 75 when
    /// the only failure is that another export holds the dataset: later it will work.
    pub exit_code: u8,
}

impl Diagnosis {
    pub(super) fn of(checks: Vec<Check>) -> Self {
        const ORDER: [u8; 3] = [exit::CREDENTIALS, exit::USAGE, exit::FAILED];
        let failures = || {
            let failed = |check: &&Check| check.status == Verdict::Fail;
            checks.iter().filter(failed).map(|check| check.exit_code)
        };
        let worst = ORDER
            .into_iter()
            .find(|code| failures().any(|failure| failure == *code));
        let exit_code = worst.or_else(|| failures().next()).unwrap_or(exit::DONE);
        Self { checks, exit_code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_code(failures: &[u8]) -> u8 {
        let mut checks = vec![Check::pass("a", "fine"), Check::warn("b", "odd", "look")];
        let failed = failures
            .iter()
            .map(|code| Check::fail("c", *code, "bad", None));
        checks.extend(failed);
        Diagnosis::of(checks).exit_code
    }

    #[test]
    fn the_worst_failure_decides_and_warnings_do_not() {
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&[exit::LOCKED]), 75);
        assert_eq!(exit_code(&[exit::LOCKED, exit::FAILED]), 1);
        assert_eq!(exit_code(&[exit::FAILED, exit::USAGE]), 2);
        assert_eq!(
            exit_code(&[exit::USAGE, exit::CREDENTIALS, exit::FAILED]),
            3
        );
    }

    #[test]
    fn as_json_a_check_is_what_was_promised() {
        let check = serde_json::to_value(Check::fail("token", 3, "none", None)).unwrap();
        let expected = serde_json::json!({"name": "token", "status": "fail", "message": "none"});
        assert_eq!(check, expected);
        let check = serde_json::to_value(Check::warn("clock", "late", "set it")).unwrap();
        assert_eq!(
            (&check["status"], &check["remedy"]),
            (&"warn".into(), &"set it".into())
        );
    }
}
