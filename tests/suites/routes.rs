//! Two routes to user processing results, run by run and workflow by workflow: the tables are the
//! same whichever is taken, and the second is taken where it needs fewer requests.

use std::collections::BTreeMap;
use std::time::Duration;

use lcw_pipeline::{FileFormat, ForgetRequest, Route, Summary};
use lcw_simulator::{
    Category, Endpoint, Fault, FaultRule, IdStyle, RunPlan, Simulator, TenantConfig, When,
    WorkflowConfig,
};
use lcw_tests::{Office, quiet};
use lcw_transform::{PseudonymKey, Table};
use serde_json::Value;
use tokio::sync::watch;

const HOUR: Duration = Duration::from_hours(1);

const FROM: &str = "2026-10-20T00:00:00Z";
const TO: &str = "2026-12-01T00:00:00Z";

const ROUTES: [Route; 3] = [Route::Auto, Route::Run, Route::Workflow];

const IDS: [IdStyle; 3] = [IdStyle::Composite, IdStyle::Guid, IdStyle::Mixed];

/// Two workflows with a run of three users every six hours, for ten days.
fn small_runs(ids: IdStyle) -> TenantConfig {
    let mut config = TenantConfig::empty(11);
    config.ids = ids;
    config.workflows = vec![
        WorkflowConfig::new(Category::Leaver, "Offboard"),
        WorkflowConfig::new(Category::Joiner, "Onboard"),
    ];
    for nth in 1..=40 {
        let at = config.now - HOUR * (6 * nth);
        config.runs.push((0, RunPlan::new(at, 3)));
        config.runs.push((1, RunPlan::new(at - HOUR, 2)));
    }
    config
}

fn office(format: FileFormat, route: Route) -> Office {
    let mut office = Office::new(format);
    office.request.route = route;
    office
}

/// How many requests for results an export sent: by workflow and by run.
fn requests(tenant: &Simulator) -> (u64, u64) {
    (
        tenant.count(Endpoint::WorkflowResults),
        tenant.count(Endpoint::RunResults),
    )
}

async fn export(config: TenantConfig, route: Route) -> (Simulator, Summary) {
    let mut office = office(FileFormat::Parquet, route);
    let tenant = Simulator::start(config).await.unwrap();
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    office.assert_holds(&tenant, &tenant.truth());
    office.assert_markers(&tenant, &tenant.truth());
    (tenant, summary)
}

#[tokio::test]
async fn small_runs_are_read_together() {
    let (tenant, summary) = export(small_runs(IdStyle::Composite), Route::Auto).await;
    assert_eq!(requests(&tenant), (3, 0), "120 and 80 rows on pages of 100");
    assert_eq!(summary.ways.results["workflow"], 80);
    let (tenant, summary) = export(small_runs(IdStyle::Composite), Route::Run).await;
    assert_eq!(requests(&tenant), (0, 80));
    assert_eq!(summary.ways.results["scheduledDateTime"], 80);
}

#[tokio::test]
async fn ids_that_name_no_runs_cost_one_request() {
    let mut office = office(FileFormat::Parquet, Route::Auto);
    office.request.max_concurrency = 1;
    let tenant = Simulator::start(small_runs(IdStyle::Guid)).await.unwrap();
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert_eq!(requests(&tenant), (1, 80));
    office.assert_holds(&tenant, &tenant.truth());
}

#[tokio::test]
async fn a_large_run_is_read_alone() {
    let mut config = small_runs(IdStyle::Composite);
    config.runs.truncate(2);
    let (tenant, _) = export(config.clone(), Route::Auto).await;
    assert_eq!(requests(&tenant), (0, 2), "nothing is saved");
    let at = config.now - HOUR * 8;
    config.runs = [10, 20, 1_000]
        .map(|users| (0, RunPlan::new(at, users)))
        .into();
    let (tenant, _) = export(config, Route::Auto).await;
    assert_eq!(
        requests(&tenant),
        (0, 12),
        "the window would bring the large run, too"
    );
}

