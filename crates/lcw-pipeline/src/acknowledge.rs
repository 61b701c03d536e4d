//! Puts on record that something is known to be missing, and why that is all right.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use lcw_dataset::{
    AcknowledgedManifest, Audit, Class, Dataset, Export, Finding, Format, Identity, ManifestHead,
    ManifestRef, ManifestTail, Status, TableSpec, Unit, Writer,
};
use serde::Serialize;
use tracing::warn;

use crate::error::PipelineError;
use crate::named::{find_workflow, known_workflows};
use crate::request::FileFormat;
use crate::state::{Acknowledged, State};
use crate::status::{StoredShortRun, TenantStatus, no_dataset, status};
use crate::tables::{layout, specs};

/// The kind of its manifests.
pub(crate) const KIND: &str = "acknowledge";

/// What somebody acknowledges.
#[derive(Debug, Clone)]
pub struct AcknowledgeRequest {
    /// The dataset's folder.
    pub out: PathBuf,
    /// The tenant's id; may be left out when the dataset has one.
    pub tenant: Option<String>,
    /// Runs that are short, by their ids.
    pub runs: Vec<String>,
    /// Lost days with their files that are gone, and the short runs of these days, as `2026-11-01`.
    pub days: Vec<String>,
    /// Workflows of which the service counts more than there is, and their short runs, by id or by
    /// name.
    pub workflows: Vec<String>,
    /// Manifests that are gone or were changed, and rows that were set aside and are gone, by the ids of
    /// their exports.
    pub manifests: Vec<String>,
    /// Why that is all right.
    pub reason: String,
}

/// What was put on record.
#[derive(Debug, Clone, Serialize)]
pub struct Acknowledgement {
    /// The tenant.
    pub tenant_id: String,
    /// Everything that was acknowledged now.
    pub acknowledged: Vec<Acknowledged>,
    /// The manifest that keeps it.
    pub manifest: String,
    /// SHA-256 of that manifest, in hex.
    pub manifest_sha256: String,
}

/// Acknowledges shortfalls, lost days, and manifests that are gone or were changed. They stay in the status and in the record, but do not make
/// an export unproven any more, unless more goes missing.
///
/// # Errors
/// When nothing that was named is missing, nothing was named, the dataset has several tenants and
/// none was named, or the dataset is held by an export.
pub fn acknowledge(request: &AcknowledgeRequest) -> Result<Acknowledgement, PipelineError> {
    let status = status(&request.out)?;
    let tenant = choose(&status.tenants, request.tenant.as_deref())?;
    let request = &with_ids(request, tenant)?;
    let mut entries = entries(request, tenant)?;
    let tenant_id = tenant.tenant_id.clone();
    let manifest = record(request, &tenant_id, &mut entries)?;
    Ok(Acknowledgement {
        tenant_id,
        acknowledged: entries,
        manifest: manifest.path.display().to_string(),
        manifest_sha256: manifest.sha256,
    })
}

fn choose<'t>(
    tenants: &'t [TenantStatus],
    wanted: Option<&str>,
) -> Result<&'t TenantStatus, PipelineError> {
    let is_wanted = |tenant: &&TenantStatus| {
        wanted.is_none_or(|wanted| tenant.tenant_id.eq_ignore_ascii_case(wanted))
    };
    let mut fitting = tenants.iter().filter(is_wanted);
    match (fitting.next(), fitting.next()) {
        (Some(tenant), None) => Ok(tenant),
        (Some(_), Some(_)) => Err(usage(
            "the dataset has several tenants",
            "name one with --tenant-id",
        )),
        (None, _) => Err(usage(
            "the dataset has no such tenant",
            "lcw status shows its tenants",
        )),
    }
}

fn usage(message: impl Into<String>, remedy: impl Into<String>) -> PipelineError {
    PipelineError::Usage {
        message: message.into(),
        remedy: remedy.into(),
    }
}

/// The same with every workflow by its id. A name is looked for only where nothing is missing of a
/// workflow with such an id.
fn with_ids(
    request: &AcknowledgeRequest,
    tenant: &TenantStatus,
) -> Result<AcknowledgeRequest, PipelineError> {
    let is_short = |id: &String| tenant.short_runs.iter().any(|it| it.workflow_id == *id);
    let mut request = request.clone();
    if request.workflows.iter().all(is_short) {
        return Ok(request);
    }
    let known = known_workflows(&request.out, &tenant.tenant_id)?;
    for named in &mut request.workflows {
        if !named.is_empty() && !is_short(named) {
            *named = find_workflow(named, &known, "the dataset")?.to_owned();
        }
    }
    Ok(request)
}

