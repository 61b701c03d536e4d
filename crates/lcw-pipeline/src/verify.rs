//! Whether a dataset is what its exports wrote, found out offline and without a lock.

mod deep;
mod repair;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lcw_dataset::{Audit, Class, Dataset, Finding, Format, Identity, Seen, TableSpec, Unit};
use serde::Serialize;

use crate::error::PipelineError;
use crate::exit;
use crate::prepare::newest_manifest;
use crate::request::FileFormat;
use crate::state::State;
use crate::tables::{layout, specs};
use crate::verify::deep::{Day, RunsByDay};
pub use crate::verify::repair::{Refill, Repair};

/// Looks at something that an export may be changing, at most.
const LOOKS: u32 = 50;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What is to be verified, and how.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// The dataset's folder.
    pub out: PathBuf,
    /// Whether every row is read, too.
    pub deep: bool,
    /// SHA-256 that a closed manifest has to have, in lower-case hex.
    pub expect_head: Option<String>,
}

/// What was verified, and what was found.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// Whether nothing is wrong.
    pub is_good: bool,
    /// The exit code of the program.
    pub exit_code: u8,
    /// The dataset's folder.
    pub out: String,
    /// What the dataset is; null when the file that says so is damaged.
    pub identity: Option<Identity>,
    /// Whether every row was read.
    pub deep: bool,
    /// The newest closed manifest; null before there is one.
    pub head: Option<Head>,
    /// The manifest that was asked for; null when none was, or there is none.
    pub expected_head: Option<Head>,
    /// How much was looked at.
    pub checked: Checked,
    /// What is wrong.
    pub findings: Vec<Problem>,
    /// What is worth knowing, and harms nobody.
    pub notes: Vec<Problem>,
    /// What puts it in order.
    pub repair: Repair,
}

/// A closed manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The export.
    pub export_id: String,
    /// SHA-256 of its manifest.
    pub sha256: String,
    /// Exports that ended after it.
    pub exports_after: u64,
}

/// How much was looked at.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Checked {
    /// Manifests.
    pub manifests: u64,
    /// Data files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows, as recorded; with `deep` every one of them was read.
    pub rows: u64,
    /// Runs; null unless every row was read.
    pub runs: Option<u64>,
    /// Runs of which no rows of any table were read yet; null unless every row was read.
    pub runs_not_read: Option<u64>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of thing.
    pub class: Class,
    /// Path below the dataset's folder.
    pub file: String,
    /// The table; null unless it is a data file.
    pub table: Option<String>,
    /// The tenant; null likewise.
    pub tenant_id: Option<String>,
    /// The day; null likewise, and of undated tables.
    pub run_date: Option<String>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// Verifies the dataset in a folder.
///
/// # Errors
/// When there is no dataset, or its folders cannot be listed. Damage is no error.
pub fn verify(request: &VerifyRequest) -> Result<Verification, PipelineError> {
    let mut audit = Audit::open(&request.out)?.ok_or_else(|| no_dataset(&request.out))?;
    let mut found = Found::default();
    let manifests = settle(&mut audit, Audit::findings, Vec::is_empty)?;
    found.findings.extend(manifests);
    let head = head(&audit, request, &mut found);
    let identity = match audit.identity() {
        Ok(identity) => Some(identity.clone()),
        Err(finding) => {
            found.findings.push(finding.clone());
            None
        }
    };
    let mut holdings = BTreeMap::new();
    let mut acknowledged = Vec::new();
    if let Some(identity) = &identity {
        match FileFormat::from_names(&identity.format, &identity.compression) {
            Some(format) => {
                let dataset = open(&audit, format.loader())?;
                found.newer_versions(identity, &dataset);
                found.files(&mut audit, &dataset, request.deep)?;
                for tenant in &identity.tenants {
                    holdings.insert(tenant.clone(), audit.held(&dataset, tenant));
                    // What a damaged manifest says of it nobody has said.
                    let newest = newest_manifest(&dataset, tenant).ok().flatten();
                    acknowledged.extend(newest.map(|manifest| State::of(&manifest)));
                }
            }
            None => found.unknown_format(identity),
        }
    }
    found.findings.extend(audit.leftovers());
    found.note_acknowledged(&acknowledged);
    Ok(found.report(request, &audit, identity, head, &holdings))
}

