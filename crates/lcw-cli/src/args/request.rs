//! What an export, a backfill or the plan of one is asked for.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lcw_extractor::{ApiVersion, Cloud};
use lcw_pipeline::OnDrift;
use lcw_transform::Table;

use crate::choice::{self, Auth, Format};
use crate::quantity::{Rate, count};
use crate::when::When;

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ExportArgs {
    /// Pipeline file (TOML): what to export, how fast, where to. Flags and environment win over it
    pub(crate) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) query: QueryArgs,
    /// What to do about a row with a value that its column cannot hold [default: fail]
    #[arg(
        long,
        value_name = "ACTION",
        value_parser = choice::flag::<OnDrift>(),
        help_heading = "Target"
    )]
    pub(crate) on_drift: Option<OnDrift>,
    /// Prometheus metrics of how it ended, for the node exporter's textfile collector
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) metrics_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct IncrementalArgs {
    #[command(flatten)]
    pub(crate) export: ExportArgs,
    #[command(flatten)]
    pub(crate) misplaced: MisplacedArgs,
}

/// Flags of backfill, known here only to say where they belong.
#[derive(Debug, Clone, Args)]
pub(crate) struct MisplacedArgs {
    #[arg(long, hide = true)]
    from: Option<String>,
    #[arg(long, hide = true)]
    to: Option<String>,
    #[arg(long, hide = true)]
    workflow: Vec<String>,
}

impl MisplacedArgs {
    /// The first of them that was given.
    pub(crate) fn first(&self) -> Option<&'static str> {
        [
            (self.from.is_some(), "--from"),
            (self.to.is_some(), "--to"),
            (!self.workflow.is_empty(), "--workflow"),
        ]
        .into_iter()
        .find_map(|(is_given, flag)| is_given.then_some(flag))
    }
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
    pub(crate) from: When,
    /// First schedule date after the window, same forms; may lie in the future
    #[arg(long, value_name = "D")]
    pub(crate) to: When,
    /// Only this workflow, by its id or its name; repeatable
    #[arg(long, value_name = "WORKFLOW")]
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
    Export(IncrementalArgs),
    /// What `lcw backfill` would do
    Backfill(BackfillArgs),
}

/// Where to read from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct SourceArgs {
    #[arg(
        long,
        value_name = "NAME",
        value_parser = choice::flag::<Cloud>(),
        help = "National cloud: decides the Graph and login hosts; whether china shows Lifecycle \
            Workflows, Microsoft's pages disagree: see lcw doctor [default: global]"
    )]
    pub(crate) cloud: Option<Cloud>,
    /// Origin of Microsoft Graph, without the API version
    #[arg(long, value_name = "URL")]
    pub(crate) graph_url: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        help = "Origin of the login service [env: AZURE_AUTHORITY_HOST]"
    )]
    pub(crate) authority_url: Option<String>,
    /// Version of the Graph API [default: v1.0]
    #[arg(long, value_name = "VERSION", value_parser = choice::flag::<ApiVersion>())]
    pub(crate) api_version: Option<ApiVersion>,
    #[arg(
        long,
        value_name = "ID",
        help = "Tenant: GUID, or domain name [env: AZURE_TENANT_ID]"
    )]
    pub(crate) tenant_id: Option<String>,
    #[arg(
        long,
        value_name = "ID",
        help = "Application (client) id [env: AZURE_CLIENT_ID]"
    )]
    pub(crate) client_id: Option<String>,
    /// Which credential to use [default: auto]
    #[arg(long, value_name = "NAME", value_parser = choice::flag::<Auth>())]
    pub(crate) auth: Option<Auth>,
    /// Upper bound of the request rate; the real rate adapts below it [default: 50]
    #[arg(long, value_name = "N|unlimited", allow_negative_numbers = true)]
    pub(crate) requests_per_second: Option<Rate>,
    /// Runs read side by side [default: 16]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub(crate) max_concurrency: Option<usize>,
}

/// What to write, and where to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// File format of the dataset [default: parquet]
    #[arg(long, value_parser = choice::flag::<Format>())]
    pub(crate) format: Option<Format>,
    #[arg(
        long,
        value_name = "NAME",
        value_parser = choice::flag::<Table>(),
        help = "Table to export besides workflows and runs; repeatable [default: \
            user_processing_results and task_processing_results]"
    )]
    pub(crate) table: Vec<Table>,
    #[arg(
        long,
        help = "Put pseudonyms in the place of people; the key is in LCW_PSEUDONYM_KEY, or in the \
            file that pseudonym_key_file of the pipeline file names"
    )]
    pub(crate) pseudonymize: bool,
}

/// How user processing results are asked for. Part of what the dataset is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "User processing results")]
pub(crate) struct QueryArgs {
    /// Properties to ask for, comma-separated; columns of the others are NULL
    #[arg(long, value_name = "PROPERTIES")]
    pub(crate) select: Option<String>,
    #[arg(
        long,
        value_name = "FILTER",
        help = "OData filter, like \"processingStatus eq 'failed'\"; a filtered dataset proves \
            nothing"
    )]
    pub(crate) filter: Option<String>,
    /// What the service is to send first; rows are stored by key all the same
    #[arg(long, value_name = "PROPERTIES")]
    pub(crate) orderby: Option<String>,
    /// Related object to ask for: subject, for the subject_* columns; needs User.Read.All, too
    #[arg(long, value_name = "NAME")]
    pub(crate) expand: Option<String>,
}
