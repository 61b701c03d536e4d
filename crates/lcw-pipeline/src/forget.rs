//! Takes people out of a dataset, and sees to it that they do not come back.
//!
//! Who is to be forgotten is on record before the first file is replaced, and every day is replaced
//! like a day of an export. So a forget that is stopped leaves whole files, no export brings anybody
//! back, and the same again finishes it.

mod stopping;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch, StringArray};
use jiff::Timestamp;
use jiff::civil::Date;
use lcw_dataset::{
    Dataset, DatasetError, Export, ForgottenRows, Identity, ManifestHead, ManifestTail, Rewritten,
    Status, Writer,
};
use lcw_transform::{Forgotten, PseudonymKey, Table};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::error::PipelineError;
use crate::export::{Stop, asked_to_stop};
use crate::people::redact_line;
use crate::request::FileFormat;
use crate::state::State;
use crate::summary::ManifestSummary;
use crate::tables::{layout, specs};
use crate::tombstones::Tombstones;
use stopping::{Stage, Stopping};

/// Bytes of the shortest id: shorter ones could be words of any text.
const SHORTEST_ID: usize = 8;
/// Hex digits of a pseudonym.
const PSEUDONYM: usize = 64;

/// What a forget that is stopped waits at most for a safe point. Beyond it is left as it is, like one
/// that was killed.
const MOMENT: Duration = Duration::from_secs(3);

/// Whom to forget, and where.
#[derive(Debug, Clone)]
pub struct ForgetRequest {
    /// The dataset's folder.
    pub out: PathBuf,
    /// The tenant's id; all of the dataset's where none is named.
    pub tenant: Option<String>,
    /// Ids of subjects, as the service has them.
    pub subjects: Vec<String>,
    /// The same, as a pseudonymised dataset has them.
    pub pseudonyms: Vec<String>,
    /// The key of a pseudonymised dataset.
    pub key: Option<PseudonymKey>,
    /// Folders in which snapshots are looked through.
    pub snapshots: Vec<PathBuf>,
    /// Only look.
    pub dry_run: bool,
}

/// What was found of people who are to be forgotten, and is gone unless it was only looked for.
/// Says nowhere who they are.
#[derive(Debug, Clone, Serialize)]
pub struct Forgetting {
    /// The dataset's folder.
    pub out: String,
    /// Whether it was only looked for.
    pub dry_run: bool,
    /// Whether anything was there.
    pub found: bool,
    /// How many people were named.
    pub subjects: usize,
    /// What was there, by tenant.
    pub tenants: Vec<TenantForgetting>,
    /// Snapshots that hold them still.
    pub snapshots: Vec<String>,
    /// Whether damaged files are in the dataset's folder, which may hold them and are not read.
    pub has_damaged_files: bool,
}

/// What was found of them in one tenant's files.
#[derive(Debug, Clone, Serialize)]
pub struct TenantForgetting {
    /// The tenant.
    pub tenant_id: String,
    /// Data files with rows about them, or that name them.
    pub files: Vec<ForgottenFile>,
    /// Quarantined lines about them, or that name them.
    pub quarantined: Vec<QuarantinedLines>,
    /// The manifest that keeps it; null when nothing was written.
    pub manifest: Option<ManifestSummary>,
}

/// A file with rows of somebody who is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgottenFile {
    /// The table.
    pub table: &'static str,
    /// The day; null for a table without days.
    pub run_date: Option<String>,
    /// Rows about them, which are removed.
    pub rows_removed: u64,
    /// Rows about others that name them, and stay without that.
    pub rows_changed: u64,
    #[serde(skip)]
    day: Option<Date>,
    #[serde(skip)]
    of: Table,
}

/// A file of quarantined lines that hold somebody who is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedLines {
    /// Path below the dataset's folder.
    pub file: String,
    /// How many.
    pub lines: u64,
}

/// Takes people out of the dataset, or says what that would change.
///
/// # Errors
/// When nobody is named or a name cannot be an id, when there is no dataset, when it is
/// pseudonymised and the key is not there or another one, and when an export holds it.
/// [`PipelineError::ForgetStopped`] when `stop` turns to an exit code before it is done.
pub async fn forget(request: ForgetRequest, stop: Stop) -> Result<Forgetting, PipelineError> {
    let stopping = Stopping::new(stop.clone());
    let inside = stopping.clone();
    let mut work = spawn_blocking(move || take_out(&request, &inside));
    let mut asking = stop;
    let code = tokio::select! {
        outcome = &mut work => return outcome?,
        code = asked_to_stop(&mut asking) => code,
    };
    match timeout(MOMENT, work).await {
        Ok(outcome) => outcome?,
        Err(_) => Err(stopping.stopped(code)),
    }
}

