//! The verbs that talk to Graph: export, backfill and plan.

use std::sync::Arc;

use jiff::Timestamp;
use lcw_extractor::GraphClient;
use lcw_pipeline::{Backfill, Kind, PipelineError, Progress, Summary};

use crate::args::{BackfillArgs, ExportArgs, Output, PlanArgs, PlanOf, WindowArgs};
use crate::failure::Failure;
use crate::progress::Screen;
use crate::settings::Settings;
use crate::{print, report, signals, when};

pub(crate) async fn export(args: &ExportArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    run(Settings::read(args, Kind::Export)?, to, screen).await
}

pub(crate) async fn backfill(
    args: &BackfillArgs,
    to: &Output,
    screen: &Screen,
) -> Result<u8, Failure> {
    run(
        Settings::read(&args.export, window(&args.window)?)?,
        to,
        screen,
    )
    .await
}

pub(crate) async fn plan(args: &PlanArgs, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let settings = match &args.of {
        PlanOf::Export(args) => Settings::read(args, Kind::Export)?,
        PlanOf::Backfill(args) => Settings::read(&args.export, window(&args.window)?)?,
    };
    let client = client(&settings)?;
    let progress = Arc::new(Progress::default());
    let follower = screen.follow(&client, &progress);
    let plan = lcw_pipeline::plan(
        &settings.request,
        &client,
        settings.client.requests_per_second,
        &progress,
        signals::watch(),
    )
    .await;
    drop(follower);
    let plan = plan.map_err(|error| Failure::from(&error))?;
    if to.json {
        print::json(&plan)?;
    } else {
        print::text(&plan.to_string())?;
    }
    Ok(plan.exit_code)
}

fn window(args: &WindowArgs) -> Result<Kind, Failure> {
    let now = Timestamp::now();
    let from = when::instant(&args.from, now)?;
    let to = when::instant(&args.to, now)?;
    if from > now {
        return Err(Failure::usage(format!(
            "--from {} lies in the future",
            args.from
        )));
    }
    if from >= to {
        return Err(Failure::usage(format!(
            "--from {} is not before --to {}: the window is empty",
            args.from, args.to
        )));
    }
    let mut workflows = args.workflow.clone();
    workflows.sort();
    workflows.dedup();
    let wording = format!("{}..{} {}", args.from, args.to, workflows.join(" "));
    Ok(Kind::Backfill(Backfill {
        from,
        to,
        workflows,
        wording,
    }))
}

/// The client of the configured tenant, not yet signed in.
fn client(settings: &Settings) -> Result<GraphClient, Failure> {
    let credential = settings.sign_in.credential()?;
    GraphClient::new(settings.client.clone(), credential)
        .map_err(|error| Failure::from(&PipelineError::from(error)))
}

async fn run(settings: Settings, to: &Output, screen: &Screen) -> Result<u8, Failure> {
    let client = client(&settings)?;
    let summary = follow(settings.request, client, screen).await;
    show(&summary, to)?;
    Ok(summary.exit_code)
}

/// Exports while the progress line shows what happens.
pub(crate) async fn follow(
    request: lcw_pipeline::Request,
    client: GraphClient,
    screen: &Screen,
) -> Summary {
    let progress = Arc::new(Progress::default());
    let _follower = screen.follow(&client, &progress);
    lcw_pipeline::export(request, client, progress, signals::watch()).await
}

/// Prints the summary on stdout, and what stopped the export on stderr.
pub(crate) fn show(summary: &Summary, to: &Output) -> Result<(), Failure> {
    if to.json {
        print::json(summary)?;
    } else if summary.error.is_none() || summary.manifest.is_some() {
        print::text(&report::text(summary))?;
    }
    if let Some(error) = &summary.error {
        print::error(&error.message, error.remedy.as_deref());
    }
    Ok(())
}