#[tokio::test]
async fn what_a_run_lacks_is_asked_for_by_run() {
    let config = small_runs(IdStyle::Composite);
    let mut office = office(FileFormat::Parquet, Route::Auto);
    let tenant = Simulator::start(config).await.unwrap();
    tenant.inject(FaultRule::new(Fault::ConnectionReset).on(Endpoint::WorkflowResults));
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert_eq!(tenant.count(Endpoint::RunResults), 80);
    office.assert_holds(&tenant, &tenant.truth());
}

#[tokio::test]
async fn the_tables_are_the_same_by_each_route_and_with_ids_of_each_form() {
    for ids in IDS {
        for route in ROUTES {
            let mut office = office(FileFormat::Parquet, route);
            office.request.keep_raw = true;
            let mut config = quiet(5, 10);
            config.ids = ids;
            let tenant = Simulator::start(config).await.unwrap();
            for hours in [0, 30] {
                tenant.advance(HOUR * hours);
                let summary = office.export(&tenant).await;
                assert_eq!(summary.exit_code, 0, "{ids:?} {route:?}: {summary:#?}");
                office.assert_holds(&tenant, &tenant.truth());
                office.assert_markers(&tenant, &tenant.truth());
            }
        }
    }
}

#[tokio::test]
async fn rows_that_the_second_route_holds_back_are_read_by_run() {
    for fault in [Fault::DroppedPage, Fault::CutCollection] {
        let mut office = office(FileFormat::Parquet, Route::Workflow);
        let mut config = small_runs(IdStyle::Composite);
        config.paging.page_size = 10..=10;
        let tenant = Simulator::start(config).await.unwrap();
        let rule = FaultRule::new(fault).on(Endpoint::WorkflowResults);
        tenant.inject(rule.when(When::EveryNth(3)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let (together, alone) = requests(&tenant);
        assert!(together > 0 && alone > 0, "{together} {alone}");
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn people_have_pseudonyms_by_each_route() {
    let tenant = Simulator::start(small_runs(IdStyle::Composite))
        .await
        .unwrap();
    let [alone, together] = [Route::Run, Route::Workflow].map(|route| {
        let mut office = office(FileFormat::Parquet, route);
        office.request.pseudonyms = Some(PseudonymKey::new(&[7; 32]).unwrap());
        office
    });
    let mut people = Vec::new();
    for mut office in [alone, together] {
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let rows = office.facts(&tenant, Table::UserProcessingResults);
        let of_row = |row: &BTreeMap<String, Value>| (row["id"].clone(), row["subject_id"].clone());
        people.push(rows.values().map(of_row).collect::<Vec<_>>());
    }
    assert_eq!(people[0], people[1]);
    assert_eq!(people[0].len(), 200);
    let plain = tenant.truth().results[0].value["subject"]["id"].clone();
    assert!(people[0].iter().all(|(_, subject)| *subject != plain));
}

#[tokio::test]
async fn whoever_is_forgotten_comes_back_by_no_route() {
    for route in [Route::Run, Route::Workflow] {
        let mut office = office(FileFormat::Parquet, route);
        let tenant = Simulator::start(small_runs(IdStyle::Composite))
            .await
            .unwrap();
        office.export(&tenant).await;
        let truth = tenant.truth();
        let forgotten = truth.results[0].value["subject"]["id"].as_str().unwrap();
        let (_, stop) = watch::channel(None);
        let request = ForgetRequest {
            out: office.out().to_owned(),
            tenant: None,
            subjects: vec![forgotten.to_owned()],
            pseudonyms: Vec::new(),
            key: None,
            snapshots: Vec::new(),
            dry_run: false,
        };
        assert!(lcw_pipeline::forget(request, stop).await.unwrap().found);
        let others = office.facts(&tenant, Table::UserProcessingResults);
        assert!(others.len() < 200, "{}", others.len());
        // Every run is read again, and the service still has what was forgotten.
        let summary = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let way = match route {
            Route::Workflow => "workflow",
            _ => "scheduledDateTime",
        };
        assert_eq!(summary.ways.results[way], 80, "{summary:#?}");
        let after = office.facts(&tenant, Table::UserProcessingResults);
        assert!(after.keys().eq(others.keys()), "{route:?}");
    }
}