fn take_out(request: &ForgetRequest, stopping: &Stopping) -> Result<Forgetting, PipelineError> {
    let place = Place::find(request)?;
    let ids = place.ids(request)?;
    let mut tenants = Vec::new();
    for tenant in place.tenants(request.tenant.as_deref())? {
        tenants.push(if request.dry_run {
            place.look(&tenant, &ids, stopping)?
        } else {
            place.forget(&tenant, &ids, stopping)?
        });
    }
    if !request.dry_run {
        stopping.reach(Stage::Done);
    }
    let found = tenants.iter().any(TenantForgetting::has_something);
    Ok(Forgetting {
        out: request.out.display().to_string(),
        dry_run: request.dry_run,
        found,
        subjects: ids.len(),
        tenants,
        snapshots: place.snapshots(&request.snapshots, &ids, stopping)?,
        has_damaged_files: place.open(&request.out)?.has_damaged()?,
    })
}

impl TenantForgetting {
    fn has_something(&self) -> bool {
        !self.files.is_empty() || !self.quarantined.is_empty()
    }
}

fn usage(message: impl Into<String>, remedy: impl Into<String>) -> PipelineError {
    PipelineError::Usage {
        message: message.into(),
        remedy: remedy.into(),
    }
}

/// The dataset.
struct Place {
    out: PathBuf,
    identity: Identity,
    format: FileFormat,
}

impl Place {
    fn find(request: &ForgetRequest) -> Result<Self, PipelineError> {
        let identity = Dataset::inspect(&request.out)?.ok_or_else(|| {
            usage(
                format!("there is no dataset in {}", request.out.display()),
                "name the folder that `lcw export` writes to with --out",
            )
        })?;
        let format = FileFormat::from_names(&identity.format, &identity.compression);
        let format = format.ok_or_else(|| {
            usage(
                "the dataset is in a format that this program does not know",
                "use the newer program that wrote it",
            )
        })?;
        Ok(Self {
            out: request.out.clone(),
            identity,
            format,
        })
    }

    fn open(&self, folder: &Path) -> Result<Dataset, DatasetError> {
        let format = self.format.loader();
        let tables = specs(&layout(format.as_ref(), false))?;
        Dataset::open(folder, format, tables)
    }

    fn tenants(&self, wanted: Option<&str>) -> Result<Vec<String>, PipelineError> {
        let is_wanted =
            |tenant: &&String| wanted.is_none_or(|wanted| tenant.eq_ignore_ascii_case(wanted));
        let tenants: Vec<String> = self
            .identity
            .tenants
            .iter()
            .filter(is_wanted)
            .cloned()
            .collect();
        if tenants.is_empty() {
            return Err(usage(
                "the dataset has no such tenant",
                "lcw status shows its tenants",
            ));
        }
        Ok(tenants)
    }

    /// Those who are to be forgotten, as the dataset has them.
    fn ids(&self, request: &ForgetRequest) -> Result<BTreeSet<String>, PipelineError> {
        let mut ids = BTreeSet::new();
        for subject in &request.subjects {
            check_id(subject)?;
        }
        match (&self.identity.pseudonymisation, &request.key) {
            (None, _) if !request.pseudonyms.is_empty() => {
                return Err(usage(
                    "the dataset is not pseudonymised",
                    "name people by their ids, with --subject",
                ));
            }
            (None, _) => ids.extend(request.subjects.iter().cloned()),
            (Some(_), None) if !request.subjects.is_empty() => {
                return Err(usage(
                    "the dataset is pseudonymised, and without its key nobody can be found by id",
                    "give the key with LCW_PSEUDONYM_KEY or pseudonym_key_file, or name people by \
                     their pseudonyms, with --pseudonym",
                ));
            }
            (Some(_), None) => {}
            (Some(has), Some(key)) if key.id() != has => {
                return Err(DatasetError::Mismatch {
                    what: "pseudonymisation",
                    has: Some(has.clone()),
                    wants: Some(key.id().to_owned()),
                }
                .into());
            }
            (Some(_), Some(key)) => {
                ids.extend(request.subjects.iter().map(|id| key.pseudonym(id)));
            }
        }
        for pseudonym in &request.pseudonyms {
            ids.insert(checked_pseudonym(pseudonym)?);
        }
        if ids.is_empty() {
            return Err(usage("nobody was named", "name people with --subject"));
        }
        Ok(ids)
    }

