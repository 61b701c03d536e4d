//! What the simulated service was asked.

use std::collections::BTreeSet;

use lcw_simulator::{Endpoint, Simulator};

/// Path and query of every request for Graph since the last reset, sorted.
pub fn asked(tenant: &Simulator) -> Vec<String> {
    let records = tenant.requests().into_iter();
    let graph = records.filter(|record| record.endpoint.is_graph());
    let mut asked: Vec<String> = graph
        .map(|record| format!("{}?{}", record.path, record.query))
        .collect();
    asked.sort_unstable();
    asked
}

/// The same, only what lists workflows and runs.
pub fn listings(tenant: &Simulator) -> Vec<String> {
    let records = tenant.requests().into_iter();
    let listing = |endpoint| {
        use Endpoint::{DeletedWorkflows, Runs, Workflows};
        matches!(endpoint, Workflows | DeletedWorkflows | Runs)
    };
    let mut asked: Vec<String> = records
        .filter(|record| listing(record.endpoint))
        .map(|record| format!("{}?{}", record.path, record.query))
        .collect();
    asked.sort_unstable();
    asked
}

/// The runs whose results were asked for since the last reset.
pub fn runs_read(tenant: &Simulator) -> BTreeSet<String> {
    runs_asked(tenant, Endpoint::RunResults)
}

/// The runs that were asked for by their id since the last reset.
pub fn runs_looked_for(tenant: &Simulator) -> BTreeSet<String> {
    runs_asked(tenant, Endpoint::Run)
}

fn runs_asked(tenant: &Simulator, endpoint: Endpoint) -> BTreeSet<String> {
    let records = tenant.requests().into_iter();
    records
        .filter(|record| record.endpoint == endpoint)
        .map(|record| {
            let (_, run) = record.path.split_once("/runs/").unwrap();
            run.split('/').next().unwrap().to_owned()
        })
        .collect()
}
