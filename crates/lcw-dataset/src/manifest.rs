//! What an export did: `_manifests/<export_id>.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Version of the manifest's own layout.
pub(crate) const MANIFEST_VERSION: u32 = 1;

/// The record of one export. Keys are stable and in a stable order; later keys are only added.
///
/// Its file has one key more, the last one, `content_sha256`: the digest of all bytes before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout.
    pub manifest_version: u32,
    /// The export. Ids sort by time.
    pub export_id: String,
    /// What it was, like `export` or `backfill`.
    pub kind: String,
    /// The tenant that it exported.
    pub tenant_id: String,
    /// Digest of the arguments, by which an unfinished backfill is found again.
    pub args_hash: String,
    /// How it ended; `running` until it has.
    pub status: Status,
    /// When it started.
    #[serde(with = "rfc3339")]
    pub started_at: Timestamp,
    /// When it ended; null while it runs, and after a crash.
    #[serde(default, with = "rfc3339_option")]
    pub finished_at: Option<Timestamp>,
    /// The run schedule times that it covers.
    #[serde(default)]
    pub window: Option<Window>,
    /// The export before it, of any tenant.
    #[serde(default)]
    pub previous: Option<ManifestLink>,
    /// Days that it committed or was about to, by date, or `undated`.
    #[serde(default)]
    pub days: BTreeMap<String, DayRecord>,
    /// The last listing by workflow id, carried forward from export to export.
    #[serde(default)]
    pub listings: BTreeMap<String, Listing>,
    /// What it wrote, by table.
    #[serde(default)]
    pub tables: BTreeMap<String, TableCounts>,
    /// Requests sent.
    #[serde(default)]
    pub requests: RequestCounts,
    /// Runs seen.
    #[serde(default)]
    pub runs: RunCounts,
    /// How the counts agreed.
    #[serde(default)]
    pub proof: ProofCounts,
    /// Lines in `_quarantine/<export_id>/`, by table: objects that could not become rows.
    #[serde(default)]
    pub quarantined: BTreeMap<String, u64>,
    /// Files below `_quarantine` that it wrote, or wrote anew for an export before it, by path; `rows`
    /// are lines. While it runs, each is the old or the intended one. Manifests of older versions lack it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quarantine_files: BTreeMap<String, FileChange>,
    /// Rows that are not in the files because somebody has asked to forget whom they are about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<ForgottenRows>,
    /// Manifests before it that are gone or were changed, and what they leave unexplained: somebody
    /// knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<AcknowledgedManifest>,
    /// What was asked for and could not be read, as the pipeline puts it: an array.
    #[serde(default = "no_items")]
    pub not_covered: serde_json::Value,
    /// What the service sent and this program does not know, as the pipeline puts it; null when
    /// nothing was looked at.
    #[serde(default)]
    pub drift: serde_json::Value,
    /// The pipeline's own facts, carried forward within a tenant.
    #[serde(default)]
    pub state: serde_json::Value,
}

/// How an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It has not ended, or its process was killed and no later one has noticed yet.
    Running,
    /// Everything asked for is there.
    Done,
    /// Some could not be fetched.
    Partial,
    /// It was stopped or killed.
    Interrupted,
    /// It failed.
    Failed,
}

/// A half-open window of run schedule times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Start, part of the window.
    #[serde(with = "rfc3339")]
    pub from: Timestamp,
    /// End, not part of the window.
    #[serde(with = "rfc3339")]
    pub to: Timestamp,
}

/// A manifest by its id and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLink {
    /// The export.
    pub export_id: String,
    /// SHA-256 of its manifest file.
    pub sha256: String,
}

/// A manifest that is not what it was, as somebody has put on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgedManifest {
    /// The export.
    pub export_id: String,
    /// SHA-256 of what is in its place; null when nothing is. Another one is news again.
    pub found: Option<String>,
    /// Why that is all right, in somebody's words.
    pub reason: String,
}

/// What happened to a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRecord {
    /// Whether its files are in place.
    pub state: DayState,
    /// Files by table; tables whose rows did not change are not named.
    pub files: BTreeMap<String, FileChange>,
    /// Something that the export meant to read for the day could not be read, or the day was not
    /// over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_gaps: bool,
}

/// Whether the files of a day are in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayState {
    /// About to be published: each file is the old or the intended one.
    Intended,
    /// Published as a whole.
    Committed,
    /// Published in part or not at all, found after a crash; `after` says what is there.
    Incomplete,
}

/// The replacement of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path below the dataset's folder.
    pub path: String,
    /// The file that was replaced; null when there was none.
    pub before: Option<FileRecord>,
    /// The file that replaces it; null only when a crash left none.
    pub after: Option<FileRecord>,
}

/// One file's contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Rows in it.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
}

