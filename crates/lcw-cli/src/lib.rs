//! The `lcw` program: flags, pipeline files, logging, progress, exit codes.

mod acknowledge;
mod args;
mod choice;
mod completions;
mod config;
mod connect;
mod demo;
mod doctor;
mod export;
mod failure;
mod forget;
#[doc(hidden)]
pub mod fuzzing;
mod init;
mod lines;
mod logging;
mod man;
mod missing;
mod print;
mod progress;
mod pseudonyms;
mod quantity;
mod report;
mod report_verb;
mod schedule;
mod schema;
mod settings;
mod show_config;
mod sign_in;
mod signals;
mod simulate;
mod snapshot;
mod sql;
mod status;
mod telemetry;
mod toml_text;
mod verify;
mod when;

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use lcw_pipeline::exit;

use crate::args::{Cli, LogFormat, Verb};
use crate::failure::Failure;
use crate::lines::on_one_line;
use crate::progress::Screen;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(print::defect));
    // Whatever it was, it is over: code 1, as for any other failure.
    panic::catch_unwind(program).unwrap_or(ExitCode::from(exit::FAILED))
}

fn program() -> ExitCode {
    let Ok(cli) = Cli::try_parse() else {
        return refuse_arguments();
    };
    let screen = Screen::new(&cli.output);
    match start(&cli, &screen) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            print::failure(&failure, &cli.output);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Says what is wrong with the command line, or the help that was asked for, about words that cannot
/// steer the terminal.
fn refuse_arguments() -> ExitCode {
    let words = std::env::args_os().map(|word| on_one_line(&word.to_string_lossy()));
    let Err(error) = Cli::try_parse_from(words) else {
        let failure = Failure::usage(
            "an argument holds a character that no terminal shows",
            "write it again",
        );
        print::error(&failure, LogFormat::Text);
        return ExitCode::from(failure.exit_code());
    };
    // Without anybody who reads it there is the exit code.
    let _lost = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE))
}

fn start(cli: &Cli, screen: &Screen) -> Result<u8, Failure> {
    logging::start(&cli.output, screen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(&error.into()))?;
    let outcome = runtime.block_on(run(cli, screen));
    // What was given up meanwhile, and still waits for a disk or a name server, keeps nobody here.
    runtime.shutdown_background();
    outcome
}

async fn run(cli: &Cli, screen: &Screen) -> Result<u8, Failure> {
    let to = &cli.output;
    match &cli.verb {
        // Their state is large: it stays off the stack.
        Verb::Export(args) => Box::pin(export::export(args, to, screen)).await,
        Verb::Backfill(args) => Box::pin(export::backfill(args, to, screen)).await,
        Verb::Plan(args) => export::plan(args, to, screen).await,
        Verb::Demo(args) => demo::demo(args, to, screen).await,
        Verb::Simulate(args) => simulate::simulate(args, to).await,
        Verb::Doctor(args) => doctor::doctor(args, to, screen).await,
        Verb::Snapshot(args) => snapshot::snapshot(args, to),
        Verb::Status(args) => status::status(args, to),
        Verb::Verify(args) => verify::verify(args, to),
        Verb::Report(args) => report_verb::report(args, to),
        Verb::Acknowledge(args) => acknowledge::acknowledge(args, to),
        Verb::Schedule(args) => schedule::schedule(args, to),
        Verb::Init(args) => init::init(args, to, screen).await,
        Verb::Config(args) => show_config::config(args, to),
        Verb::Completions(args) => completions::completions(args),
        Verb::Man(args) => man::man(args, to),
        Verb::Forget(args) => forget::forget(args, to).await,
        Verb::Schema(args) => schema::schema(args, to),
        Verb::Connect(args) => connect::connect(args, to),
        Verb::Sql(args) => sql::sql(args, to),
    }
}
