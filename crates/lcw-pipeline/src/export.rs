//! One export from the first request to the closed manifest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use lcw_dataset::{Dataset, Identity, Writer};
use lcw_extractor::{ExtractError, GraphClient};
use lcw_transform::Layout;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::commit::{Job, commit};
use crate::draft::Draft;
use crate::error::PipelineError;
use crate::exit;
use crate::fetch::{FetchedRun, Fetcher, Outcome};
use crate::prepare::{Source, Target, by_run, survey};
use crate::progress::Progress;
use crate::request::{Kind, Request};
use crate::summary::Summary;
use crate::survey::{RunTask, Survey};
use crate::tables::{layout, specs};
use crate::trouble::Breaker;
use crate::workflows::{KnownWorkflows, details};
use crate::writing_thread::WritingThread;

/// Turns to an exit code when the export is to stop at the next safe point.
pub type Stop = watch::Receiver<Option<u8>>;

/// Runs one export. Always returns a summary: of what was done, and of why it ended.
pub async fn export(
    request: Request,
    client: GraphClient,
    progress: Arc<Progress>,
    stop: Stop,
) -> Summary {
    let mut draft = Draft::new(&request);
    let exporter = Exporter {
        request,
        client: client.clone(),
        progress,
        stop,
    };
    let outcome = exporter.run(&mut draft).await;
    draft.finish(outcome, client.stats())
}

struct Exporter {
    request: Request,
    client: GraphClient,
    progress: Arc<Progress>,
    stop: Stop,
}

impl Exporter {
    async fn run(&self, draft: &mut Draft) -> Result<(), PipelineError> {
        let format = self.request.format.loader();
        let layout = layout(format.as_ref(), self.request.keep_raw);
        self.refuse_what_cannot_be_written()?;
        self.progress.doing("reading workflows");
        let source = self
            .until_stopped(Source::read(&self.request, &self.client))
            .await?;
        draft.summary.tenant_id = Some(source.tenant.clone());
        draft
            .summary
            .not_covered
            .extend(source.catalog.not_covered.iter().cloned());

        let (writer, mut target) = self.open(layout, source.tenant.clone(), source.now).await?;
        draft.summary.export_id = writer.next_export_id(draft.started_at)?;
        self.progress.doing(format!(
            "listing runs of {} workflows",
            source.catalog.scopes.len()
        ));
        let tables = by_run(&self.request);
        let mut survey = self
            .until_stopped(async {
                Ok(survey(&self.request, &self.client, &source, &target).await?)
            })
            .await?;
        self.describe_window(draft, &survey);
        draft
            .summary
            .warnings
            .extend(target.warning(source.now, &survey, &self.request, &tables));
        draft.summary.warnings.extend(target.runs.warning());
        draft.add_survey(&mut survey);
        if matches!(self.request.kind, Kind::Export) {
            let lost = target.lost_days(source.now, &survey, &tables);
            draft.summary.lost_days = lost.iter().map(Date::to_string).collect();
            target
                .state
                .lost_days
                .extend(draft.summary.lost_days.iter().cloned());
        }
        let mut workflows = self
            .until_stopped(async {
                let scopes = &source.catalog.scopes;
                let wide = self.request.max_concurrency;
                let known = KnownWorkflows {
                    stored: &target.workflows,
                    without_details: &target.state.without_details,
                };
                let deleted = self.request.deleted_workflows;
                Ok(details(&self.client, scopes, known, deleted, wide).await?)
            })
            .await?;
        draft.summary.not_covered.append(&mut workflows.not_covered);
        target
            .state
            .note_details(&source.catalog.scopes, &workflows.missing);
        self.write(
            draft,
            writer,
            layout,
            source,
            target,
            survey,
            workflows.objects,
        )
        .await
    }

    /// What is wrong with the folder is said before anything is asked of the service.
    fn refuse_what_cannot_be_written(&self) -> Result<(), PipelineError> {
        let format = self.request.format.loader();
        let layout = layout(format.as_ref(), self.request.keep_raw);
        Dataset::open(&self.request.out, format, specs(&layout)?)?;
        Ok(Writer::probe(&self.request.out)?)
    }

    async fn open(
        &self,
        layout: Layout,
        tenant: String,
        now: i64,
    ) -> Result<(Writer, Target), PipelineError> {
        let request = self.request.clone();
        spawn_blocking(move || {
            let format = request.format.loader();
            let wanted = Identity::new(format.as_ref());
            let writer = Writer::acquire(&request.out, &wanted, &tenant, format, specs(&layout)?)?;
            let target = Target::read(writer.dataset(), &tenant, &request, now)?;
            Ok((writer, target))
        })
        .await?
    }