/// Rows of a run that the service returned and that are in no file, because somebody has asked to
/// forget whom they are about. Whom is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForgottenRows {
    /// The table.
    pub table: String,
    /// The day of the file, as in `days`.
    pub day: String,
    /// The workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// Rows that were in the file and left it.
    #[serde(skip_serializing_if = "is_zero")]
    pub removed: u64,
    /// Rows that the service returned again and that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A listing of a workflow's runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Earliest run schedule time asked for.
    #[serde(with = "rfc3339")]
    pub from: Timestamp,
    /// When it started, by the service's clock.
    #[serde(with = "rfc3339")]
    pub listed_at: Timestamp,
    /// Whether every day that it found is committed.
    pub complete: bool,
}

/// What an export wrote to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableCounts {
    /// Rows in the files written, carried over ones included.
    pub rows_written: u64,
    /// Rows that were not there before.
    pub rows_new: u64,
    /// Rows that replaced an older state.
    pub rows_replaced: u64,
    /// Rows in the partitions merged into, whether they were rewritten or not.
    pub rows_total: u64,
    /// Files written.
    pub files: u64,
}

/// Requests of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestCounts {
    /// All requests, retries included.
    pub sent: u64,
    /// Requests sent again after a failure.
    pub retried: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
}

/// Runs of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCounts {
    /// Runs in the listings.
    pub listed: u64,
    /// Runs whose results were fetched.
    pub fetched: u64,
    /// Runs that were settled and stored already.
    pub skipped_settled: u64,
    /// Runs without users.
    pub skipped_empty: u64,
    /// Runs that have not ended.
    pub open: u64,
}

/// Outcome of the count proof over the runs of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProofCounts {
    /// As many rows as the run counts.
    pub matched: u64,
    /// Fewer.
    pub short: u64,
    /// More.
    pub over: u64,
    /// Runs whose rows cannot be compared with their count.
    pub unproven: u64,
    /// Whether rows were left out on purpose, so that no count can be expected to agree.
    pub filtered: bool,
}

/// What is known of an export when it starts.
#[derive(Debug, Clone)]
pub struct ManifestHead {
    /// Its id, from [`Writer::next_export_id`](crate::Writer::next_export_id).
    pub export_id: String,
    /// What it is, like `export` or `backfill`.
    pub kind: String,
    /// Digest of its arguments.
    pub args_hash: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The run schedule times that it covers.
    pub window: Option<Window>,
}

/// What is known of an export when it ends.
#[derive(Debug, Clone)]
pub struct ManifestTail {
    /// How it ended.
    pub status: Status,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Requests sent.
    pub requests: RequestCounts,
    /// Runs seen.
    pub runs: RunCounts,
    /// How the counts agreed.
    pub proof: ProofCounts,
    /// What was asked for and could not be read: an array.
    pub not_covered: serde_json::Value,
    /// What the service sent and this program does not know; null when nothing was looked at.
    pub drift: serde_json::Value,
}

/// A closed manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRef {
    /// The export.
    pub export_id: String,
    /// SHA-256 of the manifest file.
    pub sha256: String,
    /// Where the manifest is.
    pub path: PathBuf,
}

impl Manifest {
    /// The manifest of an export that starts, with what its tenant's last one carries forward.
    pub(crate) fn begin(
        head: ManifestHead,
        tenant: &str,
        newest: Option<ManifestLink>,
        previous: Option<Self>,
    ) -> Self {
        let (listings, state) = previous
            .map(|manifest| (manifest.listings, manifest.state))
            .unwrap_or_default();
        Self {
            manifest_version: MANIFEST_VERSION,
            export_id: head.export_id,
            kind: head.kind,
            tenant_id: tenant.to_owned(),
            args_hash: head.args_hash,
            status: Status::Running,
            started_at: head.started_at,
            finished_at: None,
            window: head.window,
            previous: newest,
            days: BTreeMap::new(),
            listings,
            tables: BTreeMap::new(),
            requests: RequestCounts::default(),
            runs: RunCounts::default(),
            proof: ProofCounts::default(),
            quarantined: BTreeMap::new(),
            quarantine_files: BTreeMap::new(),
            forgotten: Vec::new(),
            acknowledged: Vec::new(),
            not_covered: no_items(),
            drift: serde_json::Value::Null,
            state,
        }
    }

    /// The text of its file, which ends with the digest of what comes before.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        crate::seal::sealed(self)
    }

    /// Whether a day's files were published as a whole (`None`: undated tables).
    pub fn is_committed(&self, day: Option<jiff::civil::Date>) -> bool {
        let record = self.days.get(&crate::layout::day_key(day));
        record.is_some_and(|record| record.state == DayState::Committed)
    }

    /// Whether a day was published as a whole, with everything that was meant to be read for it.
    pub fn is_whole(&self, day: jiff::civil::Date) -> bool {
        let record = self.days.get(&crate::layout::day_key(Some(day)));
        record.is_some_and(|record| record.state == DayState::Committed && !record.has_gaps)
    }

    /// Every file that it left, newest knowledge of this export.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, Option<&FileRecord>)> {
        let of_days = self.days.values().flat_map(|day| day.files.values());
        of_days
            .chain(self.quarantine_files.values())
            .map(|file| (file.path.as_str(), file.after.as_ref()))
    }
}

fn no_items() -> serde_json::Value {
    serde_json::Value::Array(Vec::new())
}

mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

mod rfc3339_option {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(at),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}
