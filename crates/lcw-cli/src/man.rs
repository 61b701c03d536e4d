//! `lcw man`: a manual page for the program and for each verb.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use crate::args::{Cli, Output};
use crate::failure::Failure;
use crate::lines::counted;
use crate::print;

pub(crate) const HELP: &str = "\
Examples:
  lcw man man1                   writes man1/lcw.1, man1/lcw-export.1, …
  lcw man ~/.local/share/man/man1
  man lcw-backfill               once the folder is where man looks";

#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages; it is made where it is missing
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

pub(crate) fn man(args: &ManArgs, to: &Output) -> Result<u8, Failure> {
    let pages = write(args).map_err(|error| Failure::failed(&error))?;
    if to.json {
        print::json(&serde_json::json!({ "folder": args.folder, "pages": pages }))?;
    } else {
        let pages = counted(pages as u64, "page");
        print::text(&format!("{pages} in {}", args.folder.display()))?;
    }
    Ok(0)
}

/// One page for the program and one for each verb; gives their names.
fn write(args: &ManArgs) -> anyhow::Result<usize> {
    let folder = &args.folder;
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown}"))?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    write_page(&program, folder)
}

fn write_page(command: &clap::Command, folder: &std::path::Path) -> anyhow::Result<usize> {
    let page = clap_mangen::Man::new(command.clone()).manual("lcw");
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    verbs
        .map(|verb| write_page(verb, folder))
        .try_fold(1, |pages, more| Ok(pages + more?))
}
