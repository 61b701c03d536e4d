//! The command line: the verbs, and what they have in common.

mod offline;
mod request;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::schedule::{self, ScheduleArgs};
use crate::{completions, init, man, show_config};

pub(crate) use offline::{
    AcknowledgeArgs, ConnectArgs, DemoArgs, ForgetArgs, ReportArgs, SchemaArgs, SimulateArgs,
    SnapshotArgs, SqlArgs, StatusArgs, VerifyArgs,
};
pub(crate) use request::{
    BackfillArgs, ExportArgs, IncrementalArgs, PlanArgs, PlanOf, QueryArgs, SourceArgs, TargetArgs,
    WindowArgs,
};

/// Exports what Microsoft Entra Lifecycle Workflows did into Parquet or NDJSON.
///
/// Microsoft Graph keeps about 30 days of this history. `lcw export` run every few hours keeps
/// all of it: complete, proven against the service's own counts, and without duplicates. The
/// output folder is the only state; running anything again is harmless.
#[derive(Debug, Parser)]
#[command(name = "lcw", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) output: Output,
}

const AFTER_HELP: &str = "\
Start here:
  lcw demo          a simulated tenant, exported; no Azure needed
  lcw init          asks, and writes a pipeline file
  lcw doctor        whether an export would work, and what to do if not
  lcw plan export   what a first export would ask for and write
  lcw export        writes ./lcw-data; signs in with AZURE_TENANT_ID,
                    AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or LCW_ACCESS_TOKEN
  lcw status        what ./lcw-data holds, and what it lacks
  lcw verify        whether every file is still what was written
  lcw connect       a DuckDB script that knows ./lcw-data
  lcw report        leavers against the clock, failing tasks, trends, gaps

Exit codes:
   0  done and proven                         5  committed, not proven complete
   1  failed; what was committed stays good   6  a condition of --fail-on is met
   2  usage or configuration                  7  not done by the deadline
   3  credentials or permission              75  another export holds the dataset
   4  partial: some could not be fetched 130, 143  stopped by a signal";

const EXPORT_HELP: &str = "\
Examples:
  lcw export                         into ./lcw-data
  lcw export /etc/lcw/daily.toml     what cron runs; flags win over the file
  lcw export --out data --json | jq '{status, exit_code, proof, tables}'
  lcw export --table runs            runs without what they did to each user
  lcw export --expand subject        with users' names and departments

Signs in with the first that is there: LCW_ACCESS_TOKEN; or, for AZURE_TENANT_ID
and AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or
AZURE_FEDERATED_TOKEN_FILE, each also a key of the pipeline file. --auth names
another: managed-identity, azure-cli, or device-code for a person. Secrets are
never given on the command line.";

const BACKFILL_HELP: &str = "\
Examples:
  lcw plan backfill --from T-30d --to T              what it would do
  lcw backfill --from 2026-11-01 --to 2026-11-08     seven days, UTC
  lcw backfill --from T-7d --to T --workflow Leavers

A damaged file is never written over: move it away, and backfill its day.";

const PLAN_HELP: &str = "\
Examples:
  lcw plan export
  lcw plan backfill --from T-30d --to T --out lcw-data";

const DEMO_HELP: &str = "\
Examples:
  lcw demo                       into ./lcw-demo, as Parquet
  lcw demo --format ndjson --out demo-ndjson";

const SIMULATE_HELP: &str = "\
Examples:
  lcw simulate                   prints the variables that an export needs
  lcw simulate --limit 20        answers 429 above 20 requests a second
  curl http://127.0.0.1:8365/_simulator
  curl -X POST 'http://127.0.0.1:8365/_simulator/clock?advance=24h'
  curl -X POST 'http://127.0.0.1:8365/_simulator/faults?kind=throttled&times=3'";

const DOCTOR_HELP: &str = "\
Examples:
  lcw doctor                     before the first export
  lcw doctor /etc/lcw/daily.toml
  lcw doctor --json | jq '.checks[] | select(.status != \"pass\")'

Exit code: 0 when nothing failed, warnings or not; 3 credentials or permissions;
2 folder, format or configuration; 1 anything else; 75 when all that fails is
that another export holds the dataset.";

const STATUS_HELP: &str = "\
Examples:
  lcw status --out lcw-data
  lcw status --out lcw-data --json | jq '.tenants[].runs'";

const SNAPSHOT_HELP: &str = "\
Examples:
  lcw snapshot /srv/lcw-snapshots --out lcw-data
  lcw snapshot snapshots --keep 10

A program that reads for longer than a moment resolves the name once, so that
all of its files are of one snapshot: $(readlink -f snapshots/current). A
snapshot stays readable until --keep newer ones are there.";

const VERIFY_HELP: &str = "\
Examples:
  lcw verify --out lcw-data            every file against the manifests
  lcw verify --out lcw-data --deep     and every row
  lcw verify --json | jq '.findings[] | {class, file, remedy}'
  lcw verify --repair-plan             commands: save them, look, run them
  lcw export --json | jq -r .manifest.sha256    what to keep for --expect-head