    /// Says what would be changed. Needs no lock.
    fn look(
        &self,
        tenant: &str,
        ids: &BTreeSet<String>,
        stopping: &Stopping,
    ) -> Result<TenantForgetting, PipelineError> {
        let dataset = self.open(&self.out)?;
        let mut tombstones = Tombstones::new();
        tombstones.add(ids.iter().map(String::as_str));
        found(&dataset, tenant, &tombstones.forgotten(), stopping)
    }

    /// Puts them on record and takes them out, together with those whom a forget that was stopped
    /// has left. Writes nothing where there is nothing.
    fn forget(
        &self,
        tenant: &str,
        ids: &BTreeSet<String>,
        stopping: &Stopping,
    ) -> Result<TenantForgetting, PipelineError> {
        let format = self.format.loader();
        let tables = specs(&layout(format.as_ref(), false))?;
        let mut writer = Writer::acquire(&self.out, &self.identity, tenant, format, tables)?;
        let previous = writer.previous()?;
        let mut state = match &previous {
            Some(manifest) => State::of_whole(manifest)?,
            None => State::default(),
        };
        let mut tombstones = state.tombstones.take().unwrap_or_else(Tombstones::new);
        let was_stopped = std::mem::replace(&mut tombstones.is_unfinished, true);
        tombstones.add(ids.iter().map(String::as_str));
        let forgotten = tombstones.forgotten();
        let mut found = found(writer.dataset(), tenant, &forgotten, stopping)?;
        if !found.has_something() && !was_stopped {
            return Ok(found);
        }
        let started_at = Timestamp::now();
        let head = ManifestHead {
            export_id: writer.next_export_id(started_at)?,
            kind: KIND.to_owned(),
            args_hash: String::new(),
            started_at,
            window: None,
        };
        let mut export = writer.begin(head)?;
        // What its files hold is counted anew by the next export.
        state.totals.clear();
        state.tombstones = Some(tombstones);
        hand_over(&mut export, &state);
        let asked = stopping.clone();
        export.stop_when(move || asked.is_asked());
        stopping.reach(Stage::Begun);
        let done = rewrite(&mut export, &found.files, &forgotten, stopping)
            .and_then(|()| export.rewrite_quarantine(|line| redact_line(&forgotten, line)));
        match done {
            Err(DatasetError::Stopped) => {
                // Who is to be forgotten is on record: whoever comes next knows.
                export.close(tail(Status::Interrupted))?;
                stopping.check()?;
                return Err(DatasetError::Stopped.into());
            }
            other => _ = other?,
        }
        if let Some(tombstones) = &mut state.tombstones {
            tombstones.is_unfinished = false;
        }
        hand_over(&mut export, &state);
        let manifest = export.close(tail(Status::Done))?;
        found.manifest = Some(ManifestSummary {
            path: manifest.path.display().to_string(),
            sha256: manifest.sha256,
        });
        Ok(found)
    }

    /// The snapshots in these folders that hold them.
    fn snapshots(
        &self,
        folders: &[PathBuf],
        ids: &BTreeSet<String>,
        stopping: &Stopping,
    ) -> Result<Vec<String>, PipelineError> {
        let mut tombstones = Tombstones::new();
        tombstones.add(ids.iter().map(String::as_str));
        let forgotten = tombstones.forgotten();
        let mut holding = Vec::new();
        for folder in folders {
            for snapshot in snapshots_in(folder)? {
                let dataset = self.open(&snapshot)?;
                let mut is_there = false;
                for tenant in &self.identity.tenants {
                    is_there =
                        is_there || found(&dataset, tenant, &forgotten, stopping)?.has_something();
                }
                if is_there {
                    holding.push(snapshot.display().to_string());
                }
            }
        }
        Ok(holding)
    }
}

/// The kind of its manifests.
pub(crate) const KIND: &str = "forget";

/// Refuses what is no id, without repeating it.
fn check_id(id: &str) -> Result<(), PipelineError> {
    let is_short = id.trim().len() < SHORTEST_ID;
    if is_short || id.trim() != id || id.chars().any(char::is_control) {
        return Err(usage(
            format!(
                "a subject's id has at least {SHORTEST_ID} characters and no blanks around it; one \
                 of those given is none"
            ),
            "give the object id of the user, like 5ec7e7b0-1111-4222-8333-44445555beef: the column \
             subject_id has it",
        ));
    }
    Ok(())
}

fn checked_pseudonym(pseudonym: &str) -> Result<String, PipelineError> {
    let is_hex = pseudonym.bytes().all(|byte| byte.is_ascii_hexdigit());
    if pseudonym.len() != PSEUDONYM || !is_hex {
        return Err(usage(
            format!("a pseudonym has {PSEUDONYM} hex digits; one of those given has not"),
            "take it from the column subject_id",
        ));
    }
    Ok(pseudonym.to_ascii_lowercase())
}

