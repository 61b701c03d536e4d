//! What export and plan have in common: tenant, workflows, windows and the survey of runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError, Manifest, Status, digest_of};
use lcw_extractor::{ExtractError, GraphClient};
use lcw_model::time::date_of;
use lcw_transform::Table;

use crate::catalog::{Catalog, Scope, not_listed_again};
use crate::coverage::{DAY, RETENTION, is_half_gone, lost_days, window_start};
use crate::decide::Rules;
use crate::error::PipelineError;
use crate::named::{KnownWorkflow, find_workflow};
use crate::request::{Backfill, Kind, Request};
use crate::state::State;
use crate::stored::{StoredRuns, StoredWorkflow, stored_versions, stored_workflows};
use crate::survey::{Search, Survey, service_now};
use crate::tenant;
use crate::vanished::Vanished;

/// What the service says before the dataset is touched.
pub(crate) struct Source {
    pub(crate) tenant: String,
    pub(crate) catalog: Catalog,
    /// The service's clock before the first run was listed, in microseconds.
    pub(crate) now: i64,
}

impl Source {
    pub(crate) async fn read(
        request: &Request,
        client: &GraphClient,
    ) -> Result<Self, PipelineError> {
        let token_tenant = client.tenant_id().await?;
        let tenant = tenant::resolve(request.tenant.as_deref(), token_tenant.as_deref())?;
        let mut catalog =
            Catalog::read(client, request.deleted_workflows, request.odd_rows()).await?;
        if let Kind::Backfill(backfill) = &request.kind {
            restrict(&mut catalog, backfill)?;
        }
        Ok(Self {
            tenant,
            catalog,
            // Whole seconds, as the service's `Date` header has them.
            now: service_now(client).div_euclid(1_000_000) * 1_000_000,
        })
    }
}

/// Keeps the workflows that a backfill names, by id or by name.
fn restrict(catalog: &mut Catalog, backfill: &Backfill) -> Result<(), PipelineError> {
    if backfill.workflows.is_empty() {
        return Ok(());
    }
    let known: Vec<KnownWorkflow> = catalog.scopes.iter().map(known).collect();
    let mut ids = BTreeSet::new();
    for named in &backfill.workflows {
        ids.insert(find_workflow(named, &known, "the tenant")?);
    }
    catalog
        .scopes
        .retain(|scope| ids.contains(&*scope.workflow.id));
    Ok(())
}

fn known(scope: &Scope) -> KnownWorkflow {
    KnownWorkflow {
        id: scope.workflow.id.clone(),
        name: scope.workflow.display_name.clone(),
        is_deleted: scope.is_deleted,
    }
}

/// What the dataset says before anything is written.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) runs: StoredRuns,
    pub(crate) workflows: HashMap<String, StoredWorkflow>,
    /// Versions whose row is stored with its details, by workflow id and number.
    pub(crate) versions: BTreeSet<(String, i32)>,
    /// Tables without days that have their file.
    pub(crate) with_file: BTreeSet<Table>,
    pub(crate) state: State,
    /// Days that an unfinished backfill with the same arguments has committed.
    pub(crate) skip_days: BTreeSet<Date>,
    /// Recorded files that are gone.
    pub(crate) vanished: Vanished,
    /// Those of them with whose rows a day is lost, by path, with that day.
    pub(crate) vanished_files: BTreeMap<String, String>,
    /// What the operator should know about manifests that are gone.
    pub(crate) unexplained: Option<String>,
}

impl Target {
    /// `newest` is the tenant's newest manifest.
    pub(crate) fn read(
        dataset: &Dataset,
        tenant: &str,
        newest: Option<Manifest>,
        request: &Request,
        now: i64,
    ) -> Result<Self, DatasetError> {
        let has_manifest = newest.is_some();
        let state = newest.map_or_else(
            || Ok(State::default()),
            |manifest| State::of_whole(&manifest),
        )?;
        let runs = StoredRuns::read(dataset, tenant, oldest_relevant_day(&state, request, now))?;
        let mut skip_days = match &request.kind {
            Kind::Export => BTreeSet::new(),
            Kind::Backfill(_) => committed_days(dataset, tenant, &args_hash(request))?,
        };
        // Files that a backfill found as they should be are not in its manifest.
        skip_days.retain(|day| runs.is_whole(*day));
        let unexplained = unexplained(dataset, tenant, has_manifest, &runs)?;
        let vanished = Vanished::find(dataset, tenant, &state)?;
        Ok(Self {
            vanished,
            vanished_files: BTreeMap::new(),
            unexplained,
            runs,
            workflows: stored_workflows(dataset, tenant)?,
            versions: stored_versions(dataset, tenant)?,
            with_file: with_file(dataset, tenant)?,
            state,
            skip_days,
        })
    }

