//! The command line.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lcw_transform::Table;

/// Exports what Microsoft Entra Lifecycle Workflows did into Parquet or NDJSON.
///
/// Microsoft Graph keeps about 30 days of this history. `lcw export` run every few hours keeps
/// all of it: complete, proven against the service's own counts, and without duplicates. The
/// output folder is the only state; running anything again is harmless.
#[derive(Debug, Parser)]
#[command(name = "lcw", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) output: Output,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  done and proven        4  partial: some could not be fetched     7  throttled past the deadline
   1  failed                 5  committed, but not proven complete    75  another export holds the dataset
   2  usage, configuration   6  a --fail-on condition met        130, 143  stopped by a signal
   3  credentials, permission

Try it without Azure: lcw demo";

/// How to talk to the person or program in front.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print one JSON object on stdout instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How logs on stderr are written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// Only warnings and errors on stderr
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// No progress line, even on a terminal
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Export new, open and changed runs: the one for cron
    #[command(
        long_about = "Exports new, open and changed runs, oldest day first, and commits \
        day by day. Reaches as far back as the service keeps history, or as the last complete \
        export makes necessary. Run it every few hours; a run that is still open, or was short \
        of its count, is read again by the next export."
    )]
    Export(ExportArgs),
    /// Read every run of a window again, whatever the dataset says
    #[command(
        long_about = "Reads every run scheduled in [--from, --to) again, whatever the \
        dataset says, so it also repairs. Rows that the service no longer has stay. A backfill \
        that was stopped continues when it is started again with the same arguments. It never \
        counts as coverage of the incremental export."
    )]
    Backfill(BackfillArgs),
    /// Say what an export or backfill would request and replace; write nothing
    Plan(PlanArgs),
    /// Export a built-in simulated tenant: no Azure needed
    Demo(DemoArgs),
    /// Serve the simulated tenant, to try cron set-ups and faults
    Simulate(SimulateArgs),
    /// What the dataset holds, its gaps and its open runs; offline
    Status(StatusArgs),
    /// The columns of the tables, with type, unit and source property
    Schema(SchemaArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// Pipeline file: what to export, how fast, where to. Flags and environment win over it
    pub(crate) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BackfillArgs {
    #[command(flatten)]
    pub(crate) export: ExportArgs,
    #[command(flatten)]
    pub(crate) window: WindowArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Window")]
pub(crate) struct WindowArgs {
    /// Schedule date of the first run: 2026-11-01, 2026-11-01T06:00:00Z or T-7d
    #[arg(long, value_name = "D")]
    pub(crate) from: String,
    /// First schedule date after the window, same forms; may lie in the future
    #[arg(long, value_name = "D")]
    pub(crate) to: String,
    /// Only this workflow; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) workflow: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(crate) of: PlanOf,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PlanOf {
    /// What `lcw export` would do
    Export(ExportArgs),
    /// What `lcw backfill` would do
    Backfill(BackfillArgs),
}

/// Where to read from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct SourceArgs {
    /// National cloud: decides the Graph and login hosts
    #[arg(long, value_parser = PossibleValuesParser::new(["global", "usgov", "usgov-dod", "china"]))]
    pub(crate) cloud: Option<String>,
    /// Origin of Microsoft Graph, without the API version
    #[arg(long, value_name = "URL")]
    pub(crate) graph_url: Option<String>,
    /// Origin of the login service [env: AZURE_AUTHORITY_HOST]
    #[arg(long, value_name = "URL")]
    pub(crate) authority_url: Option<String>,
    /// Version of the Graph API
    #[arg(long, value_parser = PossibleValuesParser::new(["v1.0", "beta"]))]
    pub(crate) api_version: Option<String>,
    /// Tenant: GUID, or domain name [env: AZURE_TENANT_ID]
    #[arg(long, value_name = "ID")]
    pub(crate) tenant_id: Option<String>,
    /// Application (client) id [env: AZURE_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Upper bound of the request rate; the real rate adapts below it
    #[arg(long, value_name = "N|unlimited")]
    pub(crate) requests_per_second: Option<String>,
    /// Runs read side by side
    #[arg(long, value_name = "N")]
    pub(crate) max_concurrency: Option<usize>,
}

/// What to write, and where to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// The dataset's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// File format of the dataset
    #[arg(long, value_parser = PossibleValuesParser::new(["parquet", "ndjson"]))]
    pub(crate) format: Option<String>,
    /// Table to export; repeatable. `workflows` and `runs` are always exported
    #[arg(long, value_name = "NAME", value_parser = table_names())]
    pub(crate) table: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo dataset goes
    #[arg(long, value_name = "DIR", default_value = "lcw-demo")]
    pub(crate) out: PathBuf,
    /// File format of the dataset
    #[arg(long, default_value = "parquet", value_parser = PossibleValuesParser::new(["parquet", "ndjson"]))]
    pub(crate) format: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SimulateArgs {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8365)]
    pub(crate) port: u16,
    /// Another seed makes another tenant
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Refuse what exceeds this many requests a second with 429 and Retry-After
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<f64>,
    /// Start the tenant's clock here instead of now (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// Pipeline file that names the dataset's folder
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SchemaArgs {
    /// One table; all of them without
    #[arg(value_parser = table_names())]
    pub(crate) table: Option<String>,
    /// Write every published contract as a JSON file into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "table")]
    pub(crate) write: Option<PathBuf>,
}

fn table_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Table::ALL.map(Table::name))
}