/// The snapshots in a folder, and not the link that leads to one of them.
fn snapshots_in(folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    let failed = |source| DatasetError::Io {
        action: "list the snapshots in",
        path: folder.to_owned(),
        source,
    };
    let mut snapshots = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_folder && entry.path().join("_dataset.json").is_file() {
            snapshots.push(entry.path());
        }
    }
    snapshots.sort();
    Ok(snapshots)
}

/// Where somebody who is to be forgotten is in a tenant's files.
fn found(
    dataset: &Dataset,
    tenant: &str,
    forgotten: &Forgotten,
    stopping: &Stopping,
) -> Result<TenantForgetting, PipelineError> {
    let mut files = Vec::new();
    for table in Table::ALL {
        for file in dataset.files(table.name(), tenant)? {
            let mut found = ForgottenFile {
                table: table.name(),
                run_date: file.day.map(|day| day.to_string()),
                rows_removed: 0,
                rows_changed: 0,
                day: file.day,
                of: table,
            };
            for batch in dataset
                .read_all(table.name(), tenant, file.day)?
                .into_iter()
                .flatten()
            {
                stopping.check()?;
                if let Some(redacted) = forgotten.redact(table, &batch?) {
                    found.rows_removed += redacted.removed.len() as u64;
                    found.rows_changed += redacted.changed;
                }
            }
            if found.rows_removed + found.rows_changed > 0 {
                files.push(found);
            }
        }
    }
    let mut lines = BTreeMap::<String, u64>::new();
    dataset.each_quarantined(|path, line| {
        if redact_line(forgotten, line).is_some() {
            *lines.entry(path.to_owned()).or_default() += 1;
        }
    })?;
    let quarantined = lines.into_iter();
    Ok(TenantForgetting {
        tenant_id: tenant.to_owned(),
        files,
        quarantined: quarantined
            .map(|(file, lines)| QuarantinedLines { file, lines })
            .collect(),
        manifest: None,
    })
}

/// Writes the files anew, day by day.
fn rewrite(
    export: &mut Export<'_>,
    files: &[ForgottenFile],
    forgotten: &Forgotten,
    stopping: &Stopping,
) -> Result<(), DatasetError> {
    let days: BTreeSet<Option<Date>> = files.iter().map(|file| file.day).collect();
    for day in days {
        if stopping.is_asked() {
            return Err(DatasetError::Stopped);
        }
        let mut staging = export.day(day)?;
        for file in files.iter().filter(|file| file.day == day) {
            let mut removed = BTreeMap::<(String, String), u64>::new();
            staging.rewrite(file.table, |batch| {
                let redacted = forgotten.redact(file.of, batch)?;
                count_by_run(batch, &redacted.removed, &mut removed);
                Some(Rewritten {
                    batch: redacted.batch,
                    removed: redacted.removed.len() as u64,
                    changed: redacted.changed,
                })
            })?;
            for ((workflow_id, run_id), removed) in removed {
                staging.note_forgotten(ForgottenRows {
                    table: file.table.to_owned(),
                    workflow_id,
                    run_id,
                    removed,
                    ..ForgottenRows::default()
                });
            }
        }
        staging.commit()?;
    }
    Ok(())
}

/// Counts rows by the run that they belong to.
fn count_by_run(batch: &RecordBatch, rows: &[usize], counts: &mut BTreeMap<(String, String), u64>) {
    let texts =
        |name: &str| -> Option<&StringArray> { batch.column_by_name(name)?.as_string_opt::<i32>() };
    let (Some(workflows), Some(runs)) = (texts("workflow_id"), texts("run_id")) else {
        return;
    };
    for row in rows {
        let key = (
            workflows.value(*row).to_owned(),
            runs.value(*row).to_owned(),
        );
        *counts.entry(key).or_default() += 1;
    }
}

fn hand_over(export: &mut Export<'_>, state: &State) {
    // A state is plain data: it can always be written.
    export.set_state(serde_json::to_value(state).unwrap_or_default());
}

fn tail(status: Status) -> ManifestTail {
    ManifestTail {
        status,
        finished_at: Timestamp::now(),
        requests: lcw_dataset::RequestCounts::default(),
        runs: lcw_dataset::RunCounts::default(),
        proof: lcw_dataset::ProofCounts::default(),
        not_covered: serde_json::Value::Array(Vec::new()),
        drift: serde_json::Value::Null,
    }
}