    /// Days that the service forgot since the last complete export of each listed workflow.
    pub(crate) fn lost_days(&self, now: i64, survey: &Survey, tables: &[Table]) -> BTreeSet<Date> {
        self.last_listings(survey, tables)
            .flat_map(|last| lost_days(now, last))
            .collect()
    }

    /// When the export began that was the last to leave no workflow and no table behind.
    pub(crate) fn last_good(&self, survey: &Survey, tables: &[Table]) -> Option<i64> {
        self.last_listings(survey, tables).flatten().min()
    }

    /// When each listed workflow was last listed completely, table by table: one that is new has
    /// lost nothing, whatever the others have.
    fn last_listings<'a>(
        &'a self,
        survey: &'a Survey,
        tables: &'a [Table],
    ) -> impl Iterator<Item = Option<i64>> + 'a {
        survey.listed.keys().flat_map(|workflow| {
            let last = |table| self.state.last_complete(workflow, &[table]);
            tables.iter().copied().map(last)
        })
    }

    /// What the operator should know about the window before anything is lost.
    pub(crate) fn warning(
        &self,
        now: i64,
        survey: &Survey,
        request: &Request,
        tables: &[Table],
    ) -> Option<String> {
        match &request.kind {
            Kind::Export => self.is_late(now, survey, tables).then(|| {
                "the last complete export was more than 15 days old when this one began; the \
                 service forgets after 30: run the export every few hours"
                    .to_owned()
            }),
            Kind::Backfill(backfill) => {
                let kept_from = now - RETENTION;
                (backfill.from.as_microsecond() < kept_from).then(|| {
                    format!(
                        "the service keeps about 30 days: runs scheduled before {} are probably \
                         gone, and a backfill cannot bring them back",
                        date_of(kept_from)
                    )
                })
            }
        }
    }

    fn is_late(&self, now: i64, survey: &Survey, tables: &[Table]) -> bool {
        self.last_listings(survey, tables)
            .any(|last| is_half_gone(now, last))
    }
}

/// Data files without the manifests that tell of them.
fn unexplained(
    dataset: &Dataset,
    tenant: &str,
    has_manifest: bool,
    runs: &StoredRuns,
) -> Result<Option<String>, DatasetError> {
    let what = if has_manifest {
        let newest = dataset.manifest_ids()?.pop();
        let later = runs
            .newest_export()
            .filter(|id| Some(*id) > newest.as_deref());
        let Some(later) = later.filter(|id| is_export_id(id)) else {
            return Ok(None);
        };
        format!("there are rows of export {later}, but no manifest of it")
    } else {
        let mut files = 0;
        for table in Table::ALL {
            files += dataset.files(table.name(), tenant)?.len();
        }
        if files == 0 {
            return Ok(None);
        }
        format!("there are {files} data files of the tenant, but no manifest")
    };
    Ok(Some(format!(
        "{what}: with the manifests the proof is lost that files are as they were written, and what \
         earlier exports noted, people to be forgotten included. Restore _manifests from a backup before \
         the next export"
    )))
}

/// Ids in rows are data: only what is one is repeated.
fn is_export_id(id: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    id.len() <= 40 && id.bytes().all(is_part)
}

/// What a table's file that somebody took away held is read again, whatever the state says.
fn with_file(dataset: &Dataset, tenant: &str) -> Result<BTreeSet<Table>, DatasetError> {
    let mut tables = BTreeSet::new();
    for table in Table::ALL.into_iter().filter(|table| !table.is_by_day()) {
        if !dataset.files(table.name(), tenant)?.is_empty() {
            tables.insert(table);
        }
    }
    Ok(tables)
}

