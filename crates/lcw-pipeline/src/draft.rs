//! The summary while it is still growing: whatever happens, there is one at the end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lcw_extractor::RequestStats;
use lcw_model::time::format_micros;

use crate::error::PipelineError;
use crate::exit;
use crate::export::Listed;
use crate::not_covered::{Cause, NotCovered};
use crate::request::{Kind, Request};
use crate::retention::Retention;
use crate::summary::{ErrorSummary, ManifestSummary, Requests, Status, Summary, Window};
use crate::survey::Survey;
use crate::written::Written;

/// The facts of an export as they become known.
pub(crate) struct Draft {
    pub(crate) started_at: Timestamp,
    pub(crate) summary: Summary,
}

impl Draft {
    pub(crate) fn new(request: &Request) -> Self {
        let started_at = Timestamp::now();
        let now = seconds(started_at);
        Self {
            started_at,
            summary: Summary {
                export_id: started_at.strftime("%Y%m%dT%H%M%S.%6fZ").to_string(),
                kind: request.kind.name(),
                status: Status::Failed,
                exit_code: exit::FAILED,
                started_at: now.clone(),
                finished_at: now,
                tenant_id: None,
                out: request.out.display().to_string(),
                window: Window::default(),
                tables: request
                    .wanted_tables()
                    .map(|table| (table.name().to_owned(), crate::TableSummary::default()))
                    .collect(),
                requests: Requests::default(),
                runs: crate::RunCounts::default(),
                proof: crate::ProofSummary::default(),
                ways: crate::Ways::default(),
                not_covered: Vec::new(),
                drift: Vec::new(),
                quarantined: BTreeMap::new(),
                lost_days: Vec::new(),
                retention: Retention::default(),
                warnings: Vec::new(),
                manifest: None,
                snapshot: None,
                error: None,
            },
        }
    }

    pub(crate) fn set_window(&mut self, from: Option<i64>, until: Option<i64>) {
        self.summary.window = Window {
            from: from.map(format_micros),
            to: until.map(format_micros),
        };
    }

    pub(crate) fn add_survey(&mut self, survey: &mut Survey) {
        self.summary.runs = survey.counts.clone();
        self.summary.ways.runs_asked_again = survey.asked_again;
        self.summary.ways.runs_found_again = survey.found_again;
        self.summary.not_covered.append(&mut survey.not_covered);
    }

    pub(crate) fn add_listed(&mut self, listed: &Listed) {
        let missing = &mut self.summary.not_covered;
        missing.extend(listed.workflows.not_covered.iter().cloned());
        missing.extend(listed.undated.not_covered.iter().cloned());
        missing.extend(listed.reports.not_covered.iter().cloned());
        self.summary.ways.task_reports = listed.reports.ways.clone();
    }

    /// Days that were lost are missing from the dataset like anything else.
    pub(crate) fn name_lost_days(&mut self) {
        let reason = "the service forgot them before they were exported";
        let lost = self.summary.lost_days.iter();
        let lost = lost.map(|day| lost_day(day, reason));
        self.summary.not_covered.extend(lost);
    }

    /// Days that were exported, and whose files are gone since the service has forgotten them.
    pub(crate) fn add_vanished_days(&mut self, days: Vec<String>) {
        let reason =
            "files that held them are gone from the dataset, and the service has forgotten them";
        let lost = days.iter().map(|day| lost_day(day, reason));
        self.summary.not_covered.extend(lost);
        self.summary.lost_days.extend(days);
        self.summary.lost_days.sort_unstable();
    }

    pub(crate) fn add_written(&mut self, written: Written, manifest: Option<ManifestSummary>) {
        let summary = &mut self.summary;
        summary.drift = written.drift_entries();
        for (name, table) in written.tables {
            summary.tables.insert(name.to_owned(), table);
        }
        summary.runs.fetched = written.fetched;
        summary.runs.skipped_settled += written.known;
        let quarantined = written.quarantined.iter();
        summary.quarantined = quarantined
            .map(|(table, rows)| (table.name().to_owned(), *rows))
            .collect();
        summary.proof = written.proof;
        if summary.proof.filtered {
            summary.warnings.push(
                "the dataset is filtered: the number of its rows proves nothing about users"
                    .to_owned(),
            );
        }
        if summary.proof.over > 0 {
            summary.warnings.push(format!(
                "{} runs returned more users than the service counts for them: their rows are \
                 kept, but the counts do not explain them",
                summary.proof.over
            ));
        }
        summary.ways.results = written.ways.results;
        summary.ways.task_results = written.ways.task_results;
        summary.not_covered.extend(written.not_covered);
        summary.manifest = manifest;
    }

    /// The exit code of an export that reached its end.
    pub(crate) fn code_at_the_end(&self) -> u8 {
        let summary = &self.summary;
        let partial = summary.not_covered.iter().any(|missing| missing.is_partial);
        let unproven = summary.proof.unacknowledged > 0 || !summary.lost_days.is_empty();
        exit::strongest([
            if partial { exit::PARTIAL } else { exit::DONE },
            if unproven { exit::UNPROVEN } else { exit::DONE },
        ])
    }

    pub(crate) fn finish(
        mut self,
        outcome: Result<(), PipelineError>,
        requests: RequestStats,
    ) -> Summary {
        let code = self.code_at_the_end();
        let summary = &mut self.summary;
        summary.requests = Requests {
            sent: requests.sent,
            retried: requests.retried,
            throttled: requests.throttled,
            least: requests.least,
        };
        summary.finished_at = seconds(Timestamp::now());
        summary.exit_code = code;
        summary.status = match code {
            exit::DONE => Status::Complete,
            exit::UNPROVEN => Status::Unproven,
            _ => Status::Partial,
        };
        if let Err(error) = outcome {
            summary.exit_code = error.exit_code();
            summary.status = match error {
                PipelineError::Stopped(_) => Status::Interrupted,
                _ => Status::Failed,
            };
            summary.error = Some(ErrorSummary::from(&error));
        }
        self.summary
    }
}

impl Kind {
    /// `export` or `backfill`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Backfill(_) => "backfill",
        }
    }
}

fn lost_day(day: &str, reason: &str) -> NotCovered {
    NotCovered {
        run_date: Some(day.to_owned()),
        ..NotCovered::plain(format!("runs of {day}"), Cause::Retention, reason, false)
    }
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
