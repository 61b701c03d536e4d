//! Every fault at every kind of request, at the first of them, at one in the middle and at the last:
//! alone, once, and for good.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression, Route, Summary, exit};
use lcw_simulator::{
    Endpoint, Fault, FaultRule, RetryAfter, RunPlan, Simulator, TenantConfig, When,
};
use lcw_tests::by_seed::play_all;
use lcw_tests::torture::{is_long, single_seed};
use lcw_tests::{Office, expected, quiet};
use lcw_transform::Table;

use crate::oracle::{deleted_workflows, is_named};
use crate::troubles;

const HOUR: Duration = Duration::from_hours(1);

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

/// What the tenant and the dataset are like when the fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// There is no dataset yet.
    First,
    /// No dataset, and results are read workflow by workflow.
    ByWorkflow,
    /// There is one, with an open run that is too old to be listed: it is asked for by its id.
    OpenRun,
}

/// One fault at one request, or at every one from there on.
#[derive(Debug)]
struct Case {
    scene: Scene,
    fault: Fault,
    endpoint: Endpoint,
    /// Of the requests that the fault can hit.
    nth: u64,
    is_lasting: bool,
    format: FileFormat,
}

/// Everything has several pages, and something can be seen of each kind.
fn config(scene: Scene) -> TenantConfig {
    let mut config = quiet(3, 4);
    config.workflows.truncate(2);
    config.workflows[1].deleted = Some(12 * HOUR);
    config.workflows[0].tasks = 2;
    let run = RunPlan::new(config.now - 50 * HOUR, 4);
    config.runs = vec![match scene {
        Scene::First | Scene::ByWorkflow => (0, run),
        Scene::OpenRun => (0, run.working_for(51 * HOUR)),
    }];
    config.paging.page_size = 2..=2;
    config.paging.empty_pages = 0.0;
    config
}

fn office(scene: Scene, format: FileFormat) -> Office {
    let mut office = Office::new(format);
    office.request.route = match scene {
        Scene::First | Scene::OpenRun => Route::Run,
        Scene::ByWorkflow => Route::Workflow,
    };
    office.request.tables = TABLES.to_vec();
    office.request.max_concurrency = 1;
    office.client.max_attempts = 3;
    office.client.page_limit = 60;
    office.client.page_cap_bytes = 1 << 20;
    office.client.deadline = None;
    office
}

/// A tenant and an exporter with the fault before them.
async fn stage(scene: Scene, format: FileFormat) -> (Simulator, Office) {
    let tenant = Simulator::start(config(scene)).await.unwrap();
    let mut office = office(scene, format);
    if scene == Scene::OpenRun {
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.runs.open),
            (0, 1),
            "{summary:#?}"
        );
        // Meanwhile it has ended.
        tenant.advance(5 * HOUR);
        tenant.reset_requests();
        office.request.lookback = 24 * HOUR;
    }
    (tenant, office)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

/// How many requests of an export that nothing disturbs each of these could hit.
fn hittable(scene: Scene, aims: &[(Endpoint, Fault)]) -> Vec<u64> {
    run(async {
        let (tenant, mut office) = stage(scene, FileFormat::Parquet).await;
        for (endpoint, fault) in aims {
            let never = FaultRule::new(fault.clone()).times(0);
            tenant.inject(never.on(*endpoint));
        }
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        assert_eq!(tenant.fired().iter().sum::<u64>(), 0);
        tenant.matched()
    })
}

/// What can be played, and how many pairs of a fault and a kind of request cannot.
#[derive(Default)]
struct Cases {
    cases: Vec<Case>,
    /// A fault of a next link, or of what it leads to, where one page is all there is.
    without_next_link: usize,
}

impl Cases {
    fn all() -> Self {
        let mut all = Self::default();
        // One run by its id is asked for only when no listing brings it.
        let mut listed = troubles::endpoints(&TABLES);
        listed.retain(|endpoint| *endpoint != Endpoint::Run);
        all.add(Scene::First, &listed);
        all.add(Scene::ByWorkflow, &[Endpoint::WorkflowResults]);
        all.add(Scene::OpenRun, &[Endpoint::Run]);
        all
    }

    fn add(&mut self, scene: Scene, endpoints: &[Endpoint]) {
        let mut faults = troubles::passing();
        faults.extend(troubles::lasting(ELSEWHERE));
        faults.extend(troubles::SILENT);
        let of = |endpoint: &Endpoint| {
            let endpoint = *endpoint;
            let faults = faults.iter().cloned();
            faults
                .map(move |fault| (endpoint, fault))
                .collect::<Vec<_>>()
        };
        let aims: Vec<_> = endpoints.iter().flat_map(of).collect();
        let counts = hittable(scene, &aims);
        for ((endpoint, fault), count) in aims.into_iter().zip(counts) {
            if count > 0 {
                self.add_places(scene, endpoint, &fault, count);
                continue;
            }
            assert!(
                is_of_a_next_link(&fault),
                "{fault:?} hits nothing at {endpoint:?}"
            );
            self.without_next_link += 1;
        }
    }

