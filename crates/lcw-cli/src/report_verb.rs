//! `lcw report`: answers from the dataset, offline.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lcw_pipeline::{ErrorSummary, exit};
use lcw_report::render::csv;
use lcw_report::{Population, Report, ReportError, ReportRequest, render};
use tracing::{info, warn};

use crate::args::{Output, ReportArgs};
use crate::config::PipelineFile;
use crate::failure::Failure;
use crate::{print, settings};

pub(crate) fn report(args: &ReportArgs, to: &Output) -> Result<u8, Failure> {
    let file = PipelineFile::read(args.pipeline.as_deref())?;
    let out = settings::out(args.out.as_ref(), &file.load);
    if let Some(html) = &args.html {
        refuse_dataset(html, &out)?;
    }
    let request = request(args, out)?;
    let report = lcw_report::report(&request).map_err(|error| Failure::from(&error))?;
    if let Some(path) = &args.html {
        write_html(path, &report)?;
    }
    if to.json {
        print::json(&report)?;
    } else if let Some(section) = args.csv {
        print::text(&csv::csv(&report, section))?;
    } else {
        print::text(&render::text(&report))?;
    }
    Ok(exit_code(&report))
}

fn request(args: &ReportArgs, out: PathBuf) -> Result<ReportRequest, Failure> {
    let now = Timestamp::now();
    let population = args.population.as_deref().map(population).transpose()?;
    Ok(ReportRequest {
        out,
        tenant: args.tenant_id.clone(),
        workflows: args.workflow.clone(),
        from: args.from.as_ref().map(|when| when.at(now)),
        to: args.to.as_ref().map(|when| when.at(now)),
        sla: args.sla,
        stale_after: args.stale_after,
        population,
        conditions: args.fail_on.clone(),
        now,
    })
}

fn population(path: &Path) -> Result<Population, Failure> {
    let name = path.display().to_string();
    let read = std::fs::read(path);
    let bytes = read.map_err(|error| {
        Failure::usage(
            format!("cannot read the population {name}: {error}"),
            "name a CSV file with --population",
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            format!("the population {name} is not UTF-8"),
            "save it as CSV in UTF-8",
        )
    })?;
    Population::read(&name, &text).map_err(|error| Failure::from(&error))
}

/// A report is no part of the dataset.
fn refuse_dataset(html: &Path, out: &Path) -> Result<(), Failure> {
    let folder = html.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
    let is_inside = folder
        .zip(out.canonicalize().ok())
        .is_some_and(|(folder, out)| folder.starts_with(out));
    if is_inside {
        return Err(Failure::usage(
            format!("{} is inside the dataset", html.display()),
            "write the report somewhere else: the dataset holds what exports write, and nothing else",
        ));
    }
    Ok(())
}

fn write_html(path: &Path, report: &Report) -> Result<(), Failure> {
    std::fs::write(path, render::html(report)).map_err(|error| {
        Failure::usage(
            format!("cannot write {}: {error}", path.display()),
            "name a file in a folder that this user may write to with --html",
        )
    })?;
    info!(file = %path.display(), "wrote the report as HTML");
    Ok(())
}

fn exit_code(report: &Report) -> u8 {
    let mut code = exit::DONE;
    for it in report.conditions.iter().filter(|it| it.is_met) {
        let condition = &it.condition;
        if let Some(value) = it.value {
            warn!(value, "the condition {condition} is met");
        } else {
            warn!("the condition {condition} counts as met: the dataset cannot say");
        }
        code = exit::CONDITION;
    }
    code
}

impl From<&ReportError> for Failure {
    fn from(error: &ReportError) -> Self {
        let said = ErrorSummary {
            message: error.to_string(),
            remedy: error.remedy(),
            code: None,
            request_id: None,
        };
        match error {
            ReportError::Pipeline(error) => Self::from(error),
            ReportError::Usage { .. } => Self::new(exit::USAGE, said),
            _ => Self::new(exit::FAILED, said),
        }
    }
}
