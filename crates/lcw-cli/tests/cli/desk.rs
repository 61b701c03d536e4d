//! A desk to work at: a simulated tenant, a folder, and the program set up for both.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression};
use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator, TenantConfig};
use lcw_tests::{assert_same, compact, expected, facts};
use lcw_transform::Table;
use tempfile::TempDir;

use crate::program::{Ended, Lcw, until};

/// Where a desk's datasets go unless a test says otherwise.
pub(crate) const DATA: &str = "data";

/// A simulated tenant and a folder.
pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) tenant: Arc<Simulator>,
}

impl Desk {
    /// A small tenant, full of traps, whose counters can be proven.
    pub(crate) async fn new() -> Self {
        Self::of(compact(1)).await
    }

    /// The same today: ready tokens end by this machine's clock.
    pub(crate) async fn today() -> Self {
        Self::of(TenantConfig {
            now: jiff::Timestamp::now(),
            ..compact(1)
        })
        .await
    }

    pub(crate) async fn of(config: TenantConfig) -> Self {
        let tenant = Simulator::start(config).await.unwrap();
        Self::with(tenant)
    }

    pub(crate) fn with(tenant: Simulator) -> Self {
        Self::in_folder(tenant, tempfile::tempdir().unwrap())
    }

    /// With a folder that is somewhere else than usual.
    pub(crate) fn in_folder(tenant: Simulator, folder: TempDir) -> Self {
        Self {
            folder,
            tenant: Arc::new(tenant),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the dataset.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join(DATA)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// The program with nothing but these words.
    pub(crate) fn bare(&self, line: &str) -> Lcw {
        Lcw::new(self.folder(), line)
    }

    /// The program with the tenant's credentials in its environment.
    pub(crate) fn with_secret(&self, line: &str) -> Lcw {
        self.bare(line)
            .env("AZURE_TENANT_ID", self.tenant.tenant_id())
            .env("AZURE_CLIENT_ID", self.tenant.client_id())
            .env("AZURE_CLIENT_SECRET", self.tenant.client_secret())
    }

    /// The program, signed in to the tenant and as fast as it can.
    pub(crate) fn lcw(&self, line: &str) -> Lcw {
        self.with_secret(line).words(&self.quickly())
    }

    /// The flags that lead to the tenant, without a bound on the rate.
    pub(crate) fn quickly(&self) -> String {
        format!("{} --requests-per-second unlimited", self.urls())
    }

    /// The flags that lead to the tenant.
    pub(crate) fn urls(&self) -> String {
        let origin = self.tenant.origin();
        format!("--graph-url {origin} --authority-url {origin}")
    }

    /// A good incremental export into [`DATA`].
    #[track_caller]
    pub(crate) fn export(&self) -> Ended {
        self.lcw("export --out data --json").run().with(0)
    }

    /// Every file and folder at the desk, byte for byte.
    pub(crate) fn contents(&self) -> Contents {
        contents(self.folder())
    }

    /// The tables of [`DATA`] that are exported unless others are named hold what the tenant says, no
    /// more and no less.
    #[track_caller]
    pub(crate) fn assert_whole(&self, format: FileFormat) {
        self.assert_holds(&self.data(), format, &Table::DEFAULT);
    }

    /// The same for these tables of another folder.
    #[track_caller]
    pub(crate) fn assert_holds(&self, out: &Path, format: FileFormat, tables: &[Table]) {
        let truth = self.tenant.truth();
        for table in tables {
            let found = facts(out, format, self.tenant.tenant_id(), *table);
            let mut expected = expected(&truth, *table);
            for row in expected.values_mut() {
                // As of the workflow's last change, like the rest of its row.
                row.remove("next_schedule_run_date_time");
            }
            assert_same(table.name(), &found, &expected);
        }
    }

    /// Keeps every commit waiting, as whoever copies the dataset may: no export gets on while the
    /// file lives.
    pub(crate) fn hold_commits(&self) -> File {
        let file = File::open(self.data().join("_commit.lock")).unwrap();
        file.lock().unwrap();
        file
    }

    /// Waits until an export is about to replace files.
    pub(crate) fn until_a_commit_waits(&self) {
        until("a commit", || is_committing(&self.data()));
    }

    /// From the `nth` reading of results on, answers trickle so slowly that the program is busy for
    /// longer than any test. The receiver hears when that begins.
    pub(crate) fn trickle_from(&self, nth: u64) -> Receiver<()> {
        let (sender, receiver) = channel();
        let tenant = Arc::downgrade(&self.tenant);
        self.tenant.before(Endpoint::RunResults, nth, move || {
            let slow = Fault::SlowBytes {
                chunk: 1,
                pause: Duration::from_mins(1),
            };
            if let Some(tenant) = tenant.upgrade() {
                tenant.inject(FaultRule::new(slow).on(Endpoint::RunResults));
            }
            sender.send(()).unwrap();
        });
        receiver
    }
}

/// Whether a manifest says that files are about to be replaced.
fn is_committing(data: &Path) -> bool {
    let intended = |text: &[u8]| String::from_utf8_lossy(text).contains(r#""state": "intended""#);
    let manifests = contents(&data.join("_manifests"));
    manifests.values().flatten().any(|text| intended(text))
}

/// Paths below a folder: the bytes of files, nothing for folders.
pub(crate) type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Every file and folder below `root`, byte for byte; empty when there is no such folder.
pub(crate) fn contents(root: &Path) -> Contents {
    let mut found = Contents::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let is_folder = path.is_dir();
            let bytes = (!is_folder).then(|| std::fs::read(&path).unwrap());
            found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            if is_folder {
                folders.push(path);
            }
        }
    }
    found
}

/// Those that hold rows: not what the program keeps for itself.
pub(crate) fn data_files(root: &Path) -> Contents {
    let mut files = contents(root);
    files.retain(|path, bytes| bytes.is_some() && !path.to_string_lossy().starts_with('_'));
    files
}

/// NDJSON as it is written by default.
pub(crate) const NDJSON: FileFormat = FileFormat::Ndjson(NdjsonCompression::Zstd);
