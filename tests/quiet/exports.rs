//! Whole exports with everything going wrong, overheard.

use lcw_extractor::query::ResultQuery;
use lcw_pipeline::Summary;
use lcw_simulator::{
    Endpoint, Fault, FaultRule, Pages, RetryAfter, ScriptedAnswer, Simulator, TenantConfig, When,
};
use lcw_tests::canaries::{self, assert_none};
use lcw_tests::{Office, compact, contents};
use lcw_transform::Table;
use serde_json::json;

use crate::listener::{heard, listen};

/// What passes, often, and what does not, on a few runs each.
fn faults(tenant: &Simulator) -> Vec<FaultRule> {
    let passing = [
        Fault::Throttled(RetryAfter::Absent),
        Fault::gateway(502),
        Fault::status(500),
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::CutGzip,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        Fault::RespelledNextLink,
    ];
    let lasting = [
        Fault::ForeignNextLink {
            origin: "http://user:canary-password@127.0.0.1:9".to_owned(),
        },
        Fault::NextLinkLoop { period: 1 },
        Fault::ExpiredSkipToken { status: 400 },
        Fault::NotFound,
        Fault::Forbidden,
        Fault::status(500),
    ];
    let truth = tenant.truth();
    let step = truth.results.len() / lasting.len();
    let on_runs = lasting.into_iter().enumerate().map(|(nth, fault)| {
        let run = &truth.results[nth * step].run_id;
        FaultRule::new(fault)
            .on(Endpoint::RunResults)
            .path_contains(run)
    });
    let often = passing
        .into_iter()
        .zip([11, 13, 17, 19, 23, 29, 31, 37, 41, 43])
        .map(|(fault, nth)| FaultRule::new(fault).when(When::EveryNth(nth)));
    on_runs.chain(often).collect()
}

fn assert_quiet(tenant: &Simulator, office: &Office, summaries: &[Summary]) {
    let mut canaries = canaries::of(tenant);
    canaries.insert("canary".to_owned());
    let log = heard();
    assert_none("the log", &log, &canaries);
    for summary in summaries {
        assert_none("the summary", &format!("{summary:#?}"), &canaries);
        let printed = serde_json::to_string(summary).unwrap();
        assert_none("the printed summary", &printed, &canaries);
    }
    let beside_the_tables = contents(office.out()).into_iter().filter(|(path, _)| {
        let inside = path.strip_prefix(office.out()).unwrap();
        inside.to_str().unwrap().starts_with('_')
    });
    let mut count = 0;
    for (path, bytes) in beside_the_tables {
        count += 1;
        let text = String::from_utf8_lossy(&bytes);
        assert_none(&path.display().to_string(), &text, &canaries);
        assert_none("a path", &path.display().to_string(), &canaries);
    }
    assert!(count > 1, "manifests, among others");
}

#[tokio::test(start_paused = true)]
async fn an_export_that_meets_every_fault_says_nothing_it_should_not() {
    listen();
    for mut office in Office::of_each_format() {
        let mut config = compact(101);
        config.paging.page_size = 1..=2;
        config.access.token_uses = Some(30);
        let tenant = Simulator::start(config).await.unwrap();
        for rule in faults(&tenant) {
            tenant.inject(rule);
        }
        office.client.max_attempts = 6;
        office.request.tables = Table::ALL.to_vec();
        office
            .request
            .tables
            .retain(|table| *table != Table::SubjectProcessingResults);
        office.request.query = ResultQuery::parse(None, None, None, Some("subject")).unwrap();
        let faulted = office.export(&tenant).await;
        assert_eq!(faulted.exit_code, 4, "{faulted:#?}");
        assert!(faulted.not_covered.len() >= 5, "{faulted:#?}");
        // Names are not part of what the truth is compared with.
        office.request.tables = lcw_tests::CORE[..2].to_vec();
        office.request.tables.push(Table::TaskProcessingResults);
        let completed = office.assert_completes(&tenant).await;
        assert_quiet(&tenant, &office, &[faulted, completed]);
    }
    let log = heard();
    for target in ["lcw_extractor", "lcw_pipeline", "hyper_util"] {
        assert!(
            log.contains(&format!(" {target}::")),
            "{target} was not heard"
        );
    }
    assert!(log.contains("TRACE"));
}

