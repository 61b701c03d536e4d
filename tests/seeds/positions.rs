//! Every fault at every kind of request, at the first of them, at one in the middle and at the last:
//! alone, once, and for good.

use std::collections::BTreeMap;

use lcw_pipeline::{FileFormat, NdjsonCompression, Route, Summary, exit};
use lcw_simulator::{
    Endpoint, Fault, FaultRule, RetryAfter, RunPlan, Simulator, TenantConfig, When,
};
use lcw_tests::by_seed::play_all;
use lcw_tests::torture::{is_long, single_seed};
use lcw_tests::{Office, quiet};
use lcw_transform::Table;

use crate::troubles;

/// Nobody listens there.
const ELSEWHERE: &str = "http://127.0.0.1:9";

/// Every undated table, every table below runs that v1.0 has.
const TABLES: [Table; 8] = [
    Table::Workflows,
    Table::Runs,
    Table::UserProcessingResults,
    Table::TaskProcessingResults,
    Table::WorkflowVersions,
    Table::Tasks,
    Table::TaskDefinitions,
    Table::TaskReports,
];

/// One fault at one request, or at every one from there on.
#[derive(Debug)]
struct Case {
    fault: Fault,
    endpoint: Endpoint,
    nth: u64,
    is_lasting: bool,
    format: FileFormat,
    route: Route,
}

/// Everything has several pages, and something can be seen of each kind.
fn config() -> TenantConfig {
    let mut config = quiet(3, 4);
    config.workflows.truncate(2);
    config.workflows[1].deleted = Some(std::time::Duration::from_hours(12));
    config.workflows[0].tasks = 2;
    config.runs = vec![(
        0,
        RunPlan::new(config.now - std::time::Duration::from_hours(50), 4),
    )];
    config.paging.page_size = 2..=2;
    config.paging.empty_pages = 0.0;
    config
}

