//! `lcw init`: asks what it has to know, and writes a commented pipeline file.

mod ask;
mod draft;

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use lcw_pipeline::Kind;

use crate::args::{ExportArgs, Output, SourceArgs, TargetArgs};
use crate::config::{PipelineFile, json_schema};
use crate::doctor::doctor;
use crate::failure::Failure;
use crate::print;
use crate::progress::Screen;
use crate::settings::Settings;
use crate::toml_text::word;
use ask::Asker;
use draft::Draft;

pub(crate) const HELP: &str = "\
Examples:
  lcw init                       asks, and writes lcw.toml
  lcw init --defaults            asks nothing: tenant and secret from AZURE_…
  lcw init /etc/lcw/daily.toml --defaults --client-secret-file client-secret
  lcw init --defaults --force --auth managed-identity --doctor

Beside the file goes pipeline.schema.json, by which editors complete and check
its keys.";

/// What editors know the keys by; it lies beside the pipeline file.
const SCHEMA: &str = "pipeline.schema.json";

#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// The pipeline file to write
    #[arg(value_name = "FILE", default_value = "lcw.toml")]
    file: PathBuf,
    /// Ask nothing: what no flag says has its default
    #[arg(long)]
    defaults: bool,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
    /// Run lcw doctor with the new file
    #[arg(long)]
    doctor: bool,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    target: TargetArgs,
}

/// Where the secret is that proves who signs in: never the secret itself.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct ProofArgs {
    /// File that holds the client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// PEM file with certificate and RSA key, or PFX file
    #[arg(long, value_name = "FILE")]
    certificate_path: Option<PathBuf>,
    /// File that holds the password of a PFX file
    #[arg(long, value_name = "FILE")]
    certificate_password_file: Option<PathBuf>,
    /// File with the token of another issuer that the application trusts
    #[arg(long, value_name = "FILE")]
    federated_token_file: Option<PathBuf>,
}

pub(crate) async fn init(args: &InitArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    refuse_contradictions(args, to)?;
    let mut draft = Draft::of_flags(&args.source, &args.proof, &args.target);
    let mut asker = (!args.defaults).then(Asker::new);
    if let Some(asker) = &mut asker {
        ask::everything(asker, &mut draft)?;
    }
    check(&draft.text(&args.file, None))?;
    let has_schema = write_schema(&args.file)?;
    let text = draft.text(&args.file, has_schema.then_some(SCHEMA));
    write(&args.file, &text, args.force)?;
    if to.json {
        print::json(&serde_json::json!({ "file": args.file, "settings": draft.settings() }))?;
    } else {
        print::text(&what_next(&args.file))?;
    }
    let wants_doctor = match &mut asker {
        Some(asker) if !args.doctor => asker.yes("Try it now with lcw doctor?")?,
        _ => args.doctor,
    };
    if !wants_doctor {
        return Ok(0);
    }
    let file = ExportArgs {
        pipeline: Some(args.file.clone()),
        ..ExportArgs::default()
    };
    doctor(&file, to, screen).await
}

/// What can be known to fail before anything is asked.
fn refuse_contradictions(args: &InitArgs, to: &Output) -> Result<(), Failure> {
    if args.doctor && to.json {
        return Err(Failure::usage(
            "--doctor and --json do not go together: there is one JSON object on stdout",
            format!("lcw doctor {} --json afterwards", word_of(&args.file)),
        ));
    }
    let has_people = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.defaults && (!has_people || to.json) {
        return Err(Failure::usage(
            "there is nobody to ask: this is no terminal",
            "add --defaults, and a flag for whatever differs from its default",
        ));
    }
    // Broken links are files, too: whatever is there, it is somebody's.
    if args.file.symlink_metadata().is_ok() && !args.force {
        return Err(Failure::usage(
            format!("{} is there already", args.file.display()),
            "choose another name, or replace it with --force",
        ));
    }
    Ok(())
}

/// What was put together has to be a pipeline file that an export takes.
fn check(text: &str) -> Result<(), Failure> {
    let file = PipelineFile::parse(text).map_err(|problem| anyhow::anyhow!(problem))?;
    Settings::unite(&ExportArgs::default(), &file, Kind::Export)?;
    Ok(())
}

fn write(path: &Path, text: &str, is_forced: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if is_forced {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(
        format!("cannot write {}: {error}", path.display()),
        "make the folder, or choose another one that this user may write to",
    )
}

/// Whether the schema lies beside the file now. A file of this name that is something else stays.
fn write_schema(pipeline: &Path) -> Result<bool, Failure> {
    let path = pipeline.with_file_name(SCHEMA);
    let schema = json_schema();
    if let Ok(text) = std::fs::read_to_string(&path) {
        let there: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if there["title"] != schema["title"] {
            return Ok(false);
        }
    } else if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let text = serde_json::to_string_pretty(&schema)
        .context("cannot write the schema")
        .map_err(|error| Failure::failed(&error))?;
    std::fs::write(&path, text + "\n").map_err(|error| unwritable(&path, &error))?;
    Ok(true)
}

fn word_of(path: &Path) -> String {
    word(&path.display().to_string())
}

fn what_next(file: &Path) -> String {
    let file = word_of(file);
    format!(
        "wrote {file}. Next:

  lcw doctor {file}          whether it would work
  lcw plan export {file}     what it would ask for and write
  lcw export {file}          the export; run it every few hours"
    )
}
