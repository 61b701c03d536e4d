//! The service's default window of seven days hides nothing, whichever filter lifts it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use lcw_extractor::{CollectionRequest, DecodeError, Decoded, GraphPath, PageDecoder};
use lcw_pipeline::Summary;
use lcw_simulator::{DateProperty, Simulator, TenantConfig, WindowRule};
use lcw_tests::{Office, data_files, quiet};
use lcw_transform::Table;
use serde_json::Value;

const DAYS: u32 = 12;
const OLDER: Duration = Duration::from_hours(7 * 24);

#[tokio::test]
async fn an_unfiltered_listing_would_have_missed_what_ours_has() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(3, DAYS)).await.unwrap();
        let truth = tenant.truth();
        let workflow = truth.workflows.iter().find(|workflow| !workflow.deleted);
        let workflow = &workflow.unwrap().id;
        let runs = GraphPath::workflow(workflow).runs();
        let shown = list(&office, &tenant, runs).await;
        let kept = tenant.run_ids(workflow);
        let missed: Vec<_> = kept.iter().filter(|run| !shown.contains(*run)).collect();
        assert_eq!((shown.len(), missed.len()), (8, 6));
        let results: Vec<_> = missed
            .iter()
            .flat_map(|run| truth.results_of(run))
            .collect();
        assert!(results.len() > 5);
        for run in &missed {
            let path = GraphPath::workflow(workflow).run(run);
            let shown = list(&office, &tenant, path.user_processing_results()).await;
            assert!(shown.is_empty(), "results of {run}");
        }

        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &truth);
        let stored = office.facts(&tenant, Table::Runs);
        let stored: BTreeSet<_> = stored.keys().map(|key| &key[1]).collect();
        assert!(missed.iter().all(|run| stored.contains(run)));
        assert_eq!(summary.ways.runs_asked_again, 0);
        assert_eq!(
            ways(&summary),
            [("scheduledDateTime", summary.runs.fetched)]
        );
    }
}

#[tokio::test]
async fn runs_are_whole_where_only_a_filter_on_their_start_lifts_the_window() {
    for mut office in Office::of_each_format() {
        let mut config = started(5);
        config.windows.runs = WindowRule::seven_days_unless(&[DateProperty::Started]);
        let (tenant, summary) = first_and_second(&mut office, config).await;
        let truth = tenant.truth();
        let older = tenant.now() - OLDER;
        let older = truth.runs.iter().filter(|run| {
            let scheduled = run.value["scheduledDateTime"].as_str().unwrap();
            scheduled.parse::<jiff::Timestamp>().unwrap() < older
        });
        assert_eq!(summary.ways.runs_found_again, older.count() as u64);
        assert_eq!(summary.ways.runs_asked_again, truth.workflows.len() as u64);
        assert_eq!(
            ways(&summary),
            [("scheduledDateTime", summary.runs.fetched)]
        );
    }
}

#[tokio::test]
async fn results_are_whole_where_only_a_filter_on_their_start_lifts_the_window() {
    for mut office in Office::of_each_format() {
        let mut config = started(6);
        config.windows.results = WindowRule::seven_days_unless(&[DateProperty::Started]);
        let (_, summary) = first_and_second(&mut office, config).await;
        assert_eq!(summary.ways.runs_asked_again, 0);
        let ways = ways(&summary);
        assert_eq!(
            (ways[0].0, ways[1].0),
            ("scheduledDateTime", "startedDateTime")
        );
        assert!(ways[0].1 > 0 && ways[1].1 > 0, "{ways:?}");
        assert_eq!(ways[0].1 + ways[1].1, summary.runs.fetched);
    }
}

#[tokio::test]
async fn one_way_is_enough_where_only_a_filter_on_the_schedule_lifts_the_window() {
    for mut office in Office::of_each_format() {
        let mut config = started(7);
        config.windows.runs = WindowRule::seven_days_unless(&[DateProperty::Scheduled]);
        config.windows.results = WindowRule::seven_days_unless(&[DateProperty::Scheduled]);
        let (_, summary) = first_and_second(&mut office, config).await;
        assert_eq!(summary.ways.runs_asked_again, 0);
        assert_eq!(
            ways(&summary),
            [("scheduledDateTime", summary.runs.fetched)]
        );
    }
}

