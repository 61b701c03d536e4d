//! The `lcw` program: flags, pipeline files, logging, progress, exit codes.

mod acknowledge;
mod args;
mod choice;
mod config;
mod demo;
mod doctor;
mod export;
mod failure;
mod lines;
mod logging;
mod missing;
mod print;
mod progress;
mod quantity;
mod report;
mod schema;
mod settings;
mod sign_in;
mod signals;
mod simulate;
mod snapshot;
mod status;
mod verify;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Verb};
use crate::failure::Failure;
use crate::progress::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::new(&cli.output);
    match start(&cli, &screen) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            print::failure(&failure, &cli.output);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(cli: &Cli, screen: &Screen) -> Result<u8, Failure> {
    logging::start(&cli.output, screen)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(&error.into()))?
        .block_on(run(cli, screen))
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
        Verb::Acknowledge(args) => acknowledge::acknowledge(args, to),
        Verb::Schema(args) => schema::schema(args, to),
    }
}
