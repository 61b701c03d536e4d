//! The process that exports, for as long as somebody asks it to.

use std::io::{BufRead, Write};
use std::time::Duration;

use lcw_extractor::{ClientConfig, GraphClient};
use lcw_pipeline::{FileFormat, Summary};
use lcw_tests::Office;
use serde::{Deserialize, Serialize};

use crate::figures::Figures;

/// What it is to do before the first export.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) origin: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) requests_per_second: f64,
}

/// One export.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// With a client of its own, as fast as it can.
    pub(crate) afresh: bool,
    /// Stopped after so long.
    pub(crate) stop_after: Option<Duration>,
}

/// How it went, and what the process takes now.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) exit_code: u8,
    pub(crate) sent: u64,
    pub(crate) error: Option<String>,
    pub(crate) figures: Figures,
    pub(crate) data: std::path::PathBuf,
}

/// Takes orders on stdin, one JSON object a line, and reports on stdout.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut lines = std::io::stdin().lock().lines();
    let orders: Orders = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let mut exporter = runtime.block_on(async { Exporter::new(orders) });
    for line in lines {
        let order: Order = serde_json::from_str(&line.unwrap()).unwrap();
        let report = runtime.block_on(exporter.export(&order));
        let mut line = serde_json::to_string(&report).unwrap();
        line.push('\n');
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

struct Exporter {
    office: Office,
    orders: Orders,
    /// The one client of all exports that are not made afresh: it keeps its pace.
    client: GraphClient,
    sent: u64,
}

impl Exporter {
    fn new(orders: Orders) -> Self {
        let mut office = Office::new(FileFormat::Parquet);
        office.client = ClientConfig {
            requests_per_second: Some(orders.requests_per_second),
            deadline: None,
            ..office.client
        };
        let client = sign_in(&office, &orders);
        Self {
            office,
            orders,
            client,
            sent: 0,
        }
    }

    async fn export(&mut self, order: &Order) -> Report {
        self.office.keep_going();
        if let Some(after) = order.stop_after {
            let stop = self.office.stop.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                stop.send_replace(Some(lcw_pipeline::exit::TERMINATED));
            });
        }
        let summary = if order.afresh {
            let limit = self.office.client.requests_per_second.take();
            let client = sign_in(&self.office, &self.orders);
            self.office.client.requests_per_second = limit;
            self.office.run_with(client).await
        } else {
            self.office.run_with(self.client.clone()).await
        };
        self.report(order, summary)
    }

    fn report(&mut self, order: &Order, summary: Summary) -> Report {
        let mut sent = summary.requests.sent;
        if !order.afresh {
            sent -= std::mem::replace(&mut self.sent, sent);
        }
        Report {
            exit_code: summary.exit_code,
            sent,
            error: summary.error.map(|error| error.message),
            figures: Figures::now(self.office.out()),
            data: self.office.out().to_owned(),
        }
    }
}

fn sign_in(office: &Office, orders: &Orders) -> GraphClient {
    let Orders {
        origin,
        tenant_id,
        client_id,
        client_secret,
        ..
    } = orders;
    office.sign_in_as(origin, tenant_id, client_id, client_secret)
}
