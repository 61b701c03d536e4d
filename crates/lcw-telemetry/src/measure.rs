//! What is measured of an export: every metric declared once, and where its number comes from.

use jiff::Timestamp;
use lcw_pipeline::{SERVICE_MEMORY, Status, Summary, exit};

use crate::family::{Definition, Family, Sample};

/// Numbers of tables and exports are far below where an f64 loses units.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "seconds stay below 2^53")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// An export that has ended, whether it came to a summary or not.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The dataset's folder, as it was given.
    pub dataset: &'a str,
    /// `export` or `backfill`.
    pub kind: &'a str,
    /// The exit code of the program.
    pub exit_code: u8,
    /// When it began, by this machine's clock.
    pub started_at: Timestamp,
    /// When it ended, by this machine's clock.
    pub finished_at: Timestamp,
    /// What stopped it, where something did.
    pub error: Option<&'a str>,
    /// What it did; none when it did not come to that, as without credentials.
    pub summary: Option<&'a Summary>,
}

macro_rules! metrics {
    ($($constant:ident $name:literal $help:literal $outlives:literal;)*) => {
        $(static $constant: Definition =
            Definition { name: $name, help: $help, outlives: $outlives };)*
        /// Every metric, in the order in which they are written.
        pub(crate) static ALL: &[&Definition] = &[$(&$constant),*];
    };
}

metrics! {
    INFO "lcw_export_info" "Always 1; says which version exported which tenant." false;
    FINISHED "lcw_export_last_finish_timestamp_seconds" "When the last export ended, however it did." false;
    SUCCEEDED "lcw_export_last_success_timestamp_seconds" "When the last export ended that was done and proven (exit code 0)." true;
    CODE "lcw_export_exit_code" "Exit code of the last export: 0 done and proven; lcw --help lists the others." false;
    DURATION "lcw_export_duration_seconds" "How long the last export took." false;
    REQUESTS "lcw_export_requests" "Requests that the last export sent to Microsoft Graph, repeated ones included." false;
    RETRIED "lcw_export_requests_retried" "Those that repeated an earlier one." false;
    THROTTLED "lcw_export_requests_throttled" "Requests that the service answered with 429." false;
    RUNS "lcw_export_runs" "Runs of the last export, by what was decided about them." false;
    SHORT "lcw_export_shortfalls" "Runs, reports and workflows of which the last export got fewer rows than the service counts." false;
    UNACKNOWLEDGED "lcw_export_shortfalls_unacknowledged" "Those that nobody has acknowledged: any makes the exit code 5." false;
    OVER "lcw_export_runs_over" "Runs with more users than the service counts." false;
    NOT_COVERED "lcw_export_not_covered" "What was asked for and is not in the dataset, by whether it made the export partial (exit code 4)." false;
    DRIFT "lcw_export_drift" "Properties and values that this version of lcw does not know." false;
    WARNINGS "lcw_export_warnings" "Warnings in the summary of the last export." false;
    ROWS "lcw_table_rows" "Rows of the tenant in the table after the last export." false;
    ROWS_NEW "lcw_export_rows_new" "Rows that the table did not have before the last export." false;
    ROWS_REPLACED "lcw_export_rows_replaced" "Rows that took the place of an older state." false;
    FILES "lcw_export_files_written" "Files that the last export wrote." false;
    QUARANTINED "lcw_export_rows_quarantined" "Rows that the last export set aside in _quarantine." false;
    LAST_GOOD "lcw_retention_covered_timestamp_seconds" "Beginning of the last export that left no workflow behind." true;
    LOSES "lcw_retention_loss_timestamp_seconds" "When the service begins to forget what was never exported, unless an export covers it before." true;
    AT_RISK "lcw_retention_dates_at_risk" "Days that no complete export has covered and that the service forgets within half of its memory, as the last export found them." true;
    LOST "lcw_retention_dates_lost" "Days that the service forgot before they were exported, in all the life of the dataset." true;
    OLDEST_LOST "lcw_retention_oldest_lost_day_timestamp_seconds" "The first of those days; absent when there is none." true;
}

/// The metrics of an export that has ended, in the order in which they are declared.
pub fn measure(ended: &Ended<'_>) -> Vec<Family> {
    let mut measured = Measured {
        ended,
        families: Vec::new(),
    };
    measured.how_it_ended();
    if let Some(summary) = ended.summary {
        measured.what_it_did(summary);
        measured.tables(summary);
        measured.retention(summary);
    }
    measured.families
}

struct Measured<'a> {
    ended: &'a Ended<'a>,
    families: Vec<Family>,
}

