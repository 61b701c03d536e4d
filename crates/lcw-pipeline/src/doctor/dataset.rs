//! The dataset that is there already.

use jiff::{SignedDuration, Timestamp};
use lcw_dataset::{Dataset, DatasetError, Manifest, Status};

use super::Check;
use crate::error::PipelineError;
use crate::exit;
use crate::human;
use crate::request::Request;
use crate::tables;
use crate::trouble::describe;

/// Without an export for longer than this, cron has stopped, as a rule.
const LATE: SignedDuration = SignedDuration::from_hours(24);
/// Without one for longer than this, half of what the service keeps has gone by.
const TOO_LATE: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The dataset takes what this request would write, and is not left alone.
pub(super) fn examine(
    request: &Request,
    tenant: Option<&str>,
    now: Timestamp,
    checks: &mut Vec<Check>,
) {
    match open(request) {
        Ok(None) => {
            let message = "no dataset yet; the first export makes it";
            checks.push(Check::pass("dataset", message));
            checks.push(Check::pass("last_export", "no dataset yet"));
        }
        Ok(Some(dataset)) => {
            let message = "its format, schema versions, select, filter and expand fit this request";
            checks.push(Check::pass("dataset", message));
            checks.push(match last_complete(&dataset, tenant) {
                Ok(last) => age(last, now),
                Err(error) => unfit("last_export", error),
            });
        }
        Err(error) => checks.push(unfit("dataset", error)),
    }
}

fn open(request: &Request) -> Result<Option<Dataset>, DatasetError> {
    let is_there = Dataset::inspect(&request.out)?.is_some();
    Ok(Some(tables::open(request)?).filter(|_| is_there))
}

fn unfit(name: &str, error: DatasetError) -> Check {
    let is_mismatch = matches!(error, DatasetError::Mismatch { .. });
    let text = describe(&PipelineError::from(error));
    let (message, remedy) = match text.rsplit_once(": ") {
        // What to do stands behind the difference.
        Some((message, remedy)) if is_mismatch => (message, format!("{remedy} (--out)")),
        _ => {
            let remedy = "do as it says, or export to another folder (--out)";
            (&*text, remedy.to_owned())
        }
    };
    Check::fail(name, exit::USAGE, message, Some(remedy))
}

/// When the newest incremental export of this tenant that reached its end did so.
fn last_complete(
    dataset: &Dataset,
    tenant: Option<&str>,
) -> Result<Option<Timestamp>, DatasetError> {
    let is_it = |manifest: &Manifest| {
        manifest.kind == "export"
            && matches!(manifest.status, Status::Done | Status::Partial)
            && tenant.is_none_or(|tenant| manifest.tenant_id == tenant)
    };
    for manifest in dataset.manifests()? {
        let manifest = manifest?;
        if is_it(&manifest) {
            return Ok(Some(manifest.finished_at.unwrap_or(manifest.started_at)));
        }
    }
    Ok(None)
}

fn age(last: Option<Timestamp>, now: Timestamp) -> Check {
    const NAME: &str = "last_export";
    let remedy = "see why the scheduled exports do not run or do not end; the service keeps 30 \
        days of history, and what is older is lost for good";
    let Some(last) = last else {
        let message = "no export of this tenant has reached its end yet";
        return Check::warn(NAME, message, "run lcw export");
    };
    let age = now.duration_since(last);
    let ago = human::duration(u64::try_from(age.as_secs()).unwrap_or(0));
    let message = format!("the last export ended {ago} ago, at {last}");
    if age > TOO_LATE {
        Check::fail(NAME, exit::FAILED, message, Some(remedy.to_owned()))
    } else if age > LATE {
        Check::warn(NAME, message, remedy)
    } else {
        Check::pass(NAME, message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn an_export_a_day_is_expected_and_none_in_fifteen_is_too_late() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (hours, expected) in [
            (0, Verdict::Pass),
            (24, Verdict::Pass),
            (25, Verdict::Warn),
            (15 * 24, Verdict::Warn),
            (15 * 24 + 1, Verdict::Fail),
        ] {
            let check = age(Some(now - SignedDuration::from_hours(hours)), now);
            assert_eq!(check.status, expected, "{}", check.message);
        }
        assert_eq!(age(None, now).status, Verdict::Warn);
    }
}
