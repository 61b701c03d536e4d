//! `lcw acknowledge`: what is known to be missing stays on record, and silent.

use std::fmt::Write;

use lcw_pipeline::{AcknowledgeRequest, Acknowledged, Acknowledgement};

use crate::args::{AcknowledgeArgs, Output};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::lines::fitted;
use crate::{print, settings};

pub(crate) fn acknowledge(args: &AcknowledgeArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    if args.reason.trim().is_empty() {
        return Err(Failure::usage(
            "--reason is empty",
            "say why it is all right that this is missing: auditors read it later",
        ));
    }
    let request = AcknowledgeRequest {
        out: settings::out(args.out.as_ref(), &file.load),
        tenant: args.tenant_id.clone(),
        runs: args.run.clone(),
        days: args.day.clone(),
        workflows: args.workflow.clone(),
        manifests: args.manifest.clone(),
        reason: args.reason.trim().to_owned(),
    };
    let done = lcw_pipeline::acknowledge(&request).map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&done)?;
    } else {
        print::text(&fitted(&text(&done)))?;
    }
    Ok(0)
}

fn text(done: &Acknowledgement) -> String {
    let mut text = format!("acknowledged in tenant {}:\n", done.tenant_id);
    for entry in &done.acknowledged {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "  {}", words(entry));
    }
    text
}

/// What is missing, and why that is all right.
pub(crate) fn words(entry: &Acknowledged) -> String {
    let what = if !entry.day.is_empty() {
        format!("lost day {}", entry.day)
    } else if !entry.manifest.is_empty() {
        format!("manifest {}", entry.manifest)
    } else if entry.run_id.is_empty() {
        format!(
            "{} rows of {} of workflow {}",
            entry.missing, entry.table, entry.workflow_id
        )
    } else {
        format!(
            "{} rows of {} of run {}",
            entry.missing, entry.table, entry.run_id
        )
    };
    format!("{what}: {} ({})", entry.reason, entry.at)
}