fn no_dataset(out: &Path) -> PipelineError {
    PipelineError::Usage {
        message: format!("there is no dataset in {}", out.display()),
        remedy: "name the folder that `lcw export` writes to with --out".to_owned(),
    }
}

fn open(audit: &Audit, format: Arc<dyn Format>) -> Result<Dataset, PipelineError> {
    let tables = specs(&layout(format.as_ref(), false))?;
    Ok(audit.dataset(format, tables))
}

/// Looks until two looks in a row, with the manifests read anew in between, see the same, or
/// nothing is wrong: beside a running export one look alone may see half of a change.
fn settle<T: PartialEq>(
    audit: &mut Audit,
    mut look: impl FnMut(&Audit) -> T,
    is_good: impl Fn(&T) -> bool,
) -> Result<T, PipelineError> {
    let mut seen = look(audit);
    for _ in 1..LOOKS {
        if is_good(&seen) {
            break;
        }
        std::thread::sleep(PAUSE);
        audit.refresh()?;
        let before = std::mem::replace(&mut seen, look(audit));
        if before == seen {
            break;
        }
    }
    Ok(seen)
}

/// The newest closed manifest, and the one that was asked for.
fn head(audit: &Audit, request: &VerifyRequest, found: &mut Found) -> (Option<Head>, Option<Head>) {
    let head_of = |sha256: &str| {
        let (link, exports_after) = audit.find(sha256)?;
        Some(Head {
            export_id: link.export_id.clone(),
            sha256: link.sha256.clone(),
            exports_after,
        })
    };
    let head = audit.head().and_then(|link| head_of(&link.sha256));
    let Some(wanted) = &request.expect_head else {
        return (head, None);
    };
    let expected = head_of(wanted);
    if expected.is_none() {
        found.findings.push(Finding {
            class: Class::UnknownHead,
            file: "_manifests".to_owned(),
            place: None,
            expected: format!("a closed manifest with the SHA-256 {wanted}"),
            found: "none".to_owned(),
            written_by: None,
        });
    }
    (head, expected)
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    checked: Checked,
}

/// One look at a unit.
#[derive(PartialEq)]
struct Look {
    seen: Seen,
    between: Vec<Finding>,
    day: Option<Day>,
}

impl Found {
    fn unknown_format(&mut self, identity: &Identity) {
        self.findings.push(Finding {
            class: Class::NewerSchema,
            file: "_dataset.json".to_owned(),
            place: None,
            expected: "a format that this program knows".to_owned(),
            found: format!("{} ({})", identity.format, identity.compression),
            written_by: None,
        });
    }

    fn newer_versions(&mut self, identity: &Identity, dataset: &Dataset) {
        let mut newer = |what: &str, has: u32, knows: u32| {
            self.findings.push(Finding {
                class: Class::NewerSchema,
                file: "_dataset.json".to_owned(),
                place: None,
                expected: format!("version {knows} or older of {what}"),
                found: format!("version {has}"),
                written_by: None,
            });
        };
        let known_layout = Identity::new(FileFormat::Parquet.loader().as_ref()).layout_version;
        if identity.layout_version > known_layout {
            newer("the layout", identity.layout_version, known_layout);
        }
        for (table, has) in &identity.schema_versions {
            let knows = dataset.table(table).map_or(0, TableSpec::schema_version);
            if *has > knows {
                newer(&format!("the table {table}"), *has, knows);
            }
        }
    }

