//! One export from the first request to the closed manifest.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use lcw_dataset::Writer;
use lcw_extractor::GraphClient;
use lcw_transform::{Layout, Table};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::by_workflow::Chooser;
use crate::commit::{Job, commit};
use crate::draft::Draft;
use crate::error::PipelineError;
use crate::exit;
use crate::fetch::{DayPlan, Errand, Fetched, Fetcher, Outcome, ROWS_IN_FLIGHT, row_weight};
use crate::in_turn::in_turn;
use crate::people::People;
use crate::prepare::{Source, Target, survey};
use crate::progress::Progress;
use crate::reports::{self, Reports};
use crate::request::{Kind, Request};
use crate::retention::Retention;
use crate::snapshot;
use crate::summary::Summary;
use crate::survey::Survey;
use crate::tables::{self, layout, specs};
use crate::trouble::Breaker;
use crate::undated::{self, Undated};
use crate::unlisted;
use crate::workflows::{Details, KnownWorkflows, details};
use crate::writing_thread::WritingThread;

/// What an export that is stopped waits for the disk at most, while it holds nothing but the lock.
const MOMENT: Duration = Duration::from_secs(2);

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
    // One large future, in one place: whoever awaits an export need not hold all of it.
    let outcome = Box::pin(exporter.run(&mut draft)).await;
    let mut summary = draft.finish(outcome, client.stats());
    let Request { out, snapshots, .. } = exporter.request;
    snapshot::after_export(out, snapshots, &mut summary).await;
    summary
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
        self.until_stopped(self.refuse_what_cannot_be_written())
            .await?;
        self.progress.doing("reading workflows");
        let mut source = self
            .until_stopped(Source::read(&self.request, &self.client))
            .await?;
        draft.summary.tenant_id = Some(source.tenant.clone());
        let (writer, mut target) = self.open(layout, source.tenant.clone(), source.now).await?;
        draft.summary.export_id = writer.next_export_id(draft.started_at)?;
        let (now, catalog) = (source.now, &mut source.catalog);
        let found = unlisted::find(&self.request, &self.client, &target, now, catalog);
        self.until_stopped(async { Ok(found.await?) }).await?;
        let not_covered = &mut draft.summary.not_covered;
        not_covered.extend(source.catalog.not_covered.iter().cloned());
        self.progress.doing(format!(
            "listing runs of {} workflows",
            source.catalog.scopes.len()
        ));
        let mut survey = self
            .until_stopped(async {
                Ok(survey(&self.request, &self.client, &mut source, &target).await?)
            })
            .await?;
        self.describe(draft, &source, &mut target, &mut survey);
        let listed = self
            .until_stopped(self.read_listed(&source, &target, &mut survey))
            .await?;
        draft.add_listed(&listed);
        self.write(draft, writer, layout, source, target, survey, listed)
            .await
    }

    /// What the listings say about the window, and about what was lost before it.
    fn describe(
        &self,
        draft: &mut Draft,
        source: &Source,
        target: &mut Target,
        survey: &mut Survey,
    ) {
        let tables = self.request.tables_by_run();
        self.describe_window(draft, survey);
        let warnings = &mut draft.summary.warnings;
        warnings.extend(target.warning(source.now, survey, &self.request, &tables));
        warnings.extend(target.unexplained.take());
        let is_told = |table: &str, day| target.runs.is_gone(table, day);
        warnings.extend(target.vanished.warnings(source.now, is_told));
        warnings.extend(target.runs.warnings());
        warnings.extend(target.state.unfinished_forget());
        draft.add_survey(survey);
        let known = &target.state.vanished_files;
        let vanished = target.vanished.lost_files(source.now, known);
        let days: BTreeSet<String> = vanished.values().cloned().collect();
        if matches!(self.request.kind, Kind::Export) {
            let state = &target.state;
            let lost: BTreeSet<String> = target
                .lost_days(source.now, survey, &tables)
                .iter()
                .map(Date::to_string)
                .collect();
            let is_news = |day: &&String| !state.is_day_acknowledged(day);
            draft.summary.lost_days = lost.iter().filter(is_news).cloned().collect();
            draft.name_lost_days();
            let news = state.days_of_news(&vanished);
            draft.add_vanished_days(news.difference(&lost).cloned().collect());
            target.state.lost_days.extend(lost);
        }
        draft.summary.retention = Retention::new(
            source.now,
            survey.oldest,
            target.last_good(survey, &tables),
            target.state.lost_days.union(&days).cloned().collect(),
        );
        target.vanished_files = vanished;
    }

    /// Everything that is read workflow by workflow.
    async fn read_listed(
        &self,
        source: &Source,
        target: &Target,
        survey: &mut Survey,
    ) -> Result<Listed, PipelineError> {
        let scopes = &source.catalog.scopes;
        let known = KnownWorkflows {
            stored: &target.workflows,
            without_details: &target.state.without_details,
        };
        let workflows = details(&self.request, &self.client, scopes, known).await?;
        let known = undated::Known {
            state: &target.state,
            versions: &target.versions,
            with_file: &target.with_file,
            now: source.now,
        };
        Ok(Listed {
            workflows,
            undated: undated::read(&self.request, &self.client, scopes, known).await?,
            reports: reports::read(&self.request, &self.client, scopes, survey).await?,
        })
    }

    /// What is wrong with the folder is said before anything is asked of the service.
    async fn refuse_what_cannot_be_written(&self) -> Result<(), PipelineError> {
        let request = self.request.clone();
        spawn_blocking(move || {
            tables::open(&request)?;
            Ok(Writer::probe(&request.out)?)
        })
        .await?
    }

    async fn open(
        &self,
        layout: Layout,
        tenant: String,
        now: i64,
    ) -> Result<(Writer, Target), PipelineError> {
        let request = self.request.clone();
        let mut opening = spawn_blocking(move || {
            let format = request.format.loader();
            let wanted = request.identity(format.as_ref());
            let writer = Writer::acquire(&request.out, &wanted, &tenant, format, specs(&layout)?)?;
            let newest = writer.previous()?;
            let target = Target::read(writer.dataset(), &tenant, newest, &request, now)?;
            Ok((writer, target))
        });
        let opened = self.until_stopped(async { (&mut opening).await? }).await;
        if matches!(opened, Err(PipelineError::Stopped(_))) {
            // Whoever exports next in this process shall find the lock free, but a disk that does
            // not answer is not waited for.
            let _given_up = timeout(MOMENT, opening).await;
        }
        opened
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
        listed: Listed,
    ) -> Result<(), PipelineError> {
        let plans: Vec<Arc<DayPlan>> = survey
            .days
            .into_iter()
            .map(|(day, runs)| Arc::new(DayPlan { day, runs }))
            .collect();
        let chooser = Chooser::new(&self.request, survey.sizes);
        let why_cut = Arc::new(Mutex::new(None));
        // As many as hold a share of the rows in flight: readers go on while a day waits for the disk.
        let (sender, receiver) = mpsc::channel(ROWS_IN_FLIGHT as usize);
        let Listed {
            mut workflows,
            mut undated,
            reports,
        } = listed;
        let scopes = &source.catalog.scopes;
        let without_details = target.state.details_to_read(scopes, &workflows.missing);
        let unread = reports.unread.into_iter();
        let people = People::new(
            self.request.pseudonyms.as_ref(),
            target.state.tombstones.as_ref(),
        );
        let mut set_aside = source.catalog.set_aside;
        set_aside.extend(survey.set_aside);
        set_aside.append(&mut workflows.set_aside);
        set_aside.append(&mut undated.set_aside);
        set_aside.extend(reports.set_aside);
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
            vanished_files: target.vanished_files,
            has_vanished: target.vanished.is_news(),
            people: people.clone(),
            workflows: workflows.objects,
            without_details,
            undated,
            days: plans.clone(),
            counted: survey.counted,
            uncounted: survey.uncounted,
            not_where_listed: survey.gone,
            not_covered: draft.summary.not_covered.clone(),
            set_aside,
            unread: unread.map(|id| (Table::TaskReports, id)).collect(),
            stop: self.stop.clone(),
            why_cut: Arc::clone(&why_cut),
        };
        let committing = WritingThread::start(move || commit(writer, job, receiver))?;
        let fetched = self
            .fetch(
                plans,
                chooser,
                &sender,
                layout,
                &draft.summary.export_id,
                people,
            )
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

    /// Reads below the runs side by side and hands over in the order in which it is written.
    async fn fetch(
        &self,
        plans: Vec<Arc<DayPlan>>,
        chooser: Chooser,
        sender: &mpsc::Sender<Fetched>,
        layout: Layout,
        export_id: &str,
        people: People,
    ) -> Result<(), PipelineError> {
        let planned = plans.iter().map(|plan| plan.count_errands()).sum();
        self.progress.plan_runs(planned);
        self.progress.doing("reading results");
        let fetcher = Arc::new(Fetcher::new(
            &self.request,
            self.client.clone(),
            layout,
            export_id.to_owned(),
            people,
            Arc::clone(&self.progress),
        ));
        let stretches = chooser.stretches(plans.iter().map(|plan| &*plan.runs));
        let errands = stream::iter(stretches)
            .then(|days| {
                let stretch = plans[days].to_vec();
                let gatherings = chooser.choose(stretch.iter().map(|plan| &*plan.runs));
                Arc::clone(&fetcher).prepare(stretch, gatherings)
            })
            .flat_map(stream::iter);
        let concurrency = self.request.max_concurrency;
        let budget = Arc::new(Semaphore::new(ROWS_IN_FLIGHT as usize));
        let read = |errand, share| Arc::clone(&fetcher).fetch(errand, share);
        let weight = row_weight(layout.keep_raw, self.request.query.expands_subject());
        let share = |errand: &Errand| errand.share(weight);
        let answers = in_turn(errands, concurrency, budget, share, read);
        let handing_over = async {
            let mut answers = std::pin::pin!(answers);
            let mut breaker = Breaker::default();
            while let Some(answer) = answers.try_next().await? {
                let answer = stop_when_nothing_works(answer?, &mut breaker)?;
                if sender.send(answer).await.is_err() {
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

/// What was read workflow by workflow.
pub(crate) struct Listed {
    pub(crate) workflows: Details,
    pub(crate) undated: Undated,
    pub(crate) reports: Reports,
}

/// One run that cannot be read is that run's misfortune; several in a row are the service's.
fn stop_when_nothing_works(
    fetched: Fetched,
    breaker: &mut Breaker,
) -> Result<Fetched, PipelineError> {
    match fetched.outcome {
        Outcome::Failed(error) if breaker.failure() => Err(error.into()),
        Outcome::Read(_) => {
            breaker.success();
            Ok(fetched)
        }
        _ => Ok(fetched),
    }
}

pub(crate) async fn asked_to_stop(stop: &mut Stop) -> u8 {
    match stop.wait_for(Option::is_some).await.map(|code| *code) {
        Ok(Some(code)) => code,
        // Nobody is left who could ask.
        _ => std::future::pending().await,
    }
}