fn office(format: FileFormat, route: Route) -> Office {
    let mut office = Office::new(format);
    office.request.route = route;
    office.request.tables = TABLES.to_vec();
    office.request.max_concurrency = 1;
    office.client.max_attempts = 3;
    office.client.page_limit = 60;
    office.client.page_cap_bytes = 1 << 20;
    office.client.deadline = None;
    office
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

/// How many requests of each kind an export sends that nothing disturbs.
fn undisturbed(route: Route) -> BTreeMap<Endpoint, u64> {
    run(async {
        let tenant = Simulator::start(config()).await.unwrap();
        let mut office = office(FileFormat::Parquet, route);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        let mut asked = BTreeMap::new();
        for ((endpoint, _), count) in tenant.counts() {
            *asked.entry(endpoint).or_default() += count;
        }
        asked
    })
}

fn cases() -> Vec<Case> {
    let mut cases = cases_of(Route::Run, &troubles::endpoints(&TABLES));
    cases.extend(cases_of(Route::Workflow, &[Endpoint::WorkflowResults]));
    cases
}

fn cases_of(route: Route, endpoints: &[Endpoint]) -> Vec<Case> {
    let asked = undisturbed(route);
    // One run by its id is asked for only when no listing brings it.
    let never = [Endpoint::Run];
    for endpoint in endpoints.iter().filter(|it| !never.contains(it)) {
        assert!(
            asked.contains_key(endpoint),
            "nothing asks for {endpoint:?}"
        );
    }
    let mut faults = troubles::passing();
    faults.extend(troubles::lasting(ELSEWHERE));
    faults.extend(troubles::SILENT);
    let mut cases = Vec::new();
    for (endpoint, count) in asked.into_iter().filter(|(it, _)| endpoints.contains(it)) {
        let mut places = vec![1, count.div_ceil(2), count];
        places.dedup();
        for fault in &faults {
            let lasting = places.iter().map(|nth| (*nth, true));
            for (nth, is_lasting) in places.iter().map(|nth| (*nth, false)).chain(lasting) {
                let format = if cases.len() % 2 == 0 {
                    FileFormat::Parquet
                } else {
                    FileFormat::Ndjson(NdjsonCompression::Zstd)
                };
                cases.push(Case {
                    fault: fault.clone(),
                    endpoint,
                    nth,
                    is_lasting,
                    format,
                    route,
                });
            }
        }
    }
    cases
}

#[test]
fn a_fault_at_any_place_is_got_over_or_said_and_the_next_export_completes() {
    const NAME: &str = "a_fault_at_any_place_is_got_over_or_said_and_the_next_export_completes";
    let cases = cases();
    let count = u64::try_from(cases.len()).unwrap();
    // A prime number: one after the other, every kind of request and of fault has its turn.
    let step = if is_long() || single_seed().is_some() {
        1
    } else {
        61
    };
    let chosen = match single_seed() {
        Some(seed) => seed..seed + 1,
        None => 0..count.div_ceil(step),
    };
    play_all(NAME, chosen, |nth| {
        let case = &cases[usize::try_from(nth * step % count).unwrap()];
        run(play(case));
    });
}

async fn play(case: &Case) {
    let tenant = Simulator::start(config()).await.unwrap();
    let mut office = office(case.format, case.route);
    let mut rule = FaultRule::new(case.fault.clone()).on(case.endpoint);
    rule = if case.is_lasting {
        // From the n-th on.
        rule
    } else {
        rule.when(When::Nth(case.nth))
    };
    if case.is_lasting && case.nth > 1 {
        let tenant = std::sync::Arc::new(tenant);
        let weak = std::sync::Arc::downgrade(&tenant);
        tenant.before(case.endpoint, case.nth, move || {
            weak.upgrade().unwrap().inject(rule);
        });
        check(case, &mut office, &tenant).await;
    } else {
        tenant.inject(rule);
        check(case, &mut office, &tenant).await;
    }
}

async fn check(case: &Case, office: &mut Office, tenant: &Simulator) {
    let truth = tenant.truth();
    let summary = office.export(tenant).await;
    let code = summary.exit_code;
    let inside = tenant.requests_inside_pauses(std::time::Duration::ZERO);
    assert!(
        inside.is_empty(),
        "{case:?}: inside a pause: {:?}",
        inside[0]
    );
    let allowed = outcomes(case);
    assert!(
        allowed.contains(&code),
        "{case:?}: exit {code}, not {allowed:?}: {summary:#?}"
    );
    if code == exit::DONE {
        assert_whole_or_said(case, office, tenant, &summary);
    } else if office.out().join("_dataset.json").exists() && !is_pieced_together(case) {
        office.assert_nothing_false(tenant, &truth);
    }
    // What a pause of years keeps out, keeps the same client out only.
    tokio::time::advance(std::time::Duration::from_hours(25)).await;
    tenant.clear_faults();
    let summary = office.export(tenant).await;
    assert_eq!(summary.exit_code, 0, "{case:?}: {summary:#?}");
    if !is_uncounted_silence(case) {
        office.assert_holds(tenant, &truth);
    }
}

/// With code 0 everything is there, but for what the service says that it does not have or show, and
/// what nothing counts.
fn assert_whole_or_said(case: &Case, office: &Office, tenant: &Simulator, summary: &Summary) {
    if is_uncounted_silence(case) || !summary.not_covered.is_empty() {
        return;
    }
    office.assert_holds(tenant, &tenant.truth());
}

/// Without its details, a workflow's row is that of the list, which says less of it.
fn is_pieced_together(case: &Case) -> bool {
    matches!(
        case.endpoint,
        Endpoint::Workflow | Endpoint::DeletedWorkflow
    )
}

/// The service keeps rows to itself that it does not count: nobody can tell.
fn is_uncounted_silence(case: &Case) -> bool {
    let is_counted = [
        Endpoint::Runs,
        Endpoint::RunResults,
        Endpoint::WorkflowResults,
        Endpoint::TaskResults,
    ];
    troubles::is_silent(&case.fault) && !is_counted.contains(&case.endpoint)
}

/// The exit codes that are documented for a fault at a kind of request.
fn outcomes(case: &Case) -> Vec<u8> {
    use exit::{CREDENTIALS, DONE, FAILED, PARTIAL, THROTTLED, UNPROVEN};
    let is_once = !case.is_lasting;
    match &case.fault {
        Fault::Throttled(RetryAfter::In(_, pause)) if pause.as_secs() > 86_400 => {
            if case.endpoint == Endpoint::Token {
                vec![CREDENTIALS, THROTTLED, FAILED]
            } else {
                vec![THROTTLED]
            }
        }
        // The second route is only ever a shorter one.
        _ if case.endpoint == Endpoint::WorkflowResults => vec![DONE],
        Fault::Throttled(_) if is_once => vec![DONE],
        Fault::Throttled(_) if case.endpoint == Endpoint::Token => {
            vec![CREDENTIALS, FAILED, THROTTLED]
        }
        Fault::Throttled(_) => vec![THROTTLED],
        fault if troubles::is_silent(fault) => vec![DONE, UNPROVEN],
        Fault::Unauthorized if case.endpoint == Endpoint::Token => vec![CREDENTIALS],
        Fault::Unauthorized if !is_once => vec![CREDENTIALS],
        Fault::RepeatedRow => vec![DONE],
        fault if is_once && troubles::passing().contains(fault) => vec![DONE],
        // What the token endpoint says is about credentials, or it is not there.
        _ if case.endpoint == Endpoint::Token => vec![DONE, FAILED, CREDENTIALS],
        Fault::Forbidden if case.endpoint == Endpoint::Workflows => vec![CREDENTIALS],
        Fault::Forbidden | Fault::NotFound => vec![DONE, FAILED, PARTIAL],
        Fault::Status {
            status: 400 | 418, ..
        }
        | Fault::Redirect { .. } => {
            vec![DONE, FAILED, PARTIAL, UNPROVEN]
        }
        _ => vec![DONE, FAILED, PARTIAL, UNPROVEN],
    }
}
