//! The verbs that need no tenant, or bring their own.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use lcw_report::Condition;
use lcw_report::render::csv::Section;
use lcw_transform::Table;

use crate::choice::{self, Format, Part};
use crate::quantity::{Rate, duration};
use crate::settings::DEFAULT_SNAPSHOTS;
use crate::when::When;

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo dataset goes
    #[arg(long, value_name = "DIR", default_value = "lcw-demo")]
    pub(crate) out: PathBuf,
    /// File format of the dataset
    #[arg(long, default_value = "parquet", value_parser = choice::flag::<Format>())]
    pub(crate) format: Format,
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
    #[arg(long, value_name = "N|unlimited", allow_negative_numbers = true)]
    pub(crate) limit: Option<Rate>,
    /// Start the tenant's clock here instead of now (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// Pipeline file that names the dataset's folder
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SnapshotArgs {
    /// Folder for the snapshots, outside the dataset and on its file system
    #[arg(value_name = "DIR")]
    pub(crate) into: PathBuf,
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Snapshots that stay, the new one included
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SNAPSHOTS)]
    pub(crate) keep: NonZeroUsize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// Pipeline file that names the dataset's folder, and that the repair plan is for
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Read every row, too
    #[arg(long)]
    pub(crate) deep: bool,
    /// Fail unless a closed manifest has this digest: manifest.sha256 of an export's summary
    #[arg(long, value_name = "SHA256", value_parser = choice::sha256)]
    pub(crate) expect_head: Option<String>,
    /// Print the shell commands that put the damage in order, one a line, instead of the report
    #[arg(long)]
    pub(crate) repair_plan: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// Pipeline file that names the dataset's folder
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder, or a snapshot [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Tenant, where the dataset has several
    #[arg(long, value_name = "ID")]
    pub(crate) tenant_id: Option<String>,
    /// Schedule of the first run: 2026-11-01, 2026-11-01T06:00:00Z or T-7d [default: 30 days]
    #[arg(long, value_name = "D")]
    pub(crate) from: Option<When>,
    /// First schedule after the window, same forms [default: no end]
    #[arg(long, value_name = "D")]
    pub(crate) to: Option<When>,
    /// Only this workflow, by id or name; repeatable
    #[arg(long, value_name = "ID|NAME")]
    pub(crate) workflow: Vec<String>,
    /// Within which time a leaver has to be done
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub(crate) sla: Duration,
    /// Who left and when (CSV); without it the clock starts at the schedule of the run
    #[arg(long, value_name = "FILE")]
    pub(crate) population: Option<PathBuf>,
    /// For how long an enabled workflow may be without a run
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    pub(crate) stale_after: Duration,
    #[arg(
        long,
        value_name = "CONDITION",
        help = "Exit with 6 when this holds, such as 'leaver_sla_misses>0'; repeatable"
    )]
    pub(crate) fail_on: Vec<Condition>,
    /// Print this section as CSV instead of text
    #[arg(
        long,
        value_name = "SECTION",
        value_parser = choice::flag::<Section>(),
        conflicts_with = "json"
    )]
    pub(crate) csv: Option<Section>,
    /// Also write the report as one HTML file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AcknowledgeArgs {
    /// Pipeline file that names the dataset's folder
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Tenant, where the dataset has several
    #[arg(long, value_name = "ID")]
    pub(crate) tenant_id: Option<String>,
    /// Run that is short; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) run: Vec<String>,
    /// Day that was lost, files included, or whose runs are short; repeatable
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Vec<String>,
    /// Workflow that is short, by its id or its name; repeatable
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) workflow: Vec<String>,
    /// Export whose manifest is gone or was changed, or whose rows set aside are gone, with no backup;
    /// repeatable
    #[arg(long, value_name = "EXPORT")]
    pub(crate) manifest: Vec<String>,
    /// Why that is all right; stays on record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ForgetArgs {
    /// Pipeline file that names the dataset's folder, its snapshots, and the key of its pseudonyms
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only this tenant
    #[arg(long, value_name = "ID")]
    pub(crate) tenant_id: Option<String>,
    /// Object id of a user, or id of another subject; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Vec<String>,
    /// The same as a pseudonymised dataset has it; needs no key; repeatable
    #[arg(long, value_name = "PSEUDONYM")]
    pub(crate) pseudonym: Vec<String>,
    /// Folder of snapshots to look through; repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) snapshots: Vec<PathBuf>,
    /// Only say which files and rows it would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SchemaArgs {
    /// One table; all of them without
    #[arg(value_parser = choice::flag::<Table>())]
    pub(crate) table: Option<Table>,
    /// Write every published contract as a JSON file into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "table")]
    pub(crate) write: Option<PathBuf>,
    /// Print the data dictionary, every table in Markdown
    #[arg(long, conflicts_with_all = ["table", "write"])]
    pub(crate) markdown: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ConnectArgs {
    /// Pipeline file that names the dataset's folder, and that of its snapshots
    pub(crate) pipeline: Option<PathBuf>,
    /// The dataset's folder, or a folder of snapshots [default: lcw-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SqlArgs {
    /// What to print
    #[arg(value_parser = choice::flag::<Part>())]
    pub(crate) part: Part,
    #[command(flatten)]
    pub(crate) dataset: ConnectArgs,
}
