//! The command line of `lcw schedule`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::every::Every;
use super::scheduler::Scheduler;
use crate::choice;

pub(crate) const HELP: &str = "\
Examples:
  lcw schedule print cron /etc/lcw/daily.toml
  lcw schedule print systemd /etc/lcw/daily.toml --into units
  lcw schedule print kubernetes --image r.example/lcw:0.1.0 | kubectl apply -f -
  lcw schedule print windows 'C:\\ProgramData\\lcw\\daily.toml' --every 6h

No secret is ever in what is printed: files and stores are named that hold them.
Exit code 75, another export is at work, is no failure for any of them that can
know codes; every other code but 0 is passed on to what alerts.";

const PRINT_HELP: &str = "\
Examples:
  lcw schedule print systemd /etc/lcw/daily.toml --user lcw --into units
  lcw schedule print cron --every 1h --alert /usr/local/lib/lcw/page-me
  lcw schedule print github-actions --out /srv/lcw --into .github/workflows";

#[derive(Debug, Clone, Args)]
pub(crate) struct ScheduleArgs {
    #[command(subcommand)]
    pub(super) verb: ScheduleVerb,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum ScheduleVerb {
    /// Print what a scheduler needs, ready to be installed
    #[command(after_help = PRINT_HELP)]
    Print(PrintArgs),
}

#[derive(Debug, Clone, Args)]
pub(super) struct PrintArgs {
    /// What is to start the exports
    #[arg(value_parser = choice::flag::<Scheduler>())]
    pub(super) scheduler: Scheduler,
    /// Pipeline file, by the whole path that it has where the exports run
    pub(super) pipeline: Option<String>,
    /// How often: 15m, 20m, 30m, or hours that divide a day
    #[arg(long, value_name = "TIME", default_value = "3h")]
    pub(super) every: Every,
    /// Minute of the hour [default: one that follows from name and folder, to spread exports]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..60))]
    pub(super) minute: Option<u8>,
    #[arg(
        long,
        value_name = "DIR",
        help = "The dataset's folder there [default: /var/lib/lcw/data, in containers /data/lcw, on \
            Windows C:\\ProgramData\\lcw\\data]"
    )]
    pub(super) out: Option<String>,
    /// Name of the job, its units, scripts and logs
    #[arg(long, value_name = "NAME", default_value = "lcw-export")]
    pub(super) name: String,
    #[arg(
        long,
        value_name = "FILE",
        help = "Where lcw is there [default: /usr/local/bin/lcw, on Windows \
            C:\\Program Files\\lcw\\lcw.exe]"
    )]
    pub(super) program: Option<String>,
    /// User who exports, for cron and systemd [default: lcw]
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// Container image that starts lcw, for kubernetes and container-apps
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    #[arg(
        long,
        value_name = "FILE",
        help = "Program that is run with the exit code when an export needs attention, for cron, \
            systemd and windows [default: /usr/local/lib/lcw/alert, on Windows \
            C:\\ProgramData\\lcw\\alert.ps1]"
    )]
    pub(super) alert: Option<String>,
    /// Connection that holds the credentials, for airflow [default: lcw]
    #[arg(long, value_name = "NAME")]
    pub(super) connection: Option<String>,
    /// Prometheus metrics of each export, as lcw export --metrics-file writes them
    #[arg(long, value_name = "FILE")]
    pub(super) metrics_file: Option<String>,
    /// Write each file into this folder instead of printing all of them
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<PathBuf>,
}