/// A tenant's newest manifest, for those who do not write.
pub(crate) fn newest_manifest(
    dataset: &Dataset,
    tenant: &str,
) -> Result<Option<Manifest>, DatasetError> {
    for manifest in dataset.manifests()? {
        let manifest = manifest?;
        if manifest.tenant_id == tenant {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// Runs stored before this day cannot matter: the service had forgotten them when the newest
/// complete listing was made, and that export gave up on the open ones of every workflow.
fn oldest_relevant_day(state: &State, request: &Request, now: i64) -> Date {
    let last = state
        .complete
        .values()
        .flat_map(|by| by.values())
        .copied()
        .max()
        .unwrap_or(now);
    let mut oldest = now.min(last) - RETENTION - DAY;
    if let Kind::Backfill(backfill) = &request.kind {
        oldest = oldest.min(backfill.from.as_microsecond() - DAY);
    }
    date_of(oldest)
}

/// The days that the newest backfill with these arguments has committed as a whole, unless it was
/// finished. A day that was not over, or with a run that could not be read, or with a file that is
/// no longer the one that was written, is read again.
fn committed_days(
    dataset: &Dataset,
    tenant: &str,
    args_hash: &str,
) -> Result<BTreeSet<Date>, DatasetError> {
    let mut days = BTreeSet::new();
    for manifest in dataset.manifests()? {
        let manifest = manifest?;
        if manifest.tenant_id != tenant || manifest.args_hash != args_hash {
            continue;
        }
        if matches!(manifest.status, Status::Done | Status::Partial) {
            break;
        }
        for (name, record) in &manifest.days {
            let day: Option<Date> = name.parse().ok();
            let Some(day) = day.filter(|day| manifest.is_whole(*day)) else {
                continue;
            };
            let mut is_in_place = true;
            for file in record.files.values() {
                is_in_place &= dataset.is_in_place(file)?;
            }
            if is_in_place {
                days.insert(day);
            }
        }
    }
    Ok(days)
}

/// Digest of what was asked for, by which an unfinished backfill is found again.
pub(crate) fn args_hash(request: &Request) -> String {
    let window = match &request.kind {
        Kind::Export => "",
        Kind::Backfill(backfill) => &backfill.wording,
    };
    let tables: Vec<&str> = request.wanted_tables().map(Table::name).collect();
    let text = format!(
        "{}|{window}|{}|{}|{:?}|{:?}",
        request.kind.name(),
        tables.join(","),
        request.keep_raw,
        request.deleted_workflows,
        request.query
    );
    digest_of(text.as_bytes())
}

/// Lists the runs of every workflow and decides what is to be done about each. When one is gone that the
/// list of workflows had, the list may have moved while it was read: then it is read again, and where
/// that brings more, so are the runs. One that was not there for the last export either says nothing of this one.
///
/// # Errors
/// What stops everything.
pub(crate) async fn survey(
    request: &Request,
    client: &GraphClient,
    source: &mut Source,
    target: &Target,
) -> Result<Survey, ExtractError> {
    let mut known = target.state.not_where_listed.clone();
    loop {
        let mut survey = list_runs(request, client, source, target).await?;
        let mut gone = survey.gone.clone();
        gone.retain(|id, from| known.get(id) != Some(from));
        if request.names_workflows() || gone.is_empty() {
            return Ok(survey);
        }
        let odd = request.odd_rows();
        match source.catalog.look_again(client, &gone, odd).await {
            Ok(true) => known.append(&mut gone),
            Ok(false) => return Ok(survey),
            Err(error) => {
                survey.not_covered.push(not_listed_again(error)?);
                return Ok(survey);
            }
        }
    }
}

async fn list_runs(
    request: &Request,
    client: &GraphClient,
    source: &Source,
    target: &Target,
) -> Result<Survey, ExtractError> {
    let (everything, until) = match &request.kind {
        Kind::Export => (false, None),
        Kind::Backfill(backfill) => (true, Some(backfill.to.as_microsecond())),
    };
    let search = Search {
        client,
        stored: &target.runs,
        rules: Rules {
            wanted: request.reading(),
            everything,
            trusts_empty: true,
        },
        now: source.now,
        settle: micros(request.settle),
        concurrency: request.max_concurrency,
        deleted: request.deleted_workflows,
        odd: request.odd_rows(),
        until,
        skip_days: target.skip_days.clone(),
        to_count: to_count(request, source, target),
        to_read: target.state.to_read(source.now).collect(),
    };
    search.run(scopes(request, source, target)).await
}

/// Workflows whose listing nothing confirms: those listed for the first time or not counted the last
/// time, those of which something is missing, and those of a window that somebody wants read
/// whatever is there.
fn to_count<'a>(request: &Request, source: &'a Source, target: &Target) -> BTreeSet<&'a str> {
    let state = &target.state;
    let is_covered = |id: &str| match request.kind {
        Kind::Backfill(_) => false,
        Kind::Export => {
            state.last_complete(id, &[Table::Runs]).is_some()
                && !state.doubted.contains_key(id)
                && !state.uncounted.contains(id)
        }
    };
    let ids = source
        .catalog
        .scopes
        .iter()
        .map(|scope| &*scope.workflow.id);
    ids.filter(|id| !is_covered(id)).collect()
}

/// Every workflow with the instant from which its runs are listed.
fn scopes(request: &Request, source: &Source, target: &Target) -> Vec<(Scope, i64)> {
    let tables = request.tables_by_run();
    let from = |scope: &Scope| match &request.kind {
        Kind::Backfill(backfill) => backfill.from.as_microsecond(),
        Kind::Export => {
            let id = &scope.workflow.id;
            let last = target.state.last_complete(id, &tables);
            // What is missing may be anywhere in what the service still has.
            let is_doubtful = target.state.is_doubted(id) || target.state.moved.contains(id);
            let last = last.filter(|_| !is_doubtful);
            window_start(source.now, micros(request.lookback), last)
        }
    };
    source
        .catalog
        .scopes
        .iter()
        .map(|scope| (scope.clone(), from(scope)))
        .collect()
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
