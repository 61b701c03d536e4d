//! What all manifests say together, and whether they hang together.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::audit::finding::{Class, Finding};
use crate::error::DatasetError;
use crate::format::digest_of;
use crate::layout;
use crate::lock::recorded_head;
use crate::manifest::{
    AcknowledgedManifest, DayState, FileChange, FileRecord, MANIFEST_VERSION, Manifest,
    ManifestLink,
};
use crate::seal::unsealed;
use crate::storage::{Storage, record_in};

/// The manifests of a dataset, read oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The newest record of every file, also of those of quarantined lines.
    pub(crate) files: BTreeMap<String, Recorded>,
    /// Every export, oldest first.
    pub(crate) exports: Vec<ExportRecord>,
    /// Ids of all exports that have a manifest, readable or not.
    pub(crate) ids: BTreeSet<String>,
    /// Rows that are in no file because somebody has asked to forget whom they are about: by
    /// tenant, table, workflow and run.
    pub(crate) forgotten: HashMap<[String; 4], u64>,
    /// Tenant and day of what was not committed as a whole.
    unfinished: BTreeSet<(String, String)>,
    /// The newest manifest that is not to be trusted: what older ones say may be out of date.
    damaged: Option<String>,
    pub(crate) findings: Vec<Finding>,
    /// Files that an export wrote anew with fewer rows than they had, by path.
    rows_gone: BTreeMap<String, RowsGone>,
    /// What the findings about manifests are that somebody knows of.
    acknowledged: Vec<AcknowledgedManifest>,
    /// The exports that findings about data files are about, by path.
    blamed: BTreeMap<String, String>,
    /// What files held according to manifests that are not the newest of them; read when needed.
    earlier: OnceCell<HashMap<String, Vec<(String, String)>>>,
}

/// What a file may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The export that recorded it.
    pub(crate) export_id: String,
    /// One of these; `None` where it may also not be there.
    pub(crate) contents: Vec<Option<FileRecord>>,
    /// Its manifest is what was written.
    pub(crate) is_trusted: bool,
}

/// A file that was not there when an export wrote it.
#[derive(Debug)]
struct RowsGone {
    /// That export.
    export_id: String,
    /// The one before it that had written the file.
    had_by: String,
    had: u64,
    has: u64,
}

/// A manifest, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportRecord {
    pub(crate) link: ManifestLink,
    pub(crate) is_running: bool,
    pub(crate) quarantined: BTreeMap<String, u64>,
}

impl Ledger {
    pub(crate) fn read(storage: &dyn Storage) -> Result<Self, DatasetError> {
        let mut ledger = Self::default();
        let mut before: Option<ManifestLink> = None;
        // First, so that the manifest that it names is there when they are listed.
        let head = recorded_head(storage);
        let ids = ledger.list(storage)?;
        ledger.ids = ids.iter().cloned().collect();
        for export_id in &ids {
            let (link, manifest) = match read(storage, export_id) {
                Ok(read) => read,
                Err(finding) => {
                    ledger.accuse(finding);
                    // Whatever the next one says of it: this has been said.
                    before = Some(ManifestLink {
                        export_id: export_id.clone(),
                        sha256: String::new(),
                    });
                    continue;
                }
            };
            let manifest = match manifest {
                Ok(manifest) => manifest,
                Err((finding, manifest)) => {
                    ledger.accuse(finding);
                    // What it says of files is still worth comparing with.
                    if let Some(manifest) = manifest {
                        ledger.add(&manifest, false);
                    }
                    before = Some(link);
                    continue;
                }
            };
            ledger.check(&manifest, &link, before.as_ref(), &ids);
            ledger.add(&manifest, true);
            ledger.exports.push(ExportRecord {
                is_running: manifest.is_running(),
                quarantined: manifest.quarantined,
                link: link.clone(),
            });
            before = Some(link);
        }
        if let Some(head) = head {
            ledger.check_head(&head);
        }
        ledger.name_rows_gone();
        ledger.note_acknowledged();
        Ok(ledger)
    }

    /// The manifest that was the newest one when the last writer had done, which no other names.
    fn check_head(&mut self, head: &ManifestLink) {
        let file = layout::manifest_file(&head.export_id);
        let mut exports = self.exports.iter();
        let found = exports.find(|it| it.link.export_id == head.export_id);
        let finding = match found {
            None if !self.ids.contains(&head.export_id) => {
                let found = format!("no file; {} names it", layout::LOCK_HOLDER);
                Finding::new(Class::Missing, file, sha256(&head.sha256), found)
            }
            Some(it) if !it.is_running && it.link.sha256 != head.sha256 => {
                let found = sha256(&it.link.sha256);
                Finding::new(Class::Changed, file, sha256(&head.sha256), found)
            }
            _ => return,
        };
        self.accuse(finding);
    }

