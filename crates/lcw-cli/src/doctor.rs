//! `lcw doctor`: whether an export would work now, and what to do where it would not.

use std::fmt::{self, Write};
use std::time::Duration;

use lcw_extractor::{Cloud, GraphClient};
use lcw_pipeline::{Check, Diagnosis, Kind, PipelineError, Verdict};

use crate::args::{ExportArgs, Output};
use crate::choice::Auth;
use crate::failure::Failure;
use crate::lines::{COLUMNS, counted, wrapped};
use crate::progress::Screen;
use crate::settings::Settings;
use crate::{print, sign_in};

/// A person waits for the answer: what does not work within this does not work now.
const PATIENCE: Duration = Duration::from_mins(2);
const ATTEMPTS: u32 = 3;

/// What nobody but the service itself can tell.
const CHINA: &str = "china: Microsoft's older pages say that Lifecycle Workflows cannot be read there, \
    those of 2026 say that they can; the tables below show which is true";

/// Whoever has to type a code elsewhere first gets the time that the code is good for.
const SIGN_IN_PATIENCE: Duration = Duration::from_mins(17);

pub(crate) async fn doctor(args: &ExportArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let settings = Settings::read(args, Kind::Export)?;
    let client = client(&settings, to, screen);
    let client = client.as_ref().map_err(no_credentials);
    let mut diagnosis = lcw_pipeline::doctor(&settings.request, client).await;
    if settings.client.graph_url == Cloud::China.graph_url() {
        diagnosis.checks.insert(0, Check::pass("cloud", CHINA));
    }
    if to.json {
        print::json(&diagnosis)?;
    } else {
        print::verdicts(&text(&diagnosis))?;
    }
    Ok(diagnosis.exit_code)
}

fn client(settings: &Settings, to: &Output, screen: &Screen) -> Result<GraphClient, Failure> {
    let mut config = settings.client.clone();
    config.max_attempts = config.max_attempts.min(ATTEMPTS);
    let patience = match settings.sign_in.auth {
        Auth::DeviceCode => SIGN_IN_PATIENCE,
        _ => PATIENCE,
    };
    config.deadline = Some(config.deadline.unwrap_or(patience).min(patience));
    let show = sign_in::prompt(screen, to.log_format);
    let permissions = settings.request.least_permissions();
    let credential = settings.sign_in.credential(&permissions, show)?;
    GraphClient::new(config, credential).map_err(|error| Failure::from(&PipelineError::from(error)))
}

/// There is nobody to sign in as, or nowhere to.
fn no_credentials(failure: &Failure) -> Check {
    let remedy = failure.remedy().map(str::to_owned);
    Check::fail("token", failure.exit_code(), failure.message(), remedy)
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_checks(&mut text, diagnosis);
    text
}

fn write_checks(to: &mut String, diagnosis: &Diagnosis) -> fmt::Result {
    let names = diagnosis.checks.iter().map(|check| check.name.len());
    let width = names.max().unwrap_or_default();
    for check in &diagnosis.checks {
        write_check(to, check, width)?;
    }
    let count = |verdict| {
        let checks = diagnosis.checks.iter();
        checks.filter(|check| check.status == verdict).count() as u64
    };
    writeln!(
        to,
        "{}: {} failed, {}",
        counted(diagnosis.checks.len() as u64, "check"),
        count(Verdict::Fail),
        counted(count(Verdict::Warn), "warning"),
    )
}

/// One line where it fits, else the check on a line of its own and what was found below it.
fn write_check(to: &mut String, check: &Check, width: usize) -> fmt::Result {
    let verdict = match check.status {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let line = format!("{verdict}  {:<width$}  {}", check.name, check.message);
    if line.chars().count() <= COLUMNS {
        writeln!(to, "{line}")?;
    } else {
        writeln!(to, "{verdict}  {}", check.name)?;
        write_wrapped(to, INDENT, &check.message)?;
    }
    match &check.remedy {
        Some(remedy) => write_wrapped(to, INDENT, &format!("what to do: {remedy}")),
        None => Ok(()),
    }
}

const INDENT: &str = "      ";

fn write_wrapped(to: &mut String, indent: &str, text: &str) -> fmt::Result {
    for line in wrapped(text, indent, COLUMNS) {
        writeln!(to, "{line}")?;
    }
    Ok(())
}