    /// The first, one in the middle and the last of so many.
    fn add_places(&mut self, scene: Scene, endpoint: Endpoint, fault: &Fault, count: u64) {
        let mut places = vec![1, count.div_ceil(2), count];
        places.dedup();
        for is_lasting in [false, true] {
            for &nth in &places {
                let format = if self.cases.len().is_multiple_of(2) {
                    FileFormat::Parquet
                } else {
                    FileFormat::Ndjson(NdjsonCompression::Zstd)
                };
                self.cases.push(Case {
                    scene,
                    fault: fault.clone(),
                    endpoint,
                    nth,
                    is_lasting,
                    format,
                });
            }
        }
    }
}

/// What only a page with a next link, or one that such a link led to, can suffer.
fn is_of_a_next_link(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::NextLinkLoop { .. }
            | Fault::ForeignNextLink { .. }
            | Fault::RespelledNextLink
            | Fault::EndlessPages
            | Fault::ExpiredSkipToken { .. }
            | Fault::RepeatedRow
            | Fault::DroppedPage
            | Fault::CutCollection
    )
}

#[test]
#[expect(clippy::print_stderr, reason = "what was tried, and what could not be")]
fn a_fault_at_any_place_is_got_over_or_said_and_the_next_export_completes() {
    const NAME: &str = "a_fault_at_any_place_is_got_over_or_said_and_the_next_export_completes";
    let Cases {
        cases,
        without_next_link,
    } = Cases::all();
    let count = u64::try_from(cases.len()).unwrap();
    // A prime number: one after the other, every kind of request and of fault has its turn.
    let step = if is_long() { 1 } else { 61 };
    let chosen = match single_seed() {
        Some(seed) => seed..seed + 1,
        None => 0..count.div_ceil(step),
    };
    eprintln!(
        "positions: {} of {count} cases; {without_next_link} pairs left out, of a fault of next links and \
         a kind of request without any",
        chosen.end - chosen.start
    );
    play_all(NAME, chosen, |nth| {
        let case = &cases[usize::try_from(nth * step % count).unwrap()];
        run(play(case));
    });
}

async fn play(case: &Case) {
    let (tenant, mut office) = stage(case.scene, case.format).await;
    let when = if case.is_lasting {
        When::FromNth(case.nth)
    } else {
        When::Nth(case.nth)
    };
    let rule = FaultRule::new(case.fault.clone()).on(case.endpoint);
    tenant.inject(rule.when(when));
    check(case, &mut office, &tenant).await;
}

async fn check(case: &Case, office: &mut Office, tenant: &Simulator) {
    let truth = tenant.truth();
    let summary = office.export(tenant).await;
    let code = summary.exit_code;
    assert!(tenant.fired()[0] > 0, "{case:?}: the fault never came");
    let inside = tenant.requests_inside_pauses(Duration::ZERO);
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
    } else if case.scene != Scene::OpenRun
        && office.out().join("_dataset.json").exists()
        && !is_pieced_together(case)
    {
        office.assert_nothing_false(tenant, &truth);
    }
    // What a pause of years keeps out, keeps the same client out only.
    tokio::time::advance(Duration::from_hours(25)).await;
    tenant.clear_faults();
    office.request.lookback = 30 * 24 * HOUR;
    let summary = office.export(tenant).await;
    assert_eq!(summary.exit_code, 0, "{case:?}: {summary:#?}");
    if !is_uncounted_silence(case) {
        office.assert_holds(tenant, &truth);
    }
}

/// With code 0 everything is there, but for what the summary names, and what nothing counts.
fn assert_whole_or_said(case: &Case, office: &Office, tenant: &Simulator, summary: &Summary) {
    if is_uncounted_silence(case) {
        return;
    }
    let truth = tenant.truth();
    let deleted = deleted_workflows(&truth);
    let expired = expired(office, tenant, summary);
    let has_expired = |table: Table, key: &[String]| table.is_by_day() && expired.contains(&key[1]);
    for table in TABLES {
        let (found, wanted) = (office.facts(tenant, table), expected(&truth, table));
        for key in found.keys() {
            assert!(
                wanted.contains_key(key),
                "{case:?}: {table:?} {key:?} is one too many"
            );
        }
        for (key, row) in &wanted {
            let is_there = found
                .get(key)
                .is_some_and(|found| row.iter().all(|(column, value)| found[column] == *value));
            assert!(
                is_there || is_named(summary, &deleted, table, key) || has_expired(table, key),
                "{case:?}: {table:?} {key:?} is {:#?}, not {row:#?}, and nothing says so: {summary:#?}",
                found.get(key)
            );
        }
    }
}

/// Runs of which the service has said that it dropped them before they had ended: their rows say so, and the
/// summary counts each. Only a listing that reaches back to them can find that it was not so.
fn expired(office: &Office, tenant: &Simulator, summary: &Summary) -> BTreeSet<String> {
    let runs = office.facts(tenant, Table::Runs).into_iter();
    let expired = runs.filter(|(_, row)| row["_lcw_proof"] == "expired");
    let expired: BTreeSet<String> = expired.map(|(key, _)| key[1].clone()).collect();
    let is_counted = summary.runs.expired == expired.len() as u64;
    if is_counted { expired } else { BTreeSet::new() }
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