#[tokio::test(start_paused = true)]
async fn counts_that_do_not_match_are_reported_by_run_and_not_by_subject() {
    listen();
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(102)).await.unwrap();
        let run = tenant.truth().results[0].run_id.clone();
        tenant.report_users(&run, Some(99));
        let short = office.export(&tenant).await;
        assert_eq!(short.exit_code, 5, "{short:#?}");
        assert_eq!(short.proof.short_runs[0].run_id, run);
        assert_quiet(&tenant, &office, &[short]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_export_that_ends_early_says_nothing_it_should_not() {
    listen();
    for (pages, fault) in [
        (Pages::Any, Fault::gateway(503)),
        (Pages::Further, Fault::Unauthorized),
        (
            Pages::Further,
            Fault::Throttled(RetryAfter::seconds(1_000_000_000)),
        ),
        (
            Pages::Further,
            Fault::Redirect {
                origin: "http://canary:canary@127.0.0.1:9".to_owned(),
            },
        ),
    ] {
        let [mut office, _] = Office::of_each_format();
        let tenant = Simulator::start(compact(103)).await.unwrap();
        let on = FaultRule::new(fault).on(Endpoint::RunResults);
        tenant.inject(on.pages(pages));
        let summary = office.export(&tenant).await;
        assert!(summary.error.is_some(), "{summary:#?}");
        assert_quiet(&tenant, &office, &[summary]);
    }
}

/// A subject where it does not belong, in a run that is otherwise in order.
async fn with_result(result: serde_json::Value) -> Simulator {
    const ROOT: &str = "/v1.0/identityGovernance/lifecycleWorkflows";
    let run = json!({
        "id": "r", "processingStatus": "completed", "totalUsersCount": 1,
        "scheduledDateTime": "2026-11-22T10:00:00Z", "lastUpdatedDateTime": "2026-11-22T10:10:00Z",
    });
    let workflow = json!({ "id": "w", "category": "joiner", "displayName": "Onboard" });
    let page = |row: &serde_json::Value| json!({ "value": [row] }).to_string();
    let answer = |path: &str, body: String| ScriptedAnswer::new(format!("{ROOT}{path}"), body);
    let answers = vec![
        answer("/workflows", page(&workflow)),
        answer("/workflows/w", workflow.to_string()),
        answer(
            "/deletedItems/workflows",
            json!({ "value": [] }).to_string(),
        ),
        answer("/workflows/w/runs", page(&run)),
        answer("/workflows/w/runs/r/userProcessingResults", page(&result)),
    ];
    Simulator::scripted_on(0, TenantConfig::empty(104), answers)
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_read_is_named_without_its_subject() {
    listen();
    let subject = "5ec7e7b0-1111-4222-8333-44445555beef";
    let id = format!("w_1_r_{subject}");
    for result in [
        json!({ "id": id, "subject": { "id": subject }, "completedDateTime": "never" }),
        json!({ "id": id, "subject": { "id": subject }, "totalTasksCount": "three" }),
        json!({ "id": id, "subject": subject }),
        json!({ "id": id, "subject": [subject] }),
        json!({ "id": id, "subject": { "id": [subject] } }),
        json!({ "id": [id] }),
        json!({ "id": { "of": subject } }),
        json!({ "subject": { "id": subject } }),
        json!([id]),
        json!(id),
    ] {
        for mut office in Office::of_each_format() {
            let tenant = with_result(result.clone()).await;
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 1, "{result}: {summary:#?}");
            assert!(
                !format!("{summary:#?}").contains(subject),
                "{result}: {summary:#?}"
            );
        }
    }
    assert!(!heard().contains(subject));
}
