//! `lcw connect`: a script with which `DuckDB` knows the dataset.

use std::fs::DirBuilder;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lcw_pipeline::{FileFormat, Readable};
use lcw_sql::{Files, Location, LocationError};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::args::{ConnectArgs, Output};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::{print, settings};

/// What was written, for programs. Keys are only ever added.
#[derive(Debug, Serialize)]
struct Connected<'a> {
    /// The script.
    script: &'a str,
    /// The folder that it reads.
    dataset: String,
    /// Whether that is a snapshot, whose files never change.
    is_snapshot: bool,
}

pub(crate) fn connect(args: &ConnectArgs, to: &Output) -> Result<u8, Failure> {
    let dataset = dataset(args)?;
    let text = lcw_sql::init(&location(&dataset)?);
    let path = script_path(&cache_folder()?, &dataset)?;
    let shown = path.to_str().ok_or_else(|| not_text(&path))?;
    write(&path, &text).map_err(|error| {
        Failure::usage(
            format!("{error:#}"),
            "name a folder that can be written to with XDG_CACHE_HOME, or write the script \
             yourself: (lcw sql views; lcw sql macros) > lcw.sql",
        )
    })?;
    if to.json {
        print::json(&Connected {
            script: shown,
            dataset: absolute(&dataset.folder)?.display().to_string(),
            is_snapshot: dataset.is_snapshot,
        })?;
    } else {
        print::text(shown)?;
    }
    Ok(0)
}

/// The dataset that is asked about. A folder that is named on the command line is meant as it is: the
/// snapshots of a pipeline file need not be of it.
pub(crate) fn dataset(args: &ConnectArgs) -> Result<Readable, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let out = settings::out(args.out.as_ref(), &file.load);
    let snapshots = file.load.snapshot.filter(|_| args.out.is_none());
    lcw_pipeline::readable(&out, snapshots.as_deref()).map_err(|error| Failure::from(&error))
}

/// Where its files are, as SQL can say it.
pub(crate) fn location(dataset: &Readable) -> Result<Location, Failure> {
    let folder = absolute(&dataset.folder)?;
    let text = folder.to_str().ok_or_else(|| not_text(&folder))?;
    let files = match dataset.format {
        FileFormat::Parquet => Files::Parquet,
        FileFormat::Ndjson(_) => Files::Ndjson,
    };
    let tables = dataset.tables.clone();
    Location::new(&with_slashes(text), files, &dataset.file_name, tables)
        .map(|location| location.filtered_by(dataset.filter.clone()))
        .map_err(|problem| unreadable(&folder, &problem))
}

/// From the root, and without a slash at its end: one folder has one name.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(path)
        .with_context(|| format!("cannot say where {} is", path.display()))
        .map_err(|error| Failure::failed(&error))?;
    Ok(absolute.components().collect())
}

/// On Windows a backslash is no part of a name.
fn with_slashes(path: &str) -> String {
    if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    }
}

fn unreadable(folder: &Path, problem: &LocationError) -> Failure {
    Failure::usage(
        format!(
            "DuckDB cannot be told to read {}: {problem}",
            folder.display()
        ),
        "make a link to it elsewhere (ln -s), and name the link with --out",
    )
}

fn not_text(path: &Path) -> Failure {
    Failure::usage(
        format!(
            "the path {} is not text in UTF-8, as SQL has to be",
            path.display()
        ),
        "make a link to it elsewhere (ln -s), and name the link",
    )
}

/// The user's folder for what can be made again.
fn cache_folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        let path = settings::env(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let of_the_system = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Caches"))
    } else {
        absolute("HOME").map(|home| home.join(".cache"))
    };
    let folder = absolute("XDG_CACHE_HOME").or(of_the_system);
    folder.map(|folder| folder.join("lcw")).ok_or_else(|| {
        Failure::usage(
            "there is no folder for the script: neither XDG_CACHE_HOME nor HOME is set",
            "set one of them, or write the script yourself: (lcw sql views; lcw sql macros) > lcw.sql",
        )
    })
}

/// The same name for the same dataset, whichever snapshot of it is the newest; without a sign that a
/// shell would take apart.
fn script_path(cache: &Path, dataset: &Readable) -> Result<PathBuf, Failure> {
    let found_in = absolute(&dataset.found_in)?;
    let digest = Sha256::digest(found_in.as_os_str().as_encoded_bytes());
    let name = digest[..8].iter();
    let name = name.fold(0_u64, |name, byte| (name << 8) | u64::from(*byte));
    Ok(cache.join(format!("connect-{name:016x}.sql")))
}

/// Replaces the script as a whole, for a `DuckDB` may be reading it; for this user's eyes only.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    private_folder(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let written = || format!("cannot write the script {}", path.display());
    let mut file = NamedTempFile::new_in(folder).with_context(written)?;
    file.write_all(text.as_bytes()).with_context(written)?;
    file.persist(path).with_context(written)?;
    Ok(())
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
