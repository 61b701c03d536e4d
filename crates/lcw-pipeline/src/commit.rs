//! The writing thread: workflows, then day after day, then the closed manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use lcw_dataset::{
    Dataset, DatasetError, Export, Listing, ManifestHead, ManifestRef, ManifestTail, ProofCounts,
    RequestCounts, RunCounts, Status, Window, Writer,
};
use lcw_extractor::GraphClient;
use lcw_model::time::date_of;
use lcw_transform::{Layout, Lineage, Table};
use tokio::sync::mpsc;
use tracing::warn;

use crate::decode::SetAside;
use crate::error::PipelineError;
use crate::exit;
use crate::export::Stop;
use crate::fetch::{DayPlan, Fetched};
use crate::not_covered::NotCovered;
use crate::people::People;
use crate::prepare::args_hash;
use crate::proof::ShortRun;
use crate::request::{Kind, Request};
use crate::state::{State, Totals};
use crate::summaries::Counted;
use crate::summary::ManifestSummary;
use crate::undated::Undated;
use crate::workflows;
use crate::write::{RowContext, write_days, write_undated};
use crate::written::Written;

/// Everything the writing thread needs to know.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) client: GraphClient,
    pub(crate) export_id: String,
    pub(crate) started_at: Timestamp,
    pub(crate) layout: Layout,
    pub(crate) tenant: String,
    /// When the runs were listed, in microseconds of the service's clock.
    pub(crate) listed_at: i64,
    /// Workflows whose listing worked, with the instant it reached back to.
    pub(crate) listed: BTreeMap<String, i64>,
    pub(crate) counts: crate::RunCounts,
    /// Whether something was left out before the first row was fetched.
    pub(crate) is_partial: bool,
    pub(crate) state: State,
    /// Days that are lost because their files are gone.
    pub(crate) vanished_files: BTreeMap<String, String>,
    /// Whether recorded files were found to be gone.
    pub(crate) has_vanished: bool,
    pub(crate) people: People,
    pub(crate) workflows: Vec<Box<str>>,
    /// Ids of the workflows whose details are still to be read, once these are written.
    pub(crate) without_details: BTreeSet<String>,
    pub(crate) undated: Undated,
    pub(crate) days: Vec<Arc<DayPlan>>,
    /// What the service counts, by workflow.
    pub(crate) counted: BTreeMap<String, Counted>,
    /// Workflows that the service could not count this time.
    pub(crate) uncounted: BTreeSet<String>,
    /// Workflows that were not where they were listed.
    pub(crate) not_where_listed: BTreeMap<String, bool>,
    /// What was left out before the first row was fetched.
    pub(crate) not_covered: Vec<NotCovered>,
    /// Rows of listings that the tables cannot hold.
    pub(crate) set_aside: Vec<SetAside>,
    /// Tables and workflows that could not be read before the first row was fetched.
    pub(crate) unread: BTreeSet<(Table, String)>,
    /// Turns to an exit code when the day that is being written is to be given up.
    pub(crate) stop: Stop,
    /// Why nothing more comes, once nothing more comes.
    pub(crate) why_cut: Arc<Mutex<Option<PipelineError>>>,
}

/// What became of a [`Job`].
pub(crate) type Done = (Written, Option<ManifestSummary>, Result<(), PipelineError>);

/// Writes everything that comes through `runs`, and closes the manifest whatever happens.
pub(crate) fn commit(
    mut writer: Writer,
    mut job: Job,
    mut fetched: mpsc::Receiver<Fetched>,
) -> Done {
    let mut written = Written {
        counted: std::mem::take(&mut job.counted),
        unread: std::mem::take(&mut job.unread),
        people: job.people.clone(),
        ..Written::default()
    };
    written.proof.filtered = job.request.is_filtered();
    let dataset = writer.dataset().clone();
    let mut export = match writer.begin(job.head()) {
        Ok(export) => export,
        Err(error) => return (written, None, Err(error.into())),
    };
    job.hand_over(&mut export);
    let stop = job.stop.clone();
    export.stop_when(move || stop.borrow().is_some());
    let outcome = job.write(&dataset, &mut export, &mut fetched, &mut written);
    drop(fetched);
    let outcome = outcome.map_err(|error| job.as_asked(error));
    let outcome = outcome.and_then(|()| job.was_cut().map_or(Ok(()), Err));
    written.name_refusals();
    if outcome.is_ok() {
        written.compare_counts(job.request.is_filtered());
    }
    job.acknowledge(&mut written);
    job.remember(&mut export, &written, outcome.is_ok());
    match (export.close(job.tail(&written, &outcome)), outcome) {
        (Ok(manifest), outcome) => (written, Some(summary_of(&manifest)), outcome),
        (Err(error), Ok(())) => (written, None, Err(error.into())),
        (Err(error), outcome) => {
            warn!(%error, "the manifest could not be closed; the next export will reconcile it");
            (written, None, outcome)
        }
    }
}

