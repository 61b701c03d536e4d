//! `lcw schedule print`: what a scheduler needs to start exports, ready to be installed.
//!
//! The texts are files in `templates`, with `@@names@@` for what differs. Whatever is put there has
//! passed [`options`], which lets nothing through that any of these languages could take for anything
//! but a part of a word.

mod args;
mod every;
mod options;
mod scheduler;
mod template;

use std::io;
use std::path::Path;

use serde::Serialize;

pub(crate) use args::{HELP, ScheduleArgs};
use args::{PrintArgs, ScheduleVerb};
use options::Options;
use scheduler::File;

use crate::args::Output;
use crate::choice::Choice as _;
use crate::failure::Failure;
use crate::print;

pub(crate) fn schedule(args: &ScheduleArgs, to: &Output) -> Result<u8, Failure> {
    let ScheduleVerb::Print(args) = &args.verb;
    let options = Options::check(args)?;
    let files = scheduler::files(&options);
    if let Some(folder) = &args.into {
        write(folder, &files)?;
    }
    if to.json {
        print::json(&Printed::new(args, &options, files))?;
    } else if let Some(folder) = &args.into {
        print::text(&written(folder, &files))?;
    } else {
        print::text(&text(&files))?;
    }
    Ok(0)
}

/// What is printed, for programs. Keys are only ever added.
#[derive(Serialize)]
struct Printed {
    scheduler: &'static str,
    name: String,
    cron: String,
    files: Vec<File>,
}

impl Printed {
    fn new(args: &PrintArgs, options: &Options, files: Vec<File>) -> Self {
        Self {
            scheduler: args.scheduler.name(),
            name: options.name.clone(),
            cron: options.every.cron(options.minute),
            files,
        }
    }
}

/// One file is printed as it is, so that it can be piped on; several with their names.
fn text(files: &[File]) -> String {
    if let [one] = files {
        return one.text.clone();
    }
    let parts = files.iter();
    let parts = parts.map(|file| format!("# ======== {}\n{}", file.path, file.text));
    parts.collect::<Vec<_>>().join("\n")
}

fn written(folder: &Path, files: &[File]) -> String {
    let line = |file: &File| {
        let here = folder.join(file.file_name());
        format!("{}: to be installed as {}\n", here.display(), file.path)
    };
    files.iter().map(line).collect()
}

fn write(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        let message = format!("cannot write {}", path.display());
        Failure::failed(&anyhow::Error::from(error).context(message))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for file in files {
        let path = folder.join(file.file_name());
        std::fs::write(&path, &file.text).map_err(|error| failed(&path, error))?;
        if file.is_executable {
            make_executable(&path).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
