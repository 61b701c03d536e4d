//! What was fetched against what the service counts: matched, short, over, or nothing to count.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_pipeline::Status;
use lcw_simulator::{Endpoint, ProcessingStatus, RunPlan, Simulator};
use lcw_tests::{Archive, Office, data_files, runs_read, single};
use lcw_transform::Table;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_result_that_appears_late_makes_its_run_short_and_then_matched() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(1)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let whole = RunPlan::new(tenant.now() - 3 * HOUR, 4);
        tenant.add_run(workflow, &whole);
        let run = tenant.add_run(workflow, &RunPlan::new(tenant.now() - 2 * HOUR, 5));
        tenant.delay_result(&run, 2, tenant.now() + DAY);
        let key = vec![workflow.clone(), run.clone()];
        // Every export that reads it again is red, and asks in all three ways.
        for _ in 0..2 {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.status), (5, Status::Unproven));
            let short = &summary.proof.short_runs[0];
            assert_eq!((summary.proof.short, &short.run_id), (1, &run));
            assert_eq!((short.counted, short.fetched), (5, 4));
            assert_eq!(summary.ways.results["unfiltered"], 1);
            let records = tenant.requests().into_iter();
            let asked: BTreeSet<bool> = records
                .filter(|record| record.path.contains(&run))
                .map(|record| record.query.is_empty())
                .collect();
            assert_eq!(asked.len(), 2, "with a filter, and without");
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
            assert_eq!(
                office.facts(&tenant, Table::Runs)[&key]["_lcw_proof"],
                "short"
            );
        }
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants[0].short_runs[0].run_id, run);

        tenant.advance(DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.proof.matched),
            (0, 1),
            "{summary:#?}"
        );
        assert_eq!(summary.tables["user_processing_results"].rows_new, 1);
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert!(status.tenants[0].short_runs.is_empty());
    }
}

#[tokio::test]
async fn a_run_that_stays_short_is_read_again_inside_the_lookback_and_then_only_shown() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(single(2)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let run = tenant.add_run(workflow, &RunPlan::new(tenant.now() - 2 * HOUR, 5));
        tenant.report_users(&run, Some(7));
        let archive = Archive::of(&tenant.truth());
        for code in [5, 5, 5, 0, 0] {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, code, "{summary:#?}");
            assert_eq!(runs_read(&tenant).len(), usize::from(code == 5));
            office.assert_keeps(&tenant, &archive);
            office.assert_markers(&tenant, &tenant.truth());
            let status = lcw_pipeline::status(office.out()).unwrap();
            let short = &status.tenants[0].short_runs[0];
            assert_eq!((short.counted, short.fetched), (Some(7), Some(5)));
            tenant.advance(DAY);
        }
    }
}

#[tokio::test]
async fn more_rows_than_the_service_counts_are_kept_and_warned_of() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(3)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let run = tenant.add_run(workflow, &RunPlan::new(tenant.now() - 2 * HOUR, 5));
        tenant.report_users(&run, Some(3));
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.proof.over),
            (0, 1),
            "{summary:#?}"
        );
        assert_eq!(summary.warnings.len(), 1, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
        let summary = office.export(&tenant).await;
        assert_eq!((summary.runs.fetched, summary.warnings.len()), (0, 0));
    }
}

#[tokio::test]
async fn a_settled_run_without_users_needs_no_request() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(4)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        tenant.add_run(workflow, &RunPlan::new(tenant.now() - 2 * HOUR, 0));
        // Minutes after its end the counter may still lag: it is asked for its results.
        let fresh = RunPlan::new(tenant.now() - Duration::from_mins(3), 0);
        let fresh = tenant.add_run(workflow, &fresh);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.runs.skipped_empty), (0, 1));
        assert_eq!(runs_read(&tenant), BTreeSet::from([fresh]));
        assert_eq!((summary.proof.matched, summary.proof.short), (1, 0));
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());

        tenant.advance(HOUR);
        for (matched, skipped) in [(1, 1), (0, 2)] {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.proof.matched), (0, matched));
            assert_eq!(summary.runs.skipped_settled, skipped);
            assert_eq!(tenant.count(Endpoint::RunResults), 0);
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
        }
    }
}

#[tokio::test]
async fn counters_that_lag_behind_the_end_of_a_run_prove_nothing() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(5)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        for users in 1..9 {
            let plan = RunPlan::new(tenant.now() - Duration::from_mins(4), users);
            tenant.add_run(workflow, &plan.ending(ProcessingStatus::Failed));
        }
        let lagging = tenant.truth();
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.runs.fetched),
            (0, 8),
            "{summary:#?}"
        );
        let proof = &summary.proof;
        assert_eq!(proof.matched + proof.short + proof.over, 0, "{summary:#?}");
        office.assert_holds(&tenant, &lagging);
        office.assert_markers(&tenant, &lagging);

        tenant.advance(HOUR);
        assert_ne!(tenant.truth().runs, lagging.runs);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 8));
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
        let files = data_files(office.out());
        assert_eq!(office.export(&tenant).await.runs.fetched, 0);
        assert_eq!(data_files(office.out()), files);
    }
}
