//! The verbs that talk to Graph: export, backfill and plan.

use std::sync::Arc;

use jiff::Timestamp;
use lcw_extractor::GraphClient;
use lcw_pipeline::{Backfill, Kind, PipelineError, Progress, Stop, Summary};

use crate::args::{BackfillArgs, IncrementalArgs, Output, PlanArgs, PlanOf, WindowArgs};
use crate::failure::Failure;
use crate::lines::fitted;
use crate::progress::Screen;
use crate::settings::Settings;
use crate::telemetry::Teller;
use crate::{print, report, sign_in, signals};

pub(crate) async fn export(
    args: &IncrementalArgs,
    to: &Output,
    screen: &Screen,
) -> Result<u8, Failure> {
    run(incremental(args)?, to, screen).await
}

pub(crate) async fn backfill(
    args: &BackfillArgs,
    to: &Output,
    screen: &Screen,
) -> Result<u8, Failure> {
    run(of_window(args)?, to, screen).await
}

pub(crate) async fn plan(args: &PlanArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let settings = match &args.of {
        PlanOf::Export(args) => incremental(args)?,
        PlanOf::Backfill(args) => of_window(args)?,
    };
    let client = client(&settings, to, screen)?;
    let progress = Arc::new(Progress::default());
    let follower = screen.follow(&client, &progress);
    let plan = lcw_pipeline::plan(
        &settings.request,
        &client,
        settings.client.requests_per_second,
        &progress,
        stop()?,
    )
    .await;
    drop(follower);
    let plan = plan.map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&plan)?;
    } else {
        print::text(&fitted(&plan.to_string()))?;
    }
    Ok(plan.exit_code)
}

fn incremental(args: &IncrementalArgs) -> Result<Settings, Failure> {
    if let Some(flag) = args.misplaced.first() {
        return Err(Failure::usage(
            format!(
                "{flag} is for backfill: an export finds by itself how far back it has to read"
            ),
            "lcw backfill --from 2026-11-01 --to 2026-11-08 reads a window again; lcw export takes \
             no window",
        ));
    }
    Ok(Settings::read(&args.export, Kind::Export)?)
}

fn of_window(args: &BackfillArgs) -> Result<Settings, Failure> {
    Ok(Settings::read(&args.export, window(&args.window)?)?)
}

fn window(args: &WindowArgs) -> Result<Kind, Failure> {
    let now = Timestamp::now();
    let (from, to) = (args.from.at(now), args.to.at(now));
    if from > now {
        return Err(Failure::usage(
            format!("--from {} lies in the future", args.from.text),
            "runs of the future have no results; only --to may lie there",
        ));
    }
    if from >= to {
        return Err(Failure::usage(
            format!(
                "--from {} is not before --to {}",
                args.from.text, args.to.text
            ),
            "the window is half-open, [from, to): for one day write --from 2026-11-01 --to \
             2026-11-02",
        ));
    }
    let mut workflows = args.workflow.clone();
    workflows.sort();
    workflows.dedup();
    let wording = format!(
        "{}..{} {}",
        args.from.text,
        args.to.text,
        workflows.join(" ")
    );
    Ok(Kind::Backfill(Backfill {
        from,
        to,
        workflows,
        wording,
    }))
}

/// The client of the configured tenant, not yet signed in.
fn client(settings: &Settings, to: &Output, screen: &Screen) -> Result<GraphClient, Failure> {
    let show = sign_in::prompt(screen, to.log_format);
    let permissions = settings.request.least_permissions();
    let credential = settings.sign_in.credential(&permissions, show)?;
    GraphClient::new(settings.client.clone(), credential)
        .map_err(|error| Failure::from(&PipelineError::from(error)))
}

async fn run(settings: Settings, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let teller = Teller::start(&settings);
    let outcome = export_as(settings, to, screen).await;
    // Whoever waits for the summary does not wait for others to be told.
    let shown = outcome.as_ref().map_or(Ok(()), |summary| show(summary, to));
    teller.end(outcome.as_ref()).await;
    shown?;
    Ok(outcome?.exit_code)
}

async fn export_as(settings: Settings, to: &Output, screen: &Screen) -> Result<Summary, Failure> {
    let client = client(&settings, to, screen)?;
    follow(settings.request, client, screen).await
}

/// Exports while the progress line shows what happens.
pub(crate) async fn follow(
    request: lcw_pipeline::Request,
    client: GraphClient,
    screen: &Screen,
) -> Result<Summary, Failure> {
    let stop = stop()?;
    let progress = Arc::new(Progress::default());
    let _follower = screen.follow(&client, &progress);
    Ok(lcw_pipeline::export(request, client, progress, stop).await)
}

fn stop() -> Result<Stop, Failure> {
    signals::watch().map_err(|error| Failure::failed(&error.into()))
}

/// Prints the summary on stdout, and what stopped the export on stderr.
pub(crate) fn show(summary: &Summary, to: &Output) -> Result<(), Failure> {
    if to.json {
        print::json(summary)?;
    } else if summary.error.is_none() || summary.manifest.is_some() {
        print::text(&fitted(&report::text(summary)))?;
    }
    if let Some(error) = &summary.error {
        print::error(
            &Failure::new(summary.exit_code, error.clone()),
            to.log_format,
        );
    }
    Ok(())
}
