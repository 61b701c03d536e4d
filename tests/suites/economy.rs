//! No request too many: what an export sends against the least that could bring the same.

use std::time::Duration;

use lcw_pipeline::FileFormat::Parquet;
use lcw_simulator::{
    Category, Endpoint, Fault, FaultBody, FaultRule, Paging, RetryAfter, Schedule, Simulator,
    TenantConfig, When, WorkflowConfig,
};
use lcw_tests::Office;
use lcw_transform::Table;

/// So many users in each of some four hundred runs, five to a page.
fn tenant(users: u32) -> TenantConfig {
    let half_an_hour = Duration::from_mins(30);
    let workflow = WorkflowConfig::new(Category::Mover, "Move")
        .scheduled(Schedule::past(half_an_hour, 8), users..=users);
    TenantConfig {
        workflows: vec![workflow],
        paging: Paging::plain(5),
        ticking: false,
        ..TenantConfig::empty(21)
    }
}

/// Two requests in a hundred go wrong, in every way that passes.
fn faults(seed: u64) -> Vec<FaultRule> {
    let failed = [408, 500, 502, 503, 504, 509].map(|status| Fault::Status {
        status,
        body: FaultBody::Json,
        retry_after: RetryAfter::Absent,
    });
    let others = [
        Fault::Throttled(RetryAfter::seconds(1)),
        Fault::Throttled(RetryAfter::Absent),
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        Fault::ExpiredSkipToken { status: 400 },
        Fault::ExpiredSkipToken { status: 410 },
    ];
    let kinds: Vec<Fault> = failed.into_iter().chain(others).collect();
    let share = 0.02 / f64::from(u32::try_from(kinds.len()).unwrap());
    let rules = kinds.into_iter().zip(0..);
    rules
        .map(|(fault, nth)| {
            let rule = FaultRule::new(fault).when(When::Chance(share));
            rule.seed(100 * seed + nth)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn two_faults_in_a_hundred_cost_no_more_than_five_requests_in_a_hundred() {
    for seed in 1..=2 {
        let tenant = Simulator::start(tenant(20)).await.unwrap();
        let clean = Office::new(Parquet).export(&tenant).await;
        assert_eq!(clean.requests.sent, clean.requests.least);

        for rule in faults(seed) {
            tenant.inject(rule);
        }
        let mut office = Office::new(Parquet);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());

        let (sent, least) = (summary.requests.sent, summary.requests.least);
        let fired: u64 = tenant.fired().iter().sum();
        assert!(fired * 100 > least, "only {fired} of {least} went wrong");
        assert_eq!(least, clean.requests.sent, "what was asked for is the same");
        assert!(sent > least, "{sent} of {least}");
        assert!(sent * 100 <= least * 105, "{sent} sent, {least} needed");
    }
}

#[tokio::test]
async fn runs_without_users_cost_no_request_but_that_which_lists_them() {
    let tenant = Simulator::start(tenant(0)).await.unwrap();
    let summary = Office::new(Parquet).export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert!(summary.runs.listed > 300, "{summary:#?}");
    assert_eq!(tenant.count(Endpoint::RunResults), 0);
    assert_eq!(tenant.count(Endpoint::TaskResults), 0);
}

/// Neither waits for the other's answer, so that a run takes as long as the slower of them.
#[tokio::test(start_paused = true)]
async fn results_and_task_results_of_a_run_are_fetched_side_by_side() {
    let daily = Schedule::past(Duration::from_hours(24), 2);
    let mut config = tenant(0);
    config.workflows = vec![WorkflowConfig::new(Category::Leaver, "Leave").scheduled(daily, 1..=1)];
    let tenant = Simulator::start(config).await.unwrap();
    let second = Duration::from_secs(1);
    for endpoint in [Endpoint::RunResults, Endpoint::TaskResults] {
        let slow = Fault::SlowBytes {
            chunk: 64,
            pause: second,
        };
        tenant.inject(FaultRule::new(slow).on(endpoint));
    }
    let mut office = Office::new(Parquet);
    office.request.tables.push(Table::TaskProcessingResults);
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    let runs = usize::try_from(summary.runs.fetched).unwrap();
    assert!(runs > 1 && 2 * runs <= office.request.max_concurrency);
    let arrivals = |endpoint| {
        let asked = tenant.requests().into_iter();
        let asked = asked.filter(move |it| it.endpoint == endpoint);
        asked.map(|it| it.at).collect::<Vec<_>>()
    };
    let results = arrivals(Endpoint::RunResults);
    let tasks = arrivals(Endpoint::TaskResults);
    assert_eq!((results.len(), tasks.len()), (runs, runs));
    let all = results.iter().chain(&tasks);
    let (first, last) = (all.clone().min().unwrap(), all.max().unwrap());
    let apart = last.duration_since(*first);
    assert!(apart < second, "{apart:?} between the first and the last");
}