#[tokio::test]
async fn both_are_whole_where_only_a_filter_on_the_start_lifts_the_window() {
    for mut office in Office::of_each_format() {
        let mut config = started(8);
        config.windows.runs = WindowRule::seven_days_unless(&[DateProperty::Started]);
        config.windows.results = WindowRule::seven_days_unless(&[DateProperty::Started]);
        let (_, summary) = first_and_second(&mut office, config).await;
        assert!(summary.ways.runs_found_again > 0);
        assert!(summary.ways.results["startedDateTime"] > 0);
    }
}

#[tokio::test]
async fn without_a_default_window_nothing_is_asked_twice() {
    for mut office in Office::of_each_format() {
        let mut config = started(9);
        for rule in [&mut config.windows.runs, &mut config.windows.results] {
            rule.default = None;
        }
        let (_, summary) = first_and_second(&mut office, config).await;
        assert_eq!(summary.ways.runs_asked_again, 0);
        assert_eq!(
            ways(&summary),
            [("scheduledDateTime", summary.runs.fetched)]
        );
    }
}

#[tokio::test]
async fn results_that_no_way_of_asking_brings_are_a_shortfall_and_not_silence() {
    for mut office in Office::of_each_format() {
        let mut config = started(6);
        config.windows.results = WindowRule::seven_days_unless(&[]);
        let tenant = Simulator::start(config).await.unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        let mut truth = tenant.truth();
        let since = tenant.now() - OLDER;
        truth.results.retain(|result| {
            let scheduled = result.value["scheduledDateTime"].as_str().unwrap();
            scheduled.parse::<jiff::Timestamp>().unwrap() >= since
        });
        office.assert_holds(&tenant, &truth);
        office.assert_markers(&tenant, &truth);
        let hidden: BTreeSet<_> = tenant
            .truth()
            .results
            .into_iter()
            .map(|r| r.run_id)
            .collect();
        let shown: BTreeSet<_> = truth.results.into_iter().map(|r| r.run_id).collect();
        assert_eq!(summary.proof.short, (hidden.len() - shown.len()) as u64);
        assert_eq!(summary.ways.results["unfiltered"], summary.proof.short);
    }
}

/// A quiet tenant in which every run and every result has started.
fn started(seed: u64) -> TenantConfig {
    let mut config = quiet(seed, DAYS);
    config.outcomes.canceled = 0.0;
    config
}

/// A first export is whole, and a second one has nothing to do.
async fn first_and_second(office: &mut Office, config: TenantConfig) -> (Simulator, Summary) {
    let tenant = Simulator::start(config).await.unwrap();
    let first = office.export(&tenant).await;
    assert_eq!(first.exit_code, 0, "{first:#?}");
    let truth = tenant.truth();
    office.assert_holds(&tenant, &truth);
    office.assert_markers(&tenant, &truth);
    assert_eq!(first.proof.matched, office.settled_runs(&tenant, &truth));
    let files = data_files(office.out());
    let second = office.export(&tenant).await;
    assert_eq!(
        (second.exit_code, second.runs.fetched),
        (0, 0),
        "{second:#?}"
    );
    assert_eq!(data_files(office.out()), files);
    (tenant, first)
}

fn ways(summary: &Summary) -> Vec<(&str, u64)> {
    let ways = summary.ways.results.iter();
    ways.map(|(way, runs)| (way.as_str(), *runs)).collect()
}

/// The ids in a collection, asked for without a filter.
async fn list(office: &Office, tenant: &Simulator, path: GraphPath) -> BTreeSet<String> {
    let client = office.sign_in(tenant);
    let mut ids = Ids;
    let request = CollectionRequest::new(path);
    let pages = client.pages(request, &mut ids).boxed_local();
    let pages: Vec<Vec<String>> = pages.try_collect().await.unwrap();
    pages.into_iter().flatten().collect()
}

struct Ids;

impl PageDecoder for Ids {
    type Output = Vec<String>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let page: Value = serde_json::from_str(body).map_err(DecodeError::damaged)?;
        let rows = page["value"].as_array().unwrap();
        let output: Vec<_> = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        Ok(Decoded {
            rows: output.len(),
            output,
            next_link: page["@odata.nextLink"].as_str().map(str::to_owned),
        })
    }
}
