//! The bare hot path end to end: every result of a tenant into one Parquet file, as fast as two cores allow.
//!
//! No retry, no limiter, no checkpoint, no merge, no check: whatever goes wrong ends it.

use std::fs::File;
use std::path::Path;
use std::thread;

use arrow::array::RecordBatch;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::bare::{self, Columns};

/// How an export's default concurrency compares.
pub(crate) const IN_FLIGHT: usize = 16;
/// Lifts the service's default window of seven days.
pub(crate) const SINCE: &str = "scheduledDateTime ge 2026-01-01T00:00:00Z";
const PATH: &str = "v1.0/identityGovernance/lifecycleWorkflows/workflows";

/// Whom to ask, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct SignIn<'a> {
    pub(crate) origin: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) client: &'a str,
    pub(crate) secret: &'a str,
}

/// A client that is signed in.
#[derive(Clone)]
pub(crate) struct Service {
    http: Client,
    root: String,
    token: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Listing {
    value: Vec<Item>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

/// One run, whose results are a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId {
    pub(crate) workflow: String,
    pub(crate) run: String,
}

impl Service {
    pub(crate) async fn sign_in(to: &SignIn<'_>) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", to.client),
            ("client_secret", to.secret),
            ("scope", &format!("{}/.default", to.origin)),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", to.origin, to.tenant);
        let answer = http.post(url).form(&form).send().await.unwrap();
        let body = answer.error_for_status().unwrap().bytes().await.unwrap();
        let token: Token = serde_json::from_slice(&body).unwrap();
        Self {
            http,
            root: format!("{}/{PATH}", to.origin),
            token: token.access_token,
        }
    }

    pub(crate) async fn get(&self, url: &str) -> bytes::Bytes {
        let request = self.http.get(url).bearer_auth(&self.token);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        answer.bytes().await.unwrap()
    }

    async fn get_json<T: DeserializeOwned>(&self, url: &str) -> T {
        serde_json::from_slice(&self.get(url).await).unwrap()
    }

    async fn ids(&self, first: String) -> Vec<String> {
        let (mut ids, mut next) = (Vec::new(), Some(first));
        while let Some(url) = next {
            let page: Listing = self.get_json(&url).await;
            ids.extend(page.value.into_iter().map(|item| item.id));
            next = page.next_link;
        }
        ids
    }

    /// Every run of every workflow.
    pub(crate) async fn runs(&self) -> Vec<RunId> {
        let mut all = Vec::new();
        for workflow in self.ids(self.root.clone()).await {
            let filter = SINCE.replace(' ', "%20");
            let runs = self
                .ids(format!("{}/{workflow}/runs?$filter={filter}", self.root))
                .await;
            all.extend(runs.into_iter().map(|run| RunId {
                workflow: workflow.clone(),
                run,
            }));
        }
        all
    }

    /// Where the results of a run begin.
    pub(crate) fn results_of(&self, id: &RunId) -> String {
        let filter = SINCE.replace(' ', "%20");
        let RunId { workflow, run } = id;
        format!(
            "{}/{workflow}/runs/{run}/userProcessingResults?$filter={filter}",
            self.root
        )
    }

    async fn read(&self, id: RunId) -> RecordBatch {
        let mut columns = Columns::new(&bare::schema());
        let mut next = Some(self.results_of(&id));
        while let Some(url) = next {
            let body = self.get(&url).await;
            let page = bare::parse(&body);
            for row in &page.value {
                columns.append(&id.workflow, &id.run, row);
            }
            next = page.next_link;
        }
        columns.finish()
    }
}

/// Writes the file and says how many rows it has.
pub(crate) fn export(to: &SignIn<'_>, out: &Path) {
    bare::check();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (send, mut receive) = mpsc::channel::<RecordBatch>(IN_FLIGHT);
    let file = File::create(out).unwrap();
    let writing = thread::spawn(move || {
        let mut writer = bare::writer(file);
        let mut rows = 0;
        while let Some(batch) = receive.blocking_recv() {
            rows += batch.num_rows();
            writer.write(&batch).unwrap();
        }
        writer.close().unwrap();
        rows
    });
    runtime.block_on(async move {
        let service = Service::sign_in(to).await;
        let runs = service.runs().await;
        let batches = stream::iter(runs).map(|run| {
            let service = service.clone();
            tokio::spawn(async move { service.read(run).await })
        });
        let mut batches = batches.buffered(IN_FLIGHT);
        while let Some(batch) = batches.try_next().await.unwrap() {
            send.send(batch).await.unwrap();
        }
    });
    println!("{}", serde_json::json!({ "rows": writing.join().unwrap() }));
}