    fn describe_window(&self, draft: &mut Draft, survey: &Survey) {
        match &self.request.kind {
            Kind::Export => draft.set_window(survey.listed.values().min().copied(), None),
            Kind::Backfill(backfill) => draft.set_window(
                Some(backfill.from.as_microsecond()),
                Some(backfill.to.as_microsecond()),
            ),
        }
    }

    /// Fetches the runs of all days in order while a thread of its own writes and commits them.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a finished stage of the export"
    )]
    async fn write(
        &self,
        draft: &mut Draft,
        writer: Writer,
        layout: Layout,
        source: Source,
        target: Target,
        survey: Survey,
        workflows: Vec<Box<str>>,
    ) -> Result<(), PipelineError> {
        let days: Vec<(Date, usize)> = survey
            .days
            .iter()
            .map(|(day, tasks)| (*day, tasks.len()))
            .collect();
        let why_cut = Arc::new(Mutex::new(None));
        let (sender, receiver) = mpsc::channel(2);
        let job = Job {
            request: self.request.clone(),
            client: self.client.clone(),
            export_id: draft.summary.export_id.clone(),
            started_at: draft.started_at,
            layout,
            tenant: source.tenant,
            listed_at: source.now,
            listed: survey.listed,
            counts: draft.summary.runs.clone(),
            is_partial: draft.code_at_the_end() == exit::PARTIAL,
            state: target.state,
            workflows,
            days,
            why_cut: Arc::clone(&why_cut),
        };
        let committing = WritingThread::start(move || commit(writer, job, receiver))?;
        let fetched = self
            .fetch(survey.days, &sender, layout, &draft.summary.export_id)
            .await;
        if let (Err(error), Ok(mut why)) = (fetched, why_cut.lock()) {
            *why = Some(error);
        }
        // Hanging up tells the writer that nothing more comes; the reason is noted by now.
        drop(sender);
        let (written, manifest, outcome) = committing.outcome().await?;
        draft.add_written(written, manifest);
        outcome
    }

    /// Reads runs side by side and hands them over in the order in which they are written.
    async fn fetch(
        &self,
        days: BTreeMap<Date, Vec<RunTask>>,
        sender: &mpsc::Sender<FetchedRun>,
        layout: Layout,
        export_id: &str,
    ) -> Result<(), PipelineError> {
        let planned = days.values().flatten().filter(|task| task.fetch).count();
        self.progress.plan_runs(planned);
        self.progress.doing("reading results");
        let fetcher = Arc::new(Fetcher::new(
            self.client.clone(),
            layout,
            export_id.to_owned(),
            Arc::clone(&self.progress),
            self.request.deleted_workflows,
        ));
        let runs = stream::iter(days.into_values().flatten())
            .map(|task| Worker::start(Arc::clone(&fetcher).fetch(task)))
            .map(Worker::outcome)
            .buffered(self.request.max_concurrency);
        let handing_over = async {
            let mut runs = std::pin::pin!(runs);
            let mut breaker = Breaker::default();
            while let Some(run) = runs.try_next().await? {
                let run = stop_when_nothing_works(run, &mut breaker)?;
                if sender.send(run).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        self.until_stopped(handing_over).await
    }

    async fn until_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, PipelineError>>,
    ) -> Result<T, PipelineError> {
        until_stopped(self.stop.clone(), work).await
    }
}

/// Gives up `work` as soon as somebody asks to stop.
pub(crate) async fn until_stopped<T>(
    mut stop: Stop,
    work: impl Future<Output = Result<T, PipelineError>>,
) -> Result<T, PipelineError> {
    tokio::select! {
        biased;
        code = asked_to_stop(&mut stop) => Err(PipelineError::Stopped(code)),
        result = work => result,
    }
}

/// One run being read, on a worker of its own; given up when nobody waits for it any more.
struct Worker(JoinHandle<Result<FetchedRun, ExtractError>>);

impl Worker {
    fn start(
        fetch: impl Future<Output = Result<FetchedRun, ExtractError>> + Send + 'static,
    ) -> Self {
        Self(tokio::spawn(fetch))
    }

    async fn outcome(mut self) -> Result<FetchedRun, PipelineError> {
        Ok((&mut self.0).await??)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One run that cannot be read is that run's misfortune; several in a row are the service's.
fn stop_when_nothing_works(
    run: FetchedRun,
    breaker: &mut Breaker,
) -> Result<FetchedRun, PipelineError> {
    match run.outcome {
        Outcome::Failed(error) if breaker.failure() => Err(error.into()),
        Outcome::Read { .. } => {
            breaker.success();
            Ok(run)
        }
        _ => Ok(run),
    }
}

async fn asked_to_stop(stop: &mut Stop) -> u8 {
    match stop.wait_for(Option::is_some).await.map(|code| *code) {
        Ok(Some(code)) => code,
        // Nobody is left who could ask.
        _ => std::future::pending().await,
    }
}
