//! What the service's own counts have shown to be missing stays known until a count of as much, made
//! again, says otherwise; and where nothing counts the rows, every way of asking is tried.

use std::sync::Arc;
use std::time::Duration;

use lcw_pipeline::Summary;
use lcw_simulator::{
    DateProperty, Endpoint, Fault, FaultRule, RunPlan, Simulator, TenantConfig, WindowRule,
};
use lcw_tests::{Asked, Office, expected, single};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

/// One workflow with a run on each of these days ago, of which a listing shows one a page.
async fn tenant(
    seed: u64,
    days: &[u32],
    change: impl FnOnce(&mut TenantConfig),
) -> (Simulator, String) {
    let mut config = single(seed);
    config.paging.page_size = 1..=1;
    change(&mut config);
    let tenant = Simulator::start(config).await.unwrap();
    let workflow = tenant.workflow_ids()[0].clone();
    for days in days {
        tenant.add_run(&workflow, &RunPlan::new(tenant.now() - *days * DAY, 3));
    }
    (tenant, workflow)
}

/// Every request of this kind but the first is answered with this status.
fn broken_after_the_first(tenant: Simulator, endpoint: Endpoint, status: u16) -> Arc<Simulator> {
    let tenant = Arc::new(tenant);
    let weak = Arc::downgrade(&tenant);
    tenant.before(endpoint, 2, move || {
        let rule = FaultRule::new(Fault::status(status)).on(endpoint);
        weak.upgrade().unwrap().inject(rule);
    });
    tenant
}

fn missing(summary: &Summary) -> Vec<(&str, i64, u64)> {
    let short = summary.proof.short_runs.iter();
    short
        .map(|short| (short.table, short.counted, short.fetched))
        .collect()
}