The manifests are chained by hash, and each says what its contents are: that
finds accidents. Whoever may write to the folder can write all of them anew:
only --expect-head, with a digest that was kept elsewhere, tells.

Exit code: 0 everything is as it was written; 1 it is not, or cannot be read;
2 there is no dataset.";

const CONNECT_HELP: &str = "\
Examples:
  duckdb --init \"$(lcw connect)\"
  duckdb --init \"$(lcw connect /etc/lcw/daily.toml)\"
  lcw connect --out /srv/lcw-snapshots
  lcw connect --json | jq -r .dataset

Then, in DuckDB:  FROM lcw_help();

Where the pipeline file names a folder of snapshots, or --out is one, the script
reads the newest snapshot, by its own name: all tables are of the same moment
until it is run again. The script is kept in the user's cache folder
($XDG_CACHE_HOME, else ~/.cache), under the same name for the same dataset.";

const SQL_HELP: &str = "\
Examples:
  lcw sql views --out lcw-data
  lcw sql macros | less
  lcw sql examples               queries to start with
  lcw sql dbt --out lcw-data     for models/sources.yml of a dbt project

Without DuckDB's command line: (lcw sql views; lcw sql macros) > lcw.sql";

const ACKNOWLEDGE_HELP: &str = "\
Examples:
  lcw acknowledge --run 8cdf25a8-c9d2-423e-a03d-3f39f03c3e97 --reason case-7
  lcw acknowledge --day 2026-10-03 --reason exporter-was-down
  lcw acknowledge --manifest 20261122T101500.000000Z --reason disk-failed";

const REPORT_HELP: &str = "\
Examples:
  lcw report --out lcw-data                     the last 30 days
  lcw report --html report.html --from T-7d
  lcw report --population leavers.csv --sla 24h --csv leavers
  17 7 * * *  lcw report --quiet --fail-on 'leaver_sla_misses>0'   (cron)

leavers.csv has two columns, subject_id (an object id; user principal names are
not in the data) and leave_date (a date in UTC, or a date-time with its offset).

--fail-on compares a name under metrics of --json with a number, by > >= < <=
== or !=. What the dataset cannot say counts as met. Met means exit code 6.";
const FORGET_HELP: &str = "\
Examples:
  lcw forget --subject 5ec7e7b0-1111-4222-8333-44445555beef --dry-run
  lcw forget --subject 5ec7e7b0-1111-4222-8333-44445555beef --out lcw-data
  lcw forget daily.toml --subject ID --json    looks through its snapshots, too

Not reached: snapshots (those found are named), backups, _damaged, copies, and
Microsoft's own records. Whoever was forgotten stays so: later rows about them
are left out, too.

Exit code: 0 gone, or nothing was found; 2 nobody could be named so, or another
key; 75 an export holds the dataset; 1 failed: run it again, it finishes.";

const SCHEMA_HELP: &str = "\
Examples:
  lcw schema                     every table
  lcw schema runs --json         one of them, for programs
  lcw schema --markdown          the data dictionary";

