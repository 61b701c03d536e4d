//! Subjects that are not users, and runs that process others again.

use lcw_extractor::ApiVersion;
use lcw_simulator::{
    Category, Endpoint, Reading, ReprocessedRuns, RunPlan, Simulator, TenantConfig, Truth,
    WorkflowConfig,
};
use lcw_tests::{CORE, Office, assert_same, compact, expected, single};
use lcw_transform::Table;

const SUBJECTS: Table = Table::SubjectProcessingResults;

fn beta(tenant: &Simulator) -> Truth {
    tenant.truth_as(&Reading {
        beta: true,
        ..Reading::default()
    })
}

/// One exporter per format that exports this table, too.
fn offices(table: Table) -> [Office; 2] {
    Office::of_each_format().map(|mut office| {
        office.request.tables = [&CORE[..], &[table]].concat();
        office
    })
}

/// A tenant full of traps where every fourth run has subjects that are not users.
fn with_subjects(seed: u64) -> TenantConfig {
    let mut config = compact(seed);
    config.outcomes.non_users = 0.25;
    config
}

#[tokio::test]
async fn subject_results_of_beta_are_the_whole_truth_and_settle_every_count() {
    for mut office in offices(SUBJECTS) {
        let tenant = Simulator::start(with_subjects(121)).await.unwrap();
        office.client.api_version = ApiVersion::Beta;
        let truth = beta(&tenant);
        assert!(truth.subject_results.len() > 3);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!((summary.proof.short, summary.proof.unproven), (0, 0));
        office.assert_holds(&tenant, &truth);
        let runs = office.facts(&tenant, Table::Runs);
        for result in &truth.subject_results {
            let run = &runs[&vec![result.workflow_id.clone(), result.run_id.clone()]];
            assert!(run["_lcw_subject_rows"].as_i64() > Some(0), "{run:?}");
            let proof = &run["_lcw_proof"];
            assert!(proof == "matched" || proof == "open", "{run:?}");
        }
    }
}

#[tokio::test]
async fn on_v1_their_runs_are_short_until_the_subjects_are_read() {
    for mut office in offices(SUBJECTS) {
        let tenant = Simulator::start(single(122)).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let hour = std::time::Duration::from_hours(1);
        let plan = RunPlan::new(tenant.now() - 5 * hour, 3).with_non_users(2);
        let run = tenant.add_run(&workflow, &plan);
        let key = vec![workflow, run];

        office.request.tables = CORE.to_vec();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        let row = &office.facts(&tenant, Table::Runs)[&key];
        assert_eq!(
            (&row["_lcw_proof"], row["_lcw_result_rows"].as_i64()),
            (&"short".into(), Some(3))
        );
        assert!(row["_lcw_subject_rows"].is_null());

        office.request.tables.push(SUBJECTS);
        office.client.api_version = ApiVersion::Beta;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!((summary.proof.matched, summary.proof.short), (1, 0));
        office.assert_holds(&tenant, &beta(&tenant));
        let row = &office.facts(&tenant, Table::Runs)[&key];
        assert_eq!(row["_lcw_proof"], "matched");
        assert_eq!(row["_lcw_subject_rows"], 2);
        // It has settled, and nothing is left to ask for.
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.runs.fetched),
            (0, 0),
            "{summary:#?}"
        );
        assert_eq!(
            office.facts(&tenant, Table::Runs)[&key]["_lcw_proof"],
            "matched"
        );
    }
}

#[tokio::test]
async fn runs_of_extensibility_workflows_are_counted_with_their_subjects() {
    for mut office in offices(SUBJECTS) {
        let mut config = single(123);
        config.workflows = vec![WorkflowConfig::new(Category::Extensibility, "Provision")];
        let tenant = Simulator::start(config).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let hour = std::time::Duration::from_hours(1);
        let plan = RunPlan::new(tenant.now() - 5 * hour, 0).with_non_users(4);
        let run = tenant.add_run(&workflow, &plan);
        let key = vec![workflow, run];
        let mut without = Office::new(office.request.format);
        let cases = [
            (&mut without, serde_json::Value::Null),
            (&mut office, "matched".into()),
        ];
        for (office, proof) in cases {
            office.client.api_version = ApiVersion::Beta;
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let is_null = proof.is_null();
            assert_eq!(summary.proof.non_user_subjects, u64::from(is_null));
            let row = &office.facts(&tenant, Table::Runs)[&key];
            assert_eq!(row["_lcw_proof"], proof);
            office.assert_holds(&tenant, &beta(&tenant));
        }
        // Their table may join the dataset later.
        without.request.tables.push(SUBJECTS);
        let summary = without.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
        assert_eq!(
            without.facts(&tenant, Table::Runs)[&key]["_lcw_proof"],
            "matched"
        );
    }
}

#[tokio::test]
async fn runs_that_process_others_again_are_the_whole_truth() {
    for mut office in offices(Table::ReprocessedRuns) {
        let mut config = compact(124);
        config.reprocessed_runs = ReprocessedRuns::Readable;
        let tenant = Simulator::start(config).await.unwrap();
        assert!(!tenant.truth().reprocessed.is_empty());
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.not_covered.is_empty(), "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_service_that_does_not_show_them_is_named_once_and_hardly_asked() {
    for refusal in [ReprocessedRuns::Forbidden, ReprocessedRuns::NotFound] {
        for mut office in offices(Table::ReprocessedRuns) {
            let mut config = compact(125);
            config.reprocessed_runs = refusal;
            let tenant = Simulator::start(config).await.unwrap();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{refusal:?}: {summary:#?}");
            let table = Table::ReprocessedRuns;
            let named: Vec<_> = summary
                .not_covered
                .iter()
                .filter(|it| it.table.as_deref() == Some(table.name()))
                .collect();
            let ids: std::collections::BTreeSet<_> =
                named.iter().map(|it| it.workflow_id.as_deref()).collect();
            assert_eq!(ids.len(), named.len(), "once for each workflow: {named:#?}");
            assert!(named.iter().all(|it| !it.is_partial));
            let asked = tenant.count(Endpoint::ReprocessedRuns);
            let runs = tenant.truth().runs.len() as u64;
            assert!(asked < runs, "{asked} requests for {runs} runs");
            let mut truth = tenant.truth();
            truth.reprocessed.clear();
            office.assert_holds(&tenant, &truth);

            let runs = office.export(&tenant).await.runs;
            let accounted = runs.fetched + runs.skipped_settled + runs.skipped_empty;
            assert_eq!(accounted, runs.listed, "{runs:?}");

            tenant.update_config(|config| config.reprocessed_runs = ReprocessedRuns::Readable);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let stored = office.facts(&tenant, table);
            assert_same(table.name(), &stored, &expected(&tenant.truth(), table));
        }
    }
}