/// One entry for each thing that is missing; an error for a name that nothing is missing of.
fn entries(
    request: &AcknowledgeRequest,
    tenant: &TenantStatus,
) -> Result<Vec<Acknowledged>, PipelineError> {
    let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut entries = Vec::new();
    let named = request.runs.iter().map(|id| (Named::Run, id));
    let named = named.chain(request.days.iter().map(|day| (Named::Day, day)));
    let named = named.chain(request.workflows.iter().map(|id| (Named::Workflow, id)));
    for (what, name) in named {
        if name.is_empty() {
            return Err(usage(
                format!("the name of a {} is empty", what.words()),
                "lcw status lists what is short and what was lost",
            ));
        }
        let before = entries.len();
        let is_named = |short: &&StoredShortRun| match what {
            Named::Run => short.run_id == *name,
            Named::Day => short.run_date == *name,
            Named::Workflow => short.workflow_id == *name,
        };
        for short in tenant.short_runs.iter().filter(is_named) {
            entries.push(Acknowledged {
                table: short.table.clone(),
                workflow_id: short.workflow_id.clone(),
                run_id: short.run_id.clone(),
                day: String::new(),
                manifest: String::new(),
                files: Vec::new(),
                missing: short.missing(),
                reason: request.reason.clone(),
                at: at.clone(),
            });
        }
        if what == Named::Day && tenant.lost_days.contains(name) {
            entries.push(whole(&request.reason, &at).of_day(name));
        }
        if entries.len() == before {
            return Err(usage(
                format!("nothing is missing of {} {name}", what.words()),
                "lcw status lists what is short and what was lost",
            ));
        }
    }
    let manifests = request.manifests.iter();
    entries.extend(manifests.map(|id| whole(&request.reason, &at).of_manifest(id)));
    if entries.is_empty() {
        return Err(usage(
            "nothing was named",
            "name what is known to be missing with --run, --day, --workflow or --manifest",
        ));
    }
    Ok(entries)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Run,
    Day,
    Workflow,
}

impl Named {
    fn words(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Day => "day",
            Self::Workflow => "workflow",
        }
    }
}

/// What is missing as a whole.
fn whole(reason: &str, at: &str) -> Acknowledged {
    Acknowledged {
        table: String::new(),
        workflow_id: String::new(),
        run_id: String::new(),
        day: String::new(),
        manifest: String::new(),
        files: Vec::new(),
        missing: 0,
        reason: reason.to_owned(),
        at: at.to_owned(),
    }
}

impl Acknowledged {
    fn of_day(mut self, day: &str) -> Self {
        day.clone_into(&mut self.day);
        self
    }

    fn of_manifest(mut self, export_id: &str) -> Self {
        export_id.clone_into(&mut self.manifest);
        self
    }
}

/// What is in the place of each manifest that is named; an error for one that is as it was written, unless
/// rows that its export set aside are gone.
fn doubtful(request: &AcknowledgeRequest) -> Result<Vec<AcknowledgedManifest>, PipelineError> {
    if request.manifests.is_empty() {
        return Ok(Vec::new());
    }
    let audit = Audit::open(&request.out)?.ok_or_else(|| no_dataset(&request.out))?;
    let mut doubtful = Vec::new();
    for export_id in &request.manifests {
        if audit.is_doubtful(export_id) || is_missed(request, &audit, export_id)? {
            doubtful.push(AcknowledgedManifest {
                export_id: export_id.clone(),
                found: audit.manifest_digest(export_id).map(str::to_owned),
                reason: request.reason.clone(),
            });
        } else if !has_lost_lines(&audit, export_id) {
            return Err(usage(
                format!("nothing is wrong with the manifest {export_id:?}"),
                "lcw verify lists the manifests that are gone or were changed",
            ));
        }
    }
    Ok(doubtful)
}

/// Whether no manifest names an export, but rows of it, or lines that it set aside, are in a file that
/// cannot be judged without its own.
fn is_missed(
    request: &AcknowledgeRequest,
    audit: &Audit,
    export_id: &str,
) -> Result<bool, PipelineError> {
    let (format, tables) = opened(request)?;
    let dataset = audit.dataset(format, tables);
    let units = audit.units(&dataset).0;
    let of_units = units
        .iter()
        .flat_map(|unit| audit.examine(&dataset, unit, None).findings);
    let mut findings = audit.findings().into_iter().chain(of_units);
    Ok(findings.any(|it| it.written_by.as_deref() == Some(export_id)))
}

/// Whether rows that an export set aside are gone.
fn has_lost_lines(audit: &Audit, export_id: &str) -> bool {
    let mut missing = audit.findings().into_iter();
    missing.any(|it| it.class == Class::Missing && is_line_of(&it, export_id))
}

fn is_line_of(finding: &Finding, export_id: &str) -> bool {
    let of_export = format!("_quarantine/{export_id}/");
    finding.file.starts_with(&of_export)
}

