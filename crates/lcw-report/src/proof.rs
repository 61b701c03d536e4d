//! What is missing, and what is proven: what `lcw status` says, for the window.

use std::collections::BTreeMap;

use lcw_model::time::date_of;
use lcw_pipeline::{MatrixRow, StoredShortRun, TenantStatus};

use crate::day::Bounds;
use crate::model::{Proof, Short};
use crate::workflows::Workflows;

/// Verdicts, the worst last.
const VERDICTS: [&str; 5] = ["matched", "over", "open", "unproven", "short"];

/// Whether a day may have runs that count.
fn has_day(bounds: Bounds, day: &str) -> bool {
    let last = bounds
        .to
        .map(|to| date_of(to.saturating_sub(1)).to_string());
    *day >= *date_of(bounds.from).to_string() && last.is_none_or(|last| *day <= *last)
}

/// The worst verdict of each day.
pub(crate) fn verdicts<'m>(
    matrix: &'m [MatrixRow],
    bounds: Bounds,
    workflows: &Workflows,
) -> BTreeMap<&'m str, &'static str> {
    let mut days = BTreeMap::new();
    for row in matrix {
        if !has_day(bounds, &row.run_date) || !workflows.counts(&row.workflow_id) {
            continue;
        }
        let worst = days.entry(row.run_date.as_str()).or_insert(row.verdict);
        if rank(row.verdict) > rank(worst) {
            *worst = row.verdict;
        }
    }
    days
}

fn rank(verdict: &str) -> usize {
    let known = VERDICTS.iter().position(|it| *it == verdict);
    known.unwrap_or(VERDICTS.len())
}

/// What is said of gaps and proof.
pub(crate) fn section(tenant: &TenantStatus, bounds: Bounds, workflows: &Workflows) -> Proof {
    let by_day = verdicts(&tenant.matrix, bounds, workflows);
    let mut days = BTreeMap::<&'static str, u64>::new();
    for verdict in by_day.values() {
        *days.entry(verdict).or_default() += 1;
    }
    let is_in = |short: &&StoredShortRun| {
        let is_day = short.run_date.is_empty() || has_day(bounds, &short.run_date);
        is_day && workflows.counts(&short.workflow_id)
    };
    let short: Vec<Short> = tenant
        .short_runs
        .iter()
        .filter(is_in)
        .map(short_of)
        .collect();
    let unknown = short.iter().filter(|it| it.acknowledged.is_none()).count();
    let in_window = |days: &[String]| {
        days.iter()
            .filter(|it| has_day(bounds, it))
            .cloned()
            .collect()
    };
    let lost_days: Vec<String> = in_window(&tenant.lost_days);
    let worst = by_day.values().map(|verdict| rank(verdict)).max();
    let verdict = match worst {
        _ if unknown > 0 || !lost_days.is_empty() => "not_proven",
        None => "no_runs",
        Some(0 | 1) => "proven",
        Some(2) => "open",
        Some(_) => "not_proven",
    };
    let not_covered = tenant.not_covered.iter().filter(|it| it.is_partial);
    Proof {
        verdict,
        days,
        short,
        short_unacknowledged: unknown as u64,
        days_without_runs: in_window(&tenant.days_without_runs),
        lost_days: tenant.lost_days.clone(),
        days_at_risk: tenant.retention.days_at_risk.clone(),
        not_covered: not_covered
            .map(|it| format!("{}: {}", it.what, it.reason))
            .collect(),
        last_export: tenant.last_export.as_ref().map(|it| {
            let ended = match it.status {
                lcw_dataset::Status::Running => "running",
                lcw_dataset::Status::Done => "done",
                lcw_dataset::Status::Partial => "partial",
                lcw_dataset::Status::Interrupted => "interrupted",
                lcw_dataset::Status::Failed => "failed",
            };
            format!("{} {}, {ended}", it.kind, it.export_id)
        }),
        last_complete_export: tenant
            .last_complete_export
            .as_ref()
            .map(|it| it.started_at.clone()),
        hours_since_last_good_export: tenant.retention.hours_since_last_good_export,
    }
}

fn short_of(it: &StoredShortRun) -> Short {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Short {
        table: it.table.clone(),
        workflow_id: it.workflow_id.clone(),
        run_id: some(&it.run_id),
        run_date: some(&it.run_date),
        counted: it.counted,
        held: it.fetched,
        acknowledged: it.acknowledged.clone(),
    }
}
