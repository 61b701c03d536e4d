//! Next links that lead nowhere, elsewhere or in circles, and pages that are not as they should be.

use lcw_pipeline::Summary;
use lcw_simulator::{Endpoint, Fault, FaultRule, Pages, Simulator, TenantConfig, TrueRun, When};
use lcw_tests::{Eavesdropper, Office, compact, contents};

/// A tenant whose listings of runs and results all have several pages.
fn paged(seed: u64) -> TenantConfig {
    let mut config = compact(seed);
    config.paging.page_size = 1..=2;
    config
}

/// The ids of runs with several pages of results, as they stand in paths.
fn long_runs(tenant: &Simulator) -> Vec<String> {
    let truth = tenant.truth();
    let several = |run: &&TrueRun| truth.results_of(&run.id).count() > 3;
    let runs = truth.runs.iter().filter(several);
    runs.map(|run| run.id.clone()).collect()
}

/// One run cannot be read to its end: the export says so and goes on, and the next one completes.
async fn leaves_one_run_out(fault: Fault, reason: &str, change: impl Fn(&mut Office)) {
    leaves_one_run_out_on(Pages::Any, fault, reason, change).await;
}

async fn leaves_one_run_out_on(
    pages: Pages,
    fault: Fault,
    reason: &str,
    change: impl Fn(&mut Office),
) {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(31)).await.unwrap();
        let run = long_runs(&tenant).swap_remove(0);
        let rule = FaultRule::new(fault.clone()).on(Endpoint::RunResults);
        tenant.inject(rule.path_contains(&run).pages(pages));
        let usual = office.client.clone();
        change(&mut office);
        let summary = office.export(&tenant).await;
        assert!(
            (1..200).contains(&tenant.fired()[0]),
            "{:?}",
            tenant.fired()
        );
        assert_leaves_out(&summary, &run, reason);
        office.assert_nothing_false(&tenant, &tenant.truth());
        office.client = usual;
        office.assert_completes(&tenant).await;
    }
}

fn assert_leaves_out(summary: &Summary, run: &str, reason: &str) {
    assert_eq!(summary.exit_code, 4, "{summary:#?}");
    let [left_out] = &*summary.not_covered else {
        panic!("{:#?}", summary.not_covered);
    };
    assert!(left_out.what.contains(run), "{left_out:?}");
    assert!(left_out.reason.contains(reason), "{left_out:?}");
    assert!(left_out.is_partial && left_out.remedy.is_some());
}

#[tokio::test]
async fn a_next_link_that_leads_to_its_own_page_ends_that_collection_with_an_error() {
    let fault = Fault::NextLinkLoop { period: 1 };
    leaves_one_run_out(fault, "next link for the second time", |_| {}).await;
}

#[tokio::test]
async fn a_next_link_that_leads_to_the_page_before_ends_that_collection_with_an_error() {
    // The first page is left as it is: there is none before it.
    let fault = Fault::NextLinkLoop { period: 2 };
    leaves_one_run_out_on(
        Pages::Further,
        fault,
        "next link for the second time",
        |_| {},
    )
    .await;
}

#[tokio::test]
async fn pages_without_end_end_at_the_limit() {
    leaves_one_run_out(Fault::EndlessPages, "more than 40 pages", |office| {
        office.client.page_limit = 40;
    })
    .await;
}

#[tokio::test]
async fn an_empty_page_now_and_then_keeps_nothing_back() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(30)).await.unwrap();
        tenant.inject(FaultRule::new(Fault::EndlessPages).when(When::EveryNth(3)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(tenant.fired()[0] > 10);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_page_above_the_cap_is_not_read() {
    let fault = Fault::OversizedPage { bytes: 3 << 20 };
    leaves_one_run_out(fault, "larger than 1048576 bytes", |office| {
        office.client.page_cap_bytes = 1 << 20;
    })
    .await;
}

#[tokio::test]
async fn a_skip_token_that_is_never_known_leaves_that_collection_out() {
    for status in [400, 410] {
        let fault = Fault::ExpiredSkipToken { status };
        leaves_one_run_out(fault, &status.to_string(), |_| {}).await;
    }
}

#[tokio::test]
async fn a_skip_token_that_has_expired_starts_the_collection_again() {
    for status in [400, 410] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(paged(32)).await.unwrap();
            for endpoint in [Endpoint::Workflows, Endpoint::Runs, Endpoint::RunResults] {
                let rule = FaultRule::new(Fault::ExpiredSkipToken { status }).on(endpoint);
                tenant.inject(rule.times(1));
            }
            let summary = office.export(&tenant).await;
            assert_eq!(tenant.fired(), [1, 1, 1]);
            assert_eq!(summary.exit_code, 0, "{status}: {summary:#?}");
            office.assert_holds(&tenant, &tenant.truth());
        }
    }
}