/// How to talk to the person or program in front.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print one JSON object on stdout instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How logs and errors on stderr are written
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
        long_about = "Exports new, open and changed runs, oldest day first, and commits day by \
        day. Reaches as far back as the service keeps history, or as the last complete export \
        makes necessary. Run it every few hours; a run that is still open, or was short of its \
        count, is read again by the next export.",
        after_help = EXPORT_HELP
    )]
    Export(IncrementalArgs),
    /// Read every run of a window again, whatever the dataset says
    #[command(
        long_about = "Reads every run scheduled in [--from, --to) again, whatever the dataset \
        says, so it also repairs. Rows that the service no longer has stay. A backfill that was \
        stopped continues when it is started again with the same arguments. It never counts as \
        coverage of the incremental export.",
        after_help = BACKFILL_HELP
    )]
    Backfill(BackfillArgs),
    /// Say what an export or backfill would request and replace; write nothing
    #[command(
        long_about = "Lists the runs as an export or backfill with the same arguments would, and \
        says what that would request, how long it would take, and which partitions it would \
        replace. Writes nothing.",
        after_help = PLAN_HELP
    )]
    Plan(PlanArgs),
    /// Export a built-in simulated tenant: no Azure needed
    #[command(
        long_about = "Starts a simulated tenant on this machine, exports it over HTTP like a \
        real one, and shows what the tables hold and what to ask them.",
        after_help = DEMO_HELP
    )]
    Demo(DemoArgs),
    /// Serve the simulated tenant, to try cron set-ups and faults
    #[command(
        long_about = "Serves a simulated tenant on 127.0.0.1 until it is stopped, to try cron \
        set-ups, alerts and faults. Its clock goes on, and can be moved; its faults and limits \
        are set over HTTP.",
        after_help = SIMULATE_HELP
    )]
    Simulate(SimulateArgs),
    /// Whether an export would work: token, permissions, clock, folder, one request per table
    #[command(
        long_about = "Examines everything that an export with the same arguments needs, and says \
        what to do about each failure: token, permissions by their least-privileged names, clock, \
        one real request per requested table, target folder, dataset. Exports nothing.",
        after_help = DOCTOR_HELP
    )]
    Doctor(ExportArgs),
    /// What the dataset holds, its gaps and its open runs; offline
    #[command(
        long_about = "Says what the dataset holds, which days have no runs or were lost, which \
        runs are open, short or never read, and when it was last complete. Looks at the folder \
        only, and may be used while an export runs.",
        after_help = STATUS_HELP
    )]
    Status(StatusArgs),
    /// A consistent copy of the dataset for readers, made of hard links
    #[command(
        long_about = "Makes DIR/<export_id>, a copy of the dataset in which every table is of the \
        same moment and no file ever changes, and points DIR/current to it. Made of hard links: it \
        takes milliseconds and no room, and needs a folder on the same file system. May be used \
        while an export runs. snapshot = \"DIR\" under [load] of a pipeline file does so after every \
        export.",
        after_help = SNAPSHOT_HELP
    )]
    Snapshot(SnapshotArgs),
    /// Whether every file is still what was written; offline
    #[command(
        long_about = "Compares every file with the manifests, and the manifests with each other: \
        files that are missing, changed, stale, stray or unreadable. With --deep every row is \
        read, too: keys are unique and in order, and every run has the rows that it says were \
        read. Says which days to backfill. Looks at the folder only, and may be used while an \
        export runs.",
        after_help = VERIFY_HELP
    )]
    Verify(VerifyArgs),
    /// Answers from the dataset: leavers against the clock, failing tasks, trends, gaps; offline
    #[command(
        long_about = "Answers from the dataset: which leavers were done in time, which tasks fail \
        and why, which users were failed and fixed later, which enabled workflows do not run, how \
        long users wait, and what is proven. Looks at the folder only, writes nothing into it, \
        and may be used while an export runs. Dry runs and runs that are open or not settled are \
        in no rate, and the report says so. docs/report.md defines every figure.",
        after_help = REPORT_HELP
    )]
    Report(ReportArgs),
    /// Put on record that something is known to be missing, and why that is all right
    #[command(
        long_about = "Acknowledges runs that are short, days that were lost, or workflows of which \
        the service counts more than there is. They stay in the status and on record, with the \
        reason, but do not make an export unproven (exit code 5) any more, unless more goes \
        missing. With --manifest, one that is gone or was changed and has no backup: files that \
        it may have told of are put on record as they are now, and exports go on. Files that are \
        gone with a lost day, or with the rows that an export set aside, are noted by `lcw verify` \
        and not missed any more.",
        after_help = ACKNOWLEDGE_HELP
    )]
    Acknowledge(AcknowledgeArgs),
    /// What cron, systemd, Kubernetes and others need to start exports
    #[command(
        long_about = "Prints what a scheduler needs to start an export every few hours: units, \
        scripts and manifests with the lock, a random delay, logs and alerts. Secrets are named, \
        never printed.",
        after_help = schedule::HELP
    )]
    Schedule(ScheduleArgs),
    /// Write a pipeline file: asks what it has to know, and offers to try it
    #[command(
        long_about = "Asks for the tenant, for how to sign in and for where the dataset goes, and \
        writes a pipeline file with every key, its default and what it means. Never asks for a \
        secret: only where it is. What flags say is not asked; with --defaults nothing is.",
        after_help = init::HELP
    )]
    Init(init::InitArgs),
    /// The settings that an export would use, and where each comes from
    #[command(after_help = show_config::HELP)]
    Config(show_config::ConfigArgs),
    /// A script that lets a shell complete verbs, flags and their values
    #[command(after_help = completions::HELP)]
    Completions(completions::CompletionsArgs),
    /// Manual pages, one for the program and one for each verb
    #[command(after_help = man::HELP)]
    Man(man::ManArgs),
    #[command(
        about = "A DuckDB script with views and macros over the dataset; prints its path",
        long_about = "Writes a script for DuckDB and prints its path: views over every table with \
        types and comments, joined views, and macros such as leaver_sla('24h'), \
        failed_users(from_day, to_day) and workflow_health(). Looks at the folder only. The script \
        changes nothing but the session that reads it.",
        after_help = CONNECT_HELP
    )]
    Connect(ConnectArgs),
    /// The parts of that script, and dbt sources; prints their text
    #[command(
        long_about = "Prints a part of what `lcw connect` writes, to read it, to copy from it, or to \
        put it into a project: the views, the macros, queries to start with, or the tables as \
        sources for dbt-duckdb.",
        after_help = SQL_HELP
    )]
    Sql(SqlArgs),
    /// Take people out of the dataset, for good
    #[command(
        long_about = "Removes every row about somebody, from data files and quarantined lines, and \
        takes the id out of rows about others. Rewrites only the files that hold it. Leaves a keyed \
        hash of the id, so that no later export brings anybody back, and their runs stay proven. \
        Stopped half way, the same again finishes it.",
        after_help = FORGET_HELP
    )]
    Forget(ForgetArgs),
    /// The columns of the tables, with type, unit and source property
    #[command(
        long_about = "Shows every column with its type, its unit, and the Graph property that it \
        comes from.",
        after_help = SCHEMA_HELP
    )]
    Schema(SchemaArgs),
}