    fn name_rows_gone(&mut self) {
        for (path, gone) in &self.rows_gone {
            self.blamed.insert(path.clone(), gone.export_id.clone());
            self.findings.push(Finding::new(
                Class::RowsGone,
                path.clone(),
                format!("the {} rows that export {} left", gone.had, gone.had_by),
                format!(
                    "no file when export {} came: {} rows since",
                    gone.export_id, gone.has
                ),
            ));
        }
    }

    /// What somebody has put on record stays visible, and is no damage any more: as long as what is in
    /// the manifest's place is what was there then.
    fn note_acknowledged(&mut self) {
        let mut damaged = None;
        for finding in &mut self.findings {
            let of_manifest = id_of(&finding.file).filter(|_| finding.class != Class::Stray);
            let is_manifest = of_manifest.is_some();
            let export_id = of_manifest.or_else(|| self.blamed.get(&finding.file).map(|id| &**id));
            let Some(export_id) = export_id.map(str::to_owned) else {
                continue;
            };
            let mut exports = self.exports.iter();
            let found = exports.find(|it| it.link.export_id == export_id);
            let found = found.map(|it| &it.link.sha256);
            let is_there = self.ids.contains(&export_id);
            let mut acknowledged = self.acknowledged.iter();
            let known = acknowledged.find(|known| {
                known.export_id == export_id
                    && known.found.as_ref() == found
                    && known.found.is_some() == is_there
            });
            if let Some(known) = known {
                finding.class = Class::Acknowledged;
                finding.found = format!("{}; acknowledged: {}", finding.found, known.reason);
            } else if is_manifest {
                damaged = damaged.max(Some(export_id));
            }
        }
        self.damaged = damaged;
        // Those that were the newest, and that no other names.
        for known in &self.acknowledged {
            let file = layout::manifest_file(&known.export_id);
            let is_named = self.findings.iter().any(|finding| finding.file == file);
            if known.found.is_none() && !self.ids.contains(&known.export_id) && !is_named {
                let found = format!("no file; acknowledged: {}", known.reason);
                let finding = Finding::new(Class::Acknowledged, file, "a manifest", found);
                self.findings.push(finding);
            }
        }
    }

    /// Whether a finding is about a manifest, or blames it, that nobody has acknowledged.
    pub(crate) fn is_doubtful(&self, export_id: &str) -> bool {
        self.findings.iter().any(|finding| {
            let blamed = self.blamed.get(&finding.file).map(|id| &**id);
            id_of(&finding.file).or(blamed) == Some(export_id)
                && finding.class != Class::Acknowledged
        })
    }

    /// SHA-256 of a manifest as it is; `None` when it is gone or cannot be read.
    pub(crate) fn digest(&self, export_id: &str) -> Option<&str> {
        let mut exports = self.exports.iter();
        let found = exports.find(|it| it.link.export_id == export_id);
        found.map(|it| &*it.link.sha256)
    }