impl Job {
    fn head(&self) -> ManifestHead {
        let at = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        let window = match &self.request.kind {
            Kind::Export => self.listed.values().min().map(|from| Window {
                from: at(*from),
                to: at(self.listed_at),
            }),
            Kind::Backfill(backfill) => Some(Window {
                from: backfill.from,
                to: backfill.to,
            }),
        };
        ManifestHead {
            export_id: self.export_id.clone(),
            kind: self.request.kind.name().to_owned(),
            args_hash: args_hash(&self.request),
            started_at: self.started_at,
            window,
        }
    }

    fn context(&self) -> RowContext {
        RowContext {
            layout: self.layout,
            export_id: self.export_id.clone(),
            listed_at: self.listed_at,
            wanted: self.request.reading(),
            is_filtered: self.request.is_filtered(),
            people: self.people.clone(),
        }
    }

    fn write(
        &mut self,
        dataset: &Dataset,
        export: &mut Export<'_>,
        fetched: &mut mpsc::Receiver<Fetched>,
        written: &mut Written,
    ) -> Result<(), PipelineError> {
        let before = self.totals_before(dataset)?;
        let outcome = self.write_tables(export, fetched, written, &before);
        // What is there is counted, however far that went.
        let counted = self.totals_after(dataset, &before, written);
        outcome.and(counted)
    }

    fn write_tables(
        &mut self,
        export: &mut Export<'_>,
        fetched: &mut mpsc::Receiver<Fetched>,
        written: &mut Written,
        before: &BTreeMap<Table, u64>,
    ) -> Result<(), PipelineError> {
        let context = self.context();
        self.write_undated(export, &context.lineage(), written)?;
        let days = std::mem::take(&mut self.days);
        let last_day = days
            .last()
            .map_or_else(|| date_of(self.listed_at), |plan| plan.day);
        // After a cut, the last day is one that was never reached.
        if write_days(export, days, &context, fetched, written)? {
            let every_table = Table::ALL.map(Table::name);
            for table in export.ensure_every_table_has_a_file(&every_table, last_day)? {
                // Tables that were not asked for get a file, but no word in the summary.
                if before.keys().any(|wanted| wanted.name() == table) {
                    written.tables.entry(table).or_default().files += 1;
                }
            }
        }
        Ok(())
    }

    /// Writes the tables that have one file each, and what of the listings no table can hold.
    fn write_undated(
        &mut self,
        export: &mut Export<'_>,
        lineage: &Lineage,
        written: &mut Written,
    ) -> Result<(), PipelineError> {
        let rows = workflows::rows(&self.workflows, self.layout, lineage)?;
        let mut tables = vec![(Table::Workflows, rows)];
        tables.extend(self.undated.rows(self.layout, lineage)?);
        for (table, lines) in written.set_aside(std::mem::take(&mut self.set_aside)) {
            export.quarantine(table.name(), &lines)?;
        }
        write_undated(export, tables, written)?;
        self.undated.note(&mut self.state);
        self.state.without_details = std::mem::take(&mut self.without_details);
        Ok(())
    }

    /// Rows of each table before this export; counted only where the last count no longer holds.
    fn totals_before(&self, dataset: &Dataset) -> Result<BTreeMap<Table, u64>, PipelineError> {
        let mut rows = BTreeMap::new();
        for table in self.request.wanted_tables() {
            let known = self
                .state
                .totals
                .get(table.name())
                .copied()
                .unwrap_or_default();
            let measured = Totals::measure(dataset, &self.tenant, table, Some(known.rows))?;
            let trusted = known.still_holds(&measured);
            let total = if trusted {
                measured
            } else {
                Totals::measure(dataset, &self.tenant, table, None)?
            };
            rows.insert(table, total.rows);
        }
        Ok(rows)
    }

    fn totals_after(
        &mut self,
        dataset: &Dataset,
        before: &BTreeMap<Table, u64>,
        written: &mut Written,
    ) -> Result<(), PipelineError> {
        for (table, before) in before {
            let summary = written.tables.entry(table.name()).or_default();
            summary.rows_total = before + summary.rows_new;
            let known = Some(summary.rows_total);
            let totals = Totals::measure(dataset, &self.tenant, *table, known)?;
            self.state.totals.insert(table.name().to_owned(), totals);
        }
        Ok(())
    }