#[tokio::test]
async fn a_large_page_below_the_cap_is_read() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(33)).await.unwrap();
        let fault = Fault::OversizedPage { bytes: 3 << 20 };
        tenant.inject(FaultRule::new(fault).when(When::EveryNth(20)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(tenant.fired()[0] > 2);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn next_links_in_another_spelling_and_rows_that_come_twice_make_no_difference() {
    for fault in [Fault::RespelledNextLink, Fault::RepeatedRow] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(paged(34)).await.unwrap();
            // Every other page only: a page that begins with the last row of the one before, and
            // has room for no other, would never get on.
            tenant.inject(FaultRule::new(fault.clone()).when(When::EveryNth(2)));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{fault:?}: {summary:#?}");
            assert!(tenant.fired()[0] > 10);
            office.assert_holds(&tenant, &tenant.truth());
        }
    }
}

/// Origins that are not the tenant's, though some look like it.
fn foreign_origins(elsewhere: &Eavesdropper, tenant: &Simulator) -> Vec<String> {
    let own = tenant.origin().trim_start_matches("http://");
    let port = elsewhere.port();
    vec![
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://{own}@127.0.0.1:{port}"),
        format!("http://user:{own}@localhost:{port}"),
        format!("//127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http:\\\\127.0.0.1:{port}"),
    ]
}

#[tokio::test]
async fn the_token_never_goes_where_a_next_link_of_another_origin_points() {
    let elsewhere = Eavesdropper::start().await;
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(35)).await.unwrap();
        let origins = foreign_origins(&elsewhere, &tenant);
        let runs = long_runs(&tenant);
        assert!(runs.len() > origins.len());
        for (origin, run) in origins.iter().zip(&runs) {
            let origin = origin.clone();
            let rule = FaultRule::new(Fault::ForeignNextLink { origin }).on(Endpoint::RunResults);
            tenant.inject(rule.path_contains(run));
        }
        let summary = office.export(&tenant).await;
        assert_eq!(elsewhere.heard(), Vec::<String>::new());
        assert!(
            tenant.fired().iter().all(|fired| *fired == 1),
            "{:?}",
            tenant.fired()
        );
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert_eq!(summary.not_covered.len(), origins.len());
        office.assert_nothing_false(&tenant, &tenant.truth());
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn a_list_of_workflows_that_goes_on_elsewhere_leaves_the_dataset_untouched() {
    let elsewhere = Eavesdropper::start().await;
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(36)).await.unwrap();
        office.assert_completes(&tenant).await;
        let before = contents(office.out());
        let origin = format!("http://127.0.0.1:{}", elsewhere.port());
        tenant.inject(FaultRule::new(Fault::ForeignNextLink { origin }).on(Endpoint::Workflows));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 1, "{summary:#?}");
        let message = summary.error.unwrap().message;
        assert!(
            message.contains("which is not the Graph it came from"),
            "{message}"
        );
        assert_eq!(contents(office.out()), before);
        assert_eq!(elsewhere.heard(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token_nor_without() {
    let elsewhere = Eavesdropper::start().await;
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(paged(37)).await.unwrap();
        let origin = format!("http://127.0.0.1:{}", elsewhere.port());
        let rule = FaultRule::new(Fault::Redirect { origin }).on(Endpoint::RunResults);
        tenant.inject(rule.when(When::Nth(30)));
        let summary = office.export(&tenant).await;
        assert_eq!(tenant.fired(), [1]);
        assert_eq!(summary.exit_code, 1, "{summary:#?}");
        assert!(
            summary.error.clone().unwrap().message.contains("302"),
            "{summary:#?}"
        );
        assert_eq!(elsewhere.heard(), Vec::<String>::new());
        office.assert_holds_the_oldest_days(&tenant, &tenant.truth());
        office.assert_completes(&tenant).await;
    }
}
