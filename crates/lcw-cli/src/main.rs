//! The `lcw` program: flags, pipeline files, logging, progress, exit codes.

mod args;
mod config;
mod demo;
mod export;
mod failure;
mod logging;
mod print;
mod progress;
mod report;
mod schema;
mod settings;
mod sign_in;
mod signals;
mod simulate;
mod status;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Verb};
use crate::failure::Failure;
use crate::progress::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::new(&cli.output);
    logging::start(&cli.output, &screen);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(&error.into()))
        .and_then(|runtime| runtime.block_on(run(&cli, &screen)));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            print::error(&failure.message, failure.remedy.as_deref());
            ExitCode::from(failure.code)
        }
    }
}

async fn run(cli: &Cli, screen: &Screen) -> Result<u8, Failure> {
    let to = &cli.output;
    match &cli.verb {
        Verb::Export(args) => export::export(args, to, screen).await,
        Verb::Backfill(args) => export::backfill(args, to, screen).await,
        Verb::Plan(args) => export::plan(args, to, screen).await,
        Verb::Demo(args) => demo::demo(args, to, screen).await,
        Verb::Simulate(args) => simulate::simulate(args, to).await,
        Verb::Status(args) => status::status(args, to),
        Verb::Schema(args) => schema::schema(args, to),
    }
}
