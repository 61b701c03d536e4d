//! An exporter with its dataset, pointed at a simulated tenant.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lcw_extractor::query::ResultQuery;
use lcw_extractor::{ClientConfig, ClientSecret, GraphClient};
use lcw_pipeline::{
    Backfill, DeletedWorkflows, FileFormat, Kind, NdjsonCompression, OnDrift, Plan, Progress,
    Request, Route, Summary,
};
use lcw_simulator::{Endpoint, Simulator, TenantConfig, Truth};
use lcw_transform::Table;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::dataset::{Facts, facts};
use crate::expected::{assert_same, expected};

/// The tables without which there is no other. Suites about what an export does, whichever tables it
/// does it to, use these.
pub const CORE: [Table; 3] = [Table::Workflows, Table::Runs, Table::UserProcessingResults];

/// A tenant full of traps whose counters are right: everything can be proven.
pub fn provable(seed: u64) -> TenantConfig {
    let mut config = TenantConfig::small(seed);
    config.outcomes.non_users = 0.0;
    config
}

/// The same with ten days of history: for suites that export it often.
pub fn compact(seed: u64) -> TenantConfig {
    let mut config = provable(seed);
    for schedule in config
        .workflows
        .iter_mut()
        .filter_map(|workflow| workflow.schedule.as_mut())
    {
        schedule.history = Duration::from_mins(10 * 24 * 60 + 6);
    }
    config
}

/// An exporter and the dataset it writes. Change [`Office::request`] and [`Office::client`] to
/// change what it does.
pub struct Office {
    folder: TempDir,
    /// What the next export is asked to do.
    pub request: Request,
    /// How it talks to the tenant.
    pub client: ClientConfig,
    /// Says when the next export is to stop, and with which exit code.
    pub stop: watch::Sender<Option<u8>>,
}

/// In memory where the system has such a place: a commit waits for the disk several times a day of
/// runs, and the suites would do little else.
fn temporary_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

impl Office {
    /// An exporter of this format with an empty folder.
    pub fn new(format: FileFormat) -> Self {
        let folder = temporary_folder();
        let request = Request {
            kind: Kind::Export,
            tables: CORE.to_vec(),
            lookback: Duration::from_hours(30 * 24),
            settle: Duration::from_mins(15),
            max_concurrency: 8,
            keep_raw: false,
            pseudonyms: None,
            deleted_workflows: DeletedWorkflows::Auto,
            on_drift: OnDrift::Fail,
            // Suites that spoil what is asked of runs would not be asked: `routes` and the seeds take
            // each route.
            route: Route::Run,
            query: ResultQuery::default(),
            out: folder.path().join("data"),
            format,
            snapshots: None,
            tenant: None,
        };
        let client = ClientConfig {
            requests_per_second: None,
            retry_initial: Duration::from_millis(1),
            retry_cap: Duration::from_millis(20),
            ..ClientConfig::default()
        };
        Self {
            folder,
            request,
            client,
            stop: watch::Sender::new(None),
        }
    }

    /// One exporter per format.
    pub fn of_each_format() -> [Self; 2] {
        [
            Self::new(FileFormat::Parquet),
            Self::new(FileFormat::Ndjson(NdjsonCompression::Zstd)),
        ]
    }

    /// The dataset's folder.
    pub fn out(&self) -> &Path {
        &self.request.out
    }

    /// A folder beside the dataset.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// A client of the simulated tenant, signed in by client secret.
    pub fn sign_in(&self, tenant: &Simulator) -> GraphClient {
        let (origin, secret) = (tenant.origin(), tenant.client_secret());
        self.sign_in_as(origin, tenant.tenant_id(), tenant.client_id(), secret)
    }

    /// A client of a tenant in another process.
    pub fn sign_in_as(
        &self,
        origin: &str,
        tenant_id: &str,
        client_id: &str,
        secret: &str,
    ) -> GraphClient {
        let config = ClientConfig {
            graph_url: origin.to_owned(),
            ..self.client.clone()
        };
        let secret = secret.to_owned().into();
        let credential = ClientSecret::new(origin, tenant_id, client_id, secret);
        GraphClient::new(config, credential.unwrap()).unwrap()
    }

    /// Runs what [`Office::request`] says.
    pub async fn run(&self, tenant: &Simulator) -> Summary {
        self.run_with(self.sign_in(tenant)).await
    }

    /// The same with a client of the caller's.
    pub async fn run_with(&self, client: GraphClient) -> Summary {
        let progress = Arc::new(Progress::default());
        let stop = self.stop.subscribe();
        lcw_pipeline::export(self.request.clone(), client, progress, stop).await
    }

    /// One incremental export.
    pub async fn export(&mut self, tenant: &Simulator) -> Summary {
        self.request.kind = Kind::Export;
        self.run(tenant).await
    }

    /// One backfill of `[from, to)`.
    pub async fn backfill(&mut self, tenant: &Simulator, from: &str, to: &str) -> Summary {
        self.request.kind = Kind::Backfill(Backfill {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            workflows: Vec::new(),
            wording: format!("{from}..{to}"),
        });
        self.run(tenant).await
    }

    /// Has whatever runs next stopped just before the `nth` request of a kind is answered.
    pub fn stop_before(&mut self, tenant: &Simulator, endpoint: Endpoint, nth: u64) {
        self.keep_going();
        let stop = self.stop.clone();
        tenant.before(endpoint, nth, move || {
            stop.send_replace(Some(lcw_pipeline::exit::INTERRUPTED));
        });
    }

    /// Whoever asked to stop is not heard any more.
    pub fn keep_going(&mut self) {
        self.stop = watch::Sender::new(None);
    }

    /// What the next export would do.
    pub async fn plan(&self, tenant: &Simulator) -> Plan {
        let progress = Arc::new(Progress::default());
        let client = self.sign_in(tenant);
        let stop = self.stop.subscribe();
        lcw_pipeline::plan(&self.request, &client, None, &progress, stop)
            .await
            .unwrap()
    }

    /// The rows of a table as they are stored.
    pub fn facts(&self, tenant: &Simulator, table: Table) -> Facts {
        facts(self.out(), self.request.format, tenant.tenant_id(), table)
    }

    /// Every requested table holds what `truth` says, no more and no less.
    pub fn assert_holds(&self, tenant: &Simulator, truth: &Truth) {
        for table in self.request.wanted_tables() {
            let what = format!("{} ({:?})", table.name(), self.request.format);
            assert_same(&what, &self.facts(tenant, table), &expected(truth, table));
        }
    }
}