    /// A day that was given up because somebody asked to stop.
    fn as_asked(&self, error: PipelineError) -> PipelineError {
        match (error, *self.stop.borrow()) {
            (PipelineError::Dataset(DatasetError::Stopped), Some(code)) => {
                PipelineError::Stopped(code)
            }
            (error, _) => error,
        }
    }

    fn was_cut(&self) -> Option<PipelineError> {
        self.why_cut.lock().ok().and_then(|mut why| why.take())
    }

    /// Says of each shortfall whether somebody has acknowledged it, and remembers the workflows
    /// of which the service counts more than there is.
    fn acknowledge(&mut self, written: &mut Written) {
        let proof = &mut written.proof;
        for short in &mut proof.short_runs {
            short.acknowledged = self.state.reason_for(short).map(str::to_owned);
            proof.unacknowledged += u64::from(short.acknowledged.is_none());
        }
        for workflow in &proof.workflows {
            let of_workflow = |short: &&ShortRun| {
                short.run_id.is_empty() && short.workflow_id == workflow.workflow_id
            };
            let short = proof.short_runs.iter().filter(of_workflow).cloned();
            let short: Vec<ShortRun> = short.collect();
            self.state.doubt(workflow, &short, self.listed_at);
        }
    }

    /// Hands over to the next export what this one has learned.
    fn remember(&mut self, export: &mut Export<'_>, written: &Written, all_committed: bool) {
        self.state.forget_old_doubts(self.listed_at);
        if all_committed {
            let listed = &self.listed;
            self.state.uncounted.retain(|id| !listed.contains_key(id));
        }
        self.state.uncounted.append(&mut self.uncounted);
        match self.request.kind {
            Kind::Export if all_committed => {
                let vanished = std::mem::take(&mut self.vanished_files);
                self.state.set_vanished(vanished);
            }
            // Who has not said so to the end leaves it to the next export to find it again.
            _ if self.has_vanished => self.state.totals.clear(),
            _ => {}
        }
        if let Kind::Export = self.request.kind {
            self.state.not_where_listed = std::mem::take(&mut self.not_where_listed);
            if all_committed {
                self.state.moved.clear();
            }
            self.state.moved.extend(written.moved.iter().cloned());
            let tables = self.request.tables_by_run();
            for (workflow, from) in &self.listed {
                let is_read = |table: Table| {
                    let unread = |table| written.unread.contains(&(table, workflow.clone()));
                    all_committed && !unread(table) && !unread(Table::Runs)
                };
                for table in tables.iter().filter(|table| is_read(**table)) {
                    self.state.set_complete(workflow, &[*table], self.listed_at);
                }
                let at = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
                let listing = Listing {
                    from: at(*from),
                    listed_at: at(self.listed_at),
                    complete: tables.iter().all(|table| is_read(*table)),
                };
                export.set_listing(workflow.clone(), listing);
            }
        }
        self.hand_over(export);
    }

    /// Puts what the next export has to know into the manifest.
    fn hand_over(&self, export: &mut Export<'_>) {
        match serde_json::to_value(&self.state) {
            Ok(state) => export.set_state(state),
            Err(error) => warn!(%error, "the state for the next export could not be written"),
        }
    }

    fn tail(&self, written: &Written, outcome: &Result<(), PipelineError>) -> ManifestTail {
        let stats = self.client.stats();
        ManifestTail {
            status: match outcome {
                Err(PipelineError::Stopped(_)) => Status::Interrupted,
                Err(error) if error.exit_code() == exit::THROTTLED => Status::Interrupted,
                Err(_) => Status::Failed,
                Ok(()) if self.is_partial || written.is_partial() => Status::Partial,
                Ok(()) => Status::Done,
            },
            finished_at: Timestamp::now(),
            requests: RequestCounts {
                sent: stats.sent,
                retried: stats.retried,
                throttled: stats.throttled,
            },
            runs: RunCounts {
                listed: self.counts.listed,
                fetched: written.fetched,
                skipped_settled: self.counts.skipped_settled,
                skipped_empty: self.counts.skipped_empty,
                open: self.counts.open,
            },
            proof: ProofCounts {
                matched: written.proof.matched,
                short: written.proof.short,
                over: written.proof.over,
                unproven: written.proof.unproven,
                filtered: written.proof.filtered,
            },
            not_covered: {
                let missing: Vec<_> = self
                    .not_covered
                    .iter()
                    .chain(&written.not_covered)
                    .collect();
                serde_json::to_value(missing).unwrap_or_default()
            },
            drift: serde_json::to_value(written.drift_entries()).unwrap_or_default(),
        }
    }
}

fn summary_of(manifest: &ManifestRef) -> ManifestSummary {
    ManifestSummary {
        path: manifest.path.display().to_string(),
        sha256: manifest.sha256.clone(),
    }
}