impl Measured<'_> {
    fn how_it_ended(&mut self) {
        let ended = self.ended;
        let tenant = ended.summary.and_then(|summary| summary.tenant_id.clone());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let info = [
            ("tenant_id", tenant.unwrap_or_default()),
            ("version", version),
        ];
        self.labelled(&INFO, [(&info[..], 1.0)]);
        self.plain(&FINISHED, seconds(ended.finished_at));
        if ended.exit_code == exit::DONE {
            self.plain(&SUCCEEDED, seconds(ended.finished_at));
        }
        self.plain(&CODE, f64::from(ended.exit_code));
        let took = ended.finished_at.duration_since(ended.started_at);
        self.plain(&DURATION, took.as_secs_f64().max(0.0));
    }

    fn what_it_did(&mut self, summary: &Summary) {
        let (requests, runs, proof) = (&summary.requests, &summary.runs, &summary.proof);
        self.plain(&REQUESTS, number(requests.sent));
        self.plain(&RETRIED, number(requests.retried));
        self.plain(&THROTTLED, number(requests.throttled));
        let states = [
            ("listed", runs.listed),
            ("fetched", runs.fetched),
            ("skipped_settled", runs.skipped_settled),
            ("skipped_empty", runs.skipped_empty),
            ("skipped_committed", runs.skipped_committed),
            ("open", runs.open),
            ("expired", runs.expired),
        ];
        self.by(&RUNS, "state", states);
        self.plain(&SHORT, number(proof.short_runs.len() as u64));
        self.plain(&UNACKNOWLEDGED, number(proof.unacknowledged));
        self.plain(&OVER, number(proof.over));
        let missing = &summary.not_covered;
        let partial = missing.iter().filter(|missing| missing.is_partial).count() as u64;
        let known = missing.len() as u64 - partial;
        self.by(
            &NOT_COVERED,
            "partial",
            [("true", partial), ("false", known)],
        );
        self.plain(&DRIFT, number(summary.drift.len() as u64));
        self.plain(&WARNINGS, number(summary.warnings.len() as u64));
    }

    fn tables(&mut self, summary: &Summary) {
        let by_table = |of: fn(&lcw_pipeline::TableSummary) -> u64| {
            let tables = summary.tables.iter();
            tables.map(move |(name, table)| (name.as_str(), of(table)))
        };
        // An export that stopped before it wrote has counted no rows.
        if summary.manifest.is_some() {
            self.by(&ROWS, "table", by_table(|table| table.rows_total));
        }
        self.by(&ROWS_NEW, "table", by_table(|table| table.rows_new));
        self.by(
            &ROWS_REPLACED,
            "table",
            by_table(|table| table.rows_replaced),
        );
        self.by(&FILES, "table", by_table(|table| table.files));
        let quarantined = summary.quarantined.iter();
        let quarantined = quarantined.map(|(table, rows)| (table.as_str(), *rows));
        self.by(&QUARANTINED, "table", quarantined);
    }

    /// Nothing is known of it before the listings, and a backfill covers nothing.
    fn retention(&mut self, summary: &Summary) {
        let retention = &summary.retention;
        let is_whole = matches!(summary.status, Status::Complete | Status::Unproven);
        let covers = is_whole && self.ended.kind == "export";
        let before = retention.last_good_export.as_deref();
        let before = before.and_then(|at| at.parse::<Timestamp>().ok());
        let covered = if covers {
            Some(self.ended.started_at)
        } else {
            before
        };
        if let Some(covered) = covered {
            self.plain(&LAST_GOOD, seconds(covered));
            self.plain(&LOSES, seconds(covered) + SERVICE_MEMORY.as_secs_f64());
        }
        if summary.window.from.is_none() {
            return;
        }
        let at_risk = if covers {
            0
        } else {
            retention.days_at_risk.len()
        };
        self.plain(&AT_RISK, number(at_risk as u64));
        self.plain(&LOST, number(retention.days_lost.len() as u64));
        if let Some(oldest) = retention
            .days_lost
            .iter()
            .min()
            .and_then(|day| midnight(day))
        {
            self.plain(&OLDEST_LOST, seconds(oldest));
        }
    }

    fn plain(&mut self, definition: &'static Definition, value: f64) {
        self.labelled(definition, [(&[][..], value)]);
    }

    fn by<'a>(
        &mut self,
        definition: &'static Definition,
        label: &'static str,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        let samples = counts.into_iter().map(|(name, count)| {
            let labels = self.labels(&[(label, name.to_owned())]);
            let value = number(count);
            Sample { labels, value }
        });
        let samples = samples.collect();
        self.add(definition, samples);
    }

    fn labelled<'a>(
        &mut self,
        definition: &'static Definition,
        samples: impl IntoIterator<Item = (&'a [(&'a str, String)], f64)>,
    ) {
        let samples = samples.into_iter().map(|(labels, value)| Sample {
            labels: self.labels(labels),
            value,
        });
        let samples = samples.collect();
        self.add(definition, samples);
    }

    fn add(&mut self, definition: &'static Definition, samples: Vec<Sample>) {
        if !samples.is_empty() {
            self.families.push(Family {
                definition,
                samples,
            });
        }
    }

    /// Which dataset and kind of export it is about: several of them may be scraped together.
    fn labels(&self, further: &[(&str, String)]) -> Vec<(String, String)> {
        let common = [
            ("dataset", self.ended.dataset.to_owned()),
            ("kind", self.ended.kind.to_owned()),
        ];
        let all = common.iter().chain(further);
        all.map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }
}

fn midnight(day: &str) -> Option<Timestamp> {
    format!("{day}T00:00:00Z").parse().ok()
}
