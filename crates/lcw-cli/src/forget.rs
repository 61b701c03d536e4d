//! `lcw forget`: takes people out of the dataset.

use std::fmt::{self, Write};

use lcw_pipeline::{ForgetRequest, Forgetting, TenantForgetting};

use crate::args::{ForgetArgs, Output};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::lines::counted;
use crate::{print, pseudonyms, settings, signals};

pub(crate) async fn forget(args: &ForgetArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let snapshots = args.snapshots.iter().chain(existing(&file));
    let request = ForgetRequest {
        out: settings::out(args.out.as_ref(), &file.load),
        tenant: args.tenant_id.clone(),
        subjects: args.subject.clone(),
        pseudonyms: args.pseudonym.clone(),
        key: pseudonyms::key(&file.load)?,
        snapshots: snapshots.cloned().collect(),
        dry_run: args.dry_run,
    };
    let looks_at_snapshots = !request.snapshots.is_empty();
    let stop = signals::watch().map_err(|error| Failure::failed(&error.into()))?;
    let done = lcw_pipeline::forget(request, stop).await;
    let done = done.map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&done)?;
    } else {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _infallible = write(&mut text, &done, looks_at_snapshots);
        print::text(&text)?;
    }
    Ok(0)
}

/// The folder of snapshots that the pipeline file names, once there is one.
fn existing(file: &PipelineFile) -> Option<&std::path::PathBuf> {
    let folder = file.load.snapshot.as_ref();
    folder.filter(|folder| folder.is_dir())
}

fn write(to: &mut String, done: &Forgetting, looked_at_snapshots: bool) -> fmt::Result {
    let people = match done.subjects {
        1 => "1 subject".to_owned(),
        count => format!("{count} subjects"),
    };
    match (done.found, done.dry_run) {
        (true, true) => writeln!(to, "would forget {people} in {}:", done.out)?,
        (true, false) => writeln!(to, "forgot {people} in {}:", done.out)?,
        (false, _) => writeln!(
            to,
            "nothing about {people} is in {}; nothing was changed",
            done.out
        )?,
    }
    for tenant in &done.tenants {
        write_tenant(to, tenant)?;
    }
    for snapshot in &done.snapshots {
        writeln!(to, "  a snapshot still holds them: {snapshot}")?;
    }
    if !done.snapshots.is_empty() {
        writeln!(
            to,
            "  remove those snapshots, or take newer ones until they are gone"
        )?;
    } else if !looked_at_snapshots {
        writeln!(
            to,
            "  snapshots were not looked for: name their folder with --snapshots"
        )?;
    }
    if done.has_damaged_files {
        writeln!(
            to,
            "  _damaged holds files that are not read and may hold them: remove it"
        )?;
    }
    Ok(())
}

fn write_tenant(to: &mut String, tenant: &TenantForgetting) -> fmt::Result {
    for file in &tenant.files {
        let day = file.run_date.as_deref().unwrap_or("without days");
        write!(to, "  {} {day}: ", file.table)?;
        let removed = counted(file.rows_removed, "row");
        match (file.rows_removed, file.rows_changed) {
            (0, changed) => writeln!(to, "{} without the id", counted(changed, "row"))?,
            (_, 0) => writeln!(to, "{removed} removed")?,
            (_, changed) => writeln!(
                to,
                "{removed} removed, {} without the id",
                counted(changed, "row")
            )?,
        }
    }
    for lines in &tenant.quarantined {
        let count = counted(lines.lines, "line");
        writeln!(to, "  {}: {count} emptied", lines.file)?;
    }
    if let Some(manifest) = &tenant.manifest {
        writeln!(to, "  manifest {}", manifest.sha256)?;
    }
    Ok(())
}
