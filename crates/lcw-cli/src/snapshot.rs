//! `lcw snapshot`: a consistent copy for readers.

use lcw_pipeline::{SnapshotSummary, Snapshots};

use crate::args::{Output, SnapshotArgs};
use crate::config::Load;
use crate::failure::Failure;
use crate::lines::{counted, fitted};
use crate::{print, settings};

pub(crate) fn snapshot(args: &SnapshotArgs, to: &Output) -> Result<u8, Failure> {
    let out = settings::out(args.out.as_ref(), &Load::default());
    let snapshots = Snapshots {
        folder: args.into.clone(),
        keep: args.keep,
    };
    let made = lcw_pipeline::snapshot(&out, &snapshots).map_err(|error| Failure::from(&error))?;
    for warning in &made.warnings {
        tracing::warn!("{warning}");
    }
    if to.json {
        print::json(&made)?;
    } else {
        print::text(&fitted(&text(&made)))?;
    }
    Ok(0)
}

fn text(made: &SnapshotSummary) -> String {
    let is_known = if made.is_new { "" } else { ", as it was there" };
    let removed = match made.removed.join(", ") {
        names if names.is_empty() => names,
        names => format!("removed: {names}\n"),
    };
    format!(
        "{}: {}{is_known}\n{} leads to it\n{removed}",
        made.path,
        counted(made.files, "file"),
        made.current
    )
}
