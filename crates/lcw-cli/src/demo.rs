//! `lcw demo`: a simulated tenant, exported over real HTTP, and what to ask the result.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use lcw_extractor::query::ResultQuery;
use lcw_extractor::{ClientConfig, ClientSecret, GraphClient};
use lcw_pipeline::{DeletedWorkflows, FileFormat, Kind, OnDrift, Request, Route, Summary};
use lcw_simulator::{Simulator, TenantConfig};
use lcw_transform::Table;

use crate::args::{DemoArgs, Output};
use crate::choice::Compression;
use crate::failure::Failure;
use crate::lines::{COLUMNS, wrapped};
use crate::progress::Screen;
use crate::{export, print, settings};

pub(crate) async fn demo(args: &DemoArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let simulator = Simulator::start(TenantConfig::demo())
        .await
        .context("cannot start the simulated tenant")
        .map_err(|error| Failure::failed(&error))?;
    let client = client(&simulator).map_err(|error| Failure::failed(&error))?;
    let request = request(args, &simulator);
    let format = request.format;
    let summary = export::follow(request, client, screen).await?;
    export::show(&summary, to)?;
    if !to.json && summary.error.is_none() {
        print::text(&what_next(&args.out, format, &summary))?;
    }
    Ok(summary.exit_code)
}

fn client(simulator: &Simulator) -> anyhow::Result<GraphClient> {
    let config = ClientConfig {
        graph_url: simulator.origin().to_owned(),
        requests_per_second: None,
        ..ClientConfig::default()
    };
    let credential = ClientSecret::new(
        simulator.origin(),
        simulator.tenant_id(),
        simulator.client_id(),
        simulator.client_secret().into(),
    )?;
    Ok(GraphClient::new(config, credential)?)
}

fn request(args: &DemoArgs, simulator: &Simulator) -> Request {
    Request {
        kind: Kind::Export,
        tables: Table::DEFAULT.to_vec(),
        lookback: Duration::from_hours(30 * 24),
        settle: Duration::from_mins(15),
        max_concurrency: 16,
        keep_raw: false,
        pseudonyms: None,
        deleted_workflows: DeletedWorkflows::Auto,
        on_drift: OnDrift::Fail,
        route: Route::Auto,
        query: ResultQuery::default(),
        out: args.out.clone(),
        format: settings::file_format(args.format, Compression::default())
            .unwrap_or(FileFormat::Parquet),
        snapshots: None,
        tenant: Some(simulator.tenant_id().to_owned()),
    }
}

fn what_next(out: &Path, format: FileFormat, summary: &Summary) -> String {
    let scan = |table: &str, days: &str| match format {
        FileFormat::Parquet => {
            format!(
                "read_parquet('{}/{table}/*/{days}*.parquet')",
                out.display()
            )
        }
        FileFormat::Ndjson(_) => {
            format!("read_json('{}/{table}/*/{days}*.ndjson*')", out.display())
        }
    };
    let workflows = scan("workflows", "");
    let runs = scan("runs", "*/");
    let results = scan("user_processing_results", "*/");
    let tasks = scan("task_processing_results", "*/");
    let held = Table::DEFAULT.map(|table| held(table, summary));
    format!(
        "
The dataset is in {out}. What the tables hold:
{held}

Query it with DuckDB (https://duckdb.org). With views over every table, and
macros such as leaver_sla('24h'), where FROM lcw_help(); lists them:

  duckdb --init \"$(lcw connect --out {out})\"

Or file by file, for example:

  -- what every workflow did, and how it ended
  SELECT w.display_name, r.processing_status,
    count(*) AS runs, sum(r.total_users_count) AS users
  FROM {runs} r
  JOIN {workflows} w ON w.id = r.workflow_id
  GROUP BY ALL ORDER BY ALL;

  -- users whom a workflow failed, newest first
  SELECT w.display_name, u.subject_id, u.processing_status,
    u.failed_tasks_count, u.started_date_time
  FROM {results} u
  JOIN {workflows} w ON w.id = u.workflow_id
  WHERE u.failed_tasks_count > 0
  ORDER BY u.started_date_time DESC LIMIT 10;

  -- what was done to whom, and which task failed
  SELECT w.display_name, t.task_display_name, t.processing_status,
    count(*) AS users, any_value(t.failure_reason) AS why
  FROM {tasks} t
  JOIN {workflows} w ON w.id = t.workflow_id
  WHERE t.processing_status IN ('failed', 'canceled')
  GROUP BY ALL ORDER BY users DESC LIMIT 10;

  -- how long users wait, and how long processing takes
  SELECT workflow_id, count(*) AS users,
    median(queue_ms) AS queue_ms, median(processing_ms) AS processing_ms
  FROM {results}
  GROUP BY ALL ORDER BY users DESC;

Run `lcw demo` again: nothing new, so nothing is read or rewritten.
`lcw status --out {out}` looks at it offline;
`lcw report --out {out}` answers what auditors ask;
`lcw schema` explains every column.",
        out = out.display(),
        held = held.join("\n"),
    )
}

/// How many rows a table has, and what a row is.
fn held(table: Table, summary: &Summary) -> String {
    let rows = summary.tables.get(table.name());
    let rows = rows.map_or(0, |table| table.rows_total);
    let mut lines = vec![format!("  {:<24} {rows:>6} rows", table.name())];
    lines.extend(wrapped(table.description(), "    ", COLUMNS));
    lines.join("\n")
}
