//! What `runs` says about its own rows: settled, read, proven.

use std::collections::BTreeMap;

use lcw_simulator::{Simulator, TrueRun, Truth};
use lcw_transform::Table;
use serde_json::{Value, json};

use crate::expected::micros;
use crate::office::Office;

impl Office {
    /// Whether the service shows a run as final, and has left it alone for long enough.
    pub fn is_settled(&self, tenant: &Simulator, run: &TrueRun) -> bool {
        let settle = i64::try_from(self.request.settle.as_micros()).unwrap();
        let now = tenant.now().as_second() * 1_000_000;
        let touched = run.value["lastUpdatedDateTime"].as_str().map(micros);
        is_final(run) && touched.is_some_and(|touched| touched <= now - settle)
    }

    /// How many runs an export that reads all of them can prove.
    pub fn settled_runs(&self, tenant: &Simulator, truth: &Truth) -> u64 {
        let settled = truth.runs.iter().filter(|run| self.is_settled(tenant, run));
        settled.count() as u64
    }

    /// The markers of every run of `truth` are those of an export that has just read all of it.
    pub fn assert_markers(&self, tenant: &Simulator, truth: &Truth) {
        let mut rows = BTreeMap::<(&str, &str), i64>::new();
        for result in &truth.results {
            *rows
                .entry((&result.workflow_id, &result.run_id))
                .or_default() += 1;
        }
        let stored = self.facts(tenant, Table::Runs);
        for run in &truth.runs {
            let read = rows.get(&(&*run.workflow_id, &*run.id)).copied();
            let read = read.unwrap_or_default();
            let row = &stored[&vec![run.workflow_id.clone(), run.id.clone()]];
            let expected = [
                ("_lcw_settled", json!(self.is_settled(tenant, run))),
                ("_lcw_result_rows", json!(read)),
                ("_lcw_proof", json!(proof(run, read))),
                ("_lcw_task_rows", Value::Null),
                ("_lcw_task_proof", Value::Null),
            ];
            for (column, value) in expected {
                assert_eq!(row[column], value, "{column} of run {}", run.id);
            }
        }
    }
}

fn is_final(run: &TrueRun) -> bool {
    let status = run.value["processingStatus"].as_str().unwrap();
    ["completed", "completedWithErrors", "canceled", "failed"].contains(&status)
}

fn proof(run: &TrueRun, read: i64) -> &'static str {
    let counted = run.value["totalUsersCount"].as_i64().unwrap();
    match read.cmp(&counted) {
        _ if !is_final(run) => "open",
        std::cmp::Ordering::Equal => "matched",
        std::cmp::Ordering::Less => "short",
        std::cmp::Ordering::Greater => "over",
    }
}