    fn files(
        &mut self,
        audit: &mut Audit,
        dataset: &Dataset,
        deep: bool,
    ) -> Result<(), PipelineError> {
        let walked = settle(audit, |audit| audit.units(dataset), |it| it.1.is_empty())?;
        let (units, strays) = walked;
        self.findings.extend(strays);
        let mut runs = RunsByDay::default();
        for unit in &units {
            let look = settle(
                audit,
                |audit| look(audit, dataset, unit, deep),
                |look| look.seen.findings.is_empty() && look.between.is_empty(),
            )?;
            let Look { seen, between, day } = look;
            self.checked.files += seen.files;
            self.checked.bytes += seen.bytes;
            self.checked.rows += seen.rows;
            self.findings.extend(seen.findings);
            self.findings.extend(between);
            if let Some(day) = day {
                self.findings.extend(runs.add(unit, day));
            }
        }
        if deep {
            self.checked.runs = Some(runs.len());
            self.checked.runs_not_read = Some(runs.not_read());
        }
        Ok(())
    }

    /// Recorded files that are gone, as somebody knows, stay visible and are no damage any more.
    fn note_acknowledged(&mut self, states: &[State]) {
        for finding in &mut self.findings {
            let is_gone = finding.found == "no file"
                && matches!(finding.class, Class::Missing | Class::Unverifiable);
            let mut reasons = states.iter();
            let reason = reasons.find_map(|state| state.reason_for_gone(&finding.file));
            if let Some(reason) = reason.filter(|_| is_gone) {
                finding.class = Class::Acknowledged;
                finding.found = format!("no file; acknowledged: {reason}");
            }
        }
    }

    fn report(
        mut self,
        request: &VerifyRequest,
        audit: &Audit,
        identity: Option<Identity>,
        (head, expected_head): (Option<Head>, Option<Head>),
        holdings: &BTreeMap<String, BTreeSet<String>>,
    ) -> Verification {
        self.checked.manifests = audit.manifests();
        let (notes, findings): (Vec<_>, Vec<_>) = self
            .findings
            .into_iter()
            .partition(|finding| finding.class.is_note());
        let today = Timestamp::now();
        let repair = Repair::of(&findings, today, holdings);
        let is_good = findings.is_empty();
        let problems = |findings: Vec<Finding>| {
            let problem = |finding| Problem::new(finding, today);
            findings.into_iter().map(problem).collect()
        };
        Verification {
            is_good,
            exit_code: if is_good { exit::DONE } else { exit::FAILED },
            out: request.out.display().to_string(),
            identity,
            deep: request.deep,
            head,
            expected_head,
            checked: self.checked,
            findings: problems(findings),
            notes: problems(notes),
            repair,
        }
    }
}

/// Looks at the files of a unit, and with `deep` at their rows and what they say of each other.
fn look(audit: &Audit, dataset: &Dataset, unit: &Unit, deep: bool) -> Look {
    if !deep {
        return Look {
            seen: audit.examine(dataset, unit, None),
            between: Vec::new(),
            day: None,
        };
    }
    let mut day = Day::default();
    let seen = audit.examine(dataset, unit, Some(&mut day));
    let is_dated = unit.day.is_some();
    let between = if is_dated {
        let forgotten = |table: &str, workflow: &str, run: &str| {
            audit.forgotten(&unit.tenant, table, workflow, run)
        };
        day.compare(unit, &seen, audit.is_unfinished(unit), forgotten)
    } else {
        Vec::new()
    };
    Look {
        seen,
        between,
        day: is_dated.then_some(day),
    }
}

impl Problem {
    fn new(finding: Finding, now: Timestamp) -> Self {
        let remedy = repair::remedy(&finding, now);
        let (table, tenant_id, day) = match finding.place {
            Some(place) => (Some(place.table), Some(place.tenant), place.day),
            None => (None, None, None),
        };
        Self {
            class: finding.class,
            file: finding.file,
            table,
            tenant_id,
            run_date: day.map(|day| day.to_string()),
            expected: finding.expected,
            found: finding.found,
            remedy,
        }
    }
}