async fn assert_heals(office: &mut Office, tenant: &Simulator) {
    tenant.clear_faults();
    let summary = office.export(tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    office.assert_holds(tenant, &tenant.truth());
}

#[tokio::test]
async fn a_count_that_is_not_to_be_had_takes_no_other_along() {
    for fault in [Fault::Forbidden, Fault::status(500)] {
        for mut office in Office::of_each_format() {
            let (tenant, _) = tenant(1, &[20, 15, 10, 2], |_| {}).await;
            tenant.inject(FaultRule::new(fault.clone()).on(Endpoint::ResultSummary));
            tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
            let summary = office.export(&tenant).await;
            let failed = fault != Fault::Forbidden;
            assert_eq!(
                summary.exit_code,
                if failed { 4 } else { 5 },
                "{summary:#?}"
            );
            assert_eq!(missing(&summary), [("runs", 4, 2)]);
            let told = summary.not_covered.iter();
            let told: Vec<_> = told.filter(|it| it.what.contains("own counts")).collect();
            assert_eq!(told.len(), 1, "{summary:#?}");
            assert_eq!(told[0].is_partial, failed);
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn a_count_that_failed_is_made_up_for_by_the_next_export() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(2, &[20, 15, 2], |_| {}).await;
        tenant.inject(FaultRule::new(Fault::status(500)).on(Endpoint::RunSummary));
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        tenant.clear_faults();
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "nothing is new: {summary:#?}");
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn a_shortfall_is_told_although_the_listing_cannot_be_made_again() {
    for status in [400, 403, 500] {
        for mut office in Office::of_each_format() {
            let (tenant, _) = tenant(3, &[20, 2], |_| {}).await;
            let cut = FaultRule::new(Fault::CutCollection).on(Endpoint::Runs);
            tenant.inject(cut.times(1));
            let tenant = broken_after_the_first(tenant, Endpoint::Runs, status);
            let summary = office.export(&tenant).await;
            let code = if status == 500 { 4 } else { 5 };
            assert_eq!(summary.exit_code, code, "{status}: {summary:#?}");
            assert!(missing(&summary).contains(&("runs", 2, 1)));
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn a_backfill_of_a_few_days_that_matches_leaves_the_doubt_about_the_others() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(4, &[20, 15, 10, 2], |_| {}).await;
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert!(missing(&summary).contains(&("runs", 4, 2)));
        tenant.clear_faults();
        let day = |days: u32| (tenant.now() - days * DAY).to_string();
        let summary = office.backfill(&tenant, &day(4), &day(1)).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.proof.workflows[0].verdict, "matched");
        let told = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(told.tenants[0].short_runs[0].table, "runs");
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn a_short_lookback_reaches_as_far_back_as_the_doubt() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 3 * DAY;
        let (tenant, _) = tenant(5, &[20, 15, 10, 2], |_| {}).await;
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        for _ in 0..2 {
            let summary = office.export(&tenant).await;
            assert!(missing(&summary).contains(&("runs", 4, 2)));
        }
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn rows_of_a_short_run_are_kept_when_it_cannot_be_asked_for_in_another_way() {
    for status in [400, 403, 404, 500] {
        for mut office in Office::of_each_format() {
            let (tenant, _) = tenant(6, &[2], |_| {}).await;
            let cut = FaultRule::new(Fault::CutCollection).on(Endpoint::RunResults);
            tenant.inject(cut.times(1));
            let tenant = broken_after_the_first(tenant, Endpoint::RunResults, status);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 5, "{status}: {summary:#?}");
            assert!(missing(&summary).contains(&("user_processing_results", 3, 1)));
            let stored = office.facts(&tenant, Table::UserProcessingResults);
            assert_eq!(stored.len(), 1);
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn filtered_rows_are_whole_whichever_filter_lifts_the_window() {
    for lifted_by in [DateProperty::Scheduled, DateProperty::Started] {
        for mut office in Office::of_each_format() {
            let (tenant, _) = tenant(7, &[20, 2], |config| {
                config.windows.results = WindowRule::seven_days_unless(&[lifted_by]);
            })
            .await;
            let asked = Asked {
                filter: Some("processingStatus ne 'queued'"),
                ..Asked::default()
            };
            office.request.query = asked.query();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let table = Table::UserProcessingResults;
            let stored = office.facts(&tenant, table);
            assert!(stored.keys().eq(expected(&tenant.truth(), table).keys()));
        }
    }
}

#[tokio::test]
async fn a_resumed_backfill_reads_workflows_that_could_not_be_listed_before() {
    for mut office in Office::of_each_format() {
        let mut config = lcw_tests::quiet(8, 6);
        config.deleted_people = 0.0;
        let tenant = Simulator::start(config).await.unwrap();
        let ids = tenant.workflow_ids();
        let unlisted = FaultRule::new(Fault::status(500)).on(Endpoint::Runs);
        tenant.inject(unlisted.path_contains(ids[0].clone()));
        let last = tenant.run_ids(&ids[1]).pop().unwrap();
        let broken = FaultRule::new(Fault::status(400)).on(Endpoint::RunResults);
        tenant.inject(broken.path_contains(last));
        let day = |days: u32| (tenant.now() - days * DAY).to_string();
        let (from, to) = (day(8), day(0));
        let cut = office.backfill(&tenant, &from, &to).await;
        assert_eq!(cut.exit_code, 1, "{cut:#?}");
        tenant.clear_faults();
        let summary = office.backfill(&tenant, &from, &to).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.runs.skipped_committed > 0);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_workflow_that_the_list_leaves_out_is_asked_for_by_its_id() {
    for mut office in Office::of_each_format() {
        let mut config = lcw_tests::brief(9, 3);
        config.paging.page_size = 1..=1;
        let tenant = Simulator::start(config).await.unwrap();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        let mut archive = lcw_tests::Archive::of(&tenant.truth());
        tenant.advance(DAY);
        tenant.inject(FaultRule::new(Fault::DroppedPage).on(Endpoint::Workflows));
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(tenant.count(Endpoint::Workflow) > 0);
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
    }
}

#[tokio::test]
async fn rows_of_an_old_run_that_never_settles_are_asked_for_in_every_way() {
    for mut office in Office::of_each_format() {
        let (tenant, workflow) = tenant(10, &[], |config| {
            config.windows.results = WindowRule::seven_days_unless(&[DateProperty::Started]);
        })
        .await;
        let plan = RunPlan::new(tenant.now() - 9 * DAY, 4).never_ending();
        tenant.add_run(&workflow, &plan);
        let table = Table::UserProcessingResults;
        let shown = expected(&tenant.truth(), table).into_iter();
        let shown = shown.filter(|(_, row)| !row["started_date_time"].is_null());
        let shown: Vec<_> = shown.map(|(key, _)| key).collect();
        assert!(!shown.is_empty());
        // When the service forgets it, nobody can ask any more.
        for days in [0, 22] {
            tenant.advance(days * DAY);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let stored = office.facts(&tenant, table);
            assert!(stored.keys().eq(&shown), "{stored:#?}");
        }
        let runs = office.facts(&tenant, Table::Runs);
        assert!(runs.values().all(|run| run["_lcw_proof"] == "expired"));
    }
}
