//! What somebody has looked into stays on record, and makes no export red any more.

use std::time::Duration;

use lcw_pipeline::{AcknowledgeRequest, acknowledge};
use lcw_simulator::{Endpoint, Fault, FaultRule, RunPlan, Simulator};
use lcw_tests::{Archive, Office, contents, data_files, quiet, single};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

fn request(office: &Office) -> AcknowledgeRequest {
    AcknowledgeRequest {
        out: office.out().to_owned(),
        tenant: None,
        runs: Vec::new(),
        days: Vec::new(),
        workflows: Vec::new(),
        manifests: Vec::new(),
        reason: "case 2611".to_owned(),
    }
}

/// A tenant with a run of which the service counts two users more than it returns.
async fn short_tenant(seed: u64) -> (Simulator, String) {
    let tenant = Simulator::start(single(seed)).await.unwrap();
    let workflow = tenant.workflow_ids()[0].clone();
    let run = tenant.add_run(&workflow, &RunPlan::new(tenant.now() - 2 * DAY, 5));
    tenant.report_users(&run, Some(7));
    (tenant, run)
}

#[tokio::test]
async fn a_shortfall_is_silent_once_it_is_acknowledged_and_loud_when_more_goes_missing() {
    for mut office in Office::of_each_format() {
        let (tenant, run) = short_tenant(1).await;
        assert_eq!(office.export(&tenant).await.exit_code, 5);
        let (files, archive) = (data_files(office.out()), Archive::of(&tenant.truth()));
        let done = acknowledge(&AcknowledgeRequest {
            runs: vec![run.clone()],
            ..request(&office)
        });
        let done = done.unwrap();
        assert_eq!(done.acknowledged.len(), 1);
        assert_eq!(
            (&done.acknowledged[0].run_id, done.acknowledged[0].missing),
            (&run, 2)
        );
        assert_eq!(data_files(office.out()), files, "no table is touched");

        // It is still read again, and named.
        for _ in 0..2 {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert!(tenant.count(Endpoint::RunResults) > 0);
            let short = &summary.proof.short_runs[0];
            assert_eq!(short.acknowledged.as_deref(), Some("case 2611"));
            assert_eq!((summary.proof.short, summary.proof.unacknowledged), (1, 0));
            office.assert_keeps(&tenant, &archive);
            let status = lcw_pipeline::status(office.out()).unwrap();
            let status = &status.tenants[0];
            assert_eq!(status.acknowledged, done.acknowledged);
            assert_eq!(
                status.short_runs[0].acknowledged.as_deref(),
                Some("case 2611")
            );
            assert_eq!(status.last_export.as_ref().unwrap().kind, "export");
        }
        tenant.report_users(&run, Some(9));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "more is missing: {summary:#?}");
        assert_eq!(summary.proof.short_runs[0].acknowledged, None);
        tenant.report_users(&run, None);
        assert_eq!(office.export(&tenant).await.exit_code, 0);
    }
}

#[tokio::test]
async fn a_workflow_of_which_runs_are_missing_is_acknowledged_as_a_whole() {
    for mut office in Office::of_each_format() {
        let mut config = quiet(2, 6);
        config.paging.page_size = 1..=1;
        let tenant = Simulator::start(config).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let rule = FaultRule::new(Fault::CutCollection).on(Endpoint::Runs);
        tenant.inject(rule.path_contains(workflow.clone()));
        assert_eq!(office.export(&tenant).await.exit_code, 5);
        let done = acknowledge(&AcknowledgeRequest {
            workflows: vec![workflow.clone()],
            ..request(&office)
        });
        let tables: Vec<_> = done.unwrap().acknowledged.into_iter().collect();
        assert!(
            tables
                .iter()
                .any(|entry| entry.table == "runs" && entry.run_id.is_empty())
        );
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        // Nothing is asked for any more because of it.
        tenant.reset_requests();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        assert_eq!(tenant.count(Endpoint::RunResults), 0);
    }
}

#[tokio::test]
async fn a_lost_day_is_acknowledged_and_stays_in_the_status() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(3, 3)).await.unwrap();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        tenant.advance(33 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        let lost = summary.lost_days.clone();
        assert_eq!(summary.retention.days_lost, lost);
        let named = summary.not_covered.iter();
        let named = named.filter(|missing| missing.cause == lcw_pipeline::Cause::Retention);
        assert_eq!(named.count(), lost.len());
        let done = acknowledge(&AcknowledgeRequest {
            days: lost.clone(),
            ..request(&office)
        });
        assert_eq!(done.unwrap().acknowledged.len(), lost.len());
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants[0].lost_days, lost);
        assert_eq!(status.tenants[0].acknowledged.len(), lost.len());
        assert_eq!(office.export(&tenant).await.exit_code, 0);
    }
}

#[tokio::test]
async fn what_is_not_missing_cannot_be_acknowledged_and_nothing_is_written() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = short_tenant(4).await;
        office.export(&tenant).await;
        let before = contents(office.out());
        let none = request(&office);
        let unknown = AcknowledgeRequest {
            runs: vec!["no such run".into()],
            ..request(&office)
        };
        let other_tenant = AcknowledgeRequest {
            tenant: Some("11111111-2222-3333-4444-555555555555".into()),
            ..request(&office)
        };
        let good_day = AcknowledgeRequest {
            days: vec!["2026-11-01".into()],
            ..request(&office)
        };
        for wrong in [none, unknown, other_tenant, good_day] {
            let error = acknowledge(&wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
            assert!(error.remedy().is_some());
        }
        assert_eq!(contents(office.out()), before);
    }
}

#[tokio::test]
async fn task_results_and_task_reports_that_are_short_are_acknowledged_with_their_run() {
    for mut office in Office::of_each_format() {
        office.request.tables = vec![Table::TaskProcessingResults, Table::TaskReports];
        let tenant = Simulator::start(single(5)).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let run = tenant.add_run(&workflow, &RunPlan::new(tenant.now() - 2 * DAY, 5));
        let rule = FaultRule::new(Fault::CutCollection).on(Endpoint::TaskResults);
        tenant.update_config(|config| config.paging.page_size = 4..=4);
        tenant.inject(rule);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        assert!(summary.proof.tasks.short == 1 && summary.proof.task_reports.short > 0);
        let done = acknowledge(&AcknowledgeRequest {
            runs: vec![run],
            ..request(&office)
        });
        assert!(done.unwrap().acknowledged.len() > 1);
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        tenant.clear_faults();
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.tasks.short), (0, 0));
        office.assert_holds(&tenant, &tenant.truth());
    }
}