/// Names, in each entry, the recorded files that are gone with it: with a lost day, or with the rows that an
/// export set aside.
fn name_gone_files(
    audit: &Audit,
    dataset: &Dataset,
    out: &Path,
    tenant: &str,
    entries: &mut [Acknowledged],
) {
    let is_gone = |finding: &Finding| {
        let is_recorded = matches!(finding.class, Class::Missing | Class::Unverifiable);
        is_recorded && !out.join(&finding.file).exists()
    };
    let lines: Vec<Finding> = audit.findings();
    let units = audit.units(dataset).0;
    for entry in entries {
        if !entry.manifest.is_empty() {
            let gone = lines
                .iter()
                .filter(|it| is_gone(it) && is_line_of(it, &entry.manifest));
            entry.files = gone.map(|finding| finding.file.clone()).collect();
        }
        let is_of_day = |unit: &&Unit| {
            let day = unit.day.map(|day| day.to_string());
            unit.tenant == tenant && day.as_ref() == Some(&entry.day)
        };
        for unit in units.iter().filter(is_of_day) {
            let findings = audit.examine(dataset, unit, None).findings.into_iter();
            let gone = findings.filter(is_gone).map(|finding| finding.file);
            entry.files.extend(gone);
        }
    }
}

/// What the dataset is made of.
fn opened(
    request: &AcknowledgeRequest,
) -> Result<(Arc<dyn Format>, Vec<TableSpec>), PipelineError> {
    let missing = || usage("the dataset cannot be read", "check --out");
    let identity = Dataset::inspect(&request.out)?.ok_or_else(missing)?;
    let format = FileFormat::from_names(&identity.format, &identity.compression);
    let format = format.ok_or_else(missing)?.loader();
    let tables = specs(&layout(format.as_ref(), false))?;
    Ok((format, tables))
}

/// Puts every file on record that cannot be judged because a manifest is gone. One that cannot be read
/// stays what it is: damaged.
fn put_on_record(audit: &Audit, dataset: &Dataset, export: &mut Export<'_>) {
    for unit in audit.units(dataset).0 {
        let findings = audit.examine(dataset, &unit, None).findings.into_iter();
        let unverifiable = findings.filter(|it| it.class == Class::Unverifiable);
        for place in unverifiable.filter_map(|finding| finding.place) {
            if let Err(error) = export.put_on_record(&place) {
                warn!(%error, "a file stays damaged");
            }
        }
    }
    let findings = audit.findings().into_iter();
    for lines in findings.filter(|it| it.class == Class::Unverifiable) {
        if let Err(error) = export.put_lines_on_record(&lines.file) {
            warn!(%error, "a file of quarantined lines stays damaged");
        }
    }
}

/// Writes a manifest of its own, under the lock. No table is touched.
fn record(
    request: &AcknowledgeRequest,
    tenant: &str,
    entries: &mut [Acknowledged],
) -> Result<ManifestRef, PipelineError> {
    let missing = || usage("the dataset cannot be read", "check --out");
    let identity: Identity = Dataset::inspect(&request.out)?.ok_or_else(missing)?;
    let (format, tables) = opened(request)?;
    let known = doubtful(request)?;
    let mut writer = Writer::acquire_to_acknowledge(
        &request.out,
        &identity,
        tenant,
        Arc::clone(&format),
        tables.clone(),
        &request.manifests,
    )?;
    // As long as it is known which manifest was the newest one.
    let audit = Audit::open(&request.out)?.ok_or_else(|| no_dataset(&request.out))?;
    let started_at = Timestamp::now();
    let head = ManifestHead {
        export_id: writer.next_export_id(started_at)?,
        kind: KIND.to_owned(),
        args_hash: String::new(),
        started_at,
        window: None,
    };
    let mut export = writer.begin(head)?;
    let mut state = State::of_whole(export.manifest())?;
    let dataset = audit.dataset(format, tables);
    name_gone_files(&audit, &dataset, &request.out, tenant, entries);
    state.acknowledged.extend(entries.iter().cloned());
    export.set_state(serde_json::to_value(&state).unwrap_or_default());
    if !known.is_empty() {
        put_on_record(&audit, &dataset, &mut export);
        for manifest in known {
            export.acknowledge(manifest);
        }
    }
    let tail = ManifestTail {
        status: Status::Done,
        finished_at: Timestamp::now(),
        requests: lcw_dataset::RequestCounts::default(),
        runs: lcw_dataset::RunCounts::default(),
        proof: lcw_dataset::ProofCounts::default(),
        not_covered: serde_json::Value::Null,
        drift: serde_json::Value::Null,
    };
    Ok(export.close(tail)?)
}

impl StoredShortRun {
    /// How many rows are missing.
    pub(crate) fn missing(&self) -> i64 {
        let fetched = self.fetched.unwrap_or(0);
        self.counted.unwrap_or(0).saturating_sub(fetched)
    }
}