    /// Ids of all manifests in their order.
    fn list(&mut self, storage: &dyn Storage) -> Result<Vec<String>, DatasetError> {
        let mut ids = Vec::new();
        for entry in storage.list(layout::MANIFESTS)? {
            let id = entry.name.strip_suffix(".json");
            match id.filter(|id| layout::check_export_id(id).is_ok()) {
                Some(id) => ids.push(id.to_owned()),
                None => self.findings.push(Finding::new(
                    Class::Stray,
                    format!("{}/{}", layout::MANIFESTS, entry.name),
                    "manifests only",
                    "another file",
                )),
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// A manifest that is not to be trusted: said once.
    fn accuse(&mut self, finding: Finding) {
        if self.findings.iter().any(|known| known.file == finding.file) {
            return;
        }
        let id = id_of(&finding.file).map(str::to_owned);
        self.damaged = self.damaged.take().max(id);
        self.findings.push(finding);
    }

    /// Whether a manifest continues the one before it, whose file has to be the one that it names.
    fn check(
        &mut self,
        manifest: &Manifest,
        link: &ManifestLink,
        before: Option<&ManifestLink>,
        ids: &[String],
    ) {
        let file = layout::manifest_file(&link.export_id);
        let named = |link: Option<&ManifestLink>| match link {
            Some(link) => format!("continues {}", link.export_id),
            None => "continues none".to_owned(),
        };
        let broken = |expected: String, found: String| {
            Finding::new(Class::BrokenChain, file.clone(), expected, found)
        };
        if manifest.is_running() && ids.last() != Some(&link.export_id) {
            self.accuse(broken(
                "only the newest export runs".into(),
                "running".into(),
            ));
        }
        match (&manifest.previous, before) {
            (None, None) => {}
            (Some(previous), Some(before)) if previous.export_id == before.export_id => {
                if previous.sha256 != before.sha256 {
                    self.accuse(Finding::new(
                        Class::Changed,
                        layout::manifest_file(&before.export_id),
                        sha256(&previous.sha256),
                        sha256(&before.sha256),
                    ));
                }
            }
            (Some(previous), _) if ids.binary_search(&previous.export_id).is_err() => {
                self.accuse(Finding::new(
                    Class::Missing,
                    layout::manifest_file(&previous.export_id),
                    sha256(&previous.sha256),
                    format!("no file; {} names it", link.export_id),
                ));
            }
            (previous, before) => {
                self.accuse(broken(named(before), named(previous.as_ref())));
            }
        }
    }

    fn add(&mut self, manifest: &Manifest, is_trusted: bool) {
        for (day, record) in &manifest.days {
            if record.state != DayState::Committed {
                let tenant = manifest.tenant_id.clone();
                self.unfinished.insert((tenant, day.clone()));
            }
            let may_be_old = manifest.is_running() && record.state == DayState::Intended;
            for change in record.files.values() {
                self.add_file(&manifest.export_id, change, may_be_old, is_trusted);
            }
        }
        for change in manifest.quarantine_files.values() {
            let may_be_old = manifest.is_running();
            self.add_file(&manifest.export_id, change, may_be_old, is_trusted);
        }
        self.add_forgotten(manifest);
        self.acknowledged
            .extend(manifest.acknowledged.iter().cloned());
    }

    fn add_file(&mut self, export_id: &str, change: &FileChange, may_be_old: bool, trusted: bool) {
        if trusted {
            self.compare(export_id, change);
        }
        let mut contents = vec![change.after.clone()];
        if may_be_old {
            contents.push(change.before.clone());
        }
        let recorded = Recorded {
            export_id: export_id.to_owned(),
            contents,
            is_trusted: trusted,
        };
        self.files.insert(change.path.clone(), recorded);
    }

    /// What a file held when an export replaced it has to be what was recorded of it before.
    fn compare(&mut self, export_id: &str, change: &FileChange) {
        if let (Some(gone), Some(after)) = (self.rows_gone.get_mut(&change.path), &change.after) {
            gone.has = after.rows;
            if gone.has >= gone.had {
                self.rows_gone.remove(&change.path);
            }
        }
        let recorded = self.files.get(&change.path);
        let Some(recorded) = recorded.filter(|it| !self.may_be_outdated(Some(it))) else {
            return;
        };
        // Of an export that was running either may have been there.
        if recorded.contents.contains(&change.before) {
            return;
        }
        let Some(Some(last)) = recorded.contents.first() else {
            return;
        };
        let had_by = recorded.export_id.clone();
        match (&change.before, &change.after) {
            (None, Some(after)) if after.rows < last.rows => {
                let gone = RowsGone {
                    export_id: export_id.to_owned(),
                    had_by,
                    had: last.rows,
                    has: after.rows,
                };
                self.rows_gone.insert(change.path.clone(), gone);
            }
            // Moved away and read again, which is how a file is repaired.
            (None, _) => {}
            (Some(before), _) => {
                let expected = format!("{}, as export {had_by} left it", sha256(&last.sha256));
                let found = format!("{} when {export_id} came", sha256(&before.sha256));
                let finding = Finding::new(Class::BrokenChain, &*change.path, expected, found);
                self.findings.push(finding);
                let path = change.path.clone();
                self.blamed.insert(path, export_id.to_owned());
            }
        }
    }

    /// Adds up the rows that have left files for good, where they have.
    fn add_forgotten(&mut self, manifest: &Manifest) {
        for rows in &manifest.forgotten {
            let day = manifest.days.get(&rows.day);
            let change = day.and_then(|day| day.files.get(&rows.table));
            // A day that was stopped half way, or not begun, has files as they were.
            let is_done = rows.removed == 0 || change.is_some_and(|it| it.before != it.after);
            if is_done {
                let tenant = &manifest.tenant_id;
                let key = [tenant, &rows.table, &rows.workflow_id, &rows.run_id].map(String::clone);
                let known = self.forgotten.entry(key).or_default();
                *known = known.saturating_add(rows.removed).max(rows.left_out);
            }
        }
    }

    /// Whether an export was stopped, or is, in the middle of a day.
    pub(crate) fn is_unfinished(&self, tenant: &str, day: Option<jiff::civil::Date>) -> bool {
        let key = (tenant.to_owned(), layout::day_key(day));
        self.unfinished.contains(&key)
    }

    /// Whether a damaged manifest may know better than the record of a file.
    pub(crate) fn may_be_outdated(&self, recorded: Option<&Recorded>) -> bool {
        match (&self.damaged, recorded) {
            (Some(damaged), Some(recorded)) => recorded.export_id <= *damaged,
            (damaged, None) => damaged.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// Whether there is any, readable or not.
    pub(crate) fn has_manifests(&self) -> bool {
        !self.exports.is_empty() || self.damaged.is_some()
    }

    /// The export that is under way, or was stopped and not looked after yet.
    pub(crate) fn running(&self) -> Option<&str> {
        let newest = self.exports.last().filter(|newest| newest.is_running);
        newest.map(|newest| newest.link.export_id.as_str())
    }

    /// Whether nothing was recorded since.
    pub(crate) fn is_current(&self, storage: &dyn Storage) -> bool {
        let entries = storage.list(layout::MANIFESTS).unwrap_or_default();
        let newest = entries.iter().filter_map(|entry| {
            let id = entry.name.strip_suffix(".json")?;
            layout::check_export_id(id).ok().map(|()| id)
        });
        let digest = newest.max().map(|id| read(storage, id).ok().map(|it| it.0));
        let known = self.exports.last().map(|newest| Some(newest.link.clone()));
        digest == known
    }

    /// The export that once recorded these contents of a file.
    pub(crate) fn earlier(&self, storage: &dyn Storage, path: &str, sha256: &str) -> Option<&str> {
        let earlier = self.earlier.get_or_init(|| self.read_earlier(storage));
        let mut contents = earlier.get(path)?.iter();
        let found = contents.find(|(digest, _)| digest == sha256);
        found.map(|(_, export_id)| export_id.as_str())
    }

    /// Every digest that any manifest has of a file.
    fn read_earlier(&self, storage: &dyn Storage) -> HashMap<String, Vec<(String, String)>> {
        let mut earlier = HashMap::<String, Vec<(String, String)>>::new();
        for export in &self.exports {
            let Ok((_, Ok(manifest))) = read(storage, &export.link.export_id) else {
                continue;
            };
            let of_days = manifest.days.values().flat_map(|day| day.files.values());
            for change in of_days.chain(manifest.quarantine_files.values()) {
                let digests = earlier.entry(change.path.clone()).or_default();
                for record in change.before.iter().chain(&change.after) {
                    if !digests.iter().any(|(digest, _)| *digest == record.sha256) {
                        digests.push((record.sha256.clone(), manifest.export_id.clone()));
                    }
                }
            }
        }
        earlier
    }
}

/// The export that a path of a manifest is of.
fn id_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix(layout::MANIFESTS)?.strip_prefix('/')?;
    name.strip_suffix(".json")
}

type Damaged = (Finding, Option<Manifest>);

/// A manifest with the digest of its file, as far as it can be read; one that is not what was
/// written with what it says nevertheless.
#[expect(clippy::result_large_err, reason = "read one after the other")]
fn read(
    storage: &dyn Storage,
    export_id: &str,
) -> Result<(ManifestLink, Result<Manifest, Damaged>), Finding> {
    let file = layout::manifest_file(export_id);
    let fails = |class, found: String| Finding::new(class, file.clone(), "a manifest", found);
    let bytes = match storage.read(&file) {
        Ok(Some(mut opened)) => {
            record_in(&mut opened).map_err(|error| fails(Class::Unreadable, error.to_string()))?
        }
        Ok(None) => return Err(fails(Class::Missing, "no file".into())),
        Err(error) => return Err(refused(&file, &error)),
    };
    let link = ManifestLink {
        export_id: export_id.to_owned(),
        sha256: digest_of(&bytes),
    };
    let manifest = match unsealed::<Manifest>(&bytes) {
        Err(error) => Err((fails(Class::Undecodable, error.to_string()), None)),
        Ok(None) => {
            let finding = Finding::new(
                Class::Changed,
                file.clone(),
                "what its content_sha256 says",
                "something else",
            );
            Err((finding, serde_json::from_slice(&bytes).ok()))
        }
        Ok(Some(manifest)) if manifest.manifest_version > MANIFEST_VERSION => {
            let found = format!("manifest version {}", manifest.manifest_version);
            Err((fails(Class::NewerSchema, found), Some(manifest)))
        }
        Ok(Some(manifest)) if manifest.export_id != export_id => {
            let found = format!("that of {}", manifest.export_id);
            Err((fails(Class::Changed, found), None))
        }
        Ok(Some(manifest)) => Ok(manifest),
    };
    Ok((link, manifest))
}

/// Something that the storage would not open.
pub(crate) fn refused(file: &str, error: &DatasetError) -> Finding {
    let class = match error {
        DatasetError::SymbolicLink { .. } => Class::SymbolicLink,
        _ => Class::Unreadable,
    };
    let found = match error {
        DatasetError::SymbolicLink { .. } => "a symbolic link".to_owned(),
        DatasetError::Io { source, .. } => source.to_string(),
        error => error.to_string(),
    };
    Finding::new(class, file, "a file that can be read", found)
}

pub(crate) fn sha256(digest: &str) -> String {
    format!("SHA-256 {digest}")
}
