//! Reads the results of one run, in as many ways as the count proof asks for.

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use lcw_extractor::{CollectionRequest, ErrorKind, ExtractError, GraphClient, GraphPath};
use lcw_model::time::format_micros;
use lcw_transform::{ChildRows as _, Layout, Lineage, ResultRows, Rows};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::catalog::{is_refusal, path_of};
use crate::coverage::DAY;
use crate::decode;
use crate::progress::Progress;
use crate::request::DeletedWorkflows;
use crate::survey::{RunTask, service_now};
use crate::trouble::{Reach, reach};

/// Rows that may be in memory at once; a larger run is read alone.
const ROWS_IN_FLIGHT: u32 = 32_768;

/// What a run without a counter is taken for.
const ROWS_EXPECTED: u32 = 256;

/// What every read of an export shares.
pub(crate) struct Fetcher {
    pub(crate) client: GraphClient,
    pub(crate) layout: Layout,
    pub(crate) export_id: String,
    pub(crate) progress: Arc<Progress>,
    deleted: DeletedWorkflows,
    rows: Arc<Semaphore>,
}

/// The ways to ask for a run's results, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// By `scheduledDateTime`, from a day before the run's.
    ScheduledDateTime,
    /// By `startedDateTime`, from a day before the run's schedule.
    StartedDateTime,
    /// Without a filter.
    Unfiltered,
}

impl Way {
    const ALL: [Self; 3] = [
        Self::ScheduledDateTime,
        Self::StartedDateTime,
        Self::Unfiltered,
    ];

    fn filter(self, since: i64) -> Option<String> {
        let property = match self {
            Self::ScheduledDateTime => "scheduledDateTime",
            Self::StartedDateTime => "startedDateTime",
            Self::Unfiltered => return None,
        };
        Some(format!("{property} ge {}", format_micros(since)))
    }
}

/// A run on its way to the dataset.
pub(crate) struct FetchedRun {
    pub(crate) task: RunTask,
    pub(crate) outcome: Outcome,
    /// Held until the rows are written: bounds what is in memory.
    _in_flight: Option<OwnedSemaphorePermit>,
}

/// What became of a run's results.
pub(crate) enum Outcome {
    /// Nothing was asked for.
    NotAsked,
    /// All that the service returned, unique and sorted by id.
    Read { rows: Rows, last_way: Way },
    /// The service no longer has the run.
    Gone(ExtractError),
    /// The service refuses its results.
    Refused(ExtractError),
    /// They could not be read this time.
    Failed(ExtractError),
}

impl Fetcher {
    pub(crate) fn new(
        client: GraphClient,
        layout: Layout,
        export_id: String,
        progress: Arc<Progress>,
        deleted: DeletedWorkflows,
    ) -> Self {
        let rows = Arc::new(Semaphore::new(ROWS_IN_FLIGHT as usize));
        Self {
            client,
            layout,
            export_id,
            progress,
            deleted,
            rows,
        }
    }

    /// # Errors
    /// Only what stops the whole export; anything else is the run's [`Outcome`].
    pub(crate) async fn fetch(self: Arc<Self>, task: RunTask) -> Result<FetchedRun, ExtractError> {
        if !task.fetch {
            return Ok(FetchedRun {
                task,
                outcome: Outcome::NotAsked,
                _in_flight: None,
            });
        }
        let in_flight = self.room_for(&task).await;
        let extracted_at = service_now(&self.client);
        let outcome = match self.read_where_it_lives(&task, extracted_at).await {
            Ok((rows, last_way)) => {
                self.progress.run_read(rows.batch.num_rows());
                Outcome::Read { rows, last_way }
            }
            Err(error) => match reach(&error) {
                Reach::Everything => return Err(error),
                Reach::Gone => Outcome::Gone(error),
                Reach::Refused => Outcome::Refused(error),
                Reach::JustThis => Outcome::Failed(error),
            },
        };
        Ok(FetchedRun {
            task,
            outcome,
            _in_flight: in_flight,
        })
    }

    /// Permits are handed out first come, first served, and runs come in the order in which they
    /// are written, so the run that the writer waits for always has its permits.
    async fn room_for(&self, task: &RunTask) -> Option<OwnedSemaphorePermit> {
        let expected = task
            .listed
            .as_ref()
            .and_then(|run| run.total_users)
            .and_then(|users| u32::try_from(users).ok())
            .map_or(ROWS_EXPECTED, |users| users.clamp(1, ROWS_IN_FLIGHT));
        Arc::clone(&self.rows)
            .acquire_many_owned(expected)
            .await
            .ok()
    }

    /// The workflow may have been deleted since it was listed.
    async fn read_where_it_lives(
        &self,
        task: &RunTask,
        extracted_at: i64,
    ) -> Result<(Rows, Way), ExtractError> {
        let path = |is_deleted| path_of(&task.workflow_id, is_deleted).run(&task.run_id);
        match self.read(task, &path(task.is_deleted), extracted_at).await {
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && !task.is_deleted
                    && self.deleted != DeletedWorkflows::Skip =>
            {
                match self.read(task, &path(true), extracted_at).await {
                    Err(again) if is_refusal(&again) => Err(error),
                    answer => answer,
                }
            }
            answer => answer,
        }
    }

    async fn read(
        &self,
        task: &RunTask,
        run: &GraphPath,
        extracted_at: i64,
    ) -> Result<(Rows, Way), ExtractError> {
        let since = task.listed.as_ref().map_or(0, |listed| listed.scheduled) - DAY;
        let lineage = Lineage {
            export_id: self.export_id.clone(),
            extracted_at_micros: extracted_at,
        };
        let rows = ResultRows::new(self.layout, &lineage, &task.workflow_id, &task.run_id);
        let mut decoder = decode::Results {
            rows,
            keep_raw: self.layout.keep_raw,
        };
        let mut united = decoder.rows.finish();
        let mut last_way = Way::ScheduledDateTime;
        for way in Way::ALL {
            last_way = way;
            let all = CollectionRequest::new(run.clone().user_processing_results());
            let request = match way.filter(since) {
                Some(filter) => all.filtered(filter),
                None => all,
            };
            drain(self.client.pages(request, &mut decoder)).await?;
            let rows = decoder.rows.finish();
            let all = if united.is_empty() {
                rows
            } else {
                Rows::concat(vec![united, rows])
            };
            united = all.sorted_unique(&["id"]);
            if !task.is_short(united.len()) {
                break;
            }
        }
        Ok((united, last_way))
    }
}

impl RunTask {
    /// Whether the service counts more users for the settled run than it returned.
    fn is_short(&self, rows: usize) -> bool {
        let counted = self
            .listed
            .as_ref()
            .and_then(|run| run.total_users)
            .unwrap_or(0);
        self.settled && self.counts_users && usize::try_from(counted).is_ok_and(|n| rows < n)
    }
}

async fn drain(
    pages: impl futures_util::Stream<Item = Result<usize, ExtractError>>,
) -> Result<(), ExtractError> {
    let mut pages = pin!(pages);
    while pages.try_next().await?.is_some() {}
    Ok(())
}
